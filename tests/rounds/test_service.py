"""Planning, changing and moving rounds, on both databases."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlmodel import select

from fund.base import definitions, ledger, passing
from fund.base.errors import Conflict, Forbidden, Invalid, MoveRefused, NotFound
from fund.base.permissions import Viewer
from fund.rounds import defaults, queries, service
from schema.deadlines import Deadline
from schema.ledger import LedgerEvent
from schema.outbox import Message, MessageStatus
from schema.people import Role
from schema.rounds import Round
from schema.workflows import RoundWorkflow
from tests.rounds.support import DRAFT, moved, opened, planned
from tests.support.watching import statements
from tests.support.world import person, world


@pytest.fixture
def manager(db, clock) -> Viewer:
    """Somebody who manages the fund."""
    with db.write() as session:
        return person(session, "Amina Bello", clock.now(), roles=[Role.MANAGER.value])


@pytest.fixture
def stranger(db, clock) -> Viewer:
    """Somebody who acts for a member."""
    with db.write() as session:
        return person(session, "Omar Nur", clock.now())


def test_a_manager_chooses_the_workflow_until_the_round_opens(db, clock, manager):
    round_ = planned(db, manager, clock.now(), workflow="concept")
    assert pinned_name(db, round_) == "concept"
    with pytest.raises(Invalid) as wrong:
        update(db, manager, round_, clock.now(), workflow="review")
    assert list(wrong.value.fields) == ["workflow"]
    update(db, manager, round_, clock.now(), workflow="application")
    assert pinned_name(db, round_) == "application"
    update(db, manager, round_, clock.now(), workflow="")
    assert pinned_name(db, round_) == "application", "nothing chosen leaves it"
    moved(db, manager, round_.slug, "open", clock.now())
    with pytest.raises(Invalid) as promised:
        update(db, manager, round_, clock.now(), workflow="concept")
    assert list(promised.value.fields) == ["workflow"]


def test_a_plan_that_was_given_up_leaves_nothing_behind(db, clock, manager):
    with pytest.raises(RuntimeError), db.write() as session:
        given_up = service.create_round(session, manager, replace(DRAFT, workflow="concept"), clock.now())
        key = definitions.pinned(session, given_up.id or 0, "application")
        assert definitions.definition_by_id(session, key).name == "concept"
        raise RuntimeError
    round_ = planned(db, manager, clock.now())
    assert pinned_name(db, round_) == "application"
    with db.write() as session:
        assert queries.workflow(session, session.get_one(Round, round_.id)).name == "application"


def test_a_plan_with_another_workflow_is_another_round(db, clock, manager):
    one = planned(db, manager, clock.now())
    assert planned(db, manager, clock.now()).slug == one.slug
    assert planned(db, manager, clock.now(), workflow="concept").slug != one.slug


def pinned_name(db, round_: Round) -> str:
    with db.read() as session:
        return queries.workflow(session, session.get_one(Round, round_.id)).name


def update(db, viewer, round_: Round, now, edition: str | None = None, **changes):
    with db.write() as session:
        return service.update_round(
            session,
            viewer,
            round_.slug,
            replace(DRAFT, **changes),
            edition=queries.edition(round_) if edition is None else edition,
            now=now,
        )


def deadlines_of(db, round_: Round):
    with db.read() as session:
        return [
            (row.key, row.due_on, row.status)
            for row in session.exec(
                select(Deadline).where(Deadline.subject_kind == "round").order_by(Deadline.id)  # type: ignore[arg-type]
            )
            if row.subject_id == round_.id
        ]


def actions(db, round_: Round):
    with db.read() as session:
        rows = session.exec(select(LedgerEvent).where(LedgerEvent.chain == f"round:{round_.id}"))
        return [(row.action, row.actor_id, row.data) for row in sorted(rows, key=lambda row: row.seq)]


def test_a_planned_round_has_the_shipped_form_its_workflows_and_an_opening_to_think_of(db, clock, manager):
    round_ = planned(db, manager, clock.now())
    with db.read() as session:
        stored = session.exec(select(Round)).one()
        pinned = sorted(session.exec(select(RoundWorkflow.name)))
    assert (stored.slug, stored.state) == ("peace-incentive-fund-2022", "planned")
    assert stored.sections == list(defaults.form())
    assert stored.criteria == list(defaults.scorecard())
    assert stored.eligibility == list(DRAFT.eligibility)
    assert pinned == ["application", "lesson", "report", "review"]
    assert deadlines_of(db, round_) == [("opening", date(2021, 10, 1), "open")]
    assert actions(db, round_) == [("created", manager.person_id, {})]


def test_nobody_else_can_plan_one_and_what_is_wrong_writes_nothing(db, clock, manager, stranger):
    for viewer in (stranger, Viewer.anonymous()):
        with pytest.raises(Forbidden):
            planned(db, viewer, clock.now())
    with pytest.raises(Invalid):
        planned(db, manager, clock.now(), title=" ")
    with db.read() as session:
        assert session.exec(select(Round)).all() == []


def test_rounds_of_one_title_have_addresses_of_their_own_and_none_is_taken_for_a_page(db, clock, manager):
    slugs = [planned(db, manager, clock.now(), summary=f"Draft {n}.").slug for n in range(3)]
    assert slugs == [f"peace-incentive-fund-2022{end}" for end in ("", "-2", "-3")]
    assert planned(db, manager, clock.now(), title="New").slug == "new-2"


def test_the_same_plan_sent_twice_is_one_round(db, manager, clock):
    once, again = (planned(db, manager, clock.now()).slug for _ in range(2))
    assert once == again
    opened_ = moved(db, manager, once, "open", clock.now())
    assert planned(db, manager, clock.now()).slug != opened_.slug


def test_a_planned_round_is_only_there_for_those_who_run_the_fund(db, clock, manager, stranger):
    round_ = planned(db, manager, clock.now())
    auditor = Viewer(person_id=99, roles=frozenset({Role.AUDITOR.value}))
    with db.read() as session:
        for viewer in (manager, auditor):
            assert queries.round_by_slug(session, viewer, round_.slug).id == round_.id
        for viewer in (stranger, Viewer.anonymous()):
            with pytest.raises(NotFound):
                queries.round_by_slug(session, viewer, round_.slug)
            assert queries.visible(session, viewer) == []


def test_everybody_sees_an_open_round_and_its_closing_is_watched(db, clock, manager):
    round_ = opened(db, manager, clock.now())
    with db.read() as session:
        listed = queries.listed(session, Viewer.anonymous(), clock.now())
        assert [view.round.slug for view in listed.open] == [round_.slug]
        assert (listed.planned, listed.past) == ([], [])
        assert queries.taking(session, Viewer.anonymous(), round_.slug).closes_on == DRAFT.closes_on
    assert deadlines_of(db, round_) == [
        ("opening", date(2021, 10, 1), "met"),
        ("closing", date(2021, 11, 1), "open"),
    ]


def test_proposals_are_taken_until_the_closing_day_is_over_in_the_zone_of_the_round(db, clock, manager):
    round_ = opened(db, manager, clock.now())
    with db.read() as session:
        closes_at = queries.view(session, round_, clock.now()).closing.due_at
        assert closes_at.isoformat() == "2021-11-02T05:00:00+00:00"
        moments = [clock.now(), closes_at - timedelta(seconds=1), closes_at]
        assert [queries.takes_proposals(round_, moment) for moment in moments] == [True, True, False]
        assert [len(queries.open_rounds(session, moment)) for moment in moments] == [1, 1, 0]
        assert queries.grace(session, round_) == timedelta(minutes=60)


def test_a_planned_round_can_be_changed_in_everything_and_its_deadline_follows(db, clock, manager):
    round_ = planned(db, manager, clock.now())
    update(
        db,
        manager,
        round_,
        clock.now(),
        title="Fund 2022",
        opens_on=date(2021, 10, 8),
        pot_minor=1_000_000_00,
    )
    with db.read() as session:
        stored = session.exec(select(Round)).one()
        waiting = session.exec(
            select(Message.offset_days).where(Message.status == MessageStatus.PENDING)
        ).all()
    assert (stored.title, stored.slug, stored.pot_minor) == ("Fund 2022", round_.slug, 1_000_000_00)
    assert deadlines_of(db, round_) == [
        ("opening", date(2021, 10, 1), "cancelled"),
        ("opening", date(2021, 10, 8), "open"),
    ]
    assert sorted(waiting) == [-7, -1, 1]
    assert actions(db, round_)[-1] == (
        "changed",
        manager.person_id,
        {"fields": ["title", "opens_on", "pot_minor"]},
    )


def test_saving_what_is_stored_already_writes_nothing(db, clock, manager):
    round_ = planned(db, manager, clock.now())
    update(db, manager, round_, clock.now(), edition="an old one")
    assert [action for action, _, _ in actions(db, round_)] == ["created"]


def test_two_managers_who_change_the_same_round_do_not_overwrite_each_other(db, clock, manager):
    round_ = planned(db, manager, clock.now())
    seen = queries.edition(round_)
    update(db, manager, round_, clock.now(), title="The first")
    with pytest.raises(Conflict):
        update(db, manager, round_, clock.now(), edition=seen, title="The second")
    with db.read() as session:
        assert session.exec(select(Round.title)).one() == "The first"


def test_what_an_open_round_promised_stays_and_its_words_can_be_made_clearer(db, clock, manager):
    round_ = opened(db, manager, clock.now())
    with pytest.raises(Invalid) as refused:
        update(
            db, manager, round_, clock.now(), title="Clearer", closes_on=date(2021, 10, 2), ceiling_minor=1
        )
    assert set(refused.value.fields) == {"closes_on", "ceiling_minor"}
    update(db, manager, round_, clock.now(), title="Clearer", eligibility=("Members only.",))
    with db.read() as session:
        stored = session.exec(select(Round)).one()
    assert (stored.title, stored.eligibility, stored.closes_on) == (
        "Clearer",
        ["Members only."],
        DRAFT.closes_on,
    )


def test_nobody_changes_a_closed_round_and_strangers_change_none(db, clock, manager, stranger):
    round_ = opened(db, manager, clock.now())
    with pytest.raises(Forbidden):
        update(db, stranger, round_, clock.now(), title="Mine")
    moved(db, manager, round_.slug, "close", clock.now())
    with pytest.raises(Forbidden):
        update(db, manager, round_, clock.now(), title="Later")


def test_a_round_is_moved_by_managers_only_and_by_its_version(db, clock, manager, stranger):
    round_ = planned(db, manager, clock.now())
    with db.write() as session, pytest.raises(NotFound):
        service.move(session, stranger, round_.slug, "open", version=1, now=clock.now())
    with db.write() as session, pytest.raises(Conflict):
        service.move(session, manager, round_.slug, "open", version=7, now=clock.now())
    moved(db, manager, round_.slug, "open", clock.now())
    with db.write() as session, pytest.raises(Forbidden):
        service.move(session, stranger, round_.slug, "close", version=2, now=clock.now())


def test_a_round_whose_closing_day_is_over_does_not_open(db, clock, manager):
    round_ = planned(db, manager, clock.now())
    clock.advance(timedelta(days=60))
    with pytest.raises(MoveRefused) as refused:
        moved(db, manager, round_.slug, "open", clock.now())
    assert refused.value.reasons == ("First complete the round: a closing day that lies ahead.",)


def test_the_round_closes_by_itself_an_hour_after_its_closing_day(db, clock, manager):
    round_ = opened(db, manager, clock.now())
    with db.read() as session:
        closes_at = queries.view(session, round_, clock.now()).closing.due_at
    clock.move_to(closes_at + timedelta(minutes=59))
    passing.sweep(db, clock)
    with db.read() as session:
        assert session.exec(select(Round.state)).one() == "open"
    clock.move_to(closes_at + timedelta(minutes=60))
    passing.sweep(db, clock)
    with db.read() as session:
        assert session.exec(select(Round.state)).one() == "closed"
        assert [
            view.state.name for view in queries.listed(session, Viewer.anonymous(), clock.now()).past
        ] == ["closed"]
        with pytest.raises(NotFound):
            queries.taking(session, manager, session.exec(select(Round.slug)).one())
        assert ledger.verify(session).broken is None


def test_a_manager_sees_money_counts_and_moves_of_her_round(db, clock):
    there = world(db, clock.now())
    with db.read() as session:
        managed = queries.managed(session, there.manager, there.round_slug, clock.now())
    assert (managed.purse.pot.minor, managed.purse.left.minor) == (100_000_00, 100_000_00)
    assert (managed.proposals, managed.drafts) == (0, 0)
    assert [option.move.trigger for option in managed.options] == ["close"]
    assert [deadline.key for deadline in managed.deadlines] == ["closing"]
    assert managed.editable


def test_weights_are_shown_as_parts_of_the_whole(db, clock):
    there = world(db, clock.now())
    with db.read() as session:
        view = queries.view(session, session.get_one(Round, there.round_id), clock.now())
    assert [(share.criterion.key, round(share.part, 3)) for share in view.shares] == [
        ("need", 0.333),
        ("plan", 0.667),
    ]


def test_a_list_asks_the_database_as_often_for_one_round_as_for_many(db, clock, manager):
    def asked() -> int:
        with db.read() as session, statements(db) as seen:
            queries.listed(session, Viewer.anonymous(), clock.now())
            queries.open_rounds(session, clock.now())
        return len(seen)

    opened(db, manager, clock.now())
    asked()  # the first time, definitions are read that are kept from then on
    once = asked()
    for _ in range(5):
        opened(db, manager, clock.now())
    assert asked() == once
