"""What would go out: a round is rehearsed in one scenario, and every mail of it is told."""

import threading
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from sqlalchemy import func
from sqlmodel import Session, col, select

from fund.base.clock import FixedClock
from fund.base.database import Database
from fund.base.errors import Invalid, NotFound, TooMany
from fund.base.settings import Settings
from fund.base.subjects import id_of
from fund.rehearsing.acting import Trouble
from fund.rehearsing.copying import scratch
from fund.rehearsing.living import live
from fund.rehearsing.playing import Play
from fund.rehearsing.recording import Recorder
from fund.rehearsing.scenario import Scenario
from fund.rounds.queries import closing_lies_ahead
from fund.web.i18n import gettext as _
from fund.worker import Worker
from notifications.dates import end_of_local_day, local_day
from schema.applications import Application
from schema.deadlines import Deadline
from schema.mails import MailTemplate
from schema.outbox import Message, MessageStatus
from schema.people import Person
from schema.rounds import Round

AT_ONCE = 8
"""How many proposals take part at most where somebody waits for a page and asked for no more."""
AT_MOST = 50
"""How many take part at most in a page whose reader is ready to wait: it can take half a minute."""
USUAL = 5
"""How many proposals are invented where a round has none yet."""
HORIZON = timedelta(days=1000)
"""How far ahead is looked at most. Rounds come to their end before; what nobody does, nobody does for ever."""
PATIENCE = 20.0
"""For how many seconds somebody waits who wants a rehearsal while this process is busy with another one."""
WAITING = 4
"""So many at most, the one under way among them: whoever waits holds one of the threads that answer everybody."""
_queue, _stage = threading.Semaphore(WAITING), threading.Semaphore(1)


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail that would go out. ``at`` is in UTC, ``zone`` the reader's."""

    at: datetime
    zone: str
    recipient: str
    name: str
    template: str
    subject: str
    about: str
    """Title of the proposal, or of the round."""
    deadline: str
    """Label of the deadline that it reminds of, if it is a reminder."""
    member_id: int | None
    """Whose proposal it is about."""

    @property
    def day(self) -> date:
        """The day on which its reader gets it."""
        return local_day(self.at, self.zone)


@dataclass(frozen=True)
class Rehearsal:
    """One scenario, lived through. ``applications`` took part, of the ``total`` that the round has."""

    round: str
    scenario: Scenario
    begins: datetime
    until: datetime
    applications: int
    total: int
    invented: int
    mails: Sequence[Mail]
    troubles: Sequence[Trouble] = field(default_factory=tuple)

    def apart_from(self, members: Collection[int]) -> "Rehearsal":
        """The same for somebody who acts for these members: others look after what is said of their proposals."""
        mails = [one for one in self.mails if one.member_id not in members]
        troubles = [one for one in self.troubles if one.member_id not in members]
        return replace(self, mails=mails, troubles=troubles)

    @property
    def months(self) -> list[tuple[date, list[Mail]]]:
        """The mails by month, each with its first day, as their readers' calendars have it."""
        by_month: dict[date, list[Mail]] = {}
        for mail in self.mails:
            by_month.setdefault(mail.day.replace(day=1), []).append(mail)
        return sorted(by_month.items())

    @property
    def people(self) -> list[tuple[str, int]]:
        """Everybody who gets mail with how much, who gets most first."""
        counted = Counter((one.name, one.recipient) for one in self.mails)
        return [(name or address, count) for (name, address), count in counted.most_common()]

    @property
    def busiest(self) -> tuple[date, int] | None:
        """The day on which most mail goes out, and how much."""
        return next(iter(Counter(one.day for one in self.mails).most_common(1)), None)


def rehearse(
    database: Database,
    settings: Settings,
    slug: str,
    scenario: Scenario,
    now: datetime,
    *,
    until: date | None = None,
    applications: int | None = None,
    most: int | None = None,
    demo: bool = False,
) -> Rehearsal:
    """Live through the round of that slug from ``now`` (UTC) to the end of the day ``until`` in its zone, in a copy.

    A round that takes proposals, or will, and has none yet gets ``applications`` invented ones, or USUAL; with
    ``applications`` one that has some gets so many more. ``most``: how many real ones take part at most. Nothing is
    written and nothing sent. Raises NotFound; Invalid where ``until`` lies in the past; TooMany where this process
    rehearses something else for too long.
    """
    with database.read() as session:
        round_ = round_of(session, slug)
        total = _count(session, round_)
        invented = _invented(round_, total, applications, now)
        end = _end(round_, until, now)
    with _alone(), scratch(database, id_of(round_), most) as copy:
        clock = FixedClock(now)
        recorder = Recorder(clock)
        own = settings.model_copy(update={"data_dir": copy.folder, "database_url": "", "mail_limits": ""})
        worker = Worker(own, copy.database, clock, demo=demo, transport=recorder)
        play = Play(copy.database, id_of(round_), scenario, now, invented)
        live(worker, clock, play, end)
        worker.sender.stop()
        mails = _told(copy.database, recorder)
        troubles = [*play.troubles, *_unwritten(copy.database, now)]
    took_part = min(total, most) if most is not None else total
    return Rehearsal(round_.title, scenario, now, end, took_part, total, invented, mails, troubles)


@contextmanager
def _alone() -> Iterator[None]:
    """One rehearsal at a time. Raises TooMany where somebody else's takes too long, or too many wait already."""
    busy = TooMany(_("Another rehearsal is under way. Try again in a moment."), 20)
    if not _queue.acquire(blocking=False):
        raise busy
    try:
        if not _stage.acquire(timeout=PATIENCE):
            raise busy
        try:
            yield
        finally:
            _stage.release()
    finally:
        _queue.release()


def round_of(session: Session, slug: str) -> Round:
    """The round of that slug. Raises NotFound."""
    found = session.exec(select(Round).where(Round.slug == slug)).first()
    if found is None:
        raise NotFound(_("There is no round “%(slug)s”.") % {"slug": slug[:100]})
    return found


def _count(session: Session, round_: Round) -> int:
    return session.exec(
        select(func.count()).select_from(Application).where(col(Application.round_id) == round_.id)
    ).one()


def _invented(round_: Round, total: int, wanted: int | None, now: datetime) -> int:
    if not closing_lies_ahead(round_, now):
        return 0
    return (0 if total else USUAL) if wanted is None else wanted


def _end(round_: Round, until: date | None, now: datetime) -> datetime:
    today = local_day(now, round_.zone)
    if until is None or until > today + HORIZON:
        return now + HORIZON
    if until < today:
        raise Invalid({"until": _("The last day lies in the past. Choose a later one.")})
    return end_of_local_day(until, round_.zone)


def _told(database: Database, recorder: Recorder) -> list[Mail]:
    """What the recorder took, with what the outbox knows of each."""
    with database.read() as session:
        rows = session.exec(
            select(Message, Person, Application, Deadline)
            .outerjoin(Person, col(Person.id) == col(Message.person_id))
            .outerjoin(Application, col(Application.id) == col(Message.application_id))
            .outerjoin(Deadline, col(Deadline.id) == col(Message.deadline_id))
        ).all()
        title = session.exec(select(Round.title)).one()
    known = {message.mail_id: (message, person, about, owed) for message, person, about, owed in rows}
    return [_mail(one.at, one.recipient, *known[one.mail_id], title) for one in recorder.taken]


def _unwritten(database: Database, since: datetime) -> list[Trouble]:
    """Mail that could not be written or addressed, and words of managers that could not be used, and why."""
    with database.read() as session:
        rows = session.exec(
            select(Message, Application)
            .outerjoin(Application, col(Application.id) == col(Message.application_id))
            .where(Message.status == MessageStatus.DEAD, col(Message.finished_at) >= since)
            .order_by(col(Message.finished_at), col(Message.id))
        ).all()
        words = session.exec(select(MailTemplate).where(col(MailTemplate.failed_at) >= since)).all()
    unusable = [Trouble(one.failed_at or since, "", _named(one.template), one.failure) for one in words]
    return [*(_trouble(message, about) for message, about in rows), *unusable]


def _named(template: str) -> str:
    return template.replace("_", " ").capitalize()


def _trouble(message: Message, about: Application | None) -> Trouble:
    title, member = (about.title, about.member_id) if about is not None else ("", None)
    return Trouble(
        message.finished_at or message.next_at, title, _named(message.template), message.reason, member
    )


def _mail(
    at: datetime,
    recipient: str,
    message: Message,
    person: Person | None,
    application: Application | None,
    deadline: Deadline | None,
    title: str,
) -> Mail:
    return Mail(
        at=at,
        zone=person.zone if person else "UTC",
        recipient=recipient,
        name=person.name if person else "",
        template=message.template,
        subject=message.rendered_subject,
        about=application.title if application else title,
        deadline=deadline.label if deadline else "",
        member_id=application.member_id if application else None,
    )
