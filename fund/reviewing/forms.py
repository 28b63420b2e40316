"""The scorecard as a form: what is stored into fields, and what was typed into a scorecard."""

from collections.abc import Sequence

from fund.reviewing.queries import Reading
from fund.reviewing.scorecard import RECOMMENDATIONS, Given, Scorecard
from fund.web.forms import Form
from schema.rounds import Criterion


def filled(reading: Reading) -> Form:
    """The form with what is stored, and the version that it was read at."""
    values: dict[str, object] = {
        "recommendation": reading.review.recommendation,
        "comment": reading.review.comment,
        "feedback": reading.review.feedback,
        "version": reading.review.edit_version,
    }
    for block in reading.blocks:
        values[f"score-{block.criterion.key}"] = block.value
        values[f"reason-{block.criterion.key}"] = block.reason
    return Form.of(**values)


def typed(form: Form, criteria: Sequence[Criterion]) -> Scorecard:
    """The scorecard that was typed; what cannot be read is noted in the form's errors."""
    return Scorecard(
        scores={criterion.key: _given(form, criterion) for criterion in criteria},
        recommendation=form.choice("recommendation", RECOMMENDATIONS, required=False),
        comment=form.long_text("comment"),
        feedback=form.long_text("feedback"),
    )


def _given(form: Form, criterion: Criterion) -> Given:
    value = form.integer(f"score-{criterion.key}", required=False, least=0, most=criterion.top)
    return Given(value, form.long_text(f"reason-{criterion.key}"))


def clashes(stored: Form, posted: Form) -> dict[str, str]:
    """What is stored now in the text fields in which ``posted`` differs, by field."""
    names = {name for name in stored.typed if name != "version"} | {
        name for name in posted.typed if name.startswith(("score-", "reason-"))
    }
    return {name: stored.value(name) for name in names if stored.value(name) != posted.value(name)}
