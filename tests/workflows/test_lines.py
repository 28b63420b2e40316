"""Finding the line of a table or key in a TOML file."""

import pytest

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
