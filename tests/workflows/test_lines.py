"""Finding the line of a table or key in a TOML file."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.lines import Lines

TEXT = '''\
name = "a"
"quoted key" = 1

[states.draft]   # a comment with ] and "
label = """
[states.ghost]
ghost = 1
"""
read = [
    "x", # ] not the end
    { to = "y[", ghost = 2 },
]
edit = ["["]
dotted . key = 3
[ moves . "two words" ]
from = \'\'\'
[states.ghost]\'\'\'
to = 'it''s'
[[paths]]
name = "b"
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("name",), 1),
        (("quoted key",), 2),
        (("states", "draft"), 4),
        (("states", "draft", "label"), 5),
        (("states", "draft", "read"), 9),
        (("states", "draft", "read", 1, "to"), 9),
        (("states", "draft", "edit"), 13),
        (("states", "draft", "dotted", "key"), 14),
        (("states", "draft", "nothing"), 4),
        (("moves", "two words"), 15),
        (("moves", "two words", "to"), 18),
        (("paths",), 19),
        (("paths", "name"), 20),
        (("states", "ghost"), 0),
        (("moves", "two words", "ghost"), 15),
        ((), 0),
    ],
)
def test_line(path: tuple[str | int, ...], line: int) -> None:
    assert Lines(TEXT).of(path) == line


@pytest.mark.parametrize(
    "text",
    [
        "[" + " " * 50_000,
        '"' + r"\"" * 50_000,
        "a" + " ." * 50_000,
        '"""\\"""' * 20_000,
        "[" * 50_000,
        "'" * 50_001,
    ],
)
def test_any_text_is_read_once(text: str) -> None:
    assert Lines(text).of(("nothing",)) == 0


VALUES = [
    '"plain"',
    '"[moves.ghost]"  # and "',
    "[]",
    '["a", "b"]',
    '[{ to = "a", of = [1, -2] }, "]"]',
    "{ days = 14 }",
    "[[[[1]]]]",
    "'''[states.ghost]\n'''",
    '"""\n[states.ghost]\nghost = 1\n"""',
    '[\n"x", # ]\n{ to = "y[" },\n]',
    '[""""]\n[states.ghost]\n"""]',
    '["""]""", \'[\']',
    '"\\"["',
    "1\r",
]


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(VALUES)), max_size=12))
def test_tables_and_keys_stand_where_they_were_written(pieces: list[tuple[bool, str]]) -> None:
    """Whether or not their values are passed over quickly."""
    text = ""
    table: tuple[str, ...] = ()
    wanted: dict[tuple[str, ...], int] = {}
    for number, (begins, value) in enumerate(pieces):
        if begins:
            table = ("states", f"s{number}")
            wanted[table] = text.count("\n") + 1
            text += f"[states.s{number}]\n# [states.ghost]\n\n"
        wanted[(*table, f"k{number}")] = text.count("\n") + 1
        text += f"k{number} = {value}\n"
    tomllib.loads(text)
    assert {path: Lines(text).of(path) for path in wanted} == wanted
    assert Lines(text).of(("states", "ghost")) == 0
