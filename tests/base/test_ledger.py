"""The ledger shows every later change, and can still forget words."""

import pytest
from sqlalchemy import text
from sqlmodel import select

from fund.base import ledger
from schema.ledger import LedgerEvent
from tests.support.world import draft, move, submit, world


@pytest.fixture
def written(db, clock):
    here = world(db, clock.now())
    with db.write() as session:
        application = draft(session, here, clock.now())
        submit(session, here, application, clock.now())
        move(
            session,
            application,
            "return_for_changes",
            here.manager,
            clock.now(),
            reason="Say more about partners.",
        )
        ledger.seal(session, clock.now())
        move(
            session,
            application,
            "resubmit",
            here.applicant,
            clock.now(),
            data={"declaration": True},
        )
    return db


def _broken(db):
    with db.read() as session:
        return ledger.verify(session).broken


def _tamper(db, statement):
    with db.write() as session:
        session.execute(text(statement))


def test_an_untouched_ledger_holds(written):
    with written.read() as session:
        verdict = ledger.verify(session)
    assert (verdict.broken, verdict.seals, verdict.chains) == (None, 1, 2)


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        (
            "UPDATE ledger_event SET target = 'declined' WHERE chain LIKE 'application%' AND seq = 2",
            "changed after",
        ),
        ("UPDATE ledger_event SET actor_id = 1 WHERE chain LIKE 'application%' AND seq = 2", "changed after"),
        ("UPDATE ledger_event SET note = 'Other words.' WHERE note IS NOT NULL", "note was changed"),
        ("DELETE FROM ledger_event WHERE chain LIKE 'application%' AND seq = 2", "before it is missing"),
        ("DELETE FROM ledger_event WHERE chain LIKE 'application%'", "the ledger does not"),
        ("DELETE FROM ledger_event WHERE chain LIKE 'application%' AND seq >= 3", "the ledger does not"),
        ("UPDATE sealed_head SET seq = 1 WHERE chain LIKE 'application%'", "seal"),
    ],
)
def test_every_tampering_is_found(written, statement, found):
    _tamper(written, statement)
    assert found in (_broken(written) or "")


def test_words_can_be_forgotten_without_breaking_the_chain(written):
    with written.write() as session:
        event = session.exec(select(LedgerEvent).where(LedgerEvent.note.is_not(None))).one()
        ledger.erase_note(event)
    assert _broken(written) is None
    with written.read() as session:
        assert session.exec(select(LedgerEvent).where(LedgerEvent.note.is_not(None))).all() == []


def test_nothing_new_is_not_sealed_again(written, clock):
    with written.write() as session:
        assert ledger.seal(session, clock.now()) is not None
    with written.write() as session:
        assert ledger.seal(session, clock.now()) is None
    assert _broken(written) is None
