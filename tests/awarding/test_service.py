"""Preparing, offering and accepting awards: what is stored, who is refused, and that the pot is never overdrawn."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlmodel import select

from fund.awarding import queries, service
from fund.awarding.terms import Terms
from fund.base import ledger, moves
from fund.base.errors import Conflict, Forbidden, Invalid, MoveRefused, NotFound
from fund.base.facts import committed
from fund.base.passing import sweep
from schema.applications import Application
from schema.awards import Award
from schema.deadlines import Deadline
from schema.ledger import LedgerEvent
from schema.outbox import Message
from schema.rounds import Round
from schema.values import Money
from tests.reviewing.support import at_once, screening
from tests.support import world as made
from tests.support.world import world

TERMS = Terms(Money(12_000_00, "USD"), date(2022, 1, 1), date(2022, 9, 30), "Name a second contact.")


@pytest.fixture
def here(db, clock):
    return world(db, clock.now(), pot_minor=20_000_00)


@pytest.fixture
def key(here, clock):
    """An application in deliberation."""
    now = clock.now()
    return made.stage(here, "key", now, lambda session: made.to_deliberation(session, here, now).id)


def prepare(db, viewer, key, terms, now, version=None):
    with db.write() as session:
        application = session.get_one(Application, key)
        seen = application.version if version is None else version
        return service.prepare_award(session, viewer, application, terms, version=seen, now=now)


def offer(db, viewer, key, now, version=None, reason=None):
    with db.write() as session:
        application = session.get_one(Application, key)
        seen = application.version if version is None else version
        return service.offer(session, viewer, application, version=seen, now=now, reason=reason)


def accept(db, viewer, key, now, name="Lucía Prado", version=None):
    with db.write() as session:
        application = session.get_one(Application, key)
        seen = application.version if version is None else version
        return service.accept(session, viewer, application, signed_name=name, version=seen, now=now)


def stored(db, key):
    with db.read() as session:
        return session.get_one(Application, key), service.award_of(session, session.get_one(Application, key))


def promised(db, here):
    with db.read() as session:
        return committed(session, session.get_one(Round, here.round_id)).minor


def test_preparing_sets_the_terms_and_leaves_a_trace(db, here, key, clock):
    before = stored(db, key)[0].version
    prepare(db, here.manager, key, TERMS, clock.now())
    application, award = stored(db, key)
    assert (award.amount, award.starts_on, award.ends_on, award.conditions) == (
        TERMS.amount,
        TERMS.starts_on,
        TERMS.ends_on,
        TERMS.conditions,
    )
    assert (award.prepared_by_id, application.state, application.version) == (
        here.manager.person_id,
        "deliberation",
        before + 1,
    )
    with db.read() as session:
        event = session.exec(select(LedgerEvent).where(LedgerEvent.action == "award_prepared")).one()
        assert event.data == {
            "amount_minor": 12_000_00,
            "currency": "USD",
            "starts_on": "2022-01-01",
            "ends_on": "2022-09-30",
            "version": before + 1,
        }
        assert ledger.verify(session).broken is None


def test_terms_can_be_changed_until_they_are_offered(db, here, key, clock):
    prepare(db, here.manager, key, TERMS, clock.now())
    prepare(db, here.second_manager, key, replace(TERMS, amount=Money(9_000_00, "USD")), clock.now())
    assert stored(db, key)[1].amount_minor == 9_000_00
    offer(db, here.manager, key, clock.now())
    with pytest.raises(MoveRefused):
        prepare(db, here.manager, key, TERMS, clock.now())
    assert stored(db, key)[1].amount_minor == 9_000_00


def test_preparing_the_same_again_changes_nothing(db, here, key, clock):
    prepare(db, here.manager, key, TERMS, clock.now())
    version = stored(db, key)[0].version
    prepare(db, here.second_manager, key, TERMS, clock.now(), version=0)
    assert (stored(db, key)[0].version, stored(db, key)[1].prepared_by_id) == (
        version,
        here.manager.person_id,
    )


def test_an_older_screen_sets_no_terms(db, here, key, clock):
    seen = stored(db, key)[0].version
    prepare(db, here.manager, key, TERMS, clock.now())
    with pytest.raises(Conflict):
        prepare(db, here.second_manager, key, replace(TERMS, conditions=""), clock.now(), version=seen)


def test_nobody_offers_terms_that_she_has_not_seen(db, here, key, clock):
    prepare(db, here.manager, key, TERMS, clock.now())
    seen = stored(db, key)[0].version
    prepare(db, here.second_manager, key, replace(TERMS, amount=Money(15_000_00, "USD")), clock.now())
    with pytest.raises(Conflict):
        offer(db, here.manager, key, clock.now(), version=seen)
    assert stored(db, key)[0].state == "deliberation"


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"amount": Money(0, "USD")}, {"amount": "Enter an amount above zero."}),
        ({"amount": Money(-1, "USD")}, {"amount": "Enter an amount above zero."}),
        ({"amount": Money(100, "EUR")}, {"amount": "This round awards in USD."}),
        (
            {"amount": Money(20_000_01, "USD")},
            {"amount": "One award of this round is at most USD 20,000."},
        ),
        ({"ends_on": date(2022, 1, 1)}, {"ends_on": "The project has to end after it starts."}),
        (
            {"ends_on": date(2202, 9, 30)},
            {"ends_on": "A project can run for five years at most. Check the year."},
        ),
        (
            {"starts_on": date(2012, 1, 1), "ends_on": date(2012, 9, 30)},
            {
                "starts_on": "The project cannot start before its round opened. Check the year.",
                "ends_on": "The project would be over already. Check the year.",
            },
        ),
        ({"conditions": "x" * 20_001}, {"conditions": "Shorten this to 20,000 characters."}),
    ],
)
def test_terms_that_cannot_be_are_refused_field_by_field(db, here, key, clock, change, fields):
    with pytest.raises(Invalid) as refused:
        prepare(db, here.manager, key, replace(TERMS, **change), clock.now())
    assert refused.value.fields == fields
    assert stored(db, key)[1] is None


def test_no_more_is_prepared_than_the_round_has_left(db, here, key, clock):
    now = clock.now()
    with db.write() as session:
        other = made.to_deliberation(session, here, now, title="Other").id
    prepare(db, here.manager, other, TERMS, now)
    offer(db, here.manager, other, now)
    with pytest.raises(Invalid) as refused:
        prepare(db, here.manager, key, TERMS, now)
    assert refused.value.fields == {"amount": "The round has only USD 8,000 left. Lower the amount."}
    prepare(db, here.manager, key, replace(TERMS, amount=Money(8_000_00, "USD")), now)


@pytest.mark.parametrize("who", ["applicant", "outsider", "auditor"])
def test_only_managers_prepare_and_offer(db, here, key, clock, who):
    with pytest.raises(Forbidden):
        prepare(db, getattr(here, who), key, TERMS, clock.now())
    prepare(db, here.manager, key, TERMS, clock.now())
    with pytest.raises(Forbidden):
        offer(db, getattr(here, who), key, clock.now())


def test_no_manager_awards_her_own_member(db, here, key, clock):
    own = replace(here.manager, member_ids=frozenset({here.member_id}))
    with pytest.raises(Forbidden):
        prepare(db, own, key, TERMS, clock.now())
    prepare(db, here.second_manager, key, TERMS, clock.now())
    with pytest.raises(Forbidden):
        offer(db, own, key, clock.now())
    with db.write() as session, pytest.raises(Forbidden):
        application = session.get_one(Application, key)
        moves.fire(session, application, "offer", own, version=application.version, now=clock.now())


def test_nothing_is_prepared_before_the_reviews_are_in(db, here, clock):
    with db.write() as session:
        early = screening(session, here, clock.now()).id
    with pytest.raises(MoveRefused):
        prepare(db, here.manager, early, TERMS, clock.now())
    with pytest.raises(MoveRefused):
        offer(db, here.manager, early, clock.now())


def test_an_offer_needs_its_terms(db, here, key, clock):
    with pytest.raises(MoveRefused) as refused:
        offer(db, here.manager, key, clock.now())
    assert refused.value.reasons == ("First prepare the award: amount, start and end of the project.",)


def test_an_offer_tells_the_applicant_and_opens_the_deadline(db, here, key, clock):
    prepare(db, here.manager, key, TERMS, clock.now())
    offer(db, here.manager, key, clock.now())
    application, _award = stored(db, key)
    assert application.state == "offered"
    with db.read() as session:
        due = session.exec(select(Deadline).where(Deadline.key == "offer")).one()
        assert (due.status, due.due_on) == ("open", date(2021, 10, 12))
        told = session.exec(select(Message.person_id).where(Message.template == "offer")).all()
        assert sorted(told) == sorted([here.applicant.person_id, here.colleague.person_id])


def test_two_managers_offering_the_last_money_at_once_never_overdraw(db, here, key, clock):
    now = clock.now()
    with db.write() as session:
        other = made.to_deliberation(session, here, now, title="Other").id
    for one in (key, other):
        prepare(db, here.manager, one, TERMS, now)
    answers = at_once(
        lambda: offer(db, here.manager, key, now), lambda: offer(db, here.second_manager, other, now)
    )
    assert sorted(type(one).__name__ for one in answers) == ["MoveRefused", "Written"]
    [refused] = [one for one in answers if isinstance(one, MoveRefused)]
    assert refused.reasons == ("The award is USD 4,000 more than the round has left. Lower the amount.",)
    assert promised(db, here) == 12_000_00
    assert sorted(stored(db, one)[0].state for one in (key, other)) == ["deliberation", "offered"]
    with db.read() as session:
        assert ledger.verify(session).broken is None


def test_one_offer_made_by_two_at_once_is_made_once(db, here, key, clock):
    prepare(db, here.manager, key, TERMS, clock.now())
    seen = stored(db, key)[0].version
    answers = at_once(
        lambda: offer(db, here.manager, key, clock.now(), version=seen),
        lambda: offer(db, here.second_manager, key, clock.now(), version=seen),
    )
    refused = [one for one in answers if isinstance(one, Exception)]
    assert len(refused) == 1
    assert isinstance(refused[0], Conflict | MoveRefused)
    with db.read() as session:
        assert len(session.exec(select(Message).where(Message.template == "offer")).all()) == 2


def test_accepting_signs_with_the_typed_name(db, here, key, clock):
    prepare(db, here.manager, key, TERMS, clock.now())
    offer(db, here.manager, key, clock.now())
    clock.advance(timedelta(days=3))
    accept(db, here.colleague, key, clock.now(), "  Iván Soto ")
    application, award = stored(db, key)
    assert application.state == "agreement_signed"
    assert (award.signed_name, award.signed_by_id, award.signed_at) == (
        "Iván Soto",
        here.colleague.person_id,
        clock.now(),
    )


@pytest.mark.parametrize("name", ["", "   ", "x" * 201])
def test_without_a_name_nothing_is_signed(db, here, key, clock, name):
    prepare(db, here.manager, key, TERMS, clock.now())
    offer(db, here.manager, key, clock.now())
    with pytest.raises(Invalid) as refused:
        accept(db, here.applicant, key, clock.now(), name)
    assert list(refused.value.fields) == ["signed_name"]
    assert stored(db, key)[0].state == "offered"


@pytest.mark.parametrize("who", ["manager", "outsider", "auditor"])
def test_nobody_else_accepts(db, here, key, clock, who):
    prepare(db, here.manager, key, TERMS, clock.now())
    offer(db, here.manager, key, clock.now())
    with pytest.raises(Forbidden):
        accept(db, getattr(here, who), key, clock.now())


def test_accepting_and_declining_at_once_one_wins(db, here, key, clock):
    prepare(db, here.manager, key, TERMS, clock.now())
    offer(db, here.manager, key, clock.now())
    seen = stored(db, key)[0].version

    def decline():
        with db.write() as session:
            application = session.get_one(Application, key)
            return moves.fire(
                session, application, "decline_offer", here.colleague, version=seen, now=clock.now()
            )

    answers = at_once(lambda: accept(db, here.applicant, key, clock.now(), version=seen), decline)
    assert sorted(type(one).__name__ for one in answers) == ["Conflict", "Written"]
    application, award = stored(db, key)
    assert (application.state == "agreement_signed") == (award.signed_at is not None)


def test_a_lapsed_offer_frees_the_money_and_can_be_renewed_on_new_terms(db, here, key, clock):
    prepare(db, here.manager, key, TERMS, clock.now())
    offer(db, here.manager, key, clock.now())
    clock.advance(timedelta(days=30))
    sweep(db, clock)
    assert (stored(db, key)[0].state, promised(db, here)) == ("offer_lapsed", 0)
    prepare(db, here.manager, key, replace(TERMS, amount=Money(10_000_00, "USD")), clock.now())
    with pytest.raises(Invalid) as refused:
        offer(db, here.manager, key, clock.now())
    assert list(refused.value.fields) == ["reason"]
    offer(db, here.manager, key, clock.now(), reason="They asked for more time.")
    assert (stored(db, key)[0].state, promised(db, here)) == ("offered", 10_000_00)


def test_the_applicant_sees_no_terms_before_they_are_offered(db, here, key, clock):
    prepare(db, here.manager, key, TERMS, clock.now())
    reference = stored(db, key)[0].reference
    with db.read() as session:
        with pytest.raises(NotFound):
            queries.offer(session, here.applicant, reference, clock.now())
        with pytest.raises(NotFound):
            queries.visible_award(session, here.applicant, session.get_one(Application, key))
        assert queries.visible_award(session, here.auditor, session.get_one(Application, key)).id
    offer(db, here.manager, key, clock.now())
    with db.read() as session:
        found = queries.offer(session, here.applicant, reference, clock.now())
        assert (found.accept.allowed, found.decline.allowed, found.deadline.key) == (True, True, "offer")
        assert (found.agreement.interim_on, found.agreement.final_on) == (
            date(2022, 5, 17),
            date(2022, 10, 30),
        )
        with pytest.raises(NotFound):
            queries.offer(session, here.outsider, reference, clock.now())


def test_what_is_suggested_can_be_prepared_as_it_is(db, here, key, clock):
    reference = stored(db, key)[0].reference
    with db.read() as session:
        found = queries.preparation(session, here.manager, reference, clock.now())
    assert (found.ripe, found.award, found.suggested) == (
        True,
        None,
        Terms(Money(15_000_00, "USD"), date(2021, 11, 1), date(2022, 7, 31)),
    )
    prepare(db, here.manager, key, found.suggested, clock.now())
    with db.read() as session:
        assert len(session.exec(select(Award)).all()) == 1
