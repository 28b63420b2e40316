"""Reminders and days off of one round: what is planned follows at once, and what went out stays, on both databases."""

from datetime import date, timedelta

import pytest
from sqlmodel import col, select

from fund.base import extending, ledger
from fund.base.deadlines import policy
from fund.base.errors import Conflict, Forbidden, Invalid, NotFound
from fund.rounds import queries, reminders, working_days
from fund.rounds.replanning import Reach
from notifications.reconcile import reconcile
from schema.applications import Application
from schema.deadlines import Deadline
from schema.ledger import LedgerEvent
from schema.outbox import Message
from schema.people import Person
from schema.rounds import Holiday, ReminderLine, Round
from tests.support.watching import at_once
from tests.support.world import assign, draft, move, submit, world

SUBMISSION = ("application", "submission")


@pytest.fixture
def here(db, clock):
    """A round that is open, with two drafts: the closing is 21 October, a Thursday."""
    made = world(db, clock.now())
    with db.write() as session:
        for number in range(2):
            draft(session, made, clock.now(), title=f"Draft {number}")
    return made


def line(days, to="applicant", weekends="keep"):
    return ReminderLine(days=days, to=to, weekends=weekends)


def seen(here, name=SUBMISSION):
    with here.db.read() as session:
        return reminders.policy(session, here.manager, here.round_slug, *name)


def change(here, clock, lines, *, name=SUBMISSION, viewer=None, edition=None):
    with here.db.write() as session:
        return reminders.change(
            session, viewer or here.manager, here.round_slug, name, lines,
            edition=edition or seen(here, name).edition, now=clock.now(),
        )  # fmt: skip


def preview(here, clock, lines, *, name=SUBMISSION):
    with here.db.read() as session:
        return reminders.reach(session, here.manager, here.round_slug, name, lines, clock.now())


def planned(here, key="submission", status="pending"):
    """Offset, local day in UTC and reader of each reminder of the first deadline of that key."""
    with here.db.read() as session:
        first = session.exec(select(Deadline).where(Deadline.key == key).order_by(col(Deadline.id))).first()
        found = session.exec(
            select(Message, Person.name)
            .join(Person)
            .where(Message.deadline_id == first.id, Message.kind == "reminder", Message.status == status)
            .order_by(col(Message.next_at), col(Person.id))
        )
        return [(one.offset_days, one.next_at.date(), name, one.template) for one, name in found]


def ids(here):
    with here.db.read() as session:
        return {one.dedup_key: (one.id, one.mail_id) for one in session.exec(select(Message))}


def test_what_is_open_is_planned_anew_and_what_does_not_change_is_not_touched(here, clock):
    assert [one[0] for one in planned(here)] == [-14, -14, -7, -7, -2, -2, -1, -1]
    before = ids(here)
    lines = [line(-7), line(-3, "owner"), line(-1), line(-1, "colleague")]
    assert preview(here, clock, lines) == Reach(reminders=10, deadlines=2), (
        "for each of two: four go, one comes"
    )
    assert ids(here) == before, "looking writes nothing"
    assert change(here, clock, lines) == Reach(10, 2)
    assert planned(here) == [
        (-7, date(2021, 10, 14), "Iván Soto", "reminder"),
        (-7, date(2021, 10, 14), "Lucía Prado", "reminder"),
        (-3, date(2021, 10, 18), "Lucía Prado", "reminder"),
        (-1, date(2021, 10, 20), "Iván Soto", "reminder"),
        (-1, date(2021, 10, 20), "Lucía Prado", "reminder"),
    ]
    with here.db.read() as session:
        gone = select(Message.offset_days).where(Message.reason == "The reminders of the round were changed")
        assert sorted(session.exec(gone)) == [-14] * 4 + [-2] * 4
    after = ids(here)
    assert {key: after[key] for key in before} == before
    assert reconcile(here.db, policy, clock).nothing
    with here.db.read() as session:
        assert {one.generation for one in session.exec(select(Deadline))} == {1}
        event = session.exec(select(LedgerEvent).where(LedgerEvent.action == reminders.CHANGED)).one()
        assert (event.chain, event.data["deadline"], event.data["before"]) == (
            f"round:{here.round_id}", "application.submission", None,
        )  # fmt: skip
        assert [one["days"] for one in event.data["after"]] == [-7, -3, -1, -1]
        assert ledger.verify(session).broken is None
    assert change(here, clock, lines) == Reach(), "the same again changes nothing"
    with here.db.read() as session:
        assert (
            len(session.exec(select(LedgerEvent).where(LedgerEvent.action == reminders.CHANGED)).all()) == 1
        )


def test_going_back_to_the_definition_brings_back_what_was_called_off(here, clock):
    before = planned(here)
    change(here, clock, [line(-5)])
    assert seen(here).own
    assert [one[0] for one in planned(here)] == [-5, -5]
    change(here, clock, None)
    assert (planned(here), seen(here).own) == (before, False)
    change(here, clock, [line(-5)])
    change(here, clock, [line(days) for days in (-14, -7, -2, -1)])
    assert (planned(here), seen(here).own) == (before, False), "the words of the definition are its own"
    assert reconcile(here.db, policy, clock).nothing


def test_what_went_out_stays_and_a_deadline_opened_later_goes_by_the_round(here, clock):
    clock.move_to(clock.now() + timedelta(days=20))
    with here.db.write() as session:
        for one in session.exec(select(Message).where(Message.next_at <= clock.now())):
            one.status, one.finished_at = "sent", clock.now()
    change(here, clock, [line(-14), line(-4)])
    assert [one[0] for one in planned(here, status="sent")] == [-14, -14]
    assert [one[0] for one in planned(here)] == [-4, -4]
    with here.db.write() as session:
        late = draft(session, here, clock.now(), title="Late")
        key = session.exec(select(Deadline.id).where(Deadline.application_id == late.id)).one()
        offsets = session.exec(select(Message.offset_days).where(Message.deadline_id == key)).all()
        assert sorted(offsets) == [-4, -4]
        extending.move(
            session, here.manager, key, date(2021, 11, 30), "She is ill.", generation=1, now=clock.now()
        )
        offsets = select(Message.offset_days).where(
            Message.deadline_id == key, Message.deadline_generation == 2
        )
        assert sorted(session.exec(offsets.where(Message.kind == "reminder"))) == [-14, -14, -4, -4]


def test_it_climbs_from_the_owner_to_colleagues_to_managers(here, clock):
    name = ("review", "review")
    with here.db.write() as session:
        application = draft(session, here, clock.now())
        submit(session, here, application, clock.now())
        move(session, application, "start_screening", here.manager, clock.now())
        assign(session, here, application, here.reviewers[0], clock.now())
    lines = [line(-3, "owner"), line(1, "colleague"), line(2, "manager")]
    change(here, clock, lines, name=name)
    assert [one[0::2] for one in planned(here, "review")] == [
        (-3, "Reviewer A"), (1, "Amina Bello"), (1, "Tomás Rey"), (2, "Amina Bello"), (2, "Tomás Rey"),
    ]  # fmt: skip
    assert {one[3] for one in planned(here, "review")[1:]} == {"escalation"}
    with here.db.write() as session:
        session.get_one(Person, here.colleague.person_id).disabled_at = clock.now()
    change(here, clock, [line(-3, "owner"), line(-2, "colleague")])
    assert [one[0::2] for one in planned(here)] == [
        (-3, "Lucía Prado"), (-2, "Amina Bello"), (-2, "Tomás Rey"),
    ], "nobody stands by her, so the managers do"  # fmt: skip
    with here.db.write() as session:
        session.get_one(Person, here.colleague.person_id).disabled_at = None
    change(here, clock, [line(-3, "owner"), line(-2, "colleague"), line(-1)])
    assert planned(here)[1] == (-2, date(2021, 10, 19), "Iván Soto", "colleague")


def test_days_off_move_reminders_and_no_deadline(here, clock):
    change(here, clock, [line(-5, weekends="before"), line(-1, weekends="before")])
    assert [one[1] for one in planned(here)[::2]] == [date(2021, 10, 15), date(2021, 10, 20)], (
        "a Saturday moves"
    )
    holidays = [
        Holiday(on=date(2021, 10, 20), name="Day of the city"),
        Holiday(on=date(2021, 1, 1), name="New Year"),
    ]

    def days_off(viewer=here.manager, weekend=("friday", "saturday"), edition=None):
        with here.db.write() as session:
            seen = working_days.edition_of(queries.round_by_slug(session, viewer, here.round_slug))
            return working_days.change(
                session, viewer, here.round_slug, weekend, holidays, edition=edition or seen, now=clock.now()
            )

    with here.db.read() as session:
        found = working_days.reach(
            session, here.manager, here.round_slug, ["friday", "saturday"], holidays, clock.now()
        )
    assert found == Reach(reminders=8, deadlines=2)
    assert days_off() == found
    assert [one[1] for one in planned(here)[::2]] == [date(2021, 10, 14), date(2021, 10, 19)]
    assert days_off() == Reach()
    assert reconcile(here.db, policy, clock).nothing
    with here.db.read() as session:
        round_ = session.get_one(Round, here.round_id)
        assert [one.on.year for one in round_.days_off] == [2021, 2021]
        assert round_.holidays[0]["name"] == "New Year", "they stand in the order of the year"
        kept = select(Deadline.due_on).where(Deadline.status == "open")
        assert set(session.exec(kept)) == {round_.closes_on}
        assert session.exec(select(LedgerEvent).where(LedgerEvent.action == working_days.CHANGED)).one()
    with pytest.raises(Conflict):
        days_off(weekend=["sunday"], edition="old")
    with pytest.raises(Forbidden):
        days_off(here.auditor, weekend=["sunday"])
    with pytest.raises(Invalid) as wrong:
        days_off(weekend=["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"])
    assert set(wrong.value.fields) == {"weekend"}
    with here.db.write() as session:  # screening is due ten working days after the proposal came in
        submit(session, here, draft(session, here, clock.now()), clock.now())
        due = session.exec(select(Deadline.due_on).where(Deadline.key == "screening")).one()
    assert due == date(2021, 10, 5), "Sundays count, Fridays do not"


def test_what_is_wrong_is_told_by_line_and_of_two_one_is_told(here, clock):
    with pytest.raises(Invalid) as wrong:
        change(
            here, clock, [line(-800), line(-1, "reviewer"), line(-2), line(-2), line(-3, weekends="never")]
        )
    assert set(wrong.value.fields) == {"days-0", "to-1", "days-3", "weekends-4"}
    with pytest.raises(Invalid, match="at least one reminder to those who owe it"):
        change(here, clock, [line(1, "manager")])
    with pytest.raises(Invalid, match="10 reminders at most"):
        change(here, clock, [line(-number) for number in range(11)])
    old = seen(here).edition
    change(here, clock, [line(-6)])
    with pytest.raises(Conflict):
        change(here, clock, [line(-8)], edition=old, viewer=here.second_manager)
    for viewer in (here.auditor, here.applicant):
        with pytest.raises(Forbidden):
            change(here, clock, [line(-8)], viewer=viewer, edition=old)
    with pytest.raises(NotFound):
        preview(here, clock, [line(-8)], name=("application", "nothing"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Christmas", "Line 1: write the day and its name"),
        ("\n2021-02-30 Carnival", "Line 2: there is no such day as 2021-02-30"),
        ("2021-05-01 May\n2121-05-01 May", "^Line 2: check the year of 2121-05-01$"),
        (
            "2021-05-01 May\nEaster\n2021-02-30 Carnival\n2021-06-01 June\n2021-05-1 Workers",
            (
                "^Line 1: 2021-05-01 stands there more than once\n"
                "Line 2: write the day and its name, like 2026-12-25 Christmas\n"
                "Line 3: there is no such day as 2021-02-30\n"
                "Line 5: 2021-05-01 stands there more than once$"
            ),
        ),
        ("x\n" * 52, "^(Line .*\n){50}… and 2 more$"),
        ("2021-12-25", "write the day and its name"),
    ],
)
def test_holidays_are_read_line_by_line(text, problem):
    with pytest.raises(Invalid, match=problem):
        working_days.holidays_of(text)
    found = working_days.holidays_of("2021-12-25  Christmas\n\n 2022-1-1 New Year's Day")
    assert working_days.text_of(found) == "2021-12-25 Christmas\n2022-01-01 New Year's Day"


def test_of_two_managers_at_once_one_wins_and_the_other_is_told(here, clock):
    old = seen(here).edition
    done = at_once(
        [
            lambda: change(here, clock, [line(-6)], edition=old),
            lambda: change(here, clock, [line(-8)], edition=old, viewer=here.second_manager),
        ]
    )
    assert sorted(type(one).__name__ for one in done) == ["Conflict", "Reach"]
    assert {one[0] for one in planned(here)} in ({-6}, {-8})
    assert reconcile(here.db, policy, clock).nothing


def test_a_change_and_a_submission_at_once_leave_nothing_astray(here, clock):
    with here.db.read() as session:
        key = session.exec(select(Application.id)).first()

    def hand_in():
        with here.db.write() as session:
            submit(session, here, session.get_one(Application, key), clock.now())

    done = at_once([hand_in, lambda: change(here, clock, [line(-6)])])
    assert not isinstance(done[0], Exception)
    assert isinstance(done[1], Reach)
    assert reconcile(here.db, policy, clock).nothing
    with here.db.read() as session:
        gone = select(Deadline.id).where(Deadline.status == "met", Deadline.key == "submission")
        waits = select(Message.id).where(Message.deadline_id.in_(gone), Message.status == "pending")
        assert session.exec(waits).all() == []
