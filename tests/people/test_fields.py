"""What may stand in a field, a path or an address: properties that hold for whatever is typed."""

import re
import string
from datetime import UTC, datetime, timedelta
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import Response

from fund.base.errors import Invalid
from fund.people import cookies, fields, secret, sign_in, throttle
from fund.people.fields import MemberDraft, PersonDraft
from schema.people import Role

NOW = datetime(2021, 9, 21, 8, 7, 30, tzinfo=UTC)
FROM = "https://fund.example/sign-in/sent"
TRICKY = st.text(alphabet="/\\:@.?#%\t\n\r \x00ae" + string.ascii_letters, max_size=30)


def as_browsers_read(path: str) -> str:
    """``path`` after what every browser does first: control characters and edges go, backslashes are slashes."""
    return re.sub(r"[\t\n\r]", "", path).strip().replace("\\", "/")


@given(TRICKY | st.text(max_size=40))
@example("//evil.example")
@example("/\\evil.example")
@example("/\t/evil.example")
@example("\t//evil.example")
@example("/sign-in")
def test_a_path_to_go_on_to_stays_on_the_fund_s_own_site(text: str) -> None:
    path = sign_in.local_path(text)

    gone_to = urlsplit(urljoin(FROM, as_browsers_read(path)))
    assert (gone_to.scheme, gone_to.netloc) == ("https", "fund.example")
    assert path == text or path == "/"
    assert not path.startswith("/sign-")


@given(st.text(max_size=60) | st.from_regex(r"\A[a-z.]{1,9}@[a-z.\r\n, ]{1,12}\Z"))
@example("a@b.c\n")
@example("Amina@Kano.Example")
def test_an_address_that_passes_can_stand_in_a_mail(text: str) -> None:
    try:
        address = fields.mail_address(text)
    except Invalid:
        return
    assert address == address.strip().lower()
    assert address.isprintable()
    assert re.fullmatch(r"[^\s@,;<>()\"]+@[^\s@,;<>()\"]+\.[^\s@,;<>()\".]+", address)
    assert fields.mail_address(address) == address


@given(st.text(max_size=200))
def test_a_slug_can_stand_in_an_address(name: str) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", fields.slug(name))
    assert len(fields.slug(name)) <= 60


@given(st.text(min_size=1, max_size=300))
def test_a_name_that_passes_is_one_printable_line(name: str) -> None:
    try:
        tidied = fields.checked_person(PersonDraft("amina@kano.example", name)).name
    except Invalid:
        return
    assert tidied.isprintable()
    assert tidied == " ".join(tidied.split()) != ""
    assert len(tidied) <= fields.LONGEST_NAME


def test_a_draft_that_passes_is_kept_as_it_is() -> None:
    person = PersonDraft("amina@kano.example", "Amina", frozenset({Role.REVIEWER.value}), frozenset({3}))
    member = MemberDraft("City of Cali", "city", "Cali", "Colombia", "America/Bogota")

    assert fields.checked_person(person) == person
    assert fields.checked_member(member) == member
    assert fields.checked_account("Amina", "en", "Africa/Lagos") == ("Amina", "en", "Africa/Lagos")
    assert fields.checked_label("  my   sheet ") == "my sheet"


@given(st.text(max_size=40))
def test_the_cookie_gives_back_what_was_asked(email: str) -> None:
    response = Response()
    cookies.keep_asked(response, "handle", email, secure=True)
    sent = response.headers["set-cookie"].split(";")[0]
    request = Request({"type": "http", "headers": [(b"cookie", sent.encode())]})

    assert cookies.asked(request, secure=True) == ("handle", email)
    assert cookies.asked(request, secure=False) == ("", "")


def test_secrets_are_long_different_and_known_by_their_purpose_only() -> None:
    tokens = {secret.fresh() for _ in range(100)}

    assert len(tokens) == 100
    assert {len(token) for token in tokens} == {43}, "256 bits"
    assert len({secret.fingerprint(purpose, "x") for purpose in ("link", "handle", "session", "api")}) == 4
    assert all(re.fullmatch(r"\d{6}", secret.fresh_code()) for _ in range(100))


def test_the_stored_code_depends_on_the_handle() -> None:
    stored = secret.code_fingerprint("handle", "012345")

    assert secret.same(stored, secret.code_fingerprint("handle", "012345"))
    assert not secret.same(stored, secret.code_fingerprint("another", "012345"))
    assert not secret.same(stored, secret.code_fingerprint("handle", "012346"))


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("203.0.113.5", "203.0.113.5"),
        ("::ffff:203.0.113.5", "203.0.113.5"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_a_household_is_one_place_on_the_network(address: str, place: str) -> None:
    assert throttle.neighbourhood(address) == place


@given(st.timedeltas(timedelta(0), timedelta(days=5000)))
def test_a_window_holds_its_moment(later: timedelta) -> None:
    now = NOW + later
    for limit in (sign_in.PER_ADDRESS, sign_in.PER_ADDRESS_AND_DAY, sign_in.PER_NETWORK):
        began = limit.window(now)
        assert began <= now < began + limit.length
        assert limit.window(began) == began
        assert limit.window(began - timedelta(seconds=1)) == began - limit.length
