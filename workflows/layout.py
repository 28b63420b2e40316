"""Where everything stands in the drawing of a workflow: stages are columns, states are cards in them, and each
move is a row of its state's card with a wire that leaves it for the card of its target.

Wires run as on a map of a railway: along a track beside a column, and along a lane above all columns where they go
further than to the next one. Wires of the same roles to the same state share track, lane and arrow.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from workflows.parts import Content, Move, Stage, State

Point = tuple[float, float]
Bus = tuple[str, frozenset[str]]
"""A target and the roles that lead there: what shares a track."""

CARD, TITLE, ROW, GAP = 212, 30, 18, 22
TRACK, LANE, ENTRY, MARGIN = 9, 9, 8, 16
TOP = 78
"""Room for the key and the names of the stages."""


NARROWEST = 470
"""Room for the key of a workflow with a single stage."""


@dataclass
class Card:
    """A state's box with a row for each move that leaves it."""

    state: State
    column: int
    moves: tuple[Move, ...]
    left: list[Bus] = field(default_factory=list)
    """What arrives on the left side, from earlier columns."""
    right: list[Bus] = field(default_factory=list)
    """What arrives on the right side: from the same column and from later ones."""
    x: float = 0
    y: float = 0

    @property
    def title_height(self) -> float:
        """Height of the part with the name, where wires arrive."""
        return max(TITLE, ENTRY * (1 + max(len(self.left), len(self.right))))

    @property
    def height(self) -> float:
        """Height of the whole card."""
        return self.title_height + ROW * len(self.moves) + (6 if self.moves else 0)

    def row(self, number: int) -> float:
        """The middle of a move's row."""
        return self.y + self.title_height + ROW * (number + 0.5)

    def entry(self, bus: Bus, forward: bool) -> Point:
        """Where a bus arrives: on the left from earlier columns, else on the right."""
        side = self.left if forward else self.right
        x = self.x if forward else self.x + CARD
        return x, self.y + self.title_height * (side.index(bus) + 1) / (len(side) + 1)


@dataclass(frozen=True)
class Wire:
    """A move from one of its sources, as a line."""

    move: Move
    source: State
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Column:
    """A stage with its place."""

    stage: Stage
    x: float


@dataclass(frozen=True)
class Layout:
    """The whole drawing, in pixels."""

    width: float
    height: float
    columns: tuple[Column, ...]
    top: float
    cards: tuple[Card, ...]
    wires: tuple[Wire, ...]


def bus_of(move: Move) -> Bus:
    """The bus that a move's wire belongs to."""
    return move.target, move.roles


def arrange(content: Content) -> Layout:
    """A place for every stage, state and move."""
    return _Arrangement(content).layout()


class _Arrangement:
    """The steps of ``arrange`` over shared tables."""

    def __init__(self, content: Content) -> None:
        self.content = content
        used = {state.stage for state in content.states.values()}
        self.stages = [stage for stage in content.stages.values() if stage.name in used]
        self.cards = {card.state.name: card for card in self._cards()}
        self.columns: list[Column] = []
        self.lanes: list[Bus] = []
        self.tracks: list[list[Bus]] = [[] for _ in self.stages]
        for card, move in self._exits():
            self._reserve(card, self.cards[move.target], bus_of(move))
        for gutter, buses in enumerate(self.tracks):
            buses.sort(key=partial(self._side, gutter))

    def _cards(self) -> Iterator[Card]:
        """The cards column by column; in each the ends come last."""
        for column, stage in enumerate(self.stages):
            states = [state for state in self.content.states.values() if state.stage == stage.name]
            for state in sorted(states, key=lambda state: state.final):
                moves = tuple(move for move in self.content.moves.values() if state.name in move.sources)
                yield Card(state, column, moves)

    def _exits(self) -> Iterator[tuple[Card, Move]]:
        """Every move from every source."""
        for card in self.cards.values():
            for move in card.moves:
                yield card, move

    def _reserve(self, card: Card, target: Card, bus: Bus) -> None:
        """Take an entry, tracks and a lane for a bus, unless it has them."""
        forward = target.column > card.column
        gutters = {card.column, target.column - 1 if forward else target.column}
        if len(gutters) > 1:
            _add(self.lanes, bus)
        for gutter in gutters:
            _add(self.tracks[gutter], bus)
        _add(target.left if forward else target.right, bus)

    def _side(self, gutter: int, bus: Bus) -> int:
        """Order of tracks beside a column: what ends at it, what passes, what ends at the next. So none overlap."""
        column = self.cards[bus[0]].column
        return 0 if column == gutter else 2 if column == gutter + 1 else 1

    def layout(self) -> Layout:
        """Places for all."""
        top = TOP + LANE * len(self.lanes) + MARGIN
        x = float(MARGIN)
        for number, stage in enumerate(self.stages):
            self.columns.append(Column(stage, x))
            self._stack(number, x, top)
            x += CARD + TRACK * (len(self.tracks[number]) + 1) + MARGIN
        height = max(card.y + card.height for card in self.cards.values()) + MARGIN
        wires = tuple(self._wires())
        return Layout(max(x, NARROWEST), height, tuple(self.columns), top, tuple(self.cards.values()), wires)

    def _stack(self, column: int, x: float, y: float) -> None:
        """Place the cards of a column below one another."""
        for card in self.cards.values():
            if card.column == column:
                card.x, card.y = x, y + GAP
                y += GAP + card.height

    def _wires(self) -> Iterator[Wire]:
        """The line of every move from every source."""
        for card in self.cards.values():
            for number, move in enumerate(card.moves):
                start = (card.x + CARD, card.row(number))
                target = self.cards[move.target]
                yield Wire(move, card.state, tuple(self._line(start, card, target, bus_of(move))))

    def _line(self, start: Point, card: Card, target: Card, bus: Bus) -> Iterator[Point]:
        """The corners of a wire from a row to where its bus arrives."""
        forward = target.column > card.column
        end = target.entry(bus, forward)
        gutter = target.column - 1 if forward else target.column
        first, last = self._track(card.column, bus), self._track(gutter, bus)
        yield start
        yield first, start[1]
        if first != last:
            lane = TOP + LANE * (self.lanes.index(bus) + 1)
            yield first, lane
            yield last, lane
        yield last, end[1]
        yield end

    def _track(self, gutter: int, bus: Bus) -> float:
        """The middle of a bus's track beside a column."""
        track = self.tracks[gutter].index(bus) + 1
        return self.columns[gutter].x + CARD + MARGIN / 2 + TRACK * track


def _add(buses: list[Bus], bus: Bus) -> None:
    """Append what is not there yet."""
    if bus not in buses:
        buses.append(bus)
