"""Writing, clearing and taking back a lesson; showing a project. On both databases."""

from datetime import timedelta

import pytest
from sqlmodel import select

from fund.base import ledger
from fund.base.errors import Conflict, Forbidden, Invalid, MoveRefused, NotFound
from fund.base.permissions import Viewer
from fund.sharing import projects, queries, service
from schema.applications import Application
from schema.ledger import LedgerEvent
from schema.lessons import CLEARED_ONE_BY_ONE, TEXTS, Lesson
from schema.reports import Report
from schema.values import Money
from tests.sharing.support import FIELDS, reference_of, written
from tests.support.world import (
    award,
    draft,
    move,
    report_accepted,
    stage,
    to_active,
    to_deliberation,
    to_lesson_due,
    to_published,
    world,
)

PUBLIC = dict.fromkeys(FIELDS, "public")
SHOWN = ("title", "summary", "grantee", "city", "theme", "amount")


@pytest.fixture
def here(db, clock):
    return world(db, clock.now())


@pytest.fixture
def reference(db, here, clock):
    """An application whose lesson is due."""
    now = clock.now()
    return stage(here, "due", now, lambda session: to_lesson_due(session, here, now).reference)


def save(session, here, reference, clock, fields=None, consent=None, version=0, viewer=None):
    viewer = viewer or here.applicant
    lesson = queries.lesson(session, viewer, reference)
    return service.save_lesson(session, viewer, lesson, fields or {}, consent or {}, version, clock.now())


def actions(session):
    """What the ledger knows of the lesson, in order."""
    return session.exec(
        select(LedgerEvent.action).where(LedgerEvent.subject_kind == "lesson").order_by(LedgerEvent.seq)
    ).all()


def test_first_draft_comes_from_proposal_and_final_report_and_is_not_stored(db, here, reference, clock):
    with db.read() as session:
        view = queries.view(session, here.applicant, reference, clock.now())
        assert view.beginning == {
            "title": "Safe streets",
            "problem": "What we say about problem.",
            "approach": "What we say about done.",
            "worked": "What we say about changed.",
            "failed": "What we say about difficulties.",
            "advice": "It cost USD 6,000 and reached 120 people.",
            "evidence": "",
            "theme": "digital",
        }
        assert view.lesson.worked == ""
    with db.write() as session:
        save(session, here, reference, clock, {"problem": "Our own words."})
    with db.read() as session:
        beginning = queries.view(session, here.applicant, reference, clock.now()).beginning
        assert (beginning["problem"], beginning["worked"]) == ("Our own words.", "")


def test_everything_stays_with_the_fund_until_the_grantee_says_otherwise(db, here, reference, clock):
    with db.write() as session:
        lesson = save(session, here, reference, clock, dict.fromkeys(TEXTS, "Text."))
        assert {lesson.reach(name).value for name in CLEARED_ONE_BY_ONE} == {"fund"}
        assert lesson.consent == {}


def test_saves_texts_and_consent_part_by_part(db, here, reference, clock):
    with db.write() as session:
        save(session, here, reference, clock, {"worked": "Much.", "theme": "women"}, {"worked": "network"})
        lesson = save(session, here, reference, clock, {}, {"failed": "public"}, 1, here.colleague)
    with db.read() as session:
        lesson = queries.lesson(session, here.applicant, reference)
        assert (lesson.worked, lesson.theme, lesson.edit_version) == ("Much.", "women", 2)
        assert lesson.consent == {"worked": "network", "failed": "public"}
        assert actions(session) == ["created", "consented", "consented"]
        assert ledger.verify(session).broken is None


def test_a_newer_text_is_never_overwritten(db, here, reference, clock):
    with db.write() as session:
        save(session, here, reference, clock, {"worked": "Mine."})
        with pytest.raises(Conflict):
            save(session, here, reference, clock, {"worked": "Theirs."}, viewer=here.colleague)
        assert queries.lesson(session, here.applicant, reference).worked == "Mine."


@pytest.mark.parametrize(
    ("fields", "consent", "wrong"),
    [
        ({"title": "x" * 201}, {}, "title"),
        ({"worked": "x" * 20_001}, {}, "worked"),
        ({"theme": "fishing"}, {}, "theme"),
        ({"slug": "mine"}, {}, "slug"),
        ({"published_at": "now"}, {}, "published_at"),
        ({}, {"worked": "everybody"}, "worked"),
        ({}, {"worked": ""}, "worked"),
        ({}, {"theme": "public"}, "theme"),
    ],
)
def test_what_cannot_stand_in_a_lesson_is_refused_by_name(sqlite_db, clock, fields, consent, wrong):
    here = world(sqlite_db, clock.now())
    with sqlite_db.write() as session:
        reference = to_lesson_due(session, here, clock.now()).reference
        with pytest.raises(Invalid) as refused:
            save(session, here, reference, clock, fields, consent)
        assert list(refused.value.fields) == [wrong]
        assert queries.lesson(session, here.applicant, reference).edit_version == 0


def test_strangers_find_nothing_and_readers_do_not_write(db, here, reference, clock):
    with db.write() as session:
        for viewer in (here.outsider, here.reviewers[0], Viewer.anonymous()):
            with pytest.raises(NotFound):
                queries.lesson(session, viewer, reference)
        for viewer in (here.manager, here.auditor):
            with pytest.raises(Forbidden):
                save(session, here, reference, clock, {"worked": "x"}, viewer=viewer)


def test_the_fund_clears_no_further_than_the_grantee_lets_it(db, here, clock):
    with db.write() as session:
        lesson = written(session, here, clock.now(), {"title": "public", "worked": "network"})
        for name, level in [("worked", "public"), ("failed", "network"), ("failed", "public")]:
            with pytest.raises(Invalid) as refused:
                service.clear(session, here.manager, lesson, {name: level}, 0, clock.now())
            assert refused.value.fields == {name: "The grantee does not let this part go so far."}
        service.clear(
            session, here.manager, lesson, {"title": "network", "worked": "network"}, 0, clock.now()
        )
        assert lesson.clearance == {"title": "network", "worked": "network"}
        assert lesson.reach("title") == "network"
        assert lesson.edit_version == 1
        with pytest.raises(Conflict):
            service.clear(session, here.second_manager, lesson, {"title": "public"}, 0, clock.now())
        assert actions(session)[-1] == "cleared"


def test_only_the_fund_clears_and_only_while_it_reads(db, here, clock):
    with db.write() as session:
        lesson = written(session, here, clock.now(), PUBLIC)
        for viewer in (here.applicant, here.auditor, here.outsider):
            with pytest.raises(Forbidden):
                service.clear(session, viewer, lesson, PUBLIC, 0, clock.now())
        service.clear(session, here.manager, lesson, PUBLIC, 0, clock.now())
        move(session, lesson, "publish", here.manager, clock.now())
        with pytest.raises(Forbidden):
            service.clear(session, here.manager, lesson, {"title": "fund"}, 1, clock.now())


def test_a_manager_who_belongs_to_the_grantee_clears_nothing(db, here, clock):
    own = Viewer(
        person_id=here.manager.person_id,
        roles=frozenset({"manager"}),
        member_ids=frozenset({here.member_id}),
    )
    with db.write() as session:
        lesson = written(session, here, clock.now(), PUBLIC)
        with pytest.raises(Forbidden):
            service.clear(session, own, lesson, PUBLIC, 0, clock.now())


def test_a_changed_text_or_consent_has_to_be_cleared_again(db, here, clock):
    with db.write() as session:
        lesson = written(session, here, clock.now(), PUBLIC | {"failed": "network"})
        reference = reference_of(session, lesson)
        service.clear(session, here.manager, lesson, PUBLIC | {"failed": "network"}, 0, clock.now())
        move(session, lesson, "return", here.manager, clock.now(), "One more look at the advice.")
        save(session, here, reference, clock, {"advice": "Ask at 12 Rose Lane."}, {"failed": "public"}, 1)
        assert set(FIELDS) - set(lesson.clearance) == {"advice", "failed"}
        move(session, lesson, "hand_in_again", here.applicant, clock.now())
        with pytest.raises(MoveRefused, match="Clear for publication first: What did not work; Advice to"):
            move(session, lesson, "publish", here.manager, clock.now())


def test_from_due_to_published_and_taken_down(db, here, reference, clock):
    now = clock.now()
    with db.write() as session:
        lesson = save(session, here, reference, clock, {"worked": "Much."}, PUBLIC | {"failed": "fund"})
        assert list(queries.missing(lesson)) == ["problem", "approach", "failed", "advice", "evidence"]
        with pytest.raises(MoveRefused, match="Complete the lesson"):
            service.move(session, here.applicant, lesson, "hand_in", lesson.version, now)
        save(session, here, reference, clock, dict.fromkeys(TEXTS, "Words."), version=1)
        service.move(session, here.applicant, lesson, "hand_in", lesson.version, now)
        with pytest.raises(MoveRefused, match="Clear for publication first"):
            service.move(session, here.manager, lesson, "publish", lesson.version, now)
        levels = {name: "public" for name in FIELDS if name != "failed"}
        service.clear(session, here.manager, lesson, levels, lesson.edit_version, now)
        service.move(session, here.manager, lesson, "publish", lesson.version, now)
        assert lesson.published_at == now
        card = queries.card(session, Viewer.anonymous(), lesson.slug)
        assert set(card.fields) == set(FIELDS) - {"failed"}
        assert card.fields["city"] == "Aldea, Nowhere"
        application = session.exec(select(Application)).one()
        assert application.state == "lesson_published"
        service.move(session, here.manager, lesson, "unpublish", lesson.version, now, "A name stood in it.")
        assert (lesson.state, application.state) == ("under_review", "lesson_under_review")
        assert queries.library(session, here.outsider).total == 0


@pytest.mark.parametrize("who", ["applicant", "manager"])
def test_a_part_can_be_taken_back_at_any_time(db, here, clock, who):
    with db.write() as session:
        lesson = to_published(session, here, clock.now())
        service.take_back(session, getattr(here, who), lesson, "worked", clock.now())
        assert "worked" not in queries.card(session, here.outsider, lesson.slug).fields
        service.take_back(session, getattr(here, who), lesson, "title", clock.now())
        assert queries.library(session, here.outsider).total == 0
        assert actions(session)[-2:] == ["taken_back", "taken_back"]
        assert ledger.verify(session).broken is None


def test_others_take_nothing_back(db, here, clock):
    with db.write() as session:
        lesson = to_published(session, here, clock.now())
        for viewer in (here.outsider, here.auditor, here.reviewers[0]):
            with pytest.raises(Forbidden):
                service.take_back(session, viewer, lesson, "worked", clock.now())
        with pytest.raises(Invalid):
            service.take_back(session, here.applicant, lesson, "theme", clock.now())
        assert set(queries.card(session, here.outsider, lesson.slug).fields) == set(FIELDS)


def show(
    session, here, application, fields, summary="We light the streets.", viewer=None, version=0, now=None
):
    return service.show_project(
        session, viewer or here.manager, application, fields, summary, version, now or application.created_at
    )


def test_of_a_funded_project_everybody_reads_what_the_fund_shows_and_nothing_else(db, here, clock):
    whole = {
        "title": "Safe streets",
        "summary": "We light the streets.",
        "grantee": "City of Aldea",
        "city": "Aldea, Nowhere",
        "theme": "digital",
        "amount": Money(12_000_00, "USD"),
    }
    with db.write() as session:
        application = to_active(session, here, clock.now())
        assert projects.projects(session, Viewer.anonymous()) == []
        assert projects.numbers(session) == projects.Numbers(0, 0, 0, 0)
        for version, hidden in enumerate(SHOWN[1:]):
            show(session, here, application, set(SHOWN) - {hidden}, version=version)
            (project,) = projects.projects(session, Viewer.anonymous())
            assert {n: getattr(project, n) for n in SHOWN} == whole | {
                hidden: None if hidden == "amount" else ""
            }
            cities = 0 if hidden == "city" else 1
            assert projects.numbers(session) == projects.Numbers(1, cities, cities, 0)
        show(session, here, application, [], version=5)
        assert projects.projects(session, here.outsider) == []


@pytest.mark.parametrize(
    ("fields", "summary", "wrong"),
    [
        (["city"], "", "public_fields"),
        (["title", "address"], "", "public_fields"),
        (["title", "summary"], " ", "public_summary"),
        (["title"], "x" * 1001, "public_summary"),
    ],
)
def test_what_does_not_hang_together_is_refused(sqlite_db, clock, fields, summary, wrong):
    here = world(sqlite_db, clock.now())
    with sqlite_db.write() as session:
        application = to_active(session, here, clock.now())
        with pytest.raises(Invalid) as refused:
            show(session, here, application, fields, summary)
        assert list(refused.value.fields) == [wrong]


def test_only_the_fund_shows_only_funded_projects_and_nobody_overwrites(db, here, clock):
    with db.write() as session:
        started = draft(session, here, clock.now())
        offered = to_deliberation(session, here, clock.now())
        award(session, here, offered, clock.now())
        move(session, offered, "offer", here.manager, clock.now())
        for application in (started, offered):
            with pytest.raises(MoveRefused):
                show(session, here, application, ["title"])
        application = to_active(session, here, clock.now())
        for viewer in (here.applicant, here.auditor, here.outsider):
            with pytest.raises(Forbidden):
                show(session, here, application, ["title"], viewer=viewer)
        show(session, here, application, ["title"])
        with pytest.raises(Conflict):
            show(session, here, application, ["title", "city"], viewer=here.second_manager)


def test_a_terminated_project_is_no_longer_shown(db, here, clock):
    with db.write() as session:
        application = to_active(session, here, clock.now())
        show(session, here, application, ["title"])
        move(session, application, "terminate", here.manager, clock.now(), "It cannot go on.")
        assert projects.projects(session, Viewer.anonymous()) == []
        assert projects.numbers(session).projects == 0


def test_projects_stand_by_the_day_they_were_signed_with_the_lesson_that_gets_there(db, here, clock):
    with db.write() as session:
        first = to_published(session, here, clock.now())
        second = to_active(session, here, clock.now() + timedelta(days=1))
        for application in (session.get_one(Application, first.application_id), second):
            application.title = f"Project {application.id}"
            session.flush()
            show(session, here, application, ["title"])
        first.consent = PUBLIC | {"title": "network"}
        session.add(first)
    with db.read() as session:
        inside = projects.projects(session, here.outsider)
        assert [(p.title, bool(p.lesson)) for p in inside] == [
            (f"Project {second.id}", False),
            (f"Project {first.application_id}", True),
        ]
        assert [p.lesson for p in projects.projects(session, Viewer.anonymous())] == ["", ""]
        assert [p.title for p in projects.projects(session, here.outsider, limit=1, offset=1)] == [
            inside[1].title
        ]


def test_the_draft_does_without_what_is_not_there(sqlite_db, clock):
    here = world(sqlite_db, clock.now())
    with sqlite_db.write() as session:
        application = to_active(session, here, clock.now())
        report_accepted(session, here, application, "interim", clock.now())
        report_accepted(session, here, application, "final", clock.now())
        move(session, application, "ask_for_lesson", here.manager, clock.now())
        final = session.exec(select(Report).where(Report.kind == "final")).one()
        session.delete(final)
        session.flush()
        view = queries.view(session, here.applicant, application.reference, clock.now())
        assert (view.beginning["approach"], view.beginning["advice"]) == ("What we say about plan.", "")
        assert session.exec(select(Lesson)).one().approach == ""
