"""When reports are due: as the workflow file says, in the agreement and afterwards."""

from datetime import date

import pytest
from sqlmodel import select

from fund.awarding import queries
from fund.base import definitions
from schema.deadlines import Deadline
from schema.reports import Report
from tests.support.versions import later
from tests.support.world import award, move, to_deliberation, world
from workflows import shipped
from workflows.compare import compare

MONTHS = (
    ("", 'kind = "interim" }', 'kind = "interim", after = "award.starts_on", months = 3 }'),
    ("", 'kind = "final" }', 'kind = "final", after = "award.ends_on", months = 2 }'),
)


@pytest.mark.parametrize(
    ("edits", "days"),
    [
        (MONTHS, [date(2022, 1, 1), date(2022, 9, 1)]),
        ((), [date(2022, 2, 14), date(2022, 7, 31)]),
    ],
)
def test_what_the_agreement_promises_becomes_due(db, clock, edits, days):
    here, now = world(db, clock.now()), clock.now()
    with db.write() as session:
        application = to_deliberation(session, here, now)
        application.workflow_id = definitions.store(session, later("application", *edits), now)
        terms = award(session, here, application, now)
        assert (terms.starts_on, terms.ends_on) == (date(2021, 10, 1), date(2022, 7, 1))
        move(session, application, "offer", here.manager, now)
        promised = queries.agreement(session, application, terms)
        assert [promised.interim_on, promised.final_on] == days
        move(session, application, "accept_offer", here.applicant, now, data={"signed_name": "Lucía Prado"})
        move(session, application, "start_project", here.manager, now)
        owed = select(Deadline.due_on).where(Deadline.key == "report").order_by(Deadline.due_on)
        assert session.exec(select(Report.due_on).order_by(Report.due_on)).all() == days
        assert session.exec(owed).all() == days


def test_another_schedule_is_told_in_words():
    said = [str(one) for one in compare(shipped("application"), later("application", *MONTHS))]
    assert (
        "move start_project: what it starts: now also interim report, due 3 months after award.starts_on, "
        "final report, due 2 months after award.ends_on"
    ) in said
