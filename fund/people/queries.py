"""Who signs in with what, and what managers and people see of members, people, browsers and tokens."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import String, cast, func, literal, or_, union_all
from sqlmodel import Session, col, select

from fund.base.errors import Invalid, NotFound
from fund.base.permissions import Viewer
from fund.people.secret import fingerprint
from fund.web.i18n import gettext as _
from schema.people import ApiToken, Member, Membership, Person, PersonRole, SignInSession

PAGE = 50
"""How many people stand on one page."""


@dataclass(frozen=True)
class Known:
    """Whom a secret stands for: the viewer, the row of the secret, and when it was last noted as in use."""

    viewer: Viewer
    row_id: int
    seen_at: datetime | None


def viewer_of_session(session: Session, token: str, now: datetime) -> Viewer:
    """Who is signed in with the cookie ``token``; anonymous if nobody (any more). Two queries at most."""
    known = known_by_session(session, token, now)
    return known.viewer if known else Viewer.anonymous()


def viewer_of_token(session: Session, bearer: str, now: datetime) -> Viewer:
    """Whose API token ``bearer`` is; anonymous if nobody's (any more). Two queries at most."""
    known = known_by_token(session, bearer, now)
    return known.viewer if known else Viewer.anonymous()


def known_by_session(session: Session, token: str, now: datetime) -> Known | None:
    """Like ``viewer_of_session``, with what is needed to note the session as in use."""
    live = (
        col(SignInSession.token_hash) == fingerprint("session", token),
        col(SignInSession.revoked_at).is_(None),
        col(SignInSession.expires_at) > now,
        col(Person.disabled_at).is_(None),
    )
    found = session.exec(
        select(Person, SignInSession.id, SignInSession.seen_at).join(SignInSession).where(*live)
    )
    return _known(session, found.first(), is_session=True)


def known_by_token(session: Session, bearer: str, now: datetime) -> Known | None:
    """Like ``viewer_of_token``, with what is needed to note the token as in use."""
    live = (
        col(ApiToken.token_hash) == fingerprint("api", bearer),
        col(ApiToken.revoked_at).is_(None),
        col(Person.disabled_at).is_(None),
    )
    found = session.exec(select(Person, ApiToken.id, ApiToken.used_at).join(ApiToken).where(*live))
    return _known(session, found.first(), is_session=False)


def _known(
    session: Session, found: tuple[Person, int | None, datetime | None] | None, *, is_session: bool
) -> Known | None:
    if found is None:
        return None
    person, row_id, seen_at = found
    assert row_id is not None
    return Known(
        viewer_of_person(session, person, session_id=row_id if is_session else None), row_id, seen_at
    )


def viewer_of_person(session: Session, person: Person, session_id: int | None = None) -> Viewer:
    """``person`` with her roles and members, as she looks at the fund."""
    roles = select(literal("role"), PersonRole.role).where(PersonRole.person_id == person.id)
    members = select(literal("member"), cast(Membership.member_id, String)).where(
        Membership.person_id == person.id
    )
    held = session.execute(union_all(roles, members)).all()
    return Viewer(
        person_id=person.id,
        name=person.name,
        email=person.email,
        locale=person.locale,
        zone=person.zone,
        roles=frozenset(value for what, value in held if what == "role"),
        member_ids=frozenset(int(value) for what, value in held if what == "member"),
        session_id=session_id,
    )


@dataclass(frozen=True)
class PersonEntry:
    """A person as managers see her in a list."""

    person: Person
    roles: tuple[str, ...] = ()
    members: tuple[Member, ...] = ()


@dataclass(frozen=True)
class PeoplePage:
    """One page of people, in order of their names. ``number`` counts from 1."""

    entries: Sequence[PersonEntry]
    number: int
    pages: int
    total: int


def people_page(session: Session, search: str = "", role: str = "", number: int = 1) -> PeoplePage:
    """People whose name or address contains ``search`` and who have ``role``, where given. Four queries, always."""
    where = []
    if text := "".join(sign for sign in search.lower() if sign.isprintable()).strip():
        where.append(
            or_(
                func.lower(Person.name).contains(text, autoescape=True),
                col(Person.email).contains(text, autoescape=True),
            )
        )
    if role:
        where.append(col(Person.id).in_(select(PersonRole.person_id).where(PersonRole.role == role)))
    total = session.exec(select(func.count()).select_from(Person).where(*where)).one()
    pages = max(1, -(-total // PAGE))
    number = min(max(1, number), pages)
    ordered = select(Person).where(*where).order_by(func.lower(Person.name), col(Person.id))
    people = session.exec(ordered.offset((number - 1) * PAGE).limit(PAGE)).all()
    return PeoplePage(entries(session, people), number, pages, total)


def entries(session: Session, people: Sequence[Person]) -> list[PersonEntry]:
    """``people`` with their roles and members, in the same order. Two queries."""
    ids = [person.id for person in people]
    roles: dict[int, list[str]] = {}
    for person_id, role in session.exec(
        select(PersonRole.person_id, PersonRole.role)
        .where(col(PersonRole.person_id).in_(ids))
        .order_by(PersonRole.role)
    ):
        roles.setdefault(person_id, []).append(role)
    members: dict[int, list[Member]] = {}
    for person_id, member in session.exec(
        select(Membership.person_id, Member)
        .join(Member)
        .where(col(Membership.person_id).in_(ids))
        .order_by(Member.name)
    ):
        members.setdefault(person_id, []).append(member)
    return [
        PersonEntry(person, tuple(roles.get(person.id or 0, ())), tuple(members.get(person.id or 0, ())))
        for person in people
    ]


def person(session: Session, person_id: int) -> PersonEntry:
    """A person with roles and members. Raises NotFound."""
    found = session.get(Person, person_id)
    if found is None:
        raise NotFound
    return entries(session, [found])[0]


@dataclass(frozen=True)
class MemberEntry:
    """A member, and the people who act for it."""

    member: Member
    people: tuple[Person, ...] = field(default=())


def members(session: Session) -> list[MemberEntry]:
    """Every member of the network with its people, in order of names. Two queries."""
    rows = session.exec(select(Member).order_by(func.lower(Member.name), col(Member.id))).all()
    people: dict[int, list[Person]] = {}
    acting = select(Membership.member_id, Person).join(Person).order_by(func.lower(Person.name))
    for member_id, person in session.exec(acting):
        people.setdefault(member_id, []).append(person)
    return [MemberEntry(row, tuple(people.get(row.id or 0, ()))) for row in rows]


def member(session: Session, slug: str) -> MemberEntry:
    """The member with that slug, and its people. Raises NotFound."""
    found = session.exec(select(Member).where(Member.slug == slug)).first()
    if found is None:
        raise NotFound
    acting = (
        select(Person)
        .join(Membership)
        .where(Membership.member_id == found.id)
        .order_by(func.lower(Person.name))
    )
    return MemberEntry(found, tuple(session.exec(acting)))


def member_ids(session: Session, slugs: Collection[str]) -> frozenset[int]:
    """The ids of the members with those slugs. Raises Invalid (field ``members``) where one does not exist."""
    found = session.exec(select(Member.id).where(col(Member.slug).in_(slugs))).all()
    if len(found) != len(set(slugs)):
        raise Invalid({"members": _("Choose from the members listed")})
    return frozenset(id for id in found if id is not None)


def browsers(session: Session, person_id: int, now: datetime) -> Sequence[SignInSession]:
    """Where a person is signed in, the last used first."""
    live = (
        col(SignInSession.person_id) == person_id,
        col(SignInSession.revoked_at).is_(None),
        col(SignInSession.expires_at) > now,
    )
    return session.exec(select(SignInSession).where(*live).order_by(col(SignInSession.seen_at).desc())).all()


def api_tokens(session: Session, person_id: int) -> Sequence[ApiToken]:
    """A person's live API tokens, the newest first."""
    own = (col(ApiToken.person_id) == person_id, col(ApiToken.revoked_at).is_(None))
    return session.exec(select(ApiToken).where(*own).order_by(col(ApiToken.id).desc())).all()
