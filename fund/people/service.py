"""What managers change about members and people, and what people change about themselves.

Each function is one use case in the caller's transaction. Role changes stand in the ledger (``person:7``,
``member:3``), ids only.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import delete
from sqlmodel import Session, col, select

from fund.base import ledger
from fund.base.errors import Forbidden, Invalid, NotFound
from fund.base.permissions import Viewer
from fund.base.turns import take_turn
from fund.people import feeds, sessions, sign_in, tokens
from fund.people.fields import (
    MemberDraft,
    PersonDraft,
    checked_account,
    checked_member,
    checked_person,
    mail_address,
    slug,
)
from fund.people.places import countries
from fund.web.i18n import gettext as _
from notifications import outbox
from schema.people import Member, Membership, Person, PersonRole, Role

OPERATOR = "operator"
"""Who has the command line: stands in the ledger where no person acted."""


def add_member(session: Session, viewer: Viewer, draft: MemberDraft, now: datetime) -> Member:
    """Take a member into the network. Raises Forbidden for others than managers, Invalid for what is wrong.

    A second member of one name in one place is wrong too: a button that was pressed twice adds one.
    """
    _managers_only(viewer)
    checked = checked_member(draft)
    take_turn(session, "members")
    _new_here(session, checked)
    member = Member(slug=_free_slug(session, checked.name), joined_at=now, name=checked.name)
    _fill(member, checked)
    session.add(member)
    session.flush()
    _record(session, "member", member.id, viewer, "member_added", now)
    return member


def change_member(
    session: Session, viewer: Viewer, member_slug: str, draft: MemberDraft, now: datetime
) -> Member:
    """Change what is known of a member; its address (slug) stays. Raises Forbidden, NotFound, Invalid."""
    _managers_only(viewer)
    member = session.exec(select(Member).where(Member.slug == member_slug).with_for_update()).first()
    if member is None:
        raise NotFound
    checked = checked_member(draft)
    _fill(member, checked)
    if session.is_modified(member):
        _record(session, "member", member.id, viewer, "member_changed", now)
    return member


def add_person(
    session: Session,
    viewer: Viewer,
    draft: PersonDraft,
    now: datetime,
    *,
    zone: str = "UTC",
    invite: bool = True,
) -> Person:
    """Let somebody sign in, and mail her where (unless ``invite`` is off).

    Her zone is that of the first of her members, else ``zone``. Raises Forbidden, and Invalid for what is wrong, an
    address that is taken included.
    """
    _managers_only(viewer)
    checked = checked_person(draft)
    _free_address(session, checked.email)
    members = _members(session, checked.members)
    zone = members[0].zone if members else zone
    person, person_id = _new_person(session, checked, zone, now)
    changes = _set_roles(session, person_id, checked.roles) | _set_members(
        session, person_id, checked.members, now
    )
    _record(session, "person", person_id, viewer, "person_added", now, changes)
    if invite:
        _invite(session, person, now)
    return person


def change_person(
    session: Session, viewer: Viewer, person_id: int, draft: PersonDraft, now: datetime
) -> Person:
    """Change a person's name, address, roles and members.

    A new address makes links and codes mailed to the old one worthless. Raises Forbidden, NotFound, and Invalid: for
    what is wrong, an address that is taken, and for taking away the fund's last manager.
    """
    _managers_only(viewer)
    if Role.MANAGER not in draft.roles:
        _keep_a_manager(session, person_id, "roles")
    person = _locked(session, person_id)
    checked = checked_person(draft)
    _members(session, checked.members)
    moved = _move_to(session, person, checked.email, now)
    person.name = checked.name
    session.flush()
    changes = _set_roles(session, person_id, checked.roles) | _set_members(
        session, person_id, checked.members, now
    )
    if changes or moved:
        _record(session, "person", person.id, viewer, "person_changed", now, changes | {"address": moved})
    return person


def change_address(session: Session, viewer: Viewer, person_id: int, email: str, now: datetime) -> Person:
    """Correct where a person's mail goes, as ``change_person`` does. Raises Forbidden, NotFound, Invalid."""
    _managers_only(viewer)
    person = _locked(session, person_id)
    if _move_to(session, person, mail_address(email), now):
        _record(session, "person", person.id, viewer, "person_changed", now, {"address": True})
    return person


def disable(session: Session, viewer: Viewer, person_id: int, now: datetime) -> Person:
    """End a person's access at once: browsers, tokens, calendar, mailed links, mail still to go out. Can be undone.

    Raises Forbidden, NotFound, and Invalid for the fund's last manager.
    """
    _managers_only(viewer)
    _keep_a_manager(session, person_id, "person")
    person = _locked(session, person_id)
    if person.disabled_at is not None:
        return person
    person.disabled_at = now
    session.flush()
    _shut_out(session, person_id, now)
    _record(session, "person", person.id, viewer, "person_disabled", now)
    return person


def enable(session: Session, viewer: Viewer, person_id: int, now: datetime) -> Person:
    """Let a disabled person sign in again. Raises Forbidden, NotFound."""
    _managers_only(viewer)
    person = _locked(session, person_id)
    if person.disabled_at is not None:
        person.disabled_at = None
        _record(session, "person", person.id, viewer, "person_enabled", now)
    return person


def create_manager(
    session: Session, email: str, name: str = "", *, now: datetime, zone: str = "UTC"
) -> Person:
    """Make sure that ``email`` belongs to a manager who can sign in; the same again changes nothing.

    For the command line: it needs no manager to begin with. Raises Invalid for a wrong address.
    """
    email = mail_address(email)
    person = session.exec(select(Person).where(Person.email == email).with_for_update()).first()
    if person is None:
        draft = checked_person(PersonDraft(email, name or email.partition("@")[0]))
        person, _id = _new_person(session, draft, zone, now)
    assert person.id is not None
    changes = _set_roles(session, person.id, _roles(session, person.id) | {Role.MANAGER.value})
    if changes or person.disabled_at is not None:
        person.disabled_at = None
        _record(session, "person", person.id, None, "manager_created", now, changes)
    return person


def change_account(session: Session, viewer: Viewer, name: str, locale: str, zone: str) -> Person:
    """Change one's own name, language and zone. Raises NotFound for strangers, Invalid for what is wrong."""
    person = _locked(session, viewer.person_id)
    person.name, person.locale, person.zone = checked_account(name, locale, zone)
    return person


def prune(session: Session, now: datetime) -> None:
    """Forget what signing in left behind: old links, codes, counts of tries, browsers. Meant for once a day."""
    sign_in.prune(session, now)
    sessions.prune(session, now)


def _managers_only(viewer: Viewer) -> None:
    if not viewer.is_manager:
        raise Forbidden(_("Only the people who manage the fund can change this."))


def _locked(session: Session, person_id: int | None) -> Person:
    """The person, locked until the end: the ledger's chain about her grows one event at a time."""
    person = session.exec(select(Person).where(Person.id == person_id).with_for_update()).first()
    if person is None:
        raise NotFound
    return person


def _new_person(session: Session, draft: PersonDraft, zone: str, now: datetime) -> tuple[Person, int]:
    person = Person(email=draft.email, name=draft.name, zone=zone, created_at=now)
    session.add(person)
    session.flush()
    assert person.id is not None
    return person, person.id


def _move_to(session: Session, person: Person, email: str, now: datetime) -> bool:
    """Give her this address, and say whether it is another one. What was mailed to the old one opens nothing more."""
    if email == person.email:
        return False
    _free_address(session, email)
    assert person.id is not None
    sign_in.cancel_all(session, person.id, now)
    person.email = email
    session.flush()
    return True


def _free_slug(session: Session, name: str) -> str:
    base = slug(name)
    taken = set(session.exec(select(Member.slug).where(col(Member.slug).startswith(base, autoescape=True))))
    candidates = (f"{base}-{number}" if number > 1 else base for number in range(1, len(taken) + 2))
    return next(candidate for candidate in candidates if candidate not in taken)


def _fill(member: Member, draft: MemberDraft) -> None:
    member.name, member.kind, member.city = draft.name, draft.kind, draft.city
    member.country, member.country_code = draft.country, countries()[draft.country]
    member.zone = draft.zone


def _new_here(session: Session, draft: MemberDraft) -> None:
    same = (Member.name == draft.name, Member.city == draft.city, Member.country == draft.country)
    if session.exec(select(Member.id).where(*same)).first() is not None:
        raise Invalid({"name": _("This member of the network is there already")})


def _free_address(session: Session, email: str) -> None:
    if session.exec(select(Person.id).where(Person.email == email)).first() is not None:
        raise Invalid({"email": _("Somebody with this email address is there already")})


def _members(session: Session, ids: Iterable[int]) -> list[Member]:
    wanted = set(ids)
    found = session.exec(select(Member).where(col(Member.id).in_(wanted)).order_by(Member.name)).all()
    if len(found) != len(wanted):
        raise Invalid({"members": _("Choose from the members listed")})
    return list(found)


def _roles(session: Session, person_id: int) -> frozenset[str]:
    return frozenset(session.exec(select(PersonRole.role).where(PersonRole.person_id == person_id)))


def _set_roles(session: Session, person_id: int, roles: Iterable[str]) -> dict[str, Any]:
    of_person = col(PersonRole.person_id) == person_id
    before, after = _roles(session, person_id), frozenset(str(role) for role in roles)
    session.execute(delete(PersonRole).where(of_person, col(PersonRole.role).in_(before - after)))
    session.add_all(PersonRole(person_id=person_id, role=role) for role in sorted(after - before))
    return _difference("roles", before, after)


def _set_members(session: Session, person_id: int, ids: Iterable[int], now: datetime) -> dict[str, Any]:
    of_person = col(Membership.person_id) == person_id
    before, after = frozenset(session.exec(select(Membership.member_id).where(of_person))), frozenset(ids)
    session.execute(delete(Membership).where(of_person, col(Membership.member_id).in_(before - after)))
    session.add_all(Membership(person_id=person_id, member_id=id, since=now) for id in sorted(after - before))
    return _difference("members", before, after)


def _difference(what: str, before: frozenset[Any], after: frozenset[Any]) -> dict[str, Any]:
    changes = {f"{what}_added": sorted(after - before), f"{what}_removed": sorted(before - after)}
    return {name: items for name, items in changes.items() if items}


def _keep_a_manager(session: Session, person_id: int, field: str) -> None:
    """Raise Invalid under ``field`` if ``person_id`` is the last manager who can sign in.

    All managers are locked first, in order, so that the last two cannot take each other's place away at once.
    """
    managers = session.exec(
        select(Person.id)
        .join(PersonRole)
        .where(PersonRole.role == Role.MANAGER, col(Person.disabled_at).is_(None))
        .order_by(col(Person.id))
        .with_for_update()
    ).all()
    if list(managers) == [person_id]:
        raise Invalid({field: _("The fund needs at least one manager. Make somebody else a manager first.")})


def _shut_out(session: Session, person_id: int, now: datetime) -> None:
    sessions.end_all(session, person_id, now)
    tokens.revoke_all(session, person_id, now)
    feeds.end(session, person_id)
    sign_in.cancel_all(session, person_id, now)
    outbox.cancel_for_person(session, person_id, "This person can no longer sign in.", now)


def _invite(session: Session, person: Person, now: datetime) -> None:
    outbox.queue(
        session,
        key=f"invited:{person.id}",
        kind="notice",
        template="invited",
        person_id=person.id,
        subject_kind="person",
        subject_id=person.id,
        path="/sign-in",
        now=now,
    )


def _record(
    session: Session,
    kind: str,
    id: int | None,
    viewer: Viewer | None,
    action: str,
    now: datetime,
    data: dict[str, Any] | None = None,
) -> None:
    assert id is not None
    role = Role.MANAGER.value if viewer else OPERATOR
    ledger.append(
        session,
        chain=f"{kind}:{id}",
        actor=viewer,
        role=role,
        subject_kind=kind,
        subject_id=id,
        action=action,
        now=now,
        data=data,
    )
