"""One proposal from the public page to a published lesson, through real browsers, with every mail and every refusal.

The applicant has a small phone without JavaScript, one reviewer a phone, the other and the manager a desk. All come by
the links of the mails that they get, and sign in by mail.
"""

from collections import Counter
from datetime import timedelta

import httpx2
import pytest
from playwright.sync_api import expect

from fund.base.settings import Settings
from fund.demo.travel import travel
from fund.rehearsing.living import settle
from fund.rounds import defaults
from fund.worker import Worker
from schema.lessons import CLEARED_ONE_BY_ONE, TEXTS
from tests.journey.steps import SAFE, TITLE, Journey
from tests.journey.support import EXPECTED, check_at_rest, mails
from tests.journey.visitor import PHONE, Visitor
from tests.support import live
from tests.support.doors import Doors
from tests.support.world import world

SIGN_IN = "Sign in to Peace Incentive Fund"
ROUND = "Peace Incentive Fund 2022"
REPORT = ("What was done", "What changed for people", "What was difficult", "What comes next")


class BrowserJourney(Journey):
    """The same steps as through the API, each taken on pages. ``people`` are the visitors by name."""

    people: dict[str, Visitor]

    def write(self):
        """The applicant finds the open round, reads what is asked, signs in and answers everything."""
        me = self.people["applicant"]
        me.go("/")
        me.follow("Peace Incentive Fund 2022")
        me.reads("End of 21 October 2021, Brussels", "21 October 2021, 22:00 UTC")
        me.reads(defaults.form()[0].questions[0].label, defaults.scorecard()[0].label)
        me.follow("Start a proposal")
        me.heading("Start a proposal")
        me.press("Start writing")
        self.reference = me.page.url.split("/")[-2]
        me.follow("The project")
        me.fill("Title of the project", TITLE)
        me.tick("Digital threats")
        me.fill("Amount that you ask for", "15,000")
        me.press("Save and continue")
        for section in defaults.form():
            me.heading(section.title)
            for question in section.questions:
                me.fill(question.label, f"What we say about {question.key}.\n\nAnd a little more.")
            me.press("Save and continue")
        me.reads("7 of 7 parts are complete")

    def submit(self):
        """Reminded by mail, she checks her answers, declares and submits."""
        me = self.people["applicant"]
        me.open_mail("1 day left: Submit the proposal")
        me.follow("Check your answers and submit")
        me.reads("What we say about summary.")
        me.tick("What stands here is true")
        me.press("Submit the proposal")
        me.heading("Your proposal is submitted")
        me.reads(self.reference)
        me.follow("See its status")
        me.reads("Received by the fund")

    def screen(self):
        """The manager comes by the mail and begins to screen."""
        me = self.people["manager"]
        me.open_mail("Proposal submitted")
        me.heading(TITLE)
        me.follow("Proposal")
        me.reads("What we say about summary.")
        me.follow("Overview")
        me.press("Start screening")

    def assign(self):
        """The manager asks two reviewers."""
        me = self.people["manager"]
        me.follow("Ask reviewers")
        me.tick("Reviewer A")
        me.tick("Reviewer B")
        me.press("Ask for a review")

    def send_to_review(self):
        """The manager sends it to review."""
        me = self.people["manager"]
        me.follow("The application")
        me.press("Send to review")

    def review(self, who):
        """A reviewer declares no conflict, scores by criterion with reasons and submits."""
        me = self.people[who]
        me.open_mail("Please review")
        expect(me.page.get_by_text("What we say about problem.")).to_have_count(0)
        me.press("I have none: begin")
        me.reads("What we say about problem.")
        for criterion in defaults.scorecard():
            me.choose(f"Your score for “{criterion.label}”", criterion.anchors[3])
        for reason in me.page.get_by_label("Your reason").all():
            reason.fill("Said clearly.")
        me.tick("Fund it", exact=True)
        me.press("Save, check and submit")
        me.press("Submit the review")
        me.told("Your review is submitted. Thank you.")

    def offer(self):
        """The manager reads the reviews, prepares the award and offers it."""
        me = self.people["manager"]
        me.open_mail("All reviews are in")
        me.follow("Ask reviewers")
        me.reads("2 reviews are in.")
        me.follow("The application")
        me.follow("Open Award")
        starts = self.now().date() + timedelta(days=40)
        me.fill("Amount", "12,000")
        me.fill_date("First day of the project", starts.isoformat())
        me.fill_date("Last day of the project", (starts + timedelta(days=240)).isoformat())
        me.fill("Conditions", "Two reports and a lesson.")
        me.press("Prepare the award")
        me.press("Offer an award")

    def accept(self):
        """The applicant reads the offer and signs."""
        me = self.people["applicant"]
        me.open_mail("We offer you a grant")
        me.reads("Two reports and a lesson.")
        me.fill("Your full name", "Lucía Prado")
        me.tick("I may sign for City of Aldea")
        me.press("Accept and sign")
        me.heading("Your agreement with the fund")

    def start(self):
        """The manager starts the project."""
        me = self.people["manager"]
        me.open_mail("Offer accepted")
        me.press("Start the project")

    def report(self, kind):
        """The applicant, overdue, writes the report and hands it in."""
        me = self.people["applicant"]
        me.open_mail("7 days overdue: Hand in the report")
        me.heading(f"{kind.capitalize()} report")
        for label in REPORT:
            me.fill(label, f"{label}, in our words.")
        me.fill("People reached", "120")
        me.fill("Money spent", "6,000")
        me.press("Check and hand in")
        me.press("Hand in the report")

    def accept_report(self, kind):
        """The manager reads and accepts it."""
        me = self.people["manager"]
        me.open_mail("Report handed in")
        me.heading(f"{kind.capitalize()} report")
        me.reads("What was difficult, in our words.")
        me.press("Accept the report")

    def ask_for_lesson(self):
        """The manager asks for the lesson."""
        me = self.people["manager"]
        me.follow(TITLE)
        me.press("Ask for the lesson")

    def write_lesson(self):
        """The applicant writes the lesson, says how far each part may go, and hands it in."""
        me = self.people["applicant"]
        me.open_mail("What did you learn?")
        for name, label in TEXTS.items():
            me.fill(label, TITLE if name == "title" else SAFE)
        for label in CLEARED_ONE_BY_ONE.values():
            me.select(f"Who may read “{label}”?", "Everybody")
        me.press("Check and hand in")
        me.press("Hand in the lesson")
        me.told("Your lesson is handed in.")

    def publish(self):
        """The manager clears every part, publishes, and shows the project on the first page."""
        me = self.people["manager"]
        me.open_mail("Lesson handed in")
        for option in me.page.get_by_label("No: everybody may read it").all():
            option.check()
        me.press("Save the decisions")
        me.follow("Publish the lesson")
        me.press("Publish the lesson")
        me.told("The lesson is published")
        me.follow(TITLE)
        me.follow("Open Public")
        me.tick("Title")
        me.tick("City and country")
        me.tick("The grantee agrees")
        me.press("Save")


@pytest.fixture
def here(sqlite_db, clock):
    form = [section.model_dump() for section in defaults.form()]
    scorecard = [criterion.model_dump() for criterion in defaults.scorecard()]
    return world(
        sqlite_db, clock.now(), form=form, scorecard=scorecard, eligibility=["Members of the network"]
    )


@pytest.fixture
def listening():
    with live.free_socket() as listening:
        yield listening


class Apart(Worker):
    """A worker beside a browser."""

    def sweep(self):
        return live.apart(super().sweep)


@pytest.fixture
def worker(sqlite_db, clock, mailbox, tmp_path, listening):
    settings = Settings(
        data_dir=tmp_path,
        smtp_port=mailbox.port,
        mail_limits="",
        base_url=live.address_of(listening),
    )
    working = Apart(settings, sqlite_db, clock)
    yield working
    working.sender.stop()


@pytest.fixture
def doors(sqlite_db, clock, listening):
    doors = Doors(sqlite_db, clock, base_url=live.address_of(listening))
    with live.served(doors.app, listening):
        yield doors


@pytest.fixture
def people(here, visits, mailbox, worker, doors):
    """Everybody with her browser, by name."""

    def post(email):
        worker.sweep()
        return mailbox.to(email)

    def visitor(viewer, by_code, **options):
        return Visitor(visits.open(**options), doors.settings.address, viewer.email, post, by_code=by_code)

    return {
        "applicant": visitor(here.applicant, True, java_script_enabled=False, **PHONE),
        "first": visitor(here.reviewers[0], True, **PHONE),
        "second": visitor(here.reviewers[1], False),
        "manager": visitor(here.manager, False),
        "nobody": visitor(here.outsider, False, java_script_enabled=False, **PHONE),
    }


class Strangers:
    """Three who have no business with this proposal: each asks for every page that somebody came to."""

    def __init__(self, doors, here):
        self.doors = doors
        self.viewers = {"outsider": here.outsider, "unassigned": here.reviewers[2], "nobody": None}

    def are_refused(self, gets, posts):
        """They ask for the pages and press the buttons; nothing comes of it, and nothing is told."""
        calls = [("GET", path) for path in gets] + [("POST", path) for path in posts]
        for name, viewer in self.viewers.items():
            cookies = {"session": self.doors.cookie(viewer)} if viewer else {}
            with httpx2.Client(
                base_url=self.doors.settings.address, cookies=cookies, verify=False
            ) as browser:
                for method, path in calls:
                    answer = browser.request(method, path, data=None if method == "GET" else {"version": "1"})
                    self._check(answer, (name, method, path, answer.status_code))

    def _check(self, answer, what):
        assert TITLE not in answer.text, what
        if what[0] == "nobody":
            assert answer.status_code in (303, 401), what
            assert answer.headers.get("location", "/sign-in").startswith("/sign-in"), what
        else:
            assert answer.status_code in (403, 404), what


def _buttons(reference):
    """What one can press on the way, whoever's turn it is."""
    base, file = f"/applications/{reference}", f"/pipeline/{reference}"
    moves = (
        "submit",
        "withdraw",
        "start_screening",
        "offer",
        "accept_offer",
        "start_project",
        "ask_for_lesson",
    )
    yield from (f"{base}/moves/{trigger}" for trigger in moves)
    yield from (f"{base}/edit/about", f"{base}/check", f"{base}/offer")
    yield from (f"{base}/reports/final", f"{base}/reports/final/moves/accept")
    yield from (f"{base}/lesson", f"{base}/lesson/clearance", f"{base}/lesson/moves/publish")
    yield from (f"{file}/reviewers", f"{file}/award", f"{file}/award/offer", f"{file}/public")
    yield from ("/reviews/1", "/reviews/1/moves/start", "/reviews/1/moves/submit")


def _new_pages(journey, known):
    """The pages of this proposal that somebody came to since the last time."""
    seen = {path for person in journey.people.values() for path in person.seen}
    return {path for path in seen if journey.reference in path or path.startswith("/reviews/")} - known


@pytest.mark.slow
def test_three_users_take_a_proposal_from_the_public_page_to_a_published_lesson(
    sqlite_db, clock, mailbox, worker, doors, here, people
):
    programs = {"applicant": doors.program(here.applicant), "manager": doors.program(here.manager)}
    journey = BrowserJourney(
        lambda who, method, path: programs[who].request(method, f"/api/v1{path}").json(),
        clock.now,
        lambda moment: travel(worker, clock, moment),
        here.round_slug,
        [],
    )
    journey.people = people
    strangers, known = Strangers(doors, here), set()
    for step in journey.steps():
        step()
        settle(worker)
        known |= (new := _new_pages(journey, known))
        strangers.are_refused([f"/pipeline/{journey.reference}", *new], _buttons(journey.reference))
    strangers.are_refused(known, ())

    _anybody_reads_the_lesson(people["nobody"])
    check_at_rest(sqlite_db, clock.now(), [mail for mail in mailbox.messages if mail.subject != SIGN_IN])
    arrived = Counter(mails(mailbox, here))
    asked = Counter(
        {("applicant", SIGN_IN): people["applicant"].asked, ("manager", SIGN_IN): people["manager"].asked}
    )
    asked["reviewer", SIGN_IN] = people["first"].asked + people["second"].asked
    assert arrived == Counter(EXPECTED) + asked


def _anybody_reads_the_lesson(me):
    me.go("/")
    me.follow("Read the lesson", exact=False)
    me.heading(TITLE)
    me.reads(SAFE, "What did not work", "City of Aldea")
    assert me.seen[-1].startswith("/lessons/")
    me.follow("All lessons")
    me.reads(TITLE)
