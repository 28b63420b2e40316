"""Where the lines of a sender tell what became of their mails and are given the next ones.

Those that come at the same moment, or nearly so, are served together, in one transaction: they wait for the disk once.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from notifications.handing import Done
from notifications.lease import Claim

T = TypeVar("T")
Step: TypeAlias = Callable[[Sequence[Done], Sequence[Claim], int], tuple[list[T], int]]
"""Writes down what is done and begins at most so many of those waiting: these, and how many it looked at for them."""
PATIENCE = 0.005
"""Seconds for which those who came wait, until half of all lines have come."""


@dataclass(slots=True)
class _Turn(Generic[T]):
    done: Done | None
    goes_on: bool
    served: "asyncio.Future[T | None]"


class Desk(Generic[T]):
    """Serves the lines of one event loop with one batch of claims."""

    def __init__(self, claims: Sequence[Claim], step: Step[T]) -> None:
        self._waiting, self._step = list(claims), step
        self._turns: list[_Turn[T]] = []
        self._away = 0
        """How many lines have a mail in hand."""
        self._timer: asyncio.Handle | None = None

    async def turn(self, done: Done | None, goes_on: bool) -> T | None:
        """Have it written down what is ``done``. The next one, unless nothing is left or the line does not go on.

        Raises what ``step`` raised for this line; what is known of the others is written down all the same.
        """
        loop = asyncio.get_running_loop()
        mine = _Turn[T](done, goes_on, loop.create_future())
        self._turns.append(mine)
        self._away -= done is not None
        if self._timer is None:
            self._timer = loop.call_later(PATIENCE, self._serve)
        if len(self._turns) >= self._away:
            self._timer.cancel()
            self._timer = loop.call_soon(self._serve)  # who comes at this moment too comes in time
        return await mine.served

    def _serve(self) -> None:
        turns, self._turns, self._timer = self._turns, [], None
        try:
            self._together(turns)
        except Exception:
            # What is known of one mail must not be lost because of another, or because the next could not be begun.
            for one in turns:
                self._alone(one)
        except BaseException as error:  # the process is to end, and so are they
            for one in turns:
                one.served.set_exception(error)

    def _alone(self, one: _Turn[T]) -> None:
        try:
            self._together([_Turn(one.done, False, asyncio.get_running_loop().create_future())])
            self._together([_Turn(None, one.goes_on, one.served)])
        except BaseException as error:
            one.served.set_exception(error)

    def _together(self, turns: Sequence[_Turn[T]]) -> None:
        done = [one.done for one in turns if one.done is not None]
        going_on = [one for one in turns if one.goes_on]
        wanted = len(going_on) if self._waiting else 0
        begun: list[T] = []
        if done or wanted:
            begun, looked_at = self._step(done, self._waiting, wanted)
            del self._waiting[:looked_at]
        self._away += len(begun)
        given = iter(begun)
        for one in turns:
            mail = next(given, None) if one.goes_on else None
            if not one.served.cancelled():
                one.served.set_result(mail)
