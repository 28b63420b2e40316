"""What can be decided, in which order, against which money."""

from dataclasses import replace

import pytest
from sqlmodel import select

from fund.base.errors import Forbidden, NotFound
from fund.deciding import queries
from schema.applications import Application
from schema.people import Membership
from schema.reviews import Review, Score
from schema.rounds import Round
from schema.values import Money
from tests.reviewing.support import browser_of, counted, program_of, screening
from tests.support import world as made
from tests.support.doors import Doors, shown
from tests.support.world import world


@pytest.fixture
def here(db, clock):
    return world(db, clock.now(), pot_minor=40_000_00)


def ready(session, here, now, title, value=3, minor=15_000_00):
    """A proposal in deliberation whose reviewers gave every criterion this score."""
    application = made.to_deliberation(session, here, now, title=title)
    application.requested_minor = minor
    for score in session.exec(select(Score).join(Review).where(Review.application_id == application.id)):
        score.value = value
    session.flush()
    return application


@pytest.fixture
def refs(db, here, clock):
    """References by title: three proposals in deliberation."""
    with db.write() as session:
        return {
            title: ready(session, here, clock.now(), title, value).reference
            for title, value in (("Fair", 2), ("Best", 4), ("Good", 3))
        }


def look(db, viewer, slug, picked=()):
    with db.read() as session:
        return queries.deliberation(session, viewer, slug, picked)


def test_the_best_reviewed_stands_first_and_the_money_is_counted_down(db, here, refs):
    found = look(db, here.manager, here.round_slug)
    assert [
        (one.application.title, one.opinion.summary.points, one.running.minor, one.fits)
        for one in found.choices
    ] == [
        ("Best", 100, 15_000_00, True),
        ("Good", 75, 30_000_00, True),
        ("Fair", 50, 45_000_00, False),
    ]
    assert found.purse.left == Money(40_000_00, "USD")
    assert [move.trigger for move in found.choices[0].moves] == ["offer", "put_on_reserve", "decline"]


def test_a_trial_choice_is_added_up_and_changes_nothing(db, here, refs):
    picked = [refs["Best"], refs["Good"], refs["Fair"], "PIF-000000"]
    found = look(db, here.manager, here.round_slug, picked)
    assert (found.picked.minor, found.left_after_picked.minor) == (45_000_00, -5_000_00)
    assert [one.picked for one in found.choices] == [True, True, True]
    assert look(db, here.manager, here.round_slug).picked.minor == 0


def test_a_prepared_award_counts_instead_of_what_was_asked_for(db, here, refs, clock):
    with db.write() as session:
        application = session.exec(select(Application).where(Application.title == "Best")).one()
        made.award(session, here, application, clock.now(), minor=9_000_00)
    [best, *_] = look(db, here.manager, here.round_slug).choices
    assert (best.amount, best.prepared) == (Money(9_000_00, "USD"), True)


def test_what_is_offered_leaves_the_list_and_takes_its_money(db, here, refs, clock):
    now = clock.now()
    with db.write() as session:
        offered = session.exec(select(Application).where(Application.title == "Good")).one()
        made.award(session, here, offered, now, minor=12_000_00)
        made.move(session, offered, "offer", here.manager, now)
        declined = session.exec(select(Application).where(Application.title == "Fair")).one()
        made.move(session, declined, "decline", here.manager, now, reason="Not this time.")
    found = look(db, here.manager, here.round_slug)
    assert [one.application.title for one in found.choices] == ["Best"]
    assert (found.purse.committed.minor, found.purse.left.minor) == (12_000_00, 28_000_00)
    assert [(one.application.title, one.state.name, one.awarded) for one in found.decided] == [
        ("Fair", "declined", None),
        ("Good", "offered", Money(12_000_00, "USD")),
    ]


def test_a_declined_offer_gives_its_money_back(db, here, refs, clock):
    now = clock.now()
    with db.write() as session:
        offered = session.exec(select(Application).where(Application.title == "Good")).one()
        made.award(session, here, offered, now, minor=12_000_00)
        made.move(session, offered, "offer", here.manager, now)
        made.move(session, offered, "decline_offer", here.applicant, now)
    found = look(db, here.manager, here.round_slug)
    assert found.purse.left.minor == 40_000_00
    assert [(one.state.name, one.awarded) for one in found.decided] == [("offer_declined", None)]


def test_the_reserve_list_can_still_be_decided(db, here, refs, clock):
    with db.write() as session:
        kept = session.exec(select(Application).where(Application.title == "Good")).one()
        made.move(session, kept, "put_on_reserve", here.manager, clock.now())
    found = look(db, here.manager, here.round_slug)
    assert [(one.application.title, one.state.name) for one in found.choices] == [
        ("Best", "deliberation"),
        ("Good", "reserve"),
        ("Fair", "deliberation"),
    ]
    assert [move.trigger for move in found.choices[1].moves] == ["offer", "decline"]


def test_what_is_still_in_review_is_only_counted(db, here, refs, clock):
    with db.write() as session:
        screening(session, here, clock.now())
        made.draft(session, here, clock.now())
    found = look(db, here.manager, here.round_slug)
    assert (found.under_way, len(found.choices)) == (1, 3)


def test_a_proposal_without_scores_stands_last(db, here, refs, clock):
    with db.write() as session:
        for score in session.exec(
            select(Score).join(Review).join(Application).where(Application.title == "Best")
        ):
            session.delete(score)
    found = look(db, here.manager, here.round_slug)
    assert [one.application.title for one in found.choices] == ["Good", "Fair", "Best"]
    assert found.choices[2].opinion.summary.points is None


def test_nobody_decides_on_the_proposals_of_her_own_member(db, here, refs):
    own = replace(here.manager, member_ids=frozenset({here.member_id}))
    found = look(db, own, here.round_slug)
    assert (found.choices, found.decided, found.own) == ([], [], 3)


@pytest.mark.parametrize("who", ["applicant", "outsider"])
def test_the_ranking_is_for_those_who_read_everything(db, here, refs, who):
    with pytest.raises(Forbidden):
        look(db, getattr(here, who), here.round_slug)
    with pytest.raises(Forbidden):
        look(db, here.reviewers[0], here.round_slug)
    assert len(look(db, here.auditor, here.round_slug).choices) == 3


def test_there_is_no_ranking_of_a_round_that_never_was(db, here):
    with pytest.raises(NotFound):
        look(db, here.manager, "no-such-round")


def test_many_take_as_many_queries_as_one(db, here, clock):
    with db.write() as session:
        ready(session, here, clock.now(), "One")
    look(db, here.manager, here.round_slug)  # definitions are parsed once a process
    with counted(db) as one:
        look(db, here.manager, here.round_slug)
    with db.write() as session:
        for title in ("Two", "Three", "Four"):
            ready(session, here, clock.now(), title)
    with counted(db) as many:
        assert len(look(db, here.manager, here.round_slug).choices) == 4
    assert len(many) == len(one)


@pytest.fixture
def doors(sqlite_db, clock):
    return Doors(sqlite_db, clock)


@pytest.fixture
def small(sqlite_db, clock):
    """A small pot and two proposals: the round's slug, their references, the world."""
    here = world(sqlite_db, clock.now(), pot_minor=20_000_00)
    with sqlite_db.write() as session:
        refs = [ready(session, here, clock.now(), title).reference for title in ("One", "Two")]
    return here, refs


def test_the_page_ranks_adds_up_and_leads_to_each_decision(doors, small):
    here, refs = small
    client, path = browser_of(doors, here.manager), f"/rounds/{here.round_slug}/decisions"
    page = client.get(path).text
    assert f'href="/pipeline/{refs[0]}/award"' in page
    assert f'href="/applications/{refs[0]}/moves/decline?next=/rounds/{here.round_slug}/decisions"' in page
    assert "more than is left" in shown(page)
    trial = shown(client.get(path, params={"fund": refs}).text)
    assert "What you ticked comes to US$30,000. That is US$10,000 more than is left." in trial
    fits = shown(client.get(path, params={"fund": refs[:1]}).text)
    assert "What you ticked comes to US$15,000. US$5,000 would be left." in fits


def test_declining_from_the_page_asks_for_the_reason_and_comes_back(doors, small):
    here, refs = small
    client, path = browser_of(doors, here.manager), f"/rounds/{here.round_slug}/decisions"
    decline = f"/applications/{refs[0]}/moves/decline"
    with doors.db.read() as session:
        version = session.exec(select(Application).where(Application.reference == refs[0])).one().version
    done = client.post(decline, data={"version": version, "reason": "Not now.", "next": path})
    assert (done.status_code, done.headers["location"]) == (303, path)
    assert "Decided already" in shown(client.get(path).text)


def test_an_empty_round_has_nothing_to_decide(doors, sqlite_db, clock):
    here = world(sqlite_db, clock.now())
    page = browser_of(doors, here.manager).get(f"/rounds/{here.round_slug}/decisions").text
    assert "Nothing to decide now" in shown(page)


def test_a_manager_who_belongs_to_a_member_is_told_what_is_left_out(doors, small, clock):
    here, _ = small
    with doors.db.write() as session:
        session.add(Membership(person_id=here.manager.person_id, member_id=here.member_id, since=clock.now()))
    page = shown(browser_of(doors, here.manager).get(f"/rounds/{here.round_slug}/decisions").text)
    assert "2 proposals of your own members are left out: others decide on them." in page


@pytest.mark.parametrize("who", ["applicant", "outsider", "reviewer"])
def test_page_and_api_are_closed_to_others(doors, small, who):
    here, _ = small
    viewer = here.reviewers[0] if who == "reviewer" else getattr(here, who)
    assert browser_of(doors, viewer).get(f"/rounds/{here.round_slug}/decisions").status_code == 403
    assert program_of(doors, viewer).get(f"/api/v1/rounds/{here.round_slug}/decisions").status_code == 403


def test_strangers_have_to_sign_in(doors, small):
    here, _ = small
    path = f"/rounds/{here.round_slug}/decisions"
    page = browser_of(doors, None).get(path)
    assert (page.status_code, page.headers["location"]) == (303, f"/sign-in?next={path}")
    assert program_of(doors, None).get(f"/api/v1{path}").status_code == 401


def test_the_api_tells_the_same(doors, small):
    here, refs = small
    answer = (
        program_of(doors, here.auditor)
        .get(f"/api/v1/rounds/{here.round_slug}/decisions", params={"fund": refs[0]})
        .json()
    )
    assert (answer["left_minor"], answer["picked_minor"], answer["under_way"]) == (20_000_00, 15_000_00, 0)
    assert answer["choices"][0] == {
        "reference": refs[0],
        "title": "One",
        "member": "City of Aldea",
        "state": "deliberation",
        "state_label": "Deliberation",
        "reviews": 2,
        "average": 75,
        "lowest": 75,
        "highest": 75,
        "recommended": {"fund": 2},
        "amount_minor": 15_000_00,
        "prepared": False,
        "running_minor": 15_000_00,
        "fits": True,
        "moves": ["offer", "put_on_reserve", "decline"],
    }
    assert answer["choices"][1]["fits"] is False


def test_a_planned_round_is_not_there_for_others_and_empty_for_managers(doors, sqlite_db, clock):
    here = world(sqlite_db, clock.now())
    with sqlite_db.write() as session:
        session.get_one(Round, here.round_id).state = "planned"
    client = program_of(doors, here.manager)
    assert client.get(f"/api/v1/rounds/{here.round_slug}/decisions").json()["choices"] == []


def test_an_auditor_reads_the_ranking_and_finds_nothing_to_press(doors, small):
    here, refs = small
    page = browser_of(doors, here.auditor).get(f"/rounds/{here.round_slug}/decisions").text
    assert (refs[0] in page, "/moves/decline" in page, f"{refs[0]}/award" in page) == (True, False, False)


def test_the_round_leads_to_its_decisions(doors, small):
    here, _ = small
    page = browser_of(doors, here.manager).get(f"/rounds/{here.round_slug}/manage").text
    assert f'href="/rounds/{here.round_slug}/decisions"' in page
