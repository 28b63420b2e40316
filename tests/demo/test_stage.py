"""What the demonstration shows on its first morning: the 2021 round as the fund tells of it, and the next one, open."""

from collections import Counter

from sqlmodel import col, select

from fund.base import ledger
from schema.applications import Application
from schema.outbox import Message
from schema.people import Member
from schema.reviews import Review
from schema.rounds import Round
from tests.demo.conftest import Demo
from tests.support.doors import shown

GRANTEES = {
    ("City of Mechelen", "Mechelen", "Belgium"),
    ("City of Palmira", "Palmira", "Colombia"),
    ("Life & Peace Institute", "Nairobi", "Kenya"),
    ("City of Cali", "Cali", "Colombia"),
    ("City of Escobedo", "Escobedo", "Mexico"),
    ("Peace Initiative Network", "Kano", "Nigeria"),
    ("Fundación AlvarAlice", "Cali", "Colombia"),
    ("City of Guadalajara", "Guadalajara", "Mexico"),
    ("Center for SDGs", "Hargeisa", "Somaliland"),
}
"""The nine projects of 2021 in eight cities."""
LATER = ["completed", "lesson_published", "lesson_under_review", "lesson_due", "report_under_review"]
SPREAD = [*LATER, "report_returned", "active", "active", "agreement_signed"]


def test_the_first_morning(morning: Demo) -> None:
    stage = morning.stage
    assert morning.told == []
    assert f"{stage.clock.now():%d %B %Y}" == "21 September 2021"
    with stage.database.read() as session:
        first, second = session.exec(select(Round).order_by(col(Round.opens_on))).all()
        assert (first.state, second.state) == ("decided", "open")
        rows = session.exec(select(Application, Member).join(Member).order_by(col(Application.id))).all()
        funded = [(row, member) for row, member in rows if row.round_id == first.id]
        assert {(member.name, member.city, member.country) for _row, member in funded} == GRANTEES
        assert len(funded) == 9
        assert len({member.city for _row, member in funded}) == 8
        assert sorted(row.state for row, _member in funded) == sorted(SPREAD)
        under_way = Counter(row.state for row, _member in rows if row.round_id == second.id)
        assert {"draft", "submitted", "in_review", "returned", "declined"} == set(under_way)
        assert under_way["draft"] == under_way["submitted"] == under_way["in_review"] == 2
        reviews = select(Review.state).join(Application).where(Application.round_id == second.id)
        assert {"assigned", "in_progress", "submitted", "conflict"} == set(session.exec(reviews))


def test_the_ledger_holds_and_every_mail_that_went_out_was_caught(morning: Demo) -> None:
    with morning.stage.database.read() as session:
        assert ledger.verify(session).broken is None
        mails = session.exec(select(Message)).all()
    assert {mail.status for mail in mails} <= {"sent", "pending", "cancelled", "superseded", "expired"}
    assert [
        mail.id for mail in mails if mail.status == "pending" and mail.next_at <= morning.stage.clock.now()
    ] == []
    caught = sorted(str(mail.parsed["Message-ID"]).strip("<>") for mail in morning.stage.catcher.all())
    assert caught == sorted(mail.mail_id for mail in mails if mail.status == "sent")


def test_the_front_page_lists_the_projects_and_the_open_round(morning: Demo) -> None:
    browser = morning.browser()
    front = shown(browser.get("/").text)
    assert "Peace Incentive Fund 2022" in front
    listed = front + shown(browser.get("/projects").text)
    assert [name for name, _city, _country in GRANTEES if name not in listed] == []
