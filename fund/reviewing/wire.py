"""How the API speaks of reviews."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from fund.reviewing import opinions, queries
from fund.reviewing.scorecard import LONGEST
from fund.reviewing.scoring import Summary
from fund.web.parse import tidy
from schema.deadlines import Deadline
from schema.reviews import Review
from workflows import State

Text = Annotated[str, AfterValidator(tidy), Field(max_length=LONGEST)]
"""Plain text: line breaks as ``\\n``, no control characters."""
PersonKey = Annotated[int, Field(ge=1, lt=2**31, strict=True)]


class Proposal(BaseModel):
    """What is known of a proposal before a conflict of interest is declared or denied."""

    reference: str
    title: str
    theme: str
    member: str
    city: str
    round: str
    requested_minor: int | None
    currency: str

    @classmethod
    def of(cls, brief: queries.Brief) -> "Proposal":
        """The proposal of a brief."""
        application = brief.application
        return cls(
            reference=brief.reference,
            title=application.title,
            theme=application.theme,
            member=brief.member.name,
            city=brief.member.city,
            round=brief.round.slug,
            requested_minor=application.requested_minor,
            currency=application.currency,
        )


class ReviewOut(BaseModel):
    """Where a review stands. ``readable``: whether it can still be opened."""

    id: int
    state: str
    state_label: str
    outcome: str | None
    version: int
    due_on: date | None
    due_at: datetime | None
    """The first moment after the day, in UTC."""
    proposal: Proposal
    readable: bool

    @classmethod
    def of(cls, task: queries.Task) -> "ReviewOut":
        """An entry of a reviewer's list."""
        standing = _standing(task.review, task.state, task.deadline)
        return cls(**standing, proposal=Proposal.of(task.brief), readable=task.opened)


class ScoreOut(BaseModel):
    """One criterion with the answers it is judged by and what was given."""

    criterion: str
    label: str
    weight: int
    anchors: list[str]
    """What each score from 0 up means."""
    answers: dict[str, str]
    """Question → answer as submitted; empty while they may not be read."""
    value: int | None
    reason: str

    @classmethod
    def of(cls, block: queries.Block) -> "ScoreOut":
        """A block of the scorecard."""
        return cls(
            criterion=block.criterion.key,
            label=block.criterion.label,
            weight=block.criterion.weight,
            anchors=block.criterion.anchors,
            answers={one.key: one.text for one in block.answers},
            value=block.value,
            reason=block.reason,
        )


class Totals(BaseModel):
    """What several reviews come to, in points of 100. Lowest and highest are there from two on."""

    reviews: int
    average: int | None
    lowest: int | None
    highest: int | None

    @classmethod
    def of(cls, summary: Summary) -> "Totals":
        """What the reviews come to."""
        low, high = summary.range or (None, None)
        return cls(reviews=summary.reviews, average=summary.points, lowest=low, highest=high)


class ReviewWhole(ReviewOut):
    """A review with its scorecard."""

    answers_open: bool
    editable: bool
    edit_version: int
    """Send it back when saving."""
    scores: list[ScoreOut]
    other_answers: dict[str, str]
    """Answers that no criterion is judged by."""
    recommendation: str
    comment: str
    feedback: str
    points: int | None
    """The weighted score in points of 100; null while a criterion has none."""
    others: Totals | None
    """There once the reviewer's own review is in."""

    @classmethod
    def whole(cls, reading: queries.Reading) -> "ReviewWhole":
        """A review as far as its reader may see it."""
        review, written = reading.review, reading.written
        return cls(
            **_standing(review, reading.state, reading.deadline),
            proposal=Proposal.of(reading.brief),
            readable=True,
            answers_open=reading.open,
            editable=reading.editable,
            edit_version=review.edit_version,
            scores=[ScoreOut.of(block) for block in reading.blocks],
            other_answers={one.key: one.text for one in reading.rest},
            recommendation=review.recommendation if written else "",
            comment=review.comment if written else "",
            feedback=review.feedback if written else "",
            points=reading.points,
            others=Totals.of(reading.others) if reading.others else None,
        )


class ScoreIn(BaseModel):
    """A score from 0 to the criterion's top, or null for not yet, and the reason for it."""

    model_config = ConfigDict(extra="forbid")

    value: int | None = Field(default=None, strict=True)
    reason: Text = ""


class ScorecardIn(BaseModel):
    """The whole scorecard; what is left out is emptied. It may be incomplete until it is submitted."""

    model_config = ConfigDict(extra="forbid")

    edit_version: int = Field(ge=0, lt=2**31)
    scores: dict[str, ScoreIn] = Field(default_factory=dict)
    recommendation: str = ""
    """``fund``, ``reserve``, ``decline`` or empty."""
    comment: Text = ""
    feedback: Text = ""


class ReviewersIn(BaseModel):
    """The people who are asked for a review, all or none of them."""

    model_config = ConfigDict(extra="forbid")

    reviewers: list[PersonKey] = Field(min_length=1, max_length=100)
    """Ids of people."""


class ReviewRow(BaseModel):
    """One review of an application as managers see it."""

    id: int
    reviewer_id: int
    reviewer: str
    state: str
    state_label: str
    outcome: str | None
    version: int
    due_on: date | None
    points: int | None
    recommendation: str
    note: str
    """The reason of its last move that had one."""

    @classmethod
    def of(cls, row: opinions.Row) -> "ReviewRow":
        """A row of the manager's list."""
        return cls(
            **_standing(row.review, row.state, row.deadline),
            reviewer_id=row.review.reviewer_id,
            reviewer=row.reviewer.name,
            points=row.points,
            recommendation=row.recommendation,
            note=row.note,
        )


class Panel(BaseModel):
    """The reviews of an application, and what those that came in come to."""

    reviews: list[ReviewRow]
    came_in: Totals
    recommended: dict[str, int]
    """Recommendation → how many gave it."""

    @classmethod
    def of(cls, rows: Sequence[opinions.Row], opinion: opinions.Opinion) -> "Panel":
        """The rows with what they come to."""
        return cls(
            reviews=[ReviewRow.of(row) for row in rows],
            came_in=Totals.of(opinion.summary),
            recommended=dict(opinion.recommended),
        )


def _standing(review: Review, state: State, deadline: Deadline | None) -> dict[str, Any]:
    return {
        "id": review.id,
        "state": state.name,
        "state_label": state.label,
        "outcome": state.outcome,
        "version": review.version,
        "due_on": deadline.due_on if deadline else None,
        "due_at": deadline.due_at if deadline else None,
    }
