"""Forms: values, errors and readers."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import FormData, UploadFile

from fund.base.errors import Invalid
from fund.web.forms import Form
from schema.values import Money


def form(**typed: str | list[str]) -> Form:
    return Form({name: value if isinstance(value, list) else [value] for name, value in typed.items()})


def test_a_stored_thing_fills_its_form():
    filled = Form.of(
        title="Radio",
        start=date(2022, 3, 7),
        requested=Money(1_250_050, "USD"),
        months=9,
        lines=["a", "b"],
        new=True,
    )
    assert filled.value("title") == "Radio"
    assert [filled.value(f"start-{part}") for part in ("day", "month", "year")] == ["7", "3", "2022"]
    assert filled.value("requested") == "12500.50"
    assert filled.value("months") == "9"
    assert filled.values("lines") == ["a", "b"]
    assert filled.value("new") == "yes"
    assert filled.errors == {}


def test_what_is_not_stored_leaves_its_field_empty():
    empty = Form.of(title=None, start=None, new=False)
    assert (empty.value("title"), empty.value("start-day"), empty.value("new")) == ("", "", "")
    assert empty.values("title") == []


@given(st.dates(), st.integers(0, 10**12))
def test_what_a_form_is_filled_with_reads_back_the_same(day, minor):
    filled = Form.of(start=day.replace(year=max(day.year, 1000)), requested=Money(minor, "EUR"))
    assert filled.date("start") == day.replace(year=max(day.year, 1000))
    assert filled.money("requested", "EUR") == Money(minor, "EUR")
    assert filled.errors == {}


def test_a_posted_form_keeps_texts_and_drops_files():
    data = FormData(
        [("title", " Radio\r\n"), ("line", "a"), ("line", "b"), ("file", UploadFile(file=None, filename="x"))]
    )
    posted = Form.posted(data)
    assert posted.typed == {"title": ["Radio"], "line": ["a", "b"]}


def test_a_line_is_one_line():
    assert form(title="  Safe \n squares ").text("title") == "Safe squares"


def test_paragraphs_stay():
    assert form(text="one\r\n\r\ntwo").long_text("text") == "one\n\ntwo"


def test_what_is_missing_is_told_in_its_own_words():
    typed = form(title=" ")
    typed.text("title", required=True, missing="Enter the title of the project")
    typed.long_text("summary", required=True)
    assert typed.errors == {"title": "Enter the title of the project", "summary": "Fill this in"}


def test_what_is_too_long_is_told_by_how_much():
    typed = form(title="x" * 1201)
    typed.text("title", limit=1000)
    assert typed.error("title") == "Shorten this: it has 1,201 characters, and at most 1,000 fit"
    assert typed.value("title") == "x" * 1201


@pytest.mark.parametrize("address", ["Amina@Example.org", "a.b+c@x.example.org", "ünal@müller.example"])
def test_a_mail_address(address):
    typed = form(email=f" {address} ")
    assert typed.email("email") == address.lower()
    assert typed.errors == {}


@pytest.mark.parametrize(
    "address", ["amina", "@example.org", "a@b", "a b@example.org", "a@example.org, b@example.org"]
)
def test_what_is_no_mail_address(address):
    typed = form(email=address)
    typed.email("email")
    assert typed.error("email") == "Enter an email address like name@example.org"


def test_a_choice_is_one_of_those_offered():
    assert form(theme="women").choice("theme", ["women", "digital"]) == "women"
    for typed in (form(theme="other"), form()):
        assert typed.choice("theme", ["women", "digital"]) == ""
        assert typed.error("theme") == "Choose one of the answers"
    assert form().choice("theme", ["women"], required=False) == ""


def test_several_choices_come_once_each_and_only_if_offered():
    assert form(lines=["b", "a", "b", "x"]).choices("lines", ["a", "b"]) == ["b", "a"]
    typed = form(lines=["x"])
    assert typed.choices("lines", ["a"], required=True) == []
    assert typed.error("lines") == "Choose at least one of the answers"


def test_a_box_to_tick():
    assert form(declaration="yes").ticked("declaration", required=True) is True
    typed = form()
    assert typed.ticked("declaration", required=True) is False
    assert typed.error("declaration") == "Tick the box to go on"


@pytest.mark.parametrize(
    ("text", "number", "message"),
    [
        ("12", 12, ""),
        ("0", 0, "Enter 1 or more"),
        ("25", 25, "Enter 24 or less"),
        ("many", None, "Enter a whole number, like 12"),
        ("", None, "Enter a number"),
    ],
)
def test_a_number_has_bounds(text, number, message):
    typed = form(months=text)
    assert typed.integer("months", least=1, most=24) == number
    assert typed.error("months") == message


def test_an_amount_has_the_currency_of_its_field():
    assert form(requested="1 500,50").money("requested", "EUR") == Money(150_050, "EUR")
    typed = form()
    assert typed.money("requested", "EUR") is None
    assert typed.error("requested") == "Enter an amount"
    assert form().money("requested", "EUR", required=False) is None


def test_a_date_needs_its_three_parts():
    assert Form({"on-day": ["7"], "on-month": ["3"], "on-year": ["2022"]}).date("on") == date(2022, 3, 7)
    typed = Form({"on-day": ["7"], "on-month": [""], "on-year": ["2022"]})
    assert typed.date("on") is None
    assert typed.error("on") == "The date must include a month"
    empty = form()
    assert empty.date("on", missing="Enter the first day of the project") is None
    assert empty.error("on") == "Enter the first day of the project"
    optional = form()
    assert optional.date("on", required=False) is None
    assert optional.errors == {}


@pytest.mark.parametrize(
    ("text", "version"), [("3", 3), ("", -1), ("-3", -1), ("x", -1), ("٣", -1), ("9" * 12, -1)]
)
def test_a_version_is_never_guessed(text, version):
    assert form(version=text).version() == version


def test_the_first_error_of_a_field_stays():
    typed = form()
    typed.refuse("title", "first")
    typed.refuse_all(Invalid({"title": "second", "start": "third"}))
    assert typed.errors == {"title": "first", "start": "third"}
    with pytest.raises(Invalid) as raised:
        typed.check()
    assert raised.value.fields == typed.errors


def test_a_form_without_errors_passes():
    assert form(title="x").check() is None


def test_words_of_a_field():
    assert form(summary="three words here").words("summary") == 3
