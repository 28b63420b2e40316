"""What managers and reviewers do with reviews. Each function is one use case in the caller's transaction.

Starting, declaring a conflict, declining, submitting, reopening and cancelling are moves of the review's workflow:
``move`` makes any of them.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from fund.base import access, children, moves
from fund.base.definitions import definition_of
from fund.base.errors import Conflict, Invalid, MoveRefused
from fund.base.permissions import Viewer
from fund.base.subjects import id_of, lock, round_of
from fund.reviewing.scorecard import Given, Scorecard
from fund.web.i18n import gettext as _
from schema.applications import Application
from schema.people import Membership, Person, PersonRole, Role
from schema.reviews import Review, Score


def assign(
    session: Session, viewer: Viewer, application: Application, reviewer_ids: Sequence[int], *, now: datetime
) -> list[Review]:
    """Ask reviewers for a review of the application, due by the round's review day; each is told by mail.

    All are asked or none. Raises Forbidden for others than managers (and for a manager who acts for the applicant),
    MoveRefused where the application is not in review, Invalid (``reviewer``) where nobody is named or somebody is no
    reviewer, belongs to the applying member, or has a review of this application already.
    """
    access.require_manager_of(session, application, viewer)
    lock(session, application)
    if not takes_reviews(session, application):
        raise MoveRefused([_("Reviewers are assigned from screening until the decision, and not now.")])
    if not reviewer_ids:
        raise Invalid({"reviewer": _("Choose at least one reviewer.")})
    people = [_assignable(session, application, key) for key in dict.fromkeys(reviewer_ids)]
    return [_ask(session, viewer, application, person, now) for person in people]


def takes_reviews(session: Session, application: Application) -> bool:
    """Whether reviews can be asked for: the application's workflow has it in the stage review."""
    return definition_of(session, application).state(application.state).stage == "review"


def save_scores(
    session: Session, viewer: Viewer, review_id: int, card: Scorecard, *, edit_version: int
) -> Review:
    """Keep the whole scorecard as it stands, complete or not. What is left out of ``card`` is emptied.

    ``edit_version`` is the one it was read at. Saving what is stored already changes nothing. Raises NotFound,
    Forbidden where it cannot be written (any more), Invalid for what cannot be stored, Conflict where somebody (or the
    same reviewer elsewhere) saved in between; then nothing is written.
    """
    review = of(session, viewer, review_id)
    lock(session, review)
    access.require_edit(session, review, viewer)
    card.check({criterion.key: criterion for criterion in round_of(session, review).criteria})
    stored = _stored(session, review)
    if _same(review, stored, card):
        return review
    if review.edit_version != edit_version:
        raise Conflict(_("This review was saved elsewhere after you opened it."))
    _write(session, review, stored, card)
    return review


def move(
    session: Session,
    viewer: Viewer,
    review_id: int,
    trigger: str,
    *,
    version: int,
    now: datetime,
    reason: str | None = None,
    data: Mapping[str, Any] | None = None,
) -> Review:
    """Make a move of the review. Raises NotFound for who may not read it, else as ``fund.base.moves.fire``."""
    review = of(session, viewer, review_id)
    moves.fire(session, review, trigger, viewer, version=version, now=now, reason=reason, data=data)
    return review


def of(session: Session, viewer: Viewer, review_id: int) -> Review:
    """The review, for a viewer who may read it in its present state. Raises NotFound otherwise."""
    review = access.subject(session, viewer, "review", review_id)
    assert isinstance(review, Review)
    return review


def _assignable(session: Session, application: Application, person_id: int) -> Person:
    person = session.get(Person, person_id)
    if (
        person is None
        or person.disabled_at
        or session.get(PersonRole, (person_id, Role.REVIEWER.value)) is None
    ):
        raise Invalid({"reviewer": _("Choose people who are reviewers of the fund.")})
    if session.get(Membership, (person_id, application.member_id)) is not None:
        raise Invalid(
            {
                "reviewer": _("%(name)s belongs to the member that applies. Choose others.")
                % {"name": person.name}
            }
        )
    there = select(Review.id).where(
        Review.application_id == application.id, col(Review.reviewer_id) == person_id
    )
    if session.exec(there).first() is not None:
        raise Invalid(
            {
                "reviewer": _("%(name)s was asked to review this already. Choose others.")
                % {"name": person.name}
            }
        )
    return person


def _ask(session: Session, viewer: Viewer, application: Application, person: Person, now: datetime) -> Review:
    assert person.id is not None
    review = Review(
        application_id=id_of(application),
        reviewer_id=person.id,
        created_at=now,
        **children.moved_columns(session, application.round_id, "review", now),
    )
    children.born(
        session, review, now, viewer=viewer, role=Role.MANAGER.value, data={"reviewer_id": person.id}
    )
    return review


def _stored(session: Session, review: Review) -> dict[str, Score]:
    return {
        score.criterion: score for score in session.exec(select(Score).where(Score.review_id == review.id))
    }


def _same(review: Review, stored: Mapping[str, Score], card: Scorecard) -> bool:
    kept = {key: Given(score.value, score.reason) for key, score in stored.items()}
    empty = Given()
    return (
        (review.recommendation, review.comment, review.feedback)
        == (card.recommendation, card.comment, card.feedback)
    ) and all(kept.get(key, empty) == card.scores.get(key, empty) for key in kept.keys() | card.scores.keys())


def _write(session: Session, review: Review, stored: Mapping[str, Score], card: Scorecard) -> None:
    for key in stored.keys() | card.scores.keys():
        given = card.scores.get(key, Given())
        score = stored.get(key) or Score(review_id=id_of(review), criterion=key)
        score.value, score.reason = given.value, given.reason
        session.add(score)
    review.recommendation, review.comment, review.feedback = card.recommendation, card.comment, card.feedback
    review.edit_version += 1
    session.add(review)
    session.flush()
