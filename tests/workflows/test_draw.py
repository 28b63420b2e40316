"""Pictures: everything is in them, nothing overlaps, and a strict policy has nothing to refuse."""

import re
from itertools import combinations
from xml.etree import ElementTree

import pytest

from tests.workflows.drafts import FINISH, HEAD, PLANNED, definition
from workflows import library, shipped
from workflows.draw import COLOURS, NOBODY, mermaid, svg
from workflows.layout import CARD, Card, Wire, arrange

SVG = "{http://www.w3.org/2000/svg}"
NAMES = library()


def drawn(name: str, **marks) -> ElementTree.Element:
    return ElementTree.fromstring(svg(shipped(name), **marks))


def classes(root: ElementTree.Element) -> list[set[str]]:
    return [set(part.get("class", "").split()) for part in root.iter(f"{SVG}g")]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_that_a_strict_policy_refuses(name: str) -> None:
    root = drawn(name)
    assert {part.tag.removeprefix(SVG) for part in root.iter()} <= {
        "svg",
        "title",
        "desc",
        "g",
        "rect",
        "circle",
        "path",
        "text",
    }
    for part in root.iter():
        assert "style" not in part.attrib
        assert not any(key.startswith("on") or key.endswith("href") for key in part.attrib)


@pytest.mark.parametrize("name", NAMES)
def test_every_stage_state_and_move_is_in_it(name: str) -> None:
    definition = shipped(name)
    root = drawn(name)
    titles = [title.text for title in root.iter(f"{SVG}title")]
    words = [text.text for text in root.iter(f"{SVG}text")]
    for stage in definition.stages.values():
        assert stage.label in words
    for state in definition.states.values():
        assert state.label in titles
    for move in definition.moves.values():
        assert sum((title or "").startswith(f"{move.label} (") for title in titles) == len(move.sources)
    assert sum("wf-final" in group for group in classes(root)) == sum(
        s.final for s in definition.states.values()
    )


def test_picture_is_told_in_words() -> None:
    root = drawn("report", here="due")
    assert root.get("role") == "img"
    title, desc = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert desc is not None
    assert root.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}"
    assert title.text == "Report: stages, states and moves"
    assert (desc.text or "").startswith(
        "It stands at Due. Due: Hand in the report (applicant) to Under review; "
        "Call off the report: the project was terminated (by itself) to Cancelled. Under review: "
    )
    assert "Accepted (an end): nothing leads out of it." in (desc.text or "")


def test_where_it_stands_how_it_came_and_what_is_possible() -> None:
    root = drawn(
        "application",
        here="deliberation",
        been={"draft", "submitted"},
        taken={("draft", "submit"), ("submitted", "start_screening")},
        possible={"offer", "decline", "withdraw"},
    )
    here = [part for part in root.iter(f"{SVG}g") if "wf-here" in part.get("class", "").split()]
    assert [part.findtext(f"{SVG}title") for part in here] == ["Deliberation"]
    words = [text.text for text in root.iter(f"{SVG}text")]
    assert (words.count("● now"), words.count("✓ been")) == (1, 2)
    assert sum("wf-possible" in group for group in classes(root)) == 3
    bold = [text.text for text in root.iter(f"{SVG}text") if text.get("font-weight") == "700"]
    assert {"Offer an award", "Decline the proposal", "Withdraw the proposal"} <= set(bold)
    assert bold.count("Withdraw the proposal") == 1
    assert [text for text in words if text and text.startswith("✓ S")] == [
        "✓ Submit the proposal",
        "✓ Start screening",
    ]
    lines = [part.get("d") for part in root.iter(f"{SVG}path")]
    trodden = [part.get("d") for part in root.iter(f"{SVG}path") if part.get("class") == "wf-taken"]
    assert len(trodden) == 2
    assert all(lines.count(line) == 2 for line in trodden), "each lies under the wire of its move"


def test_plain_picture_marks_nothing() -> None:
    assert not any(group & {"wf-here", "wf-been", "wf-possible"} for group in classes(drawn("application")))
    assert "wf-taken" not in svg(shipped("application"))


@pytest.mark.parametrize(("within", "columns"), [(1120, 3), (900, 2), (0, 1)])
def test_stages_share_columns_where_there_is_little_room(within: int, columns: int) -> None:
    application = shipped("application")
    layout = arrange(application, within)
    assert [band.stage for band in layout.bands] == list(application.stages.values())
    assert len({band.x for band in layout.bands}) == columns
    assert layout.width <= max(within, 560)
    for one, other in combinations(layout.bands, 2):
        assert one.x != other.x or one.y + one.height < other.y
    for band in layout.bands:
        mine = [card for card in layout.cards if card.state.stage == band.stage.name]
        assert all(card.x == band.x and band.y < card.y for card in mine)
        assert all(card.y + card.height < band.y + band.height for card in mine)


def test_roles_differ_in_form_and_not_only_in_colour() -> None:
    root = drawn("application")
    key = list(root)[3:11]
    marks = [ElementTree.tostring(part) for part in key if part.tag != f"{SVG}text"]
    names = [part.text for part in key if part.tag == f"{SVG}text"]
    assert names == ["applicant", "reviewer", "manager", "by itself"]
    forms = [re.sub(rb'"[^"]*"', b"", mark) for mark in marks]
    assert len(set(forms)) == 4


def luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("colour", [*COLOURS.values(), NOBODY])
def test_colours_stand_out_from_paper(colour: str) -> None:
    assert 1.05 / (luminance(colour) + 0.05) >= 4.5


def apart(one: Card, other: Card) -> bool:
    return (
        one.x + CARD < other.x
        or other.x + CARD < one.x
        or one.y + one.height < other.y
        or other.y + other.height < one.y
    )


def crosses(wire: Wire, card: Card) -> bool:
    """Whether a stretch of the wire runs through the inside of the card."""
    for (x, y), (to_x, to_y) in zip(wire.points, wire.points[1:], strict=False):
        if (
            max(min(x, to_x), card.x + 1) < min(max(x, to_x), card.x + CARD - 1)
            and card.y < y < card.y + card.height
        ):
            return True
        if card.x < x < card.x + CARD and max(min(y, to_y), card.y) < min(max(y, to_y), card.y + card.height):
            return True
    return False


@pytest.mark.parametrize("within", [None, 1120, 0])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_overlaps(name: str, within: int | None) -> None:
    layout = arrange(shipped(name), within)
    assert all(apart(one, other) for one, other in combinations(layout.cards, 2))
    assert not [(wire, card) for wire in layout.wires for card in layout.cards if crosses(wire, card)]
    assert all(card.x + CARD < layout.width and card.y + card.height < layout.height for card in layout.cards)


@pytest.mark.parametrize("within", [None, 1120, 0])
@pytest.mark.parametrize("name", NAMES)
def test_every_wire_runs_square_from_its_row_to_its_target(name: str, within: int | None) -> None:
    layout = arrange(shipped(name), within)
    cards = {card.state.name: card for card in layout.cards}
    assert len(layout.wires) == sum(len(move.sources) for move in shipped(name).moves.values())
    for wire in layout.wires:
        source, target = cards[wire.source.name], cards[wire.move.target]
        assert wire.points[0] == (source.x + CARD, source.row(source.moves.index(wire.move)))
        x, y = wire.points[-1]
        assert x == (target.x if target.column > source.column else target.x + CARD)
        assert target.y < y < target.y + target.title_height
        for (x, y), (to_x, to_y) in zip(wire.points, wire.points[1:], strict=False):
            assert x == to_x or y == to_y
            assert 0 < x < layout.width


@pytest.mark.parametrize("within", [None, 1120, 0])
def test_wires_of_different_targets_never_share_a_track(within: int | None) -> None:
    layout = arrange(shipped("application"), within)
    tracks: dict[float, set[str]] = {}
    for wire in layout.wires:
        for (x, _), (to_x, _) in zip(wire.points, wire.points[1:], strict=False):
            if x == to_x:
                tracks.setdefault(x, set()).add(wire.move.target)
    assert all(len(targets) == 1 for targets in tracks.values())


def test_words_that_mean_something_to_xml_or_mermaid() -> None:
    label = r"""label = 'A <b> & "c"; #d: {e} %f'"""
    visit = definition(finish=FINISH.replace('label = "Finish the visit"', label))
    titles = [title.text for title in ElementTree.fromstring(svg(visit)).iter(f"{SVG}title")]
    assert 'A <b> & "c"; #d: {e} %f (manager)' in titles
    assert (
        "    s_planned --> s_done: A #60;b#62; & #34;c#34;#59; #35;d#58; #123;e#125; #37;f (manager)\n"
        in mermaid(visit)
    )


def test_long_labels_are_cut_in_the_card_and_whole_in_the_title() -> None:
    long = "Go and see the city and everybody in it who has time"
    root = ElementTree.fromstring(svg(definition(finish=FINISH.replace("Finish the visit", long))))
    words = [text.text for text in root.iter(f"{SVG}text")]
    assert "Go and see the city and everybod…" in words
    assert f"{long} (manager)" in [title.text for title in root.iter(f"{SVG}title")]


def test_move_of_nobody_is_drawn_as_such() -> None:
    visit = definition(finish=FINISH.replace('by = ["manager"]', ""))
    assert "(nobody)" in mermaid(visit)
    assert NOBODY in svg(visit)


def test_mermaid_of_a_small_definition() -> None:
    finish = (
        FINISH.replace('["manager"]', '["manager", "applicant"]') + 'automatic = { deadline = "visit" }\n'
    )
    head = HEAD + '\n[stages.empty]\nlabel = "Empty"\n'
    assert (
        mermaid(definition(head=head, planned=PLANNED, finish=finish))
        == """\
stateDiagram-v2
    direction LR
    [*] --> s_planned
    state "All" as g_all {
        state "Planned" as s_planned
        state "Done" as s_done
    }
    s_planned --> s_done: Finish the visit (applicant or manager or by itself)
    s_done --> [*]
"""
    )


@pytest.mark.parametrize("name", NAMES)
def test_mermaid_has_every_state_and_move(name: str) -> None:
    definition, lines = shipped(name), mermaid(shipped(name)).splitlines()
    for state in definition.states:
        assert sum(line.endswith(f" as s_{state}") for line in lines) == 1
    for move in definition.moves.values():
        for source in move.sources:
            assert any(line.startswith(f"    s_{source} --> s_{move.target}: ") for line in lines)
