"""Signing in by link and code: once, in time, where it was asked for, and the same answer for everybody."""

from datetime import timedelta

import pytest
from sqlalchemy import delete
from sqlmodel import select

from fund.base.clock import FixedClock
from fund.base.database import Database
from fund.base.errors import Invalid, TooMany
from fund.people import queries, service, sign_in
from fund.people.sign_in import Browser, Refused, SignedIn
from schema.outbox import Message
from schema.people import SignInCode, SignInSession, Throttle
from tests.people.support import (
    APPLICANT,
    MANAGER,
    NOW,
    Mailed,
    find,
    last_mailed,
    make_manager,
    make_person,
    messages,
)

MINUTE = timedelta(minutes=1)
FIREFOX = Browser("Firefox on Android")


@pytest.fixture
def people(db: Database) -> Database:
    """A database with a manager and an applicant."""
    make_person(db, make_manager(db))
    return db


def ask(
    db: Database, email: str = APPLICANT, next_path: str = "/", now=NOW, network: str = "203.0.113.5"
) -> str:
    with db.write() as session:
        return sign_in.ask_to_sign_in(session, email, next_path, now, network)


def by_link(db: Database, token: str, now=NOW) -> SignedIn | None:
    with db.write() as session:
        return sign_in.use_link(session, token, now, FIREFOX)


def by_code(db: Database, handle: str, code: str, now=NOW) -> SignedIn | Refused:
    with db.write() as session:
        return sign_in.use_code(session, handle, code, now, FIREFOX)


def wrong(code: str) -> str:
    """Some other code."""
    return f"{(int(code) + 1) % 1_000_000:06d}"


def viewer(db: Database, token: str, now=NOW):
    with db.read() as session:
        return queries.viewer_of_session(session, token, now)


def test_the_link_signs_in_and_leads_on(people: Database) -> None:
    ask(people, next_path="/applications/PIF-1")

    entered = by_link(people, last_mailed(people).token)

    assert entered is not None
    assert entered.next_path == "/applications/PIF-1"
    assert viewer(people, entered.token).email == APPLICANT


def test_the_code_signs_in_where_it_was_asked_for(people: Database) -> None:
    handle = ask(people)

    entered = by_code(people, handle, last_mailed(people).code)

    assert isinstance(entered, SignedIn)
    assert viewer(people, entered.token).name == "Amina"


@pytest.mark.parametrize("way", ["{0}{1}{2} {3}{4}{5}", " {0}{1}-{2}{3}-{4}{5} "])
def test_a_code_may_be_typed_as_it_is_read(people: Database, way: str) -> None:
    handle = ask(people)

    assert isinstance(by_code(people, handle, way.format(*last_mailed(people).code)), SignedIn)


def test_a_code_may_be_typed_in_arabic_digits() -> None:
    assert sign_in.digits("٠١٢ ٣٤٥") == "012345"


def test_the_mail_is_queued_for_the_person_and_dies_with_the_link(people: Database) -> None:
    ask(people)

    (message,) = messages(people, "sign_in")

    with people.read() as session:
        assert message.person_id == find(session, APPLICANT).id
    assert (message.template, message.address, message.expires_at) == ("sign_in", "", NOW + 15 * MINUTE)


def test_nothing_stored_tells_link_code_or_handle(people: Database) -> None:
    handle = ask(people)
    mailed = last_mailed(people)

    with people.read() as session:
        stored = session.exec(select(SignInCode)).one().model_dump_json()

    assert [secret for secret in (handle, mailed.token, mailed.code) if secret in stored] == []


@pytest.mark.parametrize("address", [f"  {APPLICANT.upper()} ", APPLICANT.title()])
def test_an_address_is_known_however_it_is_typed(people: Database, address: str) -> None:
    ask(people, address)

    assert len(messages(people, "sign_in")) == 1


@pytest.mark.parametrize(
    "address",
    ["", "amina", "amina@kano", "a@b@c.org", "a b@c.org", "a@c.org\r\nBcc: x@y.org", "a@.org", "x" * 260],
)
def test_what_is_no_address_is_refused_in_words(people: Database, address: str) -> None:
    with pytest.raises(Invalid) as refused:
        ask(people, address)

    assert list(refused.value.fields) == ["email"]
    assert messages(people, "sign_in") == []


def test_a_link_works_once(people: Database) -> None:
    ask(people)
    token = last_mailed(people).token

    assert [by_link(people, token) is None for _ in range(3)] == [False, True, True]


def test_link_and_code_are_one_chance(people: Database) -> None:
    handle = ask(people)
    mailed = last_mailed(people)
    by_link(people, mailed.token)

    assert by_code(people, handle, mailed.code) == Refused(0)


def test_after_fifteen_minutes_neither_works(people: Database) -> None:
    handle = ask(people)
    mailed = last_mailed(people)
    late = NOW + 15 * MINUTE

    assert by_link(people, mailed.token, late) is None
    assert by_code(people, handle, mailed.code, late) == Refused(0)
    assert by_link(people, mailed.token, late - timedelta(seconds=1)) is not None


def test_a_code_is_dead_after_five_wrong_tries_and_the_link_lives(people: Database) -> None:
    handle = ask(people)
    mailed = last_mailed(people)

    answers = [by_code(people, handle, wrong(mailed.code)) for _ in range(6)]

    assert answers == [Refused(4), Refused(3), Refused(2), Refused(1), Refused(0), Refused(0)]
    assert by_code(people, handle, mailed.code) == Refused(0)
    assert by_link(people, mailed.token) is not None


def test_a_code_of_another_browser_does_not_work(people: Database) -> None:
    ask(people)
    first = last_mailed(people)
    other_browser = ask(people, MANAGER)

    assert by_code(people, other_browser, first.code) == Refused(4)
    assert by_code(people, "made-up", first.code) == Refused(0)


def test_unknown_and_disabled_addresses_get_the_same_answers_and_no_mail(people: Database) -> None:
    with people.write() as session:
        manager = queries.viewer_of_person(session, find(session, MANAGER))
        gone = service.disable(session, manager, find(session, APPLICANT).id or 0, NOW)
    for address in ("nobody@else.example", gone.email):
        handle = ask(people, address)
        answers = [by_code(people, handle, "000000") for _ in range(5)]
        assert answers == [Refused(4), Refused(3), Refused(2), Refused(1), Refused(0)]
    assert messages(people, "sign_in") == []


def test_unknown_addresses_cost_the_same_statements(people: Database, statements) -> None:
    with statements(people) as known:
        ask(people, APPLICANT)
    with statements(people) as unknown:
        ask(people, "nobody@else.example")

    def work(seen: list[str]) -> list[str]:
        return [one.split()[0] for one in seen if not one.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK"))]

    assert work(unknown) == work(known)


def test_a_person_disabled_meanwhile_is_not_signed_in(people: Database) -> None:
    ask(people)
    mailed = last_mailed(people)
    with people.write() as session:
        find(session, APPLICANT).disabled_at = NOW

    assert by_link(people, mailed.token) is None


def test_who_would_be_signed_in_can_be_seen_without_using_the_link_up(people: Database) -> None:
    ask(people)
    token = last_mailed(people).token

    def behind(now=NOW, token: str = token) -> str | None:
        with people.read() as session:
            person = sign_in.person_behind(session, token, now)
            return person and person.name

    assert [behind(), behind(), behind(token="made-up"), behind(NOW + 15 * MINUTE)] == [
        "Amina",
        "Amina",
        None,
        None,
    ]
    by_link(people, token)
    assert behind() is None


def test_one_address_is_mailed_five_times_in_a_quarter_of_an_hour(people: Database) -> None:
    for number in range(5):
        ask(people, network=f"198.51.100.{number}")

    with pytest.raises(TooMany) as refused:
        ask(people, network="198.51.100.99")

    assert refused.value.retry_after == 15 * 60
    assert "15 minutes" in refused.value.message
    assert len(messages(people, "sign_in")) == 5
    ask(people, MANAGER)
    ask(people, now=NOW + 15 * MINUTE)


def test_unknown_addresses_are_held_back_just_the_same(people: Database) -> None:
    for _ in range(5):
        ask(people, "nobody@else.example")

    with pytest.raises(TooMany):
        ask(people, "nobody@else.example")


def test_one_address_is_mailed_twenty_five_times_a_day(people: Database) -> None:
    for quarter in range(5):
        for _ in range(5):
            ask(people, now=NOW + quarter * 15 * MINUTE)

    with pytest.raises(TooMany) as refused:
        ask(people, now=NOW + 75 * MINUTE)

    assert "hours" in refused.value.message


def test_one_network_asks_thirty_times_in_a_quarter_of_an_hour(people: Database) -> None:
    for number in range(30):
        ask(people, f"person{number}@city.example", network="2001:db8:1:2::1")

    with pytest.raises(TooMany):
        ask(people, "person30@city.example", network="2001:db8:1:2:ffff::9")
    ask(people, "person30@city.example", network="2001:db8:1:3::1")


def test_the_throttle_stores_no_address(people: Database) -> None:
    ask(people, network="203.0.113.5")

    with people.read() as session:
        keys = " ".join(row.key for row in session.exec(select(Throttle)))

    assert [text for text in (APPLICANT, "amina", "203.0.113") if text in keys] == []


@pytest.mark.parametrize(
    ("wanted", "leads_to"),
    [
        ("/applications/PIF-1?tab=mail#top", "/applications/PIF-1?tab=mail#top"),
        ("/", "/"),
        ("", "/"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("///evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("\\\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("/\n/evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("applications", "/"),
        ("/sign-in?next=/", "/"),
        ("/sign-out", "/"),
        ("/" + "x" * 600, "/"),
    ],
)
def test_signing_in_never_leads_to_another_site(wanted: str, leads_to: str) -> None:
    assert sign_in.local_path(wanted) == leads_to


def test_a_new_address_makes_links_to_the_old_one_worthless(people: Database) -> None:
    ask(people)
    mailed = last_mailed(people)
    with people.write() as session:
        person = find(session, APPLICANT)
        manager = queries.viewer_of_person(session, find(session, MANAGER))
        draft = service.PersonDraft("new@kano.example", person.name)
        service.change_person(session, manager, person.id or 0, draft, NOW)

    assert by_link(people, mailed.token) is None


def test_old_links_counts_and_browsers_are_forgotten(people: Database, clock: FixedClock) -> None:
    handle = ask(people)
    by_code(people, handle, last_mailed(people).code)

    def left(now) -> tuple[int, int, int]:
        with people.write() as session:
            service.prune(session, now)
        with people.read() as session:
            return tuple(
                len(session.exec(select(table)).all()) for table in (SignInCode, Throttle, SignInSession)
            )

    assert left(NOW + timedelta(hours=23)) == (1, 3, 1)
    assert left(NOW + timedelta(days=3)) == (0, 0, 1)
    assert left(NOW + timedelta(days=61)) == (0, 0, 0)


def test_a_browser_that_signs_in_again_leaves_its_old_session(people: Database) -> None:
    ask(people)
    first = by_link(people, last_mailed(people).token)
    ask(people)
    with people.write() as session:
        again = sign_in.use_link(
            session, last_mailed(people).token, NOW, Browser("Firefox", held=first.token)
        )

    assert (viewer(people, first.token).signed_in, viewer(people, again.token).signed_in) == (False, True)


def test_two_at_once_with_one_link_are_one_session(people: Database, at_once) -> None:
    ask(people)
    mailed: Mailed = last_mailed(people)

    entered = at_once(8, lambda: by_link(people, mailed.token))

    assert sum(one is not None for one in entered) == 1


def test_many_at_once_get_five_tries_together(people: Database, at_once) -> None:
    handle = ask(people)
    mailed = last_mailed(people)

    answers = at_once(12, lambda: by_code(people, handle, wrong(mailed.code)))

    assert sorted(answer.tries_left for answer in answers)[-5:] == [0, 1, 2, 3, 4]
    with people.read() as session:
        assert session.exec(select(SignInCode.attempts)).one() == 5


def test_many_at_once_are_counted_one_by_one(people: Database, at_once) -> None:
    def once() -> bool:
        try:
            ask(people)
        except TooMany:
            return False
        return True

    assert sum(at_once(12, once)) == 5


def test_a_code_that_was_forgotten_does_not_silence_a_later_one(db):
    """Databases give the number of a removed row again; the mail of the new one still goes out."""
    make_manager(db)
    for day in (0, 40):
        with db.write() as session:
            now = NOW + timedelta(days=day)
            session.execute(delete(SignInCode))
            sign_in.ask_to_sign_in(session, MANAGER, "/", now)
    with db.read() as session:
        assert len(session.exec(select(Message).where(Message.kind == "sign_in")).all()) == 2
