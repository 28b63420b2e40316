"""The words of a definition by their keys, and a definition that says them in another language."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar

from workflows.parts import A_REASON, Ask, Content, DeadlineRule, Move, Stage, State

Part = TypeVar("Part", Stage, State, Move, DeadlineRule)


def phrases(content: Content) -> dict[str, str]:
    """Every text for people by its key, such as ``states.draft.label``, in the order of the file."""
    found = {"label": content.label}
    for stage in content.stages.values():
        found[f"stages.{stage.name}.label"] = stage.label
    for state in content.states.values():
        found.update(_of_state(state))
    for move in content.moves.values():
        found.update(_of_move(move))
    for rule in content.deadlines.values():
        found[f"deadlines.{rule.key}.label"] = rule.label
    return found


def _of_state(state: State) -> Iterator[tuple[str, str]]:
    at = f"states.{state.name}"
    yield f"{at}.label", state.label
    if state.applicant_label != state.label:
        yield f"{at}.applicant_label", state.applicant_label
    if state.help:
        yield f"{at}.help", state.help


def _of_move(move: Move) -> Iterator[tuple[str, str]]:
    at = f"moves.{move.trigger}"
    yield f"{at}.label", move.label
    if move.reason != "none" and move.reason_label != A_REASON:
        yield f"{at}.reason_label", move.reason_label
    if move.confirm:
        yield f"{at}.confirm", move.confirm
    for ask in move.asks:
        yield f"{at}.asks.{ask.name}.label", ask.label
        if ask.otherwise:
            yield f"{at}.asks.{ask.name}.otherwise", ask.otherwise
    for key, number in _guards(move).items():
        yield key, move.guards[number].otherwise


def _guards(move: Move) -> dict[str, int]:
    """The key of each sentence of a guard; a guard that is called again counts on: ``child_in``, ``child_in_2``."""
    keys, seen = {}, Counter[str]()
    for number, call in enumerate(move.guards):
        if call.otherwise:
            seen[call.name] += 1
            again = f"_{seen[call.name]}" if seen[call.name] > 1 else ""
            keys[f"moves.{move.trigger}.guards.{call.name}{again}"] = number
    return keys


def untranslated(content: Content) -> Iterator[tuple[str, str]]:
    """Language and key of each text that lacks its translation."""
    for language in content.languages:
        words = content.translations.get(language, {})
        yield from ((language, key) for key in phrases(content) if key not in words)


def spoken(content: Content, language: str) -> dict[str, object]:
    """What reads differently in a language, by the name of the part. A text without translation stays as it is."""
    words = content.translations.get(language, {})

    def label(table: str, name: str, text: str) -> str:
        return words.get(f"{table}.{name}.label", text)

    return {
        "label": words.get("label", content.label),
        "stages": _each(content.stages, lambda one: replace(one, label=label("stages", one.name, one.label))),
        "states": _each(content.states, lambda one: _state(one, words)),
        "moves": _each(content.moves, lambda one: _move(one, words)),
        "deadlines": _each(
            content.deadlines, lambda one: replace(one, label=label("deadlines", one.key, one.label))
        ),
    }


def _each(table: Mapping[str, Part], said: Callable[[Part], Part]) -> Mapping[str, Part]:
    return MappingProxyType({name: said(part) for name, part in table.items()})


def _state(state: State, words: Mapping[str, str]) -> State:
    at = f"states.{state.name}"
    label = words.get(f"{at}.label", state.label)
    own = label if state.applicant_label == state.label else state.applicant_label
    return replace(
        state,
        label=label,
        applicant_label=words.get(f"{at}.applicant_label", own),
        help=words.get(f"{at}.help", state.help),
    )


def _move(move: Move, words: Mapping[str, str]) -> Move:
    at = f"moves.{move.trigger}"
    keys = {number: key for key, number in _guards(move).items()}
    return replace(
        move,
        label=words.get(f"{at}.label", move.label),
        reason_label=words.get(f"{at}.reason_label", move.reason_label),
        confirm=words.get(f"{at}.confirm", move.confirm) if move.confirm else None,
        asks=tuple(_ask(f"{at}.asks.{ask.name}", ask, words) for ask in move.asks),
        guards=tuple(
            replace(call, otherwise=words.get(keys[number], call.otherwise)) if number in keys else call
            for number, call in enumerate(move.guards)
        ),
    )


def _ask(at: str, ask: Ask, words: Mapping[str, str]) -> Ask:
    return replace(
        ask,
        label=words.get(f"{at}.label", ask.label),
        otherwise=words.get(f"{at}.otherwise", ask.otherwise),
    )
