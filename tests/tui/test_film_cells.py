"""A film in cells: lines as wide as they should be, brighter dots never darker, marks where they belong."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from clinseek_core.imaging.boxes import Box
from clinseek_tui.film.cells import (
    DRAWINGS,
    GREYS_256,
    RAMP,
    Dots,
    Drawing,
    Ink,
    Run,
    outlined,
    rows_of,
    sign,
    spot,
)
from clinseek_tui.view.film_room import room_for

COLOURS = [(255, 0, 0), (0, 255, 0)]
WHOLE = (0.0, 0.0, 1.0, 1.0)
drawing = pytest.mark.parametrize("drawing", DRAWINGS.values(), ids=list(DRAWINGS))
SHARES = st.floats(-0.5, 1.5)


def dots_of(data: st.DataObject, drawing: Drawing) -> Dots:
    width, height = data.draw(st.integers(1, 30)), data.draw(st.integers(1, 30))
    highest = len(drawing.levels) - 1 if drawing.levels else 255
    size = width * height
    greys = data.draw(st.lists(st.integers(0, highest), min_size=size, max_size=size))
    return Dots(width, height, bytes(greys))


def grey_of(ink: Ink) -> int:
    if isinstance(ink, int):
        return {number: grey for grey, number in GREYS_256}[ink]
    assert ink is not None
    return ink[0]


def text_of(row: list[Run]) -> str:
    return "".join(run.text for run in row)


@drawing
@settings(max_examples=30)
@given(st.data())
def test_every_line_is_as_wide_as_the_film_whatever_is_drawn_over_it(
    drawing: Drawing, data: st.DataObject
) -> None:
    dots = dots_of(data, drawing)
    corners = data.draw(st.lists(st.tuples(SHARES, SHARES, SHARES, SHARES), max_size=3))
    boxes = [
        (n, Box("", min(a, c), min(b, d), max(a, c), max(b, d))) for n, (a, b, c, d) in enumerate(corners, 1)
    ]
    left, top = data.draw(st.floats(0, 0.9)), data.draw(st.floats(0, 0.9))
    marked = outlined(dots, boxes, (left, top, left + 0.1, top + 0.1))
    assert len(marked.marks) == len(dots.greys)
    rows = rows_of(marked, drawing, COLOURS)
    assert len(rows) == -(-dots.height // drawing.halves)
    assert {cell_len(text_of(row)) for row in rows} == {dots.width}


@drawing
def test_a_brighter_dot_is_drawn_brighter(drawing: Drawing) -> None:
    count = len(drawing.levels) or 256
    [row] = rows_of(Dots(count, 1, bytes(range(count))), drawing, COLOURS)
    if drawing.halves == 1:
        assert text_of(row) == RAMP
    else:
        greys = [grey_of(run.upper) for run in row]
        assert greys == sorted(set(greys))
        assert (greys[0], greys[-1]) in {(0, 255)}


@pytest.mark.parametrize("name", ["blocks", "256"])
def test_the_upper_dot_is_the_upper_half(name: str) -> None:
    last = len(DRAWINGS[name].levels) - 1 if DRAWINGS[name].levels else 255
    rows = rows_of(Dots(2, 3, bytes([last, last, 0, 0, last, last])), DRAWINGS[name], COLOURS)
    assert [(run.text, grey_of(run.upper), grey_of(run.lower)) for row in rows for run in row] == [
        ("▀▀", 255, 0),
        ("▀▀", 255, 0),
    ]


def test_a_box_is_drawn_on_its_border_and_not_inside() -> None:
    dots = outlined(Dots(11, 11, bytes(121)), [(2, Box("", 0.2, 0.3, 0.8, 0.7))], WHOLE)
    inside = {(x, y) for y in range(11) for x in range(11) if dots.marks[11 * y + x] == 2}
    border = {(x, y) for y in range(3, 8) for x in range(2, 9) if x in (2, 8) or y in (3, 7)}
    assert inside == border
    [run] = rows_of(dots, DRAWINGS["characters"], COLOURS)[3]
    assert run.text == "  2222222  ", "without colours its number draws it"


def test_a_box_far_outside_of_what_is_seen_leaves_it_bare() -> None:
    seen = (0.4, 0.4, 0.6, 0.6)
    around = outlined(Dots(10, 10, bytes(100)), [(1, Box("", 0.0, 0.0, 1.0, 1.0))], seen)
    assert not any(around.marks)
    half = outlined(Dots(10, 10, bytes(100)), [(1, Box("", 0.5, 0.0, 1.0, 1.0))], seen)
    assert {place % 10 for place, mark in enumerate(half.marks) if mark} == {4}


def test_a_sign_stands_on_the_dot_of_its_place() -> None:
    dots = Dots(11, 22, bytes(242))
    assert spot(0.5, 0.5, dots, WHOLE) == (5, 10)
    assert spot(1.0, 1.0, dots, WHOLE) == (10, 21)
    assert spot(0.5, 0.5, dots, (0.6, 0.0, 1.0, 1.0)) is None
    assert len({sign(mark) for mark in range(1, 36)}) == 35


@settings(max_examples=200)
@given(
    st.integers(1, 300),
    st.integers(1, 100),
    st.sampled_from([1, 2]),
    st.floats(0.2, 5),
    st.booleans(),
)
def test_films_and_text_share_the_room_and_nothing_lies_outside(
    width: int, height: int, count: int, ratio: float, zoomed: bool
) -> None:
    room = room_for(width, height, count, ratio, zoomed)
    assert len(room.films) == count
    assert room.lines == max(height - 1, 1)
    ends = [begin + columns for begin, columns in room.films]
    assert all(columns >= 1 for _, columns in room.films)
    if width >= 2 * count:
        assert ends[-1] <= width
    assert all(end < begin for end, (begin, _) in zip(ends, room.films[1:], strict=False))
    if room.side_width:
        assert room.side > ends[-1]
        assert room.side + room.side_width <= width
        assert room.side_width >= 26
