"""What people do in the demonstration's story, each through the service that the page would call."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, select

from fund.applying import service as applying
from fund.applying.fields import Edit
from fund.awarding import service as awarding
from fund.awarding.terms import Terms
from fund.base import moves
from fund.base.permissions import Viewer
from fund.demo.cast import Cast
from fund.reporting import service as reporting
from fund.reviewing import service as reviewing
from fund.reviewing.scorecard import Given, Scorecard
from fund.sharing import service as sharing
from schema.applications import Application
from schema.lessons import CLEARED_ONE_BY_ONE, Lesson
from schema.reports import Report
from schema.reviews import Review
from schema.rounds import Round
from schema.values import Money

ANSWERS = {
    "summary": "{title}: {activities}",
    "team": "A team of four at {name}, with two partners who have worked in {city} for years. (Invented.)",
    "problem": "{problem} (Invented for this demonstration.)",
    "evidence": "The research compendium describes similar work elsewhere; we adapt it to {city}. (Invented.)",
    "activities": "{activities}",
    "change": "Fewer incidents in the places we work in, counted each month with those who live there. (Invented.)",
    "risks": "If partners leave or the mood changes, we slow down and talk before we go on. (Invented.)",
    "people": "About three hundred people in {city}, most of them young; a group of them decides with us. (Invented.)",
    "safety": "No names or addresses are written down. A person of trust can be reached at any hour. (Invented.)",
    "learning": "Which of our steps work elsewhere, and what they cost. Any city can have it. (Invented.)",
    "costs": "Half for people, a third for meetings and travel, the rest for materials. (Invented.)",
    "other_money": "{name} pays the rooms. (Invented.)",
}


@dataclass
class Proposal:
    """One proposal of the story: what is told of it, who writes it, and its reference once it exists."""

    told: Mapping[str, Any]
    cast: Cast
    round_slug: str
    member: Mapping[str, Any]
    reference: str = ""

    @property
    def applicant(self) -> Viewer:
        """Who writes it."""
        return self.cast[self.told["member"]]

    def row(self, session: Session) -> Application:
        """The application as it stands."""
        return session.exec(select(Application).where(Application.reference == self.reference)).one()

    def answers(self) -> dict[str, str]:
        """Every answer of the form in words."""
        values = {**self.member, **self.told}
        return {key: text.format(**values) for key, text in ANSWERS.items()}

    def begin(self, session: Session, now: datetime) -> None:
        """Start the draft and write the first page."""
        made = applying.start(
            session, self.applicant, self.round_slug, self.cast.members[self.told["member"]], now
        )
        self.reference = made.application.reference
        edit = Edit(self.told["title"], self.told["theme"], self.told["asked"] * 100)
        self._save(session, edit, now)

    def write(self, session: Session, now: datetime) -> None:
        """Answer every question."""
        self._save(session, Edit(answers=self.answers()), now)

    def move(
        self,
        session: Session,
        trigger: str,
        who: Viewer,
        now: datetime,
        reason: str | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        """Make a move of the application."""
        row = self.row(session)
        moves.fire(session, row, trigger, who, version=row.version, now=now, reason=reason, data=data)

    def submit(self, session: Session, now: datetime) -> None:
        """Submit what is written."""
        self.move(session, "submit", self.applicant, now, data={"declaration": True})

    def assign(self, session: Session, reviewers: tuple[str, ...], now: datetime) -> None:
        """Screen it and ask the reviewers."""
        self.move(session, "start_screening", self.cast["manager"], now)
        ids = [self.cast[key].person_id or 0 for key in reviewers]
        reviewing.assign(session, self.cast["manager"], self.row(session), ids, now=now)
        self.move(session, "send_to_review", self.cast["manager"], now)

    def begin_review(self, session: Session, reviewer: str, now: datetime) -> None:
        """Declare no conflict and begin."""
        self._move_review(session, reviewer, "start", now)

    def review(self, session: Session, reviewer: str, value: int, now: datetime) -> None:
        """Score every criterion and submit."""
        review = self._review(session, reviewer)
        recommendation = "fund" if value >= 3 else "decline"
        card = Scorecard(
            scores={
                one.key: Given(min(max(value + step, 0), one.top), _reason(one.label))
                for one, step in zip(self._round(session).criteria, (0, -1, 0, 1, 0), strict=False)
            },
            recommendation=recommendation,
            comment="Solid, and honest about what could go wrong. (Invented.)",
            feedback="Say more about who takes part in deciding. (Invented.)",
        )
        viewer = self.cast[reviewer]
        reviewing.save_scores(session, viewer, review.id or 0, card, edit_version=review.edit_version)
        self._move_review(session, reviewer, "submit", now)

    def conflict(self, session: Session, reviewer: str, now: datetime) -> None:
        """Declare a conflict of interest."""
        self._move_review(
            session, reviewer, "declare_conflict", now, "I advised this team last year. (Invented.)"
        )

    def offer(self, session: Session, starts: date, ends: date, now: datetime) -> None:
        """Prepare the award and offer it."""
        row = self.row(session)
        terms = Terms(
            Money(self.told["awarded"] * 100, row.currency),
            starts,
            ends,
            "Two reports, and a lesson for the other cities. (Invented.)",
        )
        awarding.prepare_award(session, self.cast["manager"], row, terms, version=row.version, now=now)
        self.move(session, "offer", self.cast["manager"], now)

    def accept(self, session: Session, now: datetime) -> None:
        """Sign the agreement."""
        self.move(session, "accept_offer", self.applicant, now, data={"signed_name": self.applicant.name})

    def show(self, session: Session, now: datetime) -> None:
        """Let the public see the project."""
        row = self.row(session)
        summary = self.told.get("known") or f"{self.told['activities']} (Invented.)"
        fields = ["title", "summary", "grantee", "city", "theme", "amount"]
        sharing.show_project(session, self.cast["manager"], row, fields, summary, row.edit_version, now)

    def report(self, session: Session, kind: str, now: datetime) -> None:
        """Write a report and hand it in."""
        report = self._report(session, kind)
        fields: dict[str, str | int | None] = {
            "done": f"{self.told['activities']} (Invented.)",
            "changed": "Those who took part say that they feel safer; the monthly count went down. (Invented.)",
            "difficulties": "The rainy season, and two partners who changed staff. (Invented.)",
            "next_steps": "We go on with the groups that meet by themselves by now. (Invented.)",
            "people_reached": 280 if kind == "interim" else 410,
            "spent_minor": self.told["awarded"] * (45 if kind == "interim" else 98),
        }
        reporting.save_report(session, self.applicant, report, fields, report.edit_version)
        reporting.move(session, self.applicant, report, "hand_in", report.version, now)

    def answer_report(
        self, session: Session, kind: str, trigger: str, now: datetime, reason: str | None = None
    ) -> None:
        """Accept or return a report."""
        report = self._report(session, kind)
        reporting.move(session, self.cast["manager"], report, trigger, report.version, now, reason)

    def lesson(self, session: Session, now: datetime) -> None:
        """Write the lesson and hand it in."""
        lesson = self._lesson(session)
        fields = {
            "title": self.told["title"],
            "problem": f"{self.told['problem']} (Invented.)",
            "approach": f"{self.told['activities']} (Invented.)",
            "worked": f"{self.told['worked']} (Invented.)",
            "failed": f"{self.told['failed']} (Invented.)",
            "advice": "Begin small, with people whom others already trust, and pay them. (Invented.)",
            "evidence": "A count each month, and talks with forty people who took part. (Invented.)",
            "theme": self.told["theme"],
        }
        consent = dict.fromkeys(CLEARED_ONE_BY_ONE, "public")
        sharing.save_lesson(session, self.applicant, lesson, fields, consent, lesson.edit_version, now)
        sharing.move(session, self.applicant, lesson, "hand_in", lesson.version, now)

    def publish(self, session: Session, now: datetime) -> None:
        """Clear every part and publish the lesson."""
        lesson = self._lesson(session)
        clearance = dict.fromkeys(CLEARED_ONE_BY_ONE, "public")
        sharing.clear(session, self.cast["manager"], lesson, clearance, lesson.edit_version, now)
        sharing.move(session, self.cast["manager"], lesson, "publish", lesson.version, now)

    def _save(self, session: Session, edit: Edit, now: datetime) -> None:
        version = self.row(session).edit_version
        applying.save(session, self.applicant, self.reference, edit, edit_version=version, now=now)

    def _move_review(
        self, session: Session, reviewer: str, trigger: str, now: datetime, reason: str | None = None
    ) -> None:
        review = self._review(session, reviewer)
        viewer = self.cast[reviewer]
        reviewing.move(
            session, viewer, review.id or 0, trigger, version=review.version, now=now, reason=reason
        )

    def _round(self, session: Session) -> Round:
        return session.exec(select(Round).where(Round.slug == self.round_slug)).one()

    def _review(self, session: Session, reviewer: str) -> Review:
        key = self.row(session).id
        reviewer_id = self.cast[reviewer].person_id
        return session.exec(
            select(Review).where(Review.application_id == key, Review.reviewer_id == reviewer_id)
        ).one()

    def _report(self, session: Session, kind: str) -> Report:
        key = self.row(session).id
        return session.exec(select(Report).where(Report.application_id == key, Report.kind == kind)).one()

    def _lesson(self, session: Session) -> Lesson:
        return session.exec(select(Lesson).where(Lesson.application_id == self.row(session).id)).one()


def _reason(criterion: str) -> str:
    return f"{criterion}: said clearly, with an example that convinces. (Invented.)"
