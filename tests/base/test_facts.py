"""What guards are told of relatives: where each stands by the version that it follows itself."""

from sqlmodel import select

from fund.base import definitions
from fund.base.facts import facts_of
from schema.reviews import Review
from schema.rounds import Round
from tests.support.versions import later
from tests.support.watching import statements
from tests.support.world import assign, draft, move, submit, to_deliberation, world


def test_where_relatives_stand_is_told_by_the_version_of_each(db, clock):
    here = world(db, clock.now())
    elsewhere = later("application", ("states.deliberation", 'stage = "review"', 'stage = "decision"'))
    with db.write() as session:
        to_deliberation(session, here, clock.now())
        other = to_deliberation(session, here, clock.now(), title="Safe rivers")
        other.workflow_id = definitions.store(session, elsewhere, clock.now())
        third = draft(session, here, clock.now())
        submit(session, here, third, clock.now())
        move(session, third, "find_ineligible", here.manager, clock.now(), reason="It is too late.")
        asked_of_third = assign(session, here, third, here.reviewers[0], clock.now())
        key = other.id
    with db.read() as session:
        round_ = session.get_one(Round, here.round_id)
        review = session.exec(select(Review).where(Review.application_id == key)).first()
        assert facts_of(session, round_, clock.now())["children"]["application"] == (
            "decision/deliberation",
            "ineligible",
            "review/deliberation",
        )
        assert facts_of(session, review, clock.now())["parent"] == "decision/deliberation"
        assert facts_of(session, review, clock.now())["round"] == "call/open"
        third = facts_of(session, session.get_one(Review, asked_of_third.id), clock.now())
        assert third["parent"] == "ineligible"
        again, of_application = (
            facts_of(session, one, clock.now()) for one in (round_, session.get_one(type(other), key))
        )
        with statements(db) as asked:
            assert len(again["children"]["application"]) == 3
            assert of_application["children"]["review"] == ("submitted", "submitted")
        assert len(asked) <= 2, "one for each fact at most"


def test_the_standings_of_a_round_are_read_from_the_index_alone(sqlite_db, clock):
    here = world(sqlite_db, clock.now())
    with sqlite_db.read() as session:
        facts = facts_of(session, session.get_one(Round, here.round_id), clock.now())
        with statements(sqlite_db) as asked:
            assert facts["children"] == {"application": ()}
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {asked[-1]}", (here.round_id,)).all()
    assert any("COVERING INDEX" in step[-1] and "(round_id=?)" in step[-1] for step in plan), plan
