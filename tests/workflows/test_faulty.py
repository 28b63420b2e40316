"""The checker on texts that are no definition: it goes on after a fault, and is done soon whatever it is given."""

from time import process_time

import pytest

from tests.workflows.drafts import FINISH, WAITS, line_of, move, sound, state
from workflows import shipped
from workflows.check import check_text


def told(text: str) -> list[tuple[str, str]]:
    """Place and message of what is found in a text that may be no definition."""
    return [(finding.where, finding.message.partition(" (did")[0]) for finding in check_text(text)]


def test_faults_in_one_move_hide_none_in_others() -> None:
    finish = FINISH.replace('"done"', '"don"') + 'guards = ["form_complet"]\n'
    again = move("again", "planned", "done", 'by = ["manger"]')
    assert told(sound(finish=finish, more=again)) == [
        ("move finish, to", 'there is no state "don"'),
        ("move finish, guards", "unknown guard 'form_complet'"),
        ("move again, by", "must be one of applicant, reviewer, manager, not 'manger'"),
    ]


def test_loop_is_told_beside_a_guard_that_is_unknown() -> None:
    ways = move("enter", "planned", "ping") + move("hit", "ping", "pong")
    ways += move("back", "pong", "ping", 'by = ["manager"]\nguards = ["fair_play"]')
    text = sound(more=state("ping") + state("pong") + ways)
    loops = [one for one in check_text(text) if "a loop without an exit" in one.message]
    assert [(one.line, one.where) for one in loops] == [
        (line_of(text, "[states.ping]"), "state ping"),
        (line_of(text, "[states.pong]"), "state pong"),
    ]
    assert ("move back, guards", "unknown guard 'fair_play'") in told(text)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('label = "Planned"\n', ""),
        ('stage = "all"\nlabel = "P', 'label = "P'),
        ('from = ["planned"]\n', ""),
        ('to = "done"\n', ""),
        ('to = "done"', "to = 3"),
        ("due = { days = 14 }\n", ""),
        ("due = { days = 14 }", "due = { weeks = 2 }"),
        ('by = ["manager"]', "undo = { weeks = 2 }"),
        ('by = ["manager"]', "automatic = { day = 2 }"),
        ('by = ["manager"]', "guards = [{ deadline_open = 2 }]\nby = ['manager']"),
        ('by = ["manager"]', 'automatic = "facts"\nguards = ["fair_play"]'),
        ("[states.planned]", "[states.Planned]"),
        ("[stages.all]", "[stage.all]"),
        ('children = ["review", "report"]', "children = 3"),
    ],
)
def test_what_only_follows_from_a_fault_is_not_told_beside_it(old: str, new: str) -> None:
    wants = move(
        "plan", "planned", "done", 'by = ["manager"]\nguards = [{ child_in = { report = ["due"] } }]'
    )
    assert told(sound(more=wants)) == []
    broken = check_text(sound(more=wants).replace(old, new, 1))
    assert len(broken) == 1 + (new == "[stage.all]"), "an unknown key, and the missing one"


def many(number: int, piece: str) -> str:
    """A piece repeated with N replaced by a number."""
    return "".join(piece.replace("N", str(count)) for count in range(number))


STATES = many(900, '[states.sN]\nstage = "all"\nlabel = "N"\n')
EVERYWHERE = "[" + ", ".join(f'"s{number}"' for number in range(900)) + "]"
HOSTILE = {
    "states in one great loop": STATES
    + many(25, f'[moves.mN]\nlabel = "N"\nfrom = {EVERYWHERE}\nto = "sN"\nby = ["manager"]\n'),
    "automatic moves everywhere": many(30, '[states.sN]\nstage = "all"\nlabel = "N"\n')
    + "".join(
        many(30, f'[moves.mN_{to}]\nlabel = "N"\nfrom = ["sN"]\nto = "s{to}"\n{WAITS}\n') for to in range(30)
    ),
    "names that nothing goes by": STATES
    + many(
        40, f'[moves.mN]\nlabel = "N"\nfrom = {EVERYWHERE.replace("s", "t")}\nto = "sN"\nby = ["manager"]\n'
    ),
    "unknown keys": many(20_000, 'keyN = "label"\n'),
    "guards without end": many(
        30, FINISH.replace("finish", "finishN") + "guards = [" + '"form_complete", ' * 500 + "]\n"
    ),
    "one long list": f"children = [{', '.join(str(number) for number in range(50_000))}]",
    "children without end": many(
        100,
        FINISH.replace("finish", "finishN")
        + "guards = [{ child_in = { report = ["
        + many(300, '"sN", ')
        + "] } }]\n",
    ),
}


@pytest.mark.parametrize("text", [sound(more=more) for more in HOSTILE.values()], ids=list(HOSTILE))
def test_large_and_hostile_texts_are_answered_soon(text: str) -> None:
    start = process_time()
    findings = check_text(text, templates=set(), family={"report": shipped("report")})
    assert process_time() - start < 5
    assert findings
