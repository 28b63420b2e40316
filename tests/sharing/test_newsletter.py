"""The newsletter: drafted from what everybody may read, edited, released once, and never with what was taken back."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from threading import Barrier

import pytest
from sqlmodel import col, func, select

from fund.base.errors import Conflict, Forbidden, Invalid, MoveRefused
from fund.rounds import extending, queries
from fund.sharing import newsletter, newsletter_items, service
from fund.sharing.newsletter import Edited
from fund.web.words import local_date
from notifications.compose import Composer, MailSettings
from notifications.digest import NOTHING_LEFT, UNWANTED
from notifications.lease import claim
from schema.ledger import LedgerEvent
from schema.lessons import Lesson
from schema.newsletters import Newsletter
from schema.outbox import Message
from schema.people import DeclinedMail, Person
from schema.rounds import Round
from tests.sharing.support import CANARIES, FIELDS, published_with_canaries
from tests.support.doors import Doors, hidden, shown
from tests.support.world import move, person, world

SETTINGS = MailSettings(
    "The Fund", "Network", "https://fund.example.org", "fund@example.org", "p@example.org"
)
PUBLIC = dict.fromkeys(FIELDS, "public")


@pytest.fixture
def here(db, clock):
    return world(db, clock.now())


@pytest.fixture
def small(sqlite_db, clock):
    return world(sqlite_db, clock.now(), title="Call 2022")


def publish(here, clock, **narrower):
    with here.db.write() as session:
        lesson = published_with_canaries(session, here, clock.now(), PUBLIC, PUBLIC | narrower)
        return lesson.slug


def make(here, clock):
    with here.db.write() as session:
        letter = newsletter.make(session, here.manager, "The Fund", "UTC", clock.now())
        return letter.id


def read(here, letter_id, clock):
    with here.db.read() as session:
        return newsletter.view(session, here.manager, letter_id, clock.now())


def release(here, letter_id, clock, version=1):
    with here.db.write() as session:
        return newsletter.release(session, here.manager, letter_id, version, clock.now())


def queued(here):
    with here.db.read() as session:
        found = select(Message).where(Message.template == "newsletter").order_by(col(Message.id))
        return list(session.exec(found))


def words(view):
    return "\n".join(f"{item['heading']} {item['text']} {item['path']}" for item in view.letter.items)


def test_the_draft_tells_what_everybody_may_read_and_nothing_else(small, clock):
    slug = publish(small, clock, city="network", problem="fund", grantee="network")
    letter = read(small, make(small, clock), clock)
    said = words(letter)
    assert letter.letter.month == clock.now().isoformat()[:7]
    assert f"/lessons/{slug}" in said
    assert CANARIES["title"] in said
    assert CANARIES["approach"] in said
    for hidden_ in ("city", "problem", "grantee"):
        assert CANARIES[hidden_] not in said
    assert f"/rounds/{small.round_slug}" in said


@pytest.mark.parametrize("title", ["network", "fund"])
def test_a_lesson_that_not_everybody_may_read_does_not_stand_in_it(small, clock, title):
    slug = publish(small, clock, title=title)
    assert slug not in words(read(small, make(small, clock), clock))


def test_as_time_passes_a_draft_is_made_once_a_month_if_there_is_anything_to_tell(small, clock):
    publish(small, clock)
    for _ in range(2):
        with small.db.write() as session:
            newsletter.make_due(session, "The Fund", "UTC", clock.now())
    with small.db.read() as session:
        assert session.exec(select(func.count()).select_from(Newsletter)).one() == 1


def month_later(here, clock):
    """The draft that is made as time passes, five weeks on."""
    clock.advance(timedelta(days=35))
    with here.db.write() as session:
        made = newsletter.make_due(session, "The Fund", "UTC", clock.now())
        return made and made.id


@pytest.mark.parametrize("months", [1, 2])
def test_a_draft_that_nobody_released_keeps_no_lesson_from_the_next(small, clock, months):
    publish(small, clock)
    make(small, clock)
    drafts = [month_later(small, clock) for _ in range(months)]
    assert CANARIES["title"] in words(read(small, drafts[-1], clock))


def test_what_a_letter_told_that_went_out_is_not_told_again(small, clock):
    publish(small, clock)
    sent = make(small, clock)
    release(small, sent, clock)
    clock.advance(timedelta(days=1))
    second = publish(small, clock)
    drafted = read(small, month_later(small, clock), clock).letter
    assert [one.get("lesson") for one in drafted.items] == [second]


def test_a_draft_that_waits_stands_among_the_tasks_of_managers_until_it_is_released(small, clock):
    doors = Doors(small.db, clock)
    told = "Newsletter to release"
    assert told not in doors.browser(small.manager).get("/home").text
    letter = make(small, clock)
    page = doors.browser(small.manager).get("/home").text
    assert f'href="/newsletters/{letter}"' in page
    assert told in page
    for other in (small.auditor, small.applicant):
        assert told not in doors.browser(other).get("/home").text
    release(small, letter, clock)
    assert told not in doors.browser(small.manager).get("/home").text


def together(work):
    barrier = Barrier(2)

    def one(_number):
        barrier.wait(10)
        try:
            return work()
        except (Conflict, MoveRefused) as refused:
            return type(refused).__name__

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(one, range(2)))


def test_two_who_draft_at_once_make_one(here, clock):
    first, second = together(lambda: make(here, clock))
    assert first == second


def test_two_who_release_at_once_send_it_once(here, clock):
    letter = make(here, clock)
    done = together(lambda: release(here, letter, clock))
    people = [one for one in done if isinstance(one, int)]
    assert len(people) == 1
    assert people[0] == len(queued(here)) == len({row.person_id for row in queued(here)})
    with here.db.read() as session:
        event = session.exec(select(LedgerEvent).where(LedgerEvent.chain == f"newsletter:{letter}")).one()
    assert (event.action, event.data["people"]) == ("newsletter_released", people[0])
    with pytest.raises(MoveRefused):
        release(here, letter, clock)


def test_who_declined_it_is_on_record_as_such(here, clock):
    with here.db.write() as session:
        session.add(DeclinedMail(person_id=here.applicant.person_id, topic="newsletter"))
        session.get_one(Person, here.reviewers[0].person_id).disabled_at = clock.now()
    release(here, make(here, clock), clock)
    assert here.reviewers[0].person_id not in {row.person_id for row in queued(here)}
    with here.db.write() as session:
        while not claim(session, "w", clock.now(), 500).empty:
            pass
    ended = {row.person_id: (row.status, row.reason) for row in queued(here)}
    assert ended.pop(here.applicant.person_id) == ("cancelled", UNWANTED)
    assert set(ended.values()) == {("claimed", "")}


def test_what_was_taken_back_holds_the_release_until_somebody_looks_at_it(small, clock):
    slug = publish(small, clock)
    letter = make(small, clock)
    with small.db.write() as session:
        lesson = session.exec(select(Lesson).where(Lesson.slug == slug)).one()
        service.take_back(session, small.applicant, lesson, "approach", clock.now())
    assert read(small, letter, clock).stale == {slug}
    with pytest.raises(MoveRefused):
        release(small, letter, clock)
    with small.db.write() as session:
        newsletter.refresh(session, small.manager, letter, 1, clock.now())
    now = read(small, letter, clock)
    assert now.stale == frozenset()
    assert CANARIES["title"] in words(now)
    assert CANARIES["approach"] not in words(now)


def test_what_is_taken_back_after_the_release_is_in_no_mail_that_goes_out_later(small, clock):
    slug = publish(small, clock)
    release(small, make(small, clock), clock)
    message = queued(small)[0].id
    composer = Composer(SETTINGS)
    with small.db.read() as session:
        assert CANARIES["title"] in composer.compose(session, message, clock.now()).text
    with small.db.write() as session:
        lesson = session.exec(select(Lesson).where(Lesson.slug == slug)).one()
        service.take_back(session, small.manager, lesson, "city", clock.now())
    with small.db.read() as session:
        mail = composer.compose(session, message, clock.now())
    assert not any(canary in mail.text + mail.html for canary in CANARIES.values())
    assert "Call 2022" in mail.text


@pytest.mark.parametrize("more", [False, True])
def test_a_letter_of_which_nothing_is_true_any_more_goes_to_nobody(here, clock, more):
    slug, letter = publish(here, clock), make(here, clock)
    own = {"heading": "Come and meet", "text": "In October", "path": ""}
    items = [read(here, letter, clock).letter.items[0]] + [own] * more
    with here.db.write() as session:
        newsletter.edit(session, here.manager, letter, Edited("News", "Dear all", items), 1)
    people = release(here, letter, clock, 2)
    with here.db.write() as session:
        lesson = session.exec(select(Lesson).where(Lesson.slug == slug)).one()
        service.take_back(session, here.applicant, lesson, "city", clock.now())
        while not claim(session, "w", clock.now(), 500).empty:
            pass
    ended = {(row.status, row.reason) for row in queued(here)}
    assert (ended, len(queued(here))) == ({("claimed", "") if more else ("cancelled", NOTHING_LEFT)}, people)


def test_a_draft_that_is_released_after_the_next_one_does_not_tell_the_same_lessons_again(small, clock):
    publish(small, clock)
    older = make(small, clock)
    newer = month_later(small, clock)
    release(small, newer, clock)
    seen = read(small, older, clock)
    assert (len(seen.told), seen.stale) == (1, {small.round_slug})
    browser = Doors(small.db, clock).browser(small.manager)
    page = browser.get(f"/newsletters/{older}")
    assert "told of 1 lesson in this one already. It is left out" in shown(page.text)
    assert shown(page.text).count("Told already: left out") == 1
    assert CANARIES["approach"] not in shown(browser.get(f"/newsletters/{older}/release").text)
    with small.db.write() as session:
        newsletter.refresh(session, small.manager, older, 1, clock.now())
    with pytest.raises(MoveRefused, match="told all of it already"):
        release(small, older, clock, 2)
    again = read(small, older, clock).letter.items
    with small.db.write() as session:
        own = {"heading": "Come and meet", "text": "", "path": ""}
        newsletter.edit(session, small.manager, older, Edited("News", "", [*again, own]), 2)
    release(small, older, clock, 3)
    assert [item["heading"] for item in read(small, older, clock).letter.items] == ["Come and meet"]


def test_a_lesson_that_was_published_again_is_news_again(small, clock):
    slug = publish(small, clock)
    older = make(small, clock)
    newer = month_later(small, clock)
    release(small, newer, clock)
    clock.advance(timedelta(days=1))
    with small.db.write() as session:
        lesson = session.exec(select(Lesson).where(Lesson.slug == slug)).one()
        move(session, lesson, "unpublish", small.manager, clock.now(), reason="A name.")
        move(session, lesson, "publish", small.manager, clock.now())
    assert read(small, older, clock).told == frozenset()


def later_close(here, clock, days=7):
    """The closing day of the round moved; until when the letter said, and until when it is open now."""
    with here.db.write() as session:
        round_ = session.get_one(Round, here.round_id)
        before = round_.closes_on
        wanted = {"closes_on": before + timedelta(days=days)}
        extending.move_days(
            session, here.manager, here.round_slug, wanted, "The mail was down.",
            edition=queries.edition(round_), now=clock.now(),
        )  # fmt: skip
        return local_date(before), local_date(round_.closes_on)


def close_round(here, clock):
    with here.db.write() as session:
        move(session, session.get_one(Round, here.round_id), "close", here.manager, clock.now())


def test_a_round_that_moved_holds_the_release_until_somebody_looks_at_it(small, clock):
    letter = make(small, clock)
    before, after = later_close(small, clock)
    seen = read(small, letter, clock)
    assert seen.stale == {small.round_slug}
    assert before in words(seen)
    browser = Doors(small.db, clock).browser(small.manager)
    page = browser.get(f"/newsletters/{letter}")
    assert shown(page.text).count("over since") == 2
    with pytest.raises(MoveRefused, match="Take its text anew"):
        release(small, letter, clock)
    browser.post(f"/newsletters/{letter}/refresh", data={"version": hidden(page.text, "version")})
    seen = read(small, letter, clock)
    assert (seen.stale, before in words(seen), after in words(seen)) == (frozenset(), False, True)
    assert release(small, letter, clock, 2) == len(queued(small))


@pytest.mark.parametrize("over", ["closed", "not yet swept"])
def test_a_round_that_is_over_holds_the_release_and_is_left_out_when_taken_anew(small, clock, over):
    publish(small, clock)
    letter = make(small, clock)
    if over == "closed":
        close_round(small, clock)
    else:
        clock.advance(timedelta(days=32))
    with pytest.raises(MoveRefused):
        release(small, letter, clock)
    with small.db.write() as session:
        newsletter.refresh(session, small.manager, letter, 1, clock.now())
    seen = read(small, letter, clock)
    assert CANARIES["title"] in words(seen)
    assert "Open for proposals" not in words(seen)
    assert "open" not in seen.letter.intro
    assert release(small, letter, clock, 2) == len(queued(small))


@pytest.mark.parametrize("what", [later_close, close_round])
def test_a_round_that_moves_after_the_release_is_in_no_mail_that_goes_out_later(here, clock, what):
    publish(here, clock)
    release(here, make(here, clock), clock)
    message, composer = queued(here)[0].id, Composer(SETTINGS)
    with here.db.read() as session:
        assert "Open for proposals until" in composer.compose(session, message, clock.now()).text
    what(here, clock)
    with here.db.read() as session:
        mail = composer.compose(session, message, clock.now())
    assert CANARIES["title"] in mail.text
    assert "Open for proposals" not in mail.text + mail.html


def test_an_item_about_a_round_keeps_its_round_however_it_is_edited(small, clock):
    letter = make(small, clock)
    doors = Doors(small.db, clock)
    typed = {"version": "1", "subject": "News", "heading-1": "Come!", "path-1": "/elsewhere"}
    assert doors.browser(small.manager).post(f"/newsletters/{letter}", data=typed).status_code == 303
    program, path = doors.program(small.manager), f"/api/v1/newsletters/{letter}"
    made = program.get(path).json()
    assert [(one["path"], one["round"]) for one in made["items"]] == [
        (f"/rounds/{small.round_slug}", small.round_slug)
    ]
    changed = made["items"][0] | {"heading": "Come soon!"}
    again = {"edit_version": 2, "subject": "News", "intro": "", "items": [changed]}
    assert program.put(path, json=again).json()["items"] == [changed]
    other = again | {"edit_version": 3, "items": [changed | {"round": "other"}]}
    assert program.put(path, json=other).status_code == 422
    later_close(small, clock)
    assert program.get(path).json()["stale"] == [small.round_slug]


def test_it_is_edited_in_the_browser_and_reads_so(small, clock):
    publish(small, clock)
    browser = Doors(small.db, clock).browser(small.manager)
    path = browser.post("/newsletters").headers["location"]
    page = browser.get(path).text
    typed = {
        "version": hidden(page, "version"), "subject": "News of autumn", "intro": "Dear all",
        "heading-1": "A better heading", "text-1": "In short", "out-2": "yes",
        "heading-3": "Come and meet", "text-3": "In October", "path-3": "/rounds",
    }  # fmt: skip
    assert browser.post(path, data=typed).status_code == 303
    said = shown(browser.get(path).text)
    for word in ("News of autumn", "Dear all", "A better heading", "In short", "Come and meet"):
        assert word in said
    letter = read(small, int(path.rpartition("/")[2]), clock).letter
    assert [item["heading"] for item in letter.items] == ["A better heading", "Come and meet"]
    assert letter.items[0]["path"].startswith("/lessons/")
    assert browser.post(path, data=typed).status_code == 409
    release_page = browser.get(f"{path}/release").text
    assert (
        browser.post(f"{path}/release", data={"version": hidden(release_page, "version")}).status_code == 303
    )
    assert "Released" in shown(browser.get("/newsletters").text)
    assert len(queued(small)) > 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("subject", ""),
        ("heading-1", ""),
        ("path-3", "https://elsewhere.example"),
        ("path-3", "//elsewhere"),
        ("path-3", "/\\elsewhere"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(small, clock, field, value):
    publish(small, clock)
    browser = Doors(small.db, clock).browser(small.manager)
    path = browser.post("/newsletters").headers["location"]
    typed = {"version": "1", "subject": "x", "heading-1": "x", "heading-2": "x", "heading-3": "x"}
    answer = browser.post(path, data=typed | {field: value})
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text


@pytest.mark.parametrize(
    ("field", "value"), [("heading-2", ""), ("path-3", "//elsewhere"), ("path-3", "/lessons/nothing")]
)
def test_it_stands_there_too_where_an_item_before_it_is_left_out(small, clock, field, value):
    publish(small, clock)
    browser = Doors(small.db, clock).browser(small.manager)
    path = browser.post("/newsletters").headers["location"]
    typed = {"version": "1", "subject": "x", "out-1": "yes", "heading-2": "x", "heading-3": "x"}
    answer = browser.post(path, data=typed | {field: value})
    assert answer.status_code == 422
    assert re.findall(r'href="#(\w+-\d)"', answer.text) == [field]
    assert f'id="{field}-error"' in answer.text


def test_the_same_by_the_api(small, clock):
    slug = publish(small, clock)
    program = Doors(small.db, clock).program(small.manager)
    made = program.post("/api/v1/newsletters").json()
    path = f"/api/v1/newsletters/{made['id']}"
    item = {"heading": "Shorter", "text": "", "path": "/elsewhere", "lesson": slug}
    changed = program.put(path, json={"edit_version": 1, "subject": "S", "intro": "", "items": [item]}).json()
    assert changed["items"] == [item | {"path": f"/lessons/{slug}", "round": None}]
    assert (
        program.put(path, json={"edit_version": 1, "subject": "S", "intro": "", "items": []}).status_code
        == 409
    )
    unknown = {"edit_version": 2, "subject": "S", "intro": "", "items": [item | {"lesson": "other"}]}
    assert program.put(path, json=unknown).status_code == 422
    assert program.post(f"{path}/refresh", json={"edit_version": 2}).json()["edit_version"] == 3
    assert program.post(f"{path}/release", json={"edit_version": 3}).json()["people"] == made["readers"]
    assert program.get("/api/v1/newsletters").json()["total"] == 1


def test_others_have_no_part_in_it(small, clock):
    letter = make(small, clock)
    doors = Doors(small.db, clock)
    for stranger in (small.applicant, small.reviewers[0]):
        for path in ("/newsletters", f"/newsletters/{letter}", f"/newsletters/{letter}/release"):
            assert doors.browser(stranger).get(path).status_code == 403
            assert doors.browser(stranger).post(path).status_code in (403, 405)
    auditor = doors.browser(small.auditor)
    assert auditor.get(f"/newsletters/{letter}").status_code == 200
    assert "<textarea" not in auditor.get(f"/newsletters/{letter}").text
    assert auditor.post(f"/newsletters/{letter}").status_code == 403
    with small.db.write() as session, pytest.raises(Forbidden):
        newsletter.edit(session, small.applicant, letter, Edited("x", "", ()), 1)


def test_a_facilitator_writes_it_and_a_manager_releases_it(small, clock):
    letter = make(small, clock)
    with small.db.write() as session:
        helper = person(session, "Fadi Haddad", clock.now(), roles=["facilitator"])
    browser = Doors(small.db, clock).browser(helper)
    assert "To the release" not in browser.get(f"/newsletters/{letter}").text
    typed = {"version": "1", "subject": "By Fadi", "heading-1": "Call", "path-1": "/rounds"}
    assert browser.post(f"/newsletters/{letter}", data=typed).status_code == 303
    assert browser.post(f"/newsletters/{letter}/release", data={"version": "2"}).status_code == 403
    assert release(small, letter, clock, 2) == len(queued(small))


def test_one_click_in_the_mail_ends_newsletters(small, clock):
    release(small, make(small, clock), clock)
    message = queued(small)[0]
    with small.db.read() as session:
        mail = Composer(SETTINGS).compose(session, message.id, clock.now())
        key = session.get_one(Person, message.person_id).mail_key
    header = message_from_bytes(mail.data, policy=default)["List-Unsubscribe"]
    assert str(header).strip() == f"<https://fund.example.org/unsubscribe/{key}/newsletter>"


def test_a_lesson_cannot_be_put_in_by_its_name(small, clock):
    slug = publish(small, clock, title="fund")
    letter = make(small, clock)
    with small.db.write() as session, pytest.raises(Invalid):
        newsletter_items.with_subjects(
            session, letter, [{"heading": "x", "text": "", "path": "", "lesson": slug}]
        )


@pytest.mark.parametrize(
    "path", ["/lessons/{}", "/lessons/{}?a=b#c", "/rounds/../lessons/{}", "/%6cessons/./{}"]
)
def test_whatever_leads_to_a_lesson_is_about_it_however_it_was_written(small, clock, path):
    hidden_slug, slug = publish(small, clock, title="network"), publish(small, clock)
    letter = make(small, clock)
    own = {"heading": "Read this", "text": "In my own words."}

    def put_in(one, version):
        with small.db.write() as session:
            item = own | {"path": path.format(one)}
            newsletter.edit(session, small.manager, letter, Edited("News", "", [item]), version)

    with pytest.raises(Invalid) as wrong:
        put_in(hidden_slug, 1)
    assert set(wrong.value.fields) == {"path-1"}
    put_in(slug, 1)
    assert words(read(small, letter, clock)) == f"Read this In my own words. /lessons/{slug}"
    with small.db.write() as session:
        lesson = session.exec(select(Lesson).where(Lesson.slug == slug)).one()
        service.take_back(session, small.applicant, lesson, "title", clock.now())
    assert read(small, letter, clock).stale == {slug}
    with pytest.raises(MoveRefused):
        release(small, letter, clock, 2)


def test_each_item_about_a_lesson_is_what_was_seen(small, clock):
    """Of two about the same lesson the older is not passed over because the newer is as it should be."""
    slug = publish(small, clock)
    letter = make(small, clock)
    with small.db.write() as session:
        lesson = session.exec(select(Lesson).where(Lesson.slug == slug)).one()
        service.take_back(session, small.applicant, lesson, "city", clock.now())
    items = [
        *read(small, letter, clock).letter.items,
        {"heading": "Again", "text": "", "path": f"/lessons/{slug}"},
    ]
    with small.db.write() as session:
        newsletter.edit(session, small.manager, letter, Edited("News", "", items), 1)
    assert read(small, letter, clock).stale == {slug}
