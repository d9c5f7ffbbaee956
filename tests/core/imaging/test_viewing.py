"""What is seen of a film: the part asked for, at the size asked for, with the outlines that were drawn."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinseek_core.imaging.films import FilmReader
from clinseek_core.imaging.overlay import draw_masks
from clinseek_core.imaging.reading import exposure_of, film_of
from clinseek_core.imaging.refusal import FilmError
from clinseek_core.imaging.viewing import FilmView, greys_of, labels_of, outlines_of, part_of
from clinseek_fixtures import world_path
from clinseek_fixtures.film.shipped import shipped_films

DICOM = next((world_path() / "cxr/files").rglob("*.dcm"))
PNG = DICOM.with_suffix(".png")
SIDES = st.integers(1, 3000)
SHARE = st.floats(0, 1)


@pytest.fixture(scope="module")
def reader() -> Iterator[FilmReader]:
    films = FilmReader()
    yield films
    films.close()


def check_part(rows: int, columns: int, view: FilmView) -> None:
    part = part_of(rows, columns, view)
    assert 0 <= part.left < part.right <= columns
    assert 0 <= part.top < part.bottom <= rows
    assert 1 <= part.width <= view.width
    assert 1 <= part.height <= view.height
    if view.zoom == 1:
        assert (part.left, part.top, part.right, part.bottom) == pytest.approx((0, 0, columns, rows))
    # A dot shows as much of the film across as down, up to half a dot of rounding at the edges.
    across, down = (part.right - part.left) / part.width, (part.bottom - part.top) / part.height
    if min(part.width, part.height) > 20:
        assert across * view.tall == pytest.approx(down, rel=0.06)


VIEWS = st.builds(
    FilmView,
    width=st.integers(1, 400),
    height=st.integers(1, 400),
    tall=st.sampled_from([1.0, 2.0]),
    zoom=st.floats(1, 64),
    x=SHARE,
    y=SHARE,
)


@given(SIDES, SIDES, VIEWS)
def test_a_part_lies_within_the_film_and_fits_its_room(rows: int, columns: int, view: FilmView) -> None:
    check_part(rows, columns, view)


@pytest.mark.slow
@settings(max_examples=20_000)
@given(SIDES, SIDES, VIEWS)
def test_a_part_lies_within_the_film_and_fits_its_room_often(rows: int, columns: int, view: FilmView) -> None:
    check_part(rows, columns, view)


@given(st.integers(1, 40), st.integers(1, 40), VIEWS)
@settings(max_examples=40)
def test_every_part_of_a_film_can_be_drawn(rows: int, columns: int, view: FilmView) -> None:
    pixels = np.arange(rows * columns, dtype=np.int64).reshape(rows, columns).astype(np.uint8)
    part = part_of(rows, columns, view)
    assert len(greys_of(pixels, part, ())) == part.width * part.height
    levels = greys_of(pixels, part, (0, 100, 255))
    assert set(levels) <= {0, 1, 2}
    labels = (pixels % 3).astype(np.uint8)
    assert len(outlines_of(labels, rows, columns, part)) == part.width * part.height


def test_brighter_pixels_are_drawn_brighter() -> None:
    pixels = np.tile(np.linspace(0, 255, 200).astype(np.uint8), (100, 1))
    part = part_of(100, 200, FilmView(width=50, height=25))
    drawn = np.frombuffer(greys_of(pixels, part, ()), np.uint8).reshape(part.height, part.width)
    assert (np.diff(drawn.astype(int), axis=1) > 0).all()


def test_closer_shows_the_pixels_of_that_place(reader: FilmReader) -> None:
    film = film_of(PNG.read_bytes())
    seen = reader.view(PNG, (PNG.parent,), FilmView(width=64, height=64, zoom=8, x=0.25, y=0.75))
    left, top, right, bottom = (round(share * 512) for share in seen.box)
    assert (right - left, bottom - top) == (64, 64)
    assert seen.greys == film.pixels[top:bottom, left:right].tobytes(), "a pixel a dot: nothing is lost"


def test_a_window_is_that_of_the_film_s_reader(reader: FilmReader) -> None:
    window = (120.0, 60.0)
    film = film_of(DICOM.read_bytes(), *window)
    seen = reader.view(DICOM, (DICOM.parent,), FilmView(width=512, height=512, window=window))
    assert seen.greys == film.pixels.tobytes()
    assert (seen.facts.window.kind, seen.facts.window.center) == ("asked", 120.0)
    low, high = seen.span
    assert low < 120 < high


def test_the_values_between_which_a_film_lies_are_those_of_its_window() -> None:
    span = exposure_of(DICOM.read_bytes()).span
    wide = film_of(DICOM.read_bytes(), (span[0] + span[1]) / 2, max(span[1] - span[0], 1))
    assert wide.pixels.min() == 0
    assert wide.pixels.max() == 255
    assert exposure_of(PNG.read_bytes()).span == (0, 255)


def test_a_film_that_has_changed_is_read_again_and_one_that_breaks_is_told(
    reader: FilmReader, tmp_path: Path
) -> None:
    path, view = tmp_path / "film.png", FilmView(width=4, height=4)
    for value in (10, 200):
        PIL.Image.fromarray(np.full((8, 8), value, np.uint8)).save(path)
        os.utime(path, ns=(value, value))
        assert set(reader.view(path, (tmp_path,), view).greys) == {value}
    path.write_bytes(b"no film")
    with pytest.raises(FilmError, match="not_a_film"):
        reader.view(path, (tmp_path,), view)
    path.unlink()
    with pytest.raises(FilmError, match="unreadable"):
        reader.view(path, (tmp_path,), view)
    assert reader.view(PNG, (PNG.parent,), view).width == 4


def test_outlines_are_those_of_the_structures_that_were_tinted() -> None:
    film = next(film for film in shipped_films() if film.anatomy)
    names = ("Left Lung", "Right Lung", "Heart")
    masks = {name: film.anatomy[name].mask() for name in names}
    bare = {name: mask & (sum(map(np.asarray, masks.values())) == 1) for name, mask in masks.items()}
    rows, columns = masks["Heart"].shape
    pixels = np.linspace(0, 255, rows * columns).reshape(rows, columns).astype(np.uint8)
    picture = draw_masks(pixels, bare)
    labels = labels_of(picture, names, rows, columns)
    for number, name in enumerate(names, 1):
        both = ((labels == number) & bare[name]).sum()
        assert both / ((labels == number) | bare[name]).sum() > 0.98, name
    part = part_of(rows, columns, FilmView(width=100, height=100))
    edges = np.frombuffer(outlines_of(labels, rows, columns, part), np.uint8).reshape(100, 100)
    assert set(np.unique(edges)) == {0, 1, 2, 3}
    assert (edges > 0).mean() < 0.1, "borders, not areas"


def test_a_picture_of_another_shape_or_that_is_none_gives_no_outlines() -> None:
    out = io.BytesIO()
    PIL.Image.new("RGB", (100, 50), (200, 0, 0)).save(out, "PNG")
    assert labels_of(out.getvalue(), ("Heart",), 50, 50).size == 0
    assert labels_of(out.getvalue(), ("no structure",), 50, 100).size == 0
    assert labels_of(out.getvalue(), ("Heart",), 50, 100).size
    with pytest.raises(FilmError, match="outlines"):
        labels_of(b"no picture", ("Heart",), 50, 100)
