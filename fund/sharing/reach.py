"""The one gate through which lessons leave the fund.

Whatever shows a lesson outside of its own file (library, card, search, API, front page) takes a ``Card`` from here. A
card holds nothing that grantee *and* fund have not let go as far as its reader stands. Default closed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from textwrap import shorten

from sqlalchemy import ColumnElement, and_, false, or_
from sqlmodel import Session, col

from fund.base.definitions import stored
from fund.base.permissions import Viewer
from schema.lessons import CLEARED_ONE_BY_ONE, TEXTS, Lesson, Reach
from schema.people import Member

FAR_ENOUGH = {
    Reach.NETWORK: (Reach.NETWORK.value, Reach.PUBLIC.value),
    Reach.PUBLIC: (Reach.PUBLIC.value,),
}
"""For readers in the network and for everybody: the levels at which a field gets to them."""


OPENING = ("problem", "approach", "worked", "failed", "advice", "evidence")


@dataclass(frozen=True)
class Card:
    """A published lesson as far as it goes for one reader."""

    slug: str
    theme: str
    published_at: datetime | None
    fields: Mapping[str, str]
    """Name and text of each field that gets here and is not empty."""
    members_only: frozenset[str]
    """Those of the fields that the public does not get: for members to know before they pass them on."""

    @property
    def title(self) -> str:
        """Its title: a lesson whose title does not get to the reader has no card."""
        return self.fields["title"]

    def text(self, name: str) -> str:
        """The field of that name, or nothing where it does not get to the reader."""
        return self.fields.get(name, "")

    @property
    def beginning(self) -> str:
        """The first words of the first long text that gets here."""
        text = next((self.fields[name] for name in OPENING if name in self.fields), "")
        return shorten(" ".join(text.split()), 220, placeholder="…")


def audience(viewer: Viewer) -> Reach:
    """Where the viewer stands: in the network if she acts for a member or has a role in the fund, else outside."""
    inside = viewer.signed_in and bool(viewer.member_ids or viewer.roles)
    return Reach.NETWORK if inside else Reach.PUBLIC


def place(member: Member) -> str:
    """City and country, as one field."""
    return ", ".join(part for part in (member.city, member.country) if part)


def values(lesson: Lesson, member: Member) -> dict[str, str]:
    """Every field that is cleared one by one, with its text. For the fund and the grantee only."""
    return {name: getattr(lesson, name) for name in TEXTS} | {"grantee": member.name, "city": place(member)}


def card(lesson: Lesson, member: Member, reader: Reach) -> Card:
    """The lesson cut down to what gets to ``reader`` (network or public)."""
    reach = {name: lesson.reach(name) for name in CLEARED_ONE_BY_ONE}
    fields = {
        name: text
        for name, text in values(lesson, member).items()
        if reach[name].value in FAR_ENOUGH[reader] and text.strip()
    }
    return Card(
        slug=lesson.slug,
        theme=lesson.theme,
        published_at=lesson.published_at,
        fields=fields,
        members_only=frozenset(name for name in fields if reach[name] != Reach.PUBLIC),
    )


def published(session: Session) -> ColumnElement[bool]:
    """The condition that a lesson stands at an end that its definition declares as published."""
    ends = [
        and_(col(Lesson.workflow_id) == key, col(Lesson.state) == state.name)
        for key, definition in stored(session).items()
        if definition.subject == "lesson"
        for state in definition.states.values()
        if state.outcome == "published"
    ]
    return or_(false(), *ends)


def gets_to(field: str, reader: Reach) -> ColumnElement[bool]:
    """The condition that a lesson's field gets to ``reader``: what ``card`` decides, for the database to decide."""
    levels = FAR_ENOUGH[reader]
    return and_(
        *(col(column)[field].as_string().in_(levels) for column in (Lesson.consent, Lesson.clearance))
    )


def listed(session: Session, reader: Reach) -> ColumnElement[bool]:
    """The condition that there is a card for ``reader`` at all: published, with a title that gets there."""
    return and_(published(session), gets_to("title", reader), col(Lesson.title) != "")


def found_by(words: str, reader: Reach) -> ColumnElement[bool]:
    """The condition that ``words`` stand in a field that gets to ``reader``. Others are not even looked at."""
    columns = {name: [getattr(Lesson, name)] for name in TEXTS}
    columns |= {"grantee": [Member.name], "city": [Member.city, Member.country]}
    return or_(
        *(
            and_(gets_to(name, reader), or_(*(col(c).icontains(words, autoescape=True) for c in where)))
            for name, where in columns.items()
        )
    )
