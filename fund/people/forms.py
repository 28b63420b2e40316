"""How the forms of this room become drafts, and how what is stored fills them."""

from collections.abc import Mapping
from typing import Annotated

from babel import Locale
from fastapi import Path

from fund.base.errors import Invalid
from fund.people import labels, places
from fund.people.choices import Choices
from fund.people.fields import MemberDraft, PersonDraft
from fund.people.queries import MemberEntry, PersonEntry
from fund.web import i18n, parse
from fund.web.forms import Form
from fund.web.i18n import gettext as _
from notifications.kinds import Topic
from schema.people import Member

Slug = Annotated[str, Path(pattern=r"^[a-z0-9-]+$", max_length=80)]
"""A member's name in an address."""
Options = list[tuple[str, str]]
Hinted = list[tuple[str, str, str]]


def person_draft(form: Form) -> PersonDraft:
    """The person as typed. ``members`` are those ticked, ``member`` is one more."""
    chosen = [*form.values("members"), form.value("member")]
    return PersonDraft(
        email=form.value("email"),
        name=form.value("name"),
        roles=frozenset(form.values("roles")),
        members=frozenset(parse.number(text) for text in chosen if text),
    )


def person_form(entry: PersonEntry) -> Form:
    """The form filled with a person."""
    members = [member.id for member in entry.members]
    return Form.of(email=entry.person.email, name=entry.person.name, roles=entry.roles, members=members)


def refuse_person(form: Form, wrong: Invalid) -> None:
    """Put each error beside its field; one about members stands at the list to choose from."""
    for name, message in wrong.fields.items():
        form.refuse("member" if name == "members" else name, message)


def member_draft(form: Form) -> MemberDraft:
    """The member as typed."""
    return MemberDraft(*(form.value(name) for name in ("name", "kind", "city", "country", "zone")))


def member_form(entry: MemberEntry) -> Form:
    """The form filled with a member."""
    member = entry.member
    return Form.of(
        name=member.name, kind=member.kind, city=member.city, country=member.country, zone=member.zone
    )


def role_options() -> Hinted:
    """Roles with what they may do."""
    return [(role, str(label), str(labels.ROLE_HINTS[role])) for role, label in labels.ROLES.items()]


def kind_options() -> Hinted:
    """Kinds of members with what they do."""
    return [(kind, str(label), str(labels.KIND_HINTS[kind])) for kind, label in labels.KINDS.items()]


def country_options() -> Options:
    """Countries by their English names, which are what is stored."""
    return [(name, name) for name in places.countries()]


def zone_options() -> Options:
    """Time zones, in order of places."""
    return list(places.zone_names().items())


def language_options() -> Options:
    """The languages that the fund speaks, each in its own words."""
    return [
        (language, Locale.parse(language).get_display_name() or language) for language in i18n.available()
    ]


def member_options(members: list[MemberEntry], form: Form) -> tuple[Options, Options]:
    """Members that are ticked already, and the others to choose one more from."""
    ticked = set(form.values("members"))
    both: tuple[Options, Options] = ([], [])
    for entry in members:
        both[str(entry.member.id) not in ticked].append((str(entry.member.id), member_name(entry.member)))
    return both


def member_name(member: Member) -> str:
    """``City of Cali (Cali, Colombia)``: told apart from others of its name."""
    return f"{member.name} ({member.city}, {member.country})"


def mail_form(chosen: Choices, topics: Mapping[str, Topic]) -> Form:
    """The form about mail, filled with what was chosen."""
    return Form.of(
        pace="digest" if chosen.digest else "single",
        calendar_files=chosen.calendar_files,
        topics=[key for key in topics if key not in chosen.declined],
    )


def topic_options(topics: Mapping[str, Topic]) -> Hinted:
    """The kinds of mail that need not come, with what they tell."""
    return [(key, _(topic.label), _(topic.hint)) for key, topic in topics.items()]
