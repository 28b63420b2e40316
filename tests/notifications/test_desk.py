"""Where several lines tell what became of their mails at one moment and are given the next ones."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from notifications.desk import Desk
from notifications.handing import Done, Intent
from notifications.lease import Claim
from notifications.outcomes import Handed, Outcome

SENT = Handed(Outcome.SENT, "250 ok")


@dataclass
class Book:
    """What was written down, a transaction in each line; a mail whose id is ``torn`` cannot be."""

    torn: int = 0
    lines: list[list[int]] = field(default_factory=list)

    def step(self, done: Sequence[Done], waiting: Sequence[Claim], wanted: int) -> tuple[list[int], int]:
        """All of it or nothing."""
        written = [intent.message_id for intent, _ in done]
        if self.torn in written:
            raise ConnectionError("torn")
        self.lines.append(written)
        begun = [one.message_id for one in waiting[:wanted]]
        return begun, len(begun)


async def line(desk: Desk[int], sent: list[int], last: int = 99) -> None:
    """Takes one mail after the other until nothing is left, or ``last`` is sent."""
    mail = await desk.turn(None, True)
    while mail is not None:
        sent.append(mail)
        mail = await desk.turn((Intent(mail, "l", 1, 1, "notice", None), SENT), mail != last)


def all_lines(book: Book, mails: int, lines: int, last: int = 99) -> tuple[list[int], list[BaseException]]:
    """The mails that were sent over so many lines, and the errors that ended one."""
    sent: list[int] = []

    async def together() -> list[BaseException | None]:
        desk = Desk([Claim(key, "l") for key in range(1, mails + 1)], book.step)
        running = (line(desk, sent, last) for _ in range(lines))
        return await asyncio.gather(*running, return_exceptions=True)

    return sent, [error for error in asyncio.run(together()) if error is not None]


def test_lines_that_come_at_one_moment_share_a_transaction() -> None:
    book = Book()
    assert all_lines(book, mails=6, lines=3) == ([1, 2, 3, 4, 5, 6], [])
    assert book.lines == [[], [1, 2, 3], [4, 5, 6]]


def test_more_lines_than_mails_leave_nobody_waiting() -> None:
    book = Book()
    assert all_lines(book, mails=2, lines=5) == ([1, 2], [])
    assert book.lines == [[], [1, 2]]


def test_a_line_that_does_not_go_on_leaves_the_rest_to_the_others() -> None:
    book = Book()
    sent, _ = all_lines(book, mails=7, lines=2, last=2)
    assert sorted(sent) == [1, 2, 3, 4, 5, 6, 7]
    assert sorted(key for one in book.lines for key in one) == sent


@pytest.mark.parametrize("torn", [1, 2, 5])
def test_what_cannot_be_written_down_of_one_line_takes_nothing_from_the_others(torn: int) -> None:
    book = Book(torn)
    sent, errors = all_lines(book, mails=7, lines=3)
    assert sorted(sent) == [1, 2, 3, 4, 5, 6, 7]
    assert sorted(key for one in book.lines for key in one) == [key for key in sorted(sent) if key != torn]
    assert [str(error) for error in errors] == ["torn"]


def test_a_line_that_was_broken_off_takes_nothing_from_the_others() -> None:
    book = Book()

    async def broken_off() -> list[int | None]:
        desk = Desk([Claim(key, "l") for key in (1, 2, 3)], book.step)
        first, second = (asyncio.create_task(desk.turn(None, True)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        return [await second, await desk.turn(None, True)]

    assert asyncio.run(broken_off()) == [2, 3]
    assert book.lines == [[], []]


def test_who_comes_soon_after_another_comes_in_time_and_nobody_is_waited_for_long() -> None:
    book = Book()

    async def one_after_the_other() -> None:
        desk = Desk([Claim(key, "l") for key in range(1, 9)], book.step)
        begun = await asyncio.gather(*(desk.turn(None, True) for _ in range(4)))
        sent = [(Intent(mail or 0, "l", 1, 1, "notice", None), SENT) for mail in begun]
        first = asyncio.create_task(desk.turn(sent[0], True))
        await asyncio.sleep(0)
        await asyncio.gather(first, desk.turn(sent[1], True))
        await desk.turn(sent[2], False)

    asyncio.run(one_after_the_other())
    assert book.lines == [[], [1, 2], [3]]
