"""What mails say: every template in every language, true at sending, alike in text and HTML."""

import html as htmllib
import re
import tomllib
from datetime import UTC, date, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from gettext import NullTranslations
from pathlib import Path
from typing import Any

import pytest
from icalendar import Calendar
from sqlmodel import select

from fund.base.database import Database
from fund.web import i18n
from notifications.compose import PARTS, TEMPLATES, Composer, Mail, MailSettings
from schema.awards import Award
from schema.newsletters import Newsletter
from schema.outbox import Message
from schema.people import Membership, Person
from schema.reports import Report
from schema.reviews import Review
from tests.notifications.world import NOW, SETTINGS, World, later

ROOT = Path(__file__).parent.parent.parent
DEMO = "Demonstration: amounts, dates, people and texts are illustrative."
NAMES = sorted(Composer(SETTINGS).names())
OWN = {"reminder", "overdue", "escalation", "colleague"}
"""Mails about the deadline that they remind of."""
SEVERAL = {"digest", "newsletter", "weekly_overview"}
"""Mails that tell of several things, each with its own link."""


@pytest.fixture
def world(sqlite_db: Database) -> World:
    return World(sqlite_db)


class Upside(NullTranslations):
    """A made-up language that shows which words were translated."""

    def gettext(self, message: str) -> str:
        return f"«{message}»"

    def ngettext(self, one: str, many: str, count: int) -> str:
        return f"«{one if count == 1 else many}»"


PLAIN = Composer(SETTINGS)
"""It compiles each template once, which takes longer than most of these tests."""
SPOKEN = Composer(SETTINGS, i18n.catalogue)
UPSIDE = Composer(SETTINGS, lambda language: Upside())


def composed(
    world: World, composer: Composer = PLAIN, now: datetime = NOW, deadline_id: int | None = None,
    **values: Any,
) -> Mail:  # fmt: skip
    """The mail of a notice with these values."""
    key = world.notice(**values)
    with world.db.write() as session:
        (message,) = [m for m in world.messages() if m.dedup_key == key]
        if deadline_id is not None:
            session.get_one(Message, message.id).deadline_id = deadline_id
            session.flush()
        return composer.compose(session, message.id or 0, now)


def full(world: World, template: str, composer: Composer = PLAIN) -> Mail:
    """The mail with everything that it could tell."""
    deadline_id = world.deadline(date(2021, 9, 30)) if template in OWN else None
    if template in SEVERAL:
        return several(world, template, composer)
    return composed(
        world, composer, template=template, deadline_id=deadline_id,
        payload={"reason": "First line\nsecond <line>", "code": "123456", "minutes": 15, "role": "reviewer"},
    )  # fmt: skip


def several(world: World, template: str, composer: Composer) -> Mail:
    """A mail that tells of several things."""
    values: dict[str, Any] = {"application_id": None, "subject_kind": "", "subject_id": None}
    with world.db.write() as session:
        letter = Newsletter(month="2021-09", subject="First line", intro="First line", created_at=NOW)
        letter.items = [{"heading": "First line", "text": "First line", "path": "/lessons/first"}]
        session.add(letter)
        session.flush()
        of_letter = {"subject_kind": "newsletter", "subject_id": letter.id}
    counts = {"overdue": 2, "still": 1, "rounds_still": 3, "due": 1, "moved": 7, "stuck": 1}
    values |= {"newsletter": of_letter, "weekly_overview": {"payload": {"counts": counts}}}.get(template, {})
    parts = [world.notice(template="returned", payload={"reason": "First line"}) for _ in range(2)]
    parts += [world.notice(template="reminder")] if template == "digest" else []
    key = world.notice(template=template, kind="digest" if template == "digest" else "notice", **values)
    deadline = world.deadline(date(2021, 9, 30))
    with world.db.write() as session:
        rows = {row.dedup_key: row for row in session.exec(select(Message))}
        for part in parts:
            rows[part].digest_id, rows[part].status = rows[key].id, "sending"
        if template == "digest":
            rows[parts[2]].deadline_id = deadline
        session.flush()
        return composer.compose(session, rows[key].id or 0, NOW)


def read(mail: Mail) -> EmailMessage:
    return message_from_bytes(mail.data, policy=policy.default)


def words(markup: str) -> str:
    """The text that people read in an HTML mail, in one line."""
    body = re.sub(r"<head>.*?</head>", "", markup, flags=re.S)
    return " ".join(htmllib.unescape(re.sub(r"<[^>]+>", "", re.sub(r"<(br|/td)>", " ", body))).split())


def test_the_templates_are_whole() -> None:
    folders = {path.name for path in TEMPLATES.iterdir()} - {"_base"}
    assert folders == set(NAMES)
    for name in NAMES:
        assert {path.name for path in (TEMPLATES / name).iterdir()} == set(PARTS)


def test_every_mail_that_a_shipped_workflow_names_exists() -> None:
    named = set()
    for path in (ROOT / "workflows" / "library").rglob("*.toml"):
        definition = tomllib.loads(path.read_text())
        moves = definition.get("moves", {}).values()
        notices = [*definition.get("notices", []), *(n for move in moves for n in move.get("notices", []))]
        named |= {notice["template"] for notice in notices}
    assert named
    assert named <= set(NAMES)


@pytest.mark.parametrize("language", i18n.available())
@pytest.mark.parametrize("template", NAMES)
def test_every_mail_can_be_read_in_every_language(world: World, template: str, language: str) -> None:
    with world.db.write() as session:
        session.get_one(Person, world.ana).locale = language
    mail = full(world, template, SPOKEN)
    assert mail.subject
    assert len(mail.text.splitlines()) > 5
    assert mail.html.startswith("<!doctype html>")
    assert len(mail.data) <= 30_000
    assert read(mail)["Content-Language"] == language


@pytest.mark.parametrize("template", NAMES)
def test_text_and_html_say_the_same(world: World, template: str) -> None:
    mail = full(world, template)
    shown = words(mail.html)
    for line in mail.text.splitlines():
        bare = " ".join(line.split()).removesuffix(":").removeprefix("* ")
        if bare and bare != "--" and not bare.startswith("https://"):
            assert bare in shown, bare
    assert mail.text.count("https://") == mail.html.count("https://")
    assert (mail.text.count("https://") > 2) if template in SEVERAL else (mail.text.count("https://") == 1)


@pytest.mark.parametrize("template", NAMES)
def test_every_mail_of_a_demonstration_says_so(world: World, template: str) -> None:
    mail = full(world, template)
    assert DEMO in mail.text
    assert DEMO in words(mail.html)


def test_a_mail_of_a_real_fund_says_nothing_of_a_demonstration(world: World) -> None:
    real = MailSettings("Fund", "Network", "https://fund.example.org", "fund@example.org", "p@example.org")
    assert "emonstration" not in full(world, "reminder", Composer(real)).data.decode()


@pytest.mark.parametrize("template", NAMES)
def test_every_text_goes_through_gettext(world: World, template: str) -> None:
    mail = full(world, template, UPSIDE)
    left = re.sub(r"«[^«»]*(«[^«»]*»[^«»]*)*»", "", mail.text)
    for value in ("First line", "second <line>", "123456", "--"):
        left = left.replace(value, "")
    left = re.sub(r"https://fund.example.org/\S*", "", left)
    left = re.sub(r"(sign-in/\S+|UTC|[A-Z][a-z]+, \d+ [A-Z][a-z]+ \d{4}.*)", "", left)
    assert not re.findall(r"[A-Za-z]{2,}", left), left


@pytest.mark.parametrize("template", NAMES)
def test_html_mails_are_plain_and_fetch_nothing(world: World, template: str) -> None:
    markup = full(world, template).html
    assert not re.search(r"<(img|script|link|iframe|form|input|style)\b|url\(|@import|src=", markup)
    assert 'lang="en" dir="ltr"' in markup


def test_a_mail_carries_the_headers_that_it_should(world: World) -> None:
    mail = read(composed(world, template="receipt"))
    assert str(mail["From"]) == "Peace Incentive Fund <fund@example.org>"
    assert str(mail["To"]) == "Ana <ana@example.org>"
    assert str(mail["Reply-To"]) == "people@example.org"
    assert mail["Date"].datetime == NOW
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Content-Language"] == "en"
    assert mail["In-Reply-To"] == mail["References"] == "<application-PIF-0001@example.org>"
    assert "List-Unsubscribe" not in mail
    assert mail.defects == []


def test_mails_of_one_application_hang_together_and_of_two_apart(world: World) -> None:
    other = world.proposal("Another")
    threads = [
        read(composed(world, template=template, application_id=application))["References"]
        for template, application in [("receipt", world.application), ("offer", world.application), ("receipt", other)]
    ]  # fmt: skip
    assert threads[0] == threads[1] != threads[2]


def test_names_cannot_add_headers(world: World) -> None:
    eve = world.person("eve@example.org", "Eve\r\nBcc: all@example.org")
    hostile = world.proposal("T\r\nBcc: all@example.org\r\n\r\nHello")
    mail = composed(world, template="receipt", person_id=eve, application_id=hostile)
    assert "Bcc" not in read(mail)
    assert mail.subject == "Received: T Bcc: all@example.org Hello"
    assert "Hello Eve Bcc: all@example.org,\n" in mail.text


def test_words_of_people_are_no_markup(world: World) -> None:
    hostile = world.proposal("<img src=x> & Co")
    mail = composed(world, template="declined", application_id=hostile, payload={"reason": "a <b>\nc"})
    assert "<bdi>&lt;img src=x&gt; &amp; Co</bdi>" in mail.html
    assert "a &lt;b&gt;<br>\nc</blockquote>" in mail.html
    assert "“<img src=x> & Co”" in mail.text
    assert "    a <b>\n    c\n" in mail.text


def test_names_from_right_to_left_stay_where_they_belong(world: World) -> None:
    leila = world.person("leila@example.org", "ليلى")
    mail = composed(world, template="receipt", person_id=leila)
    assert "Hello \u2068ليلى\u2069,\n" in mail.text
    assert "Hello <bdi>ليلى</bdi>," in mail.html
    assert read(mail)["To"].addresses[0].display_name == "ليلى"


def test_a_language_from_right_to_left_turns_the_mail(world: World) -> None:
    leila = world.person("leila@example.org", "ليلى", locale="ar")
    mail = composed(world, template="receipt", person_id=leila)
    assert '<html lang="ar" dir="rtl">' in mail.html
    assert read(mail)["Content-Language"] == "ar"


def test_an_unknown_language_falls_back_to_english(world: World) -> None:
    odd = world.person("odd@example.org", "Odd", locale="xx-nonsense")
    assert read(composed(world, template="receipt", person_id=odd))["Content-Language"] == "en"


def test_a_deadline_is_told_in_the_readers_zone_and_in_utc(world: World) -> None:
    mail = composed(world, template="reminder", deadline_id=world.deadline(date(2021, 9, 30)))
    assert mail.subject == "9 days left: Hand in the report – Safe routes to school"
    assert (
        "What is due: Hand in the report\n"
        "By when: Thursday, 30 September 2021, 17:00 (Bogota)\n"
        "In the fund's time: the end of Thursday, 30 September 2021 (Brussels)\n"
        "In UTC: Thursday, 30 September 2021, 22:00\n"
        "9 days left\n"
    ) in mail.text


def test_the_end_of_the_day_is_called_so(world: World) -> None:
    ben = world.person("ben@example.org", "Ben", zone="Europe/Brussels")
    mail = composed(world, template="reminder", person_id=ben, deadline_id=world.deadline(date(2021, 9, 30)))
    assert "By when: the end of Thursday, 30 September 2021 (Brussels)\n" in mail.text
    assert "In UTC: Thursday, 30 September 2021, 22:00\n" in mail.text


def test_anywhere_on_earth_is_called_so(world: World) -> None:
    mail = composed(world, template="reminder", deadline_id=world.deadline(date(2021, 9, 30), "Etc/GMT+12"))
    assert "By when: Friday, 1 October 2021, 07:00 (Bogota)\n" in mail.text
    assert "In the fund's time: the end of Thursday, 30 September 2021 (Anywhere on Earth)\n" in mail.text
    said = composed(
        world, UPSIDE, template="reminder",
        deadline_id=world.deadline(date(2021, 9, 30), "Etc/GMT+12"),
    )  # fmt: skip
    assert "(«Anywhere on Earth»)" in said.text


@pytest.mark.parametrize(
    ("role", "owes"),
    [("applicant", "Ana (City of Cali)"), ("manager", "Peace Incentive Fund")],
)
def test_who_is_told_of_what_others_owe_reads_who_and_since_when(world: World, role: str, owes: str) -> None:
    key = world.deadline(date(2021, 9, 30), owner_role=role)
    mail = composed(world, template="escalation", deadline_id=key, now=later(days=20))
    until = "Thursday, 30 September 2021, 17:00 (Bogota)"
    told = f"{owes} was to do what is described below by {until}, and it has not been done."
    assert told in " ".join(mail.text.split())
    before = composed(world, template="escalation", key="before", deadline_id=key)
    assert f"{owes} owes what is described below. It is due soon" in " ".join(before.text.split())
    other = composed(world, template="colleague", key="other", deadline_id=key)
    assert f"{owes} looks after it. You act for City of Cali too" in " ".join(other.text.split())


def test_where_the_readers_zone_is_utc_it_is_told_once(world: World) -> None:
    uma = world.person("uma@example.org", "Uma")
    mail = composed(
        world, template="reminder", person_id=uma, deadline_id=world.deadline(date(2021, 9, 30), "UTC")
    )
    assert "By when: the end of Thursday, 30 September 2021 (UTC)\n" in mail.text
    assert "In UTC" not in mail.text


@pytest.mark.parametrize(
    ("now", "left"),
    [
        (later(days=7), "2 days left"),
        (later(days=8), "1 day left"),
        (later(days=9), "Last day"),
        (later(days=10), "1 day overdue"),
        (later(days=12), "3 days overdue"),
    ],
)
def test_the_days_left_are_counted_when_it_is_written(world: World, now: datetime, left: str) -> None:
    template = "overdue" if "overdue" in left else "reminder"
    mail = composed(world, now=now, template=template, deadline_id=world.deadline(date(2021, 9, 30)))
    assert mail.subject.startswith(f"{left}: ")


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "Europe/Kyiv", "America/Los_Angeles", "Europe/Brussels"])
def test_the_days_left_are_those_that_it_was_planned_for(world: World, zone: str) -> None:
    reader = world.person("uma@example.org", "Uma", zone=zone)
    world.plan(world.deadline(date(2021, 10, 15)), [-10, -1, 0, 3], [reader])
    with world.db.read() as session:
        told = [PLAIN.compose(session, one.id or 0, one.next_at) for one in world.messages()]
    left = [mail.subject.partition(":")[0] for mail in told]
    assert left == ["10 days left", "1 day left", "Last day", "3 days overdue"]


def test_a_reminder_brings_a_calendar_entry_that_follows_the_deadline(world: World) -> None:
    deadline_id = world.deadline(date(2021, 9, 30), generation=3)
    mail = read(composed(world, template="reminder", deadline_id=deadline_id, path="/applications/x/report"))
    (file,) = mail.iter_attachments()
    assert (file.get_content_type(), file.get_filename()) == ("text/calendar", "deadline.ics")
    calendar = Calendar.from_ical(file.get_content())
    (event,) = calendar.walk("VEVENT")
    assert str(calendar["METHOD"]) == "PUBLISH"
    assert str(event["UID"]) == f"deadline-{deadline_id}@example.org"
    assert int(event["SEQUENCE"]) == 6
    assert event.end == datetime(2021, 9, 30, 22, tzinfo=UTC)
    assert str(event["SUMMARY"]) == "Hand in the report: Safe routes to school"
    assert str(event["URL"]) == "https://fund.example.org/applications/x/report"
    assert DEMO in str(event["DESCRIPTION"])


def over(world: World, template: str, status: str = "waived", **columns: Any) -> list[Any]:
    """The calendar files of a notice that was written down in the moment in which a deadline ended."""
    since = {"held_at": NOW} if status == "held" else {"closed_at": NOW}
    world.deadline(date(2021, 9, 30), generation=3, status=status, **since, **columns)
    return list(
        read(composed(world, template=template, payload={"what": "x", "reason": "y"})).iter_attachments()
    )


def acts_for(world: World) -> None:
    """Ana acts for the member that applies."""
    with world.db.write() as session:
        session.add(Membership(person_id=world.ana, member_id=world.member_id, since=NOW))


@pytest.mark.parametrize(
    ("template", "status"), [("deadline_waived", "waived"), ("receipt", "met"), ("suspended", "held")]
)
def test_the_mail_of_what_is_over_takes_it_from_the_calendar(
    world: World, template: str, status: str
) -> None:
    acts_for(world)
    (file,) = over(world, template, status)
    assert dict(file["Content-Type"].params)["method"] == "CANCEL"
    calendar = Calendar.from_ical(file.get_content())
    (event,) = calendar.walk("VEVENT")
    assert str(calendar["METHOD"]) == "CANCEL"
    assert str(event["STATUS"]) == "CANCELLED"
    assert int(event["SEQUENCE"]) == 7
    assert str(event["UID"]).startswith("deadline-")
    assert event.end == datetime(2021, 9, 30, 22, tzinfo=UTC)


def test_what_is_owed_again_after_a_step_was_undone_comes_back_into_the_calendar(world: World) -> None:
    acts_for(world)
    world.deadline(date(2021, 9, 30), generation=1, label="Answer the offer")
    world.deadline(date(2021, 9, 29), generation=2, moved_at=NOW)
    mail = composed(world, template="taken_back", payload={"what": "Submit"})
    assert "What is due: Hand in the report\n" in mail.text
    (file,) = read(mail).iter_attachments()
    (event,) = Calendar.from_ical(file.get_content()).walk("VEVENT")
    assert (int(event["SEQUENCE"]), str(event["STATUS"])) == (4, "CONFIRMED")


def test_what_others_owed_is_taken_from_nobodys_calendar(world: World) -> None:
    for role in ("applicant", "manager", "reviewer"):
        assert over(world, "receipt", owner_role=role) == []


def test_what_was_over_before_is_not_taken_from_the_calendar_again(world: World) -> None:
    acts_for(world)
    world.deadline(date(2021, 9, 30), status="met", closed_at=later(hours=-1))
    assert list(read(composed(world, template="receipt")).iter_attachments()) == []


def test_what_is_overdue_brings_no_calendar_entry(world: World) -> None:
    mail = composed(
        world, now=later(days=12), template="overdue", deadline_id=world.deadline(date(2021, 9, 30))
    )
    assert list(read(mail).iter_attachments()) == []


def test_an_offer_tells_the_amount_the_time_and_until_when_to_answer(world: World) -> None:
    world.deadline(date(2021, 10, 12), label="Answer the offer")
    world.deadline(date(2021, 9, 25), label="Screen the proposal", owner_role="manager")
    with world.db.write() as session:
        session.add(Award(
            application_id=world.application, amount_minor=1_200_050, currency="EUR", starts_on=date(2022, 1, 1),
            ends_on=date(2022, 9, 30), prepared_at=NOW, prepared_by_id=world.ana,
        ))  # fmt: skip
    mail = composed(world, template="offer")
    assert (
        "we offer City of Cali a grant of EUR 12,000.50 for the project “Safe routes to school”" in mail.text
    )
    assert "from 1 January 2022 to 30 September 2022" in mail.text
    assert "What is due: Answer the offer\n" in mail.text
    assert len(list(read(mail).iter_attachments())) == 1


def test_a_reviewer_is_told_of_the_own_date_only(world: World) -> None:
    ruth, hugo = (world.person(f"{n}@example.org", n, zone="UTC") for n in ("ruth", "hugo"))
    reviews = [
        world._add(Review(application_id=world.application, reviewer_id=who, created_at=NOW, state="assigned",
                          state_since=NOW, workflow_id=world.workflow_id))
        for who in (ruth, hugo)
    ]  # fmt: skip
    for review, day in zip(reviews, (date(2021, 11, 5), date(2021, 11, 1)), strict=True):
        world.deadline(day, subject_kind="review", subject_id=review, owner_role="reviewer", label="Review")
    mail = composed(
        world, template="review_assigned", person_id=ruth, subject_kind="review", subject_id=reviews[0]
    )
    assert "5 November 2021" in mail.text
    conflict = composed(world, template="conflict_declared", subject_kind="review", subject_id=reviews[1],
                        payload={"reason": "We worked together"})  # fmt: skip
    assert "hugo declared a conflict of interest on “Safe routes to school”" in conflict.text
    assert "What was declared:\n\n    We worked together\n" in conflict.text


def test_a_report_is_called_by_its_kind(world: World) -> None:
    report = world._add(Report(
        application_id=world.application, kind="final", due_on=date(2022, 9, 30), created_at=NOW, state="due",
        state_since=NOW, workflow_id=world.workflow_id,
    ))  # fmt: skip
    mail = composed(world, template="report_received", subject_kind="report", subject_id=report)
    assert "City of Cali handed in the final report on “Safe routes to school”." in mail.text


def test_a_round_that_is_due_is_called_by_its_title(world: World) -> None:
    deadline_id = world.deadline(
        date(2021, 10, 31), subject_kind="round", subject_id=world.round_id, application_id=None,
        label="Close the round", owner_role="manager",
    )  # fmt: skip
    mail = composed(world, template="reminder", deadline_id=deadline_id, subject_kind="round",
                    subject_id=world.round_id, application_id=None)  # fmt: skip
    assert mail.subject == "40 days left: Close the round – Round 2021"


def test_a_draft_without_a_title_has_a_name_all_the_same(world: World) -> None:
    draft = world.proposal("")
    mail = composed(world, template="receipt", application_id=draft)
    assert mail.subject == "Received: Untitled proposal"


@pytest.mark.parametrize("path", ["https://evil.example/x", "//evil.example/x", "x", "", "/a\r\nb: c"])
def test_a_link_leads_nowhere_but_to_the_fund(world: World, path: str) -> None:
    mail = composed(world, template="receipt", path=path)
    (link,) = re.findall(r"https://\S+", mail.text)
    assert link in ("https://fund.example.org/", "https://fund.example.org/ab:c")
