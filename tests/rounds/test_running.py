"""Who runs a round: rights, refusals, mail and reminders, and who stands in, on both databases."""

from datetime import timedelta

import pytest
from sqlmodel import col, select

from fund.applying import comments
from fund.awarding import queries as awarding
from fund.awarding import service as offers
from fund.base import access, deadlines, extending, ledger, moves, undo
from fund.base.audience import Audience, actor_of, in_hand
from fund.base.deadlines import policy
from fund.base.errors import Conflict, Forbidden, Invalid, NotFound
from fund.base.settings import Settings
from fund.governing import service as governing
from fund.people import service as people
from fund.people.fields import PersonDraft
from fund.pipeline import bulk, feeds, owed
from fund.pipeline.bulk import Pick, Result
from fund.reviewing import service as reviewing
from fund.rounds import extending as days
from fund.rounds import queries, reminders, running, working_days
from fund.rounds import service as rounds
from fund.rounds.calendar import Voice
from fund.rounds.fields import draft_of
from notifications import truth
from notifications.outbox import queue
from notifications.reconcile import reconcile
from schema.applications import Application
from schema.deadlines import Deadline
from schema.ledger import LedgerEvent
from schema.outbox import Message
from schema.people import Membership
from schema.rounds import Round
from schema.running import runs
from tests.support.watching import at_once
from tests.support.world import draft, move, open_round, person, submit, to_active, to_deliberation, world

RUN_BY = "Amina Bello runs this round. Ask them, or let yourself be added."


@pytest.fixture
def here(db, clock):
    """A round that is open, with two managers: Amina and Tomás."""
    return world(db, clock.now())


def choose(here, clock, *chosen, viewer=None, edition=None):
    with here.db.write() as session:
        keys = [one.person_id for one in chosen]
        return running.choose(
            session, viewer or here.second_manager, here.round_slug, keys, edition=edition, now=clock.now()
        )


def seen(here):
    with here.db.read() as session:
        return running.of(session, here.manager, here.round_slug)


def submitted(here, clock):
    with here.db.write() as session:
        application = draft(session, here, clock.now())
        submit(session, here, application, clock.now())
        return application.id


def managers_of(here, key):
    with here.db.read() as session:
        application = session.get_one(Application, key)
        return [one.person_id for one in Audience(session).people_in("manager", application)]


def told(here, *templates):
    """Who gets mail by these templates and has not yet: by person."""
    with here.db.read() as session:
        found = session.exec(
            select(Message.person_id).where(col(Message.template).in_(templates), Message.status == "pending")
        )
        return set(found)


def test_nobody_named_is_every_manager(here, clock):
    key = submitted(here, clock)
    assert managers_of(here, key) == [here.manager.person_id, here.second_manager.person_id]
    assert told(here, "submitted_to_managers") == set(managers_of(here, key))
    assert (seen(here).names, choose(here, clock).reminders) == ([], 0)
    with here.db.read() as session:
        events = session.exec(select(LedgerEvent).where(LedgerEvent.action == running.CHANGED)).all()
    assert not events, "the same again changes nothing"


def test_who_runs_it_acts_and_the_others_read_and_are_told_whom_to_ask(here, clock):
    key = submitted(here, clock)
    choose(here, clock, here.manager)
    with here.db.read() as session:
        application = session.get_one(Application, key)
        assert moves.options(session, application, here.manager, clock.now())
        assert not moves.options(session, application, here.second_manager, clock.now())
        assert access.may_read(session, application, here.second_manager)
        assert actor_of(session, application, here.second_manager).roles == frozenset()
        assert access.roles_here(session, application, here.second_manager) == {"manager", "anyone"}
    with here.db.write() as session, pytest.raises(Forbidden, match=RUN_BY):
        move(session, session.get_one(Application, key), "start_screening", here.second_manager, clock.now())
    with here.db.write() as session:
        application = session.get_one(Application, key)
        move(session, application, "start_screening", here.manager, clock.now())
        last = undo.offer(session, application, here.manager, clock.now())
    with here.db.write() as session, pytest.raises(Forbidden, match=RUN_BY):
        undo.wanted(session, "application", key, here.second_manager, clock.now())
    with here.db.write() as session, pytest.raises(Forbidden, match=RUN_BY):
        application = session.get_one(Application, key)
        seen_ = {"event": last.event, "version": last.version}
        undo.undo(session, application, here.second_manager, now=clock.now(), **seen_)
    choose(here, clock, here.manager, here.second_manager)
    with here.db.read() as session:
        application = session.get_one(Application, key)
        assert moves.options(session, application, here.second_manager, clock.now())


def test_everything_that_managers_do_in_a_round_is_theirs_who_run_it(here, clock):
    other, now = here.second_manager, clock.now()
    with here.db.write() as session:
        application = to_deliberation(session, here, now)
        closing = session.exec(select(Deadline).where(Deadline.subject_kind == "round")).first()
        round_ = session.get_one(Round, here.round_id)
        reference, slug, edition = application.reference, here.round_slug, queries.edition(round_)
    choose(here, clock, here.manager)
    later = {"closes_on": round_.closes_on + timedelta(days=1)}
    with here.db.write() as session:
        application = session.get_one(Application, application.id)
        suggested = awarding.preparation(session, other, reference, now)
        for refused in (
            lambda: reviewing.assign(session, other, application, [], now=now),
            lambda: offers.prepare_award(session, other, application, suggested.suggested, version=1, now=now),
            lambda: extending.move(session, other, closing.id, None, "", generation=1, now=now),
            lambda: extending.waive(session, other, closing.id, "", generation=1, now=now),
            lambda: comments.say(session, other, reference, "May I?", now),
            lambda: days.move_days(session, other, slug, later, "Rain.", edition=edition, now=now),
            lambda: working_days.change(session, other, slug, [], [], edition="", now=now),
            lambda: reminders.change(session, other, slug, ("application", "submission"), None, edition="", now=now),
            lambda: rounds.move(session, other, slug, "close", version=round_.version, now=now),
            lambda: rounds.update_round(session, other, slug, draft_of(round_), edition=edition, now=now),
            lambda: governing.preview(session, other, slug, [], {}, now),
        ):  # fmt: skip
            with pytest.raises(Forbidden, match=RUN_BY):
                refused()
        assert comments.conversation(session, other, reference).left == RUN_BY
        assert (suggested.left, suggested.offer) == (RUN_BY, None)


def test_many_at_once_says_of_each_who_runs_its_round(here, clock):
    theirs = submitted(here, clock)
    with here.db.write() as session:
        round_ = open_round(session, here.manager, clock.now())
        here_too = Application(
            **session.get_one(Application, theirs).model_dump(exclude={"id", "round_id", "reference"}),
            round_id=round_.id,
            reference="PIF-OPEN",
        )
        session.add(here_too)
        session.flush()
        picks = [Pick("PIF-OPEN"), Pick(session.get_one(Application, theirs).reference)]
    choose(here, clock, here.manager)
    found = bulk.preview(here.db, here.second_manager, picks, "start_screening", clock.now())
    assert [(line.result, line.reasons) for line in found.lines] == [
        (Result.POSSIBLE, ()),
        (Result.REFUSED, (RUN_BY,)),
    ]
    each = [Pick(line.reference, line.version) for line in found.lines]
    for together, first in ((True, Result.LEFT), (False, Result.DONE)):
        lines = bulk.run(
            here.db, here.second_manager, each, "start_screening", clock.now(), all_or_none=together
        )
        assert [(line.result, line.reasons) for line in lines] == [(first, ()), (Result.REFUSED, (RUN_BY,))]


def test_mail_and_reminders_go_to_those_who_run_it(here, clock):
    submitted(here, clock)
    both = {here.manager.person_id, here.second_manager.person_id}
    assert told(here, "reminder", "overdue") >= both
    waiting = told(here, "submitted_to_managers")
    found = choose(here, clock, here.manager)
    assert found.reminders, "what waited for Tomás is called off"
    assert told(here, "reminder", "overdue", "escalation") & both == {here.manager.person_id}
    assert told(here, "submitted_to_managers") == waiting, "what was sent out already is not taken back"
    assert reconcile(here.db, policy, clock).nothing
    with here.db.write() as session:
        another = draft(session, here, clock.now(), title="Later")
        submit(session, here, another, clock.now())
        key = another.id
    with here.db.read() as session:
        news = select(Message.person_id).where(
            Message.template == "submitted_to_managers", Message.application_id == key
        )
        assert list(session.exec(news)) == [here.manager.person_id]
        event = session.exec(select(LedgerEvent).where(LedgerEvent.action == running.CHANGED)).one()
        assert (event.chain, event.actor_id, event.data) == (
            f"round:{here.round_id}",
            here.second_manager.person_id,
            {"before": [], "after": [here.manager.person_id]},
        )
        assert ledger.verify(session).broken is None
    choose(here, clock)
    assert told(here, "reminder", "overdue", "escalation") >= both
    assert reconcile(here.db, policy, clock).nothing


@pytest.mark.parametrize("why", ["disabled", "no manager", "acts for the applicant"])
def test_where_nobody_who_runs_it_can_act_all_managers_stand_in(here, clock, why):
    key = submitted(here, clock)
    with here.db.write() as session:
        named = person(session, "Ana Pop", clock.now(), roles=["manager"])
        rest = {here.manager.person_id, here.second_manager.person_id}
    choose(here, clock, named)
    assert managers_of(here, key) == [named.person_id]
    with here.db.write() as session:
        if why == "disabled":
            people.disable(session, here.manager, named.person_id, clock.now())
        elif why == "no manager":
            plain = PersonDraft(named.email, named.name, frozenset({"reviewer"}))
            people.change_person(session, here.manager, named.person_id, plain, clock.now())
        else:
            session.add(Membership(person_id=named.person_id, member_id=here.member_id, since=clock.now()))
    assert set(managers_of(here, key)) == rest
    with here.db.write() as session:
        move(session, session.get_one(Application, key), "start_screening", here.manager, clock.now())
    reconcile(here.db, policy, clock)
    assert told(here, "reminder", "overdue") >= rest
    with here.db.read() as session:
        round_ = session.get_one(Round, here.round_id)
        others = access.left_to(session, round_, here.manager)
    assert bool(others) is (why == "acts for the applicant"), "she still runs the round itself"


def test_what_lists_ask_the_database_agrees_with_what_a_move_asks(here, clock):
    own = submitted(here, clock)
    with here.db.write() as session:
        stranger = Application(
            **session.get_one(Application, own).model_dump(exclude={"id", "member_id", "reference"}),
            member_id=here.other_member_id,
            reference="PIF-OTHER",
        )
        session.add(stranger)
        mixed = person(session, "Ana Pop", clock.now(), roles=["manager"], members=[here.member_id])
        gone = person(session, "Bo Lind", clock.now(), roles=["manager"])
        people.disable(session, here.manager, gone.person_id, clock.now())
        all_ = [here.manager, here.second_manager, mixed]
    for named in ([], [mixed], [gone], [mixed, here.manager], [here.second_manager], all_):
        with here.db.write() as session:
            session.info.clear()
            for one in session.exec(select(running.RoundManager)):
                session.delete(one)
            session.flush()
            session.add_all(
                running.RoundManager(round_id=here.round_id, person_id=one.person_id) for one in named
            )
        with here.db.read() as session:
            for subject in session.exec(select(Application).order_by(col(Application.id))):
                standing = {one.person_id for one in Audience(session).people_in("manager", subject)}
                for viewer in all_:
                    apart = subject.member_id not in viewer.member_ids
                    hers = runs(viewer.person_id, col(Application.round_id), col(Application.member_id))
                    found = session.exec(select(Application.id).where(hers)).all()
                    assert (apart and subject.id in found) is (viewer.person_id in standing)
                    acts = "manager" in actor_of(session, subject, viewer).roles
                    assert acts is (viewer.person_id in standing)


def test_what_a_manager_owes_is_of_rounds_that_she_runs(here, clock):
    submitted(here, clock)

    def owes(viewer):
        with here.db.read() as session:
            return {one.deadline.key for one in owed.by(session, viewer, clock.now())}

    everything = owes(here.second_manager)
    assert len(everything) > 1
    choose(here, clock, here.manager)
    assert (owes(here.manager), owes(here.second_manager)) == (everything, set())


def test_a_mail_shows_what_is_owed_to_those_who_run_it_alone(here, clock):
    """Who was told of a step before the round got its managers hears that it was taken back, and owes nothing."""
    key, now = submitted(here, clock), clock.now()
    both = (here.manager, here.second_manager)
    choose(here, clock, here.manager)
    with here.db.write() as session:
        application = session.get_one(Application, key)
        due = deadlines.open_of(session, application)[0]
        deadlines.move_to(session, due, due.due_on + timedelta(days=1), "undone", now)
        about = {"subject_kind": "application", "subject_id": key, "application_id": key}
        for one in both:
            queue(session, key=f"back:{one.person_id}", kind="notice", template=truth.TAKEN_BACK,
                  person_id=one.person_id, path="/", now=now, **about)  # fmt: skip
    with here.db.read() as session:
        mails = (
            select(Message.id).where(Message.template == truth.TAKEN_BACK).order_by(col(Message.person_id))
        )
        seen_ = [truth.look_up(session, one).deadline for one in session.exec(mails)]
    assert [one and one.id for one in seen_] == [due.id, None]


def test_calendars_of_a_manager_leave_out_what_others_run_and_that_of_the_round_is_whole(here, clock):
    with here.db.write() as session:
        to_active(session, here, clock.now())

    def keys(viewer, *of):
        with here.db.read() as session:
            rounds_ = [session.get_one(Round, key) for key in of]
            found = feeds.of_person(session, viewer, clock.now(), Voice(Settings(), ""), *rounds_)
            return sorted(entry.key for entry in found if not entry.cancelled)

    both, whole = keys(here.second_manager), keys(here.second_manager, here.round_id)
    assert both == whole
    choose(here, clock, here.manager)
    assert (keys(here.manager), keys(here.manager, here.round_id)) == (both, whole)
    assert (keys(here.second_manager), keys(here.second_manager, here.round_id)) == ([], whole)


def test_of_two_who_change_it_at_once_one_is_told(here, clock):
    edition = seen(here).edition
    found = at_once(
        [
            lambda: choose(here, clock, here.manager, viewer=here.manager, edition=edition),
            lambda: choose(here, clock, here.second_manager, edition=edition),
        ]
    )
    assert sorted(type(one).__name__ for one in found) == ["Conflict", "Reach"]
    assert len(seen(here).named) == 1
    with here.db.read() as session:
        assert len(session.exec(select(LedgerEvent).where(LedgerEvent.action == running.CHANGED)).all()) == 1
    with pytest.raises(Conflict):
        choose(here, clock, edition=edition)


def test_any_manager_may_change_it_and_nobody_else(here, clock):
    choose(here, clock, here.manager)
    for viewer in (here.applicant, here.auditor, here.reviewers[0]):
        with pytest.raises(Forbidden):
            choose(here, clock, here.manager, viewer=viewer)
    for nobody in (here.auditor, here.applicant):
        with pytest.raises(Invalid) as wrong:
            choose(here, clock, nobody)
        assert list(wrong.value.fields) == ["managers"]
    choose(here, clock, here.second_manager)
    assert seen(here).names == ["Tomás Rey"]
    with here.db.read() as session, pytest.raises(Forbidden):
        running.of(session, here.applicant, here.round_slug)


def test_a_draft_that_managers_do_not_read_tells_them_nothing(here, clock):
    with here.db.write() as session:
        key = draft(session, here, clock.now()).id
    choose(here, clock, here.manager)
    with here.db.read() as session, pytest.raises(NotFound):
        undo.wanted(session, "application", key, here.second_manager, clock.now())


def test_one_unit_of_work_asks_once_however_many_rounds(sqlite_db, clock):
    here = world(sqlite_db, clock.now())
    submitted(here, clock)
    choose(here, clock, here.manager)
    with here.db.write() as session:
        one = session.exec(select(Application)).one()
        for number in range(9):
            round_ = open_round(session, here.manager, clock.now())
            plain = one.model_dump(exclude={"id", "round_id", "reference"})
            session.add(Application(**plain, round_id=round_.id, reference=f"PIF-{number}"))
    for most in (1, 10):
        with here.db.read() as session:
            found = session.exec(select(Application).order_by(col(Application.id)).limit(most)).all()
            asked: list[str] = []
            driver = session.connection().connection.driver_connection
            driver.set_trace_callback(asked.append)
            in_hand(session, found)
            acting = [actor_of(session, one, here.second_manager).roles for one in found]
            driver.set_trace_callback(None)
        assert len(asked) == 1
        assert acting == [frozenset(), *[frozenset({"manager"})] * (most - 1)]
