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


class Lines:
    """Lines of a file's tables and keys, found by reading it once. Never fails: what it cannot tell is 0."""

    def __init__(self, text: str) -> None:
        """Reads the text; any text will do, well-formed or not."""
        self._lines: dict[Path, int] = {}
        table: Path = ()
        depth, quote = 0, ""
        for number, line in enumerate(text.split("\n"), start=1):
            if not quote and depth == 0:
                if header := _HEADER.match(line):
                    table = _parts(header.group(1))
                    self._lines.setdefault(table, number)
                    continue
                if key := _KEY.match(line):
                    self._lines.setdefault(table + _parts(key.group(1)), number)
            if quote or _BUSY.search(line):
                depth, quote = _after(line, depth, quote)

    def of(self, path: Path) -> int:
        """The line of the table or key at a path, or of the nearest thing around it; 0 if there is none."""
        for split in range(len(path)):  # a key in quotes may hold dots
            quoted = (*path[:split], ".".join(map(str, path[split:])))
            if quoted in self._lines:
                return self._lines[quoted]
        while path:
            if path in self._lines:
                return self._lines[path]
            path = path[:-1]
        return 0


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
