"""A scorecard as it is handed over to be saved: checked as a whole, and nothing of it lost."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fund.base.errors import Invalid
from fund.web.i18n import gettext as _
from fund.web.i18n import lazy
from schema.rounds import Criterion

LONGEST = 20_000
"""Characters that one text may have."""

RECOMMENDATIONS = {
    "fund": lazy("Fund it"),
    "reserve": lazy("Keep it in reserve"),
    "decline": lazy("Do not fund it"),
}
"""What a reviewer may recommend, with its name for people."""


@dataclass(frozen=True)
class Given:
    """The score of one criterion (0 to its top, or None for not yet) and the reason for it."""

    value: int | None = None
    reason: str = ""


@dataclass(frozen=True)
class Scorecard:
    """Everything that a reviewer writes: by criterion, and as a whole. Half-filled is fine until it is submitted."""

    scores: Mapping[str, Given] = field(default_factory=dict)
    recommendation: str = ""
    comment: str = ""
    feedback: str = ""

    def check(self, criteria: Mapping[str, Criterion]) -> None:
        """Raise Invalid for what could not be stored: too long, no such criterion, score or recommendation.

        Fields are named as in the form: ``score-<criterion>``, ``reason-<criterion>``, ``recommendation``, ``comment``,
        ``feedback``.
        """
        wrong = {
            f"score-{key}": _("There is no such criterion.") for key in self.scores if key not in criteria
        }
        for key, criterion in criteria.items():
            value = self.scores.get(key, Given()).value
            if value is not None and not 0 <= value <= criterion.top:
                wrong[f"score-{key}"] = _("Choose a score from 0 to %(top)s.") % {"top": criterion.top}
        wrong |= {name: _too_long(text) for name, text in self._texts().items() if len(text) > LONGEST}
        if self.recommendation and self.recommendation not in RECOMMENDATIONS:
            wrong["recommendation"] = _("Choose one of the recommendations.")
        if wrong:
            raise Invalid(wrong)

    def _texts(self) -> dict[str, str]:
        reasons = {f"reason-{key}": given.reason for key, given in self.scores.items()}
        return reasons | {"comment": self.comment, "feedback": self.feedback}


def _too_long(text: str) -> str:
    over = _("Shorten this: it has %(count)s characters, and at most %(limit)s fit.")
    return over % {"count": f"{len(text):,}", "limit": f"{LONGEST:,}"}
