"""What changes from one definition to another, in words: one sentence for each difference.

Nothing is passed over: every field of every part is looked at, also those that this module has no words for, and two
definitions without a difference say the same. Comments, white space and lines do not count.

>>> from workflows import Definition, shipped
>>> from workflows.compare import compare
>>> text = shipped("review").source
>>> new = text.replace('due = { field = "round.review_due_on" }', "due = { days = 14 }")
>>> for difference in compare(shipped("review"), Definition.parse(new)):
...     print(difference)
deadline review: when it is due: now 14 days after it is opened, was the day round.review_due_on
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any

from workflows.parts import Content, DeadlineRule, GuardCall, Move, Stage, State
from workflows.reasons import Reason
from workflows.words import joined, noun_of, quoted, shown

NAMED: Mapping[type, str] = {Stage: "name", State: "name", Move: "trigger", DeadlineRule: "key"}
"""The parts that have a name of their own, and the field that holds it."""
TABLES = {"stages": "stage", "states": "state", "moves": "move", "deadlines": "deadline"}
"""What one of each table is called."""


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it was."""

    where: str
    """Such as ``state draft`` or ``move submit``; empty for the definition as a whole."""
    message: str

    def __str__(self) -> str:
        """One line: ``state draft: name for staff: now “Sketch”, was “Draft”``."""
        return f"{self.where}: {self.message}" if self.where else self.message


def compare(
    old: Content,
    new: Content,
    *,
    states: Mapping[str, str] = MappingProxyType({}),
    moves: Mapping[str, str] = MappingProxyType({}),
) -> list[Difference]:
    """Everything that differs, in the order of the file: the whole, stages, states, moves, deadlines.

    ``states`` and ``moves`` say by old name which new one took its place: such a one is told as renamed or as taken
    in by another instead of as removed and added. Names that neither definition has are passed over.
    """
    renamed = {
        "states": _renames(old.states, new.states, states),
        "moves": _renames(old.moves, new.moves, moves),
    }
    before = _with_new_names(old, renamed["states"], renamed["moves"])
    found: list[Difference] = []
    for field in _looked_at(Content):
        one, other = getattr(before, field), getattr(new, field)
        if field not in TABLES:
            found += (Difference("", message) for message in _changes(noun_of(Content, field), one, other))
    taken_in = {"states": {name: target for name, target in states.items() if name not in renamed["states"]}}
    for field in TABLES:
        found += _table(
            field,
            getattr(before, field),
            getattr(new, field),
            renamed.get(field, {}),
            taken_in.get(field, {}),
        )
    return found


def successors(old: Content, new: Content) -> dict[str, str]:
    """For each state that vanished the one that takes its place, where there is only one that can be meant.

    That is the only new state with the same name for staff; or, where one state of a stage vanished and one came, the
    new one, if both are an end or both are not. Where this does not tell, the state is left out.
    """
    gone = [state for state in old.states.values() if state.name not in new.states]
    come = [state for state in new.states.values() if state.name not in old.states]
    found = {}
    for state in gone:
        for alike in (_same_label, _same_place):
            there = [other for other in come if alike(state, other)]
            here = [other for other in gone if alike(state, other)]
            if len(there) == 1 and len(here) == 1:
                found[state.name] = there[0].name
                break
    return found


def _same_label(one: State, other: State) -> bool:
    return one.label == other.label


def _same_place(one: State, other: State) -> bool:
    return (one.stage, one.final) == (other.stage, other.final)


def _renames(old: Collection[str], new: Collection[str], wanted: Mapping[str, str]) -> dict[str, str]:
    """Those pairs in which something vanished and one new thing took its place, and nothing else's."""
    targets = list(wanted.values())
    return {
        name: target
        for name, target in wanted.items()
        if name in old
        and name not in new
        and target in new
        and target not in old
        and targets.count(target) == 1
    }


def _with_new_names(old: Content, states: Mapping[str, str], moves: Mapping[str, str]) -> Content:
    """The old content as if states and moves had always had their new names."""
    if not states and not moves:
        return old
    named = {
        states.get(name, name): replace(state, name=states.get(name, name))
        for name, state in old.states.items()
    }
    made = {
        moves.get(name, name): replace(
            move,
            trigger=moves.get(name, name),
            sources=tuple(states.get(source, source) for source in move.sources),
            target=states.get(move.target, move.target),
        )
        for name, move in old.moves.items()
    }
    values = {field: getattr(old, field) for field in _looked_at(Content)}
    keys = {f"states.{name}.": f"states.{to}." for name, to in states.items()} | {
        f"moves.{name}.": f"moves.{to}." for name, to in moves.items()
    }
    initial = states.get(old.initial, old.initial)
    spoken = {language: _keys(words, keys) for language, words in values.get("translations", {}).items()}
    more = {"translations": spoken} if "translations" in values else {}
    return Content(**values | {"initial": initial, "states": named, "moves": made} | more)


def _keys(words: Mapping[str, str], renamed: Mapping[str, str]) -> dict[str, str]:
    """Translations under the new names of what they speak of."""
    found = {}
    for key, text in words.items():
        prefix = next((prefix for prefix in renamed if key.startswith(prefix)), "")
        found[renamed.get(prefix, "") + key[len(prefix) :]] = text
    return found


def _looked_at(kind: type) -> Iterator[str]:
    """The fields that tell one from another: all but names of parts and lines of the file."""
    return (field.name for field in fields(kind) if field.compare and field.name != NAMED.get(kind))


def _table(
    field: str,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    renamed: Mapping[str, str],
    taken_in: Mapping[str, str],
) -> Iterator[Difference]:
    """What differs in one of the tables: parts that went, came, were renamed or changed, and their order."""
    noun = TABLES[field]
    for name in old:
        if name not in new:
            place = taken_in.get(name)
            gone = Reason("removed %(part)s", part=_brief(old[name]))
            said = Reason("goes into %(place)s", place=place) if place in new else gone
            yield Difference(f"{noun} {name}", said)
    was = {to: name for name, to in renamed.items()}
    for name, part in new.items():
        if name not in old:
            yield Difference(f"{noun} {name}", Reason("added %(part)s", part=_brief(part)))
            continue
        if name in was:
            yield Difference(f"{noun} {was[name]}", Reason("is now called %(name)s", name=name))
        for message in _fields(old[name], part):
            yield Difference(f"{noun} {name}", message)
    if [name for name in old if name in new] != [name for name in new if name in old]:
        names = ", ".join(name for name in new if name in old)
        yield Difference("", Reason("%(parts)s stand in another order: %(names)s", parts=field, names=names))


def _brief(part: Any) -> str:
    """What a part is that came or went."""
    label = part.label
    if isinstance(part, State):
        return Reason("“%(label)s” in stage %(stage)s", label=label, stage=part.stage)
    if isinstance(part, Move):
        sources, roles = ", ".join(part.sources), shown(part.roles)
        return Reason(
            "“%(label)s”, from %(sources)s to %(target)s, by %(roles)s",
            label=label,
            sources=sources,
            target=part.target,
            roles=roles,
        )
    if isinstance(part, DeadlineRule):
        due = shown(part.due)
        return Reason(
            "“%(label)s”, owed by the %(owner)s, due %(due)s", label=label, owner=part.owner, due=due
        )
    return f"“{label}”"


def _fields(old: Any, new: Any) -> Iterator[str]:
    """What differs between two parts of the same kind."""
    for field in _looked_at(type(new)):
        yield from _changes(noun_of(type(new), field), getattr(old, field), getattr(new, field))


def _changes(noun: str, old: Any, new: Any) -> Iterator[str]:
    """What differs between two values; nothing if they are equal."""
    if old == new:
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from _changes(
                Reason("%(noun)s, %(key)s", noun=noun, key=key), old.get(key, ()), new.get(key, ())
            )
    elif isinstance(old, tuple | frozenset) and isinstance(new, tuple | frozenset):
        yield from _lists(noun, old, new)
    else:
        yield Reason("%(noun)s: now %(new)s, was %(old)s", noun=noun, new=shown(new), old=shown(old))


def _lists(noun: str, old: Collection[Any], new: Collection[Any]) -> Iterator[str]:
    """What came to a list and what went from it; the whole of it where only the order differs."""
    came = [item for item in new if item not in old]
    went = [item for item in old if item not in new]
    pairs = _same_guards(went, came)
    for one, other in pairs:
        guard = Reason("%(noun)s, %(key)s", noun=noun, key=one.name)
        yield from _changes(guard, one.argument, other.argument)
        if one.otherwise != other.otherwise:
            new_words, old_words = quoted(other.otherwise), quoted(one.otherwise)
            yield Reason("%(noun)s: now says %(new)s, was %(old)s", noun=guard, new=new_words, old=old_words)
    came = [item for item in came if all(item is not other for _one, other in pairs)]
    went = [item for item in went if all(item is not one for one, _other in pairs)]
    if came:
        yield Reason("%(noun)s: now also %(items)s", noun=noun, items=joined(_ordered(came, new)))
    if went:
        yield Reason("%(noun)s: no longer %(items)s", noun=noun, items=joined(_ordered(went, old)))
    if not (came or went or pairs):
        yield Reason("%(noun)s: now in the order %(items)s", noun=noun, items=joined(new))


def _same_guards(went: Sequence[Any], came: Sequence[Any]) -> list[tuple[GuardCall, GuardCall]]:
    """Calls of a guard that stand for each other, because either side has one of that name that the other has not."""
    pairs = []
    for one in went:
        here, there = (_calls(side, getattr(one, "name", "")) for side in (went, came))
        if len(here) == len(there) == 1:
            [other] = there
            if replace(one, argument=other.argument, otherwise=other.otherwise) == other:
                pairs.append((one, other))
    return pairs


def _calls(items: Sequence[Any], name: str) -> list[GuardCall]:
    return [item for item in items if isinstance(item, GuardCall) and item.name == name]


def _ordered(items: list[Any], whole: Collection[Any]) -> list[Any]:
    """Items of a set by name, of a list as they stand."""
    return sorted(items, key=str) if isinstance(whole, frozenset) else items
