"""Where mails lead: straight to the page on which their reader acts."""

from sqlmodel import select

from fund.base.links import STRAIGHT
from schema.outbox import Message
from schema.people import Person
from tests.support.doors import Doors
from tests.support.world import assign, draft, move, submit, to_published, world
from workflows import shipped


def test_every_link_is_of_a_mail_or_a_deadline_that_there_is():
    definitions = [shipped(name) for name in ("application", "review", "report", "lesson", "round")]
    notices = {(n.to, n.template) for d in definitions for m in d.moves.values() for n in m.notices}
    owed = {(rule.owner, key) for d in definitions for key, rule in d.deadlines.items()}
    assert set(STRAIGHT) - notices - owed == set()


def test_every_mail_of_a_grants_life_opens_for_its_reader(sqlite_db, clock):
    """From the draft to the published lesson, and a review that was asked for and declined."""
    here = world(sqlite_db, clock.now())
    with sqlite_db.write() as session:
        to_published(session, here, clock.now())
        other = draft(session, here, clock.now(), title="Another street")
        submit(session, here, other, clock.now())
        move(session, other, "start_screening", here.manager, clock.now())
        review, _second = (assign(session, here, other, one, clock.now()) for one in here.reviewers[:2])
        move(session, other, "send_to_review", here.manager, clock.now())
        move(session, review, "decline", here.reviewers[0], clock.now(), reason="No time.")
        declined = review.id
    with sqlite_db.read() as session:
        paths = {(row.template, row.offset_days, row.path) for row in session.exec(select(Message))}
        sent = session.exec(select(Message.path, Person.email).join(Person).distinct()).all()
    straight = {"offer": "/offer", "lesson_asked": "/lesson", "review_declined": "/reviewers"}
    for template, end in straight.items():
        assert {path.endswith(end) for name, _days, path in paths if name == template} == {True}, template
    assert {path.rsplit("/", 1)[1] for name, _d, path in paths if name == "reminder"} >= {
        "edit",
        "offer",
        "lesson",
    }
    doors = Doors(sqlite_db, clock)
    people = [here.manager, here.second_manager, here.applicant, here.colleague, *here.reviewers]
    browsers = {viewer.email: doors.browser(viewer) for viewer in people}
    closed = [
        (path, email)
        for path, email in sent
        if browsers[email].get(path, follow_redirects=True).status_code != 200
    ]
    assert closed == [(f"/reviews/{declined}", here.reviewers[0].email)]  # she sees it no more
