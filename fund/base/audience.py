"""Who stands in which role to a subject: for rights (is she the applicant?) and for mail (who are the applicants?)."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import and_, bindparam, null, select, true, union_all
from sqlmodel import Session, col

from fund.base.permissions import Viewer
from fund.base.subjects import Subject, application_of, member_of, round_key_of
from notifications.plan import Recipient
from schema.people import Membership, Person, PersonRole, Role
from schema.reviews import Review
from schema.rounds import Round, RoundManager
from schema.statements import Prepared, among
from schema.wording import gettext_noop as _n
from workflows import Actor, Reason, counted

WHO = (col(Person.id), col(Person.zone))
ACTIVE = col(Person.disabled_at).is_(None)
Among = Callable[[Any], Any]
"""Makes, of a column, the condition that it holds one of the keys that are asked about."""


def _with_role(role: Role, *more: Any) -> Any:
    return select(*more, *WHO).join(PersonRole).where(ACTIVE, col(PersonRole.role) == role.value)


def _managers(rounds: Among) -> Any:
    """Every manager, once for each of the rounds that names her; she is of no member."""
    names_her = and_(col(RoundManager.person_id) == col(Person.id), rounds(col(RoundManager.round_id)))
    everybody = _with_role(Role.MANAGER, null().label("member_id"))
    return everybody.add_columns(true().label("active"), col(RoundManager.round_id)).outerjoin(
        RoundManager, names_her
    )


def _people(members: Among, rounds: Among) -> Any:
    """Who acts for some members, each with her member, and beside them the managers: one question for both."""
    acting = (
        select(col(Membership.member_id), *WHO, ACTIVE.label("active"), null().label("round_id"))
        .join(Person, col(Person.id) == col(Membership.person_id))
        .where(members(col(Membership.member_id)))
    )
    return union_all(acting, _managers(rounds)).order_by("id")


REVIEWER = Prepared(_with_role(Role.REVIEWER).where(col(Person.id) == bindparam("reviewer")))
# About one it compares: PostgreSQL plans that once, and a list anew each time.
OF_ONE = Prepared(
    _people(lambda column: column == bindparam("member"), lambda column: column == bindparam("round"))
)
OF_MANY = Prepared(_people(lambda column: among(column, "members"), lambda column: among(column, "rounds")))
MANAGERS = Prepared(_managers(lambda column: column == bindparam("round")).order_by(col(Person.id)))


def stands_as(session: Session, subject: Subject, viewer: Viewer) -> frozenset[str]:
    """The viewer's roles towards the subject, whoever of its managers runs its round: what she may read goes by these.

    Whoever acts for the member that applies is its applicant and nothing else: no manager decides on her own
    proposal and no reviewer judges it. Whoever reviews no more for the fund is no reviewer of what she was asked for.
    """
    application = application_of(session, subject)
    if application is not None and application.member_id in viewer.member_ids:
        return frozenset({"applicant"})
    roles = {Role.MANAGER.value} if viewer.is_manager else set()
    if isinstance(subject, Review) and viewer.is_reviewer and subject.reviewer_id == viewer.person_id:
        roles.add(Role.REVIEWER.value)
    return frozenset(roles)


def actor_of(session: Session, subject: Subject, viewer: Viewer, audience: "Audience | None" = None) -> Actor:
    """The viewer with the roles in which she may *do* something here: a manager where she runs the round.

    ``audience`` is one that has looked already; else it is looked up once for the whole unit of work.
    """
    roles = stands_as(session, subject, viewer)
    if Role.MANAGER in roles and (audience or in_hand(session)).others_for(subject, viewer):
        roles -= {Role.MANAGER.value}
    return Actor(viewer.person_id, roles)


def left_to(session: Session, subject: Subject, viewer: Viewer) -> str:
    """Who runs the round, in a sentence, for a manager who does not: why nothing here is hers to do. Else nothing."""
    if Role.MANAGER not in stands_as(session, subject, viewer):
        return ""
    audience = in_hand(session)
    others = audience.others_for(subject, viewer)
    return audience.said_of(others) if others else ""


def _run_by(names: Sequence[str]) -> Reason:
    who: str = names[-1]
    if len(names) > 1:
        who = Reason(_n("%(some)s and %(last)s"), some=", ".join(names[:-1]), last=who)
    return counted(
        "%(who)s runs this round. Ask them, or let yourself be added.",
        "%(who)s run this round. Ask them, or let yourself be added.",
        len(names),
        who=who,
    )


def in_hand(session: Session, subjects: Iterable[Subject] = ()) -> "Audience":
    """The audience of this unit of work, which from now on expects to be asked about ``subjects`` as well."""
    found: Audience = session.info.setdefault("audience", Audience(session))
    found.expect(subjects)
    return found


def look_again(session: Session) -> None:
    """Forget who runs which round: it was changed."""
    session.info.pop("audience", None)


class Audience:
    """Who is to be told and who may act, looked up once for however many subjects are moved in one unit of work."""

    def __init__(self, session: Session, subjects: Iterable[Subject] = ()) -> None:
        """``subjects`` are those that will be asked about, so that one question to the database serves all."""
        self._session = session
        self._managers: Sequence[Recipient] = ()
        self._named: dict[int, set[int]] = {}
        self._acting: dict[int, list[tuple[Recipient, bool]]] = {}
        self._members: set[int] = set()
        self._rounds: set[int] = set()
        self._said: dict[tuple[int, ...], Reason] = {}
        self.expect(subjects)

    def expect(self, subjects: Iterable[Subject]) -> None:
        """Look these up together with whatever is asked first."""
        for one in subjects:
            self._rounds.add(round_key_of(self._session, one))
            if (member := member_of(self._session, one)) is not None:
                self._members.add(member)

    def people_in(self, role: str, subject: Subject) -> Sequence[Recipient]:
        """Everybody who stands in that role to the subject and can still sign in, by id.

        Its managers are those who run its round. A manager who acts for the member that applies is not among them:
        notices to them name reviewers. Raises ValueError for a role that no subject of this kind has.
        """
        if role == "manager":
            return self._running(subject) or self._apart(subject)
        if role == "reviewer" and isinstance(subject, Review):
            found = REVIEWER.rows(self._session, reviewer=subject.reviewer_id)
            return [Recipient(person, zone) for person, zone in found]
        if role == "applicant" and not isinstance(subject, Round):
            return [one for one, active in self._acting_for(subject) if active]
        raise ValueError(f"nobody is {role} of a {type(subject).__name__.lower()}")

    def others_for(self, subject: Subject, viewer: Viewer) -> Sequence[Recipient]:
        """Those who run the round of the subject, where the viewer does not; nobody where all managers do."""
        running = self._running(subject)
        return [] if viewer.person_id in {one.person_id for one in running} else running

    def said_of(self, running: Sequence[Recipient]) -> Reason:
        """That these run the round, by their names, and what another manager can do."""
        keys = tuple(one.person_id for one in running)
        if keys not in self._said:
            named = select(col(Person.name)).where(col(Person.id).in_(keys)).order_by(col(Person.name))
            self._said[keys] = _run_by(list(self._session.scalars(named)))
        return self._said[keys]

    def _running(self, subject: Subject) -> Sequence[Recipient]:
        """The managers who are named for its round and can look after it. Where there are none, all stand in."""
        apart, named = self._apart(subject), self._named[round_key_of(self._session, subject)]
        return [one for one in apart if one.person_id in named]

    def _apart(self, subject: Subject) -> Sequence[Recipient]:
        """The managers who do not act for the member that applies."""
        acting = {one.person_id for one, _ in self._acting_for(subject)}
        return [one for one in self._managers if one.person_id not in acting]

    def _acting_for(self, subject: Subject) -> Sequence[tuple[Recipient, bool]]:
        """Everybody who acts for the member that applies, and whether she can sign in; nobody for a round."""
        member, round_ = member_of(self._session, subject), round_key_of(self._session, subject)
        if round_ not in self._named or (member is not None and member not in self._acting):
            self.expect([subject])
            self._look(self._members - self._acting.keys(), self._rounds)
        return self._acting[member] if member is not None else ()

    def _look(self, members: set[int], rounds: set[int]) -> None:
        self._acting |= {key: [] for key in members}
        self._named |= {key: set() for key in rounds}
        managers: dict[int, Recipient] = {}
        for member, person, zone, active, round_ in self._rows(members, rounds):
            if member is None:
                managers[person] = Recipient(person, zone)
            else:
                self._acting[member].append((Recipient(person, zone), bool(active)))
            if round_ is not None:
                self._named[round_].add(person)
        self._managers = list(managers.values())

    def _rows(self, members: set[int], rounds: set[int]) -> list[Any]:
        if len(rounds) == 1 and not members:
            return MANAGERS.rows(self._session, round=next(iter(rounds)))
        if len(rounds) == len(members) == 1:
            return OF_ONE.rows(self._session, member=next(iter(members)), round=next(iter(rounds)))
        return OF_MANY.rows(self._session, members=sorted(members), rounds=sorted(rounds))
