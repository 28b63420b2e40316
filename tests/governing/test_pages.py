"""Workflows in the browser: versions, what changes, the dry run, and doing it."""

import pytest
from sqlmodel import func, select

from fund.base import definitions
from fund.base.versions import key_of
from schema.applications import Application
from schema.ledger import LedgerEvent
from schema.people import Membership
from schema.workflows import RoundWorkflow, Workflow
from tests.support.doors import hidden, shown
from tests.support.versions import FIRST_LOOK, VERSION, later, sifting, sifting_too
from tests.support.world import draft, move, submit
from workflows import library, shipped


@pytest.fixture
def going(here, clock):
    """References of one that is submitted and one in screening."""
    with here.db.write() as session:
        first, second = (draft(session, here, clock.now()) for _ in range(2))
        for one in (first, second):
            submit(session, here, one, clock.now())
        move(session, second, "start_screening", here.manager, clock.now())
        return first.reference, second.reference


REPORT_OF_ANOTHER_KIND = shipped("review").source.replace('name = "review"', 'name = "report"')
PARADE = (
    shipped("review")
    .source.replace('name = "review"', 'name = "parade"')
    .replace("subject =", 'subject = "parade" #')
)


def send(browser, source: str | bytes, name: str = "application.toml"):
    data = source.encode() if isinstance(source, str) else source
    return browser.post("/workflows", files={"file": (name, data, "application/toml")})


def stored(here) -> int:
    with here.db.read() as session:
        return session.exec(select(func.count()).select_from(Workflow)).one()


def give(doors, here, *definitions) -> None:
    browser = doors.browser(here.manager)
    for definition in definitions:
        answer = send(browser, definition.source)
        assert answer.status_code == 303, shown(answer.text)


def test_the_list_says_what_there_is_and_who_follows_it(here, doors):
    browser = doors.browser(here.manager)
    page = shown(browser.get("/workflows").text)
    assert page.count("The fund moves nothing by it yet") == 1, "requests for membership"
    for name in library():
        assert shipped(name).label in page
    assert "Peace Incentive Fund 2022" in page
    assert "400,000 bytes at most" in page
    auditor = doors.browser(here.auditor).get("/workflows")
    assert auditor.status_code == 200
    assert "Give the fund a new version" not in auditor.text


def test_a_version_is_shown_in_a_picture_and_in_words_and_its_file_can_be_had(here, doors):
    browser = doors.browser(here.manager)
    key = key_of(shipped("review"))
    page = browser.get(f"/workflows/{key}")
    assert '<svg xmlns="http://www.w3.org/2000/svg"' in page.text
    assert "Say that you cannot review it → Declined by the reviewer (reviewer)" in shown(page.text)
    file = browser.get(f"/workflows/{key}/file")
    assert file.text == shipped("review").source
    assert (
        file.headers["content-disposition"]
        == f'attachment; filename="review-{shipped("review").version}.toml"'
    )
    assert browser.get("/workflows/0123456789ab").status_code == 404


def test_a_new_version_is_stored_and_new_rounds_follow_it(here, doors, clock):
    new = later("application", *FIRST_LOOK)
    browser = doors.browser(here.manager)
    answer = send(browser, new.source)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/workflows/{key_of(new)}")
    page = shown(browser.get(answer.headers["location"]).text)
    assert f"version {VERSION} Application Newest" in page
    assert "Amina Bello gave it." in page
    with here.db.read() as session:
        event = session.exec(select(LedgerEvent).where(LedgerEvent.action == "accepted")).one()
        assert (event.actor_id, event.data["version"]) == (here.manager.person_id, VERSION)
    planned = browser.post("/rounds/new", data=PLAN)
    assert planned.headers["location"] == "/rounds/the-next-round/manage", shown(planned.text)
    assert f"version {VERSION}" in shown(browser.get("/rounds/the-next-round/workflow").text)
    assert (
        f"version {VERSION}"
        not in shown(browser.get(f"/rounds/{here.round_slug}/workflow").text).split("There is")[0]
    )


def test_errors_stand_beside_the_field_with_their_lines_and_the_text_can_be_corrected(here, doors):
    source = shipped("application").source.replace('\nto = "submitted"', '\nto = "submited"', 1)
    before = stored(here)
    answer = send(doors.browser(here.manager), source)
    page = shown(answer.text)
    assert (answer.status_code, stored(here)) == (422, before)
    assert "The file has an error, so nothing was stored." in page
    line = source[: source.index('to = "submited"')].count("\n") + 1
    assert f"Line {line}: move submit, to:" in page
    assert "submited" in answer.text.split("<textarea")[1]


def test_warnings_are_told_apart_from_errors(here, doors):
    new = later(
        "review",
        ("", '"round.review_due_on"', '"round.nonsense"'),
        ("", "reminders = [-7", "reminders = [30] # [-7"),
    )
    source = new.source.replace('help = "Your review is in. Thank you."\n', "").replace(
        '"reviewer", "man', '"applicant", "man'
    )
    page = shown(send(doors.browser(here.manager), source).text)
    errors, _, warnings = page.partition("Warnings, which are worth a look:")
    assert "no day is kept as round.nonsense" in errors
    assert "has no help for the applicant" in warnings
    assert "no day is kept" not in warnings


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "Choose a file, or paste its text. What you sent is empty."),
        (b"  \n", "What you sent is empty."),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "This is no text file (UTF-8)."),
        (b"name = \"x\"\x00", "This is no text file (UTF-8)."),
        (b"#" * 400_001, "The file has 400,001 bytes; a workflow may have 400,000."),
        (shipped("application").source.encode(), "The fund has this very file already: version"),
        (shipped("application").source.encode() + b"\n# More.\n", "Raise the file's version"),
        (REPORT_OF_ANOTHER_KIND.encode(), "Give the new workflow a name of its own."),
        (PARADE.encode(), "the fund moves nothing called parade"),
    ],
)  # fmt: skip
def test_what_is_no_new_version_is_refused_in_words(here, doors, data, said):
    before = stored(here)
    answer = send(doors.browser(here.manager), data)
    assert (answer.status_code, stored(here)) == (422, before)
    assert said in shown(answer.text)


def test_five_megabytes_are_too_many(here, doors):
    answer = send(doors.browser(here.manager), b"#" * 5_000_000)
    assert answer.status_code == 413
    assert "more than the fund takes in at once" in shown(answer.text)


def test_text_is_taken_in_place_of_a_file(here, doors):
    answer = doors.browser(here.manager).post("/workflows", data={"text": later("lesson").source})
    assert answer.status_code == 303


PLAN = {
    "title": "The next round", "summary": "More.", "eligibility": "Members", "zone": "UTC", "currency": "USD",
    "pot_minor": "1000", "ceiling_minor": "100", "project_months": "9", "workflow": "application",
} | {
    f"{name}-{part}": value
    for number, name in enumerate(("opens_on", "closes_on", "review_due_on", "decision_on"), start=1)
    for part, value in (("day", "1"), ("month", str(number)), ("year", "2022"))
}  # fmt: skip


def test_a_round_is_planned_once_all_have_followed_that_go_by_a_state(here, doors):
    browser = doors.browser(here.manager)
    give(doors, here, sifting())
    assert "Some workflows do not go together" in shown(browser.get("/workflows").text)
    refused = browser.post("/rounds/new", data=PLAN)
    assert refused.status_code == 422
    assert "The newest workflows do not go together: “review”, version" in shown(refused.text)
    several = browser.post(
        "/workflows", files=[("file", (f"{one.name}.toml", one.source)) for one in sifting_too()]
    )
    assert (several.status_code, several.headers["location"]) == (303, "/workflows")
    # The workflow with a concept note kept the old name, and these go by the new one alone.
    assert f"while “concept”, version {shipped('concept').version}, has screening in its place" in shown(
        browser.get("/workflows").text
    )
    assert "do not go together" not in browser.get(f"/workflows/{key_of(sifting())}").text
    assert browser.post("/rounds/new", data=PLAN).status_code == 303
    assert browser.post("/rounds/new", data=PLAN | {"title": "Two", "workflow": "concept"}).status_code == 422


def test_a_round_that_follows_a_mixture_says_so_to_those_who_run_it(here, doors, clock):
    give(doors, here, sifting())
    manage, workflow = f"/rounds/{here.round_slug}/manage", f"/rounds/{here.round_slug}/workflow"
    browser = doors.browser(here.manager)
    assert "do not go together" not in browser.get(manage).text + browser.get(workflow).text
    with here.db.write() as session:
        pin = session.get_one(RoundWorkflow, (here.round_id, "application"))
        pin.workflow_id = definitions.store(session, sifting(), clock.now())
    for path in (manage, workflow):
        page = browser.get(path).text
        said = shown(page)
        assert "The workflows of this round do not go together “review”, version" in said
        assert "has sifting in its place. Change the round to versions that do" in said
        assert f'href="{workflow}/change"' in page
        assert "Change the round to versions that do" not in doors.browser(here.auditor).get(path).text


def test_of_several_files_that_come_together_all_are_stored_or_none(here, doors):
    before = stored(here)
    review, round_ = sifting_too()
    sent = [("application.toml", sifting().source), ("review.toml", "name ="), ("round.toml", round_.source)]
    refused = doors.browser(here.manager).post("/workflows", files=[("file", one) for one in sent])
    assert (refused.status_code, stored(here)) == (422, before)
    assert "review.toml: The file has an error, so nothing was stored." in shown(refused.text)
    sent[1] = ("review.toml", review.source)
    assert (
        doors.browser(here.manager)
        .post("/workflows", files=[("file", one) for one in sent[::-1]])
        .status_code
        == 303
    )
    assert stored(here) == before + 3


def test_no_file_is_lost_among_several_and_none_is_called_what_it_is_not(here, doors):
    """Names are what somebody else chose."""
    browser, before = doors.browser(here.manager), stored(here)
    names = ["a (3)", "a", "a", "\u202elmot.a\u202c", "<img src=x onerror=alert(1)>", "../../etc/passwd"]
    refused = browser.post("/workflows", files=[("file", (name, "name =")) for name in names])
    said = shown(refused.text)
    assert (refused.status_code, stored(here)) == (422, before)
    for name in (
        "a (3):",
        "a:",
        "a (3) (3):",
        "lmot.a:",
        "<img src=x onerror=alert(1)>:",
        "../../etc/passwd:",
    ):
        assert f"{name} The file has an error, so nothing was stored." in said, name
    assert "\u202e" not in refused.text
    assert "<img" not in refused.text
    many = browser.post("/workflows", files=[("file", (f"{number}.toml", "x")) for number in range(11)])
    assert (many.status_code, stored(here)) == (422, before)
    assert "Choose 10 files at most" in shown(many.text)


def test_what_changes_in_words(here, doors):
    new = later("application", *FIRST_LOOK)
    give(doors, here, new)
    page = doors.browser(here.auditor).get(
        f"/workflows/compare?old=application@{shipped('application').version}&new={key_of(new)}"
    )
    assert (
        "deadline first_look : added “Have a first look”, owed by the manager, due 3 days after it is opened"
        in shown(page.text)
    )


def look(doors, here, **query):
    return doors.browser(here.manager).get(f"/rounds/{here.round_slug}/workflow/change", params=query)


def test_a_round_is_changed_after_a_look_at_what_would_become_of_all(here, doors, going):
    new = later("application", *FIRST_LOOK)
    give(doors, here, new)
    first = look(doors, here)
    assert first.status_code == 200
    chosen = look(doors, here, application=key_of(new))
    assert "state submitted : deadlines: now also first_look" in shown(chosen.text)
    dry = look(doors, here, application=key_of(new), look="1")
    page = shown(dry.text)
    assert f"{going[0]} Submitted stays Screen the proposal: cancelled Have a first look: opened" in page
    fields = {
        name: hidden(dry.text.split("<details class")[-1], name)
        for name in ("application", "look", "fingerprint")
    }
    browser = doors.browser(here.manager)
    done = browser.post(f"/rounds/{here.round_slug}/workflow/change", data=fields)
    assert (done.status_code, done.headers["location"]) == (303, f"/rounds/{here.round_slug}/workflow")
    assert f"version {VERSION}" in shown(browser.get(done.headers["location"]).text)
    again = browser.post(f"/rounds/{here.round_slug}/workflow/change", data=fields)
    assert again.status_code == 422
    assert "follows this very version" in shown(again.text)


def test_what_changed_since_the_look_is_told_and_nothing_is_done(here, doors, going, clock):
    new = later()
    give(doors, here, new)
    dry = look(doors, here, application=key_of(new), look="1")
    fields = {
        name: hidden(dry.text.split("<details class")[-1], name)
        for name in ("application", "look", "fingerprint")
    }
    with here.db.write() as session:
        row = session.exec(select(Application).where(Application.reference == going[0])).one()
        move(session, row, "start_screening", here.manager, clock.now())
    late = doors.browser(here.manager).post(f"/rounds/{here.round_slug}/workflow/change", data=fields)
    assert late.status_code == 409
    assert "Something in the round has changed since you looked. Nothing was done" in shown(late.text)
    with here.db.read() as session:
        assert session.exec(select(LedgerEvent).where(LedgerEvent.action == "workflow_changed")).all() == []
    fields["fingerprint"] = hidden(late.text.split("<details class")[-1], "fingerprint")
    assert (
        doors.browser(here.manager)
        .post(f"/rounds/{here.round_slug}/workflow/change", data=fields)
        .status_code
        == 303
    )


def test_where_things_go_is_asked_and_filled_in_where_only_one_can_be_meant(here, doors, going):
    new, others = sifting(), sifting_too()
    give(doors, here, new, *others)
    query = {"application": key_of(new)} | {one.subject: key_of(one) for one in others}
    page = look(doors, here, **query).text
    select_ = page.split('<select class="input" id="map-application-screening"')[1].split("</select>")[0]
    assert '<option value="sifting" selected>' in select_
    assert "1 stands there now." in shown(page)
    empty = look(doors, here, **query, look="1", **{"map-application-screening": ""})
    assert empty.status_code == 422
    assert f"{going[1]} stands in “Screening”, which the new version does not have." in shown(empty.text)
    filled = look(doors, here, **query, look="1", **{"map-application-screening": "sifting"})
    assert filled.status_code == 200
    assert f"{going[1]} Screening Screening" in shown(filled.text)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"application": "0123456789"}, "The fund knows no workflow"),
        ({"application": "review"}, "“review” is a workflow for the subject review."),
        ({"application": "application", "look": "1"}, "The round follows this very version"),
        ({"application": "NEW", "look": "1", "map-application-nowhere": "draft"}, "“nowhere” is no state"),
    ],
)
def test_wrong_choices_are_said_where_they_are(here, doors, query, said):
    new = later("application", *FIRST_LOOK)
    if "NEW" in query.values():
        give(doors, here, new)
        query = query | {"application": key_of(new)}
    answer = look(doors, here, **query)
    assert answer.status_code == 422
    assert said in shown(answer.text)


def test_only_managers_change_anything_and_not_of_their_own_member(here, doors, clock):
    new = later()
    give(doors, here, new)
    change = f"/rounds/{here.round_slug}/workflow/change"
    for viewer in (here.applicant, here.reviewers[0]):
        browser = doors.browser(viewer)
        for path in (
            "/workflows",
            f"/workflows/{key_of(new)}",
            f"/rounds/{here.round_slug}/workflow",
            change,
        ):
            assert browser.get(path).status_code == 403
        assert send(browser, new.source).status_code == 403
    assert doors.browser(here.auditor).get(f"/rounds/{here.round_slug}/workflow").status_code == 200
    assert doors.browser(here.auditor).post(change, data={"application": key_of(new)}).status_code == 403
    assert doors.browser(here.manager).get("/rounds/nowhere/workflow").status_code == 404
    with here.db.write() as session:
        draft(session, here, clock.now())
    with here.db.write() as session:
        session.add(Membership(person_id=here.manager.person_id, member_id=here.member_id, since=clock.now()))
    refused = look(doors, here, application=key_of(new), look="1")
    assert refused.status_code == 403
    assert "You belong to a member that applies in this round" in shown(refused.text)
