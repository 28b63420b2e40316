"""The outbox as managers look at it: what went, what waits, what did not go and why."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, select, true
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from fund.base.definitions import definition_by_id
from fund.base.permissions import Viewer
from fund.web.i18n import gettext as _
from fund.web.i18n import lazy
from notifications.kinds import DIGEST
from notifications.outbox import STUCK
from notifications.wanted import CALLS, KIND, REMINDER
from schema.applications import Application
from schema.deadlines import Deadline
from schema.outbox import DeliveryAttempt, Message, MessageStatus
from schema.people import Person

PAGE = 50
NAMES = {
    MessageStatus.PENDING: "Planned",
    MessageStatus.GATHERED: "Gathered for a digest",
    MessageStatus.CLAIMED: "Being sent",
    MessageStatus.SENDING: "Being sent",
    MessageStatus.SENT: "Sent",
    MessageStatus.CANCELLED: "Called off",
    MessageStatus.SUPERSEDED: "Replaced by a newer one",
    MessageStatus.EXPIRED: "Too late to send",
    MessageStatus.DEAD: "Could not be delivered",
    MessageStatus.UNCERTAIN: "Nobody knows whether it arrived",
}
TONES = {
    "sent": "good",
    "dead": "bad",
    "uncertain": "warn",
    "expired": "warn",
    "pending": "busy",
    "gathered": "busy",
}
OUTCOMES = {
    "sent": lazy("The mail server took it"),
    "retry": lazy("The mail server asked to come back later"),
    "dead": lazy("The mail server refused it for good"),
    "unknown": lazy("Nobody knows whether it was taken"),
    "unreachable": lazy("The mail server was out of reach"),
}
"""What became of one try, for people."""
CALL_OUTCOMES = {
    "sent": lazy("The receiver took it"),
    "retry": lazy("The receiver is to be called again later"),
    "dead": lazy("The receiver refused it for good"),
    "unknown": lazy("Nobody knows whether it was taken"),
    "unreachable": lazy("The receiver was out of reach"),
}
"""The same, where it is the call of a webhook."""
REASONS = {
    "met: ": lazy("No longer needed: “%(what)s”"),
    "cancelled: ": lazy("No longer needed: “%(what)s”"),
    "waived: ": lazy("A manager waived the deadline."),
    "held: ": lazy("Time stands still: “%(what)s”"),
    "undone: ": lazy("It was undone: “%(what)s”"),
    "moved: ": lazy("The day was moved: %(what)s"),
    "given up: ": lazy("Given up: “%(what)s”"),
    "came back: ": lazy("It came back: “%(what)s”"),
}
"""What the reasons mean that the fund itself gives when a deadline ends."""

SUBJECTS = {
    "reminder": lazy("Reminder: %(what)s"),
    "overdue": lazy("Overdue: %(what)s"),
    "escalation": lazy("To the manager: %(what)s"),
    "colleague": lazy("To a colleague: %(what)s"),
    "deadline_moved": lazy("New day: %(what)s"),
}
STAFF = frozenset({"manager", "auditor"})
"""The roles of whoever looks at mail here."""
NAMED = {
    "digest": lazy("Digest of the day"),
    "newsletter": lazy("Newsletter"),
    "weekly_overview": lazy("Weekly overview"),
}
"""What a mail that is not written yet will be about, by its template."""
PARTS: dict[str, ColumnElement[bool]] = {
    "next": col(Message.finished_at).is_(None),
    "went": col(Message.status) == MessageStatus.SENT,
    "held": col(Message.finished_at).is_not(None) & (col(Message.status) != MessageStatus.SENT),
}
"""Into what the mail to a person falls: what comes next, what went, what did not go."""
ORDER = (
    col(Message.finished_at).is_(None),
    col(Message.finished_at).desc(),
    col(Message.next_at),
    col(Message.id),
)


@dataclass(frozen=True)
class Part:
    """One page of some mail, and how much there is of it in all."""

    entries: Sequence["Entry"]
    total: int


@dataclass(frozen=True)
class Entry:
    """A message with the person it is for and the application it is about."""

    message: Message
    person: Person | None
    reference: str
    deadline: str
    """What the deadline asks for that it reminds of, or nothing."""
    private: bool = False
    """Whether it tells of a draft, which the fund does not read before it is submitted: not even its title."""

    @property
    def text(self) -> str:
        """What was written, as far as the fund may read it: a digest may tell of drafts among the rest."""
        return "" if self.private or self.message.kind == DIGEST else self.message.rendered_text

    @property
    def is_call(self) -> bool:
        """Whether it is no mail but the call of a webhook."""
        return self.message.kind == KIND

    @property
    def status(self) -> str:
        """What became of it, for people."""
        return NAMES[MessageStatus(self.message.status)]

    @property
    def tone(self) -> str:
        """How its status is dressed."""
        return TONES.get(self.message.status, "neutral")

    @property
    def recipient(self) -> str:
        """Whom it is for, and where it goes or went."""
        if self.is_call:
            about = f" ({self.person.name})" if self.person else ""
            return _("Webhook “%(name)s”") % {"name": self.message.address} + about
        address = self.message.address or (self.person.email if self.person else "")
        if not self.message.finished_at and self.person:
            address = self.person.email
        return f"{self.person.name}, {address}" if self.person else address or "–"

    @property
    def subject(self) -> str:
        """Its subject line once written, else what it will be about."""
        if self.is_call:
            # That of a reminder bears the template of its mail until it is made.
            return _(CALLS.get(self.message.rendered_subject or self.message.template, CALLS[REMINDER]))
        if self.message.rendered_subject and not (self.private or self.message.kind == DIGEST):
            return self.message.rendered_subject
        if self.deadline:
            return str(SUBJECTS.get(self.message.template, SUBJECTS["reminder"])) % {"what": _(self.deadline)}
        named = NAMED.get(self.message.template)
        return str(named) if named else self.message.template.replace("_", " ").capitalize()

    @property
    def why(self) -> str:
        """Why it ended as it did, for people."""
        for prefix, sentence in REASONS.items():
            if self.message.reason.startswith(prefix):
                return str(sentence) % {"what": _(self.message.reason.removeprefix(prefix))}
        return _(self.message.reason)


def counts(session: Session, viewer: Viewer) -> dict[str, int]:
    """How many messages of those that the viewer may read stand in each status, mails and calls of webhooks alike.

    Of a digest that is stuck its parts are not counted: they are decided on with it.
    """
    return _counted(session, _apart(viewer))


def all_counts(session: Session, *, calls: bool) -> dict[str, int]:
    """The same of all mails, or of all calls of webhooks."""
    return _counted(session, (col(Message.kind) == KIND) == calls)


def _counted(session: Session, which: ColumnElement[bool]) -> dict[str, int]:
    alone = col(Message.digest_id).is_(None) | col(Message.status).not_in(STUCK)
    query = select(col(Message.status), func.count()).where(alone, which).group_by(col(Message.status))
    return {status: int(count) for status, count in session.execute(query)}


def page(session: Session, viewer: Viewer, status: str, number: int) -> tuple[list[Entry], int]:
    """One page of messages in a status (all if empty), and how many there are: what came to an end, the latest
    first; then what is planned, the next first.

    Without those about the proposals of the viewer's own members: they name reviewers.
    """
    query = _entries().where(_apart(viewer))
    total = select(func.count()).select_from(Message).where(_apart(viewer))
    if status:
        query, total = query.where(col(Message.status) == status), total.where(col(Message.status) == status)
    query = query.order_by(*ORDER)
    found = session.execute(query.limit(PAGE).offset((number - 1) * PAGE)).all()
    return _read(session, found), session.execute(total).scalar_one()


def of_application(session: Session, application: Application) -> list[Entry]:
    """Every message about the application, in the order of ``page``."""
    query = _entries().where(col(Message.application_id) == application.id)
    found = session.execute(query.order_by(*ORDER)).all()
    return _read(session, found)


def of_person(
    session: Session, viewer: Viewer, person_id: int, parts: Iterable[str] = PARTS, number: int = 1
) -> dict[str, Part]:
    """One page of each part (``PARTS``) of the mail to a person: the next first, of what came to an end the latest.

    Without what ``page`` leaves out.
    """
    found = {}
    for name in parts:
        which = (col(Message.person_id) == person_id, _apart(viewer), PARTS[name])
        rows = session.execute(
            _entries().where(*which).order_by(*ORDER).limit(PAGE).offset((number - 1) * PAGE)
        ).all()
        total = session.execute(select(func.count()).select_from(Message).where(*which)).scalar_one()
        found[name] = Part(_read(session, rows), total)
    return found


def stuck(session: Session, viewer: Viewer, number: int) -> tuple[list[Entry], int]:
    """One page of the messages that somebody has to decide on, the latest first, and how many there are."""
    # What went into a digest is decided on with it.
    which = (col(Message.status).in_(STUCK), col(Message.digest_id).is_(None), _apart(viewer))
    query = _entries().where(*which).order_by(col(Message.finished_at).desc(), col(Message.id))
    found = session.execute(query.limit(PAGE).offset((number - 1) * PAGE)).all()
    total = session.execute(select(func.count()).select_from(Message).where(*which)).scalar_one()
    return _read(session, found), total


def one(session: Session, viewer: Viewer, message_id: int) -> Entry | None:
    """The message of that key, or None; none about a proposal of the viewer's own members."""
    found = session.execute(_entries().where(col(Message.id) == message_id, _apart(viewer))).first()
    return _read(session, [found])[0] if found else None


def attempts(session: Session, message: Message) -> Sequence[DeliveryAttempt]:
    """Every try at handing it to the mail server, the first one first."""
    return session.scalars(
        select(DeliveryAttempt)
        .where(col(DeliveryAttempt.message_id) == message.id)
        .order_by(col(DeliveryAttempt.id))
    ).all()


def parts(session: Session, message: Message) -> list[Entry]:
    """What a digest stands for, in the order in which it was planned; nothing for other mail."""
    if message.kind != DIGEST:
        return []
    query = (
        _entries().where(col(Message.digest_id) == message.id).order_by(col(Message.next_at), col(Message.id))
    )
    return _read(session, session.execute(query).all())


def _apart(viewer: Viewer) -> ColumnElement[bool]:
    """Not about a proposal of the viewer's own members, nor a digest that tells of one."""
    if not viewer.member_ids:
        return true()
    own = select(col(Application.id)).where(col(Application.member_id).in_(viewer.member_ids))
    part = aliased(Message)
    tells_of_own = exists().where(col(part.digest_id) == col(Message.id), col(part.application_id).in_(own))
    about = col(Message.application_id)
    return (about.is_(None) & ~tells_of_own) | about.not_in(own)


def _read(session: Session, found: Iterable[Any]) -> list[Entry]:
    """The rows of ``_entries``, each with whether it tells of what the fund does not read yet."""
    entries = []
    for message, person, reference, label, state, workflow_id in found:
        read = definition_by_id(session, workflow_id).state(state).read if workflow_id else STAFF
        entries.append(Entry(message, person, reference, label, private=not STAFF & read))
    return entries


def _entries() -> Select[Message, Person, str, str, str | None, int | None]:
    reference = func.coalesce(col(Application.reference), "")
    label = func.coalesce(col(Deadline.label), "")
    return (
        select(Message, Person, reference, label, col(Application.state), col(Application.workflow_id))
        .join(Deadline, col(Deadline.id) == col(Message.deadline_id), isouter=True)
        .join(Person, col(Person.id) == col(Message.person_id), isouter=True)
        .join(Application, col(Application.id) == col(Message.application_id), isouter=True)
    )
