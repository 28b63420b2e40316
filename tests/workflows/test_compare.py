"""What changes from one definition to another, said in words, and nothing passed over."""

import doctest
from dataclasses import fields, replace
from datetime import timedelta

import pytest
from hypothesis import given

import workflows.compare
from tests.workflows.drafts import DONE, FINISH, HEAD, PLANNED, SOUND, VISIT, definition, sound
from tests.workflows.strategies import definitions
from workflows import Definition, Due, GuardCall, library, shipped
from workflows.__main__ import main
from workflows.compare import TABLES, Difference, compare, successors
from workflows.parts import Content


def said(old: str, new: str, **more) -> list[str]:
    return [str(one) for one in compare(Definition.parse(old), Definition.parse(new), **more)]


def content(one: Content) -> Content:
    return Content(**{field.name: getattr(one, field.name) for field in fields(Content)})


def order(one: Content) -> list[list[str]]:
    return [list(getattr(one, table)) for table in TABLES]


@given(definitions, definitions)
def test_without_a_difference_two_definitions_say_the_same(old, new):
    assert compare(old, old) == []
    same = content(old) == content(new) and order(old) == order(new)
    assert (compare(old, new) == []) == same


def other(value):
    """Another value of the same kind."""
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case str() | None:
            return f"{value} or not"
        case timedelta():
            return value + timedelta(minutes=1)
        case Due():
            return replace(value, count=value.count + 1)
        case GuardCall():
            return replace(value, otherwise="Not today.")
        case frozenset():
            return value ^ {"auditor"}
        case tuple():
            return (*value[:-1], other(value[-1])) if value else ("something",)
    if hasattr(value, "items"):
        return {**value, "more": ("something",)}
    name = fields(value)[0].name
    return replace(value, **{name: other(getattr(value, name))})


PARTS = [
    (name, table, key, field.name)
    for name in ("application", "review")
    for table in TABLES
    for key, part in getattr(shipped(name), table).items()
    for field in fields(part)
    if field.compare and field.name not in ("name", "trigger", "key")
]


def test_any_change_to_any_field_is_said_where_it_is():
    silent = []
    for name, table, key, field in PARTS:
        old = content(shipped(name))
        part = getattr(old, table)[key]
        changed = replace(part, **{field: other(getattr(part, field))})
        new = replace(old, **{table: {**getattr(old, table), key: changed}})
        for one, two in ((old, new), (new, old)):
            found = compare(one, two)
            if not found or {difference.where for difference in found} != {f"{TABLES[table]} {key}"}:
                silent.append(f"{name}: {table}.{key}.{field}: {found}")
    assert silent == []
    assert len(PARTS) > 500


@pytest.mark.parametrize("name", library())
def test_any_change_to_the_whole_is_said(name):
    old = content(shipped(name))
    for field in fields(Content):
        if field.name not in TABLES:
            found = compare(old, replace(old, **{field.name: other(getattr(old, field.name))}))
            assert {difference.where for difference in found} == {""}


def test_every_kind_of_change_in_words():
    new = sound(
        head=HEAD.replace("version = 1", "version = 2"),
        planned=PLANNED.replace('"applicant", "manager"]', '"manager", "auditor"]'),
        finish=FINISH.replace(
            'by = ["manager"]', 'by = ["applicant", "manager"]\nguards = [{ min_reviews = 2 }]'
        ),
        visit=VISIT.replace("[-2, 1]", '[-7, { days = 1, to = "applicant" }]').replace(
            "days = 14", "working_days = 1"
        ),
        more='[moves.call_off]\nlabel = "Call it off"\nfrom = ["planned"]\nto = "off"\nby = ["manager"]\n'
        '[states.off]\nstage = "all"\nlabel = "Called off"\noutcome = "off"\n',
    )
    assert said(SOUND, new) == [
        "version: now 2, was 1",
        "state planned: who may read: now also auditor",
        "state planned: who may read: no longer applicant",
        "state off: added “Called off” in stage all",
        "move finish: who may make it: now also applicant",
        "move finish: guards: now also min_reviews(2)",
        "move call_off: added “Call it off”, from planned to off, by manager",
        "deadline visit: when it is due: now 1 working day after it is opened, was 14 days after it is opened",
        "deadline visit: reminders: now also 7 days before to the manager, 1 day after to the applicant",
        "deadline visit: reminders: no longer 2 days before to the manager, 1 day after to the manager",
    ]
    assert said(SOUND + "\n# A word about it.\n", SOUND) == []


def test_where_a_reminder_goes_that_falls_on_a_day_off():
    lines = '[{ days = -2, weekends = "after" }, { days = 1, to = "colleague", weekends = "before" }]'
    assert said(SOUND, sound(visit=VISIT.replace("[-2, 1]", lines))) == [
        (
            "deadline visit: reminders: now also 2 days before to the manager, from a day off to the working day"
            " after, 1 day after to the colleague, from a day off to the working day before"
        ),
        "deadline visit: reminders: no longer 2 days before to the manager, 1 day after to the manager",
    ]


def test_the_sentence_of_a_guard_and_the_order_of_states():
    one = FINISH + 'guards = [{ round_in = ["open"] }]\n'
    two = FINISH + 'guards = [{ round_in = ["open"], otherwise = "Wait for the round." }]\n'
    three = FINISH + 'guards = [{ round_in = ["closed", "open"] }]\n'
    assert said(sound(finish=one), sound(finish=three)) == ["move finish: guards, round_in: now also closed"]
    stage = one.replace('"open"', '"call/*"')
    assert said(sound(finish=one), sound(finish=stage)) == [
        "move finish: guards, round_in: now also whatever is under way in the stage call",
        "move finish: guards, round_in: no longer open",
    ]
    assert said(sound(finish=one), sound(finish=two)) == [
        "move finish: guards, round_in: now says “Wait for the round.”, was its own sentence"
    ]
    assert said(SOUND, sound(planned=DONE, done=PLANNED)) == ["states stand in another order: done, planned"]


RENAMED = SOUND.replace("states.done", "states.over").replace('to = "done"', 'to = "over"')


def test_a_state_that_was_renamed_is_not_another():
    assert said(SOUND, RENAMED, states={"done": "over"}) == ["state done: is now called over"]
    assert said(SOUND, RENAMED) == [
        "state done: removed “Done” in stage all",
        "state over: added “Done” in stage all",
        "move finish: leads to: now over, was done",
    ]
    again = RENAMED.replace("moves.finish", "moves.end")
    assert said(SOUND, again, states={"done": "over"}, moves={"finish": "end", "nothing": "no"}) == [
        "state done: is now called over",
        "move finish: is now called end",
    ]


def test_a_state_that_goes_into_another():
    more = '[states.seen]\nstage = "all"\nlabel = "Seen"\noutcome = "seen"\n'
    assert said(sound(more=more), SOUND, states={"seen": "done"}) == ["state seen: goes into done"]


def test_what_takes_the_place_of_a_state_where_only_one_can():
    old, new = definition(), Definition.parse(RENAMED)
    assert successors(old, new) == {"done": "over"}
    assert successors(old, old) == {}
    relabelled = Definition.parse(RENAMED.replace('label = "Done"', 'label = "Over"'))
    assert successors(old, relabelled) == {"done": "over"}
    more = '[states.gone]\nstage = "all"\nlabel = "Gone"\noutcome = "gone"\n'
    two_ways = Definition.parse(RENAMED.replace('label = "Done"', 'label = "Over"') + more)
    assert successors(old, two_ways) == {}


def test_from_the_command_line(tmp_path, capsys):
    old, new, broken = (tmp_path / name for name in ("old.toml", "new.toml", "broken.toml"))
    old.write_text(SOUND)
    new.write_text(RENAMED)
    broken.write_text("no")
    assert main(["compare", str(old), str(new)]) == 0
    assert capsys.readouterr().out.splitlines() == said(SOUND, RENAMED)
    assert main(["compare", str(old), str(broken)]) == 1
    assert capsys.readouterr().err.startswith(f"{broken}: line 1: error: not valid TOML")
    assert main(["compare", str(old), str(tmp_path)]) == 2
    assert main(["compare", str(old)]) == 2
    assert main(["compare", "review", "review"]) == 0
    assert capsys.readouterr().out == ""


def test_the_example_runs():
    assert doctest.testmod(workflows.compare) == (0, 5)


def test_a_difference_is_one_line():
    assert str(Difference("state draft", "is now called sketch")) == "state draft: is now called sketch"
