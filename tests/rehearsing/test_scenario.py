"""When people act in each scenario."""

from datetime import UTC, date, datetime, timedelta

import pytest

from fund.rehearsing.scenario import Manner, Scenario

DUE = date(2021, 10, 31)
"""The day on which clocks go back in Brussels."""
EARLY = datetime(2021, 9, 1, tzinfo=UTC)
IN_TIME, LATE = Scenario(Manner.IN_TIME, lead=3), Scenario(Manner.LATE, late=5)


@pytest.mark.parametrize(
    ("scenario", "lapses", "of_round", "moment"),
    [
        (IN_TIME, False, False, datetime(2021, 10, 28, 8, tzinfo=UTC)),
        (IN_TIME, True, False, datetime(2021, 10, 28, 8, tzinfo=UTC)),
        (IN_TIME, False, True, datetime(2021, 10, 31, 9, tzinfo=UTC)),
        (LATE, False, False, datetime(2021, 11, 5, 9, tzinfo=UTC)),
        (LATE, True, False, datetime(2021, 10, 31, 9, tzinfo=UTC)),
        (LATE, False, True, datetime(2021, 11, 5, 9, tzinfo=UTC)),
        (Scenario(Manner.NOBODY), False, False, None),
    ],
)
def test_people_act_at_ten_where_the_round_is(scenario, lapses, of_round, moment):
    assert scenario.moment(DUE, "Europe/Brussels", EARLY, lapses=lapses, of_round=of_round) == moment


def test_nobody_acts_before_something_came_up():
    since = datetime(2021, 10, 29, 12, tzinfo=UTC)
    found = IN_TIME.moment(DUE, "Europe/Brussels", since, lapses=False, of_round=False)
    assert found == since + timedelta(hours=1)
