"""From the text of a definition file to its parts. Whatever is wrong with the text ends in a DefinitionError."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from itertools import islice
from types import MappingProxyType
from typing import Any

import tomli

from workflows import parts
from workflows.errors import DefinitionError, Finding
from workflows.grammar import DEADLINE, DEFINITION, MOVE, STAGE, STATE
from workflows.guards import REGISTRY
from workflows.include import placed, whole
from workflows.lines import Lines, Path
from workflows.reasons import Reason
from workflows.references import broken
from workflows.shapes import NAME, Problems

LONGEST = 400_000
"""The most characters that a definition may have. The longest that we ship has some twenty thousand."""
MOST_BROKEN = 200
"""After so many names that nothing goes by, the rest is not looked for."""
PLAIN = (
    "name",
    "label",
    "version",
    "subject",
    "initial",
    "parent",
    "children",
    "include",
    "languages",
    "translations",
)
"""Keys of the file whose values are taken as they are read."""
KINDS = {
    "stages": ("stage", STAGE),
    "states": ("state", STATE),
    "moves": ("move", MOVE),
    "deadlines": ("deadline", DEADLINE),
}
"""The tables of parts: what one is called, and its keys."""


def parse(text: str, *, closing: bool = False) -> parts.Content:
    """The content of a definition file, with the parts that it includes.

    Raises DefinitionError if it is no TOML, has unknown or missing keys, values of a wrong form, or names a state,
    stage, deadline, child or guard that does not exist; each finding names the line and the state or move. With
    ``closing`` a guard that does not exist, or takes no such argument, only closes its move.
    """
    content, found = read(text, closing=closing)
    if content is None or found:
        raise DefinitionError(found)
    return content


def read(text: str, *, closing: bool = False) -> tuple[parts.Content | None, list[Finding]]:
    """The content of a definition file as far as it can be checked, and what is wrong with its keys, values and names.

    Keys too many and guards of moves that somebody makes hide nothing: the content is there without them. After
    other faults there is none, but names are still looked at. With ``closing`` nothing is wrong with guards: a move
    with one that cannot be read can never be made. Raises DefinitionError for what is no TOML.
    """
    joined = whole(text)
    document = _toml(joined)
    lines = Lines(joined)
    problems: Problems = []
    raw = DEFINITION.read(document, (), problems)
    if closing:
        _close(raw["moves"], (path for path, _ in problems if _of_guards(path)))
        problems = [one for one in problems if not _of_guards(one[0])]
    damaged = [path for path, _ in problems if not _too_much(path)]
    content = None
    if len(problems) <= MOST_BROKEN and all(map(_in_a_part, damaged)):
        content = _content(_mended(raw, damaged), lines)
        names = list(islice(broken(content), MOST_BROKEN))
        problems += [one for one in names if not damaged or one[0][0] != "translations"]
        if names or not all(_only_asks(content, path) for path in damaged):
            content = None
    found = (Finding(lines.of(path), where(path), message) for path, message in problems)
    return content, list(placed(found, text))


def _too_much(path: Path) -> bool:
    """Whether a path is that of an unknown key of the file, or of one of its parts."""
    if len(path) == 3 and path[0] in KINDS:
        return path[2] not in KINDS[str(path[0])][1].entries
    return len(path) == 1 and path[0] not in DEFINITION.entries


def _in_a_part(path: Path) -> bool:
    """Whether a path is inside a part whose name others can go by."""
    return len(path) > 1 and path[0] in KINDS and bool(NAME.fullmatch(str(path[1])))


def _of_guards(path: Path) -> bool:
    """Whether a path is inside the guards of a move."""
    return path[:1] == ("moves",) and path[2:3] == ("guards",)


def _close(moves: dict[str, dict[str, Any]], damaged: Iterable[Path]) -> None:
    """Put guards that nobody has in the place of those that could not be read, so that they are never met."""
    for _moves, name, _guards, *index in damaged:
        guards = list(moves[str(name)]["guards"] or ())
        if not index:
            guards.append(parts.GuardCall("?"))
        elif (known := guards[int(index[0])].name) in REGISTRY:  # with another argument
            guards[int(index[0])] = parts.GuardCall(f"{known}?")
        moves[str(name)]["guards"] = tuple(guards)


def _only_asks(content: parts.Content, path: Path) -> bool:
    """Whether it is in the guards of a move that somebody makes: without them it leads where it led."""
    return _of_guards(path) and not content.moves[str(path[1])].automatic


def _mended(raw: dict[str, Any], damaged: Iterable[Path]) -> dict[str, Any]:
    """The values with stand-ins for what could not be read, so that parts can be made of them."""
    bare = {path[1] for path in damaged if _of_guards(path)}
    moves = {
        name: move
        | {
            "guards": () if name in bare else move["guards"],
            "from": move["from"] or (),
            "undo": move["undo"] if move["undo"] and move["undo"][0] else None,
        }
        for name, move in raw["moves"].items()
    }
    deadlines = {name: one | {"due": one["due"] or ("days", 0)} for name, one in raw["deadlines"].items()}
    return raw | {"moves": moves, "deadlines": deadlines}


def where(path: Path) -> str:
    """The path of a key as words: ``state draft, read``."""
    if len(path) > 1 and path[0] in KINDS:
        path = (f"{KINDS[str(path[0])][0]} {path[1]}", *path[2:])
    text = ", ".join(part for part in path if isinstance(part, str))
    return text if len(text) <= 80 else text[:79] + "…"


def _toml(text: str) -> dict[str, Any]:
    """The text as TOML."""
    if len(text) > LONGEST:
        raise DefinitionError([Finding(0, "", Reason("longer than %(most)s characters", most=LONGEST))])
    try:
        return tomli.loads(text.removeprefix("\ufeff"))
    except RecursionError:
        raise DefinitionError([Finding(0, "", Reason("nested too deeply"))]) from None
    except ValueError as error:  # also what int() says to thousands of digits
        raise DefinitionError(
            [Finding(_line(str(error), text), "", Reason("not valid TOML: %(error)s", error=error))]
        ) from error


def _line(message: str, text: str) -> int:
    """The line that the TOML parser names in its message, or 0."""
    if message.endswith("(at end of document)"):
        return text.count("\n") + 1
    _, found, rest = message.partition("(at line ")
    digits = rest.partition(",")[0]
    return int(digits) if found and digits.isdigit() else 0


def _content(raw: dict[str, Any], lines: Lines) -> parts.Content:
    """The parts from values that have the right shapes."""
    tables: dict[str, Any] = {
        table: MappingProxyType(
            {name: make(name, values, lines.of((table, name))) for name, values in raw[table].items()}
        )
        for table, make in (
            ("stages", _stage),
            ("states", _state),
            ("moves", _move),
            ("deadlines", _deadline),
        )
    }
    single = {key: raw[key] for key in PLAIN}
    return parts.Content(**single, notices=_notices(raw["notices"]), **tables)


def _stage(name: str, raw: Mapping[str, Any], line: int) -> parts.Stage:
    """One stage."""
    return parts.Stage(name, raw["label"], line)


def _state(name: str, raw: Mapping[str, Any], line: int) -> parts.State:
    """One state. Without a name for the applicant it has the staff's."""
    values = dict(raw, applicant_label=raw["applicant_label"] or raw["label"])
    for rights in ("read", "edit", "comment"):
        values[rights] = frozenset(raw[rights])
    return parts.State(name=name, line=line, **values)


def _move(name: str, raw: Mapping[str, Any], line: int) -> parts.Move:
    """One move. An automatic one may be made by the clock as well, and by nobody else unless declared."""
    values = dict(raw)
    sources, target, by, automatic = (values.pop(key) for key in ("from", "to", "by", "automatic"))
    if isinstance(automatic, tuple):
        automatic = automatic[1]
    values["notices"] = _notices(raw["notices"])
    values["asks"] = tuple(parts.Ask(**ask) for ask in raw["asks"])
    values["undo"] = timedelta(**dict([raw["undo"]])) if raw["undo"] else None
    values["starts"] = tuple(parts.Start(**start) for start in raw["starts"])
    roles = frozenset(by) | ({parts.CLOCK} if automatic else frozenset())
    return parts.Move(
        trigger=name, sources=sources, target=target, roles=roles, automatic=automatic, line=line, **values
    )


def _deadline(name: str, raw: Mapping[str, Any], line: int) -> parts.DeadlineRule:
    """One deadline."""
    kind, value = raw["due"]
    due = parts.Due(kind, field=value) if kind == "field" else parts.Due(kind, count=value)
    values = dict(raw)
    weekends = values.pop("weekends")
    reminders = tuple(_reminder(item, raw["owner"], weekends) for item in raw["reminders"])
    return parts.DeadlineRule(key=name, line=line, **values | {"due": due, "reminders": reminders})


def _reminder(raw: int | Mapping[str, Any], owner: str, weekends: str) -> parts.Reminder:
    """One reminder; to the owner's role, and moved from days off like the deadline's others, unless it says so."""
    if isinstance(raw, int):
        return parts.Reminder(raw, owner, weekends)
    return parts.Reminder(raw["days"], raw["to"] or owner, raw["weekends"] or weekends)


def _notices(raw: Iterable[Mapping[str, Any]]) -> tuple[parts.Notice, ...]:
    """The notices of a list."""
    return tuple(parts.Notice(**notice) for notice in raw)
