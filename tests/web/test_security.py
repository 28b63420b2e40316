"""Headers, the cross-site rule, the size limit."""

import pytest
from starlette.datastructures import Headers

from fund.web.security import LIMIT, CrossSiteRule

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    "path", ["/plain", "/nowhere", "/api/v1/nowhere", "/fail/broken", "/static/none.css"]
)
def test_every_answer_carries_the_policy(client, path):
    headers = client.get(path).headers
    assert headers["content-security-policy"] == POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    assert "strict-transport-security" not in headers


def test_what_went_wrong_in_a_frame_is_told_in_it_to_our_own_pages_only(client):
    framed = {"Sec-Fetch-Dest": "iframe"}
    told = client.get("/nowhere", headers=framed).headers["content-security-policy"]
    assert told == POLICY.replace("frame-ancestors 'none'", "frame-ancestors 'self'")
    assert client.get("/plain", headers=framed).headers["content-security-policy"] == POLICY


def test_an_answer_may_bring_its_own_policy(client):
    assert client.get("/own-policy").headers["content-security-policy"] == "sandbox"


def test_https_is_insisted_on_where_people_use_it(clients):
    client = clients(base_url="https://fund.example.org")
    assert client.get("/plain").headers["strict-transport-security"] == "max-age=63072000"


def test_nobody_keeps_the_page_of_somebody_signed_in(clients):
    assert clients("amina").get("/plain").headers["cache-control"] == "no-store"
    assert clients("amina").get("/nowhere").headers["cache-control"] == "no-store"
    public = clients().get("/plain").headers
    assert public["cache-control"] == "private, no-cache"
    assert "Cookie" in public["vary"]


@pytest.mark.parametrize(
    ("method", "headers", "allowed"),
    [
        ("GET", {"sec-fetch-site": "cross-site"}, True),
        ("HEAD", {"origin": "https://evil.example"}, True),
        ("OPTIONS", {"origin": "https://evil.example"}, True),
        ("POST", {}, True),
        ("POST", {"sec-fetch-site": "same-origin"}, True),
        ("POST", {"sec-fetch-site": "none"}, True),
        ("POST", {"sec-fetch-site": "same-site"}, False),
        ("POST", {"sec-fetch-site": "cross-site"}, False),
        ("POST", {"sec-fetch-site": "nonsense"}, False),
        ("POST", {"sec-fetch-site": "cross-site", "origin": "http://fund.example"}, False),
        ("POST", {"sec-fetch-site": "same-origin", "origin": "https://evil.example"}, True),
        ("POST", {"origin": "http://fund.example"}, True),
        ("POST", {"origin": "https://fund.example"}, True),
        ("POST", {"origin": "https://public.example"}, True),
        ("POST", {"origin": "http://fund.example:8001"}, False),
        ("POST", {"origin": "http://fund.example.evil.example"}, False),
        ("POST", {"origin": "https://evil.example"}, False),
        ("POST", {"origin": "null"}, False),
        ("PUT", {"origin": "https://evil.example"}, False),
        ("PATCH", {"origin": "https://evil.example"}, False),
        ("DELETE", {"origin": "https://evil.example"}, False),
        ("POST", {"origin": "https://evil.example", "authorization": "Bearer abc"}, False),
    ],
)
def test_what_another_site_makes_a_browser_send_is_refused(method, headers, allowed):
    rule = CrossSiteRule(lambda scope, receive, send: None, "https://public.example")
    assert rule.allowed(method, "/save", Headers({"host": "fund.example", **headers})) is allowed


@pytest.mark.parametrize("authorization", ["", "Basic abc", "bearer"])
def test_only_a_bearer_token_frees_the_api_from_the_rule(authorization):
    rule = CrossSiteRule(lambda scope, receive, send: None, "https://public.example")
    headers = {"host": "fund.example", "sec-fetch-site": "cross-site"}
    assert rule.allowed("POST", "/api/v1/things", Headers(headers | {"authorization": "Bearer abc"})) is True
    assert (
        rule.allowed("POST", "/api/v1/things", Headers(headers | {"authorization": authorization})) is False
    )


def test_a_refused_post_gets_a_page_and_changes_nothing(client):
    answer = client.post("/save", data={"title": "X"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert "did not come from a page of the fund" in answer.text
    assert "flash" not in answer.cookies


def test_a_refused_api_call_gets_a_problem(client):
    answer = client.post("/api/v1/things", json={}, headers={"Origin": "https://evil.example"})
    assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")


@pytest.mark.parametrize(
    ("path", "kind"), [("/save", "text/html; charset=utf-8"), ("/api/v1/things", "application/problem+json")]
)
def test_a_body_that_announces_too_much_is_refused_unread(client, path, kind):
    answer = client.post(path, content=b"title=" + b"x" * LIMIT, headers=FORM)
    assert (answer.status_code, answer.headers["content-type"]) == (413, kind)
    assert "1 MB" in answer.text


def test_a_body_that_turns_out_too_large_is_refused(client):
    def drip():
        for _ in range(12):
            yield b"title=" + b"x" * 100_000

    answer = client.post("/save", content=drip(), headers=FORM)
    assert answer.status_code == 413
    assert "1 MB" in answer.text


def test_the_longest_text_still_fits(client):
    answer = client.post("/save", data={"title": "شكرا " * 20, "summary": "ش" * 20_000})
    assert answer.status_code == 303


def test_pages_are_compressed(client):
    assert client.get("/sink").headers["content-encoding"] == "gzip"
