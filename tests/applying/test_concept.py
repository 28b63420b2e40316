"""A round that asks for a concept note first: one application lived through it, by the services that people use."""

from datetime import datetime, timedelta

import pytest
from sqlmodel import select

from fund.applying import queries, standing
from fund.applying.fields import Edit
from fund.awarding.queries import visible_award
from fund.base import passing
from fund.base.errors import Invalid, MoveRefused, NotFound
from fund.base.permissions import Viewer
from fund.deciding import queries as deciding
from fund.pipeline import queries as pipeline
from fund.reviewing import service as reviewing
from fund.rounds import queries as rounds
from schema.applications import Submission
from schema.deadlines import Deadline, DeadlineStatus
from schema.outbox import Message
from schema.reviews import Score
from tests.applying.support import moved, saved, started, stored
from tests.rounds import support as planning
from tests.support import world as worlds
from tests.support.world import World, world

CONCEPT = Edit(
    title="Safe streets",
    theme="digital",
    requested_minor=15_000_00,
    answers={"summary": "Mediators.", "team": "Us.", "problem": "Recruiting.", "evidence": "A study."},
)
LATER = ("activities", "change", "risks", "people", "safety", "learning", "costs")
REST = Edit(answers=dict.fromkeys(LATER, "As we know it by now."))


@pytest.fixture
def fund(db, clock) -> World:
    """A world whose round asks for concept notes."""
    here = world(db, clock.now())
    round_ = planning.opened(
        db,
        here.manager,
        clock.now(),
        workflow="concept",
        opens_on=clock.now().date(),
        closes_on=clock.now().date() + timedelta(days=30),
        review_due_on=clock.now().date() + timedelta(days=120),
        decision_on=clock.now().date() + timedelta(days=150),
    )
    return World(**(here.__dict__ | {"round_id": round_.id, "round_slug": round_.slug}))


def parts(fund: World, reference: str, now: datetime) -> list[str]:
    """The pages of the form that the applicant writes on."""
    with fund.db.read() as session:
        here = queries.writing(session, fund.applicant, reference, now)
        return [part.section.key for part in here.parts]


def due(fund: World, reference: str) -> dict[str, int]:
    """The open deadlines of the application, by key, each with the days that are left of it since the epoch."""
    with fund.db.read() as session:
        application = stored(session, reference)
        found = session.exec(
            select(Deadline).where(
                Deadline.subject_kind == "application",
                Deadline.subject_id == application.id,
                Deadline.status == DeadlineStatus.OPEN,
            )
        )
        return {one.key: one.due_on.toordinal() for one in found}


def mailed(fund: World) -> set[tuple[str, str]]:
    """Who was sent which notice."""
    with fund.db.read() as session:
        rows = session.exec(select(Message).where(Message.kind == "notice"))
        names = {one.person_id: one.name for one in everybody(fund)}
        return {(row.template, names[row.person_id]) for row in rows if row.person_id in names}


def everybody(fund: World) -> list[Viewer]:
    return [fund.applicant, fund.manager, *fund.reviewers]


def concept_sent(fund: World, now: datetime) -> str:
    """The reference of a concept note that the fund has received."""
    reference = started(fund, now)
    saved(fund, reference, CONCEPT, 0, now)
    moved(fund, reference, "send_concept", fund.applicant, now, data={"declaration": True})
    return reference


def test_concept_note_asks_for_little_and_the_proposal_for_the_rest(fund, clock):
    now = clock.now()
    reference = started(fund, now)
    assert parts(fund, reference, now) == ["about", "problem"]
    assert list(due(fund, reference)) == ["concept_note"]
    with pytest.raises(Invalid):
        saved(fund, reference, REST, 0, now)
    with pytest.raises(MoveRefused, match=r"^Answer 7 more questions: Title; Theme; "):
        moved(fund, reference, "send_concept", fund.applicant, now, data={"declaration": True})
    saved(fund, reference, CONCEPT, 0, now)
    with pytest.raises(Invalid) as missing:
        moved(fund, reference, "send_concept", fund.applicant, now)
    assert list(missing.value.fields) == ["declaration"]
    moved(fund, reference, "send_concept", fund.applicant, now, data={"declaration": True})
    assert list(due(fund, reference)) == ["concept_screening"]
    assert ("concept_receipt", "Lucía Prado") in mailed(fund)
    assert ("concept_to_managers", "Amina Bello") in mailed(fund)

    moved(fund, reference, "invite", fund.manager, now, reason="Say more of the schools.")
    assert parts(fund, reference, now) == ["about", "problem", "plan", "people", "sharing", "budget"]
    with pytest.raises(MoveRefused, match=r"^Answer 7 more questions: What will you do"):
        moved(fund, reference, "submit", fund.applicant, now, data={"declaration": True})
    saved(fund, reference, REST, 1, now)
    moved(fund, reference, "submit", fund.applicant, now, data={"declaration": True})
    with fund.db.read() as session:
        first, second = session.exec(select(Submission).order_by(Submission.number))
    assert set(first.content["answers"]) == set(CONCEPT.answers)
    assert set(second.content["answers"]) == {*CONCEPT.answers, *REST.answers}


def test_the_applicant_sees_where_it_stands_and_what_she_owes(fund, clock):
    now = clock.now()
    reference = concept_sent(fund, now)
    with fund.db.read() as session:
        where = standing.standing(session, fund.applicant, reference, now)
        assert (where.state.applicant_label, where.editable) == ("Concept note received by the fund", False)
        assert [option.move.trigger for option in where.options] == ["withdraw"]
    moved(fund, reference, "invite", fund.manager, now, reason="Say more of the schools.")
    with fund.db.read() as session:
        where = standing.standing(session, fund.applicant, reference, now)
        assert (where.state.applicant_label, where.editable) == ("You are invited to propose", True)
        assert where.word == "Say more of the schools."
        assert [(one.key, one.due_on - now.date()) for one in where.deadlines] == [
            ("proposal", timedelta(days=42))
        ]
        assert [one.title for one in where.history][:2] == [
            "You are invited to propose",
            "Concept note received by the fund",
        ]


def test_more_time_moves_the_deadline_and_silence_lets_the_invitation_lapse(fund, clock):
    reference = concept_sent(fund, clock.now())
    moved(fund, reference, "invite", fund.manager, clock.now())
    before = due(fund, reference)["proposal"]
    clock.advance(timedelta(days=20))
    moved(fund, reference, "give_more_time", fund.manager, clock.now(), reason="The partner was ill.")
    assert due(fund, reference)["proposal"] - before == 20
    assert ("more_time", "Lucía Prado") in mailed(fund)
    clock.advance(timedelta(days=44))
    passing.sweep(fund.db, clock)
    with fund.db.read() as session:
        assert stored(session, reference).state == "invitation_lapsed"
    assert due(fund, reference) == {}


def test_one_application_lives_through_it(fund, clock):
    now = clock.now()
    reference = concept_sent(fund, now)
    moved(fund, reference, "invite", fund.manager, now)
    saved(fund, reference, REST, 1, now)
    moved(fund, reference, "submit", fund.applicant, now, data={"declaration": True})
    with fund.db.write() as session:
        application = stored(session, reference)
        chosen = [one.person_id or 0 for one in fund.reviewers]
        reviews = reviewing.assign(session, fund.manager, application, chosen, now=now)
        with pytest.raises(Invalid) as missing:
            worlds.move(session, application, "send_to_review", fund.manager, now)
        assert list(missing.value.fields) == ["briefed"]
        worlds.move(session, application, "send_to_review", fund.manager, now, data={"briefed": True})
        for review, reviewer in zip(reviews, fund.reviewers, strict=True):
            worlds.move(session, review, "start", reviewer, now)
            for criterion in rounds.round_by_slug(session, fund.manager, fund.round_slug).criteria:
                session.add(Score(review_id=review.id, criterion=criterion.key, value=3, reason="Because."))
            review.recommendation, review.feedback = "fund", "A sound plan."
            session.flush()
            worlds.move(session, review, "submit", reviewer, now)
        assert application.state == "deliberation", "all reviews are in"
        assert standing.standing(session, fund.applicant, reference, now).feedback == []
        board = deciding.deliberation(session, fund.manager, fund.round_slug)
        assert [one.application.reference for one in board.choices] == [reference]
        worlds.award(session, fund, application, now)
        with pytest.raises(NotFound):
            offer_of(session, fund, application)
        worlds.move(session, application, "offer", fund.manager, now)
        assert offer_of(session, fund, application).amount_minor == 12_000_00
        worlds.move(session, application, "accept_offer", fund.applicant, now, data={"signed_name": "Lucía"})
        worlds.move(session, application, "start_project", fund.manager, now)
        assert standing.standing(session, fund.applicant, reference, now).feedback == ["A sound plan."] * 3
    with fund.db.write() as session:
        application = stored(session, reference)
        worlds.report_accepted(session, fund, application, "interim", now)
        worlds.report_accepted(session, fund, application, "final", now)
        assert application.state == "reports_accepted"


def offer_of(session, fund, application):
    """The award as the applicant may read it."""
    return visible_award(session, fund.applicant, application)


def test_the_pipeline_shows_both_kinds_of_application_by_their_own_stages(fund, clock):
    now = clock.now()
    concept_sent(fund, now)
    other = started(fund, now)
    with fund.db.read() as session:
        stages = pipeline.stages(session, fund.manager, "", now)
        assert [stage.name for stage in stages] == [
            "concept",
            "submission",
            "review",
            "decision",
            "award",
            "reporting",
            "sharing",
        ]
        concept = stages[0]
        assert {one.state.name: one.count for one in concept.states if one.count} == {
            "concept": 1,
            "concept_received": 1,
        }
        listed, total = pipeline.rows(session, fund.manager, pipeline.Filter(stage="concept"), now)
        assert [row.state.name for row in listed] == ["concept_received"]
        assert total == 1
        assert other not in [row.application.reference for row in listed]
        listed, total = pipeline.rows(session, fund.manager, pipeline.Filter(words="Safe"), now)
        assert total == 1
