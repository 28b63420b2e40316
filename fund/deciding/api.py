"""Deciding in the JSON API: the ranked applications of a round. Decisions are moves of the application."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from fund.deciding import queries
from fund.web.deps import DbDep, ReadsEverything
from fund.web.problems import responses

router = APIRouter(prefix="/api/v1", tags=["decisions"])


class ChoiceOut(BaseModel):
    """An application to be decided. Amounts are in minor units of the round's currency, scores in points of 100."""

    reference: str
    title: str
    member: str
    state: str
    state_label: str
    reviews: int
    average: int | None
    lowest: int | None
    highest: int | None
    """Lowest and highest are there from two reviews on."""
    recommended: dict[str, int]
    """Recommendation → how many gave it."""
    amount_minor: int | None
    """The award that is prepared, else what is asked for."""
    prepared: bool
    running_minor: int
    """What all down to this one would cost together."""
    fits: bool
    """Whether ``running_minor`` is still left."""
    moves: list[str]
    """Triggers with which a manager decides on it: see the moves of the application."""

    @classmethod
    def of(cls, choice: queries.Choice) -> "ChoiceOut":
        """A row of the ranking."""
        summary = choice.opinion.summary
        low, high = summary.range or (None, None)
        return cls(
            reference=choice.application.reference,
            title=choice.application.title,
            member=choice.member.name,
            state=choice.state.name,
            state_label=choice.state.label,
            reviews=summary.reviews,
            average=summary.points,
            lowest=low,
            highest=high,
            recommended=dict(choice.opinion.recommended),
            amount_minor=choice.amount.minor if choice.amount else None,
            prepared=choice.prepared,
            running_minor=choice.running.minor,
            fits=choice.fits,
            moves=[move.trigger for move in choice.moves],
        )


class DeliberationOut(BaseModel):
    """A round on its way to decisions: its money and what can be decided, the best reviewed first."""

    round: str
    currency: str
    pot_minor: int
    committed_minor: int
    left_minor: int
    picked_minor: int
    """What the applications named in ``fund`` would cost together."""
    under_way: int
    """How many are not ripe for a decision yet."""
    choices: list[ChoiceOut]


@router.get("/rounds/{slug}/decisions", responses=responses(401, 403, 404, 422))
def deliberation(
    slug: str,
    viewer: ReadsEverything,
    db: DbDep,
    fund: Annotated[list[str] | None, Query(max_length=1000)] = None,
) -> DeliberationOut:
    """The applications that can be decided, ranked, against the money left. For managers and auditors."""
    with db.read() as session:
        found = queries.deliberation(session, viewer, slug, fund or [])
    return DeliberationOut(
        round=found.round.slug,
        currency=found.round.currency,
        pot_minor=found.purse.pot.minor,
        committed_minor=found.purse.committed.minor,
        left_minor=found.purse.left.minor,
        picked_minor=found.picked.minor,
        under_way=found.under_way,
        choices=[ChoiceOut.of(choice) for choice in found.choices],
    )
