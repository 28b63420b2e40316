"""Every error as a page and as a problem document."""

import logging
import re

import pytest

FORM = {"title": "A title that took some time to write", "version": "3"}


@pytest.mark.parametrize(
    ("what", "status", "title"),
    [
        ("missing", 404, "Not found"),
        ("forbidden", 403, "You may not do this"),
        ("conflict", 409, "Changed by somebody else"),
        ("refused", 409, "Not possible now"),
        ("invalid", 422, "There is a problem"),
        ("toomany", 429, "Too many tries"),
        ("broken", 500, "Something went wrong on our side"),
    ],
)
def test_an_error_is_a_page_for_people_and_a_problem_for_programs(client, what, status, title):
    page, problem = client.get(f"/fail/{what}"), client.get(f"/api/v1/fail/{what}")
    assert page.status_code == problem.status_code == status
    assert title in re.search(r"<title>(.*?)</title>", page.text, re.DOTALL).group(1)
    assert page.text.count("<h1>") == 1
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.json()["title"] == title
    assert problem.json()["status"] == status
    assert problem.json()["instance"] == f"/api/v1/fail/{what}"


def test_a_problem_names_what_is_wrong(client):
    assert client.get("/api/v1/fail/invalid").json()["errors"] == {"title": "Enter the title of the project"}
    assert client.get("/api/v1/fail/refused").json()["reasons"] == ["Two reviews must be submitted; one is."]
    assert client.get("/api/v1/fail/missing").json() == {
        "type": "about:blank",
        "title": "Not found",
        "status": 404,
        "detail": "There is nothing at this address, or it is not open to you.",
        "instance": "/api/v1/fail/missing",
    }


@pytest.mark.parametrize("path", ["/fail/toomany", "/api/v1/fail/toomany"])
def test_too_many_tries_says_how_long_to_wait(client, path):
    assert client.get(path).headers["retry-after"] == "600"


@pytest.mark.parametrize("path", ["/fail/broken", "/api/v1/fail/broken"])
def test_what_nobody_expected_shows_a_number_that_is_in_the_log_and_no_secret(client, caplog, path):
    with caplog.at_level(logging.ERROR):
        answer = client.get(path)
    reference = re.search(r"\b[0-9A-F]{8}\b", answer.text).group(0)
    assert f"error {reference}: GET {path}" in caplog.text
    assert "the secret inside of the machine" in caplog.text
    assert "secret" not in answer.text


def test_even_without_knowing_who_looks_there_is_a_page(clients, caplog):
    client = clients()
    client.app.state.fund.identify = lambda request: 1 / 0
    answer = client.get("/plain")
    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.text
    assert "division by zero" in caplog.text


def test_an_unknown_address_looks_like_one_that_is_not_open(client):
    unknown, closed = client.get("/fail/missing"), client.get("/nowhere")
    assert unknown.status_code == closed.status_code == 404
    assert unknown.text == closed.text


def test_an_odd_number_in_an_address_is_not_found(client):
    assert client.get("/numbers/twelve").status_code == 404
    assert client.get("/numbers/12").json() == {"number": 12}


def test_a_wrong_method_says_which_are_right(client):
    answer = client.post("/plain")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert "Not possible here" in answer.text


def test_the_api_names_each_wrong_field(client):
    answer = client.post("/api/v1/things", json={"amount": "lots"})
    assert answer.status_code == 422
    errors = answer.json()["errors"]
    assert errors["name"] == "Fill this in"
    assert "valid integer" in errors["amount"]


def test_a_body_that_is_no_json_is_a_problem(client):
    answer = client.post("/api/v1/things", content="{", headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


def test_who_is_not_signed_in_goes_to_sign_in_and_comes_back(client):
    answer = client.get("/whole?tab=2&x=å")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=/whole%3Ftab%3D2%26x%3D%25C3%25A5"


def test_the_api_asks_for_a_token(client):
    answer = client.get("/api/v1/me")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="fund"')
    assert answer.json()["title"] == "Sign in first"


def test_what_was_typed_survives_the_end_of_a_session(client, clients):
    answer = client.post("/signed-in", data=FORM | {"summary": "Two\nlines & <marks>"})
    assert answer.status_code == 401
    assert 'href="/sign-in?next=/"' in answer.text
    again = re.findall(r'<textarea hidden name="(\w+)">\n(.*?)</textarea>', answer.text, re.DOTALL)
    assert again == [
        ("title", FORM["title"]),
        ("version", "3"),
        ("summary", "Two\nlines &amp; &lt;marks&gt;"),
    ]
    assert clients("amina").post("/signed-in", data=FORM).json() == {"title": FORM["title"]}


@pytest.mark.parametrize("what", ["conflict", "refused", "invalid"])
def test_what_was_typed_can_be_copied_from_the_page_of_a_refusal(client, what):
    answer = client.post(f"/fail/{what}", data=FORM, headers={"Referer": "http://testserver/plain?x=1"})
    assert FORM["title"] in answer.text
    assert "It was not saved." in answer.text
    assert 'href="/plain?x=1"' in answer.text


@pytest.mark.parametrize("referer", ["https://evil.example/x", "javascript:alert(1)", ""])
def test_the_way_back_never_leads_elsewhere(client, referer):
    answer = client.post("/fail/conflict", data=FORM, headers={"Referer": referer})
    assert 'href="/fail/conflict"' in answer.text
    assert "evil" not in answer.text
    assert "javascript" not in answer.text


@pytest.mark.parametrize(("who", "status"), [("", 303), ("amina", 403), ("reviewer", 403), ("manager", 200)])
def test_a_managers_page_is_for_managers(clients, who, status):
    assert clients(who).get("/managers").status_code == status


@pytest.mark.parametrize(("who", "status"), [("", 303), ("amina", 403), ("manager", 403), ("reviewer", 200)])
def test_a_reviewers_page_is_for_reviewers(clients, who, status):
    assert clients(who).get("/reviewers").status_code == status


def test_an_endpoint_gets_all_that_it_asks_for(clients):
    answer = clients("amina").get("/whole").json()
    assert answer == {
        "who": "Amina Example",
        "now": "2021-09-21T08:00:00Z",
        "fund": "Peace Incentive Fund",
        "open": True,
    }


def test_too_many_fields_are_refused(client):
    answer = client.post("/save", data={f"field{number}": "x" for number in range(1001)})
    assert answer.status_code == 400
    assert "could not be read" in answer.text
