"""The pages of this room as people meet them."""

import pytest
from sqlmodel import select

from fund.sharing import service
from schema.applications import Application
from schema.lessons import TEXTS, Lesson
from tests.reporting.support import field, strangers, title, words
from tests.sharing.support import FIELDS, reference_of, written
from tests.support.doors import Doors, hidden
from tests.support.world import move, stage, to_active, to_lesson_due, to_published

TYPED = {name: f"Our words on {name}." for name in TEXTS} | {"theme": "women"}
EVERYBODY = {f"consent-{name}": "public" for name in FIELDS}
PUBLIC = dict.fromkeys(FIELDS, "public")


@pytest.fixture
def path(small, clock) -> str:
    """The page of a lesson that is due."""
    now = clock.now()
    reference = stage(small, "due", now, lambda session: to_lesson_due(session, small, now).reference)
    return f"/applications/{reference}/lesson"


@pytest.fixture
def handed_in(small, clock) -> str:
    """The page of a lesson that the fund is to clear; the grantee lets all go, one part to members, one not at all."""
    with small.db.write() as session:
        consent = PUBLIC | {"failed": "network", "city": "fund"}
        lesson = written(session, small, clock.now(), consent)
        return f"/applications/{reference_of(session, lesson)}/lesson"


def stored(small) -> Lesson:
    with small.db.read() as session:
        return session.exec(select(Lesson)).one()


def ticked(html: str, name: str) -> list[str]:
    """The values of the radios of that name that are ticked."""
    tags = [tag for tag in html.split("<input ") if f'name="{name}"' in tag.split(">")[0]]
    return [tag.split('value="')[1].split('"')[0] for tag in tags if " checked" in tag.split(">")[0]]


def chosen(html: str, name: str) -> list[str]:
    """The values that are chosen in the list of that name."""
    options = html.split(f'<select class="input" id="{name}"')[1].split("</select>")[0].split("<option ")[1:]
    return [tag.split('value="')[1].split('"')[0] for tag in options if " selected" in tag.split(">")[0]]


def test_opens_with_a_draft_and_everything_closed(small, doors, path):
    page = doors.browser(small.applicant).get(path).text
    assert field(page, "worked") == "What we say about changed."
    assert {name: chosen(page, f"consent-{name}") for name in FIELDS} == {name: ["fund"] for name in FIELDS}
    assert "Do not write names or addresses of people in danger" in words(page)
    assert "Nothing leaves the fund unless you and the fund both allow it" in words(page)
    assert stored(small).worked == ""


def test_saves_and_comes_back(small, doors, path):
    me = doors.browser(small.applicant)
    answer = me.post(path, data=TYPED | {"consent-worked": "network", "version": "0"})
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    page = me.get(path).text
    assert "Your lesson is saved. Nothing of it is published yet." in words(page)
    assert (field(page, "worked"), chosen(page, "consent-worked")) == (TYPED["worked"], ["network"])
    assert stored(small).consent == {"worked": "network"}


def test_one_choice_counts_for_every_part(small, doors, path):
    me = doors.browser(small.applicant)
    typed = TYPED | {"consent-title": "fund", "consent-worked": "public", "consent-all": "network"}
    me.post(path, data=typed | {"version": "0"})
    assert stored(small).consent == dict.fromkeys(FIELDS, "network")
    page = me.get(path).text
    assert {name: chosen(page, f"consent-{name}") for name in FIELDS} == {
        name: ["network"] for name in FIELDS
    }
    assert chosen(page, "consent-all") == []


def test_whoever_lets_nothing_out_is_asked_before_she_hands_it_in(small, doors, path):
    me = doors.browser(small.applicant)
    alarm = "As it is, nobody outside the fund will read this lesson"
    me.post(path, data=TYPED | {"consent-worked": "public", "version": "0"})
    assert alarm in words(me.get(f"{path}/moves/hand_in").text)
    me.post(path, data={**TYPED, "consent-title": "network", "version": "1"})
    assert alarm not in words(me.get(f"{path}/moves/hand_in").text)


def test_what_does_not_fit_is_said_and_the_rest_is_kept(small, doors, path):
    me = doors.browser(small.applicant)
    long = {"title": "x" * 201, "theme": "fishing", "consent-worked": "everyone"}
    answer = me.post(path, data=TYPED | long | {"version": "0"})
    assert answer.status_code == 422
    assert title(answer.text).startswith("Error: Lesson")
    summary = words(answer.text.split('class="errors"')[1].split("</ul>")[0])
    assert summary.count("Choose one of the answers") == 2
    assert "at most 200 fit" in summary
    assert field(answer.text, "title") == "x" * 201
    lesson = stored(small)
    assert (lesson.title, lesson.worked, lesson.consent) == ("Safe streets", TYPED["worked"], {})


def test_check_names_what_is_missing(small, doors, path):
    me = doors.browser(small.applicant)
    answer = me.post(path, data={"title": "A title", "version": "0", "then": "check"})
    assert answer.status_code == 422
    summary = words(answer.text.split('class="errors"')[1].split("</ul>")[0])
    assert summary.endswith(
        "There is a problem Fill in: The problem Fill in: What was done Fill in: What worked "
        "Fill in: What did not work Fill in: Advice to another city Fill in: How we know Fill in: Theme"
    )


def test_two_people_at_once_lose_nothing(small, doors, path):
    me, colleague = doors.browser(small.applicant), doors.browser(small.colleague)
    me.post(path, data=TYPED | {"consent-worked": "network", "version": "0"})
    other = TYPED | {"worked": "Theirs.", "theme": "digital", "consent-worked": "public", "version": "0"}
    answer = colleague.post(path, data=other)
    assert answer.status_code == 409
    page = words(answer.text)
    assert "Somebody else has saved this lesson since you opened it" in page
    assert "Somebody else has saved this meanwhile: Our words on worked." in page
    assert "Somebody else has chosen meanwhile: Members of the network" in page
    assert "Somebody else has chosen meanwhile: Violence against women" in page
    assert page.count("has saved this meanwhile:") == 1
    assert field(answer.text, "worked") == "Theirs."
    assert stored(small).worked == TYPED["worked"]
    answer = colleague.post(path, data=other | {"version": hidden(answer.text, "version")})
    assert answer.status_code == 303
    assert (stored(small).worked, stored(small).consent) == ("Theirs.", {"worked": "public"})


def test_from_writing_to_the_library_and_down_again(small, doors, path):
    me, fund, anybody = doors.browser(small.applicant), doors.browser(small.manager), doors.browser()
    answer = me.post(
        path, data=TYPED | EVERYBODY | {"consent-failed": "fund", "version": "0", "then": "check"}
    )
    assert answer.headers["location"] == f"{path}/moves/hand_in"
    check = me.get(f"{path}/moves/hand_in").text
    assert words(check).index("Everybody Title") < words(check).index("The fund only What did not work")
    answer = me.post(f"{path}/moves/hand_in", data={"version": hidden(check, "version")})
    assert answer.headers["location"] == path
    assert "Your lesson is handed in. The fund now reads it." in words(me.get(path).text)

    clearing = fund.get(path).text
    assert "Could this put anybody in danger?" in words(clearing)
    assert "Nothing to decide: it stays in the fund." in words(clearing)
    assert "Clear for publication first: Title;" in words(clearing)
    assert fund.post(f"{path}/moves/publish", data={"version": "2"}).status_code == 409
    levels = {f"clearance-{name}": "public" for name in FIELDS if name != "failed"}
    answer = fund.post(f"{path}/clearance", data=levels | {"version": hidden(clearing, "version")})
    assert answer.headers["location"] == path
    publish = fund.get(f"{path}/moves/publish").text
    assert words(publish).index("Everybody Title") < words(publish).index("The fund only What did not work")
    fund.post(f"{path}/moves/publish", data={"version": hidden(publish, "version")})
    lesson = stored(small)

    page = anybody.get(f"/lessons/{lesson.slug}").text
    assert title(page) == "Our words on title. – Peace Incentive Fund"
    assert "Our words on evidence." in words(page)
    assert "What did not work" not in words(page)
    assert f"/lessons/{lesson.slug}" in anybody.get("/lessons?theme=women").text
    assert f"/lessons/{lesson.slug}" in anybody.get("/").text

    down = {"version": str(lesson.version), "reason": "A street stood in it."}
    assert fund.post(f"{path}/moves/unpublish", data=down | {"reason": ""}).status_code == 422
    assert fund.post(f"{path}/moves/unpublish", data=down).status_code == 303
    assert anybody.get(f"/lessons/{lesson.slug}").status_code == 404
    assert "A street stood in it." in words(me.get(path).text)


def test_clearing_stays_within_what_the_grantee_allows(small, doors, handed_in):
    fund = doors.browser(small.manager)
    page = fund.get(handed_in).text
    assert ticked(page, "clearance-title") == []
    choices = {name: page.count(f'name="clearance-{name}"') for name in ("title", "failed", "city")}
    assert choices == {"title": 3, "failed": 2, "city": 0}
    answer = fund.post(f"{handed_in}/clearance", data={"clearance-failed": "public", "version": "0"})
    assert answer.status_code == 422
    assert "The grantee does not let this part go so far." in words(answer.text)
    assert stored(small).clearance == {}


def test_a_part_that_was_returned_and_changed_is_asked_again(small, doors, handed_in):
    fund, me = doors.browser(small.manager), doors.browser(small.applicant)
    levels = {f"clearance-{name}": "network" for name in FIELDS if name != "city"}
    fund.post(f"{handed_in}/clearance", data=levels | {"version": "0"})
    back = {"version": "2", "reason": "Leave out the street."}
    assert fund.post(f"{handed_in}/moves/return", data=back).status_code == 303
    page = me.get(handed_in).text
    assert "Leave out the street." in words(page)
    changed = {"worked": "Changed.", "version": hidden(page, "version")}
    texts = {name: field(page, name) for name in TEXTS} | {"theme": "digital"}
    me.post(handed_in, data=texts | changed | {"then": "check"})
    me.post(f"{handed_in}/moves/hand_in_again", data={"version": "3"})
    page = fund.get(handed_in).text
    assert (ticked(page, "clearance-worked"), ticked(page, "clearance-problem")) == ([], ["network"])


def test_an_older_clearance_does_not_win(small, doors, handed_in):
    one, two = doors.browser(small.manager), doors.browser(small.second_manager)
    assert (
        one.post(f"{handed_in}/clearance", data={"clearance-title": "fund", "version": "0"}).status_code
        == 303
    )
    late = two.post(f"{handed_in}/clearance", data={"clearance-title": "public", "version": "0"})
    assert late.status_code == 409
    assert "Somebody else has decided since you opened this page" in words(late.text)
    assert "Somebody else has chosen meanwhile: The fund only" in words(late.text)
    assert ticked(late.text, "clearance-title") == ["public"]
    assert stored(small).clearance == {"title": "fund"}
    again = {"clearance-title": "network", "version": hidden(late.text, "version")}
    assert two.post(f"{handed_in}/clearance", data=again).status_code == 303
    assert stored(small).clearance == {"title": "network"}


def test_an_odd_choice_is_refused_and_the_others_are_kept(small, doors, handed_in):
    fund = doors.browser(small.manager)
    odd = {"clearance-title": "everyone", "clearance-worked": "public", "version": "0"}
    answer = fund.post(f"{handed_in}/clearance", data=odd)
    assert answer.status_code == 422
    assert "Choose one of the answers" in words(answer.text)
    assert stored(small).clearance == {"worked": "public"}


@pytest.mark.parametrize("who", ["applicant", "manager"])
def test_a_part_is_taken_back_with_one_button(small, doors, clock, who):
    with small.db.write() as session:
        lesson = to_published(session, small, clock.now())
        path = f"/applications/{reference_of(session, lesson)}/lesson"
    me = doors.browser(getattr(small, who))
    assert me.get(path).text.count("Stop sharing this part") == len(FIELDS)
    answer = me.post(f"{path}/take-back", data={"field": "worked"})
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    page = me.get(path).text
    assert "From now on this part stays within the fund." in words(page)
    assert page.count("Stop sharing this part") == len(FIELDS) - 1
    assert (
        "What we say about worked." not in doors.browser(small.outsider).get(f"/lessons/{lesson.slug}").text
    )
    assert me.post(f"{path}/take-back", data={"field": "slug"}).status_code == 422


WAYS = ("", "/moves/hand_in", "/moves/publish", "/clearance", "/take-back")


@pytest.mark.parametrize("way", WAYS)
def test_nobody_else_comes_near_the_file(small, doors, path, way):
    for name, viewer in strangers(small).items():
        visitor = doors.browser(viewer)
        posted = visitor.post(
            path + way, data=TYPED | {"version": "0", "field": "title", "clearance-title": "public"}
        )
        assert posted.status_code == (401 if name == "anonymous" else 404)
        assert "Safe streets" not in posted.text
        if way not in ("/clearance", "/take-back"):
            looked = visitor.get(path + way)
            assert looked.status_code == (303 if name == "anonymous" else 404)
    assert stored(small).edit_version == 0


def test_readers_change_nothing(small, doors, path, handed_in):
    for viewer in (small.manager, small.auditor):
        visitor = doors.browser(viewer)
        assert visitor.get(path).status_code == 200
        assert visitor.post(path, data=TYPED | {"version": "0"}).status_code == 403
        assert visitor.post(f"{path}/moves/hand_in", data={"version": "1"}).status_code == 403
    for viewer in (small.applicant, small.auditor):
        visitor = doors.browser(viewer)
        assert visitor.post(f"{handed_in}/clearance", data={"version": "0"}).status_code == 403
        assert visitor.get(f"{handed_in}/moves/publish").status_code == 403
        assert visitor.post(f"{handed_in}/moves/publish", data={"version": "2"}).status_code == 403
    assert doors.browser(small.auditor).post(f"{path}/take-back", data={"field": "title"}).status_code == 403
    assert "Stop sharing this part" not in doors.browser(small.auditor).get(handed_in).text


def test_a_step_that_is_over_leads_back(small, doors, handed_in):
    answer = doors.browser(small.applicant).get(f"{handed_in}/moves/hand_in")
    assert (answer.status_code, answer.headers["location"]) == (303, handed_in)
    assert doors.browser(small.applicant).get(f"{handed_in}/moves/nothing").status_code == 404


def test_a_manager_shows_a_project(small, doors, clock):
    with small.db.write() as session:
        reference = to_active(session, small, clock.now()).reference
    fund, path = doors.browser(small.manager), f"/pipeline/{reference}/public"
    page = fund.get(path).text
    assert ticked(page, "public_fields") == []
    typed = {
        "public_fields": ["title", "city", "summary"],
        "public_summary": "We light the streets.",
        "version": "0",
    }
    refused = fund.post(path, data=typed)
    assert refused.status_code == 422
    assert "Confirm that the grantee agrees and that nobody is put in danger." in words(refused.text)
    refused = fund.post(path, data={"public_fields": ["city"], "safe": "yes", "version": "0"})
    assert "Tick the title as well" in words(refused.text)
    answer = fund.post(path, data=typed | {"safe": "yes"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/pipeline/{reference}")
    front = words(doors.browser().get("/").text)
    assert "Aldea, Nowhere Safe streets We light the streets." in front
    assert "City of Aldea" not in front
    assert fund.post(path, data=typed | {"safe": "yes"}).status_code == 409
    assert fund.post(path, data={"version": "1"}).status_code == 303
    assert "Safe streets" not in doors.browser().get("/").text


def test_only_the_fund_decides_what_is_shown(small, doors, clock):
    with small.db.write() as session:
        reference = to_active(session, small, clock.now()).reference
    path = f"/pipeline/{reference}/public"
    for viewer, status in [(small.applicant, 403), (small.auditor, 403), (small.outsider, 404), (None, 401)]:
        visitor = doors.browser(viewer)
        assert visitor.post(path, data={"version": "0"}).status_code == status
        assert visitor.get(path).status_code == (303 if viewer is None else status)


def test_the_first_page_without_anything(sqlite_db, clock):
    page = Doors(sqlite_db, clock).browser().get("/")
    assert page.status_code == 200
    assert "No round is open right now" in words(page.text)
    assert "There are no lessons yet" in words(Doors(sqlite_db, clock).browser().get("/lessons").text)


def test_the_first_page_shows_call_projects_and_lessons(small, doors, clock):
    with small.db.write() as session:
        lesson = to_published(session, small, clock.now())
        application = session.get_one(Application, lesson.application_id)
        fields = ["title", "city", "grantee", "theme"]
        service.show_project(session, small.manager, application, fields, "", 0, clock.now())
    page = doors.browser().get("/").text
    said = words(page)
    assert f'href="/rounds/{small.round_slug}"' in page
    assert "Call 2022" in said
    assert "End of 21 October 2021, Brussels time (UTC+2)" in said
    assert "1 project 1 city 1 country 1 lesson shared" in said
    assert "Aldea, Nowhere Safe streets" in said
    assert f"/lessons/{lesson.slug}" in page
    assert application.reference not in page


def test_search_says_how_many_and_keeps_what_was_asked(small, doors, clock):
    with small.db.write() as session:
        to_published(session, small, clock.now())
    me = doors.browser()
    page = me.get("/lessons?q=about+worked&theme=digital").text
    assert "1 lesson Show all lessons" in words(page)
    assert field(page, "q") == "about worked"
    assert "Nothing was found" in words(me.get("/lessons?q=%25").text)
    assert "Nothing was found" in words(me.get("/lessons?q=worked&theme=women").text)
    assert me.get("/lessons?theme=%3Cscript%3E&q=" + "y" * 5000).status_code == 200
    assert me.get("/lessons?page=2").status_code == 200
    assert me.get("/lessons?page=0").status_code == 422
    assert me.get("/lessons/nothing").status_code == 404


@pytest.mark.slow
def test_many_lessons_come_in_pages_that_keep_the_question(small, doors, clock):
    with small.db.write() as session:
        first = to_published(session, small, clock.now())
        columns = first.model_dump(exclude={"id", "slug", "application_id"})
        for number in range(21):
            application = to_lesson_due(session, small, clock.now())
            row = session.exec(select(Lesson).where(Lesson.application_id == application.id)).one()
            for name, value in columns.items():
                setattr(row, name, value)
            row.title = f"Lesson {number}"
    page = doors.browser().get("/lessons?q=about&theme=digital").text
    assert 'href="?theme=digital&amp;q=about&amp;page=2"' in page
    assert "Page 1 of 2" in words(page)
    assert doors.browser().get("/lessons?q=about&theme=digital&page=2").text.count('class="card lesson"') == 2


def test_a_suspended_project_does_not_hide_that_it_was_funded(small, doors, clock):
    with small.db.write() as session:
        application = to_active(session, small, clock.now())
        service.show_project(session, small.manager, application, ["title"], "", 0, clock.now())
        move(session, application, "suspend", small.manager, clock.now(), "We have to talk.")
    assert "Safe streets" in doors.browser().get("/projects").text
