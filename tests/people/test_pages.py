"""Pages as a browser gets them: signing in, the account, people and members."""

from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from fund.base.clock import FixedClock
from fund.base.database import Database
from fund.base.permissions import Viewer
from fund.people import queries, tokens
from fund.people.fields import MemberDraft
from schema.outbox import Message
from tests.people.support import (
    APPLICANT,
    MANAGER,
    NOW,
    find,
    last_mailed,
    make_manager,
    make_member,
    make_person,
    messages,
)
from tests.support.doors import Doors, hidden, shown
from tests.support.loop import quick


@pytest.fixture
def db(sqlite_db: Database) -> Database:
    """One database is enough for pages: what lies below them is tested on both."""
    return sqlite_db


@pytest.fixture
def manager(db: Database) -> Viewer:
    return make_manager(db)


@pytest.fixture
def amina(db: Database, manager: Viewer) -> Viewer:
    return make_person(db, manager, members=frozenset({make_member(db, manager).id}))


@pytest.fixture
def doors(db: Database, clock: FixedClock, amina: Viewer) -> Doors:
    return Doors(db, clock)


def ask(client: TestClient, email: str = APPLICANT, next_path: str = "/") -> None:
    answer = client.post("/sign-in", data={"email": email, "next": next_path})
    assert answer.status_code == 303, shown(answer.text)


def is_signed_in(client: TestClient) -> bool:
    return client.get("/account").status_code == 200


def test_by_link_from_the_page_that_was_asked_for_and_back(doors: Doors) -> None:
    client = doors.browser()
    first = client.get("/account")
    assert (first.status_code, first.headers["location"]) == (303, "/sign-in?next=/account")
    page = client.get(first.headers["location"])
    ask(client, next_path=hidden(page.text, "next"))
    link = messages(doors.db)[-1].path

    opened = client.get(link)
    assert "Sign in as Amina" in shown(opened.text)
    assert not is_signed_in(client), "opening is not signing in: mail scanners open links"
    entered = client.post(link)

    assert (entered.status_code, entered.headers["location"]) == (303, "/account")
    assert is_signed_in(client)


def test_a_link_works_in_any_browser_and_once(doors: Doors) -> None:
    ask(doors.browser())
    link = messages(doors.db)[-1].path
    other, third = doors.browser(), doors.browser()

    assert other.post(link).status_code == 303
    assert is_signed_in(other)
    assert [third.get(link).status_code, third.post(link).status_code] == [410, 410]
    assert not is_signed_in(third)
    assert "You are signed in already, as Amina" in shown(other.get(link).text)


def test_by_code_in_the_browser_that_asked(doors: Doors) -> None:
    client, other = doors.browser(), doors.browser()
    ask(client, next_path="/account")
    code = last_mailed(doors.db).code
    assert APPLICANT in shown(client.get("/sign-in/sent").text)

    elsewhere = other.post("/sign-in/sent", data={"code": code})
    entered = client.post("/sign-in/sent", data={"code": code})

    assert (elsewhere.status_code, is_signed_in(other)) == (422, False)
    assert (entered.status_code, entered.headers["location"]) == (303, "/account")
    assert is_signed_in(client)
    assert client.get("/sign-in/sent").headers["location"] == "/sign-in?next=/", (
        "the browser forgot the handle"
    )


def test_wrong_codes_are_counted_in_words_and_kept(doors: Doors) -> None:
    client = doors.browser()
    ask(client)
    wrong = "000000" if last_mailed(doors.db).code != "000000" else "111111"

    half = client.post("/sign-in/sent", data={"code": "12 3", "next": "/account"})
    tries = [client.post("/sign-in/sent", data={"code": wrong}) for _ in range(5)]

    assert half.status_code == 422
    assert 'value="12 3"' in half.text
    assert "Enter the six digits from the email" in shown(half.text)
    assert [page.status_code for page in tries] == [422] * 5
    assert "You have 4 more tries." in shown(tries[0].text)
    assert "You have 1 more try." in shown(tries[3].text)
    assert "This code no longer works." in shown(tries[4].text)


def test_after_fifteen_minutes_one_asks_again(doors: Doors, clock: FixedClock) -> None:
    client = doors.browser()
    ask(client)
    mailed = last_mailed(doors.db)
    clock.advance(timedelta(minutes=15))

    assert client.post(f"/sign-in/{mailed.token}").status_code == 410
    assert "Ask for a new email" in shown(client.get(f"/sign-in/{mailed.token}").text)
    assert client.post("/sign-in/sent", data={"code": mailed.code}).status_code == 422
    assert not is_signed_in(client)


def test_an_unknown_address_is_told_the_same(doors: Doors) -> None:
    known, unknown = doors.browser(), doors.browser()
    answers = []
    for client, email in ((known, APPLICANT), (unknown, "somebody@kano.example")):
        sent = client.post("/sign-in", data={"email": email, "next": "/account"})
        page = client.get(sent.headers["location"]).text.replace(email, "")
        wrong = client.post("/sign-in/sent", data={"code": "000000"}).text.replace(email, "")
        answers.append((sent.status_code, sent.headers["location"], shown(page), shown(wrong)))

    assert answers[0] == answers[1]
    assert len(messages(doors.db)) == 1


def test_a_wrong_address_is_shown_again_with_what_to_do(doors: Doors) -> None:
    for email in ("", "amina", "a b@kano.example", "<script>alert(1)</script>"):
        answer = doors.browser().post("/sign-in", data={"email": email, "next": "/account"})
        assert answer.status_code == 422
        assert "Error: Sign in" in answer.text
        assert 'href="#email"' in answer.text
        assert hidden(answer.text, "next") == "/account"
        assert "<script>alert" not in answer.text


def test_too_many_mails_are_refused_in_words(doors: Doors) -> None:
    client = doors.browser()
    for _ in range(5):
        ask(client)

    answer = client.post("/sign-in", data={"email": APPLICANT})

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "900")
    assert "Wait 15 minutes" in shown(answer.text)
    assert f'value="{APPLICANT}"' in answer.text


def test_no_way_in_leads_to_another_site(doors: Doors) -> None:
    for evil in ("//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example"):
        client = doors.browser()
        assert hidden(client.get("/sign-in", params={"next": evil}).text, "next") == "/"
        ask(client, next_path=evil)
        assert "evil" not in client.get("/sign-in/sent", params={"next": evil}).text
        entered = client.post("/sign-in/sent", data={"code": last_mailed(doors.db).code, "next": evil})
        assert entered.headers["location"] == "/home"
        assert client.get("/sign-in", params={"next": evil}).headers["location"] == "/"


def test_the_cookie_over_https_is_bound_to_the_host(db: Database, clock: FixedClock, amina: Viewer) -> None:
    plain, secure = Doors(db, clock), Doors(db, clock, base_url="https://fund.example")

    def cookies(doors: Doors) -> list[str]:
        client = quick(TestClient(doors.app, base_url=doors.settings.address, follow_redirects=False))
        asked = client.post("/sign-in", data={"email": APPLICANT})
        entered = client.post("/sign-in/sent", data={"code": last_mailed(db).code})
        return [*asked.headers.get_list("set-cookie"), *entered.headers.get_list("set-cookie")]

    for cookie in cookies(secure):
        assert cookie.startswith(("__Host-asked=", "__Host-session="))
        assert {"HttpOnly", "Path=/", "SameSite=lax", "Secure"} <= set(cookie.split("; "))
        assert "Domain" not in cookie
    for cookie in cookies(plain):
        assert cookie.startswith(("asked=", "session="))
        assert "Secure" not in cookie


def test_a_broken_cookie_is_no_cookie(doors: Doors) -> None:
    client = doors.browser()
    for cookie in ("", ".", "x", "x.%%%", "é.é", "a.b.c", "." * 3000):
        headers = {"Cookie": f"asked={cookie}; session={cookie}".encode()}
        assert client.get("/sign-in/sent", headers=headers).status_code in (200, 303)
        assert client.post("/sign-in/sent", data={"code": "123456"}, headers=headers).status_code == 422
        assert client.get("/account", headers=headers).status_code == 303


def test_another_site_cannot_sign_anybody_in_or_out(doors: Doors, amina: Viewer) -> None:
    client = doors.browser(amina)
    ask(doors.browser())
    link = messages(doors.db)[-1].path
    from_elsewhere = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}

    answers = [
        client.post(path, headers=from_elsewhere).status_code for path in (link, "/sign-out", "/account")
    ]

    assert answers == [403, 403, 403]
    assert is_signed_in(client)


def test_a_session_slides_and_ends(doors: Doors, amina: Viewer, clock: FixedClock) -> None:
    client = doors.browser(amina)
    for _ in range(3):
        clock.advance(timedelta(days=20))
        assert is_signed_in(client)
    clock.advance(timedelta(days=30))

    assert not is_signed_in(client)


def test_being_used_is_written_once_in_ten_minutes(
    doors: Doors, amina: Viewer, clock: FixedClock, statements
) -> None:
    client = doors.browser(amina)

    def writes() -> int:
        with statements(doors.db) as seen:
            client.get("/account")
        return sum(one.startswith("UPDATE") for one in seen)

    clock.advance(timedelta(minutes=10))
    assert [writes(), writes()] == [1, 0]


def test_signing_out_ends_the_session_and_not_only_the_cookie(doors: Doors, amina: Viewer) -> None:
    client = doors.browser(amina)
    kept = client.cookies["session"]

    left = client.post("/sign-out")

    assert (left.status_code, left.headers["location"]) == (303, "/")
    assert 'session=""; ' in left.headers["set-cookie"]
    client.cookies.set("session", kept)
    assert not is_signed_in(client)
    assert doors.browser().post("/sign-out").status_code == 303


def test_signed_out_in_the_middle_the_text_is_kept_and_can_be_sent_again(doors: Doors, amina: Viewer) -> None:
    client = doors.browser(amina)
    client.cookies.set("session", "ended")
    typed = {"name": "Amina Binta Yusuf & sons", "locale": "en", "zone": "Africa/Lagos"}

    answer = client.post("/account", data=typed)

    assert answer.status_code == 401
    assert "Nothing that you typed is lost" in shown(answer.text)
    assert "Amina Binta Yusuf &amp; sons" in answer.text
    client.cookies.set("session", doors.cookie(amina))
    assert client.post("/account", data=typed).status_code == 303
    assert 'value="Amina Binta Yusuf &amp; sons"' in client.get("/account").text


def test_one_changes_ones_own_details(doors: Doors, amina: Viewer) -> None:
    client = doors.browser(amina)

    wrong = client.post("/account", data={"name": "", "locale": "en", "zone": "Mars/Base"})
    right = client.post("/account", data={"name": "Amina Yusuf", "locale": "en", "zone": "Europe/Brussels"})

    assert wrong.status_code == 422
    assert 'href="#name"' in wrong.text
    assert 'href="#zone"' in wrong.text
    assert right.headers["location"] == "/account"
    page = client.get("/account").text
    assert "Your details are saved." in page
    assert 'value="Amina Yusuf"' in page
    assert '<option value="Europe/Brussels" selected>' in page


def test_one_browser_is_signed_out_from_another(doors: Doors, amina: Viewer, manager: Viewer) -> None:
    phone, laptop, stranger = doors.browser(amina), doors.browser(amina), doors.browser(manager)
    with doors.db.read() as session:
        mine = queries.viewer_of_session(session, phone.cookies["session"], NOW).session_id
    address = f"/account/browsers/{mine}/sign-out"

    assert stranger.post(address).status_code == 404
    assert is_signed_in(phone)
    assert laptop.post(address).headers["location"] == "/account"
    assert not is_signed_in(phone)
    assert laptop.post(address).status_code == 404
    assert laptop.post("/account/browsers/99999999999999999999/sign-out").status_code == 404


def test_everywhere_is_signed_out_at_once(doors: Doors, amina: Viewer, manager: Viewer) -> None:
    phone, laptop, other = doors.browser(amina), doors.browser(amina), doors.browser(manager)

    left = laptop.post("/account/sign-out-everywhere")

    assert left.headers["location"] == "/"
    assert [is_signed_in(client) for client in (phone, laptop, other)] == [False, False, True]


def test_a_token_is_shown_once_and_can_be_revoked(doors: Doors, amina: Viewer, manager: Viewer) -> None:
    client = doors.browser(amina)

    unnamed = client.post("/account/tokens", data={"label": " "})
    made = client.post("/account/tokens", data={"label": "Spreadsheet <3"})
    token = made.text.split("readonly", 1)[1].split("\n", 1)[1].split("</textarea>", 1)[0]

    assert unnamed.status_code == 422
    assert 'href="#label"' in unnamed.text
    assert 'value="Amina"' in unnamed.text
    assert made.headers["cache-control"] == "no-store"
    with doors.db.read() as session:
        assert queries.viewer_of_token(session, token, NOW).email == APPLICANT
        (row,) = queries.api_tokens(session, amina.person_id)
    listed = client.get("/account").text
    assert token not in listed
    assert "Spreadsheet &lt;3" in listed
    assert doors.browser(manager).post(f"/account/tokens/{row.id}/revoke").status_code == 404
    assert client.post(f"/account/tokens/{row.id}/revoke").status_code == 303
    assert "Spreadsheet" not in client.get("/account").text


def test_pages_take_no_bearer_token(doors: Doors, amina: Viewer) -> None:
    with doors.db.write() as session:
        token = tokens.create_token(session, APPLICANT, "test", NOW)
    client = doors.browser()

    assert client.get("/account", headers={"Authorization": f"Bearer {token}"}).status_code == 303


DIRECTORY = [
    ("GET", "/people"),
    ("GET", "/people/new"),
    ("POST", "/people/new"),
    ("GET", "/people/1"),
    ("POST", "/people/1"),
    ("POST", "/people/1/disable"),
    ("POST", "/people/1/enable"),
    ("GET", "/members"),
    ("GET", "/members/new"),
    ("POST", "/members/new"),
    ("GET", "/members/peace-initiative"),
    ("POST", "/members/peace-initiative"),
]


def test_the_directory_is_for_managers(doors: Doors, amina: Viewer) -> None:
    stranger, applicant = doors.browser(), doors.browser(amina)

    for method, path in DIRECTORY:
        assert stranger.request(method, path).status_code == (303 if method == "GET" else 401), path
        assert applicant.request(method, path).status_code == 403, path


def test_a_manager_adds_a_person_who_is_invited(doors: Doors, manager: Viewer, amina: Viewer) -> None:
    client = doors.browser(manager)
    (member_id,) = amina.member_ids

    added = client.post(
        "/people/new",
        data={"name": "Bala", "email": "Bala@kano.example", "member": str(member_id), "roles": ["reviewer"]},
    )

    assert (added.status_code, added.headers["location"]) == (303, "/people")
    page = shown(client.get("/people").text)
    assert "The person is added. An email tells them how to sign in." in page
    assert "Bala bala@ kano.example Reviewer Peace Initiative" in page
    with doors.db.read() as session:
        invited: Message = messages(doors.db)[-1]
        assert (invited.template, invited.person_id) == ("invited", find(session, "bala@kano.example").id)


def test_what_is_wrong_with_a_person_stands_beside_the_field(
    doors: Doors, manager: Viewer, amina: Viewer
) -> None:
    client = doors.browser(manager)
    (member_id,) = amina.member_ids
    typed = {"name": "", "email": APPLICANT, "member": str(member_id), "roles": ["auditor", "reviewer"]}

    nameless = client.post("/people/new", data=typed)
    taken = client.post("/people/new", data=typed | {"name": "Other"})
    nowhere = client.post(
        "/people/new", data=typed | {"name": "Other", "email": "o@kano.example", "member": "77"}
    )

    assert [page.status_code for page in (nameless, taken, nowhere)] == [422, 422, 422]
    assert 'id="name-error"' in nameless.text
    assert f'value="{APPLICANT}"' in nameless.text
    assert nameless.text.count(" checked") == 2
    assert f'<option value="{member_id}" selected>' in nameless.text
    assert 'id="email-error"' in taken.text
    assert "Somebody with this email address is there already" in shown(taken.text)
    assert 'id="member-error"' in nowhere.text


def test_a_manager_changes_a_person(doors: Doors, manager: Viewer, amina: Viewer) -> None:
    client = doors.browser(manager)
    cali = make_member(doors.db, manager, MemberDraft("City of Cali", "city", "Cali", "Colombia"))
    (kano,) = amina.member_ids
    address = f"/people/{amina.person_id}"
    assert f'value="{kano}" checked' in client.get(address).text

    both = {"name": "Amina", "email": APPLICANT, "members": [str(kano)], "member": str(cali.id)}
    assert client.post(address, data=both).headers["location"] == address
    page = client.get(address).text
    assert page.count(" checked") == 2
    assert "The person is saved." in page
    client.post(address, data={"name": "Amina", "email": APPLICANT})

    with doors.db.read() as session:
        assert queries.person(session, amina.person_id).members == ()


def test_the_last_manager_is_told_why_not(doors: Doors, manager: Viewer) -> None:
    client = doors.browser(manager)
    address = f"/people/{manager.person_id}"

    robbed = client.post(address, data={"name": "Mara", "email": MANAGER})
    ended = client.post(f"{address}/disable")

    for page, field in ((robbed, "roles"), (ended, "person")):
        assert page.status_code == 422
        assert f'href="#{field}"' in page.text
        assert "Make somebody else a manager first." in shown(page.text)
    assert is_signed_in(client)


def test_access_ends_at_once_and_comes_back(doors: Doors, manager: Viewer, amina: Viewer) -> None:
    client, hers = doors.browser(manager), doors.browser(amina)
    address = f"/people/{amina.person_id}"

    assert client.post(f"{address}/disable").headers["location"] == address
    assert not is_signed_in(hers)
    assert "Cannot sign in since:" in shown(client.get(address).text)
    assert client.post(f"{address}/enable").headers["location"] == address
    assert "End their access" in shown(client.get(address).text)


def test_a_change_of_roles_counts_from_the_next_request(doors: Doors, manager: Viewer, amina: Viewer) -> None:
    client, hers = doors.browser(manager), doors.browser(amina)
    address = f"/people/{amina.person_id}"
    assert hers.get("/people").status_code == 403

    client.post(address, data={"name": "Amina", "email": APPLICANT, "roles": ["manager"]})
    assert hers.get("/people").status_code == 200
    client.post(address, data={"name": "Amina", "email": APPLICANT})
    assert hers.get("/people").status_code == 403


def test_people_are_searched_by_links(doors: Doors, manager: Viewer, amina: Viewer) -> None:
    client = doors.browser(manager)

    assert "1 person" in shown(client.get("/people?q=AMINA").text)
    assert "1 person" in shown(client.get("/people?role=manager").text)
    assert "Nobody found" in shown(client.get("/people?q=zzz").text)


def test_a_manager_adds_and_changes_a_member(doors: Doors, manager: Viewer) -> None:
    client = doors.browser(manager)
    typed = {
        "name": "City of Guadalajara",
        "kind": "city",
        "city": "Guadalajara",
        "country": "Mexico",
        "zone": "",
    }

    wrong = client.post("/members/new", data=typed)
    added = client.post("/members/new", data=typed | {"zone": "America/Mexico_City"})

    assert wrong.status_code == 422
    assert "Choose the time zone: Mexico has several" in shown(wrong.text)
    assert 'value="city" checked' in wrong.text
    assert '<option value="Mexico" selected>' in wrong.text
    address = "/members/city-of-guadalajara"
    assert added.headers["location"] == address
    assert "Nobody yet" in shown(client.get(address).text)
    assert client.post(address, data=typed | {"name": ""}).status_code == 422
    renamed = client.post(address, data=typed | {"zone": "America/Mexico_City", "name": "Guadalajara"})
    assert renamed.headers["location"] == address
    listed = shown(client.get("/members").text)
    assert "Guadalajara City Guadalajara, Mexico Nobody yet" in listed
    assert "Peace Initiative Organisation Kano, Nigeria Amina" in listed
