"""Shipped parts that a file goes on with."""

import pytest

from tests.workflows.drafts import HEAD, SOUND, line_of
from workflows import Definition, DefinitionError, check, load, shipped
from workflows.check import check_text
from workflows.include import placed, shipped_parts, whole

OWN = """\
name = "small"
label = "Small grant"
version = 1
subject = "application"
initial = "asked"
children = ["review", "report", "lesson"]
include = ["funded"]

[stages.asking]
label = "Asking"

[states.asked]
stage = "asking"
label = "Asked"
help = "You asked for a grant."
read = ["applicant", "manager"]
deadlines = ["answer"]

[moves.offer]
label = "Offer a grant"
from = ["asked"]
to = "offered"
by = ["manager"]
meets = ["answer"]

[deadlines.answer]
label = "Answer"
owner = "manager"
due = { days = 14 }
reminders = [-2, 1]
"""


def test_file_goes_on_with_the_part() -> None:
    small = Definition.parse(OWN)
    assert list(small.stages) == ["asking", "award", "reporting", "sharing"]
    assert small.state("completed") == shipped("application").state("completed")
    assert check(small) == []


def test_the_whole_is_kept_and_reading_it_again_changes_nothing() -> None:
    small = Definition.parse(OWN)
    assert small.source.endswith(shipped_parts()["funded"])
    again = Definition.parse(small.source)
    assert again == small
    assert again.source == small.source
    assert whole(SOUND) is SOUND


def test_findings_name_the_line_of_the_file_they_stand_in() -> None:
    text = OWN.replace('to = "offered"', 'to = "asked"').replace('label = "Asking"', 'label = "Asking"\n' * 1)
    part = shipped_parts()["funded"]
    told = [str(finding) for finding in check_text(text) if "cannot be reached" in finding.message]
    line = line_of(part, "[states.completed]")
    assert f"line {line}: error: part funded, state completed: cannot be reached from asked" in told
    own = [finding for finding in check_text(text) if finding.where == "state asked"]
    assert [finding.line for finding in own] == [line_of(text, "[states.asked]")]
    assert list(placed(own, SOUND)) == own


def test_file_with_a_fault_in_both_is_refused_with_both_places(tmp_path) -> None:
    file = tmp_path / "small.toml"
    file.write_text(OWN.replace('by = ["manager"]\n', ""))
    with pytest.raises(DefinitionError) as error:
        load(file)
    assert any(finding.where == "move offer" for finding in error.value.findings)
    assert any(finding.where == "part funded, state offered" for finding in error.value.findings)


@pytest.mark.parametrize(
    ("include", "message"),
    [
        ('["fundet"]', 'there is no part "fundet" (did you mean "funded"?)'),
        ('["funded", "ghost"]', 'there is no part "ghost"'),
        ('["funded", "funded"]', "names something twice"),
        ('"funded"', "must be a list, not 'funded'"),
        ('[\n  "funded",\n]', "must stand on a line of its own"),
    ],
)
def test_include_that_names_nothing(include: str, message: str) -> None:
    text = HEAD + OWN[OWN.index("[states") :].replace('"asking"', '"all"').replace('"offered"', '"asked"')
    text = f"include = {include}\n" + text.replace('"planned"', '"asked"')
    with pytest.raises(DefinitionError) as error:
        Definition.parse(text)
    assert [(finding.line, finding.message) for finding in error.value.findings] == [(1, message)]


def test_table_that_stands_in_both_is_refused() -> None:
    with pytest.raises(DefinitionError, match="not valid TOML"):
        Definition.parse(OWN + '[states.completed]\nstage = "asking"\nlabel = "Done"\n')
