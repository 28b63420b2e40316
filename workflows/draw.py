"""Pictures of a workflow: Mermaid for documents, SVG for pages.

The SVG holds no script and no style, so that it can stand in a page under the strictest policy. Who makes a move is
told by the form of a mark as well as by its colour. Its classes (``wf-…``) are there for a page's style sheet.
"""

from collections.abc import Collection, Iterator
from html import escape

from workflows.layout import CARD, HEAD, ROW, Card, Layout, Point, Wire, arrange
from workflows.parts import APPLICANT, CLOCK, MANAGER, REVIEWER, Content, Move

COLOURS = {APPLICANT: "#0b5cad", REVIEWER: "#7a3e9d", MANAGER: "#9a4b00", CLOCK: "#57606a"}
"""At least 4.5 to 1 on white."""
NOBODY = "#b00020"
INK, PAPER, SHADE, EDGE = "#1b1f24", "#ffffff", "#f1f4f7", "#8c959f"
NAMES = {APPLICANT: "applicant", REVIEWER: "reviewer", MANAGER: "manager", CLOCK: "by itself"}
HELD = ' stroke-dasharray="6 4"'
"""The edge of a state in which time stands still."""
BACK, DONE = "↩", "✓"
"""Stand before a move that is declared as a way backwards, and before one that was made."""
TRODDEN = "#f2cf63"
"""Lies broad under the wires of the moves that were made."""
LONGEST, LONGEST_TITLE = 33, 26
"""Letters of a move's and of a state's label that fit in a card; the whole stands in the title that pops up."""
CORNER = 5.0


def mermaid(content: Content) -> str:
    """The workflow as a Mermaid state diagram: stages, states, moves with the roles that make them."""
    lines = ["stateDiagram-v2", "    direction LR", f"    [*] --> s_{content.initial}"]
    for stage in content.stages.values():
        states = [state for state in content.states.values() if state.stage == stage.name]
        if states:
            lines.append(f'    state "{_mermaid(stage.label)}" as g_{stage.name} {{')
            lines += [f'        state "{_mermaid(state.label)}" as s_{state.name}' for state in states]
            lines.append("    }")
    for move in content.moves.values():
        lines += [
            f"    s_{source} --> s_{move.target}: {_mermaid(_said(move))} ({_who(move)})"
            for source in move.sources
        ]
    lines += [f"    s_{state.name} --> [*]" for state in content.states.values() if state.final]
    return "\n".join(lines) + "\n"


def _mermaid(text: str) -> str:
    """A text without the characters that mean something to Mermaid."""
    return "".join(f"#{ord(letter)};" if letter in '#;:"<>{}[]%`\\' else letter for letter in text)


def _said(move: Move) -> str:
    """What a move is called in the drawing: a way backwards has its sign before it."""
    return f"{BACK} {move.label}" if move.revert else move.label


def _who(move: Move) -> str:
    """Who makes a move, in words."""
    return " or ".join(name for role, name in NAMES.items() if role in move.roles) or "nobody"


def svg(
    content: Content,
    *,
    here: str | None = None,
    been: Collection[str] = (),
    taken: Collection[tuple[str, str]] = (),
    possible: Collection[str] = (),
    within: float | None = None,
) -> str:
    """The workflow as a self-contained SVG in its natural size; let it scroll where the page is narrower.

    ``here`` is the state that something stands in now, ``been`` the states that it went through, ``taken`` the moves
    that it made, each as the state that it left and the trigger, ``possible`` the triggers of the moves that can be
    made next: they stand out, by their form as well as by their weight. Stages share columns where the drawing would
    be wider than ``within`` (pixels); at 0 all stand in one column.
    """
    layout = arrange(content, within)
    name = f"wf-{content.name}" if within is None else f"wf-{content.name}-{within:g}"
    return "".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="wf" role="img" width="{layout.width:g}"',
            f' height="{layout.height:g}" viewBox="0 0 {layout.width:g} {layout.height:g}"',
            f' aria-labelledby="{name}-title {name}-desc" font-family="system-ui, sans-serif" font-size="11">',
            f'<title id="{name}-title">{escape(content.label)}: stages, states and moves</title>',
            f'<desc id="{name}-desc">{escape(_told(content, here))}</desc>',
            f'<rect width="100%" height="100%" fill="{PAPER}"/>',
            *_key(here is not None),
            *_bands(layout),
            *(_trodden(wire) for wire in layout.wires if (wire.source.name, wire.move.trigger) in taken),
            *(
                _wire(wire, wire.source.name == here and wire.move.trigger in possible)
                for wire in layout.wires
            ),
            *(part for card in layout.cards for part in _card(card, here, been, taken, possible)),
            "</svg>",
        ]
    )


def _told(content: Content, here: str | None) -> str:
    """The drawing in words, for those who do not see it: every state with the moves that leave it."""
    sentences = [f"It stands at {content.states[here].label}."] if here else []
    for state in content.states.values():
        moves = [
            f"{move.label} ({_who(move)}{', back' * move.revert}) to {content.states[move.target].label}"
            for move in content.moves.values()
            if state.name in move.sources
        ]
        end = " (an end)" if state.final else " (on hold)" if state.hold else ""
        sentences.append(f"{state.label}{end}: {'; '.join(moves) or 'nothing leads out of it'}.")
    return " ".join(sentences)


def _key(marked: bool) -> Iterator[str]:
    """Which mark stands for whom, and how a way is shown: what was gone, if anything was, what leads backwards."""
    x = 16.0
    for role, colour in COLOURS.items():
        yield _mark(role, x + 5, 14, colour)
        yield f'<text x="{x + 15:g}" y="18" fill="{INK}">{NAMES[role]}</text>'
        x += 90
    told = [f"{BACK} goes back", *([f"{DONE} was done", "bold: can be done now"] if marked else [])]
    for place, text in enumerate(told):
        yield f'<text x="{16 + 90 * place}" y="35" fill="{INK}">{text}</text>'


def _bands(layout: Layout) -> Iterator[str]:
    """The stages as bands behind their states."""
    for band in layout.bands:
        yield (
            f'<rect class="wf-stage" x="{band.x - 8:g}" y="{band.y:g}" width="{CARD + 16}"'
            f' height="{band.height:g}" rx="8" fill="{SHADE}"/>'
            f'<text x="{band.x:g}" y="{band.y + HEAD - 17:g}" font-size="14" font-weight="700" fill="{INK}">'
            f"{_short(band.stage.label, LONGEST_TITLE)}</text>"
        )


def _trodden(wire: Wire) -> str:
    """What lies under the wire of a move that was made."""
    return (
        f'<path class="wf-taken" d="{_path(wire.points)}" fill="none" stroke="{TRODDEN}" stroke-width="7"/>'
    )


def _wire(wire: Wire, strong: bool) -> str:
    """A wire with the arrow at its end."""
    colour = _colour(wire.move)
    x, y = wire.points[-1]
    tip = 7 if wire.points[-2][0] < x else -7
    return (
        f'<g class="wf-wire{" wf-possible" * strong}" fill="none" stroke="{colour}"'
        f' stroke-width="{2.6 if strong else 1.3}"{_dashes(wire.move)}>'
        f'<path d="{_path(wire.points)}"/></g>'
        f'<path d="M{x:g} {y:g}l{-tip} -4v8z" fill="{colour}"/>'
    )


def _dashes(move: Move) -> str:
    """Wires of moves that happen by themselves alone are dashed, those that lead backwards dotted."""
    if move.revert:
        return ' stroke-dasharray="1 4" stroke-linecap="round"'
    return ' stroke-dasharray="4 3"' if move.roles == {CLOCK} else ""


def _path(points: tuple[Point, ...]) -> str:
    """A line through the points with rounded corners."""
    parts = [f"M{points[0][0]:g} {points[0][1]:g}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        enter, leave = _near(corner, before), _near(corner, after)
        parts.append(f"L{enter[0]:g} {enter[1]:g}Q{corner[0]:g} {corner[1]:g} {leave[0]:g} {leave[1]:g}")
    parts.append(f"L{points[-1][0]:g} {points[-1][1]:g}")
    return "".join(parts)


def _near(corner: Point, other: Point) -> Point:
    """The point a little way from a corner towards another point."""
    along, down = other[0] - corner[0], other[1] - corner[1]
    length = abs(along) + abs(down)
    share = min(CORNER, length / 2) / length if length else 0
    return corner[0] + along * share, corner[1] + down * share


def _colour(move: Move) -> str:
    """The colour of the first role that makes the move."""
    return next((colour for role, colour in COLOURS.items() if role in move.roles), NOBODY)


def _card(
    card: Card,
    here: str | None,
    been: Collection[str],
    taken: Collection[tuple[str, str]],
    possible: Collection[str],
) -> Iterator[str]:
    """A state with its moves."""
    name, now = card.state.name, card.state.name == here
    state = card.state
    classes = (
        "wf-state"
        + " wf-final" * state.final
        + " wf-hold" * state.hold
        + " wf-here" * now
        + " wf-been" * (name in been)
    )
    yield (
        f'<g class="{classes}"><title>{escape(state.label)}</title>'
        f'<rect x="{card.x:g}" y="{card.y:g}" width="{CARD}" height="{card.height:g}" rx="6"'
        f' fill="{PAPER}" stroke="{INK if now else EDGE}" stroke-width="{3 if now else 1}"'
        f"{HELD * state.hold}/>"
    )
    if state.final:
        yield (
            f'<rect x="{card.x + 3:g}" y="{card.y + 3:g}" width="{CARD - 6}" height="{card.height - 6:g}" rx="4"'
            f' fill="none" stroke="{EDGE}"/>'
        )
    note = "● now" if now else "✓ been" if name in been else "on hold" if state.hold else ""
    middle = card.y + card.title_height / 2 + 4
    yield (
        f'<text x="{card.x + 10:g}" y="{middle:g}" font-size="12.5" font-weight="700" fill="{INK}">'
        f"{_short(state.label, LONGEST_TITLE - len(note))}</text>"
    )
    if note:
        yield f'<text x="{card.x + CARD - 12:g}" y="{middle:g}" text-anchor="end" fill="{INK}">{note}</text>'
    for number, move in enumerate(card.moves):
        yield _row(card, number, move, now and move.trigger in possible, (name, move.trigger) in taken)
    yield "</g>"


def _row(card: Card, number: int, move: Move, strong: bool, done: bool) -> str:
    """A move in its state's card: what it is called, and a mark for each role that makes it."""
    y = card.row(number)
    said = f"{DONE} {_said(move)}" if done else _said(move)
    roles = [role for role in COLOURS if role in move.roles]
    marks = "".join(
        _mark(role, card.x + CARD - 9 - ROW * 0.7 * place, y, COLOURS[role])
        for place, role in enumerate(roles)
    )
    return (
        f'<g><title>{escape(move.label)} ({_who(move)})</title><text x="{card.x + 10:g}" y="{y + 4:g}"'
        f' font-weight="{700 if strong else 400}" fill="{INK}">{_short(said, LONGEST)}</text>{marks}</g>'
    )


def _short(text: str, longest: int) -> str:
    """A text that fits, ready for the drawing."""
    return escape(text if len(text) <= longest else text[: longest - 1] + "…")


def _mark(role: str, x: float, y: float, colour: str) -> str:
    """A disc, a diamond, a square or a ring."""
    if role == APPLICANT:
        return f'<circle cx="{x:g}" cy="{y:g}" r="4" fill="{colour}"/>'
    if role == REVIEWER:
        return f'<path d="M{x:g} {y - 5:g}l5 5l-5 5l-5 -5z" fill="{colour}"/>'
    if role == MANAGER:
        return f'<rect x="{x - 4:g}" y="{y - 4:g}" width="8" height="8" fill="{colour}"/>'
    return f'<circle cx="{x:g}" cy="{y:g}" r="3.2" fill="none" stroke="{colour}" stroke-width="1.8"/>'
