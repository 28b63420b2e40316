"""What a round's fields may hold."""

from dataclasses import replace
from datetime import date

import pytest

from fund.base.errors import Invalid
from fund.rounds.fields import RoundDraft, checked, slug
from tests.rounds.support import DRAFT


def wrong(draft: RoundDraft) -> dict[str, str]:
    """What is said about the draft, field by field."""
    try:
        checked(draft)
    except Invalid as invalid:
        return invalid.fields
    return {}


def test_a_right_draft_is_tidied():
    typed = replace(
        DRAFT,
        title="  Peace   2022 ",
        summary=" Why. \n",
        eligibility=("A  city", " ", "B"),
        currency=" usd ",
    )
    assert checked(typed) == replace(
        DRAFT, title="Peace 2022", summary="Why.", eligibility=("A city", "B"), currency="USD"
    )


def test_an_empty_draft_is_told_everything_at_once_in_the_order_of_the_form():
    assert wrong(RoundDraft(zone="", currency="", project_months=None)) == {
        "title": "Enter the round's title",
        "summary": "Say in a few sentences what the round is for",
        "eligibility": "Say who may apply, one condition on each line",
        "zone": "Choose the time zone",
        "opens_on": "Enter the day on which the round opens",
        "closes_on": "Enter the closing day",
        "review_due_on": "Enter the day by which reviews are due",
        "decision_on": "Enter the day of the decision",
        "currency": "Enter a currency by its three letters, like USD",
        "pot_minor": "Enter the amount that the round can award",
        "ceiling_minor": "Enter the most that one proposal may ask for",
        "project_months": "Enter a number of months between 1 and 60",
    }


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"title": "x" * 201}, {"title": "Shorten this to 200 characters"}),
        ({"summary": "x" * 20_001}, {"summary": "Shorten this to 20,000 characters"}),
        ({"eligibility": ("x",) * 21}, {"eligibility": "List 20 conditions at most"}),
        ({"eligibility": ("x" * 301,)}, {"eligibility": "Shorten each line to 300 characters"}),
        ({"zone": "Mars/Olympus"}, {"zone": "Choose the time zone"}),
        (
            {"closes_on": date(2021, 9, 30)},
            {"closes_on": "The closing day cannot be before the opening day"},
        ),
        (
            {"review_due_on": date(2021, 10, 31)},
            {"review_due_on": "Reviews cannot be due before the closing day"},
        ),
        (
            {"decision_on": date(2021, 11, 30)},
            {"decision_on": "The decision cannot be before the reviews are due"},
        ),
        ({"decision_on": date(2201, 11, 30)}, {"decision_on": "Check the year"}),
        ({"currency": "QQQ"}, {"currency": "Enter a currency by its three letters, like USD"}),
        ({"pot_minor": 0}, {"pot_minor": "Enter the amount that the round can award",
                            "ceiling_minor": "One proposal cannot ask for more than the whole round can award"}),
        ({"pot_minor": 10**16}, {"pot_minor": "Enter the amount that the round can award"}),
        ({"ceiling_minor": -1}, {"ceiling_minor": "Enter the most that one proposal may ask for"}),
        (
            {"ceiling_minor": 120_000_01},
            {"ceiling_minor": "One proposal cannot ask for more than the whole round can award"},
        ),
        ({"project_months": 61}, {"project_months": "Enter a number of months between 1 and 60"}),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_beside_its_field(change, said):
    assert wrong(replace(DRAFT, **change)) == said


@pytest.mark.parametrize(
    ("title", "address"),
    [
        ("Peace Incentive Fund 2022", "peace-incentive-fund-2022"),
        ("  Ciudades de Paz: «Édition» 3 ", "ciudades-de-paz-edition-3"),
        ("صندوق السلام", "round"),
        ("x" * 200, "x" * 60),
    ],
)
def test_a_title_gives_an_address(title, address):
    assert slug(title) == address
