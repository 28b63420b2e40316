"""Saving and handing in reports, and what stands beside them, on both databases."""

import pytest
from sqlmodel import select

from fund.base.errors import Conflict, Forbidden, Invalid, MoveRefused, NotFound
from fund.reporting import queries, service
from schema.applications import Application
from schema.ledger import LedgerEvent
from schema.outbox import Message
from schema.values import Money
from tests.support.world import move, report_accepted, report_of, to_active, to_lesson_due, world

WHOLE = {
    "done": "Forty evenings with young people.",
    "changed": "Fewer fights on the square; the police log says so.",
    "difficulties": "Rain, and a slow start.",
    "next_steps": "The school goes on.",
    "people_reached": 120,
    "spent_minor": 6_000_00,
}


@pytest.fixture
def here(db, clock):
    """A world with one project under way."""
    made = world(db, clock.now())
    with db.write() as session:
        to_active(session, made, clock.now())
    return made


@pytest.fixture
def reference(db, here):
    """The project's reference."""
    with db.read() as session:
        return session.exec(select(Application.reference)).one()


def test_a_report_that_is_late_climbs_from_who_owes_it_over_a_colleague_to_managers(db, here):
    with db.read() as session:
        report = report_of(session, session.exec(select(Application)).one(), "interim")
        late = select(Message.offset_days, Message.template, Message.person_id).where(
            Message.subject_kind == "report", Message.subject_id == report.id, Message.offset_days > 0
        )
        planned = set(session.exec(late))
    assert planned == {
        (1, "overdue", here.applicant.person_id),
        (7, "overdue", here.applicant.person_id),
        (7, "colleague", here.colleague.person_id),
        (14, "escalation", here.manager.person_id),
        (14, "escalation", here.second_manager.person_id),
    }


def test_saves_parts_and_leaves_the_others(db, here, reference):
    with db.write() as session:
        report = queries.report(session, here.applicant, reference, "interim")
        service.save_report(session, here.applicant, report, WHOLE, 0)
        service.save_report(session, here.colleague, report, {"done": "Forty-one evenings."}, 1)
    with db.read() as session:
        report = queries.report(session, here.applicant, reference, "interim")
        stored = {name: getattr(report, name) for name in WHOLE}
    assert stored == WHOLE | {"done": "Forty-one evenings."}
    assert report.edit_version == 2


def test_saving_what_is_stored_already_does_not_outdate_the_others(db, here, reference):
    with db.write() as session:
        report = queries.report(session, here.applicant, reference, "interim")
        service.save_report(session, here.applicant, report, {"done": "", "people_reached": None}, 0)
        assert report.edit_version == 0


def test_a_newer_text_is_never_overwritten(db, here, reference):
    with db.write() as session:
        report = queries.report(session, here.applicant, reference, "interim")
        service.save_report(session, here.applicant, report, {"done": "Mine"}, 0)
    with db.write() as session:
        report = queries.report(session, here.colleague, reference, "interim")
        with pytest.raises(Conflict):
            service.save_report(session, here.colleague, report, {"done": "Theirs"}, 0)
    with db.read() as session:
        assert queries.report(session, here.applicant, reference, "interim").done == "Mine"


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"done": "x" * 20_001}, "done"),
        ({"people_reached": -1}, "people_reached"),
        ({"people_reached": 10**9 + 1}, "people_reached"),
        ({"spent_minor": 10**15 + 1}, "spent_minor"),
        ({"done": None}, "done"),
        ({"spent_minor": "1000"}, "spent_minor"),
        ({"state": "accepted"}, "state"),
    ],
)
def test_what_cannot_stand_in_a_report_is_refused_by_name(sqlite_db, clock, fields, wrong):
    here = world(sqlite_db, clock.now())
    with sqlite_db.write() as session:
        report = report_of(session, to_active(session, here, clock.now()), "interim")
        with pytest.raises(Invalid) as refused:
            service.save_report(session, here.applicant, report, fields, 0)
        assert list(refused.value.fields) == [wrong]
        assert report.edit_version == 0


def test_the_most_that_fits_is_kept_exactly(db, here, reference):
    most = {"done": "é" * 20_000, "people_reached": 10**9, "spent_minor": 10**15}
    with db.write() as session:
        report = queries.report(session, here.applicant, reference, "interim")
        service.save_report(session, here.applicant, report, most, 0)
    with db.read() as session:
        report = queries.report(session, here.applicant, reference, "interim")
        assert {name: getattr(report, name) for name in most} == most


def test_only_its_applicants_write_it_and_only_while_it_is_theirs(db, here, reference, clock):
    with db.write() as session:
        report = queries.report(session, here.manager, reference, "interim")
        for viewer in (here.manager, here.auditor):
            with pytest.raises(Forbidden):
                service.save_report(session, viewer, report, {"done": "x"}, 0)
        service.save_report(session, here.applicant, report, WHOLE, 0)
        service.move(session, here.applicant, report, "hand_in", report.version, clock.now())
        with pytest.raises(Forbidden):
            service.save_report(session, here.applicant, report, {"done": "x"}, 1)


def test_strangers_find_nothing(db, here, reference):
    with db.read() as session:
        for viewer in (here.outsider, here.reviewers[0], here.reviewers[2]):
            with pytest.raises(NotFound):
                queries.report(session, viewer, reference, "interim")
        with pytest.raises(NotFound):
            queries.report(session, here.applicant, reference, "yearly")
        with pytest.raises(NotFound):
            queries.report(session, here.applicant, "PIF-NOTHERE", "interim")


def test_an_incomplete_report_is_not_handed_in(db, here, reference, clock):
    with db.write() as session:
        report = queries.report(session, here.applicant, reference, "interim")
        service.save_report(session, here.applicant, report, {"done": "Something"}, 0)
        assert list(queries.missing(report)) == [
            "changed", "difficulties", "next_steps", "people_reached", "spent_minor",
        ]  # fmt: skip
        with pytest.raises(MoveRefused, match="Complete the report: What changed"):
            service.move(session, here.applicant, report, "hand_in", report.version, clock.now())


def test_nothing_spent_and_nobody_reached_are_answers(db, here, reference):
    with db.write() as session:
        report = queries.report(session, here.applicant, reference, "interim")
        service.save_report(
            session, here.applicant, report, WHOLE | {"people_reached": 0, "spent_minor": 0}, 0
        )
        assert queries.missing(report) == {}


def test_handed_in_returned_handed_in_again_accepted(db, here, reference, clock):
    now, seen = clock.now(), []

    def step(session, viewer, trigger, reason=None):
        report = queries.report(session, viewer, reference, "interim")
        service.move(session, viewer, report, trigger, report.version, now, reason)
        application = session.get_one(Application, report.application_id)
        seen.append((report.state, application.state))

    with db.write() as session:
        report = queries.report(session, here.applicant, reference, "interim")
        service.save_report(session, here.applicant, report, WHOLE, 0)
        step(session, here.applicant, "hand_in")
        step(session, here.manager, "return", "Say how you counted.")
    with db.read() as session:
        shown = queries.view(session, here.applicant, reference, "interim", now).standing
        assert (shown.label, shown.editable, shown.word.note) == (
            "Sent back to you for changes",
            True,
            "Say how you counted.",
        )
        assert [deadline.key for deadline in shown.deadlines] == ["report_changes"]
        assert shown.forward.move.trigger == "hand_in_again"
    with db.write() as session:
        step(session, here.applicant, "hand_in_again")
        step(session, here.manager, "accept")
    assert seen == [
        ("under_review", "report_under_review"),
        ("returned", "report_returned"),
        ("under_review", "report_under_review"),
        ("accepted", "active"),
    ]
    with db.read() as session:
        mails = session.exec(
            select(Message.template)
            .where(Message.subject_kind == "report", Message.kind == "notice")
            .distinct()
            .order_by(Message.template)
        ).all()
        assert mails == ["report_accepted", "report_receipt", "report_received", "report_returned"]
        assert queries.view(session, here.applicant, reference, "interim", now).standing.word is None


def test_the_step_belongs_to_its_role(db, here, reference, clock):
    with db.write() as session:
        report = queries.report(session, here.applicant, reference, "interim")
        service.save_report(session, here.applicant, report, WHOLE, 0)
        for viewer in (here.manager, here.auditor):
            with pytest.raises(Forbidden):
                service.move(session, viewer, report, "hand_in", report.version, clock.now())
        service.move(session, here.applicant, report, "hand_in", report.version, clock.now())
        for viewer in (here.applicant, here.auditor):
            with pytest.raises(Forbidden):
                service.move(session, viewer, report, "accept", report.version, clock.now())
        with pytest.raises(Invalid) as refused:
            service.move(session, here.manager, report, "return", report.version, clock.now(), "  ")
        assert list(refused.value.fields) == ["reason"]
        with pytest.raises(Conflict):
            service.move(session, here.manager, report, "accept", report.version - 1, clock.now())
    with db.read() as session:
        steps = session.exec(
            select(LedgerEvent.action).where(LedgerEvent.subject_kind == "report").order_by(LedgerEvent.seq)
        ).all()
        assert steps == ["created", "created", "hand_in"]


def test_what_was_promised_stands_beside_it(db, here, reference, clock):
    with db.read() as session:
        promised = queries.view(session, here.applicant, reference, "interim", clock.now()).promised
    assert promised.title == "Safe streets"
    assert promised.awarded == Money(12_000_00, "USD")
    assert promised.starts_on is not None
    assert promised.answers == [
        ("problem", "The problem", "What we say about problem."),
        ("plan", "What you will do", "What we say about plan."),
    ]
    assert promised.answer("approach", "plan") == "What we say about plan."
    assert promised.answer("approach") == ""


def test_a_final_report_begins_with_the_interim_one_until_it_is_saved(db, here, reference, clock):
    now = clock.now()
    with db.write() as session:
        application = session.exec(select(Application)).one()
        report_accepted(session, here, application, "interim", now)
    with db.read() as session:
        view = queries.view(session, here.applicant, reference, "final", now)
        assert queries.beginning(view) == {
            "done": "What we say about done.",
            "changed": "What we say about changed.",
            "difficulties": "What we say about difficulties.",
            "next_steps": "",
            "people_reached": 120,
            "spent_minor": 6_000_00,
        }
        assert view.report.done == ""
    with db.write() as session:
        report = queries.report(session, here.applicant, reference, "final")
        service.save_report(session, here.applicant, report, {"next_steps": "Rest."}, 0)
    with db.read() as session:
        view = queries.view(session, here.applicant, reference, "final", now)
        assert queries.beginning(view)["done"] == ""


def test_reports_of_an_application(db, here, reference, clock):
    with db.read() as session:
        application = session.exec(select(Application)).one()
        kinds = {
            viewer.name: [r.kind for r in queries.reports_of(session, viewer, application)]
            for viewer in (here.applicant, here.manager, here.auditor, here.outsider)
        }
    both = ["interim", "final"]
    assert kinds == {"Lucía Prado": both, "Amina Bello": both, "Greta Olsen": both, "Omar Nur": []}


def test_a_suspended_project_keeps_the_text_and_says_why_it_waits(db, here, reference, clock):
    now = clock.now()
    with db.write() as session:
        application = session.exec(select(Application)).one()
        move(session, application, "suspend", here.manager, now, "We have to talk.")
        report = queries.report(session, here.applicant, reference, "interim")
        service.save_report(session, here.applicant, report, WHOLE, 0)
        with pytest.raises(MoveRefused, match="The project is suspended"):
            service.move(session, here.applicant, report, "hand_in", report.version, now)


def test_accepted_reports_bring_the_application_to_its_lesson(db, clock):
    here = world(db, clock.now())
    with db.write() as session:
        assert to_lesson_due(session, here, clock.now()).state == "lesson_due"
