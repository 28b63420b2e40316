"""The worker door: what happens as time passes, in ticks."""

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from fund.base import deadlines, ledger, passing, soundness
from fund.base.clock import Clock, SystemClock
from fund.base.database import Database
from fund.base.settings import Settings
from fund.governing import webhooks
from fund.people import service as people
from fund.pipeline import weekly
from fund.sharing import newsletter
from fund.web.i18n import catalogue
from fund.web.mails import mail_settings as mail_settings
from notifications.alive import presence
from notifications.compose import Composer
from notifications.poster import Poster
from notifications.reconcile import prune, reconcile
from notifications.sender import Sender
from notifications.smtp import Server, Transport
from notifications.ticks import Job, Ticks

log = logging.getLogger(__name__)
HOUR = 3600.0
DAY = 24 * HOUR
STOPS = {signal.SIGINT, signal.SIGTERM}


class Worker:
    """Everything that one process does as time passes. ``sweep`` may also be called by hand, as the demo does."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        clock: Clock,
        *,
        demo: bool = False,
        transport: Transport | None = None,
    ) -> None:
        """Without ``transport`` mail goes to the mail server of the settings."""
        self.settings, self.database, self.clock = settings, database, clock
        self.present = presence(database, settings.data_dir)
        composer = Composer(mail_settings(settings, demo=demo), catalogue)
        # In the web process whoever asks for a page comes first.
        count = 1 if settings.embedded_worker else settings.smtp_connections
        lines = [Transport(mail_server(settings)) for _ in range(count)]
        self.sender = Sender(
            database,
            transport or lines[0],
            composer,
            clock,
            self.present,
            on_unknown=settings.unknown_outcome,
            mail_limits=settings.limits,
            more=() if transport else lines[1:],
        )
        # Webhooks are called by a tick of their own alone: whoever sweeps by hand, as a rehearsal does, calls none.
        self.poster = Poster(
            database,
            composer,
            clock,
            presence(database, settings.data_dir),
            webhooks.turn_off,
            private=settings.webhook_private,
        )
        self.ticks = Ticks(
            {
                "sweep": Job(settings.sweep_seconds, self.sweep),
                "webhooks": Job(settings.sweep_seconds, self.poster.sweep),
                "reconcile": Job(HOUR, self.reconcile),
                "letters": Job(HOUR, self.letters),
                "daily": Job(DAY, self.daily),
            }
        )

    def sweep(self) -> int:
        """Let deadlines pass, then send what is due. Answers how much was done."""
        done = passing.sweep(self.database, self.clock) + self.sender.sweep()
        while self.sender.unfinished:
            done += passing.sweep(self.database, self.clock) + self.sender.sweep()
        return done

    def reconcile(self) -> None:
        """Set right whatever reminders do not agree with their deadlines: a manager who joined later has none yet."""
        found = reconcile(self.database, deadlines.policy, self.clock)
        if not found.nothing:
            log.info("reminders were set right: %s", found)

    def letters(self) -> None:
        """Queue the overviews of managers whose Monday morning has come, and draft the month's newsletter."""
        now = self.clock.now()
        with self.database.write() as session:
            weekly.queue_due(session, now)
            newsletter.make_due(session, self.settings.fund_name, self.settings.zone, now)

    def daily(self) -> None:
        """Seal the ledger and clear up what nobody needs any more."""
        now = self.clock.now()
        with self.database.write() as session:
            ledger.seal_daily(session, now)
            prune(session, self.present.is_alive, now)
            people.prune(session, now)

    @contextmanager
    def running(self) -> Iterator["Worker"]:
        """Ticks run while the context lasts; at its end the mail in hand is finished and the lock given back."""
        self.ticks.start()
        try:
            yield self
        finally:
            self.stop()

    def stop(self) -> None:
        """Finish the mail in hand, then give the lock and the connections back."""
        # The sender first, or a sweep of thousands would go on to its end.
        self.sender.stop()
        self.poster.stop()
        self.ticks.stop()


def run(settings: Settings, database: Database) -> None:
    """Work until told to stop (SIGTERM, SIGINT); a second signal does not wait for the mail in hand."""
    # Waited for, not handled: a handler may run at a moment when the main thread cannot be woken.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    soundness.report(database)
    with Worker(settings, database, SystemClock()).running():
        log.info("the worker sweeps every %s seconds", settings.sweep_seconds)
        signal.sigwait(STOPS)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)


def mail_server(settings: Settings) -> Server:
    """Which mail server, and how to talk to it."""
    return Server(
        host=settings.smtp_host,
        port=settings.smtp_port,
        security=settings.smtp_security,
        user=settings.smtp_user,
        password=settings.smtp_password.get_secret_value(),
    )
