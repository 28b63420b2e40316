"""The JSON API of this room: the same services, refused with problem documents, truly described."""

import pytest

from fund.base.clock import FixedClock
from fund.base.database import Database
from fund.base.permissions import Viewer
from tests.people.support import APPLICANT, MANAGER, make_manager, make_member, make_person, messages
from tests.support.doors import Doors

PROBLEM = "application/problem+json"
KANO = {
    "slug": "peace-initiative",
    "name": "Peace Initiative",
    "kind": "organisation",
    "city": "Kano",
    "country": "Nigeria",
    "country_code": "NG",
    "zone": "Africa/Lagos",
    "joined_at": "2021-09-21T08:00:00Z",
}
CALI = {"name": "City of Cali", "kind": "city", "city": "Cali", "country": "Colombia"}


@pytest.fixture
def manager(db: Database) -> Viewer:
    return make_manager(db)


@pytest.fixture
def amina(db: Database, manager: Viewer) -> Viewer:
    return make_person(db, manager, members=frozenset({make_member(db, manager).id}))


@pytest.fixture
def doors(db: Database, clock: FixedClock, amina: Viewer) -> Doors:
    return Doors(db, clock)


def test_a_token_tells_whose_it_is(doors: Doors, amina: Viewer) -> None:
    answer = doors.program(amina).get("/api/v1/me")

    assert answer.status_code == 200
    assert answer.json() == {
        "id": amina.person_id,
        "email": APPLICANT,
        "name": "Amina",
        "locale": "en",
        "zone": "Africa/Lagos",
        "roles": [],
        "members": ["peace-initiative"],
        "disabled_at": None,
    }


def test_without_a_token_the_answer_says_how(doors: Doors) -> None:
    answer = doors.browser().get("/api/v1/me")

    assert (answer.status_code, answer.headers["content-type"]) == (401, PROBLEM)
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["title"] == "Sign in first"


def test_a_wrong_token_is_nobody_even_beside_a_cookie(doors: Doors, amina: Viewer) -> None:
    client = doors.browser(amina)

    def status(header: str) -> int:
        return client.get("/api/v1/me", headers={"Authorization": header}).status_code

    assert [status(header) for header in ("Bearer pif_made-up", "Bearer", "bearer  x")] == [401, 401, 401]
    assert status("Basic YTpi") == 200


def test_the_cookie_serves_the_api_too(doors: Doors, amina: Viewer) -> None:
    assert doors.browser(amina).get("/api/v1/me").json()["email"] == APPLICANT


def test_one_changes_oneself(doors: Doors, amina: Viewer) -> None:
    program = doors.program(amina)

    right = program.put("/api/v1/me", json={"name": "Amina Yusuf", "locale": "en", "zone": "Europe/Brussels"})
    wrong = program.put("/api/v1/me", json={"name": "", "locale": "xx", "zone": "Mars"})

    assert (right.json()["name"], right.json()["zone"]) == ("Amina Yusuf", "Europe/Brussels")
    assert (wrong.status_code, wrong.headers["content-type"]) == (422, PROBLEM)
    assert sorted(wrong.json()["errors"]) == ["locale", "name", "zone"]


def test_tokens_are_made_listed_and_revoked(doors: Doors, amina: Viewer, manager: Viewer) -> None:
    program = doors.program(amina)

    made = program.post("/api/v1/tokens", json={"label": "Sheet"}).json()
    listed = program.get("/api/v1/tokens").json()
    with_it = doors.browser().get("/api/v1/me", headers={"Authorization": f"Bearer {made['token']}"})

    assert made["token"].startswith("pif_")
    assert [one["label"] for one in listed] == ["Sheet", "test"]
    assert all("token" not in one for one in listed)
    assert with_it.status_code == 200
    address = f"/api/v1/tokens/{made['id']}"
    assert doors.program(manager).delete(address).status_code == 404
    assert [program.delete(address).status_code for _ in range(2)] == [204, 404]
    assert program.post("/api/v1/tokens", json={"label": " "}).json()["errors"].keys() == {"label"}


def test_a_manager_reads_and_writes_members(doors: Doors, manager: Viewer) -> None:
    program = doors.program(manager)

    added = program.post("/api/v1/members", json=CALI)
    changed = program.put("/api/v1/members/city-of-cali", json=CALI | {"name": "Cali"})
    listed = program.get("/api/v1/members").json()

    assert (added.status_code, added.json()["zone"]) == (201, "America/Bogota")
    assert (changed.json()["slug"], changed.json()["name"]) == ("city-of-cali", "Cali")
    assert [one["slug"] for one in listed["items"]] == ["city-of-cali", "peace-initiative"]
    assert (listed["total"], listed["page"], listed["pages"]) == (2, 1, 1)
    assert program.get("/api/v1/members?page=2").json()["items"] == []
    assert program.get("/api/v1/members/peace-initiative").json() == KANO


def test_a_manager_reads_and_writes_people(doors: Doors, manager: Viewer) -> None:
    program = doors.program(manager)
    bala = {
        "email": "Bala@kano.example",
        "name": "Bala",
        "roles": ["reviewer"],
        "members": ["peace-initiative"],
    }

    added = program.post("/api/v1/people", json=bala)
    address = f"/api/v1/people/{added.json()['id']}"
    changed = program.put(address, json=bala | {"roles": ["auditor"], "members": []})

    assert added.status_code == 201
    assert added.json() | {"id": 0} == {
        "id": 0,
        "email": "bala@kano.example",
        "name": "Bala",
        "locale": "en",
        "zone": "Africa/Lagos",
        "roles": ["reviewer"],
        "members": ["peace-initiative"],
        "disabled_at": None,
    }
    assert [message.template for message in messages(doors.db)] == ["invited"]
    assert (changed.json()["roles"], changed.json()["members"]) == (["auditor"], [])
    assert program.get(address).json() == changed.json()
    assert program.post(f"{address}/disable").json()["disabled_at"] == "2021-09-21T08:00:00Z"
    assert program.post(f"{address}/enable").json()["disabled_at"] is None


def test_people_are_listed_page_by_page(doors: Doors, manager: Viewer) -> None:
    program = doors.program(manager)
    for number in range(60):
        make_person(doors.db, manager, f"p{number}@kano.example", f"Person {number:02}")

    first, second, third = (program.get(f"/api/v1/people?page={page}").json() for page in (1, 2, 3))

    assert [len(page["items"]) for page in (first, second, third)] == [50, 12, 0]
    assert {(page["total"], page["pages"]) for page in (first, second, third)} == {(62, 2)}
    assert [one["email"] for one in program.get("/api/v1/people?role=manager").json()["items"]] == [MANAGER]
    assert program.get("/api/v1/people?q=amina").json()["total"] == 1


WRONG: list[tuple[str, str, dict | None, set[str]]] = [
    ("POST", "/people", {}, {"email", "name"}),
    ("POST", "/people", {"email": "x", "name": "\x00"}, {"email", "name"}),
    ("POST", "/people", {"email": APPLICANT, "name": "Other"}, {"email"}),
    ("POST", "/people", {"email": "b@kano.example", "name": "B", "roles": ["king"]}, {"roles.0"}),
    ("POST", "/people", {"email": "b@kano.example", "name": "B", "members": ["nowhere"]}, {"members"}),
    ("POST", "/people", {"email": "b@kano.example", "name": "B", "members": ["a\x00"]}, {"members.0"}),
    ("POST", "/people", {"email": "b@kano.example", "name": "B", "admin": True}, {"admin"}),
    ("PUT", "/people/1", {"email": MANAGER, "name": "Mara"}, {"roles"}),
    ("POST", "/people/1/disable", None, {"person"}),
    ("POST", "/members", CALI | {"country": "Atlantis"}, {"country"}),
    ("POST", "/members", CALI | {"country": "Mexico"}, {"zone"}),
    ("POST", "/members", CALI | {"kind": "village"}, {"kind"}),
    ("GET", "/people?role=king", None, {"role"}),
    ("GET", "/people?page=0", None, {"page"}),
]


def test_what_is_wrong_is_told_by_field_and_changes_nothing(doors: Doors, manager: Viewer) -> None:
    program = doors.program(manager)
    before = program.get("/api/v1/people").json()

    for method, path, body, fields in WRONG:
        answer = program.request(method, f"/api/v1{path}", json=body)
        assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM), (path, body)
        assert set(answer.json()["errors"]) == fields

    assert program.get("/api/v1/people").json() == before


def test_the_directory_is_for_managers(doors: Doors, amina: Viewer) -> None:
    stranger, applicant = doors.browser(), doors.program(amina)
    paths = [
        ("GET", "/people"),
        ("POST", "/people"),
        ("GET", "/people/1"),
        ("PUT", "/people/1"),
        ("POST", "/people/1/disable"),
        ("POST", "/people/1/enable"),
        ("GET", "/members"),
        ("POST", "/members"),
        ("GET", "/members/peace-initiative"),
        ("PUT", "/members/peace-initiative"),
    ]
    person = {"email": "b@kano.example", "name": "B"}

    for method, path in paths:
        body = None if method == "GET" else person if "people" in path else CALI
        answers = [client.request(method, f"/api/v1{path}", json=body) for client in (stranger, applicant)]
        assert [answer.status_code for answer in answers] == [401, 403], path
        assert {answer.headers["content-type"] for answer in answers} == {PROBLEM}


def test_what_does_not_exist_is_not_found(doors: Doors, manager: Viewer) -> None:
    program = doors.program(manager)
    for path in (
        "/people/999",
        "/people/0",
        "/people/x",
        "/people/9999999999999",
        "/members/no",
        "/members/%00",
    ):
        assert program.get(f"/api/v1{path}").status_code == 404, path
    assert program.put("/api/v1/members/no", json=CALI).status_code == 404
    assert program.put("/api/v1/people/999", json={"email": "x@y.org", "name": "X"}).status_code == 404


def test_odd_addresses_of_pages_are_not_found_and_never_break(doors: Doors, manager: Viewer) -> None:
    client = doors.browser(manager)
    people = ("/people/999", "/people/0", "/people/x", "/people/9999999999999")

    for path in (*people, "/members/no", "/members/%00", "/members/A", f"/members/{'a' * 99}"):
        assert client.get(path).status_code == 404, path
        assert client.post(path, data={"name": "x"}).status_code == 404, path
    for odd in ("page=99", "page=-1", "q=%00", "role=king%00", "q=%25"):
        assert client.get(f"/people?{odd}").status_code == 200, odd


def test_the_description_declares_what_is_answered(doors: Doors) -> None:
    paths = doors.browser().get("/api/v1/openapi.json").json()["paths"]
    declared = {
        (path, method): sorted(operation["responses"])
        for path, operations in paths.items()
        for method, operation in operations.items()
        if operation.get("tags") == ["people"]
    }

    assert declared[("/api/v1/people", "post")] == ["201", "401", "403", "422"]
    assert declared[("/api/v1/people/{person_id}", "get")] == ["200", "401", "403", "404", "422"]
    assert declared[("/api/v1/tokens/{token_id}", "delete")] == ["204", "401", "404", "422"]
    assert len(declared) == 20
    for path, operations in paths.items():
        for operation in operations.values():
            if operation.get("tags") == ["people"] and "422" in operation["responses"]:
                assert PROBLEM in operation["responses"]["422"]["content"], path
