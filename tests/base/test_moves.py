"""The one function that changes a state: rights, versions, races, what commits together."""

import threading

import pytest
from sqlmodel import func, select

from fund.base import moves
from fund.base.errors import Conflict, Forbidden, FundError, Invalid, MoveRefused
from schema.applications import Application, Submission
from schema.deadlines import Deadline
from schema.ledger import LedgerEvent
from schema.outbox import Message
from tests.support.world import award, draft, move, submit, to_active, to_deliberation, world


@pytest.fixture
def here(db, clock):
    return world(db, clock.now())


def _counts(db):
    with db.read() as session:
        return [
            session.exec(select(func.count()).select_from(t)).one() for t in (LedgerEvent, Deadline, Message)
        ]


def test_a_refused_move_changes_nothing(here, db, clock):
    with db.write() as session:
        application = draft(session, here, clock.now(), complete=False)
    before = _counts(db)
    for viewer, data, error in (
        (here.applicant, {"declaration": True}, MoveRefused),
        (here.outsider, {"declaration": True}, Forbidden),
        (here.manager, {"declaration": True}, Forbidden),
        (here.auditor, {"declaration": True}, Forbidden),
    ):
        with pytest.raises(error), db.write() as session:
            row = session.get_one(Application, application.id)
            move(session, row, "submit", viewer, clock.now(), data=data)
    assert _counts(db) == before
    with db.read() as session:
        assert session.get_one(Application, application.id).state == "draft"


def test_the_reasons_name_what_is_missing(here, db, clock):
    with db.write() as session:
        draft(session, here, clock.now(), complete=False, title="")
    with pytest.raises(MoveRefused) as refused, db.write() as session:
        row = session.exec(select(Application)).one()
        move(session, row, "submit", here.applicant, clock.now(), data={"declaration": True})
    missing = "Title; Theme; Amount, within what the round allows; The problem; What you will do"
    assert refused.value.reasons == (f"Answer 5 more questions: {missing}.",)


def test_submitting_without_the_declaration_is_told_beside_the_field(here, db, clock):
    with db.write() as session:
        draft(session, here, clock.now())
    with pytest.raises(Invalid) as wrong, db.write() as session:
        move(session, session.exec(select(Application)).one(), "submit", here.applicant, clock.now())
    assert list(wrong.value.fields) == ["declaration"]
    with db.read() as session:
        assert session.exec(select(Application)).one().state == "draft"


def test_a_missing_reason_is_told_beside_its_field(here, db, clock):
    with db.write() as session:
        application = draft(session, here, clock.now())
        submit(session, here, application, clock.now())
    with pytest.raises(Invalid) as wrong, db.write() as session:
        move(
            session,
            session.exec(select(Application)).one(),
            "find_ineligible",
            here.manager,
            clock.now(),
            reason=" ",
        )
    assert list(wrong.value.fields) == ["reason"]


def test_an_older_version_loses(here, db, clock):
    with db.write() as session:
        application = draft(session, here, clock.now())
        seen = application.version
        submit(session, here, application, clock.now())
    with pytest.raises(Conflict), db.write() as session:
        row = session.exec(select(Application)).one()
        moves.fire(
            session, row, "submit", here.applicant, version=seen, now=clock.now(), data={"declaration": True}
        )


def test_of_two_people_at_once_one_wins_and_the_other_is_told(here, db, clock):
    with db.write() as session:
        application = draft(session, here, clock.now())
        key, seen = application.id, application.version
    results: list[str] = []
    start = threading.Barrier(2)

    def act(viewer, trigger, data):
        start.wait()
        try:
            with db.write() as session:
                row = session.get_one(Application, key)
                moves.fire(session, row, trigger, viewer, version=seen, now=clock.now(), data=data)
            results.append("won")
        except FundError as error:
            results.append(type(error).__name__)

    threads = [
        threading.Thread(target=act, args=(here.applicant, "submit", {"declaration": True})),
        threading.Thread(target=act, args=(here.colleague, "discard", None)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["Conflict", "won"]
    with db.read() as session:
        seqs = session.exec(
            select(LedgerEvent.seq).where(LedgerEvent.chain == f"application:{key}").order_by(LedgerEvent.seq)
        ).all()
        assert list(seqs) == [1, 2]


def test_what_was_submitted_is_kept_word_for_word(here, db, clock):
    with db.write() as session:
        submit(session, here, draft(session, here, clock.now()), clock.now())
    with db.read() as session:
        kept = session.exec(select(Submission)).one()
        assert kept.number == 1
        assert kept.content["answers"] == {
            "problem": "What we say about problem.",
            "plan": "What we say about plan.",
        }


def test_whoever_acts_for_the_applicant_decides_nothing(here, db, clock):
    """A manager who belongs to the member that applies is its applicant and nothing else."""
    with db.write() as session:
        application = draft(session, here, clock.now())
        submit(session, here, application, clock.now())
        both = type(here.manager)(
            person_id=here.manager.person_id,
            roles=frozenset({"manager"}),
            member_ids=frozenset({here.member_id}),
        )
        assert [o.move.trigger for o in moves.options(session, application, both, clock.now())] == [
            "withdraw"
        ]
        with pytest.raises(Forbidden):
            move(session, application, "start_screening", both, clock.now())


def test_the_pot_is_never_overdrawn_by_two_offers_at_once(db, clock):
    here = world(db, clock.now(), pot_minor=20_000_00)
    keys = []
    with db.write() as session:
        for title in ("One", "Two"):
            application = to_deliberation(session, here, clock.now(), title)
            award(session, here, application, clock.now(), 15_000_00)
            keys.append((application.id, application.version))
    start = threading.Barrier(2)
    results: list[str] = []

    def offer(key, version):
        start.wait()
        try:
            with db.write() as session:
                row = session.get_one(Application, key)
                moves.fire(session, row, "offer", here.manager, version=version, now=clock.now())
            results.append("offered")
        except MoveRefused as refused:
            results.append(refused.reasons[0])

    threads = [threading.Thread(target=offer, args=pair) for pair in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [
        "The award is USD 10,000 more than the round has left. Lower the amount.",
        "offered",
    ]


def test_termination_calls_off_what_was_due(here, db, clock):
    with db.write() as session:
        application = to_active(session, here, clock.now())
        move(session, application, "terminate", here.manager, clock.now(), reason="The partner left.")
    with db.read() as session:
        assert session.exec(select(Deadline.key).where(Deadline.status == "open")).all() == ["closing"]
        waiting = session.exec(
            select(func.count())
            .select_from(Message)
            .where(
                Message.kind == "reminder",
                Message.status == "pending",
                Message.application_id == application.id,
            )
        ).one()
        assert waiting == 0
