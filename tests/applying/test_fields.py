"""What the fields of a proposal may hold while it is written, and how references are made."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fund.applying.fields import Edit, Keep, checked
from fund.applying.reference import fresh
from fund.base.errors import Invalid
from schema.rounds import Question

QUESTIONS = [
    Question(key="problem", label="The problem"),
    Question(key="name", label="A name", kind="text"),
    Question(key="size", label="Size", kind="choice", choices=["small", "large"]),
    Question(key="theme", label="Theme", kind="theme"),
]


def wrong(edit: Edit) -> dict[str, str]:
    """What is said about the edit, field by field."""
    try:
        checked(edit, QUESTIONS)
    except Invalid as invalid:
        return invalid.fields
    return {}


def test_an_edit_of_nothing_is_right_and_changes_nothing():
    assert checked(Edit(), QUESTIONS) == Edit(requested_minor=Keep.KEEP)


def test_words_are_tidied_and_kept_as_they_are():
    edit = Edit(
        title="  Safe\tstreets \n at night ",
        answers={"problem": "One\r\n\r\nTwo\x00 \x07three  ", "name": " Ana \n María "},
    )
    assert checked(edit, QUESTIONS) == Edit(
        title="Safe streets at night", answers={"problem": "One\n\nTwo three", "name": "Ana María"}
    )


def test_incomplete_is_right_while_writing():
    assert wrong(Edit(title="", theme="", requested_minor=None, answers={"problem": "", "size": ""})) == {}


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (
            Edit(title="x" * 201),
            {"title": "Shorten this: it has 201 characters, and at most 200 fit"},
        ),
        (Edit(theme="weather"), {"theme": "Choose one of the themes"}),
        (
            Edit(requested_minor=-1),
            {"requested_minor": "Enter an amount in figures, like 1500 or 1,500.50"},
        ),
        (
            Edit(requested_minor=10**15 + 1),
            {"requested_minor": "Enter an amount in figures, like 1500 or 1,500.50"},
        ),
        (
            Edit(answers={"problem": "x" * 20_001}),
            {"answers.problem": "Shorten this: it has 20,001 characters, and at most 20,000 fit"},
        ),
        (
            Edit(answers={"name": "x" * 501}),
            {"answers.name": "Shorten this: it has 501 characters, and at most 500 fit"},
        ),
        (Edit(answers={"size": "huge"}), {"answers.size": "Choose one of the answers"}),
        (Edit(answers={"theme": "weather"}), {"answers.theme": "Choose one of the answers"}),
        (Edit(answers={"budget": "x"}), {"answers.budget": "This round does not ask that question"}),
    ],
)
def test_what_cannot_be_stored_is_said_beside_its_field(edit, said):
    assert wrong(edit) == said


@given(st.text(max_size=300), st.text(max_size=300))
def test_tidying_twice_is_tidying_once(title, answer):
    edit = Edit(title=title[:150], answers={"problem": answer})
    once = checked(edit, QUESTIONS)
    assert checked(once, QUESTIONS) == once


def test_a_reference_is_easy_to_say_and_never_the_same_twice():
    made = {fresh(()) for _ in range(500)}
    assert len(made) == 500
    assert [name for name in made if not re.fullmatch(r"PIF-[2-9CDFGHJKMNPQRTVWX]{6}", name)] == []


def test_a_taken_reference_is_drawn_again():
    class TakenAtFirst:
        tries = 0

        def __contains__(self, _reference: object) -> bool:
            self.tries += 1
            return self.tries < 5

    taken = TakenAtFirst()
    assert fresh(taken).startswith("PIF-")
    assert taken.tries == 5


def test_where_all_are_taken_it_gives_up_instead_of_hanging():
    class AllTaken:
        def __contains__(self, _reference: object) -> bool:
            return True

    with pytest.raises(RuntimeError, match="20 random references"):
        fresh(AllTaken())
