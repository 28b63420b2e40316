"""On which line of a TOML file a table or a key stands. The parser does not tell."""

import re

Path = tuple[str | int, ...]

_HEADER = re.compile(r"^\s*\[\[?([^\[\]]+)\]")
_NAME = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_KEY = re.compile(rf"^\s*({_NAME}(?:\s*\.\s*{_NAME})*)\s*=")
_PART = re.compile(_NAME)
_PLAIN = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
# A string that is not closed reaches to the end of its line, so that no text takes more than one reading.
_TOKEN = re.compile(
    r'''"""(?:.*?"""|.*)|\'\'\'(?:.*?\'\'\'|.*)|"(?:\\.|[^"\\\n])*"?|'[^'\n]*'?|\#[^\n]*|[\[\]{}]'''
)
_BUSY = re.compile(r"""[\[\]{}]|\"{3}|'{3}""")
OPENING, CLOSING, QUOTES = ("[", "{"), ("]", "}"), ('"""', "'''")


# What opens no string and no bracket that its own line does not close: with brackets in brackets in brackets at most.
_STRING = r'"[^"\\\n]*"(?!")'
_FLAT = rf"""(?:[^"'\[\]{{}}\#\n]+|{_STRING})*+"""
_NESTED = rf"""(?:[^"'\[\]{{}}\#\n]+|{_STRING}|[\[{{]{_FLAT}[\]}}])*+"""
_VALUE = rf"""(?:[^"'\[\]{{}}\#\n]+|{_STRING}|[\[{{]{_NESTED}[\]}}])*+"""
_PLAIN_LINES = re.compile(rf"(?:(?:[A-Za-z0-9_-]+ ={_VALUE})?(?:\#[^\n]*)?\n)*+")
"""As many lines as follow each other and are empty, a comment, or a bare key and its whole value."""


class Lines:
    """Lines of a file's tables and keys. Never fails: what it cannot tell is 0.

    Most files are asked for their tables alone, so keys on plain lines are looked for only once somebody asks.
    """

    def __init__(self, text: str) -> None:
        """Reads the text; any text will do, well-formed or not."""
        self._text = text
        self._lines = _lines(text, _PLAIN_LINES)
        self._whole = False

    def of(self, path: Path) -> int:
        """The line of the table or key at a path, or of the nearest thing around it; 0 if there is none."""
        for split in range(len(path)):  # a key in quotes may hold dots
            quoted = (*path[:split], ".".join(map(str, path[split:])))
            if quoted in self._lines:
                return self._lines[quoted]
        if path and not self._whole:
            self._lines, self._whole = _lines(self._text), True
            return self.of(path)
        while path:
            if path in self._lines:
                return self._lines[path]
            path = path[:-1]
        return 0


def _lines(text: str, plain: re.Pattern[str] | None = None) -> dict[Path, int]:
    """By path the line of each table and key, but not of keys on lines that are plain."""
    found: dict[Path, int] = {}
    table: Path = ()
    depth, quote, position, number = 0, "", 0, 0
    while position <= len(text):
        if plain and not quote and depth == 0 and (run := plain.match(text, position)):
            number += text.count("\n", position, run.end())
            position = run.end()
        end = text.find("\n", position) % (len(text) + 1)
        line, position, number = text[position:end], end + 1, number + 1
        if not quote and depth == 0:
            if header := _HEADER.match(line):
                table = _parts(header.group(1))
                found.setdefault(table, number)
                continue
            if key := _KEY.match(line):
                found.setdefault(table + _parts(key.group(1)), number)
        if quote or _BUSY.search(line):
            depth, quote = _after(line, depth, quote)
    return found


def _parts(dotted: str) -> Path:
    """The names in a dotted key, without their quotes."""
    if _PLAIN.fullmatch(dotted):
        return tuple(dotted.split("."))
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))


def _after(line: str, depth: int, quote: str) -> tuple[int, str]:
    """How many brackets are open, and which multi-line string, after a line."""
    position = 0
    if quote:
        end = line.find(quote)
        if end < 0:
            return depth, quote
        position = end + 3
    for mark in _TOKEN.findall(line, position):
        if mark in OPENING:
            depth += 1
        elif mark in CLOSING:
            depth = max(0, depth - 1)
        elif mark.startswith(QUOTES) and not (len(mark) >= 6 and mark.endswith(mark[:3])):
            return depth, mark[:3]
    return depth, ""
