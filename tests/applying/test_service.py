"""Starting, saving and submitting, on both databases."""

from datetime import timedelta

import pytest
from sqlmodel import col, select

from fund.applying import queries, service
from fund.applying.fields import Edit
from fund.base import ledger, passing
from fund.base.errors import Conflict, Forbidden, Invalid, MoveRefused, NotFound
from fund.base.permissions import Viewer
from schema.applications import Answer, Application, Submission
from schema.deadlines import Deadline
from schema.ledger import LedgerEvent
from schema.outbox import Message
from tests.applying.support import WHOLE, complete, in_review, moved, saved, started, stored, submitted
from tests.support.watching import at_once, statements


def start(fund, viewer, now, member=None, **options):
    with fund.db.write() as session:
        member = fund.member_id if member is None else member
        return service.start(session, viewer, fund.round_slug, member, now, **options)


def answers(fund, reference):
    with fund.db.read() as session:
        return queries.answers(session, stored(session, reference))


# ---------------------------------------------------------------- starting


def test_a_draft_begins_empty_with_its_deadline_and_its_reminders(fund, clock):
    begun = start(fund, fund.applicant, clock.now())
    assert begun.is_new
    with fund.db.read() as session:
        row = stored(session, begun.application.reference)
        due = session.exec(select(Deadline).where(Deadline.application_id == row.id)).one()
        reminders = session.exec(select(Message.offset_days, Message.person_id)).all()
        event = session.exec(select(LedgerEvent).where(LedgerEvent.chain == f"application:{row.id}")).one()
    assert (row.state, row.title, row.currency, row.author_id) == (
        "draft",
        "",
        "USD",
        fund.applicant.person_id,
    )
    assert (due.key, due.owner_role, due.due_on.isoformat(), due.zone) == (
        "submission",
        "applicant",
        "2021-10-21",
        "Europe/Brussels",
    )
    both = {fund.applicant.person_id, fund.colleague.person_id}
    assert {(days, who) for days, who in reminders if who in both} == {
        (days, who) for days in (-14, -7, -2, -1) for who in both
    }
    assert (event.action, event.actor_id, event.actor_role) == (
        "created",
        fund.applicant.person_id,
        "applicant",
    )


def test_starting_again_leads_to_the_draft_that_is_there(fund, clock):
    first = start(fund, fund.applicant, clock.now())
    again = start(fund, fund.applicant, clock.now())
    assert (again.is_new, again.application.reference) == (False, first.application.reference)
    more = start(fund, fund.applicant, clock.now(), another=True)
    assert more.is_new
    colleagues = start(fund, fund.colleague, clock.now())
    assert colleagues.is_new


def test_a_draft_that_is_submitted_or_discarded_does_not_stand_in_the_way(fund, clock):
    submitted(fund, clock.now())
    discarded = started(fund, clock.now())
    moved(fund, discarded, "discard", fund.applicant, clock.now())
    assert start(fund, fund.applicant, clock.now()).is_new


def test_two_clicks_at_once_start_one_draft(fund, clock):
    begun = at_once([lambda: start(fund, fund.applicant, clock.now())] * 2)
    assert sorted(one.is_new for one in begun) == [False, True]
    assert len({one.application.reference for one in begun}) == 1


def test_nobody_proposes_for_a_member_that_is_not_hers(fund, clock):
    for viewer in (fund.outsider, fund.manager, fund.reviewers[0], Viewer.anonymous()):
        with pytest.raises(Forbidden):
            start(fund, viewer, clock.now())
    with pytest.raises(Forbidden):
        start(fund, fund.applicant, clock.now(), member=999_999)
    with fund.db.read() as session:
        assert session.exec(select(Application)).all() == []


def test_a_round_that_is_over_or_closed_takes_no_new_proposals(fund, clock):
    clock.advance(timedelta(days=31))
    with pytest.raises(MoveRefused):
        start(fund, fund.applicant, clock.now())
    clock.advance(timedelta(days=-31))
    passing.sweep(fund.db, clock)
    clock.advance(timedelta(days=40))
    passing.sweep(fund.db, clock)
    with pytest.raises(MoveRefused):
        start(fund, fund.applicant, clock.now())


def test_a_round_that_is_not_there_is_not_found(fund, clock):
    with fund.db.write() as session, pytest.raises(NotFound):
        service.start(session, fund.applicant, "nothing", fund.member_id, clock.now())


# ---------------------------------------------------------------- saving


def test_what_is_written_is_saved_complete_or_not(fund, clock):
    reference = started(fund, clock.now())
    assert saved(fund, reference, Edit(title="Safe streets"), 0, clock.now()) == 1
    assert (
        saved(fund, reference, Edit(answers={"problem": "Half an ans"}), 1, clock.now(), fund.colleague) == 2
    )
    assert (
        saved(fund, reference, Edit(requested_minor=99_000_000_000_00, theme="digital"), 2, clock.now()) == 3
    )
    with fund.db.read() as session:
        row = stored(session, reference)
        answer = session.exec(select(Answer)).one()
    assert (row.title, row.theme, row.requested_minor) == ("Safe streets", "digital", 99_000_000_000_00)
    assert (answer.question, answer.text, answer.updated_by_id) == (
        "problem",
        "Half an ans",
        fund.colleague.person_id,
    )


def test_what_is_not_named_stays_and_none_empties_the_amount(fund, clock):
    reference = complete(fund, clock.now())
    saved(fund, reference, Edit(requested_minor=None, answers={"problem": ""}), 1, clock.now())
    with fund.db.read() as session:
        row = stored(session, reference)
    assert (row.title, row.theme, row.requested_minor) == ("Safe streets", "digital", None)
    assert answers(fund, reference) == {"problem": "", "plan": "We teach mediators."}


def test_huge_texts_in_any_script_are_kept_word_for_word(fund, clock):
    reference = started(fund, clock.now())
    text = ("سلام في مدننا 🕊️ – Pace e bene.\n\n" * 1000)[:20_000].strip()
    saved(fund, reference, Edit(title="ד" * 200, answers={"problem": text}), 0, clock.now())
    assert answers(fund, reference) == {"problem": text}


def test_what_cannot_be_stored_is_refused_as_a_whole(fund, clock):
    reference = complete(fund, clock.now())
    with pytest.raises(Invalid) as refused:
        saved(fund, reference, Edit(title="x" * 201, answers={"plan": "New", "other": "?"}), 1, clock.now())
    assert set(refused.value.fields) == {"title", "answers.other"}
    assert answers(fund, reference)["plan"] == "We teach mediators."


def test_of_two_who_save_one_wins_and_the_other_is_told(fund, clock):
    reference = complete(fund, clock.now())
    saved(fund, reference, Edit(answers={"plan": "The colleague's plan"}), 1, clock.now(), fund.colleague)
    with pytest.raises(Conflict):
        saved(fund, reference, Edit(answers={"plan": "My plan"}), 1, clock.now())
    assert answers(fund, reference)["plan"] == "The colleague's plan"


def test_two_who_save_at_the_same_moment_do_not_overwrite_each_other(fund, clock):
    reference = complete(fund, clock.now())
    results = at_once(
        [
            lambda: saved(fund, reference, Edit(answers={"plan": "Mine"}), 1, clock.now()),
            lambda: saved(fund, reference, Edit(answers={"plan": "Hers"}), 1, clock.now(), fund.colleague),
        ]
    )
    assert [type(result) for result in results if isinstance(result, Exception)] == [Conflict]
    winner = "Mine" if results[0] == 2 else "Hers"
    assert answers(fund, reference)["plan"] == winner


def test_saving_the_same_again_never_conflicts(fund, clock):
    reference = complete(fund, clock.now())
    assert saved(fund, reference, WHOLE, 0, clock.now()) == 1


def test_nobody_else_saves(fund, clock):
    reference = complete(fund, clock.now())
    for viewer in (fund.outsider, fund.manager, fund.auditor, fund.reviewers[0], Viewer.anonymous()):
        with pytest.raises(NotFound):
            saved(fund, reference, Edit(title="Mine"), 1, clock.now(), viewer)


def test_nothing_is_saved_once_it_is_handed_in(fund, clock):
    reference = submitted(fund, clock.now())
    with pytest.raises(Forbidden):
        saved(fund, reference, Edit(title="Better"), 1, clock.now())


# ---------------------------------------------------------------- submitting


def test_submitting_keeps_the_words_meets_the_deadline_and_queues_the_receipt(fund, clock):
    reference = complete(fund, clock.now())
    moved(
        fund, reference, "submit", fund.applicant, clock.now(), data={"declaration": True, "edit_version": 1}
    )
    with fund.db.read() as session:
        row = stored(session, reference)
        sent = session.exec(select(Submission)).one()
        mails = session.exec(
            select(Message.template, Message.person_id).where(Message.kind == "notice")
        ).all()
        due = session.exec(select(Deadline).where(Deadline.key == "submission")).one()
        waiting = session.exec(
            select(Message).where(
                Message.status == "pending", Message.kind == "reminder", col(Message.deadline_id) == due.id
            )
        ).all()
        assert ledger.verify(session).broken is None
    assert (row.state, row.submitted_at, row.declared_by_id) == (
        "submitted",
        clock.now(),
        fund.applicant.person_id,
    )
    assert sent.content == {
        "title": "Safe streets",
        "theme": "digital",
        "requested_minor": 15_000_00,
        "currency": "USD",
        "answers": dict(WHOLE.answers),
    }
    assert sorted(mails) == sorted(
        [("receipt", fund.applicant.person_id), ("receipt", fund.colleague.person_id)]
        + [("submitted_to_managers", viewer.person_id) for viewer in (fund.manager, fund.second_manager)]
    )
    assert (due.status, waiting) == ("met", [])


def test_what_is_missing_is_told_and_nothing_is_submitted(fund, clock):
    reference = started(fund, clock.now())
    with pytest.raises(MoveRefused) as refused:
        moved(fund, reference, "submit", fund.applicant, clock.now(), data={"declaration": True})
    asked_for = (
        "Title",
        "Theme",
        "Amount, within what the round allows",
        "The problem",
        "What you will do",
    )
    assert "5 more questions" in refused.value.reasons[0]
    assert [name for name in asked_for if name not in refused.value.reasons[0]] == []
    with fund.db.read() as session:
        assert stored(session, reference).state == "draft"


def test_more_than_the_round_gives_to_one_proposal_cannot_be_submitted(fund, clock):
    reference = complete(fund, clock.now())
    saved(fund, reference, Edit(requested_minor=20_000_01), 1, clock.now())
    with fund.db.read() as session:
        assert [gap.key for gap in queries.writing(session, fund.applicant, reference, clock.now()).gaps] == [
            "requested_minor"
        ]
    with pytest.raises(MoveRefused):
        moved(fund, reference, "submit", fund.applicant, clock.now(), data={"declaration": True})


def test_nothing_is_submitted_without_the_declaration(fund, clock):
    reference = complete(fund, clock.now())
    with pytest.raises(Invalid) as refused:
        moved(fund, reference, "submit", fund.applicant, clock.now())
    assert set(refused.value.fields) == {"declaration"}


def test_nobody_submits_words_that_she_has_not_seen(fund, clock):
    reference = complete(fund, clock.now())
    saved(fund, reference, Edit(answers={"plan": "Something else"}), 1, clock.now(), fund.colleague)
    with pytest.raises(Conflict):
        moved(
            fund,
            reference,
            "submit",
            fund.applicant,
            clock.now(),
            data={"declaration": True, "edit_version": 1},
        )


def test_of_two_who_submit_at_once_one_wins(fund, clock):
    reference = complete(fund, clock.now())

    def submit(viewer):
        with fund.db.write() as session:
            return service.move(
                session, viewer, reference, "submit", version=1, now=clock.now(), data={"declaration": True}
            )

    results = at_once([lambda: submit(fund.applicant), lambda: submit(fund.colleague)])
    assert [type(result) for result in results if isinstance(result, Exception)] == [Conflict]
    with fund.db.read() as session:
        assert len(session.exec(select(Submission)).all()) == 1
        assert len(session.exec(select(Message).where(Message.template == "receipt")).all()) == 2
        assert ledger.verify(session).broken is None


def test_saving_and_submitting_at_once_never_submits_half_a_change(fund, clock):
    reference = complete(fund, clock.now())

    def submit():
        data = {"declaration": True, "edit_version": 1}
        with fund.db.write() as session:
            return service.move(
                session, fund.applicant, reference, "submit", version=1, now=clock.now(), data=data
            )

    results = at_once(
        [
            submit,
            lambda: saved(fund, reference, Edit(answers={"plan": "New"}), 1, clock.now(), fund.colleague),
        ]
    )
    lost = [type(result) for result in results if isinstance(result, Exception)]
    assert lost in ([Conflict], [Forbidden])
    with fund.db.read() as session:
        sent = session.exec(select(Submission)).all()
    assert [one.content["answers"]["plan"] for one in sent] == (
        ["We teach mediators."] if lost == [Forbidden] else []
    )


def test_the_last_hour_of_grace_still_counts_and_then_the_draft_closes(fund, clock):
    on_time, late = complete(fund, clock.now()), complete(fund, clock.now())
    with fund.db.read() as session:
        closes_at = session.exec(select(Deadline.due_at).where(Deadline.key == "submission")).first()
    clock.move_to(closes_at + timedelta(minutes=59))
    passing.sweep(fund.db, clock)
    moved(fund, on_time, "submit", fund.applicant, clock.now(), data={"declaration": True})
    clock.advance(timedelta(minutes=1))
    passing.sweep(fund.db, clock)
    with pytest.raises(MoveRefused):
        moved(fund, late, "submit", fund.applicant, clock.now(), data={"declaration": True})
    with fund.db.read() as session:
        assert [stored(session, reference).state for reference in (on_time, late)] == [
            "submitted",
            "not_submitted",
        ]
    with pytest.raises(Forbidden):
        saved(fund, late, Edit(title="Too late"), 1, clock.now())


def test_a_returned_proposal_is_changed_and_submitted_again(fund, clock):
    reference = submitted(fund, clock.now())
    moved(fund, reference, "return_for_changes", fund.manager, clock.now(), reason="Say how many people.")
    saved(fund, reference, Edit(answers={"plan": "Forty people."}), 1, clock.now())
    first = clock.now()
    clock.advance(timedelta(days=2))
    moved(fund, reference, "resubmit", fund.applicant, clock.now(), data={"declaration": True})
    with fund.db.read() as session:
        row = stored(session, reference)
        sent = session.exec(select(Submission).order_by(col(Submission.number))).all()
    assert (row.state, row.submitted_at) == ("submitted", first)
    assert [(one.number, one.content["answers"]["plan"]) for one in sent] == [
        (1, "We teach mediators."),
        (2, "Forty people."),
    ]


def test_it_can_be_withdrawn_while_it_is_reviewed_by_its_applicant_alone(fund, clock):
    reference = in_review(fund, clock.now())
    for viewer, error in (
        (fund.outsider, NotFound),
        (Viewer.anonymous(), NotFound),
        (fund.reviewers[1], NotFound),
        (fund.reviewers[2], NotFound),
        (fund.reviewers[0], Forbidden),
        (fund.manager, Forbidden),
        (fund.auditor, Forbidden),
    ):
        with pytest.raises(error):
            moved(fund, reference, "withdraw", viewer, clock.now())
    moved(fund, reference, "withdraw", fund.colleague, clock.now(), reason="We found other money.")
    with fund.db.read() as session:
        assert stored(session, reference).state == "withdrawn"


# ---------------------------------------------------------------- reading


def test_the_list_asks_the_database_as_often_for_one_as_for_many(fund, clock):
    def asked(read) -> int:
        with fund.db.read() as session, statements(fund.db) as seen:
            assert read(session, fund.applicant)
        return len(seen)

    started(fund, clock.now())
    asked(queries.mine)  # the first time, definitions are read that are kept from then on
    once = asked(queries.mine)
    for _ in range(6):
        started(fund, clock.now(), another=True)
    assert asked(queries.mine) == once


def test_a_strangers_list_is_empty(fund, clock):
    started(fund, clock.now())
    with fund.db.read() as session:
        for viewer in (fund.outsider, fund.manager, Viewer.anonymous()):
            assert queries.mine(session, viewer) == []
