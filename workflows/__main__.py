"""The engine by itself, without the fund: ``python -m workflows check|svg|mermaid|whole FILE``, ``… compare OLD NEW``
or ``… schema``."""

import json
import sys
from pathlib import Path

from workflows.check import check_text
from workflows.compare import compare
from workflows.definition import Definition, library, shipped
from workflows.draw import mermaid, svg
from workflows.errors import DefinitionError, Level
from workflows.grammar import schema

USAGE = "usage: python -m workflows check FILE | svg FILE | mermaid FILE | whole FILE | compare OLD NEW | schema\n"


def main(arguments: list[str]) -> int:
    """Do what the arguments say; the exit code: 0, 1 for a definition with errors, 2 for wrong use."""
    match arguments:
        case ["schema"]:
            sys.stdout.write(json.dumps(schema(), indent=2, ensure_ascii=False) + "\n")
            return 0
        case ["check" | "svg" | "mermaid" | "whole" as wanted, file]:
            text = _text(file)
            if text is None:
                return 2
            return _check(file, text) if wanted == "check" else _show(file, text, wanted)
        case ["compare", old, new]:
            return _compare(old, new)
    sys.stderr.write(USAGE)
    return 2


def _text(file: str) -> str | None:
    """The text of a file; None, with a word about it, if it cannot be read."""
    try:
        return Path(file).read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        sys.stderr.write(f"{file}: {error}\n")
        return None


def _check(file: str, text: str) -> int:
    """One line for each finding."""
    findings = check_text(text)
    sys.stdout.writelines(f"{file}: {finding}\n" for finding in findings)
    return int(any(finding.level is Level.ERROR for finding in findings))


def _show(file: str, text: str, wanted: str) -> int:
    """The picture, or the text with its parts, or why there is none."""
    definition = _parsed(file, text)
    if definition is None:
        return 1
    match wanted:
        case "svg":
            sys.stdout.write(svg(definition) + "\n")
        case "mermaid":
            sys.stdout.write(mermaid(definition))
        case _:
            sys.stdout.write(definition.source)
    return 0


def _compare(old: str, new: str) -> int:
    """One line for each difference. A name that is no file stands for the shipped definition."""
    texts = [(name, _shipped(name) or _text(name)) for name in (old, new)]
    if any(text is None for _file, text in texts):
        return 2
    before, after = (_parsed(file, text or "") for file, text in texts)
    if before is None or after is None:
        return 1
    sys.stdout.writelines(f"{difference}\n" for difference in compare(before, after))
    return 0


def _shipped(name: str) -> str:
    """The text of the shipped definition of that name; nothing where a file has it, or there is none."""
    return shipped(name).source if name in library() and not Path(name).exists() else ""


def _parsed(file: str, text: str) -> Definition | None:
    """The definition in a text; None, with its findings told, if it is none."""
    try:
        return Definition.parse(text)
    except DefinitionError as error:
        sys.stderr.writelines(f"{file}: {finding}\n" for finding in error.findings)
        return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
