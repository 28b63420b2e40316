"""The sender: claims what is due and hands it to the mail server, on each connection one message after the other.

All connections take turns on one event loop, which lives as long as there is something to send.
A sweep may be broken off at any moment, by a crash too: the next one, here or in another process, goes on where
the rows say it stopped. Whatever is wrong with one message ends with that message.
"""

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from notifications import alive, edited, handing, lease, pace, recovery
from notifications.compose import Composer, Mail
from notifications.desk import Desk
from notifications.handing import Done, Intent
from notifications.lease import Claim
from notifications.outcomes import Handed, OnUnknown, Outcome
from notifications.ports import Clock, Database
from notifications.smtp import Circuit, Transport, Unreachable
from notifications.truth import Truth
from schema.statements import Call

log = logging.getLogger("notifications")
BEAT = timedelta(seconds=30)
LONGEST_TURN = 20.0
"""Seconds after which a sweep begins no other batch: who sends thousands shows that it lives all the while."""
WORTH_A_LINE = 5
"""So many mails are worth opening a connection for."""
Tally = Counter[str]


@dataclass(frozen=True, slots=True)
class Begun:
    """A message whose intent is declared, and what its mail is to say at that moment, or why nothing can be said."""

    intent: Intent
    truth: Truth | Exception
    now: datetime


class Sender:
    """One worker's way of sending. ``sweep`` may be called from any plain thread; only one runs at a time."""

    def __init__(
        self,
        database: Database,
        transport: Transport,
        composer: Composer,
        clock: Clock,
        present: alive.Presence,
        *,
        on_unknown: OnUnknown = "resend",
        mail_limits: Sequence[pace.Limit] = (),
        more: Sequence[Transport] = (),
    ) -> None:
        """``more`` are further connections to the same mail server, used where many mails wait."""
        self.circuit = Circuit()
        self._database = database
        self._transports = (transport, *more)
        self._composer = composer
        self._clock = clock
        self._present = present
        self._on_unknown = on_unknown
        self._limits = mail_limits
        self._guard = threading.Lock()
        self._stopping = threading.Event()
        self._beat_at: datetime | None = None
        self._alerted = False
        self.unfinished = False
        """Whether the last sweep left what is due, since it had lasted long enough."""

    def sweep(self) -> int:
        """Send what is due now. Returns how many messages it moved on (sent, refused, expired …)."""
        return self._sweep_tallied().total()

    def run_until_quiet(self) -> Tally:
        """Sweep until nothing more can go out at the clock's moment. Returns how many ended how."""
        tally = Tally()
        while done := self._sweep_tallied():
            tally += done
            if self.circuit.down_since is not None:
                break
        return tally

    def stop(self) -> None:
        """Let a sweep under way end after the mail in hand. Then the lock is given back."""
        self._stopping.set()
        with self._guard:
            self._present.leave()

    def _sweep_tallied(self) -> Tally:
        with self._guard:
            tally, self.unfinished = Tally(), False
            if not self._stopping.is_set():
                self._sweep(tally)
            return +tally

    def _sweep(self, tally: Tally) -> None:
        now = self._clock.now()
        with self._database.read() as session:
            held, due = lease.look(session, now)
        beat = self._beat_at is None or not (now - BEAT < self._beat_at <= now)
        if not held and not due and not beat:
            return
        renewed = not self._present.hold()
        # What we ourselves still hold is left from a sweep that an error broke off.
        dead = [name for name in held if name == self._present.name or not self._present.is_alive(name)]
        if dead or beat or renewed:
            self._show_and_take_over(dead, now, tally)
        if due and self.circuit.allows(now):
            asyncio.run(self._send_due(tally))

    def _show_and_take_over(self, dead: list[str], now: datetime, tally: Tally) -> None:
        """Show that we live, and free what the dead held."""
        with self._database.write() as session:
            alive.register(session, self._present, now, self.circuit.down_since, self.circuit.reason or None)
            freed = recovery.recover(session, lambda name: name not in dead, now, self._on_unknown)
        self._beat_at = now
        for name, count in freed.items():
            tally["recovered"] += count
            log.warning("took over %d messages of worker %s", count, name)

    async def _send_due(self, tally: Tally) -> None:
        if not await self._connect():
            return
        until = monotonic() + LONGEST_TURN
        try:
            while not self._stopping.is_set():
                batch = self._claim()
                tally["settled"] += batch.settled
                if batch.empty or not await self._deliver_all(batch.claims, tally):
                    break
                if monotonic() >= until:
                    self.unfinished = True
                    break
        finally:
            with self._database.write() as session:
                lease.release(session, self._present.name)
            for line in self._transports:
                await line.hang_up()

    def _claim(self) -> lease.Batch:
        with self._database.write() as session:
            now = self._clock.now()
            room = pace.room(session, self._limits, now)
            limit = lease.BATCH if room.total is None else min(lease.BATCH, room.total)
            return lease.claim(session, self._present.name, now, limit, room.domains)

    async def _connect(self) -> bool:
        try:
            await self._transports[0].open()
        except Unreachable as error:
            self._unreachable(self._clock.now(), str(error))
            return False
        return True

    def _unreachable(self, now: datetime, reason: str) -> None:
        if self.circuit.down_since is None:
            self._beat_at = None  # so that the next sweep shows it
        self.circuit.failed(now, reason)
        if self.circuit.alert(now) and not self._alerted:
            self._alerted = True
            log.error("the mail server has been out of reach since %s: %s", self.circuit.down_since, reason)

    async def _deliver_all(self, claims: Sequence[Claim], tally: Tally) -> bool:
        """Hand them over on every line that so many are worth. False where the rest has to wait."""
        others = self._transports[1 : max(1, len(claims) // WORTH_A_LINE)]
        lines = [self._transports[0], *[line for line in others if await _opens(line)]]
        desk = Desk(claims, lambda done, waiting, wanted: self._step(done, waiting, wanted, tally))
        # Each line ends with the mail in hand, whatever befalls another.
        each = await asyncio.gather(*(self._deliver(line, desk) for line in lines), return_exceptions=True)
        for error in each:
            if isinstance(error, BaseException):
                raise error
        return all(each)

    async def _deliver(self, line: Transport, desk: Desk[Begun]) -> bool:
        """One after the other. False where the rest has to wait: the server is gone, or we are to stop."""
        goes_on = not self._stopping.is_set()
        begun = await desk.turn(None, goes_on)
        while begun is not None:
            handed = await self._hand_over(line, begun)
            goes_on = handed.outcome != Outcome.UNREACHABLE and not self._stopping.is_set()
            begun = await desk.turn((begun.intent, handed), goes_on)
        return goes_on

    def _step(
        self, done: Sequence[Done], waiting: Sequence[Claim], wanted: int, tally: Tally
    ) -> tuple[list[Begun], int]:
        """Write down what became of mails and begin the next of those waiting, with one wait for the disk.

        Answers at most as many as ``wanted``, and how many of those waiting were looked at for it.
        """
        with self._database.write() as session:
            ended, rest = self._acknowledge(session, done)
            begun, looked_at = self._begin(session, waiting, wanted, rest)
        tally["cancelled"] += looked_at - len(begun)
        tally.update(ended)
        return begun, looked_at

    def _acknowledge(self, session: Session, done: Sequence[Done]) -> tuple[list[str], Sequence[Call]]:
        """How they ended, and what is still to be written down of it."""
        now = self._clock.now()
        for _, handed in done:
            if handed.failure is not None:
                edited.note(session, handed.failure, now)
        became, rest = handing.begin_to_acknowledge(session, done, now, self._on_unknown)
        ended = [
            "lost" if status is None else handed.outcome
            for status, (_, handed) in zip(became, done, strict=True)
        ]
        return ended, rest

    def _begin(
        self, session: Session, waiting: Sequence[Claim], wanted: int, besides: Sequence[Call]
    ) -> tuple[list[Begun], int]:
        """The first that are still to go, with all that they are to say; and how many were looked at for it.

        ``besides`` is carried out before them.
        """
        now, domain, looked_at = self._clock.now(), self._composer.settings.domain, 0
        intents: list[Intent] = []
        while besides or (wanted > len(intents) and looked_at < len(waiting)):
            next_ones = waiting[looked_at : looked_at + wanted - len(intents)]
            intents += handing.intend_all(session, next_ones, now, domain, besides)
            looked_at, besides = looked_at + len(next_ones), ()
        truths = self._look_up(session, intents)
        return [Begun(intent, truth, now) for intent, truth in zip(intents, truths, strict=True)], looked_at

    def _look_up(self, session: Session, intents: Sequence[Intent]) -> Sequence[Truth | Exception]:
        try:
            return self._composer.look_up_all(session, [intent.message_id for intent in intents])
        except SQLAlchemyError:
            raise  # the database itself: the intents are not declared then
        except Exception as error:  # a row may hold anything; the other messages go out all the same
            if len(intents) == 1:
                return [error]
            return [self._look_up(session, [intent])[0] for intent in intents]

    async def _hand_over(self, line: Transport, begun: Begun) -> Handed:
        try:
            if isinstance(begun.truth, Exception):
                raise begun.truth
            mail = self._composer.write(begun.truth, begun.now)
        # A template or an address may be wrong in any way; the other messages go out all the same.
        except Exception as error:
            log.exception("message %d cannot be written", begun.intent.message_id)
            return Handed(Outcome.DEAD, f"The mail could not be written: {type(error).__name__}: {error}")
        return await self._send(line, mail, begun.now)

    async def _send(self, line: Transport, mail: Mail, now: datetime) -> Handed:
        verdict = await line.send(self._composer.settings.mail_from, mail.recipient, mail.data)
        if verdict.outcome == Outcome.UNREACHABLE:
            self._unreachable(now, verdict.reply)
        else:
            self._reached()
        return Handed(
            verdict.outcome, verdict.reply, mail.recipient, mail.subject, mail.text, failure=mail.failure
        )

    def _reached(self) -> None:
        if self.circuit.down_since is not None:
            self._beat_at = None
        self.circuit.succeeded()
        self._alerted = False


async def _opens(line: Transport) -> bool:
    """Whether there is such a connection; a server that grants fewer is asked for no more."""
    try:
        await line.open()
    except Unreachable:
        return False
    return True
