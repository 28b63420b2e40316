"""Where the lines of a sender tell what became of their mails and are given the next ones.

Those that come at the same moment are served together, in one transaction: they wait for the disk once.
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


@dataclass(slots=True)
class _Turn(Generic[T]):
    done: Done | None
    goes_on: bool
    served: bool = False
    begun: T | None = None
    error: Exception | None = None


class Desk(Generic[T]):
    """Serves the lines of one event loop with one batch of claims."""

    def __init__(self, claims: Sequence[Claim], step: Step[T]) -> None:
        self._waiting, self._step = list(claims), step
        self._turns: list[_Turn[T]] = []

    async def turn(self, done: Done | None, goes_on: bool) -> T | None:
        """Have it written down what is ``done``. The next one, unless nothing is left or the line does not go on.

        Raises what ``step`` raised for this line; what is known of the others is written down all the same.
        """
        mine: _Turn[T] = _Turn(done, goes_on)
        self._turns.append(mine)
        await asyncio.sleep(0)  # who comes at this moment too comes in time
        if not mine.served:
            turns, self._turns = self._turns, []
            self._serve(turns)
        if mine.error is not None:
            raise mine.error
        return mine.begun

    def _serve(self, turns: Sequence[_Turn[T]]) -> None:
        for one in turns:
            one.served = True
        try:
            self._together(turns)
        except Exception:
            # What is known of one mail must not be lost because of another, or because the next could not be begun.
            for one in turns:
                self._alone(one)

    def _alone(self, one: _Turn[T]) -> None:
        goes_on, one.goes_on = one.goes_on, False
        try:
            self._together([one])
            one.done, one.goes_on = None, goes_on
            self._together([one])
        except Exception as error:
            one.error = error

    def _together(self, turns: Sequence[_Turn[T]]) -> None:
        done = [one.done for one in turns if one.done is not None]
        going_on = [one for one in turns if one.goes_on]
        wanted = len(going_on) if self._waiting else 0
        if done or wanted:
            begun, looked_at = self._step(done, self._waiting, wanted)
            del self._waiting[:looked_at]
            for one, its in zip(going_on, begun, strict=False):
                one.begun = its
