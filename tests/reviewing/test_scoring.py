"""What scores add up to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fund.base.errors import Invalid
from fund.reviewing.scorecard import Given, Scorecard
from fund.reviewing.scoring import Summary, points, share, summary
from schema.rounds import Criterion

NEED = Criterion(key="need", label="Need", weight=1, anchors=list("abcde"))
PLAN = Criterion(key="plan", label="Plan", weight=2, anchors=list("abcde"))
COST = Criterion(key="cost", label="Cost", weight=3, anchors=["no", "yes"])
BY_KEY = {"need": NEED, "plan": PLAN}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"need": 0, "plan": 0, "cost": 0}, 0),
        ({"need": 4, "plan": 4, "cost": 1}, 1),
        ({"need": 4, "plan": 2, "cost": 0}, (1 * 1 + 2 * 0.5) / 6),
        ({"need": 4, "plan": 2}, None),
        ({"need": 4, "plan": 2, "cost": None}, None),
        ({}, None),
    ],
)
def test_a_share_weighs_each_criterion_by_its_own_scale(values, expected):
    assert share([NEED, PLAN, COST], values) == (pytest.approx(expected) if expected is not None else None)


def test_a_scorecard_without_criteria_has_no_share():
    assert share([], {}) is None


def test_a_criterion_with_one_anchor_counts_for_nothing():
    flat = Criterion(key="flat", label="Flat", weight=5, anchors=["only"])
    assert share([NEED, flat], {"need": 2}) == 0.5


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_an_average_lies_between_the_lowest_and_the_highest(shares):
    found = summary(shares)
    assert found.reviews == len(shares)
    assert found.lowest - 1e-9 <= found.average <= found.highest + 1e-9


def test_one_review_has_no_spread_and_no_range():
    one = summary([0.5])
    assert (one.points, one.range, one.spread) == (50, None, None)


def test_two_reviews_have_both():
    two = summary([0.25, 0.755])
    assert (two.points, two.range, two.spread) == (50, (25, 76), pytest.approx(0.505))


def test_nothing_came_in():
    assert summary([]) == Summary()
    assert Summary().points is None


@pytest.mark.parametrize(("given", "shown"), [(None, None), (0, 0), (0.005, 1), (0.58333, 58), (1, 100)])
def test_points_go_up_at_the_half(given, shown):
    assert points(given) == shown


def test_a_half_filled_scorecard_can_be_stored():
    Scorecard(scores={"need": Given(None, "Not sure yet."), "plan": Given(3)}).check(BY_KEY)


@pytest.mark.parametrize(
    ("card", "fields"),
    [
        (Scorecard(scores={"need": Given(5)}), {"score-need": "Choose a score from 0 to 4."}),
        (Scorecard(scores={"plan": Given(-1)}), {"score-plan": "Choose a score from 0 to 4."}),
        (Scorecard(scores={"luck": Given(1)}), {"score-luck": "There is no such criterion."}),
        (Scorecard(recommendation="maybe"), {"recommendation": "Choose one of the recommendations."}),
        (
            Scorecard(scores={"need": Given(1, "x" * 20_001)}),
            {"reason-need": "Shorten this: it has 20,001 characters, and at most 20,000 fit."},
        ),
        (
            Scorecard(feedback="x" * 20_001),
            {"feedback": "Shorten this: it has 20,001 characters, and at most 20,000 fit."},
        ),
    ],
)
def test_what_cannot_be_stored_is_said_field_by_field(card, fields):
    with pytest.raises(Invalid) as refused:
        card.check(BY_KEY)
    assert refused.value.fields == fields
