"""The life of one proposal through the JSON API, as steps that can be begun again after a crash.

Each step looks first where things stand and does only what is still to be done, as a careful program would. ``call``
makes a request as somebody; ``travel`` lets time pass.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from schema.lessons import CLEARED_ONE_BY_ONE, TEXTS

Call = Callable[..., Any]
TITLE = "Safe streets at night"
SCORES = {key: {"value": 3, "reason": "Said clearly."} for key in ("need", "plan")}
REPORT = {
    "done": "Six corners were mapped.",
    "changed": "Fewer fights.",
    "difficulties": "Rain.",
    "next_steps": "More corners.",
    "people_reached": 120,
    "spent_minor": 6_000_00,
}
SAFE = "Begin small."


@dataclass
class Journey:
    """One proposal on its way. ``now`` tells the moment, ``travel`` moves to one; what is due on the way happens."""

    call: Call
    now: Callable[[], datetime]
    travel: Callable[[datetime], None]
    round_slug: str
    reviewer_ids: list[int]
    reference: str = ""
    done: list[str] = field(default_factory=list)

    def steps(self) -> Iterator[Callable[[], None]]:
        """Every step in order."""
        yield self.write
        yield self.wait_for_the_closing_day
        yield self.submit
        yield self.wait_for_the_round_to_close
        yield self.screen
        yield self.assign
        yield self.send_to_review
        yield self.wait_past_the_review_day
        for name in ("first", "second"):
            yield lambda name=name: self.review(name)
        yield self.wait_past_the_decision_day
        yield self.offer
        yield self.wait_for_the_last_days_of_the_offer
        yield self.accept
        yield self.wait_past_the_start
        yield self.start
        for kind in ("interim", "final"):
            yield lambda kind=kind: self.wait_past_report(kind)
            yield lambda kind=kind: self.report(kind)
            yield self.wait_past_the_check
            yield lambda kind=kind: self.accept_report(kind)
        yield self.ask_for_lesson
        yield self.wait_past_the_lesson
        yield self.write_lesson
        yield self.wait_past_the_check
        yield self.publish

    # ------------------------------------------------------------ the three users

    def write(self) -> None:
        """The applicant starts a draft and answers everything."""
        started = self.call("applicant", "POST", f"/rounds/{self.round_slug}/applications", {})
        self.reference = started["reference"]
        change = {
            "edit_version": started["edit_version"],
            "title": TITLE,
            "theme": "digital",
            "requested_minor": 15_000_00,
            "answers": {"problem": "Quarrels at night.", "plan": "Mediators at night."},
        }
        self.call("applicant", "PATCH", self._path(), change)

    def submit(self) -> None:
        """The applicant submits with the declaration."""
        self._move("applicant", "submit", {"draft"}, data={"declaration": True})

    def screen(self) -> None:
        """The manager begins to screen."""
        self._move("manager", "start_screening", {"submitted"})

    def assign(self) -> None:
        """The manager asks two reviewers."""
        if (
            self._state() == "screening"
            and not self.call("manager", "GET", self._path("/reviews"))["reviews"]
        ):
            self.call("manager", "POST", self._path("/reviews"), {"reviewers": self.reviewer_ids})

    def send_to_review(self) -> None:
        """The manager sends it to review."""
        self._move("manager", "send_to_review", {"screening"})

    def review(self, who: str) -> None:
        """A reviewer declares no conflict, scores by criterion and submits."""
        mine = next(r for r in self.call(who, "GET", "/reviews")["items"])
        path = f"/reviews/{mine['id']}"
        self._move(who, "start", {"assigned"}, path=path)
        review = self.call(who, "GET", path)
        if review["state"] == "in_progress":
            card = {"edit_version": review["edit_version"], "scores": SCORES, "recommendation": "fund"}
            self.call(who, "PUT", path, card)
        self._move(who, "submit", {"in_progress"}, path=path)

    def offer(self) -> None:
        """The manager prepares the award and offers it."""
        state = self.call("manager", "GET", self._path("/moves"))
        if state["state"] != "deliberation":
            return
        starts = self.now().date() + timedelta(days=40)
        award = {
            "version": state["version"],
            "amount_minor": 12_000_00,
            "currency": "USD",
            "starts_on": starts.isoformat(),
            "ends_on": (starts + timedelta(days=240)).isoformat(),
            "conditions": "Two reports and a lesson.",
        }
        self.call("manager", "PUT", self._path("/award"), award)
        self._move("manager", "offer", {"deliberation"})

    def accept(self) -> None:
        """The applicant signs the agreement."""
        self._move("applicant", "accept_offer", {"offered"}, data={"signed_name": "Lucía Prado"})

    def start(self) -> None:
        """The manager starts the project."""
        self._move("manager", "start_project", {"agreement_signed"})

    def report(self, kind: str) -> None:
        """The applicant hands in a report."""
        path = self._path(f"/reports/{kind}")
        report = self.call("applicant", "GET", path)
        if report["state"]["name"] == "due":
            self.call("applicant", "PATCH", path, {"edit_version": report["edit_version"], **REPORT})
        self._move("applicant", "hand_in", {"due"}, path=path)

    def accept_report(self, kind: str) -> None:
        """The manager accepts it."""
        self._move("manager", "accept", {"under_review"}, path=self._path(f"/reports/{kind}"))

    def ask_for_lesson(self) -> None:
        """The manager asks for the lesson."""
        self._move("manager", "ask_for_lesson", {"reports_accepted"})

    def write_lesson(self) -> None:
        """The applicant writes the lesson, says how far each part may go, and hands it in."""
        path = self._path("/lesson")
        lesson = self.call("applicant", "GET", path)
        if lesson["state"]["name"] == "due":
            change = {
                "edit_version": lesson["edit_version"],
                **dict.fromkeys(TEXTS, SAFE),
                "title": TITLE,
                "theme": "digital",
                "consent": dict.fromkeys(CLEARED_ONE_BY_ONE, "public"),
            }
            self.call("applicant", "PATCH", path, change)
        self._move("applicant", "hand_in", {"due"}, path=path)

    def publish(self) -> None:
        """The manager clears every part and publishes."""
        path = self._path("/lesson")
        lesson = self.call("manager", "GET", path)
        if lesson["state"]["name"] == "under_review":
            clearance = dict.fromkeys(CLEARED_ONE_BY_ONE, "public")
            change = {"edit_version": lesson["edit_version"], "clearance": clearance}
            self.call("manager", "PUT", f"{path}/clearance", change)
        self._move("manager", "publish", {"under_review"}, path=path)

    # ------------------------------------------------------------ time

    def wait_for_the_closing_day(self) -> None:
        """Every reminder of a draft goes out; an hour is left."""
        self._past("submission", timedelta(hours=-1))

    def wait_for_the_round_to_close(self) -> None:
        """The round closes with the grace of its deadline."""
        closing = next(
            (d for d in self.call("manager", "GET", "/deadlines") if d["deadline"]["key"] == "closing"), None
        )
        if closing:
            self._go(closing["deadline"], timedelta(hours=2))

    def wait_past_the_review_day(self) -> None:
        """Reviewers are reminded, then late, then a manager hears of it."""
        self._past("review", timedelta(days=5))

    def wait_past_the_decision_day(self) -> None:
        """The manager is reminded to decide, and late."""
        self._past("decision", timedelta(days=2))

    def wait_for_the_last_days_of_the_offer(self) -> None:
        """Every reminder of the offer goes out; a day is left."""
        self._past("offer", timedelta(days=-1))

    def wait_past_the_start(self) -> None:
        """The manager is reminded to start the project, and late."""
        self._past("start", timedelta(days=2))

    def wait_past_report(self, kind: str) -> None:
        """Reminders before and after the day, and an escalation."""
        report = self.call("manager", "GET", self._path(f"/reports/{kind}"))
        if report["state"]["name"] == "due":
            self._past("report", timedelta(days=15), due_on=report["due_on"])

    def wait_past_the_check(self) -> None:
        """The manager is reminded to read, and late."""
        for key in ("report_check", "lesson_check"):
            self._past(key, timedelta(days=2))

    def wait_past_the_lesson(self) -> None:
        """Reminders before and after the day, and an escalation."""
        self._past("lesson", timedelta(days=15))

    # ------------------------------------------------------------ how

    def _path(self, tail: str = "") -> str:
        return f"/applications/{self.reference}{tail}"

    def _state(self) -> str:
        return self.call("manager", "GET", self._path("/moves"))["state"]

    def _move(self, who: str, trigger: str, before: set[str], *, path: str = "", data: Any = None) -> None:
        seen = self.call(who, "GET", f"{path or self._path()}/moves")
        if seen["state"] in before:
            move = {"trigger": trigger, "version": seen["version"], "data": data or {}}
            self.call(who, "POST", f"{path or self._path()}/moves", move)

    def _past(self, key: str, by: timedelta, *, due_on: str = "") -> None:
        """Travel until ``by`` after the open deadline of that key; nothing if there is none."""
        viewer = "applicant" if key == "submission" else "manager"
        if viewer == "applicant":
            found = [one["deadline"] for one in self.call("applicant", "GET", "/deadlines")]
        else:
            found = self.call("manager", "GET", self._path("/deadlines"))
        wanted = [
            d for d in found if d["key"] == key and d["status"] == "open" and due_on in ("", d["due_on"])
        ]
        for deadline in wanted[:1]:
            self._go(deadline, by)

    def _go(self, deadline: dict[str, Any], by: timedelta) -> None:
        target = datetime.fromisoformat(deadline["due_at"]) + by
        if target > self.now():
            self.travel(target)
