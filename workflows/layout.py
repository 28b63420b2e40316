"""Where everything stands in the drawing of a workflow: stages are columns, or share one where there is no room for a
column each; states are cards in them, and each move is a row of its state's card with a wire that leaves it for the
card of its target.

Wires run as on a map of a railway: along a track beside a column, and along a lane above all columns where they go
further than to the next one. Wires of the same roles to the same state share track, lane and arrow.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from workflows.parts import Content, Move, Stage, State

Point = tuple[float, float]
Bus = tuple[str, frozenset[str]]
"""A target and the roles that lead there: what shares a track."""

CARD, TITLE, ROW, GAP = 212, 30, 18, 22
TRACK, LANE, ENTRY, MARGIN = 9, 9, 8, 16
TOP = 78
"""Room for the key and the names of the stages."""
HEAD = 36
"""Room for the name of a stage above its first card."""
NARROWEST = 380
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
class Band:
    """A stage with its place: the left edge of its cards, its own upper edge, and how far it reaches down."""

    stage: Stage
    x: float
    y: float
    height: float


@dataclass(frozen=True)
class Layout:
    """The whole drawing, in pixels."""

    width: float
    height: float
    bands: tuple[Band, ...]
    top: float
    cards: tuple[Card, ...]
    wires: tuple[Wire, ...]


def bus_of(move: Move) -> Bus:
    """The bus that a move's wire belongs to."""
    return move.target, move.roles


def arrange(content: Content, within: float | None = None) -> Layout:
    """A place for every stage, state and move.

    Every stage has a column of its own; where that is wider than ``within``, as many columns as fit, but at least one.
    """
    used = {state.stage for state in content.states.values()}
    stages = [stage for stage in content.stages.values() if stage.name in used]
    layout = _Arrangement(content, [[stage] for stage in stages]).layout()
    for columns in range(len(stages) - 1, 0, -1):
        if within is None or layout.width <= within:
            break
        layout = _Arrangement(content, _shared(content, stages, columns)).layout()
    return layout


def _shared(content: Content, stages: Sequence[Stage], columns: int) -> list[list[Stage]]:
    """The stages in their order in so many columns of about the same height."""
    rows = {stage.name: 2 for stage in stages}
    for state in content.states.values():
        rows[state.stage] += 3
    for move in content.moves.values():
        for source in move.sources:
            rows[content.states[source].stage] += 1
    found: list[list[Stage]] = [[] for _ in range(columns)]
    above, whole = 0.0, sum(rows.values())
    for stage in stages:
        middle = above + rows[stage.name] / 2
        found[int(columns * middle / whole)].append(stage)
        above += rows[stage.name]
    return [column for column in found if column]


class _Arrangement:
    """The steps of ``arrange`` over shared tables."""

    def __init__(self, content: Content, columns: Sequence[Sequence[Stage]]) -> None:
        self.content = content
        self.columns = columns
        self.cards = {card.state.name: card for card in self._cards()}
        self.left: list[float] = []
        self.bands: list[Band] = []
        self.lanes: list[Bus] = []
        self.tracks: list[list[Bus]] = [[] for _ in columns]
        for card, move in self._exits():
            self._reserve(card, self.cards[move.target], bus_of(move))
        for gutter, buses in enumerate(self.tracks):
            buses.sort(key=partial(self._side, gutter))

    def _cards(self) -> Iterator[Card]:
        """The cards column by column and stage by stage; in each stage the ends come last."""
        for column, stages in enumerate(self.columns):
            for stage in stages:
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
        for number in range(len(self.columns)):
            self.left.append(x)
            self._stack(number, x, top)
            x += CARD + TRACK * (len(self.tracks[number]) + 1) + MARGIN
        height = max(card.y + card.height for card in self.cards.values()) + MARGIN
        lowest = {band.x: band for band in self.bands}.values()
        bands = tuple(
            replace(band, height=height - 6 - band.y) if band in lowest else band for band in self.bands
        )
        return Layout(max(x, NARROWEST), height, bands, top, tuple(self.cards.values()), tuple(self._wires()))

    def _stack(self, column: int, x: float, y: float) -> None:
        """Place the stages of a column below one another, and their cards in them."""
        above = float(TOP - HEAD)
        for stage in self.columns[column]:
            for card in self.cards.values():
                if card.state.stage == stage.name:
                    card.x, card.y = x, y + GAP
                    y += GAP + card.height
            self.bands.append(Band(stage, x, above, y + MARGIN - above))
            above = y + 2 * MARGIN
            y = above + HEAD - GAP

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
        return self.left[gutter] + CARD + MARGIN / 2 + TRACK * track


def _add(buses: list[Bus], bus: Bus) -> None:
    """Append what is not there yet."""
    if bus not in buses:
        buses.append(bus)
