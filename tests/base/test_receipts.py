"""Whoever does what she owed is told that it arrived, and it goes from every calendar that took in its file."""

from datetime import timedelta

import pytest
from icalendar import Calendar
from sqlmodel import select

from fund.base import extending, undo
from fund.base.settings import Settings
from fund.worker import Worker
from notifications.dates import last_day
from schema.applications import Application
from schema.deadlines import Deadline
from schema.lessons import CLEARED_ONE_BY_ONE, TEXTS, Lesson
from schema.outbox import Message
from schema.people import Person
from schema.reviews import Review
from tests.support.world import (
    assign,
    award,
    draft,
    move,
    report_of,
    review_in,
    submit,
    to_active,
    to_deliberation,
    to_lesson_due,
    world,
)

THERE, GONE = "CONFIRMED", "CANCELLED"


class Story:
    """A fund that lives through something, with a worker that sends its mail and calendars that take in what came."""

    def __init__(self, db, clock, mailbox, settings):
        self.db, self.clock, self.mailbox = db, clock, mailbox
        self.here = world(db, clock.now())
        self.worker = Worker(settings, db, clock)

    def happens(self, what, *args, **more):
        """Half an hour later, all at once; then what is to be mailed goes out."""
        self.clock.advance(timedelta(minutes=30))
        with self.db.write() as session:
            answer = what(session, *args, now=self.clock.now(), **more)
            key = getattr(answer, "id", None)
        self.worker.sender.run_until_quiet()
        return key

    def moves(self, kind, key, trigger, viewer, **more):
        """Somebody makes a move on what has that key."""
        self.happens(
            lambda session, now: move(session, session.get_one(kind, key), trigger, viewer, now, **more)
        )

    def calendar(self, viewer, what):
        """How what is owed stands in the calendar of somebody who takes in each file: once for each entry."""
        held = {}
        for mail in self.mailbox.to(viewer.email):
            for file in mail.parsed.iter_attachments():
                whole = Calendar.from_ical(file.get_payload(decode=True))
                for event in whole.walk("VEVENT"):
                    _take_in(held, event)
                    assert whole["METHOD"] == "PUBLISH" or event["STATUS"] == GONE
        said = (f"{what}:", f"{what} (")
        return [str(one["STATUS"]) for one in held.values() if str(one["SUMMARY"]).startswith(said)]

    def last(self, viewer):
        """The mail that came last."""
        return self.mailbox.to(viewer.email)[-1]


def _take_in(held, event):
    """What became of an entry is told with a higher number, or a calendar would pass it over."""
    before = held.get(event["UID"])
    if before is not None and before["STATUS"] != event["STATUS"]:
        assert event["SEQUENCE"] > before["SEQUENCE"]
    held[event["UID"]] = event


@pytest.fixture
def story(db, clock, mailbox, tmp_path):
    settings = Settings(data_dir=tmp_path, smtp_host=mailbox.host, smtp_port=mailbox.port)
    told = Story(db, clock, mailbox, settings)
    yield told
    told.worker.stop()


def by_when(story, key):
    """The day of the open deadline of that key, as mails write it."""
    with story.db.read() as session:
        found = session.exec(select(Deadline).where(Deadline.key == key, Deadline.status == "open")).one()
        day = last_day(found.due_at, found.zone)
        return f"{day.day} {day:%B %Y}"


def offered(session, here, now):
    application = to_deliberation(session, here, now)
    award(session, here, application, now)
    move(session, application, "offer", here.manager, now)
    return application


@pytest.mark.parametrize(
    ("trigger", "data", "subject", "says"),
    [
        ("accept_offer", {"signed_name": "Lucía Prado"}, "Offer accepted: Safe streets", "The agreement holds."),
        ("decline_offer", {}, "Noted: Safe streets", "“Decline the offer”"),
    ],
)  # fmt: skip
def test_an_answered_offer_leaves_the_calendars_of_all_who_act_for_the_member(
    story, trigger, data, subject, says
):
    here = story.here
    key = story.happens(lambda session, now: offered(session, here, now))
    owed = "Accept or decline the offer"
    assert story.calendar(here.applicant, owed) == story.calendar(here.colleague, owed) == [THERE]
    story.moves(Application, key, trigger, here.applicant, data=data)
    for person in (here.applicant, here.colleague):
        assert story.calendar(person, owed) == [GONE]
        mail = story.last(person)
        assert mail.subject == subject
        assert says in mail.text
        assert mail.text.count("/applications/PIF-") == 1
    if trigger == "accept_offer":
        assert f"We mean to confirm the start by {by_when(story, 'start')}." in mail.text


def test_a_report_handed_in_twice_leaves_the_calendar_twice(story):
    here = story.here
    key = story.happens(lambda session, now: to_active(session, here, now))
    with story.db.write() as session:
        report = report_of(session, session.get_one(Application, key), "interim")
        for name in ("done", "changed", "difficulties", "next_steps"):
            setattr(report, name, "Forty evenings.")
        report.people_reached, report.spent_minor, of = 120, 6_000_00, (type(report), report.id)
        session.get_one(Person, here.colleague.person_id).digest = True
    owed, again = "Hand in the report", "Change the report and hand it in again"
    assert story.calendar(here.applicant, owed) == [THERE]
    story.moves(*of, "hand_in", here.colleague)
    for person in (here.applicant, here.colleague):
        mail = story.last(person)
        assert mail.subject == "Report received: Safe streets"
        assert "Your interim report on “Safe streets” has arrived." in mail.text
        assert f"We mean to answer by {by_when(story, 'report_check')}." in mail.text
        assert story.calendar(person, owed) == [GONE]
    story.moves(*of, "return", here.manager, reason="Say how you counted.")
    assert story.calendar(here.applicant, again) == [THERE]
    story.moves(*of, "hand_in_again", here.applicant)
    assert story.calendar(here.applicant, again) == story.calendar(here.applicant, owed) == [GONE]
    assert not any("received" in mail.subject for mail in story.mailbox.to(here.manager.email))


def test_a_lesson_handed_in_leaves_the_calendar(story):
    here = story.here
    story.happens(lambda session, now: to_lesson_due(session, here, now))
    assert story.calendar(here.applicant, "Hand in the lesson") == [THERE]
    with story.db.write() as session:
        lesson = session.exec(select(Lesson)).one()
        for name in TEXTS:
            setattr(lesson, name, "What we learned.")
        lesson.theme, lesson.consent = "digital", dict.fromkeys(CLEARED_ONE_BY_ONE, "public")
        key = lesson.id
    story.moves(Lesson, key, "hand_in", here.applicant)
    assert story.calendar(here.applicant, "Hand in the lesson") == [GONE]
    mail = story.last(here.applicant)
    assert mail.subject == "Lesson received: Safe streets"
    assert f"We mean to answer by {by_when(story, 'lesson_check')}." in mail.text


def test_all_that_ends_with_a_project_leaves_the_calendar(story):
    here, owed = story.here, "Hand in the report"
    key = story.happens(lambda session, now: to_active(session, here, now))
    assert story.calendar(here.applicant, owed) == [THERE]
    story.moves(Application, key, "terminate", here.manager, reason="The city withdrew.")
    assert story.calendar(here.applicant, owed) == [GONE, GONE]


def test_a_digest_takes_out_of_the_calendar_what_ended_beside_what_moved(story):
    here, reviewer = story.here, story.here.reviewers[0]
    for _ in range(2):
        story.happens(lambda session, now: assigned(session, here, now))
    with story.db.write() as session:
        session.get_one(Person, reviewer.person_id).digest = True
        mine = select(Review.id).where(Review.reviewer_id == reviewer.person_id)
        gone, moved = session.exec(mine.order_by(Review.id)).all()
    owed = "Submit the review"
    assert story.calendar(reviewer, owed) == [THERE, THERE]
    story.moves(Review, gone, "cancel", here.manager, reason="Assigned by mistake.")
    story.clock.advance(timedelta(days=1))
    story.happens(give_more_time, moved, here.manager)
    assert "2 messages for you" in story.last(reviewer).subject
    assert story.calendar(reviewer, owed) == [GONE, THERE]


def give_more_time(session, key, viewer, now):
    found = select(Deadline).where(Deadline.subject_kind == "review", Deadline.subject_id == key)
    one = session.exec(found).one()
    day = one.due_on + timedelta(days=3)
    extending.move(session, viewer, one.id, day, "Holidays.", generation=one.generation, now=now)


def assigned(session, here, now):
    application = draft(session, here, now)
    submit(session, here, application, now)
    move(session, application, "start_screening", here.manager, now)
    for reviewer in here.reviewers[:2]:
        assign(session, here, application, reviewer, now)
    move(session, application, "send_to_review", here.manager, now)
    return application


def review_of(story, viewer):
    with story.db.read() as session:
        return session.exec(select(Review.id).where(Review.reviewer_id == viewer.person_id)).one()


def test_a_review_that_is_in_or_given_back_leaves_the_reviewers_calendar_and_nobody_elses(story):
    here, (one, other, _third) = story.here, story.here.reviewers
    story.happens(lambda session, now: assigned(session, here, now))

    def calendar(viewer):
        return story.calendar(viewer, "Submit the review")

    assert (calendar(one), calendar(other)) == ([THERE], [THERE])
    story.happens(
        lambda session, now: review_in(session, session.get_one(Review, review_of(story, one)), one, now)
    )
    assert (calendar(one), calendar(other)) == ([GONE], [THERE])
    assert story.last(one).subject == "Review received: Safe streets"
    assert "We mean to decide by" in story.last(one).text
    key = review_of(story, other)
    story.moves(Review, key, "decline", other, reason="I am ill.")
    assert calendar(other) == [GONE]
    told = story.last(other).text
    assert "“Say that you cannot review it”" in told
    assert "I am ill." not in told
    assert "/reviews\n" in told
    story.happens(undo_last, key, here.manager)
    assert calendar(other) == [THERE]


def undo_last(session, key, viewer, now):
    review = session.get_one(Review, key)
    event = undo.offer(session, review, viewer, now).event
    undo.undo(session, review, viewer, event=event, version=review.version, now=now)


def test_a_draft_that_is_discarded_leaves_the_calendars_that_its_reminders_came_to(story):
    here = story.here
    key = story.happens(lambda session, now: draft(session, here, now))
    story.clock.advance(timedelta(days=24))
    story.worker.sender.run_until_quiet()
    owed = "Submit the proposal"
    assert story.calendar(here.colleague, owed) == [THERE]
    story.moves(Application, key, "discard", here.applicant)
    assert story.calendar(here.colleague, owed) == story.calendar(here.applicant, owed) == [GONE]
    with story.db.read() as session:
        told = session.exec(select(Message.person_id).where(Message.template == "noted")).all()
    assert sorted(told) == sorted(one.person_id for one in (here.applicant, here.colleague))
