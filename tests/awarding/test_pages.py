"""Awards and offers as people and programs meet them."""

import pytest
from sqlmodel import select

from fund.awarding import service
from schema.applications import Application
from tests.awarding.test_service import TERMS
from tests.reviewing.support import browser_of, field, program_of, title
from tests.support import world as made
from tests.support.doors import Doors, shown
from tests.support.world import world

TYPED = {
    "amount": "12,000",
    "starts_on-day": "1",
    "starts_on-month": "1",
    "starts_on-year": "2022",
    "ends_on-day": "30",
    "ends_on-month": "9",
    "ends_on-year": "2022",
    "conditions": "Name a second contact.",
}
BODY = {
    "amount_minor": 12_000_00,
    "currency": "USD",
    "starts_on": "2022-01-01",
    "ends_on": "2022-09-30",
    "conditions": "Name a second contact.",
}


@pytest.fixture
def here(sqlite_db, clock):
    return world(sqlite_db, clock.now(), pot_minor=20_000_00)


@pytest.fixture
def doors(sqlite_db, clock):
    return Doors(sqlite_db, clock)


@pytest.fixture
def ref(here, clock):
    """The reference of an application in deliberation."""
    now = clock.now()
    return made.stage(here, "ref", now, lambda session: made.to_deliberation(session, here, now).reference)


@pytest.fixture
def prepared(sqlite_db, here, ref, clock):
    """The same, with an award prepared."""
    with sqlite_db.write() as session:
        application = session.exec(select(Application)).one()
        service.prepare_award(
            session, here.manager, application, TERMS, version=application.version, now=clock.now()
        )
    return ref


@pytest.fixture
def offered(sqlite_db, here, prepared, clock):
    """The same, offered."""
    with sqlite_db.write() as session:
        application = session.exec(select(Application)).one()
        service.offer(session, here.manager, application, version=application.version, now=clock.now())
    return prepared


def stored(db):
    with db.read() as session:
        application = session.exec(select(Application)).one()
        return application, service.award_of(session, application)


def version(db):
    return str(stored(db)[0].version)


def test_a_manager_prepares_reads_and_offers(doors, sqlite_db, here, ref):
    client, path = browser_of(doors, here.manager), f"/pipeline/{ref}/award"
    page = client.get(path).text
    assert (field(page, "amount"), field(page, "starts_on-month")) == ("15000", "11")
    assert "Make the offer" not in page
    saved = client.post(path, data=TYPED | {"version": field(page, "version")})
    assert (saved.status_code, saved.headers["location"]) == (303, path)
    preview = client.get(path).text
    assert "US$12,000" in preview
    assert "The grantee reports on work and money by 17 May 2022 and, finally, by 30 October 2022." in shown(
        preview
    )
    done = client.post(f"{path}/offer", data={"version": version(sqlite_db)})
    assert (done.status_code, done.headers["location"]) == (303, path)
    after = shown(client.get(path).text)
    assert "The offer is made. The applicant gets an email." in after
    assert stored(sqlite_db)[0].state == "offered"


@pytest.mark.parametrize(
    ("change", "name", "message"),
    [
        ({"amount": ""}, "amount", "Enter an amount"),
        ({"amount": "twelve"}, "amount", "Enter an amount in figures"),
        ({"amount": "20,000.01"}, "amount", "One award of this round is at most USD 20,000."),
        ({"starts_on-day": "31", "starts_on-month": "2"}, "starts_on", "There is no such day"),
        ({"ends_on-year": ""}, "ends_on", "The date must include a year"),
        ({"ends_on-year": "2021"}, "ends_on", "The project has to end after it starts."),
    ],
)
def test_wrong_terms_are_said_at_the_field(doors, sqlite_db, here, ref, change, name, message):
    answer = browser_of(doors, here.manager).post(
        f"/pipeline/{ref}/award", data=TYPED | {"version": version(sqlite_db)} | change
    )
    assert answer.status_code == 422
    assert title(answer.text).startswith("Error:")
    assert f'<a href="#{name}">{message}' in answer.text
    assert field(answer.text, "conditions") == "Name a second contact."
    assert stored(sqlite_db)[1] is None


def test_terms_set_by_another_meanwhile_are_not_overwritten(doors, sqlite_db, here, prepared):
    answer = browser_of(doors, here.second_manager).post(
        f"/pipeline/{prepared}/award", data=TYPED | {"version": "1", "amount": "9000"}
    )
    assert answer.status_code == 409
    assert "Nothing was overwritten." in shown(answer.text)
    assert (field(answer.text, "amount"), "US$12,000" in answer.text) == ("9000", True)
    assert stored(sqlite_db)[1].amount_minor == 12_000_00
    again = browser_of(doors, here.second_manager).post(
        f"/pipeline/{prepared}/award",
        data=TYPED | {"version": field(answer.text, "version"), "amount": "9000"},
    )
    assert (again.status_code, stored(sqlite_db)[1].amount_minor) == (303, 9_000_00)


def test_a_stale_screen_offers_nothing(doors, sqlite_db, here, prepared):
    answer = browser_of(doors, here.manager).post(f"/pipeline/{prepared}/award/offer", data={"version": "1"})
    assert (answer.status_code, stored(sqlite_db)[0].state) == (409, "deliberation")


def test_the_applicant_reads_signs_and_keeps_the_agreement(doors, sqlite_db, here, offered):
    client, path = browser_of(doors, here.applicant), f"/applications/{offered}/offer"
    page = client.get(path).text
    assert "The fund offers City of Aldea US$12,000 for this project." in shown(page)
    assert "Name a second contact." in page
    assert f'href="/applications/{offered}/moves/decline_offer?next={path}"' in page
    done = client.post(
        path, data={"version": field(page, "version"), "signed_name": "Lucía Prado", "confirm": "yes"}
    )
    assert (done.status_code, done.headers["location"]) == (303, path)
    after = shown(client.get(path).text)
    assert "You accepted the offer. The agreement holds." in after
    assert "Signed for the grantee by Lucía Prado" in after
    assert "Accept and sign" not in after
    assert stored(sqlite_db)[0].state == "agreement_signed"


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ({}, ["signed_name", "confirm"]),
        ({"signed_name": " ", "confirm": "yes"}, ["signed_name"]),
        ({"signed_name": "Lucía Prado"}, ["confirm"]),
        ({"signed_name": "x" * 201, "confirm": "yes"}, ["signed_name"]),
    ],
)
def test_without_name_and_confirmation_nothing_is_signed(doors, sqlite_db, here, offered, typed, wrong):
    answer = browser_of(doors, here.applicant).post(
        f"/applications/{offered}/offer", data=typed | {"version": version(sqlite_db)}
    )
    assert answer.status_code == 422
    assert [name for name in ("signed_name", "confirm") if f'<a href="#{name}">' in answer.text] == wrong
    assert field(answer.text, "signed_name") == typed.get("signed_name", "").strip()
    assert stored(sqlite_db)[0].state == "offered"


def test_an_offer_is_declined_with_or_without_a_reason(doors, sqlite_db, here, offered):
    client, path = browser_of(doors, here.colleague), f"/applications/{offered}/offer"
    done = client.post(
        f"/applications/{offered}/moves/decline_offer", data={"version": version(sqlite_db), "next": path}
    )
    assert (done.status_code, done.headers["location"]) == (303, path)
    page = shown(client.get(path).text)
    assert ("Offer declined by you" in page, "Accept and sign" in page) == (True, False)


def test_a_second_signature_is_refused(doors, sqlite_db, here, offered):
    seen = version(sqlite_db)
    typed = {"version": seen, "signed_name": "Lucía Prado", "confirm": "yes"}
    path = f"/applications/{offered}/offer"
    assert browser_of(doors, here.applicant).post(path, data=typed).status_code == 303
    second = browser_of(doors, here.colleague).post(path, data=typed | {"signed_name": "Iván Soto"})
    assert (second.status_code, stored(sqlite_db)[1].signed_name) == (409, "Lucía Prado")


def test_before_it_is_offered_the_applicant_finds_no_offer(doors, here, prepared):
    assert browser_of(doors, here.applicant).get(f"/applications/{prepared}/offer").status_code == 404
    assert program_of(doors, here.applicant).get(f"/api/v1/applications/{prepared}/award").status_code == 404


def test_those_who_read_everything_have_their_own_page(doors, here, offered):
    for viewer in (here.manager, here.auditor):
        answer = browser_of(doors, viewer).get(f"/applications/{offered}/offer")
        assert (answer.status_code, answer.headers["location"]) == (303, f"/pipeline/{offered}/award")
    page = browser_of(doors, here.auditor).get(f"/pipeline/{offered}/award")
    assert (page.status_code, "<form" in page.text.partition("<main")[2]) == (200, False)


@pytest.mark.parametrize("who", ["outsider", "reviewer"])
def test_the_offer_is_not_there_for_others(doors, sqlite_db, here, offered, who):
    viewer = here.reviewers[0] if who == "reviewer" else getattr(here, who)
    client, path = browser_of(doors, viewer), f"/applications/{offered}/offer"
    typed = {"version": version(sqlite_db), "signed_name": "Somebody", "confirm": "yes"}
    assert client.get(path).status_code == 404
    assert client.post(path, data=typed).status_code == 404
    assert program_of(doors, viewer).get(f"/api/v1/applications/{offered}/award").status_code == 404
    assert stored(sqlite_db)[0].state == "offered"


@pytest.mark.parametrize("who", ["applicant", "outsider", "reviewer"])
def test_the_managers_page_is_closed_to_others(doors, sqlite_db, here, prepared, who):
    viewer = here.reviewers[0] if who == "reviewer" else getattr(here, who)
    client, path = browser_of(doors, viewer), f"/pipeline/{prepared}/award"
    assert client.get(path).status_code == 403
    assert client.post(path, data=TYPED | {"version": version(sqlite_db)}).status_code == 403
    assert client.post(f"{path}/offer", data={"version": version(sqlite_db)}).status_code == 403
    answer = program_of(doors, viewer).put(
        f"/api/v1/applications/{prepared}/award", json=BODY | {"version": 1}
    )
    assert answer.status_code == 403


def test_an_auditor_prepares_and_offers_nothing(doors, sqlite_db, here, prepared):
    client, path = browser_of(doors, here.auditor), f"/pipeline/{prepared}/award"
    assert client.post(path, data=TYPED | {"version": version(sqlite_db)}).status_code == 403
    assert client.post(f"{path}/offer", data={"version": version(sqlite_db)}).status_code == 403


def test_strangers_have_to_sign_in(doors, offered):
    client = browser_of(doors, None)
    for path in (f"/pipeline/{offered}/award", f"/applications/{offered}/offer"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?next={path}")
        assert client.post(path, data={}).status_code == 401
    assert client.get(f"/api/v1/applications/{offered}/award").status_code == 401
    assert client.put(f"/api/v1/applications/{offered}/award", json=BODY).status_code == 401


def test_the_api_prepares_and_tells_the_terms(doors, sqlite_db, here, ref):
    client, path = program_of(doors, here.manager), f"/api/v1/applications/{ref}/award"
    assert client.get(path).status_code == 404
    saved = client.put(path, json=BODY | {"version": int(version(sqlite_db))})
    assert saved.status_code == 200
    assert client.get(path).json() == BODY | {
        "reference": ref,
        "state": "deliberation",
        "version": int(version(sqlite_db)),
        "signed_at": None,
        "signed_name": "",
    }
    assert client.put(path, json=BODY | {"version": 1, "conditions": ""}).status_code == 409


@pytest.mark.parametrize(
    "change",
    [
        {"amount_minor": 0},
        {"amount_minor": "12"},
        {"amount_minor": 2**70},
        {"currency": "EUR"},
        {"currency": "dollars"},
        {"starts_on": "2022-02-30"},
        {"ends_on": "2022-01-01"},
        {"conditions": "x" * 20_001},
        {"more": 1},
    ],
)
def test_the_api_refuses_wrong_terms(doors, sqlite_db, here, ref, change):
    answer = program_of(doors, here.manager).put(
        f"/api/v1/applications/{ref}/award", json=BODY | {"version": int(version(sqlite_db))} | change
    )
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert stored(sqlite_db)[1] is None
