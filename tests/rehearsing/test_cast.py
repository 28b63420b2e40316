"""Who acts in a rehearsal: only who really may."""

import pytest
from sqlmodel import Session

from fund.rehearsing.cast import Cast
from schema.people import Member, Membership, Person, PersonRole
from schema.rounds import Round
from tests.support import world as worlds
from tests.support.world import World
from tests.support.world import world as make_world


@pytest.fixture
def here(sqlite_db, clock) -> World:
    return make_world(sqlite_db, clock.now())


@pytest.fixture
def session(here):
    with here.db.write() as session:
        yield session


def name(cast: Cast, session: Session, subject, role: str) -> str:
    viewer = cast.who(session, subject, role)
    return viewer.name if viewer is not None else ""


def test_everybody_stands_in_her_own_role(here, session, clock):
    draft = worlds.draft(session, here, clock.now())
    review = worlds.assign(session, here, draft, here.reviewers[1], clock.now())
    cast, round_ = Cast(session), session.get_one(Round, here.round_id)
    found = [
        name(cast, session, draft, "applicant"),
        name(cast, session, draft, "manager"),
        name(cast, session, review, "reviewer"),
        name(cast, session, round_, "manager"),
        name(cast, session, round_, "applicant"),
        name(cast, session, draft, "reviewer"),
    ]
    assert found == ["Lucía Prado", "Amina Bello", "Reviewer B", "Amina Bello", "", ""]


def test_a_manager_does_not_decide_on_a_proposal_of_her_own_member(here, session, clock):
    session.add(Membership(person_id=here.manager.person_id, member_id=here.member_id, since=clock.now()))
    session.flush()
    draft = worlds.draft(session, here, clock.now())
    assert name(Cast(session), session, draft, "manager") == "Tomás Rey"


def test_a_colleague_goes_on_where_the_author_has_left(here, session, clock):
    draft = worlds.draft(session, here, clock.now())
    session.delete(session.get_one(Membership, (here.applicant.person_id, here.member_id)))
    session.flush()
    assert name(Cast(session), session, draft, "applicant") == "Iván Soto"
    session.get_one(Person, here.colleague.person_id).disabled_at = clock.now()
    session.flush()
    assert name(Cast(session), session, draft, "applicant") == ""


def test_who_reviews_no_more_is_not_asked_and_does_not_review(here, session, clock):
    draft = worlds.draft(session, here, clock.now())
    review = worlds.assign(session, here, draft, here.reviewers[0], clock.now())
    session.delete(session.get_one(PersonRole, (here.reviewers[0].person_id, "reviewer")))
    session.flush()
    cast = Cast(session)
    assert name(cast, session, review, "reviewer") == ""
    assert [one.name for one in cast.reviewers] == ["Reviewer B", "Reviewer C"]


def test_cities_and_organisations_propose_if_somebody_acts_for_them(here, session, clock):
    for kind in ("partner", "city"):
        session.add(Member(slug=kind, name=kind, kind=kind, country="Nowhere", joined_at=clock.now()))
    session.flush()
    found = Cast(session).proposing(session)
    assert [(key, viewer.name) for key, viewer in found] == [
        (here.member_id, "Lucía Prado"),
        (here.other_member_id, "Omar Nur"),
    ]
