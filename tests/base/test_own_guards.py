"""A guard of one's own, as docs/workflows.md tells it: named in a setting, used in a workflow, and one day gone."""

import importlib
import re
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

import workflows.definition
from fund.base import binding, definitions, facts, moves, own_guards, passing, soundness
from fund.base.errors import Invalid, Misconfigured
from fund.base.settings import Settings
from fund.base.versions import key_of
from schema.applications import Application
from schema.deadlines import Deadline
from schema.rounds import Round
from schema.workflows import RoundWorkflow
from tests.support.doors import Doors, shown
from tests.support.versions import VERSION, edited, later
from tests.support.world import draft, to_deliberation, world
from workflows import Definition, Facts, guard, shipped
from workflows.guards import REGISTRY

ROOT = Path(__file__).parents[2]
EXAMPLE = re.findall(
    r"```python\n(\"\"\"Guards of our own fund.*?)```", (ROOT / "docs/workflows.md").read_text(), re.S
)[0]
SOURCE = edited(
    re.sub(r"(?m)^version = \d+$", f"version = {VERSION}", shipped("application").source, count=1),
    "moves.submit",
    "guards = [",
    "guards = [{ most_of_a_member = 1 }, ",
)
SAID = "Your member may have 1 proposal under way in this round. Withdraw the other first."


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Writes a module of that text and names it in the settings; all that it registers is forgotten at the end."""
    monkeypatch.syspath_prepend(tmp_path)
    for kind, known in facts.KNOWN.items():
        monkeypatch.setitem(facts.KNOWN, kind, dict(known))
    monkeypatch.setattr(facts, "SHARED", set(facts.SHARED))
    before = dict(REGISTRY)

    def write(text: str, name: str = "our_guards") -> Settings:
        (tmp_path / f"{name}.py").write_text(text)
        importlib.invalidate_caches()
        return Settings(guards=name)

    yield write
    REGISTRY.clear()
    REGISTRY.update(before)
    workflows.definition._parsed.cache_clear()
    for name in {"our_guards", "theirs"} & sys.modules.keys():
        del sys.modules[name]


@pytest.fixture
def here(sqlite_db, clock):
    return world(sqlite_db, clock.now())


@pytest.fixture
def doors(here, clock):
    return Doors(here.db, clock)


def submit(doors: Doors, here, reference: str):
    program = doors.program(here.applicant)
    version = program.get(f"/api/v1/applications/{reference}/moves").json()["version"]
    wish = {"trigger": "submit", "version": version, "data": {"declaration": True}}
    return program.post(f"/api/v1/applications/{reference}/moves", json=wish)


def follow(doors: Doors, here, source: str) -> None:
    """Give the fund the workflow, and change the round to it, through the API."""
    program = doors.program(here.manager)
    given = program.post("/api/v1/workflows", json={"source": source})
    assert given.status_code == 201, given.text
    wish = {"workflows": {"application": given.json()["key"]}}
    base = f"/api/v1/rounds/{here.round_slug}/workflows"
    planned = program.post(f"{base}/plan", json=wish)
    assert planned.status_code == 200, planned.text
    assert program.post(base, json=wish | {"fingerprint": planned.json()["fingerprint"]}).status_code == 200


def drafts(here, clock, number: int) -> list[str]:
    with here.db.write() as session:
        return [draft(session, here, clock.now()).reference for _ in range(number)]


def test_a_guard_is_named_in_a_setting_refuses_with_its_reason_and_lets_pass(here, doors, clock, module):
    first, second = drafts(here, clock, 2)
    refused = doors.program(here.manager).post("/api/v1/workflows", json={"source": SOURCE})
    assert "unknown guard" in refused.json()["errors"]["file"]
    own_guards.load(module(EXAMPLE))
    follow(doors, here, SOURCE)
    assert submit(doors, here, first).status_code == 200
    late = submit(doors, here, second)
    assert (late.status_code, late.json()["reasons"]) == (409, [SAID])
    assert SAID in shown(doors.browser(here.applicant).get(f"/applications/{second}/check").text)
    program = doors.program(here.applicant)
    version = program.get(f"/api/v1/applications/{first}/moves").json()["version"]
    gone = program.post(
        f"/api/v1/applications/{first}/moves",
        json={"trigger": "withdraw", "version": version, "reason": "Twice."},
    )
    assert gone.status_code == 200, gone.text
    assert submit(doors, here, second).status_code == 200


def test_where_the_module_is_gone_its_moves_stay_closed_and_all_else_goes_on(
    here, doors, clock, module, caplog
):
    [kept] = drafts(here, clock, 1)
    before = set(REGISTRY)
    own_guards.load(module(EXAMPLE))
    follow(doors, here, SOURCE)
    for name in REGISTRY.keys() - before:
        del REGISTRY[name]
    workflows.definition._parsed.cache_clear()
    definitions.forget(here.db.engine)
    definitions.forget(here.db.engines[1])
    caplog.clear()
    assert soundness.report(here.db) == 2
    told = [one.getMessage() for one in caplog.records]
    assert f"workflow application, version {VERSION}: line " in told[0]
    assert told[0].endswith("error: move submit, guards: unknown guard 'most_of_a_member'")
    assert told[1] == (
        f"workflow application, version {VERSION}: move submit stays closed, as there is no guard most_of_a_member;"
        " FUND_GUARDS names the modules with guards of your own"
    )
    assert doors.browser().get("/readyz").json()["faults"] == told[1:]
    late = submit(doors, here, kept)
    assert late.status_code == 409
    assert "“most_of_a_member” failed" in late.json()["reasons"][0]
    for viewer, path in (
        (here.applicant, f"/applications/{kept}/check"),
        (here.manager, "/pipeline"),
        (here.manager, "/workflows"),
        (here.manager, f"/rounds/{here.round_slug}/workflow"),
        (here.manager, f"/workflows/{key_of(Definition.parse(SOURCE, closing=True))}"),
    ):
        answer = doors.browser(viewer).get(path)
        assert answer.status_code == 200, path
    assert "move submit, guards: unknown guard 'most_of_a_member'" in shown(answer.text)
    with here.db.write() as session, pytest.raises(Invalid, match="there is no guard most_of_a_member here"):
        binding.pin(session, session.get_one(Round, here.round_id), clock.now())
    back = {"workflows": {"application": "concept"}, "places": {"application": {"draft": "concept"}}}
    planned = doors.program(here.manager).post(f"/api/v1/rounds/{here.round_slug}/workflows/plan", json=back)
    assert planned.status_code == 200, planned.text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("import nothing_of_the_kind\n", "(ModuleNotFoundError: No module named 'nothing_of_the_kind')"),
        ("def broken(:\n", "(SyntaxError: invalid syntax (theirs.py, line 1))"),
        (
            "from workflows import guard\n\n@guard('round_in')\ndef mine(facts): return None\n",
            "(ValueError: a guard named 'round_in' is registered already)",
        ),
    ],
)
def test_a_module_that_cannot_be_used_is_one_line(module, text, why):
    with pytest.raises(Misconfigured) as refused:
        own_guards.load(module(text, "theirs"))
    assert refused.value.message == f"FUND_GUARDS: the module theirs cannot be imported {why}"


@pytest.fixture
def moody(module, db, clock):
    """A round whose drafts close, and whose reviews are taken as complete, by a guard that fails while told to."""
    fails = [True]

    @guard("moody")
    def moody(_facts: Facts) -> str | None:
        if fails:
            raise OSError("the other system does not answer")
        return None

    module("")
    made = world(db, clock.now())
    edits = (
        ("moves.close_draft", 'deadline = "submission" }', 'deadline = "submission" }\nguards = ["moody"]'),
        ("moves.all_reviews_came_in", "guards = [", 'guards = ["moody", '),
    )
    with db.write() as session:
        pin = session.get_one(RoundWorkflow, (made.round_id, "application"))
        pin.workflow_id = definitions.store(session, later("application", *edits), clock.now())
    return made, fails


def test_what_waits_for_a_deadline_is_tried_again_until_its_guard_can_tell(moody, clock, caplog):
    here, fails = moody
    with here.db.write() as session:
        key = draft(session, here, clock.now()).id
    clock.advance(timedelta(days=40))
    passing.sweep(here.db, clock)
    assert "could not pass; it will be tried again" in caplog.text
    with here.db.read() as session:
        closed = select(Deadline).where(Deadline.subject_kind == "application", Deadline.key == "submission")
        deadline = session.exec(closed).one()
        assert (session.get_one(Application, key).state, deadline.passed_at) == ("draft", None)
    fails.clear()
    passing.sweep(here.db, clock)
    with here.db.read() as session:
        row = session.get_one(Application, key)
        assert definitions.definition_of(session, row).state(row.state).outcome == "not_submitted"


def test_what_somebody_does_goes_through_and_what_should_follow_waits(moody, clock, caplog):
    here, fails = moody
    with here.db.write() as session:
        row = to_deliberation(session, here, clock.now())
        assert row.state == "in_review", (
            "both reviews are in, and the step that follows by itself is not made"
        )
    assert "guard moody failed: OSError: the other system does not answer" in caplog.text
    fails.clear()
    with here.db.write() as session:
        row = session.get_one(Application, row.id)
        moves.settle(session, [row], clock.now())
        assert row.state == "deliberation"
