"""Reading definition files: what they say arrives, and what is wrong is told with line and place."""

import hashlib
from datetime import timedelta

import pytest

from tests.workflows.drafts import DONE, FINISH, HEAD, PLANNED, SOUND, VISIT, definition, line_of, sound
from workflows import (
    Actor,
    Ask,
    Definition,
    DefinitionError,
    Due,
    Finding,
    GuardCall,
    NotAllowed,
    Notice,
    Reminder,
    Start,
    load,
)


def findings(text: str) -> list[tuple[int, str, str]]:
    with pytest.raises(DefinitionError) as error:
        Definition.parse(text)
    return [(finding.line, finding.where, finding.message) for finding in error.value.findings]


def test_head_arrives() -> None:
    visit = definition()
    assert (visit.name, visit.label, visit.version, visit.subject) == ("visit", "Visit", 1, "visit")
    assert (visit.initial, visit.parent, visit.children) == ("planned", "round", ("review", "report"))
    assert visit.source == SOUND
    assert visit.digest == hashlib.sha256(SOUND.encode()).hexdigest()


def test_state_arrives() -> None:
    planned, done = definition().states.values()
    assert (planned.name, planned.stage, planned.label) == ("planned", "all", "Planned")
    assert planned.read == {"applicant", "manager"}
    assert planned.edit == frozenset()
    assert planned.deadlines == ("visit",)
    assert (planned.outcome, planned.final) == (None, False)
    assert (done.outcome, done.final) == ("done", True)


def test_state_without_a_name_for_the_applicant_has_the_staffs() -> None:
    visit = definition(done=DONE + 'applicant_label = "We were there"\n')
    assert [state.applicant_label for state in visit.states.values()] == ["Planned", "We were there"]


def test_move_arrives_with_everything() -> None:
    finish = """
[moves.finish]
label = "Finish the visit"
from = ["planned", "done"]
to = "done"
by = ["manager", "applicant"]
guards = [
    "form_complete",
    { min_reviews = 2 },
    { child_in = { report = ["due", "returned"] }, otherwise = "Wait for the report." },
    { form_complete = true, otherwise = "Answer all." },
]
reason = "optional"
reason_label = "A word"
confirm = "Finish?"
meets = ["visit"]
cancels = ["visit"]
notices = [{ to = "applicant", template = "seen" }]
starts = [{ child = "report", kind = "final", after = "award.ends_on", months = 2 }, { child = "review" }]
style = "danger"
"""
    move = definition(finish=finish).moves["finish"]
    assert move.trigger == "finish"
    assert move.sources == ("planned", "done")
    assert move.target == "done"
    assert move.roles == {"manager", "applicant"}
    assert move.guards == (
        GuardCall("form_complete"),
        GuardCall("min_reviews", 2),
        GuardCall("child_in", {"report": ("due", "returned")}, "Wait for the report."),
        GuardCall("form_complete", None, "Answer all."),
    )
    assert (move.reason, move.reason_label, move.confirm) == ("optional", "A word", "Finish?")
    assert (move.meets, move.cancels) == (("visit",), ("visit",))
    assert move.notices == (Notice("applicant", "seen"),)
    assert move.starts == (Start("report", "final", "award.ends_on", 2), Start("review", ""))
    assert (move.automatic, move.style) == (None, "danger")


def test_move_says_nothing_it_was_not_told() -> None:
    move = definition().moves["finish"]
    assert (move.guards, move.meets, move.cancels, move.notices, move.starts) == ((), (), (), (), ())
    assert (move.reason, move.confirm, move.automatic, move.style) == ("none", None, None, "secondary")


@pytest.mark.parametrize(
    ("automatic", "expected"), [('"facts"', "facts"), ('{ deadline = "visit" }', "visit")]
)
def test_automatic_move_belongs_to_the_clock(automatic: str, expected: str) -> None:
    move = definition(finish=FINISH + f"automatic = {automatic}\n").moves["finish"]
    assert move.automatic == expected
    assert move.roles == {"manager", "clock"}


def test_move_without_by_belongs_to_nobody() -> None:
    assert definition(finish=FINISH.replace('by = ["manager"]', "")).moves["finish"].roles == frozenset()


@pytest.mark.parametrize(
    ("due", "expected"),
    [
        ('{ field = "round.closes_on" }', Due("field", field="round.closes_on")),
        ("{ days = 14 }", Due("days", count=14)),
        ("{ working_days = 5 }", Due("working_days", count=5)),
        ("{ months = 3 }", Due("months", count=3)),
    ],
)
def test_deadline_arrives(due: str, expected: Due) -> None:
    visit = VISIT.replace("{ days = 14 }", due) + "grace_days = 2\ngrace_minutes = 30\n"
    rule = definition(visit=visit).deadline("visit")
    assert (rule.key, rule.label, rule.owner) == ("visit", "Visit the city", "manager")
    assert rule.due == expected
    assert (rule.grace_days, rule.grace_minutes) == (2, 30)


def test_reminder_goes_to_the_owner_unless_it_says_to_whom() -> None:
    visit = VISIT.replace("[-2, 1]", '[-2, { days = 1 }, { days = 3, to = "applicant" }]')
    assert definition(visit=visit).deadline("visit").reminders == (
        Reminder(-2, "manager"),
        Reminder(1, "manager"),
        Reminder(3, "applicant"),
    )


def test_reminders_climb_and_go_from_days_off_to_working_days() -> None:
    lines = '[-2, { days = 1, to = "owner" }, { days = 3, to = "colleague", weekends = "keep" }]'
    visit = VISIT.replace("[-2, 1]", lines) + 'weekends = "before"\n'
    assert definition(visit=visit).deadline("visit").reminders == (
        Reminder(-2, "manager", "before"),
        Reminder(1, "owner", "before"),
        Reminder(3, "colleague", "keep"),
    )


def test_order_of_the_file_is_kept_and_nothing_can_be_changed() -> None:
    visit = definition()
    assert list(visit.states) == ["planned", "done"]
    with pytest.raises(TypeError):
        visit.states["other"] = visit.state("done")  # type: ignore[index]


def test_same_text_is_the_same_object_and_equal_by_its_text() -> None:
    assert Definition.parse(SOUND) is Definition.parse(SOUND)
    other = Definition.parse(SOUND + "\n# changed\n")
    assert other != Definition.parse(SOUND)
    assert len({other, Definition.parse(SOUND), Definition.parse(SOUND)}) == 2


def test_lines_are_remembered() -> None:
    visit = definition()
    assert visit.state("done").line == line_of(SOUND, "[states.done]")
    assert visit.move("finish").line == line_of(SOUND, "[moves.finish]")
    assert visit.deadline("visit").line == line_of(SOUND, "[deadlines.visit]")
    assert visit.stage("all").line == line_of(SOUND, "[stages.all]")


def test_byte_order_mark_is_forgiven() -> None:
    assert Definition.parse("\ufeff" + SOUND).states == definition().states


def test_broken_toml_names_the_line() -> None:
    text = sound(done='\n[states.done]\nstage = "all\n')
    ((line, where, message),) = findings(text)
    assert (line, where) == (line_of(text, "[states.done]") + 1, "")
    assert message.startswith("not valid TOML: ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = " + "[" * 5000, "nested too deeply"),
        ("x = " + "1" * 5000, "not valid TOML: Exceeds the limit"),
        ("#" * 400_001, "longer than 400000 characters"),
    ],
)
def test_hostile_text_is_refused(text: str, message: str) -> None:
    assert findings(text)[0][2].startswith(message)


def test_everything_that_is_missing_is_told_at_once() -> None:
    assert [message for _, _, message in findings("")] == sorted(
        f'"{key}" is missing'
        for key in ("name", "label", "version", "subject", "initial", "stages", "states")
    )


def test_unknown_key_is_refused_with_a_guess_and_its_line() -> None:
    text = sound(planned=PLANNED + 'lable = "Planned"\n')
    expected = (
        line_of(text, "lable"),
        "state planned, lable",
        "unknown key 'lable' (did you mean \"label\"?)",
    )
    assert findings(text) == [expected]


@pytest.mark.parametrize(
    ("piece", "old", "new", "where", "message"),
    [
        ("planned", '"Planned"', "7", "state planned, label", "must be a text, not 7"),
        ("planned", '"Planned"', '"  "', "state planned, label", "must be a text, not ' '"),
        (
            "planned",
            '"Planned"',
            '"a\\u0000b"',
            "state planned, label",
            "has characters that cannot be shown",
        ),
        ("planned", '["visit"]', '"visit"', "state planned, deadlines", "must be a list, not 'visit'"),
        ("planned", '["visit"]', '["visit", "visit"]', "state planned, deadlines", "names something twice"),
        (
            "planned",
            "[states.planned]",
            "[states.Planned]",
            "state Planned",
            "must be a name of small letters",
        ),
        (
            "planned",
            '"manager"]',
            '"boss"]',
            "state planned, read",
            "must be one of applicant, reviewer, manager",
        ),
        ("planned", '"manager"]', '"clock"]', "state planned, read", "must be one of applicant, reviewer"),
        (
            "finish",
            '["manager"]',
            '["clock"]',
            "move finish, by",
            "must be one of applicant, reviewer, manager, not",
        ),
        ("finish", '["planned"]', "[]", "move finish, from", "must be a list with something in it, not []"),
        ("finish", 'to = "done"', "to = 1", "move finish, to", "must be a name of small letters"),
        ("visit", "{ days = 14 }", "14", "deadline visit, due", "must be {field = …} or {days = …} or"),
        (
            "visit",
            "{ days = 14 }",
            "{ days = 1, months = 1 }",
            "deadline visit, due",
            "must be {field = …} or",
        ),
        (
            "visit",
            "{ days = 14 }",
            "{ days = -1 }",
            "deadline visit, due, days",
            "must be a whole number from 0",
        ),
        (
            "visit",
            "{ days = 14 }",
            "{ days = true }",
            "deadline visit, due, days",
            "must be a whole number from 0",
        ),
        (
            "visit",
            "{ days = 14 }",
            '{ field = "soon" }',
            "deadline visit, due, field",
            "must name a field such as",
        ),
        (
            "visit",
            "[-2, 1]",
            "[-2.5]",
            "deadline visit, reminders",
            "must be a whole number from -730 to 730",
        ),
        ("head", "version = 1", "version = 0", "version", "must be a whole number from 1 to"),
        ("head", '[stages.all]\nlabel = "All"', "stages = 3", "stages", "must be a table of names"),
        ("head", '[stages.all]\nlabel = "All"', "stages.all = 3", "stage all", "must be a table, not 3"),
    ],
)
def test_wrong_value_is_told_with_its_place(piece: str, old: str, new: str, where: str, message: str) -> None:
    pieces = {"head": HEAD, "planned": PLANNED, "finish": FINISH, "visit": VISIT}
    assert old in pieces[piece]
    found = findings(sound(**{piece: pieces[piece].replace(old, new)}))
    assert (found[0][1], found[0][2][: len(message)]) == (where, message)
    assert found[0][0] > 0


@pytest.mark.parametrize(
    ("piece", "old", "new", "where", "message"),
    [
        ("head", '"planned"', '"plan"', "initial", 'there is no state "plan" (did you mean "planned"?)'),
        ("planned", '"all"', '"some"', "state planned, stage", 'there is no stage "some"'),
        (
            "planned",
            '["visit"]',
            '["vist"]',
            "state planned, deadlines",
            'there is no deadline "vist" (did you',
        ),
        ("finish", '["planned"]', '["gone"]', "move finish, from", 'there is no state "gone"'),
        (
            "finish",
            'to = "done"',
            'to = "dome"',
            "move finish, to",
            'there is no state "dome" (did you mean "done"?)',
        ),
    ],
)
def test_name_that_nothing_goes_by_is_refused(
    piece: str, old: str, new: str, where: str, message: str
) -> None:
    pieces = {"head": HEAD, "planned": PLANNED, "finish": FINISH}
    ((line, place, told),) = findings(sound(**{piece: pieces[piece].replace(old, new)}))
    assert (place, told[: len(message)]) == (where, message)
    assert line > 0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('meets = ["x"]', 'there is no deadline "x"'),
        ('cancels = ["x"]', 'there is no deadline "x"'),
        ('automatic = { deadline = "x" }', 'there is no deadline "x"'),
        ('automatic = "sometimes"', "must be one of facts, not 'sometimes'"),
        ('starts = [{ child = "baby" }]', 'there is no child "baby"'),
        ('guards = ["forn_complete"]', "unknown guard 'forn_complete' (did you mean \"form_complete\"?)"),
        ("guards = [7]", "unknown guard 7"),
        ("guards = [{}]", "unknown guard {}"),
        ("guards = [{ min_reviews = 1, form_complete = true }]", "unknown guard {'min_reviews': 1"),
        ('guards = ["min_reviews"]', "guard min_reviews needs an argument: {min_reviews = …}"),
        ('guards = [{ min_reviews = "two" }]', "must be a whole number from 0 to 1000000, not 'two'"),
        ("guards = [{ form_complete = 2 }]", "guard form_complete takes no argument, not 2"),
        ('guards = [{ deadline_open = "x" }]', 'there is no deadline "x"'),
        ('guards = [{ child_in = { baby = ["born"] } }]', 'there is no child "baby"'),
        ("guards = [{ child_in = {} }]", "must be a table of names with something in it"),
        ("guards = [{ parent_in = [] }]", "must be a list with something in it, not []"),
    ],
)
def test_move_that_names_things_in_vain_is_refused(line: str, message: str) -> None:
    text = sound(finish=FINISH + line + "\n")
    found = findings(text)
    assert found[0][2][: len(message)] == message
    assert found[0][0] == line_of(text, line.partition(" =")[0] + " =")


def test_guards_about_a_parent_or_reviews_need_them_declared() -> None:
    alone = HEAD.replace('parent = "round"\n', "").replace('["review", "report"]', "[]")
    finish = FINISH + 'guards = [{ parent_in = ["open"] }, "all_reviews_in", { min_reviews = 1 }]\n'
    assert [message for _, _, message in findings(sound(head=alone, finish=finish))] == [
        "guard parent_in asks about a parent, and none is declared",
        'there is no child "review"',
    ]


def test_deadline_cannot_be_called_facts() -> None:
    text = sound(visit=VISIT + VISIT.replace("deadlines.visit", "deadlines.facts"))
    assert findings(text) == [
        (line_of(text, "[deadlines.facts]"), "deadline facts", 'a deadline cannot be called "facts"')
    ]


def test_error_reads_as_lines_sorted_by_line() -> None:
    error = DefinitionError([Finding(9, "move b", "bad"), Finding(2, "", "worse")], "visit.toml")
    assert str(error) == "visit.toml: line 2: error: worse\nvisit.toml: line 9: error: move b: bad"


def test_load_names_the_file_and_refuses_what_the_checker_finds(tmp_path) -> None:
    file = tmp_path / "visit.toml"
    file.write_text(SOUND)
    assert load(file) is Definition.parse(SOUND)
    file.write_text(sound(finish=FINISH.replace('by = ["manager"]', "")))
    with pytest.raises(DefinitionError, match="nobody can make it") as error:
        load(file)
    assert str(error.value).startswith(f"{file}: line ")
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(DefinitionError, match="not UTF-8 text"):
        load(str(file))
    file.write_text("name = 1")
    with pytest.raises(DefinitionError, match="line 1: error: name: must be a name"):
        load(file)
    with pytest.raises(OSError, match="No such file"):
        load(tmp_path / "none.toml")


# ------------------------------------------------------------------ ways back, holds, fields, languages


@pytest.mark.parametrize(
    ("undo", "expected"),
    [
        ("{ hours = 24 }", timedelta(days=1)),
        ("{ days = 7 }", timedelta(days=7)),
        ("{ minutes = 30 }", timedelta(minutes=30)),
    ],
)
def test_undo_arrives(undo: str, expected: timedelta) -> None:
    assert definition(finish=FINISH + f"undo = {undo}\n").move("finish").undo == expected


def test_move_is_neither_undone_nor_a_revert_unless_it_says_so() -> None:
    move = definition().move("finish")
    assert (move.undo, move.revert, move.asks, move.moves) == (None, False, (), ())
    assert definition(finish=FINISH + "revert = true\n").move("finish").revert


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("undo = { weeks = 1 }", "must be {minutes = …} or {hours = …} or {days = …}, not {'weeks': 1}"),
        ("undo = { days = 0 }", "must be a whole number from 1 to 90, not 0"),
        ("undo = 24", "must be {minutes = …} or {hours = …} or {days = …}, not 24"),
        ('revert = "yes"', "must be true or false, not 'yes'"),
        ('moves = ["ghost"]', 'there is no deadline "ghost"'),
        (
            'asks = [{ name = "a", label = "A", kind = "number" }]',
            "must be one of text, tick, date, amount, not 'number'",
        ),
    ],
)
def test_what_a_move_says_of_itself_wrongly(line: str, message: str) -> None:
    ((_, where, said),) = findings(sound(finish=FINISH + line + "\n"))
    assert (where.split(",")[0], said) == ("move finish", message)


def test_field_arrives() -> None:
    finish = FINISH + 'asks = [{ name = "who", label = "Who went", kind = "text", otherwise = "Say who." }]\n'
    assert definition(finish=finish).move("finish").asks == (Ask("who", "Who went", "text", "Say who."),)


def test_hold_and_hidden_parts_arrive() -> None:
    planned = definition(planned=PLANNED + 'hold = true\nhides = { applicant = ["offer"] }\n').state(
        "planned"
    )
    assert (planned.hold, dict(planned.hides)) == (True, {"applicant": ("offer",)})
    done = definition().state("done")
    assert (done.hold, dict(done.hides)) == (False, {})


@pytest.mark.parametrize(
    ("hides", "message"),
    [
        ('{ applicants = ["offer"] }', "must be one of applicant, reviewer, "),
        ('{ applicant = ["ofer"] }', "must be one of feedback, offer, not 'ofer' (did you mean \"offer\"?)"),
        ("{ applicant = [] }", "must be a list with something in it, not []"),
        ('"offer"', "must be a table, not 'offer'"),
    ],
)
def test_what_is_hidden_has_a_known_name(hides: str, message: str) -> None:
    text = sound(planned=PLANNED + f"hides = {hides}\n")
    ((line, where, said),) = findings(text)
    assert (line, where.startswith("state planned, hides")) == (line_of(text, "hides"), True)
    assert said.startswith(message)


SPANISH = """
[translations.es]
label = "Visita"
stages.all.label = "Todo"
states.planned.label = "Prevista"
"states.planned.help" = "Vamos a verle."
moves.finish.label = "Terminar la visita"
"""


def in_spanish(spanish: str = SPANISH, **changes: str) -> str:
    """The sound definition with a translation."""
    return sound(more=spanish, **changes).replace("children =", 'languages = ["es"]\nchildren =')


def test_definition_says_its_words_in_another_language() -> None:
    visit = Definition.parse(in_spanish())
    visita = visit.said("es")
    assert (visit.label, visita.label, visita.stage("all").label) == ("Visit", "Visita", "Todo")
    planned = visita.state("planned")
    assert (planned.label, planned.applicant_label, planned.help) == (
        "Prevista",
        "Prevista",
        "Vamos a verle.",
    )
    assert visita.move("finish").label == "Terminar la visita"
    assert visita.deadline("visit").label == "Visit the city", "untranslated words stay"
    assert visit.said("fr") is visit
    assert visita is visit.said("es")
    with pytest.raises(NotAllowed, match="“Terminar la visita” is not possible now: it stands at “Done”"):
        visita.fire("done", "finish", Actor(1, frozenset({"manager"})), {})


def test_sentences_of_moves_are_translated_each_by_its_key() -> None:
    finish = FINISH + (
        'guards = [{ round_in = ["open"], otherwise = "One." },'
        ' { child_in = { report = ["due"] }, otherwise = "Two." },'
        ' { child_in = { review = ["due"] }, otherwise = "Three." }]\n'
        'reason = "required"\nreason_label = "Why"\nconfirm = "Sure?"\n'
        'asks = [{ name = "who", label = "Who", kind = "text", otherwise = "Say who." }]\n'
    )
    spanish = (
        "[translations.es]\nmoves.finish.guards.round_in = 'Uno.'\nmoves.finish.guards.child_in = 'Dos.'\n"
        "moves.finish.guards.child_in_2 = 'Tres.'\nmoves.finish.reason_label = 'Por qué'\n"
        "moves.finish.confirm = '¿Seguro?'\nmoves.finish.asks.who.label = 'Quién'\n"
        "moves.finish.asks.who.otherwise = 'Diga quién.'\n"
    )
    move = Definition.parse(in_spanish(spanish, finish=finish)).said("es").move("finish")
    assert [call.otherwise for call in move.guards] == ["Uno.", "Dos.", "Tres."]
    assert (move.reason_label, move.confirm, move.asks) == (
        "Por qué",
        "¿Seguro?",
        (Ask("who", "Quién", "text", "Diga quién."),),
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            'states.plannd.label = "x"',
            'there is no text "states.plannd.label" (did you mean "states.planned.label"?)',
        ),
        ('"moves.finish.confirm" = "x"', 'there is no text "moves.finish.confirm"'),
        ("deadlines.visit.label = 3", "must be a text, not 3"),
        ('"states.planned.label" = "x"', "'states.planned.label' is translated twice"),
    ],
)
def test_translation_of_nothing_is_refused_by_its_line(line: str, message: str) -> None:
    text = in_spanish(SPANISH + line + "\n")
    ((number, _, said),) = findings(text)
    assert (number, said.startswith(message)) == (line_of(text, line), True), said


def test_translation_into_a_language_that_is_not_declared() -> None:
    text = sound(more=SPANISH)
    assert findings(text) == [
        (line_of(text, "[translations.es]"), "translations, es", 'there is no language "es"')
    ]
