"""What is said about a proposal: by whom, read by whom, said once, told to whom it concerns."""

import pytest
from sqlmodel import select

from fund.applying import comments
from fund.base.errors import Forbidden, Invalid, NotFound
from schema.outbox import Message
from tests.applying.support import moved, started, submitted
from tests.support import world as worlds


def said(world, viewer, reference) -> list[str]:
    with world.db.read() as session:
        return [one.text for one, _by in comments.conversation(session, viewer, reference).said]


def say(world, viewer, reference, text, now) -> None:
    with world.db.write() as session:
        comments.say(session, viewer, reference, text, now)


def mailed(world) -> list[tuple[int, str]]:
    with world.db.read() as session:
        rows = session.exec(select(Message).where(Message.template == "commented").order_by(Message.id)).all()
        return [(row.person_id, row.path) for row in rows]


def deliberated(world, now) -> str:
    """A proposal in deliberation; the first two reviewers' reviews are in."""
    with world.db.write() as session:
        return worlds.to_deliberation(session, world, now).reference


def test_managers_talk_while_others_neither_read_nor_know(world, clock):
    reference = submitted(world, clock.now())
    say(world, world.manager, reference, "  Who knows their partners?\r\nI do not. ", clock.now())
    assert said(world, world.second_manager, reference) == ["Who knows their partners?\nI do not."]
    assert said(world, world.auditor, reference) == said(world, world.manager, reference)
    for other in (world.applicant, world.outsider, *world.reviewers):
        with pytest.raises(NotFound):
            said(world, other, reference)
    assert mailed(world) == [(world.second_manager.person_id, f"/applications/{reference}/comments")]


def test_reviewers_join_in_deliberation_and_never_read_what_managers_said_among_themselves(world, clock):
    reference = deliberated(world, clock.now())
    with world.db.write() as session:
        stored_comment = comments.say(session, world.manager, reference, "To all.", clock.now())
        stored_comment.read_by = ["manager"]
    say(world, world.reviewers[0], reference, "The budget is thin.", clock.now())
    assert said(world, world.reviewers[0], reference) == ["The budget is thin."]
    assert said(world, world.manager, reference) == ["To all.", "The budget is thin."]
    with pytest.raises(NotFound):
        said(world, world.reviewers[2], reference)
    moved(world, reference, "decline", world.manager, clock.now(), reason="Not this time.")
    with pytest.raises(Forbidden):
        say(world, world.manager, reference, "Too late.", clock.now())
    assert said(world, world.auditor, reference) == ["To all.", "The budget is thin."]


def test_a_reviewer_hears_of_answers_as_long_as_she_can_read_them(world, clock):
    reference = deliberated(world, clock.now())
    say(world, world.reviewers[0], reference, "The budget is thin.", clock.now())
    say(world, world.manager, reference, "Which part?", clock.now())
    to = [person for person, _path in mailed(world)]
    managers = [world.manager.person_id, world.second_manager.person_id]
    assert to == [*managers, world.second_manager.person_id, world.reviewers[0].person_id]


def test_the_same_words_twice_in_a_row_are_said_once(world, clock):
    reference = submitted(world, clock.now())
    for words in ("Call them.", "Call them.", "Done.", "Call them."):
        say(world, world.manager, reference, words, clock.now())
    assert said(world, world.manager, reference) == ["Call them.", "Done.", "Call them."]


@pytest.mark.parametrize("text", ["", " \r\n\x00 ", "x" * (comments.LONGEST + 1)])
def test_a_text_that_says_nothing_or_too_much_is_refused_beside_the_field(world, clock, text):
    reference = submitted(world, clock.now())
    with pytest.raises(Invalid) as wrong:
        say(world, world.manager, reference, text, clock.now())
    assert list(wrong.value.fields) == ["text"]


def test_nobody_comments_on_a_draft(world, clock):
    reference = started(world, clock.now())
    for viewer in (world.applicant, world.manager):
        with pytest.raises(NotFound):
            say(world, viewer, reference, "Hello?", clock.now())


def test_the_pages_show_what_may_be_read_and_keep_what_was_typed(world, doors, clock):
    reference = submitted(world, clock.now())
    path, manager = f"/applications/{reference}/comments", doors.browser(world.manager)
    assert "Comments (0)" in manager.get(f"/pipeline/{reference}").text
    refused = manager.post(path, data={"text": "y" * 5001})
    assert "y" * 5001 in refused.text
    assert "at most 5,000 fit" in refused.text
    manager.post(path, data={"text": "<b>مرحبا</b>"})
    page = manager.get(path).text
    assert "&lt;b&gt;مرحبا&lt;/b&gt;" in page
    assert "Comments (1)" in manager.get(f"/pipeline/{reference}").text
    assert "Say something" not in doors.browser(world.auditor).get(path).text
    assert doors.browser(world.applicant).get(path).status_code == 404
    assert "Comments" not in doors.browser(world.applicant).get(f"/applications/{reference}").text


def test_whoever_says_too_much_is_asked_to_wait_beside_the_field(world, doors, clock):
    reference = submitted(world, clock.now())
    with world.db.write() as session:
        for number in range(comments.PER_HOUR.most):
            comments.say(session, world.manager, reference, f"Number {number}.", clock.now())
    path, browser = f"/applications/{reference}/comments", doors.browser(world.manager)
    refused = browser.post(path, data={"text": "One more."})
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "3600")
    assert 'id="text-error"' in refused.text
    assert "This was tried too often. Wait 60 minutes, then try again." in refused.text
    assert "One more.</textarea>" in refused.text
    assert browser.post(path, data={"text": f"Number {comments.PER_HOUR.most - 1}."}).status_code == 303
    program = doors.program(world.manager).post(f"/api/v1{path}", json={"text": "One more."})
    assert (program.status_code, program.json()["status"]) == (429, 429)
    assert program.headers["content-type"] == "application/problem+json"
    assert len(said(world, world.manager, reference)) == comments.PER_HOUR.most
    say(world, world.second_manager, reference, "I can.", clock.now())
    say(world, world.manager, reference, "And later so can I.", clock.now() + comments.PER_HOUR.length)


def test_programs_read_and_comment_by_the_same_rights(world, doors, clock):
    reference = submitted(world, clock.now())
    path, program = f"/api/v1/applications/{reference}/comments", doors.program(world.manager)
    made = program.post(path, json={"text": "Seen."})
    assert made.status_code == 201
    assert made.json()["read_by"] == ["manager"]
    assert program.get(path).json() == {"items": [made.json()], "open_to": ["manager"]}
    assert program.post(path, json={"text": ""}).status_code == 422
    assert doors.program(world.auditor).post(path, json={"text": "No."}).status_code == 403
    assert doors.program(world.outsider).get(path).status_code == 404
