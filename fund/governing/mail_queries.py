"""The words of mails as managers look at them: which mails there are, who gets each when, and every saved version."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from fund.base import versions
from fund.base.errors import NotFound
from fund.base.permissions import Viewer
from fund.web.i18n import Lazy, available, lazy
from notifications import truth
from notifications.checking import FIXED, examples
from notifications.compose import template_names
from notifications.truth import Truth
from notifications.wording import Words
from schema.applications import Application
from schema.mails import MailTemplate
from schema.outbox import Message
from schema.people import Person

INVENTED = "invented"
MOST = 20
"""Messages to choose from for a look at how a mail comes out."""
UNOPENED = FIXED | {"sign_in"}
"""Mails that are looked at as invented ones only: they hold what is for their reader alone, as a key or a digest."""
BY_ITSELF: dict[str, tuple[Lazy, Lazy]] = {
    "colleague": (
        lazy("a colleague of who owes it"),
        lazy("before or after something is due, where its reminders say so"),
    ),
    "commented": (lazy("those who look after a proposal"), lazy("when somebody comments on it")),
    "deadline_moved": (lazy("who owes it"), lazy("when a manager gives another day")),
    "deadline_waived": (lazy("who owed it"), lazy("when a manager waives the deadline")),
    "digest": (lazy("who chose one email a day"), lazy("in the morning, when several came together")),
    "escalation": (lazy("manager"), lazy("when something is due or overdue that somebody else owes")),
    "invited": (lazy("a new person"), lazy("when a manager lets her sign in")),
    "newsletter": (lazy("everybody who has not declined it"), lazy("when a manager releases it")),
    "overdue": (lazy("who owes it"), lazy("after it was due")),
    "reminder": (lazy("who owes it"), lazy("before it is due")),
    "round_closed": (lazy("manager"), lazy("when a round closes")),
    "sign_in": (lazy("who wants to sign in"), lazy("when somebody asks for it")),
    "taken_back": (lazy("who was told of a step"), lazy("when that step is undone")),
    "weekly_overview": (lazy("manager"), lazy("on Monday morning")),
}
"""Mails that no workflow names: who gets each, and when."""


@dataclass(frozen=True)
class Use:
    """Who gets a mail, and when. ``workflow`` is the label of the one that says so, or empty."""

    to: str | Lazy
    when: str | Lazy
    workflow: str = ""


@dataclass(frozen=True)
class Listed:
    """One mail. ``saved`` holds the version that holds in each language that has one, also one that went back."""

    template: str
    uses: Sequence[Use]
    saved: dict[str, MailTemplate]

    @property
    def editable(self) -> bool:
        """Whether managers may write its words."""
        return self.template not in FIXED

    @property
    def changed(self) -> list[str]:
        """The languages in which a manager's words hold."""
        return [language for language, row in sorted(self.saved.items()) if not row.shipped]

    @property
    def lacking(self) -> list[str]:
        """The languages in which the shipped words still go out although others are changed."""
        return [one for one in available() if one not in self.changed] if self.changed else []

    @property
    def failing(self) -> list[MailTemplate]:
        """The versions that hold and that a mail could not be written with."""
        return [row for row in self.saved.values() if row.failed_at is not None and not row.shipped]


@dataclass(frozen=True)
class Version:
    """A saved version, and who saved it."""

    row: MailTemplate
    by: str


def listed(session: Session) -> list[Listed]:
    """Every mail that the fund can send, by name."""
    uses, saved = _uses(session), _newest(session)
    return [Listed(name, uses.get(name, []), saved.get(name, {})) for name in sorted(template_names())]


def mail(session: Session, template: str) -> Listed:
    """One mail. Raises NotFound."""
    if template not in template_names():
        raise NotFound
    return Listed(template, _uses(session).get(template, []), _newest(session).get(template, {}))


def known(session: Session, template: str, language: str) -> Listed:
    """One mail, in a language that the fund speaks. Raises NotFound."""
    if language not in available():
        raise NotFound
    return mail(session, template)


def failing(session: Session) -> list[MailTemplate]:
    """Versions that hold and that a mail could not be written with."""
    found = [row for rows in _newest(session).values() for row in rows.values()]
    return [row for row in found if row.failed_at is not None and not row.shipped]


def history(session: Session, template: str, language: str) -> list[Version]:
    """Every saved version of the mail in the language, the latest first."""
    of = (MailTemplate.template == template, MailTemplate.language == language)
    found = session.exec(
        select(MailTemplate, Person.name)
        .join(Person, col(Person.id) == col(MailTemplate.saved_by_id))
        .where(*of)
        .order_by(col(MailTemplate.id).desc())
    )
    return [Version(row, by) for row, by in found]


def version(session: Session, template: str, key: int) -> tuple[Version, MailTemplate | None]:
    """A saved version of the mail, and the one before it in its language. Raises NotFound."""
    row = session.get(MailTemplate, key)
    if row is None or row.template != template:
        raise NotFound
    whole = history(session, template, row.language)
    place = next(index for index, one in enumerate(whole) if one.row.id == key)
    before = whole[place + 1].row if place + 1 < len(whole) else None
    return whole[place], before


def words_of(row: MailTemplate | None, shipped: Words) -> Words:
    """What a version says: its own words, or the shipped ones."""
    return shipped if row is None or row.shipped else Words(row.subject, row.text, row.html)


def differences(before: Words, after: Words) -> dict[str, list[tuple[str, str]]]:
    """What changes from one to the other: each part's lines with ``+``, ``-`` or nothing before them."""
    return {
        part: _changes(before.parts()[part].splitlines(), text.splitlines())
        for part, text in after.parts().items()
    }


def _changes(before: list[str], after: list[str]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for what, first, last, start, end in SequenceMatcher(None, before, after).get_opcodes():
        if what == "equal":
            found += [("", line) for line in after[start:end]]
        else:
            found += [("-", line) for line in before[first:last]]
            found += [("+", line) for line in after[start:end]]
    return found


@dataclass(frozen=True)
class Example:
    """A real message or proposal with which a mail can be looked at."""

    key: str
    reference: str
    title: str
    to: str
    at: datetime


def chooseable(session: Session, viewer: Viewer, template: str) -> list[Example]:
    """Recent messages of that mail; where there are none, recent proposals. None of the viewer's own members."""
    if template in UNOPENED:
        return []
    found = session.execute(
        select(Message, Application, Person.name)
        .join(Application, col(Application.id) == col(Message.application_id), isouter=True)
        .join(Person, col(Person.id) == col(Message.person_id), isouter=True)
        .where(Message.template == template, Message.kind != "sign_in", _apart(viewer))
        .order_by(col(Message.id).desc())
        .limit(MOST)
    ).all()
    if found:
        return [_of_message(*row) for row in found]
    proposals = session.exec(_readable(viewer).order_by(col(Application.id).desc()).limit(MOST))
    return [
        Example(f"proposal-{one.id}", one.reference, one.title, viewer.name, one.created_at)
        for one in proposals
    ]


def _of_message(message: Message, about: Application | None, name: str | None) -> Example:
    told = (about.reference, about.title) if about else ("", "")
    return Example(f"message-{message.id}", *told, name or message.address, message.next_at)


def example(session: Session, viewer: Viewer, template: str, wanted: str, now: datetime) -> Truth:
    """What a mail would tell of the message or proposal that ``chooseable`` calls so. Raises NotFound."""
    kind, _, number = wanted.partition("-")
    if template in FIXED:
        raise NotFound
    if wanted in ("", INVENTED):
        return examples(template, now)[-1 if template == "overdue" else 0]
    if (
        not number.isdecimal()
        or len(number) > 9
        or kind not in ("message", "proposal")
        or template in UNOPENED
    ):
        raise NotFound
    if kind == "message":
        query = select(Message.id).join(
            Application, col(Application.id) == col(Message.application_id), isouter=True
        )
        of = (
            Message.id == int(number),
            Message.template == template,
            Message.kind != "sign_in",
            _apart(viewer),
        )
        if session.exec(query.where(*of)).first() is None:
            raise NotFound
        return truth.look_up(session, int(number))
    found = session.exec(_readable(viewer).where(Application.id == int(number))).first()
    if found is None:
        raise NotFound
    return truth.imagine(session, _about(found, viewer, template, now))


def moment(session: Session, wanted: str, now: datetime) -> datetime:
    """When a message that ``example`` knows goes or went out; ``now`` for anything else. Its mail tells of that day."""
    kind, _, number = wanted.partition("-")
    message = session.get(Message, int(number)) if kind == "message" else None
    return message.next_at if message else now


def recent(session: Session, viewer: Viewer, template: str, now: datetime) -> list[Truth]:
    """What the mail would tell of everything that can be chosen: to try words with before they are saved."""
    return [example(session, viewer, template, one.key, now) for one in chooseable(session, viewer, template)]


def _about(application: Application, viewer: Viewer, template: str, now: datetime) -> dict[str, object]:
    """The columns of a message to the viewer about a proposal."""
    return {
        "template": template, "kind": "notice", "application_id": application.id, "subject_kind": "application",
        "subject_id": application.id, "person_id": viewer.person_id, "address": viewer.email, "mail_id": "example",
        "path": f"/applications/{application.reference}", "payload": {"what": application.title}, "created_at": now,
    }  # fmt: skip


def _apart(viewer: Viewer) -> ColumnElement[bool]:
    submitted, others = col(Application.submitted_at).is_not(None), col(Application.member_id)
    return col(Application.id).is_(None) | (submitted & others.not_in(viewer.member_ids))


def _readable(viewer: Viewer) -> SelectOfScalar[Application]:
    """Proposals that were handed in and are not of the viewer's own members."""
    return select(Application).where(
        col(Application.submitted_at).is_not(None), col(Application.member_id).not_in(viewer.member_ids)
    )


def _uses(session: Session) -> dict[str, list[Use]]:
    """Who gets each mail and when, as the newest workflows say."""
    found = {name: [Use(to, when)] for name, (to, when) in BY_ITSELF.items()}
    seen: set[str] = set()
    for definition in versions.known(session).values():
        if definition.name in seen:
            continue
        seen.add(definition.name)
        for notice in definition.notices:
            found.setdefault(notice.template, []).append(Use(notice.to, "", definition.label))
        for move in definition.moves.values():
            for notice in move.notices:
                found.setdefault(notice.template, []).append(Use(notice.to, move.label, definition.label))
    return found


def _newest(session: Session) -> dict[str, dict[str, MailTemplate]]:
    """The newest version of each mail by language."""
    found: dict[str, dict[str, MailTemplate]] = {}
    for row in session.exec(select(MailTemplate).order_by(col(MailTemplate.id))):
        found.setdefault(row.template, {})[row.language] = row
    return found
