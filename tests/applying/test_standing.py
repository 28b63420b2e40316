"""Where a proposal stands and what is owed, in the applicant's words, through its whole life."""

from datetime import timedelta

import pytest
from sqlmodel import select

from fund.applying import queries, standing
from fund.applying.fields import Edit
from fund.base import definitions, passing
from fund.base.errors import MoveRefused, NotFound
from fund.base.permissions import Viewer
from schema.deadlines import Deadline
from schema.reports import Report
from schema.reviews import Review
from schema.workflows import RoundWorkflow
from tests.applying.support import complete, in_review, moved, saved, started, stored, submitted
from tests.support import world as worlds
from tests.support.versions import later


def look(fund, reference, now, viewer=None):
    with fund.db.read() as session:
        return standing.standing(session, viewer or fund.applicant, reference, now)


def told(where):
    return [(one.title, one.by, one.note) for one in reversed(where.history)]


def test_a_draft_shows_its_deadline_and_its_ways_out(fund, clock):
    where = look(fund, started(fund, clock.now()), clock.now())
    assert (where.state.applicant_label, where.editable) == ("Draft, not submitted yet", True)
    assert [deadline.key for deadline in where.deadlines] == ["submission"]
    assert [option.move.trigger for option in where.options] == ["submit", "discard"]
    assert (where.decision_on, where.offer, where.papers, where.feedback) == (None, "", [], [])
    assert told(where) == [("Draft started", "Lucía Prado", "")]


def test_after_submitting_one_waits_for_the_decision(fund, clock):
    reference = submitted(fund, clock.now())
    where = look(fund, reference, clock.now(), fund.colleague)
    assert where.state.applicant_label == "Received by the fund"
    assert where.decision_on.isoformat() == "2021-12-20"
    assert where.deadlines == []
    assert [sent.number for sent in where.submissions] == [1]
    assert told(where)[-1] == ("Received by the fund", "Lucía Prado", "")


def test_what_the_fund_owes_by_a_day_is_shown_until_there_is_an_offer(fund, clock):
    with fund.db.write() as session:
        application = worlds.to_deliberation(session, fund, clock.now())
        worlds.award(session, fund, application, clock.now())
        reference = application.reference
    where = look(fund, reference, clock.now())
    assert (where.fund_by, where.decision_on.isoformat()) == (None, "2021-12-20"), "once, not twice"
    moved(fund, reference, "put_on_reserve", fund.manager, clock.now())
    where = look(fund, reference, clock.now())
    with fund.db.read() as session:
        owed = session.exec(select(Deadline).where(Deadline.key == "reserve_decision")).one()
    assert (where.state.stage, where.fund_by, where.deadlines) == ("decision", owed.due_on, [])
    assert owed.due_on < where.decision_on
    with fund.db.write() as session:
        session.get_one(Deadline, owed.id).due_on = where.decision_on + timedelta(days=7)
    assert look(fund, reference, clock.now()).decision_on is None, "what is owed now lies after it"
    moved(fund, reference, "offer", fund.manager, clock.now())
    where = look(fund, reference, clock.now())
    assert (where.fund_by, where.decision_on) == (None, None)


def legs(where):
    return [(leg.label, [stay.label for stay in leg.stays], leg.here, list(leg.follows)) for leg in where.way]


def test_the_way_is_told_in_her_words_with_where_it_is_and_what_follows(fund, clock):
    reference = in_review(fund, clock.now())
    assert legs(look(fund, reference, clock.now())) == [
        ("Submission", ["Draft, not submitted yet", "Received by the fund"], False, []),
        ("Review", ["Being checked", "Being reviewed"], True, ["Being decided", "Withdrawn by you"]),
        ("Decision", [], False, []),
        ("Award", [], False, []),
        ("Reporting", [], False, []),
        ("Sharing", [], False, []),
    ]
    moved(fund, reference, "withdraw", fund.applicant, clock.now())
    assert legs(look(fund, reference, clock.now()))[-1] == ("Submission", ["Withdrawn by you"], True, [])


def test_the_way_leaves_out_what_she_may_not_read(fund, clock):
    secret = later(
        "application",
        *(
            (f"states.{name}", 'read = ["applicant", ', "read = [")
            for name in ("screening", "reserve", "declined")
        ),
    )
    with fund.db.write() as session:
        pinned = session.get_one(RoundWorkflow, (fund.round_id, "application"))
        pinned.workflow_id = definitions.store(session, secret, clock.now())
    reference = submitted(fund, clock.now())
    moved(fund, reference, "start_screening", fund.manager, clock.now())
    with fund.db.write() as session:
        application = stored(session, reference)
        for reviewer in fund.reviewers[:2]:
            worlds.assign(session, fund, application, reviewer, clock.now())
        worlds.move(session, application, "send_to_review", fund.manager, clock.now())
    found = legs(look(fund, reference, clock.now()))
    assert found[1] == ("Review", ["Being reviewed"], True, ["Being decided", "Withdrawn by you"])
    assert "Decision" not in [label for label, *_ in found]


def test_who_reviews_is_not_told_and_the_fund_acts_without_names(fund, clock):
    where = look(fund, in_review(fund, clock.now()), clock.now())
    assert told(where) == [
        ("Draft started", "Lucía Prado", ""),
        ("Received by the fund", "Lucía Prado", ""),
        ("Being checked", "The fund", ""),
        ("Being reviewed", "The fund", ""),
    ]


def test_what_the_fund_writes_to_the_applicant_is_shown_with_the_move(fund, clock):
    reference = submitted(fund, clock.now())
    moved(fund, reference, "return_for_changes", fund.manager, clock.now(), reason="Say how many people.")
    where = look(fund, reference, clock.now())
    assert told(where)[-1] == ("Sent back to you for changes", "The fund", "Say how many people.")
    assert (where.editable, where.word) == (True, "Say how many people.")
    assert [deadline.key for deadline in where.deadlines] == ["resubmission"]
    with fund.db.read() as session:
        assert queries.writing(session, fund.applicant, reference, clock.now()).word == "Say how many people."


def test_reasons_that_stay_with_the_fund_are_not_shown(fund, clock):
    with fund.db.write() as session:
        application = worlds.to_deliberation(session, fund, clock.now())
        worlds.assign(session, fund, application, fund.reviewers[2], clock.now())
        worlds.move(
            session, application, "back_to_review", fund.manager, clock.now(), reason="Reviewer B was harsh."
        )
        reference = application.reference
    where = look(fund, reference, clock.now())
    assert (told(where)[-1], where.word) == (("Being reviewed", "The fund", ""), "")


def test_feedback_of_the_reviewers_comes_with_the_decision_and_without_names(fund, clock):
    with fund.db.write() as session:
        application = worlds.to_deliberation(session, fund, clock.now())
        reviews = session.exec(select(Review)).all()
        reviews[0].feedback = "A clear plan."
        reference = application.reference
    assert look(fund, reference, clock.now()).feedback == []
    moved(fund, reference, "decline", fund.manager, clock.now(), reason="The evidence is thin.")
    where = look(fund, reference, clock.now())
    assert where.feedback == ["A clear plan."]
    assert told(where)[-1] == ("Not funded this time", "The fund", "The evidence is thin.")
    assert (where.state.final, where.options, where.decision_on) == (True, [], None)


def test_an_offer_shows_only_once_it_is_made(fund, clock):
    with fund.db.write() as session:
        application = worlds.to_deliberation(session, fund, clock.now())
        worlds.award(session, fund, application, clock.now())
        reference = application.reference
    assert look(fund, reference, clock.now()).offer == ""
    moved(fund, reference, "offer", fund.manager, clock.now())
    where = look(fund, reference, clock.now())
    assert where.offer == f"/applications/{reference}/offer"
    assert [deadline.key for deadline in where.deadlines] == ["offer"]
    assert {option.move.trigger for option in where.options} == {"accept_offer", "decline_offer"}


def test_reports_and_the_lesson_are_led_to_and_told_once(fund, clock):
    with fund.db.write() as session:
        reference = worlds.to_lesson_due(session, fund, clock.now()).reference
    where = look(fund, reference, clock.now())
    assert [(paper.title, paper.path, paper.state.name) for paper in where.papers] == [
        ("Interim report", f"/applications/{reference}/reports/interim", "accepted"),
        ("Final report", f"/applications/{reference}/reports/final", "accepted"),
        ("Lesson", f"/applications/{reference}/lesson", "due"),
    ]
    assert [title for title, _, _ in told(where)[-7:]] == [
        "Project under way",
        "Interim report: Being read by the fund",
        "Interim report: Accepted",
        "Final report: Being read by the fund",
        "Final report: Accepted",
        "All reports accepted",
        "Share what you learned",
    ]


def test_the_list_shows_the_nearest_thing_to_do(fund, clock):
    with fund.db.write() as session:
        active = worlds.to_active(session, fund, clock.now()).reference
    waiting = submitted(fund, clock.now())
    with fund.db.read() as session:
        lines = queries.mine(session, fund.applicant)
        nearest = session.exec(
            select(Deadline).where(Deadline.subject_kind == "report").order_by(Deadline.due_at)
        ).first()  # type: ignore[arg-type]
    assert [(line.application.reference, line.editable) for line in lines] == [
        (waiting, False),
        (active, False),
    ]
    assert [line.deadline and line.deadline.id for line in lines] == [None, nearest.id]


def test_nobody_else_sees_where_it_stands(fund, clock):
    reference = in_review(fund, clock.now())
    for viewer in (fund.outsider, fund.manager, fund.auditor, *fund.reviewers, Viewer.anonymous()):
        with pytest.raises(NotFound):
            look(fund, reference, clock.now(), viewer)


def test_others_are_led_to_their_own_page_of_it(fund, clock):
    reference = in_review(fund, clock.now())
    with fund.db.read() as session:
        review = session.exec(select(Review).where(Review.reviewer_id == fund.reviewers[0].person_id)).one()
        led = {
            name: queries.elsewhere(session, viewer, reference)
            for name, viewer in (
                ("applicant", fund.applicant),
                ("manager", fund.manager),
                ("auditor", fund.auditor),
                ("reviewer", fund.reviewers[0]),
            )
        }
        for viewer in (fund.reviewers[1], fund.reviewers[2], fund.outsider, Viewer.anonymous()):
            with pytest.raises(NotFound):
                queries.elsewhere(session, viewer, reference)
    assert led == {
        "applicant": "",
        "manager": f"/pipeline/{reference}",
        "auditor": f"/pipeline/{reference}",
        "reviewer": f"/reviews/{review.id}",
    }


def test_a_draft_is_nobodys_but_its_members(fund, clock):
    reference = started(fund, clock.now())
    with fund.db.read() as session:
        for viewer in (fund.manager, fund.auditor, fund.reviewers[0], fund.outsider):
            with pytest.raises(NotFound):
                queries.elsewhere(session, viewer, reference)
            with pytest.raises(NotFound):
                queries.content(session, viewer, reference)


def test_writing_shows_how_far_each_page_is_and_who_saved_last(fund, clock):
    reference = started(fund, clock.now())
    saved(fund, reference, Edit(answers={"problem": "Something"}), 0, clock.now(), fund.colleague)
    with fund.db.read() as session:
        here = queries.writing(session, fund.applicant, reference, clock.now())
    part = here.part("project")
    assert (part.begun, part.missing, part.asks) == (True, 1, True)
    assert (here.saved_by, here.saved_at) == ("Iván Soto", clock.now())
    assert [gap.key for gap in here.gaps] == ["title", "theme", "requested_minor", "plan"]
    assert [here.page_of(gap.key) for gap in here.gaps] == [
        "the-project",
        "the-project",
        "the-project",
        "project",
    ]
    assert (here.after("the-project"), here.after("project")) == ("project", "")
    with pytest.raises(NotFound):
        here.part("other")


def test_a_move_that_is_hers_elsewhere_is_refused_and_others_are_not_found(fund, clock):
    reference = complete(fund, clock.now())
    with fund.db.read() as session:
        application = stored(session, reference)
        assert queries.option(session, fund.applicant, application, "submit", clock.now()).allowed
        with pytest.raises(MoveRefused):
            queries.option(session, fund.applicant, application, "withdraw", clock.now())
        for trigger in ("offer", "close_draft", "fly"):
            with pytest.raises(NotFound):
                queries.option(session, fund.applicant, application, trigger, clock.now())


def test_a_draft_that_missed_the_round_can_go_on_when_it_reopens_only(fund, clock):
    reference = complete(fund, clock.now())
    clock.advance(timedelta(days=31))
    passing.sweep(fund.db, clock)
    where = look(fund, reference, clock.now())
    assert where.state.applicant_label == "Not submitted in time"
    assert [(option.move.trigger, option.allowed) for option in where.options] == [("reopen_draft", False)]
    assert told(where)[-1] == ("Not submitted in time", "", "")


def test_a_report_that_came_back_tells_what_the_fund_wrote(fund, clock):
    with fund.db.write() as session:
        application = worlds.to_active(session, fund, clock.now())
        report = session.exec(select(Report).where(Report.kind == "interim")).one()
        for name in ("done", "changed", "difficulties", "next_steps"):
            setattr(report, name, "Something.")
        report.people_reached, report.spent_minor = 1, 1
        session.flush()
        worlds.move(session, report, "hand_in", fund.applicant, clock.now())
        worlds.move(session, report, "return", fund.manager, clock.now(), reason="How many were women?")
        reference = application.reference
    where = look(fund, reference, clock.now())
    assert told(where)[-1] == (
        "Interim report: Sent back to you for changes",
        "The fund",
        "How many were women?",
    )
