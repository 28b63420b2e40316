"""Browsers that stay signed in, and API tokens: how long, how often noted, and how they end."""

from datetime import timedelta

import pytest
from sqlmodel import select

from fund.base.database import Database
from fund.base.errors import Invalid, NotFound
from fund.base.permissions import Viewer
from fund.people import queries, service, sessions, tokens
from fund.people.sessions import SignedInBrowser, device_name
from schema.people import ApiToken, Role, SignInSession
from tests.people.support import (
    APPLICANT,
    NOW,
    find,
    make_manager,
    make_member,
    make_person,
    make_reviewer,
)

DAY = timedelta(days=1)


@pytest.fixture
def manager(db: Database) -> Viewer:
    return make_manager(db)


@pytest.fixture
def amina(db: Database, manager: Viewer) -> Viewer:
    return make_person(db, manager, members=frozenset({make_member(db, manager).id}))


def start(db: Database, person: Viewer, device: str = "Firefox on Android", now=NOW) -> SignedInBrowser:
    with db.write() as session:
        return sessions.start(session, person.person_id, device, now)


def seen(db: Database, token: str, now=NOW) -> Viewer:
    with db.read() as session:
        return queries.viewer_of_session(session, token, now)


def bearer(db: Database, token: str, now=NOW) -> Viewer:
    with db.read() as session:
        return queries.viewer_of_token(session, token, now)


def new_token(db: Database, owner: str | int = APPLICANT, label: str = "Spreadsheet", now=NOW) -> str:
    with db.write() as session:
        return tokens.create_token(session, owner, label, now)


def test_a_session_knows_its_person_with_roles_and_members(db: Database, amina: Viewer) -> None:
    browser = start(db, amina)

    viewer = seen(db, browser.token)

    assert viewer == Viewer(
        person_id=amina.person_id,
        name="Amina",
        email=APPLICANT,
        locale="en",
        zone="Africa/Lagos",
        roles=frozenset(),
        member_ids=amina.member_ids,
        session_id=browser.session_id,
    )
    assert len(viewer.member_ids) == 1


def test_a_viewer_is_found_with_two_queries(db: Database, manager: Viewer, amina: Viewer, statements) -> None:
    cookie, token = start(db, amina).token, new_token(db)

    with statements(db) as by_cookie:
        seen(db, cookie)
    with statements(db) as by_token:
        bearer(db, token)
    with statements(db) as by_nothing:
        seen(db, "made-up")

    assert (len(by_cookie), len(by_token), len(by_nothing)) == (2, 2, 1)


def test_a_session_is_stored_as_a_hash_only(db: Database, amina: Viewer) -> None:
    browser = start(db, amina)

    with db.read() as session:
        assert browser.token not in session.exec(select(SignInSession)).one().model_dump_json()


@pytest.mark.parametrize("token", ["", "made-up", "x" * 5000, "\x00", "é"])
def test_a_made_up_cookie_is_nobody(db: Database, amina: Viewer, token: str) -> None:
    assert seen(db, token) == Viewer.anonymous()
    assert bearer(db, token) == Viewer.anonymous()


def test_a_session_lasts_thirty_days_from_its_last_use(db: Database, amina: Viewer) -> None:
    browser = start(db, amina)

    assert seen(db, browser.token, NOW + 30 * DAY - timedelta(seconds=1)).signed_in
    assert not seen(db, browser.token, NOW + 30 * DAY).signed_in
    with db.write() as session:
        sessions.touch(session, browser.session_id, NOW + 20 * DAY)
    assert seen(db, browser.token, NOW + 49 * DAY).signed_in
    assert not seen(db, browser.token, NOW + 50 * DAY).signed_in


def test_use_is_noted_at_most_every_ten_minutes() -> None:
    stale = [sessions.is_stale(NOW, NOW + timedelta(minutes=minutes)) for minutes in (0, 9, 10, 11)]

    assert stale == [False, False, True, True]
    assert [tokens.is_stale(at, NOW) for at in (None, NOW, NOW - timedelta(minutes=10))] == [
        True,
        False,
        True,
    ]


def test_one_browser_is_signed_out_and_the_others_stay(db: Database, amina: Viewer) -> None:
    phone, laptop = start(db, amina), start(db, amina)

    with db.write() as session:
        sessions.end(session, amina.person_id, phone.session_id, NOW)

    assert (seen(db, phone.token).signed_in, seen(db, laptop.token).signed_in) == (False, True)
    with db.write() as session, pytest.raises(NotFound):
        sessions.end(session, amina.person_id, phone.session_id, NOW)


def test_a_signed_out_browser_is_not_revived_by_being_in_use(db: Database, amina: Viewer) -> None:
    browser = start(db, amina)
    with db.write() as session:
        sessions.end_by_token(session, browser.token, NOW)
        sessions.touch(session, browser.session_id, NOW)

    assert not seen(db, browser.token).signed_in


def test_everywhere_else_is_signed_out(db: Database, amina: Viewer, manager: Viewer) -> None:
    here, there, of_another = start(db, amina), start(db, amina), start(db, manager)

    with db.write() as session:
        sessions.end_all(session, amina.person_id, NOW, besides=here.session_id)

    assert [seen(db, one.token).signed_in for one in (here, there, of_another)] == [True, False, True]


def test_nobody_signs_out_or_sees_the_browser_of_another(
    db: Database, amina: Viewer, manager: Viewer
) -> None:
    browser = start(db, manager)

    with db.write() as session, pytest.raises(NotFound):
        sessions.end(session, amina.person_id, browser.session_id, NOW)
    with db.read() as session:
        assert queries.browsers(session, amina.person_id, NOW) == []


def test_browsers_are_listed_with_the_last_used_first(db: Database, amina: Viewer) -> None:
    start(db, amina, "Old phone", NOW - 31 * DAY)
    start(db, amina, "Laptop", NOW - DAY)
    start(db, amina, "Phone", NOW)

    with db.read() as session:
        assert [one.device for one in queries.browsers(session, amina.person_id, NOW)] == ["Phone", "Laptop"]


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("Mozilla/5.0 (Android 13; Mobile; rv:120.0) Gecko/120.0 Firefox/120.0", "Firefox on Android"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Version/17.0 Safari/604.1",
            "Safari on iPhone",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/120.0 Safari/537.36 Edg/120.0",
            "Edge on Windows",
        ),
        ("Opera/9.80 (Android; Opera Mini/36.2/119.132; U; id) Presto/2.12.423", "Opera Mini on Android"),
        ("curl/8.0", ""),
        ("", ""),
    ],
)
def test_a_browser_is_named_so_that_it_is_recognised(user_agent: str, name: str) -> None:
    assert device_name(user_agent) == name


def test_a_token_acts_for_its_person(db: Database, manager: Viewer) -> None:
    reviewer = make_reviewer(db, manager)
    token = new_token(db, reviewer.person_id)

    viewer = bearer(db, token)

    assert token.startswith("pif_")
    assert (viewer.name, viewer.roles, viewer.session_id) == ("Rui", {Role.REVIEWER}, None)


def test_a_token_is_stored_as_a_hash_only_and_is_no_cookie(db: Database, amina: Viewer) -> None:
    token = new_token(db)

    with db.read() as session:
        assert token not in session.exec(select(ApiToken)).one().model_dump_json()
    assert not seen(db, token).signed_in
    assert not bearer(db, start(db, amina).token).signed_in


def test_a_token_is_named_and_belongs_to_somebody(db: Database, amina: Viewer) -> None:
    with pytest.raises(Invalid) as unnamed:
        new_token(db, label="  ")
    with pytest.raises(Invalid) as overlong:
        new_token(db, label="x" * 101)
    with pytest.raises(NotFound):
        new_token(db, "nobody@else.example")
    with pytest.raises(NotFound):
        new_token(db, 12345)

    assert (list(unnamed.value.fields), list(overlong.value.fields)) == (["label"], ["label"])


def test_a_revoked_token_is_nobody_and_leaves_the_list(db: Database, amina: Viewer, manager: Viewer) -> None:
    token, other = new_token(db), new_token(db, label="Other")
    with db.read() as session:
        newest, oldest = queries.api_tokens(session, amina.person_id)
    assert (newest.label, oldest.label) == ("Other", "Spreadsheet")

    with db.write() as session, pytest.raises(NotFound):
        tokens.revoke(session, manager.person_id, oldest.id, NOW)
    with db.write() as session:
        tokens.revoke(session, amina.person_id, oldest.id, NOW)

    assert (bearer(db, token).signed_in, bearer(db, other).signed_in) == (False, True)
    with db.read() as session:
        assert [one.label for one in queries.api_tokens(session, amina.person_id)] == ["Other"]


def test_disabling_a_person_ends_everything_at_once(db: Database, amina: Viewer, manager: Viewer) -> None:
    cookie, token = start(db, amina).token, new_token(db)

    with db.write() as session:
        service.disable(session, manager, amina.person_id, NOW)
    assert not seen(db, cookie).signed_in
    assert not bearer(db, token).signed_in

    with db.write() as session:
        service.enable(session, manager, amina.person_id, NOW)
    assert not seen(db, cookie).signed_in, "what was ended stays ended"
    assert not bearer(db, token).signed_in
    with db.read() as session:
        assert find(session, APPLICANT).disabled_at is None
