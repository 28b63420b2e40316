"""What reviewers and managers see, and what they do not."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import select

from fund.base import access, extending
from fund.base.errors import NotFound
from fund.reviewing import opinions, queries
from fund.reviewing.candidates import candidates
from fund.reviewing.scorecard import Given, Scorecard
from schema.applications import Answer, Application
from schema.deadlines import Deadline
from schema.people import Membership, Person
from tests.reviewing.support import FULL, ask, begin, counted, hand_in, in_review, move, screening
from tests.support import world as made
from tests.support.world import world

LOW = Scorecard(scores={"need": Given(0, "No."), "plan": Given(1, "Hardly.")}, recommendation="decline")


@pytest.fixture
def here(db, clock):
    return world(db, clock.now())


@pytest.fixture
def case(db, here, clock):
    return in_review(db, here, clock.now())


def reading(db, viewer, key):
    with db.read() as session:
        return queries.reading(session, viewer, key)


def mine(db, viewer):
    with db.read() as session:
        return queries.mine(session, viewer)


def test_what_waits_stands_first_and_what_is_over_last(db, here, clock):
    cases = [in_review(db, here, clock.now(), title) for title in ("One", "Two", "Three")]
    viewer = here.reviewers[0]
    hand_in(db, viewer, cases[0].reviews[0], clock.now())
    move(
        db,
        viewer,
        cases[1].reviews[0],
        "declare_conflict",
        clock.now() + timedelta(days=1),
        "We are related.",
    )
    tasks = mine(db, viewer)
    assert [(task.brief.application.title, task.state.name, task.opened) for task in tasks] == [
        ("Three", "assigned", True),
        ("Two", "conflict", False),
        ("One", "submitted", True),
    ]
    assert [task.deadline is not None for task in tasks] == [True, False, False]
    assert tasks[1].note == "We are related."


def test_a_list_takes_the_same_number_of_queries_however_long(db, here, clock):
    in_review(db, here, clock.now())
    mine(db, here.reviewers[0])  # definitions are parsed once a process
    with counted(db) as one:
        mine(db, here.reviewers[0])
    for _ in range(3):
        in_review(db, here, clock.now())
    with counted(db) as many:
        assert len(mine(db, here.reviewers[0])) == 4
    assert len(many) == len(one)


def test_somebody_elses_list_is_empty(db, here, case):
    assert mine(db, here.reviewers[2]) == []


def test_before_the_conflict_is_denied_there_are_no_answers(db, here, case):
    found = reading(db, here.reviewers[0], case.reviews[0])
    assert (found.open, found.editable, found.rest) == (False, False, [])
    assert [block.answers for block in found.blocks] == [(), ()]
    assert found.brief.application.title == "Safe streets"
    with db.read() as session, pytest.raises(NotFound):
        access.application(session, here.reviewers[0], case.reference)


def test_once_begun_each_answer_stands_beside_its_criterion(db, here, case, clock):
    move(db, here.reviewers[0], case.reviews[0], "start", clock.now())
    found = reading(db, here.reviewers[0], case.reviews[0])
    assert (found.open, found.editable) == (True, True)
    assert [
        (block.criterion.key, [(one.label, one.text) for one in block.answers]) for block in found.blocks
    ] == [
        ("need", [("The problem", "What we say about problem.")]),
        ("plan", [("What you will do", "What we say about plan.")]),
    ]
    assert [(one.label, one.text) for one in found.rest] == [("Partners", "")]


def test_what_is_read_is_what_was_submitted(db, here, case, clock):
    move(db, here.reviewers[0], case.reviews[0], "start", clock.now())
    with db.write() as session:
        session.get_one(Answer, (case.application_id, "problem")).text = "Rewritten in secret."
    [answered] = reading(db, here.reviewers[0], case.reviews[0]).blocks[0].answers
    assert answered.text == "What we say about problem."


def test_while_the_proposal_is_back_with_the_applicant_its_answers_are_not_shown(db, here, clock):
    with db.write() as session:
        reference = screening(session, here, clock.now()).reference
    [key] = ask(db, here.manager, reference, [here.reviewers[0].person_id], clock.now())
    begin(db, here.reviewers[0], key, clock.now())
    with db.write() as session:
        application = session.exec(select(Application)).one()
        made.move(
            session, application, "return_for_changes", here.manager, clock.now(), reason="Add a budget."
        )
    found = reading(db, here.reviewers[0], key)
    assert (found.open, found.editable, found.blocks[0].answers) == (False, True, ())
    assert found.blocks[0].reason == "The need is shown."


def test_after_the_decision_the_own_review_stays_and_the_proposal_closes(db, here, case, clock):
    for viewer, key in zip(here.reviewers, case.reviews, strict=False):
        hand_in(db, viewer, key, clock.now())
    with db.write() as session:
        application = session.get_one(Application, case.application_id)
        made.move(session, application, "decline", here.manager, clock.now(), reason="Not this time.")
    found = reading(db, here.reviewers[0], case.reviews[0])
    assert (found.open, found.written, found.blocks[0].reason) == (False, True, "The need is shown.")


def test_other_reviews_are_seen_only_after_the_own(db, here, case, clock):
    hand_in(db, here.reviewers[1], case.reviews[1], clock.now(), LOW)
    begin(db, here.reviewers[0], case.reviews[0], clock.now())
    assert reading(db, here.reviewers[0], case.reviews[0]).others is None
    move(db, here.reviewers[0], case.reviews[0], "submit", clock.now())
    others = reading(db, here.reviewers[0], case.reviews[0]).others
    assert (others.reviews, others.points, others.range) == (1, 17, None)


def test_a_reviewer_never_opens_anothers_review(db, here, case, clock):
    hand_in(db, here.reviewers[0], case.reviews[0], clock.now())
    hand_in(db, here.reviewers[1], case.reviews[1], clock.now())
    with pytest.raises(NotFound):
        reading(db, here.reviewers[0], case.reviews[1])


def test_managers_read_what_was_written_once_it_is_submitted(db, here, case, clock):
    begin(db, here.reviewers[0], case.reviews[0], clock.now())
    early = reading(db, here.manager, case.reviews[0])
    assert (early.written, early.open, early.points, early.blocks[0].score) == (False, True, None, None)
    move(db, here.reviewers[0], case.reviews[0], "submit", clock.now())
    late = reading(db, here.auditor, case.reviews[0])
    assert (late.written, late.points, late.blocks[0].reason, late.own) == (
        True,
        58,
        "The need is shown.",
        False,
    )
    assert late.others is None


def test_a_manager_of_the_applying_member_reads_no_review(db, here, case, clock):
    hand_in(db, here.reviewers[0], case.reviews[0], clock.now())
    own = replace(here.manager, member_ids=frozenset({here.member_id}))
    with pytest.raises(NotFound):
        reading(db, own, case.reviews[0])
    with db.read() as session:
        application = session.get_one(Application, case.application_id)
        assert opinions.of_application(session, own, application) == []
        assert opinions.opinion(session, own, application) == opinions.Opinion()


def test_managers_see_who_reviews_and_what_it_comes_to(db, here, case, clock):
    hand_in(db, here.reviewers[0], case.reviews[0], clock.now())
    begin(db, here.reviewers[1], case.reviews[1], clock.now(), LOW)
    with db.read() as session:
        application = session.get_one(Application, case.application_id)
        rows = opinions.of_application(session, here.manager, application)
        opinion = opinions.opinion(session, here.manager, application)
    assert [(row.reviewer.name, row.state.name, row.points, row.recommendation) for row in rows] == [
        ("Reviewer A", "submitted", 58, "fund"),
        ("Reviewer B", "in_progress", None, ""),
    ]
    assert (rows[0].deadline, rows[1].deadline.key) == (None, "review")
    assert (opinion.summary.reviews, opinion.summary.points, opinion.recommended) == (1, 58, {"fund": 1})


def test_opinions_of_many_take_as_many_queries_as_of_one(db, here, clock):
    with db.write() as session:
        applications = [made.to_deliberation(session, here, clock.now()) for _ in range(4)]
    with db.read() as session:  # definitions are parsed once a process
        opinions.opinions(session, [session.get_one(Application, applications[0].id)])
    with db.read() as session, counted(db) as one:
        opinions.opinions(session, [session.get_one(Application, applications[0].id)])
    with db.read() as session, counted(db) as many:
        found = opinions.opinions(session, session.exec(select(Application).order_by(Application.id)).all())
    assert [opinion.summary.reviews for opinion in found.values()] == [2, 2, 2, 2]
    assert len(many) == len(one)


def test_the_reviewer_with_the_least_to_do_is_offered_first(db, here, case, clock):
    hand_in(db, here.reviewers[0], case.reviews[0], clock.now())
    with db.write() as session:
        other = screening(session, here, clock.now(), "Another")
    with db.read() as session:
        found = candidates(session, session.get_one(Application, other.id))
    assert [(one.person.name, one.under_way, one.done, one.free) for one in found] == [
        ("Reviewer A", 0, 1, True),
        ("Reviewer C", 0, 0, True),
        ("Reviewer B", 1, 0, True),
    ]


def test_conflicts_that_the_system_can_see_are_shown(db, here, case, clock):
    first, second, third = here.reviewers
    move(db, first, case.reviews[0], "declare_conflict", clock.now(), "My sister works there.")
    with db.write() as session:
        other = screening(session, here, clock.now(), "Another")
        session.add(Membership(person_id=third.person_id, member_id=here.member_id, since=clock.now()))
    ask(db, here.manager, other.reference, [second.person_id], clock.now())
    with db.read() as session:
        found = {
            one.person.name: (one.free, one.stepped_back, one.belongs, one.asked.name if one.asked else "")
            for one in candidates(session, session.get_one(Application, other.id))
        }
    assert found == {
        "Reviewer A": (True, True, False, ""),
        "Reviewer B": (False, False, False, "assigned"),
        "Reviewer C": (False, False, True, ""),
    }


def test_somebody_who_can_no_longer_sign_in_is_no_candidate(db, here, case, clock):
    with db.write() as session:
        session.get_one(Person, here.reviewers[2].person_id).disabled_at = clock.now()
    with db.read() as session:
        names = [
            one.person.name for one in candidates(session, session.get_one(Application, case.application_id))
        ]
    assert names == ["Reviewer A", "Reviewer B"]


def test_the_reason_for_opening_a_review_again_is_there_to_read(db, here, case, clock):
    hand_in(db, here.reviewers[0], case.reviews[0], clock.now(), FULL)
    move(db, here.manager, case.reviews[0], "reopen", clock.now(), "Please look at the plan again.")
    found = reading(db, here.reviewers[0], case.reviews[0])
    assert (found.note, found.editable, found.others) == ("Please look at the plan again.", True, None)


def test_why_a_deadline_was_waived_is_no_reason_for_opening_a_review_again(db, here, case, clock):
    begin(db, here.reviewers[0], case.reviews[0], clock.now())
    with db.write() as session:
        deadline = session.exec(
            select(Deadline).where(Deadline.subject_kind == "review", Deadline.subject_id == case.reviews[0])
        ).one()
        seen = deadline.generation
        extending.waive(
            session, here.manager, deadline.id or 0, "Two are enough.", generation=seen, now=clock.now()
        )
    assert reading(db, here.reviewers[0], case.reviews[0]).note == ""
