"""No field of a lesson gets further than grantee and fund both let it, on both databases, on every way out."""

from contextlib import contextmanager
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from fund.base.errors import NotFound
from fund.base.permissions import Viewer
from fund.sharing import projects, queries, reach
from schema.lessons import Lesson, Reach
from schema.people import Member
from tests.sharing.support import CANARIES, COUNTRY, FIELDS, PUBLIC, published_with_canaries, staged_lesson
from tests.support.world import World, move, world

LEVELS = [None, *(level.value for level in Reach)]
"""None: nothing was said, which means fund."""
ORDER = ["fund", "network", "public"]


@pytest.fixture
def here(db, clock):
    return world(db, clock.now())


@pytest.fixture
def here_on_sqlite(sqlite_db, clock):
    return world(sqlite_db, clock.now())


@pytest.fixture
def lesson(db, here, clock):
    return staged_lesson(here, clock.now())


def readers(here: World) -> dict[str, tuple[Viewer, str]]:
    """Everybody, with the level at which a field gets to them in the library."""
    return {
        "anonymous": (Viewer.anonymous(), "public"),
        "nobody's": (Viewer(person_id=99, name="Signed in, belongs to nothing"), "public"),
        "outsider": (here.outsider, "network"),
        "reviewer": (here.reviewers[0], "network"),
        "auditor": (here.auditor, "network"),
        "manager": (here.manager, "network"),
        "its own applicant": (here.applicant, "network"),
    }


def tried(here: World) -> list[tuple[Viewer, str]]:
    """Enough of them for a long test: from outside and inside the network, the nearest included."""
    everybody = readers(here)
    return [everybody[name] for name in ("anonymous", "outsider", "manager", "its own applicant")]


def narrower(consent: str | None, clearance: str | None) -> str:
    return min(consent or "fund", clearance or "fund", key=ORDER.index)


@contextmanager
def counted(db):
    """The statements that the database is asked while inside."""
    seen: list[str] = []

    def note(_connection, _cursor, statement, *_rest):
        seen.append(statement)

    event.listen(db._reader, "before_cursor_execute", note)
    yield seen
    event.remove(db._reader, "before_cursor_execute", note)


def set_levels(session, lesson, consent, clearance):
    row = session.get_one(Lesson, lesson.id)
    row.consent = {name: level for name, level in consent.items() if level}
    row.clearance = {name: level for name, level in clearance.items() if level}
    session.add(row)
    session.flush()


def way_out(session, viewer, lesson):
    """Every way by which a text could get to the viewer, as text: card, library, search, projects, themes."""
    found = [
        queries.library(session, viewer),
        queries.library(session, viewer, theme="digital"),
        queries.library(session, viewer, words="after."),
        projects.projects(session, viewer),
        queries.themes(session, viewer),
    ]
    try:
        found.append(queries.card(session, viewer, lesson.slug))
    except NotFound as error:
        found.append(error.message)
    return "\n".join(map(repr, found))


def check(session, lesson, here, consent, clearance, fields=FIELDS):
    """The whole claim, for these levels."""
    set_levels(session, lesson, consent, clearance)
    goes = {name: narrower(consent.get(name), clearance.get(name)) for name in FIELDS}
    for viewer, stands in tried(here):
        far = {name: ORDER.index(goes[name]) >= ORDER.index(stands) for name in FIELDS}
        seen = way_out(session, viewer, lesson)
        for name in fields:
            expected = far[name] and far["title"]
            assert (CANARIES[name] in seen) == expected
            hits = queries.library(session, viewer, words=CANARIES[name])
            assert (len(hits.cards), hits.total) == (int(expected), int(expected))
        assert (COUNTRY in seen) == (far["city"] and far["title"]) or "city" not in fields


@pytest.mark.slow
def test_each_field_for_each_reader_at_each_pair_of_levels(db, here, lesson):
    """Round after round every field takes another pair of levels, until each has had all; the title on its own."""
    pairs = list(product(LEVELS, LEVELS))
    others = [name for name in FIELDS if name != "title"]
    for turn in range(len(pairs)):
        given = {name: pairs[(turn + index) % len(pairs)] for index, name in enumerate(others)}
        consent = {"title": "public"} | {name: pair[0] for name, pair in given.items()}
        clearance = {"title": "public"} | {name: pair[1] for name, pair in given.items()}
        with db.write() as session:
            check(session, lesson, here, consent, clearance, others)


def test_without_its_title_nothing_of_a_lesson_gets_out(db, here, lesson):
    for consent, clearance in product(LEVELS, LEVELS):
        with db.write() as session:
            check(
                session,
                lesson,
                here,
                PUBLIC | {"title": consent},
                PUBLIC | {"title": clearance},
                ["title", "city"],
            )


def test_where_everybody_stands(here_on_sqlite):
    for viewer, stands in readers(here_on_sqlite).values():
        assert reach.audience(viewer) == stands


@settings(
    max_examples=settings().max_examples // 8, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    consent=st.fixed_dictionaries({}, optional={name: st.sampled_from(ORDER) for name in FIELDS}),
    clearance=st.fixed_dictionaries({}, optional={name: st.sampled_from(ORDER) for name in FIELDS}),
)
def test_any_mixture_of_levels(db, here, lesson, consent, clearance):
    with db.write() as session:
        check(session, lesson, here, consent, clearance)


@pytest.mark.parametrize("state", ["due", "under_review", "returned", "cancelled"])
def test_before_it_is_published_nothing_gets_out_whatever_was_allowed(db, here, lesson, state):
    with db.write() as session:
        row = session.get_one(Lesson, lesson.id)
        row.state = state
        session.add(row)
    with db.read() as session:
        for viewer, _stands in readers(here).values():
            seen = way_out(session, viewer, lesson)
            assert [name for name in FIELDS if CANARIES[name] in seen] == []
            assert queries.library(session, viewer, words="canary").total == 0
        assert projects.numbers(session).lessons == 0


def test_taken_down_it_is_gone_at_once(db, here, lesson, clock):
    with db.write() as session:
        row = session.get_one(Lesson, lesson.id)
        move(session, row, "unpublish", here.manager, clock.now(), "An address stood in it.")
    with db.read() as session:
        assert queries.library(session, Viewer.anonymous()).total == 0
        with pytest.raises(NotFound):
            queries.card(session, here.outsider, lesson.slug)


def test_members_are_told_what_the_public_does_not_see(db, here, lesson):
    with db.write() as session:
        set_levels(session, lesson, PUBLIC | {"failed": "network"}, PUBLIC | {"city": "network"})
        inside = queries.card(session, here.outsider, lesson.slug)
        outside = queries.card(session, Viewer.anonymous(), lesson.slug)
    assert inside.members_only == {"failed", "city"}
    assert set(inside.fields) - set(outside.fields) == {"failed", "city"}
    assert outside.members_only == frozenset()


def test_signs_of_the_search_language_are_looked_for_as_they_stand(db, here, lesson):
    with db.read() as session:
        for words, total in [("%", 0), ("_", 0), ("BEFORE canary", 1), ("  after. ", 1), ("", 1), ("\\", 0)]:
            assert queries.library(session, Viewer.anonymous(), words=words).total == total


def test_themes_count_what_gets_to_the_reader(db, here, lesson):
    with db.write() as session:
        set_levels(session, lesson, PUBLIC | {"title": "network"}, PUBLIC)
        assert queries.themes(session, here.outsider) == {"digital": 1}
        assert queries.themes(session, Viewer.anonymous()) == {}
        assert queries.library(session, here.outsider, theme="women").total == 0
        assert queries.library(session, here.outsider, theme="nonsense").total == 0


def test_a_card_says_in_python_what_the_database_decides(db, here, lesson):
    with db.read() as session:
        row, member = session.get_one(Lesson, lesson.id), session.get_one(Member, here.member_id)
        assert queries.card(session, Viewer.anonymous(), lesson.slug) == reach.card(row, member, Reach.PUBLIC)


def test_one_lesson_or_many_take_as_many_queries(sqlite_db, clock):
    here = world(sqlite_db, clock.now(), pot_minor=10**9)
    counts = []
    for _round in range(2):
        with sqlite_db.write() as session:
            for _one in range(1 + 3 * len(counts)):
                published_with_canaries(session, here, clock.now(), PUBLIC, PUBLIC)
        for _warm in range(2):  # definitions are read once a process
            with sqlite_db.read() as session, counted(sqlite_db) as seen:
                queries.library(session, here.outsider)
                projects.projects(session, here.outsider)
                projects.numbers(session)
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 13
