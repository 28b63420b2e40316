"""Asking for reviews, declaring conflicts, scoring, submitting: what is stored afterwards, and who is refused."""

from dataclasses import replace

import pytest
from sqlmodel import col, select

from fund.base import ledger
from fund.base.errors import Conflict, Forbidden, Invalid, MoveRefused, NotFound
from fund.reviewing import service
from fund.reviewing.scorecard import Given, Scorecard
from schema.deadlines import Deadline
from schema.ledger import LedgerEvent
from schema.outbox import Message
from schema.people import Membership, Person
from schema.reviews import Review, Score
from tests.reviewing.support import (
    FULL,
    application,
    ask,
    at_once,
    begin,
    hand_in,
    in_review,
    move,
    review,
    screening,
)
from tests.support import world as made
from tests.support.world import world


@pytest.fixture
def here(db, clock):
    return world(db, clock.now())


@pytest.fixture
def case(db, here, clock):
    return in_review(db, here, clock.now())


@pytest.fixture
def waiting(db, here, clock):
    """The reference of a proposal in screening that nobody was asked to review."""
    with db.write() as session:
        return screening(session, here, clock.now()).reference


def test_asking_a_reviewer_writes_review_event_deadline_and_mail_together(db, here, waiting, clock):
    asked = here.reviewers[0]
    [key] = ask(db, here.manager, waiting, [asked.person_id], clock.now())
    with db.read() as session:
        stored = session.get_one(Review, key)
        assert (stored.state, stored.reviewer_id, stored.version) == ("assigned", asked.person_id, 1)
        event = session.exec(select(LedgerEvent).where(LedgerEvent.subject_kind == "review")).one()
        assert (event.action, event.actor_id, event.actor_role) == (
            "created",
            here.manager.person_id,
            "manager",
        )
        due = session.exec(select(Deadline).where(Deadline.subject_kind == "review")).one()
        assert (due.key, due.owner_role, due.due_on.isoformat()) == ("review", "reviewer", "2021-11-20")
        mail = session.exec(select(Message).where(Message.template == "review_assigned")).one()
        assert (mail.person_id, mail.path) == (asked.person_id, f"/reviews/{key}")
        assert ledger.verify(session).broken is None


def test_naming_somebody_twice_asks_once(db, here, waiting, clock):
    asked = here.reviewers[0].person_id
    assert len(ask(db, here.manager, waiting, [asked, asked], clock.now())) == 1


def test_all_are_asked_or_none(db, here, waiting, clock):
    first, second = (one.person_id for one in here.reviewers[:2])
    ask(db, here.manager, waiting, [first], clock.now())
    with pytest.raises(Invalid) as refused:
        ask(db, here.manager, waiting, [second, first], clock.now())
    assert refused.value.fields == {"reviewer": "Reviewer A was asked to review this already. Choose others."}
    with db.read() as session:
        assert len(session.exec(select(Review)).all()) == 1


@pytest.mark.parametrize("who", ["applicant", "colleague", "manager", "auditor"])
def test_only_reviewers_of_the_fund_are_asked(db, here, waiting, clock, who):
    with pytest.raises(Invalid) as refused:
        ask(db, here.manager, waiting, [getattr(here, who).person_id], clock.now())
    assert refused.value.fields == {"reviewer": "Choose people who are reviewers of the fund."}


@pytest.mark.parametrize(
    ("people", "message"),
    [
        ([], "Choose at least one reviewer."),
        ([-1], "Choose people who are reviewers of the fund."),
        ([999_999], "Choose people who are reviewers of the fund."),
    ],
)
def test_nobody_who_is_not_there_is_asked(db, here, waiting, clock, people, message):
    with pytest.raises(Invalid) as refused:
        ask(db, here.manager, waiting, people, clock.now())
    assert refused.value.fields == {"reviewer": message}


def test_nobody_who_can_no_longer_sign_in_is_asked(db, here, waiting, clock):
    with db.write() as session:
        session.get_one(Person, here.reviewers[0].person_id).disabled_at = clock.now()
    with pytest.raises(Invalid):
        ask(db, here.manager, waiting, [here.reviewers[0].person_id], clock.now())


def test_nobody_who_belongs_to_the_applicant_is_asked(db, here, waiting, clock):
    asked = here.reviewers[0].person_id
    with db.write() as session:
        session.add(Membership(person_id=asked, member_id=here.member_id, since=clock.now()))
    with pytest.raises(Invalid) as refused:
        ask(db, here.manager, waiting, [asked], clock.now())
    assert refused.value.fields == {
        "reviewer": "Reviewer A belongs to the member that applies. Choose others."
    }


@pytest.mark.parametrize("who", ["applicant", "outsider", "auditor"])
def test_only_managers_ask(db, here, waiting, clock, who):
    with pytest.raises(Forbidden):
        ask(db, getattr(here, who), waiting, [here.reviewers[0].person_id], clock.now())


def test_a_manager_asks_nobody_about_the_proposal_of_her_own_member(db, here, waiting, clock):
    own = replace(here.manager, member_ids=frozenset({here.member_id}))
    with pytest.raises(Forbidden):
        ask(db, own, waiting, [here.reviewers[0].person_id], clock.now())


def test_nobody_is_asked_before_screening(db, here, clock):
    with db.write() as session:
        found = made.draft(session, here, clock.now())
        made.submit(session, here, found, clock.now())
    with pytest.raises(MoveRefused):
        ask(db, here.manager, found.reference, [here.reviewers[2].person_id], clock.now())


def test_nobody_is_asked_after_the_decision(db, here, clock):
    with db.write() as session:
        found = made.to_deliberation(session, here, clock.now())
        made.move(session, found, "decline", here.manager, clock.now(), reason="Not this time.")
    with pytest.raises(MoveRefused):
        ask(db, here.manager, found.reference, [here.reviewers[2].person_id], clock.now())


def test_two_managers_asking_the_same_reviewer_at_once_ask_once(db, here, waiting, clock):
    asked = [here.reviewers[0].person_id]
    answers = at_once(
        lambda: ask(db, here.manager, waiting, asked, clock.now()),
        lambda: ask(db, here.second_manager, waiting, asked, clock.now()),
    )
    assert sorted(type(one).__name__ for one in answers) == ["Invalid", "list"]
    with db.read() as session:
        assert len(session.exec(select(Review)).all()) == 1
        assert ledger.verify(session).broken is None


def test_a_scorecard_is_saved_as_it_stands(db, here, case, clock):
    key, viewer = case.reviews[0], here.reviewers[0]
    half = Scorecard(scores={"need": Given(3, "Shown."), "plan": Given(None, "")}, comment="So far.")
    begin(db, viewer, key, clock.now(), half)
    stored = review(db, key)
    assert (stored.comment, stored.recommendation, stored.edit_version, stored.state) == (
        "So far.",
        "",
        1,
        "in_progress",
    )
    with db.write() as session:
        service.save_scores(session, viewer, key, FULL, edit_version=1)
    with db.read() as session:
        scores = session.exec(select(Score).order_by(col(Score.criterion))).all()
        assert [(one.criterion, one.value, one.reason) for one in scores] == [
            ("need", 3, "The need is shown."),
            ("plan", 2, "The plan is thin."),
        ]
        assert session.get_one(Review, key).edit_version == 2


def test_saving_empties_what_is_left_out(db, here, case, clock):
    begin(db, here.reviewers[0], case.reviews[0], clock.now())
    with db.write() as session:
        service.save_scores(session, here.reviewers[0], case.reviews[0], Scorecard(), edit_version=1)
    with db.read() as session:
        assert {(one.value, one.reason) for one in session.exec(select(Score))} == {(None, "")}
        assert session.get_one(Review, case.reviews[0]).recommendation == ""


def test_an_older_screen_never_overwrites_a_newer_one(db, here, case, clock):
    viewer, key = here.reviewers[0], case.reviews[0]
    begin(db, viewer, key, clock.now())
    with db.write() as session, pytest.raises(Conflict):
        service.save_scores(session, viewer, key, replace(FULL, comment="Older."), edit_version=0)
    assert review(db, key).comment == "For the panel."


def test_the_same_text_sent_twice_is_no_conflict(db, here, case, clock):
    viewer, key = here.reviewers[0], case.reviews[0]
    begin(db, viewer, key, clock.now())
    with db.write() as session:
        service.save_scores(session, viewer, key, FULL, edit_version=0)
    assert review(db, key).edit_version == 1


def test_two_saves_at_once_keep_one_whole(db, here, case, clock):
    viewer, key = here.reviewers[0], case.reviews[0]
    move(db, viewer, key, "start", clock.now())

    def save(comment):
        with db.write() as session:
            return service.save_scores(session, viewer, key, replace(FULL, comment=comment), edit_version=0)

    answers = at_once(lambda: save("one"), lambda: save("two"))
    assert sorted(type(one).__name__ for one in answers) == ["Conflict", "Review"]
    stored = review(db, key)
    assert (stored.edit_version, stored.comment in ("one", "two")) == (1, True)


@pytest.mark.parametrize("value", [5, -1, 99])
def test_a_score_outside_the_scale_changes_nothing(db, here, case, clock, value):
    begin(db, here.reviewers[0], case.reviews[0], clock.now())
    wrong = Scorecard(scores={"need": Given(value)})
    with db.write() as session, pytest.raises(Invalid):
        service.save_scores(session, here.reviewers[0], case.reviews[0], wrong, edit_version=1)
    assert review(db, case.reviews[0]).edit_version == 1


def test_nothing_is_written_before_the_reviewer_has_begun(db, here, case):
    with db.write() as session, pytest.raises(Forbidden):
        service.save_scores(session, here.reviewers[0], case.reviews[0], FULL, edit_version=0)


def test_a_submitted_review_stays_as_it_is(db, here, case, clock):
    hand_in(db, here.reviewers[0], case.reviews[0], clock.now())
    with db.write() as session, pytest.raises(Forbidden):
        service.save_scores(session, here.reviewers[0], case.reviews[0], Scorecard(), edit_version=1)


@pytest.mark.parametrize("who", ["outsider", "applicant", "colleague"])
def test_a_review_does_not_exist_for_those_it_is_none_of_theirs(db, here, case, clock, who):
    begin(db, here.reviewers[0], case.reviews[0], clock.now())
    with db.write() as session, pytest.raises(NotFound):
        service.save_scores(session, getattr(here, who), case.reviews[0], FULL, edit_version=1)


def test_one_reviewer_does_not_write_in_anothers_review(db, here, case, clock):
    begin(db, here.reviewers[0], case.reviews[0], clock.now())
    with db.write() as session, pytest.raises(NotFound):
        service.save_scores(session, here.reviewers[1], case.reviews[0], Scorecard(), edit_version=1)


def test_a_manager_reads_a_review_and_does_not_write_in_it(db, here, case, clock):
    begin(db, here.reviewers[0], case.reviews[0], clock.now())
    with db.write() as session, pytest.raises(Forbidden):
        service.save_scores(session, here.manager, case.reviews[0], Scorecard(), edit_version=1)


def test_a_declared_conflict_ends_the_review_and_tells_the_managers(db, here, case, clock):
    move(db, here.reviewers[0], case.reviews[0], "declare_conflict", clock.now(), "My sister works there.")
    assert review(db, case.reviews[0]).state == "conflict"
    with db.read() as session:
        told = session.exec(select(Message.person_id).where(Message.template == "conflict_declared")).all()
        assert sorted(told) == sorted([here.manager.person_id, here.second_manager.person_id])
        with pytest.raises(NotFound):
            service.of(session, here.reviewers[0], case.reviews[0])


def test_a_conflict_needs_its_reason(db, here, case, clock):
    with pytest.raises(Invalid) as refused:
        move(db, here.reviewers[0], case.reviews[0], "declare_conflict", clock.now(), "  ")
    assert refused.value.fields == {"reason": "Give a reason."}
    assert review(db, case.reviews[0]).state == "assigned"


def test_a_reviewer_who_joins_the_applicant_later_can_no_longer_begin(db, here, case, clock):
    joined = replace(here.reviewers[0], member_ids=frozenset({here.member_id}))
    with db.write() as session, pytest.raises(NotFound):
        service.move(session, joined, case.reviews[0], "start", version=1, now=clock.now())


def test_an_unfinished_review_cannot_be_submitted_and_says_what_is_missing(db, here, case, clock):
    begin(
        db,
        here.reviewers[0],
        case.reviews[0],
        clock.now(),
        Scorecard(scores={"need": Given(3, "Shown."), "plan": Given(2, " ")}),
    )
    with pytest.raises(MoveRefused) as refused:
        move(db, here.reviewers[0], case.reviews[0], "submit", clock.now())
    assert refused.value.reasons == ("Give a score and a reason for: Plan; Recommendation.",)
    assert review(db, case.reviews[0]).state == "in_progress"


def test_the_last_review_begins_the_deliberation(db, here, case, clock):
    hand_in(db, here.reviewers[0], case.reviews[0], clock.now())
    assert application(db, case.application_id).state == "in_review"
    hand_in(db, here.reviewers[1], case.reviews[1], clock.now())
    assert application(db, case.application_id).state == "deliberation"
    assert review(db, case.reviews[1]).submitted_at == clock.now()


def test_the_last_two_reviews_submitted_at_once_begin_the_deliberation_once(db, here, case, clock):
    for viewer, key in zip(here.reviewers, case.reviews, strict=False):
        begin(db, viewer, key, clock.now())

    def submit(viewer, key):
        with db.write() as session:
            return service.move(session, viewer, key, "submit", version=2, now=clock.now())

    answers = at_once(
        lambda: submit(here.reviewers[0], case.reviews[0]),
        lambda: submit(here.reviewers[1], case.reviews[1]),
    )
    assert [type(one) for one in answers] == [Review, Review]
    assert [review(db, key).state for key in case.reviews] == ["submitted", "submitted"]
    assert application(db, case.application_id).state == "deliberation"
    with db.read() as session:
        begun = session.exec(select(LedgerEvent).where(LedgerEvent.action == "all_reviews_came_in")).all()
        assert len(begun) == 1
        open_now = session.exec(
            select(Deadline.key).where(
                Deadline.application_id == case.application_id, Deadline.status == "open"
            )
        ).all()
        assert open_now == ["decision"]
        assert ledger.verify(session).broken is None


def test_a_review_is_submitted_once_though_the_button_is_pressed_twice(db, here, case, clock):
    begin(db, here.reviewers[0], case.reviews[0], clock.now())

    def submit():
        with db.write() as session:
            return service.move(
                session, here.reviewers[0], case.reviews[0], "submit", version=2, now=clock.now()
            )

    answers = at_once(submit, submit)
    assert sorted(type(one).__name__ for one in answers) == ["Conflict", "Review"]


def test_a_cancelled_review_is_closed_to_its_reviewer(db, here, case, clock):
    move(db, here.manager, case.reviews[0], "cancel", clock.now(), "Another reviewer has it.")
    with db.read() as session:
        with pytest.raises(NotFound):
            service.of(session, here.reviewers[0], case.reviews[0])
        told = session.exec(select(Message.person_id).where(Message.template == "review_cancelled")).all()
        assert told == [here.reviewers[0].person_id]
        left = session.exec(
            select(Message)
            .join(Deadline, col(Deadline.id) == col(Message.deadline_id))
            .where(
                Deadline.subject_kind == "review",
                Deadline.subject_id == case.reviews[0],
                Message.status == "pending",
            )
        ).all()
        assert left == []


def test_a_manager_opens_a_review_again(db, here, case, clock):
    hand_in(db, here.reviewers[0], case.reviews[0], clock.now())
    move(db, here.manager, case.reviews[0], "reopen", clock.now(), "Please score the plan again.")
    with db.write() as session:
        service.save_scores(
            session, here.reviewers[0], case.reviews[0], replace(FULL, comment="Again."), edit_version=1
        )
    assert review(db, case.reviews[0]).comment == "Again."
