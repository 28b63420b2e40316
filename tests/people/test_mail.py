"""What somebody chooses about mail: on her account, by the API, and by the link in a mail, signed in or not."""

from time import monotonic

import pytest

from fund.people import choices
from notifications.kinds import TOPICS
from schema.people import Person
from tests.people.support import make_manager, make_person
from tests.support.doors import Doors, shown


@pytest.fixture
def manager(sqlite_db):
    return make_manager(sqlite_db)


@pytest.fixture
def amina(sqlite_db, manager):
    return make_person(sqlite_db, manager)


@pytest.fixture
def doors(sqlite_db, clock, amina):
    return Doors(sqlite_db, clock)


def chosen(doors, viewer):
    with doors.db.read() as session:
        return choices.choices(session, viewer.person_id)


def key_of(doors, viewer):
    with doors.db.read() as session:
        return session.get_one(Person, viewer.person_id).mail_key


def test_everything_comes_by_itself_until_she_chooses_otherwise(doors, amina):
    browser = doors.browser(amina)
    page = browser.get("/account").text
    assert 'value="single" checked' in page
    assert page.count('name="topics"') == page.count("checked") - 2 == len(choices.offered(amina))
    answer = browser.post("/account/mail", data={"pace": "digest", "topics": ["lessons", "comments"]})
    # The page from its beginning, where it says that it is saved.
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    assert chosen(doors, amina) == choices.Choices(True, False, frozenset({"newsletter", "progress"}))
    assert 'value="digest" checked' in browser.get("/account").text


def test_the_weekly_overview_is_for_managers_to_decline(doors, amina, manager):
    assert "Weekly overview" not in shown(doors.browser(amina).get("/account").text)
    assert "Weekly overview" in shown(doors.browser(manager).get("/account").text)
    doors.browser(manager).post("/account/mail", data={"pace": "single", "calendar_files": "yes"})
    assert chosen(doors, manager).declined == TOPICS.keys()


def test_a_form_without_an_answer_changes_nothing(doors, amina):
    answer = doors.browser(amina).post("/account/mail", data={})
    assert answer.status_code == 422
    assert "Choose one of the answers" in shown(answer.text)
    assert chosen(doors, amina) == choices.Choices(False, True)


def test_the_same_by_the_api(doors, amina):
    program = doors.program(amina)
    before = program.get("/api/v1/me/mail").json()
    assert before["digest"] is False
    assert set(before["topics"].values()) == {True}
    wanted = {"digest": True, "calendar_files": False, "topics": {"newsletter": False}}
    assert program.put("/api/v1/me/mail", json=wanted).status_code == 200
    assert chosen(doors, amina) == choices.Choices(True, False, frozenset({"newsletter"}))


@pytest.mark.parametrize("topic", ["reminder", "weekly"])
def test_what_is_not_hers_to_decline_is_refused(doors, amina, topic):
    wanted = {"digest": True, "calendar_files": True, "topics": {topic: False}}
    assert doors.program(amina).put("/api/v1/me/mail", json=wanted).status_code == 422
    assert chosen(doors, amina) == choices.Choices(False, True)


def test_a_mail_program_ends_digests_with_one_post_and_nobody_signed_in(doors, amina):
    with doors.db.write() as session:
        choices.choose(session, amina, choices.Choices(True, True))
    path = f"/unsubscribe/{key_of(doors, amina)}/digest"
    stranger = doors.browser()
    assert stranger.get(path).status_code == 200
    assert chosen(doors, amina).digest
    for _ in range(2):
        answer = stranger.post(path, data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
        assert chosen(doors, amina) == choices.Choices(False, True)
    assert "amina" not in answer.text.lower()


def test_newsletters_stop_altogether_and_the_rest_comes(doors, amina):
    path = f"/unsubscribe/{key_of(doors, amina)}/newsletter"
    assert "Stop these emails: Newsletter" in shown(doors.browser().get(path).text)
    assert "Stopped: Newsletter" in shown(doors.browser().post(path).text)
    assert chosen(doors, amina) == choices.Choices(False, True, frozenset({"newsletter"}))


def test_a_wrong_key_and_what_is_owed_lead_nowhere(doors, amina):
    key = key_of(doors, amina)
    for path in (
        f"/unsubscribe/{'x' * 24}/digest",
        f"/unsubscribe/{key}/lessons",
        f"/unsubscribe/{key}/reminder",
        "/unsubscribe/1/1",
    ):
        assert doors.browser().get(path).status_code == 404
        assert doors.browser().post(path).status_code == 404


def test_whoever_guesses_a_key_waits_for_nobody_and_holds_nobody_up(doors, amina):
    """The address is open to strangers: what is no key must not take the turn to write."""
    began = monotonic()
    with doors.db.write() as session:
        session.get_one(Person, amina.person_id)  # somebody writes just now
        assert doors.browser().post(f"/unsubscribe/{'a' * 24}/digest").status_code == 404
    assert monotonic() - began < 10
