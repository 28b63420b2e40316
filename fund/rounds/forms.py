"""A round as a form: what was typed into a draft, and back."""

from fund.base.definitions import APPLICATION
from fund.rounds import queries
from fund.rounds.fields import LONGEST_TEXT, RoundDraft, draft_of
from fund.web import parse
from fund.web.forms import Form
from schema.rounds import Round
from schema.values import Money


def blank(zone: str) -> Form:
    """The form of a round that is not there yet, in the fund's zone."""
    return Form.of(zone=zone, currency="USD", project_months=9, workflow=APPLICATION)


def of_round(round_: Round, workflow: str = "") -> Form:
    """The form filled with what is stored, the workflow's name and the edition that it shows."""
    draft = draft_of(round_)
    return Form.of(
        title=draft.title,
        summary=draft.summary,
        eligibility="\n".join(draft.eligibility),
        zone=draft.zone,
        opens_on=draft.opens_on,
        closes_on=draft.closes_on,
        review_due_on=draft.review_due_on,
        decision_on=draft.decision_on,
        currency=draft.currency,
        pot_minor=Money(round_.pot_minor, round_.currency),
        ceiling_minor=Money(round_.ceiling_minor, round_.currency),
        project_months=draft.project_months,
        workflow=workflow,
        edition=queries.edition(round_),
    )


def draft(form: Form) -> RoundDraft:
    """The draft that was typed. What cannot be read is noted on the form and left out."""
    currency = form.text("currency").upper()
    pot = form.money("pot_minor", currency, required=False)
    ceiling = form.money("ceiling_minor", currency, required=False)
    return RoundDraft(
        title=form.text("title"),
        summary=form.long_text("summary", limit=LONGEST_TEXT),
        eligibility=tuple(form.long_text("eligibility").split("\n")),
        zone=form.text("zone"),
        opens_on=form.date("opens_on", required=False),
        closes_on=form.date("closes_on", required=False),
        review_due_on=form.date("review_due_on", required=False),
        decision_on=form.date("decision_on", required=False),
        currency=currency,
        pot_minor=pot.minor if pot else None,
        ceiling_minor=ceiling.minor if ceiling else None,
        project_months=form.integer("project_months", required=False),
        workflow=form.value("workflow"),
    )


def reworded(form: Form, round_: Round) -> RoundDraft:
    """What is stored of an open round, with the words that were typed."""
    words = Form.of(
        title=form.value("title"), summary=form.value("summary"), eligibility=form.value("eligibility")
    )
    return draft(Form(of_round(round_).typed | words.typed))


def managers(form: Form) -> frozenset[int]:
    """The keys of the managers who were ticked; one that nobody has for what is no key."""
    return frozenset(parse.number(text) for text in form.values("managers"))
