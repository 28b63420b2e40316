"""A round under way changes to another version of its workflow: what was told beforehand, all of it or nothing."""

import threading
import time
from datetime import timedelta

import pytest
from sqlmodel import col, func, select

from fund.base import children, deadlines, definitions, ledger, migrating, moves, undo
from fund.base.audience import Audience
from fund.base.errors import Conflict, FundError, Invalid
from fund.base.facts import facts_of
from fund.base.subjects import get, kind_of
from notifications.reconcile import reconcile
from schema.applications import Application
from schema.deadlines import Deadline
from schema.ledger import LedgerEvent
from schema.outbox import Message
from schema.reviews import Review
from schema.rounds import Round
from schema.workflows import RoundWorkflow, Workflow
from tests.support.versions import FIRST_LOOK, VERSION, later, sifting, sifting_too
from tests.support.world import assign, draft, move, stage, submit, to_active, world
from workflows import Definition, shipped

TABLES = (Application, Review, Deadline, Message, LedgerEvent, Workflow, RoundWorkflow, Round)


@pytest.fixture
def here(db, clock):
    return world(db, clock.now())


@pytest.fixture
def going(here, clock):
    """A draft, one submitted, one in screening with a review, one active; their references in this order."""
    now = clock.now()

    def under_way(session):
        first, second, third = (draft(session, here, now) for _ in range(3))
        for one in (second, third):
            submit(session, here, one, now)
        move(session, third, "start_screening", here.manager, now)
        assign(session, here, third, here.reviewers[0], now)
        fourth = to_active(session, here, now)
        return [one.reference for one in (first, second, third, fourth)]

    return stage(here, "under way", now, under_way)


def everything(db) -> list[list[str]]:
    """Every row of every table that a migration could touch."""
    with db.read() as session:
        return [sorted(repr(row.model_dump()) for row in session.exec(select(table))) for table in TABLES]


def planned(session, here, clock, *wanted: Definition, **places: dict[str, str]) -> migrating.Plan:
    return migrating.plan(session, session.get_one(Round, here.round_id), wanted, places, clock.now())


def migrate(here, clock, *wanted: Definition, **places: dict[str, str]) -> migrating.Plan:
    with here.db.write() as session:
        migrating.lock(session, session.get_one(Round, here.round_id))
        made = planned(session, here, clock, *wanted, **places)
        migrating.carry_out(session, made, here.manager, "manager")
        return made


def fates(made: migrating.Plan) -> dict[str, list[tuple[str, str]]]:
    return {step.name: [(one.key, one.fate) for one in step.deadlines] for step in made.steps}


def by_reference(session) -> dict[str, Application]:
    return {row.reference: row for row in session.exec(select(Application))}


def open_deadline(session, application: Application, key: str) -> Deadline:
    return session.exec(
        select(Deadline).where(
            Deadline.subject_kind == "application",
            Deadline.subject_id == application.id,
            Deadline.status == "open",
            Deadline.key == key,
        )
    ).one()


def waiting(session, deadline: Deadline) -> int:
    mine = (Message.deadline_id == deadline.id, Message.status == "pending")
    return session.exec(select(func.count()).select_from(Message).where(*mine)).one()


def test_a_plan_writes_nothing(here, clock, going):
    before = everything(here.db)
    with here.db.write() as session:
        made = planned(session, here, clock, sifting(), *sifting_too(), application={"screening": "sifting"})
        assert [step.name for step in made.steps][:4] == going
    assert everything(here.db) == before


def test_the_same_states_under_another_version(here, clock, going):
    made = migrate(here, clock, later())
    assert [step.name for step in made.steps] == going
    assert {one.fate for step in made.steps for one in step.deadlines} == {"kept"}
    assert (made.moved, made.follows) == (0, [])
    with here.db.read() as session:
        rows = session.exec(select(Application).order_by(col(Application.id))).all()
        assert [row.state for row in rows] == ["draft", "submitted", "screening", "active"]
        assert {definitions.definition_of(session, row).version for row in rows} == {VERSION}
        for row in rows:
            event = session.exec(
                select(LedgerEvent).where(
                    LedgerEvent.chain == f"application:{row.id}", LedgerEvent.action == "workflow_changed"
                )
            ).one()
            assert (event.source, event.target, event.data["version"]) == ("", "", row.version)
            assert (event.actor_id, event.actor_role) == (here.manager.person_id, "manager")
        told = session.exec(select(LedgerEvent).where(LedgerEvent.action == "workflows_changed")).one()
        assert told.chain == f"round:{here.round_id}"
        assert told.data["workflow"] == [shipped("application").version, VERSION]
        assert ledger.verify(session).broken is None
    with here.db.write() as session:
        assert definitions.definition_of(session, draft(session, here, clock.now())).version == VERSION


def test_deadlines_are_kept_moved_opened_and_cancelled_with_their_reminders(here, clock, going):
    clock.advance(timedelta(days=2))
    made = migrate(here, clock, later("application", *FIRST_LOOK))
    first, second, third, fourth = going
    assert fates(made) == {
        first: [("submission", "kept")],
        second: [("screening", "cancelled"), ("first_look", "opened")],
        third: [("screening", "moved")],
        fourth: [],
    }
    said = {(step.name, one.key): one for step in made.steps for one in step.deadlines}
    with here.db.read() as session:
        rows = by_reference(session)
        look = open_deadline(session, rows[second], "first_look")
        assert look.due_on == clock.now().date() + timedelta(days=3)
        assert waiting(session, look) == said[second, "first_look"].planned == 2
        moved = open_deadline(session, rows[third], "screening")
        assert moved.due_on == moved.opened_at.date() + timedelta(days=40) == said[third, "screening"].new_day
        assert (moved.generation, waiting(session, moved)) == (2, said[third, "screening"].planned)
        gone = session.exec(
            select(Deadline).where(Deadline.application_id == rows[second].id, Deadline.key == "screening")
        ).one()
        assert (gone.status, gone.reason) == ("cancelled", "the round's workflow was changed")
        off = session.exec(select(Message.status).where(Message.deadline_id == gone.id)).all()
        assert off == ["cancelled"] * said[second, "screening"].called_off
        assert len(off) == 4


@pytest.mark.parametrize(
    ("wanted", "places"),
    [
        ([later("application", *FIRST_LOOK)], {}),
        ([sifting(), *sifting_too()], {"application": {"screening": "sifting"}}),
        ([shipped("concept")], {"application": {"draft": "concept", "submitted": "concept_received"}}),
        ([later("review", ("deadlines.review", 'field = "round.review_due_on"', "days = 5"))], {}),
    ],
)
def test_what_the_plan_says_is_what_stands_afterwards(here, clock, going, wanted, places):
    clock.advance(timedelta(days=1))
    made = migrate(here, clock, *wanted, **places)
    assert made.steps
    with here.db.read() as session:
        for step in made.steps:
            kind, key = kind_of(step.subject), step.subject.id
            assert get(session, kind, key).state == step.after.name
            mine = (Deadline.subject_kind == kind, Deadline.subject_id == key, Deadline.status == "open")
            rows = {row.key: row for row in session.exec(select(Deadline).where(*mine))}
            said = {one.key: one for one in step.deadlines if one.new_day is not None}
            assert {name: row.due_on for name, row in rows.items()} == {
                one.key: one.new_day for one in said.values()
            }
            assert set(rows) == set(step.after.deadlines)
            for name, one in said.items():
                if one.anew or one.fate == "opened":
                    assert waiting(session, rows[name]) == one.planned
        assert ledger.verify(session).broken is None


def test_what_still_lies_ahead_is_not_put_before_today_and_what_was_granted_stays(here, clock, going):
    clock.advance(timedelta(days=6))
    with here.db.write() as session:
        granted = open_deadline(session, by_reference(session)[going[1]], "screening")
        granted.due_on, granted.generation = granted.due_on + timedelta(days=30), 2
        session.flush()
        hers = granted.due_on
    due = shipped("application").deadlines["screening"].due
    assert due.kind == "working_days"
    sooner = ("deadlines.screening", "due = { working_days = 10 }", "due = { days = 2 }")
    made = migrate(here, clock, later("application", sooner))
    days = {step.name: [one.new_day for one in step.deadlines] for step in made.steps}
    assert days[going[1]] == [hers]
    assert days[going[2]] == [clock.now().date()]


def test_words_and_grace_change_without_other_mail(here, clock, going):
    edits = ('label = "Screen the proposal"', 'label = "Look the proposal over"\ngrace_days = 3')
    made = migrate(here, clock, later("application", ("deadlines.screening", *edits)))
    assert fates(made)[going[2]] == [("screening", "changed")]
    with here.db.read() as session:
        row = open_deadline(session, by_reference(session)[going[2]], "screening")
        assert (row.label, row.grace_until - row.due_at) == ("Look the proposal over", timedelta(days=3))
        assert (row.generation, waiting(session, row)) == (1, 4)


def test_whoever_would_be_left_without_a_place_is_named_and_nothing_is_changed(here, clock, going):
    before = everything(here.db)
    with pytest.raises(migrating.NoPlace) as left:
        migrate(here, clock, sifting(), *sifting_too())
    assert left.value.missing == (("application", "screening"),)
    assert left.value.fields == {
        "map-application-screening": f"{going[2]} stands in “Screening”, which the new version does not have."
        " Say which state takes its place."
    }
    assert everything(here.db) == before


def test_a_state_that_was_renamed_keeps_its_things_since_when_they_came(here, clock, going):
    with here.db.read() as session:
        since = by_reference(session)[going[2]].state_since
    clock.advance(timedelta(days=1))
    made = migrate(here, clock, sifting(), *sifting_too(), application={"screening": "sifting"})
    assert (made.moved, made.follows) == (1, [])
    with here.db.write() as session:
        row = by_reference(session)[going[2]]
        assert (row.state, row.state_since) == ("sifting", since)
        mine = (LedgerEvent.subject_kind == "application", LedgerEvent.subject_id == row.id)
        event = session.exec(select(LedgerEvent).where(*mine).order_by(col(LedgerEvent.seq).desc())).first()
        assert event is not None
        assert (event.action, event.source, event.target) == ("workflow_changed", "screening", "sifting")
        review = session.exec(select(Review).where(Review.application_id == row.id)).one()
        assert review.state == "assigned"
        move(session, review, "start", here.reviewers[0], clock.now())
        told = session.exec(select(LedgerEvent).where(LedgerEvent.action == "workflows_changed")).all()
        assert {one.data["kind"]: one.data["places"] for one in told} == {
            "application": {"screening": "sifting"},
            "review": {},
            "round": {},
        }
        assert ledger.verify(session).broken is None


def test_a_workflow_does_not_leave_behind_those_that_speak_of_it(here, clock, going):
    """Reviews are called off by themselves where the proposal stands in no state that they know."""
    with pytest.raises(Invalid) as wrong:
        migrate(here, clock, sifting(), application={"screening": "sifting"})
    assert list(wrong.value.fields) == ["review"]
    assert (
        "move submit: parent_not_in knows screening (application) and not sifting"
        in wrong.value.fields["review"]
    )


def test_a_stage_with_another_name_does_not_either(here, clock, going):
    """What stands in one of its states would be out of review, and its reviews called off."""
    reading = ("", "[stages.review]", "[stages.reading]"), ("", 'stage = "review"', 'stage = "reading"')
    with pytest.raises(Invalid) as wrong:
        migrate(here, clock, later("application", *reading))
    assert list(wrong.value.fields) == ["review", "round"]
    assert (
        "move call_off: parent_not_in knows review/screening (application) and not reading/screening"
        in wrong.value.fields["review"]
    )
    too = ("", '"review/*"', '"reading/*"')
    made = migrate(here, clock, later("application", *reading), later("review", too), later("round", too))
    assert (made.moved, made.follows) == (0, [])
    with here.db.read() as session:
        row = by_reference(session)[going[2]]
        [review] = session.exec(select(Review).where(Review.application_id == row.id)).all()
        assert (row.state, review.state) == ("screening", "assigned")
        assert facts_of(session, review, clock.now())["parent"] == "reading/screening"
        round_ = session.get_one(Round, here.round_id)
        assert "reading/screening" in facts_of(session, round_, clock.now())["children"]["application"]
    said = wrong.value.fields["review"].translated(lambda text: f"<{text}>", lambda one, _many, _n: one)
    assert said.startswith("<The round's workflow “review” has to change with it: <")
    assert "<move call_off: <parent_not_in knows review/screening (application) and not reading" in said


HURRY = """\
[moves.hurry]
label = "Hurry: a reviewer is there"
from = ["screening"]
to = "in_review"
automatic = "facts"
guards = [{ min_reviewers = 1 }]
"""


def test_what_then_happens_by_itself_is_told_and_done(here, clock, going):
    impatient = later(
        "application",
        (
            "",
            "[moves.resubmit]",
            HURRY + "\n[moves.resubmit]",
        ),
    )
    made = migrate(here, clock, impatient)
    assert [(one.application.reference, one.label) for one in made.follows if one.application] == [
        (going[2], "Hurry: a reviewer is there")
    ]
    with here.db.read() as session:
        assert by_reference(session)[going[2]].state == "in_review"
        assert ledger.verify(session).broken is None


def test_where_time_stands_still_it_goes_on_standing_still(here, clock, going):
    with here.db.write() as session:
        move(session, by_reference(session)[going[3]], "suspend", here.manager, clock.now(), reason="Wait.")
    clock.advance(timedelta(days=3))
    sooner = ("deadlines.report", "reminders = [", "reminders = [-40, ")
    made = migrate(here, clock, later(), later("report", sooner))
    assert {one.fate for step in made.steps if "report" in step.name for one in step.deadlines} == {"changed"}
    with here.db.read() as session:
        held = session.exec(select(Deadline).where(Deadline.status == "held")).all()
        assert [(row.key, waiting(session, row)) for row in held] == [("report", 0)] * 2
    running = later("application", ("states.suspended", "hold = true\n", ""), version=VERSION + 1)
    with pytest.raises(Invalid, match="Time stands still in “Suspended” and runs in “Suspended”"):
        migrate(here, clock, running)


def test_what_was_done_under_the_old_version_is_not_undone_under_the_new_one(here, clock, going):
    def offered() -> bool:
        with here.db.read() as session:
            found = undo.offer(session, by_reference(session)[going[1]], here.manager, clock.now())
            return found is not None and found.allowed

    with here.db.write() as session:
        move(session, by_reference(session)[going[1]], "start_screening", here.manager, clock.now())
    assert offered()
    migrate(here, clock, later())
    assert not offered()


def test_the_round_itself_can_change_too(here, clock, going):
    made = migrate(here, clock, later("round", ("states.open", 'label = "Open"', 'label = "Open to all"')))
    assert [(step.name, step.after.label) for step in made.steps] == [
        ("Peace Incentive Fund 2022", "Open to all")
    ]
    with here.db.read() as session:
        round_ = session.get_one(Round, here.round_id)
        assert definitions.definition_of(session, round_).version == VERSION
        assert ledger.verify(session).broken is None


@pytest.mark.parametrize(
    ("wanted", "places", "field"),
    [
        ([], {}, "workflow"),
        ([shipped("application")], {}, "application"),
        ([later(version=VERSION), later("application", version=VERSION + 1)], {}, "application"),
        ([later("application", ("", 'subject = "application"', 'subject = "parade"'))], {}, "parade"),
        ([later()], {"application": {"nowhere": "draft"}}, "map-application-nowhere"),
        ([later()], {"application": {"draft": "submitted"}}, "map-application-draft"),
        ([sifting()], {"application": {"screening": "nowhere"}}, "map-application-screening"),
        ([later()], {"review": {"assigned": "submitted"}}, "workflow"),
        (
            [later("application", ("deadlines.screening", "working_days = 10", 'field = "round.nonsense"'))],
            {},
            "application",
        ),
        (
            [later("application", ("moves.submit", 'template = "receipt"', 'template = "poem"'))],
            {},
            "application",
        ),
    ],
)
def test_what_cannot_be_is_said_where_it_is(sqlite_db, clock, wanted, places, field):
    here = world(sqlite_db, clock.now())
    before = everything(sqlite_db)
    with pytest.raises(Invalid) as wrong:
        migrate(here, clock, *wanted, **places)
    assert list(wrong.value.fields) == [field]
    assert everything(sqlite_db) == before


def test_a_lower_version_is_no_later_one(sqlite_db, clock):
    here = world(sqlite_db, clock.now())
    migrate(here, clock, later())
    with pytest.raises(Invalid, match="no later one"):
        migrate(here, clock, later(version=VERSION - 1))


def test_a_move_and_a_migration_at_once(here, clock, going):
    """One wins; the other is told, or comes afterwards under the new version."""
    with here.db.read() as session:
        row = by_reference(session)[going[1]]
        key, seen = row.id, row.version
        fingerprint = planned(session, here, clock, later()).fingerprint
    results: dict[str, str] = {}
    start = threading.Barrier(2)

    def act(name, use_case):
        start.wait()
        try:
            with here.db.write() as session:
                use_case(session)
            results[name] = "done"
        except FundError as error:
            results[name] = type(error).__name__

    def make_move(session):
        row = session.get_one(Application, key)
        moves.fire(session, row, "start_screening", here.manager, version=seen, now=clock.now())

    def make_migration(session):
        migrating.lock(session, session.get_one(Round, here.round_id))
        made = planned(session, here, clock, later())
        if made.fingerprint != fingerprint:
            raise Conflict
        migrating.carry_out(session, made, here.manager, "manager")

    threads = [
        threading.Thread(target=act, args=("move", make_move)),
        threading.Thread(target=act, args=("migration", make_migration)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results.values()) == ["Conflict", "done"]
    with here.db.read() as session:
        row = session.get_one(Application, key)
        moved = results["move"] == "done"
        assert row.state == ("screening" if moved else "submitted")
        assert definitions.definition_of(session, row).version == (
            shipped("application").version if moved else VERSION
        )
        assert ledger.verify(session).broken is None


def test_what_begins_during_a_migration_is_not_left_behind(here, clock, going):
    inside, committed = threading.Event(), threading.Event()

    def begin():
        with here.db.write() as session:
            draft(session, here, clock.now(), title="Begun meanwhile")
            inside.set()
            committed.wait(0.3)

    thread = threading.Thread(target=begin)
    thread.start()
    assert inside.wait(10)
    migrate(here, clock, later())
    thread.join()
    with here.db.read() as session:
        rows = session.exec(select(Application)).all()
        assert len(rows) == 5
        assert {definitions.definition_of(session, row).version for row in rows} == {VERSION}


def submitted(session, here, now, count: int) -> None:
    """Applications that stand submitted, without what led them there."""
    columns = children.moved_columns(session, here.round_id, "application", now) | {"state": "submitted"}
    rows = [
        Application(
            reference=f"PIF-{number:06}",
            round_id=here.round_id,
            member_id=here.member_id,
            author_id=here.applicant.person_id,
            created_at=now,
            **columns,
        )
        for number in range(count)
    ]
    session.add_all(rows)
    session.flush()
    deadlines.begin(session, Audience(session, rows), rows, now)


def test_three_hundred_applications_take_a_few_seconds(here, clock):
    with here.db.write() as session:
        submitted(session, here, clock.now(), 300)
    began = time.thread_time()
    made = migrate(here, clock, later("application", *FIRST_LOOK))
    took = time.thread_time() - began
    assert (made.count("opened"), made.count("cancelled")) == (300, 300)
    assert took < 10, f"{took:.1f} s, where one is usual"


def test_reminders_of_the_rounds_own_outlive_a_change_of_version(here, clock, going):
    def shown(session):
        mine = select(Message).where(Message.kind == "reminder").order_by(col(Message.id))
        return [row.model_dump() for row in session.exec(mine)]

    with here.db.write() as session:
        lines = [{"days": -5, "to": "applicant", "weekends": "keep"}]
        session.get_one(Round, here.round_id).reminders = {"application.submission": lines}
    reconcile(here.db, deadlines.policy, clock)
    with here.db.read() as session:
        before = shown(session)
    source = later().source.replace("reminders = [-14, -7, -2, -1]", "reminders = [-20, -1]")
    made = migrate(here, clock, Definition.parse(source))
    assert ("submission", "changed") in fates(made)[going[0]]
    with here.db.read() as session:
        assert shown(session) == before
        [first] = [row for row in by_reference(session).values() if row.reference == going[0]]
        assert open_deadline(session, first, "submission").generation == 1
    assert reconcile(here.db, deadlines.policy, clock).nothing
