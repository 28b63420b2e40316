"""The story of the demonstration: who did what on which day, from September 2020 to the network's second anniversary.

It is not written into tables; it is lived through: each step goes through the services, and the clock stops on the way
wherever a deadline passes or a mail is due.
"""

import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

from sqlmodel import Session, select

from fund.base import moves
from fund.demo.acts import Proposal
from fund.demo.cast import REVIEWERS, Cast, assemble, join
from fund.demo.clock import BEGINNING, MovedClock
from fund.demo.travel import travel
from fund.rehearsing.living import settle
from fund.rounds import service as rounds
from fund.rounds.fields import RoundDraft
from fund.worker import Worker
from schema.rounds import Round

Step = Callable[[Session, datetime], None]
Timed = tuple[datetime, Step]

OPENING = datetime(2020, 9, 14, 9, 0, tzinfo=UTC)
FIRST = RoundDraft(
    title="Peace Incentive Fund 2021",
    summary="Small grants for members who put evidence-based violence prevention to work. (Illustrative.)",
    eligibility=("You are a member of the network.", "The project builds on the research compendium."),
    zone="Europe/Brussels",
    opens_on=date(2020, 9, 21),
    closes_on=date(2020, 10, 30),
    review_due_on=date(2020, 11, 27),
    decision_on=date(2020, 12, 18),
    currency="USD",
    pot_minor=150_000_00,
    ceiling_minor=20_000_00,
    project_months=7,
)
SECOND = RoundDraft(
    title="Peace Incentive Fund 2022",
    summary="The second round: build on what the first projects learned. (Illustrative.)",
    eligibility=FIRST.eligibility,
    zone="Europe/Brussels",
    opens_on=date(2021, 9, 1),
    closes_on=date(2021, 10, 15),
    review_due_on=date(2021, 11, 12),
    decision_on=date(2021, 12, 10),
    currency="USD",
    pot_minor=120_000_00,
    ceiling_minor=20_000_00,
    project_months=9,
)
RUNS = {
    "interim_returned": (date(2021, 3, 1), date(2021, 12, 31)),
    "interim_overdue": (date(2021, 3, 15), date(2022, 2, 28)),
    "active": (date(2021, 2, 1), date(2021, 10, 31)),
    "agreement_signed": (date(2021, 10, 1), date(2022, 6, 30)),
}
USUAL_RUN = (date(2021, 1, 11), date(2021, 7, 31))


def live_through(worker: Worker, clock: MovedClock, tell: Callable[[str], None]) -> None:
    """Fill the empty database with the story, up to the morning on which the demonstration begins."""
    told = tomllib.loads((Path(__file__).parent / "story.toml").read_text("utf-8"))
    with worker.database.write() as session:
        cast = assemble(session, told["members"], clock.now())
        first = rounds.create_round(session, cast["manager"], FIRST, clock.now()).slug
        second = rounds.create_round(session, cast["manager"], SECOND, clock.now()).slug
    month = ""
    steps = sorted(_all_steps(told, cast, first, second), key=_moment)
    for moment, together in groupby(steps, key=_moment):
        travel(worker, clock, moment)
        with worker.database.write() as session:
            for _when, step in together:
                step(session, moment)
        settle(worker)
        if f"{moment:%B %Y}" != month:
            month = f"{moment:%B %Y}"
            tell(f"  {month}")
    travel(worker, clock, BEGINNING)


def _moment(timed: Timed) -> datetime:
    return timed[0]


def _all_steps(told: dict[str, Any], cast: Cast, first: str, second: str) -> Iterator[Timed]:
    members = {member["key"]: member for member in told["members"]}
    yield _at(2020, 9, 21), _move_round(cast, first, "open")
    yield _at(2020, 12, 20), _move_round(cast, first, "decide")
    yield _at(2021, 9, 1), _move_round(cast, second, "open")
    yield _at(2021, 9, 20), lambda s, now: join(s, cast["manager"], now)
    for number, one in enumerate(told["projects"]):
        project = Proposal(one, cast, first, members[one["member"]])
        yield from _funded(project, one["reach"], number)
    for number, one in enumerate(told["proposals"]):
        proposal = Proposal(one, cast, second, members[one["member"]])
        yield from _proposed(proposal, one["reach"], number)


def _funded(project: Proposal, reach: str, number: int) -> Iterator[Timed]:
    """A project of the first round, as far as it came."""
    starts, ends = RUNS.get(reach, USUAL_RUN)
    late = reach == "agreement_signed"
    yield from _reviewed(project, _at(2020, 10, 1) + timedelta(days=number // 3), _at(2020, 11, 2), number)
    if late:
        yield (
            _at(2020, 12, 10),
            lambda s, now: project.move(s, "put_on_reserve", project.cast["manager"], now),
        )
    yield _at(2021, 1, 20) if not late else _at(2021, 9, 1), project.show
    offered = _at(2021, 8, 16) if late else _at(2020, 12, 10)
    yield offered, lambda s, now: project.offer(s, starts, ends, now)
    yield offered + timedelta(days=4 + number % 3), project.accept
    if late:
        return
    begun = datetime(starts.year, starts.month, starts.day, 10, 30, tzinfo=UTC)
    yield begun, lambda s, now: project.move(s, "start_project", project.cast["manager"], now)
    yield from _reported(project, reach)


def _reported(project: Proposal, reach: str) -> Iterator[Timed]:
    if reach == "interim_overdue":
        return
    handed = {"interim_returned": _at(2021, 8, 20), "active": _at(2021, 6, 14)}.get(reach, _at(2021, 4, 19))
    yield handed, lambda s, now: project.report(s, "interim", now)
    if reach == "interim_returned":
        why = "Please say how you counted the people reached, and add the costs by month. (Invented.)"
        yield (
            _at(2021, 9, 10),
            lambda s, now: project.answer_report(s, "interim", "return", now, why),
        )
        return
    yield handed + timedelta(days=6), lambda s, now: project.answer_report(s, "interim", "accept", now)
    if reach == "active":
        return
    final = {
        "completed": _at(2021, 8, 4),
        "lesson_published": _at(2021, 8, 11),
        "lesson_under_review": _at(2021, 8, 18),
        "lesson_due": _at(2021, 8, 28),
        "final_under_review": _at(2021, 9, 14),
    }[reach]
    yield final, lambda s, now: project.report(s, "final", now)
    if reach != "final_under_review":
        yield from _shared(project, reach, final)


def _shared(project: Proposal, reach: str, final: datetime) -> Iterator[Timed]:
    manager = project.cast["manager"]
    yield final + timedelta(days=5), lambda s, now: project.answer_report(s, "final", "accept", now)
    yield final + timedelta(days=6), lambda s, now: project.move(s, "ask_for_lesson", manager, now)
    if reach == "lesson_due":
        return
    yield final + timedelta(days=18), project.lesson
    if reach == "lesson_under_review":
        return
    yield final + timedelta(days=24), project.publish
    if reach == "completed":
        yield final + timedelta(days=31), lambda s, now: project.move(s, "complete", manager, now)


def _reviewed(project: Proposal, begun: datetime, screened: datetime, number: int) -> Iterator[Timed]:
    """From the first word to the second review."""
    pair = (REVIEWERS[number % 3], REVIEWERS[(number + 1) % 3])
    yield begun, project.begin
    yield begun + timedelta(days=3), project.write
    yield begun + timedelta(days=14), project.submit
    yield screened, lambda s, now: project.assign(s, pair, now)
    for place, reviewer in enumerate(pair):
        start = screened + timedelta(days=8 + 6 * place)
        yield start, _begin(project, reviewer)
        yield start + timedelta(days=3), _review(project, reviewer, 3 + (number + place) % 2)


def _proposed(proposal: Proposal, reach: str, number: int) -> Iterator[Timed]:
    """A proposal of the round that is open, as far as it came."""
    manager = proposal.cast["manager"]
    early = reach in ("declined", "in_review", "in_review_begun", "returned")
    begun = _at(2021, 9, 2) if early else _at(2021, 9, 9) + timedelta(days=number)
    yield begun, proposal.begin
    if reach == "draft_begun":
        return
    yield begun + timedelta(days=1), proposal.write
    if reach == "draft_ready":
        return
    yield begun + timedelta(days=2), proposal.submit
    if reach == "returned":
        why = "Please say who keeps the groups safe, and shorten the budget to what this fund can pay. (Invented.)"
        yield (
            _at(2021, 9, 13),
            lambda s, now: proposal.move(s, "return_for_changes", manager, now, why),
        )
    elif early:
        yield from _under_review(proposal, reach)


def _under_review(proposal: Proposal, reach: str) -> Iterator[Timed]:
    yield _at(2021, 9, 6), lambda s, now: proposal.assign(s, REVIEWERS, now)
    if reach == "in_review_begun":
        yield _at(2021, 9, 8), lambda s, now: proposal.conflict(s, "leila", now)
        yield _at(2021, 9, 17), _begin(proposal, "ingrid")
        return
    value = 1 if reach == "declined" else 3
    for place, reviewer in enumerate(REVIEWERS if reach == "declined" else REVIEWERS[:1]):
        yield _at(2021, 9, 9 + place), _begin(proposal, reviewer)
        yield _at(2021, 9, 13 + place), _review(proposal, reviewer, value)
    if reach == "declined":
        why = (
            "A festival alone does not build on evidence. Tell us what happens on the days after. (Invented.)"
        )
        yield _at(2021, 9, 20), lambda s, now: proposal.move(s, "decline", proposal.cast["manager"], now, why)


def _begin(proposal: Proposal, reviewer: str) -> Step:
    return lambda session, now: proposal.begin_review(session, reviewer, now)


def _review(proposal: Proposal, reviewer: str, value: int) -> Step:
    return lambda session, now: proposal.review(session, reviewer, value, now)


def _move_round(cast: Cast, slug: str, trigger: str) -> Step:
    def step(session: Session, now: datetime) -> None:
        row = session.exec(select(Round).where(Round.slug == slug)).one()
        moves.fire(session, row, trigger, cast["manager"], version=row.version, now=now)

    return step


def _at(year: int, month: int, day: int) -> datetime:
    """Late in the working morning of that day, UTC."""
    return datetime(year, month, day, 10, 30, tzinfo=UTC)
