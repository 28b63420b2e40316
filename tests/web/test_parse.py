"""Reading what people type."""

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fund.web import parse
from fund.web.forms import amount
from schema.values import MINOR_DIGITS, Money


def outcome(reader, *typed):
    """What ``reader`` answers, or the words of its refusal."""
    try:
        return reader(*typed), ""
    except ValueError as error:
        return None, str(error)


CURRENCIES = st.sampled_from(["USD", "EUR", "COP", "KES", *MINOR_DIGITS])


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("1500", "USD", 150_000),
        ("0", "USD", 0),
        ("1 500,50", "EUR", 150_050),
        ("1,500.50", "USD", 150_050),
        ("1.500,50", "EUR", 150_050),
        ("1'500.5", "USD", 150_050),
        ("1\u202f500,5", "EUR", 150_050),
        ("1,500", "USD", 150_000),
        ("1.500", "EUR", 150_000),
        ("1,234,567", "USD", 123_456_700),
        ("1.234.567,8", "EUR", 123_456_780),
        ("12,34", "EUR", 1_234),
        ("$48,500.50", "USD", 4_850_050),
        ("USD 48500", "USD", 4_850_000),
        ("48500 USD", "USD", 4_850_000),
        ("€ 20", "EUR", 2_000),
        ("25 000 000", "XOF", 25_000_000),
        ("25.000.000", "XOF", 25_000_000),
        ("25.000,00", "XOF", 25_000),
        ("1,500", "TND", 1_500),
        ("1.500,250", "TND", 1_500_250),
        ("1500.000", "USD", 150_000),
        ("007", "USD", 700),
    ],
)
def test_an_amount_is_read_as_people_write_it(text, currency, minor):
    assert parse.minor_units(text, currency) == minor


@pytest.mark.parametrize(
    ("text", "currency", "message"),
    [
        ("", "USD", "Enter an amount in figures, like 1500 or 1,500.50"),
        ("lots", "USD", "Enter an amount in figures, like 1500 or 1,500.50"),
        ("-5", "USD", "Enter an amount in figures, like 1500 or 1,500.50"),
        ("5.", "USD", "Enter an amount in figures, like 1500 or 1,500.50"),
        (".5", "USD", "Enter an amount in figures, like 1500 or 1,500.50"),
        ("1,2,3", "USD", "Enter an amount in figures, like 1500 or 1,500.50"),
        ("1,50,000.00", "USD", "Enter an amount in figures, like 1500 or 1,500.50"),
        ("1.500.50", "USD", "Enter an amount in figures, like 1500 or 1,500.50"),
        ("1e5", "USD", "Enter an amount in figures, like 1500 or 1,500.50"),
        ("EUR 5", "USD", "Enter an amount in figures, like 1500 or 1,500.50"),
        ("١٥٠٠", "USD", "Enter an amount in figures, like 1500 or 1,500.50"),
        ("1.2345", "USD", "Enter no more than 2 digits after the decimal mark"),
        ("1500.5", "XOF", "Enter whole XOF, without decimals"),
        ("9" * 20, "USD", "Enter a smaller amount"),
    ],
)
def test_what_is_no_amount_is_told_what_one_looks_like(text, currency, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parse.minor_units(text, currency)


@given(st.integers(0, parse.LARGEST), CURRENCIES)
def test_an_amount_shown_in_its_field_reads_back_the_same(minor, currency):
    assert parse.minor_units(amount(Money(minor, currency)), currency) == minor


@given(st.integers(1_000_000, 10**12), st.sampled_from([",.", ".,", " ,", " .", "’.", "\u00a0,"]))
def test_grouping_changes_nothing(minor, marks):
    group, mark = marks
    whole, cents = divmod(minor, 100)
    typed = f"{whole:,}".replace(",", group) + f"{mark}{cents:02d}"
    assert parse.minor_units(typed, "USD") == minor


@given(st.text(max_size=30), CURRENCIES)
def test_an_amount_is_read_or_refused_in_words(text, currency):
    read, told = outcome(parse.minor_units, text, currency)
    assert told.startswith("Enter ") if read is None else 0 <= read <= parse.LARGEST


@given(st.dates(date(1000, 1, 1)))
def test_every_day_reads_back_the_same(day):
    assert parse.day((str(day.day), str(day.month), f"{day.year:04d}")) == day


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *(("0", 0), ("7", 7), ("999999999", 999999999)),
        *((text, -1) for text in ("", "-1", " 7", "1.0", "x", "٧", "²", "9" * 5000)),
    ],
)
def test_a_number_of_our_own_is_read_and_all_else_is_nobodys(text, number):
    assert parse.number(text) == number


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (("", "3", "2022"), "The date must include a day"),
        (("27", "", ""), "The date must include a month and a year"),
        (("31", "2", "2022"), "There is no such day; check the day and the month"),
        (("29", "2", "2021"), "There is no such day; check the day and the month"),
        (("1", "13", "2022"), "There is no such day; check the day and the month"),
        (("0", "1", "2022"), "There is no such day; check the day and the month"),
        (("1", "1", "22"), "Enter the date in figures, like 27 3 2022"),
        (("1", "March", "2022"), "Enter the date in figures, like 27 3 2022"),
        (("²", "1", "2022"), "Enter the date in figures, like 27 3 2022"),
        (("1", "1", "0000"), "There is no such day; check the day and the month"),
    ],
)
def test_what_is_no_date_is_told_why(parts, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parse.day(parts)


@given(st.tuples(st.text(max_size=5), st.text(max_size=5), st.text(max_size=5)))
def test_a_date_is_read_or_refused_in_words(parts):
    read, told = outcome(parse.day, parts)
    assert read is not None or told.split()[0] in ("The", "There", "Enter")


@pytest.mark.parametrize(
    ("text", "number"),
    [("12", 12), ("-3", -3), ("1 000", 1000), ("1’000", 1000), ("1,200", 1200), ("1.200.000", 1200000)],
)
def test_a_whole_number(text, number):
    assert parse.whole_number(text) == number


@pytest.mark.parametrize("text", ["1.5", "twelve", "٣", "9" * 13, "--1"])
def test_what_is_no_whole_number(text):
    with pytest.raises(ValueError, match="Enter a whole number, like 12"):
        parse.whole_number(text)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("one", 1),
        ("two words", 2),
        ("  it's  one-two\nthree ", 3),
        ("10,5 %", 2),
        ("سلام في المدن", 3),
        ("—", 0),
    ],
)
def test_words_are_counted_as_a_person_would(text, count):
    assert parse.words_in(text) == count


@given(st.text(max_size=200))
def test_tidy_text_stays_as_it_is(text):
    tidy = parse.tidy(text)
    assert parse.tidy(tidy) == tidy
    assert "\r" not in tidy
    assert "\x00" not in tidy


def test_tidying_keeps_the_lines():
    assert parse.tidy(" one\r\ntwo\rthree\x00\x0b\n\n") == "one\ntwo\nthree"
