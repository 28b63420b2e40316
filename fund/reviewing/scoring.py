"""What scores add up to. Pure arithmetic, nothing stored."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from schema.rounds import Criterion

FAR = 0.4
"""From here on two reviews are far apart: 40 points of 100."""


@dataclass(frozen=True)
class Summary:
    """Several reviews of one proposal together. Shares run from 0 (every lowest score) to 1 (every highest)."""

    reviews: int = 0
    average: float | None = None
    lowest: float | None = None
    highest: float | None = None

    @property
    def points(self) -> int | None:
        """The average as points of 100."""
        return points(self.average)

    @property
    def range(self) -> tuple[int, int] | None:
        """The lowest and the highest as points of 100; None with fewer than two reviews."""
        low, high = points(self.lowest), points(self.highest)
        return None if low is None or high is None or self.reviews < 2 else (low, high)

    @property
    def spread(self) -> float | None:
        """How far the kindest and the sternest review lie apart; None with fewer than two."""
        if self.lowest is None or self.highest is None or self.reviews < 2:
            return None
        return self.highest - self.lowest

    @property
    def apart(self) -> bool:
        """Whether the reviews differ so much that the average alone tells little."""
        return self.spread is not None and self.spread >= FAR


def share(criteria: Sequence[Criterion], values: Mapping[str, int | None]) -> float | None:
    """The weighted share of the highest possible score that ``values`` reach; None while a criterion has none."""
    weighed = [(criterion.weight, criterion.top, values.get(criterion.key)) for criterion in criteria]
    whole = sum(weight for weight, top, _ in weighed if top > 0)
    if not whole or any(value is None for _, top, value in weighed if top > 0):
        return None
    return sum(weight * (value or 0) / top for weight, top, value in weighed if top > 0) / whole


def summary(shares: Iterable[float | None]) -> Summary:
    """What the reviews come to; one without a share counts as a review that says nothing about the score."""
    given = list(shares)
    known = [one for one in given if one is not None]
    if not known:
        return Summary(len(given))
    return Summary(len(given), sum(known) / len(known), min(known), max(known))


def points(share: float | None) -> int | None:
    """A share as whole points of 100, as people read it; half a point goes up."""
    return None if share is None else int(share * 100 + 0.5)
