"""Films as pixels: a terminal is sent the film, where it belongs, and it is gone when it is not shown."""

from __future__ import annotations

import base64
import io
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from rich.color import ColorSystem

from clinseek_core.imaging.boxes import Box
from clinseek_core.imaging.films import FilmReader
from clinseek_core.imaging.viewing import FilmView
from clinseek_fixtures import world_path
from clinseek_tui.film.cells import Dots, outlined
from clinseek_tui.film.pixels import Pixels, picture_of, pixels_of
from clinseek_tui.terminal import TRUE_COLOUR, Terminal

widget = pytest.importorskip("textual_image.widget", reason="the extra pixels is not installed")

CELL = (10, 20)
PLACEHOLDER = "\U0010eeee"
SENT = re.compile(r"\x1b_G([^;\x1b]*)(?:;([^\x1b]*))?\x1b\\")


class Wire(io.StringIO):
    """What textual-image writes to the terminal beside the app."""

    def isatty(self) -> bool:
        return False

    def pictures(self) -> list[np.ndarray]:
        """The pictures that were sent by Kitty's protocol."""
        found, data = [], ""
        for control, payload in SENT.findall(self.getvalue()):
            if "f=100" in control:
                data += payload
                if "m=0" in control:
                    picture = PIL.Image.open(io.BytesIO(base64.b64decode(data)))
                    found.append(np.asarray(picture.convert("L"), float))
                    data = ""
        return found


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    made = Wire()
    monkeypatch.setattr(sys, "__stdout__", made)
    return made


@pytest.fixture
def kitty(app_of: Any, films_run: Any) -> Any:
    """An app whose terminal shows pixels by Kitty's protocol."""
    app = app_of(films_run())
    app.console._color_system = ColorSystem.TRUECOLOR
    app.pixels = Pixels(widget.TGPImage, CELL, "Kitty's protocol")
    return app


async def looked(pilot: Any, *keys: str) -> list[str]:
    for key in keys or ("",):
        if key:
            await pilot.press(key)
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
    return [strip.text for strip in pilot.app.screen._compositor.render_strips()]


def shown(lines: list[str]) -> list[int]:
    """Placeholders of a picture, line by line."""
    return [line.count(PLACEHOLDER) for line in lines if PLACEHOLDER in line]


def test_the_film_s_own_pixels_are_sent_and_lie_in_the_film_s_room(
    kitty: Any, drive: Any, wire: Wire, tmp_path: Path
) -> None:
    first = world_path() / kitty_film(kitty)

    async def story(pilot: Any) -> None:
        counts = shown(await looked(pilot, ","))
        assert len(counts) > 20
        assert len(set(counts)) == 1, "a rectangle"
        height, width = len(counts) * CELL[1], counts[0] * CELL[0]
        sent = wire.pictures()[-1]
        assert sent.shape[0] == pytest.approx(height, abs=CELL[1])
        assert sent.shape[1] == pytest.approx(width, abs=CELL[0])
        with PIL.Image.open(first, formats=("PNG",)) as film:
            size = (sent.shape[1], sent.shape[0])
            wanted = np.asarray(film.convert("L").resize(size, PIL.Image.Resampling.BILINEAR), float)
        assert np.abs(sent - wanted).mean() < 4
        assert not any("▀" in line for line in await looked(pilot))

    drive(kitty, story, (140, 40))


def kitty_film(app: Any) -> str:
    run = app._first.run
    path: str = min(run.films, key=lambda film: film.taken_at).path
    return path


def test_two_films_are_two_pictures_and_a_page_over_them_hides_both(
    kitty: Any, drive: Any, wire: Wire
) -> None:
    async def story(pilot: Any) -> None:
        one = shown(await looked(pilot))
        two = shown(await looked(pilot, "p"))
        assert two
        assert max(two) > max(one) / 2
        screen = pilot.app.screen
        assert sum(each.display for each in screen.query(widget.TGPImage)) == 2
        assert not shown(await looked(pilot, "?"))
        assert shown(await looked(pilot, "?")) == two
        assert not shown(await looked(pilot, "1"))
        await looked(pilot, "3", "p")
        assert sum(each.display for each in screen.query(widget.TGPImage)) == 1

    drive(kitty, story, (120, 40))


def test_outlines_and_signs_are_drawn_in_their_colours() -> None:
    dots = outlined(Dots(60, 60, bytes(3600)), [(2, Box("", 0.2, 0.2, 0.8, 0.8))], (0.0, 0.0, 1.0, 1.0))
    picture = picture_of(dots, [(255, 0, 0), (0, 255, 0)], [(30, 30, "2")], 12)
    pixels = np.asarray(picture)
    assert (pixels[12, 30] == (0, 255, 0)).all()
    assert (pixels[5, 5] == 0).all()
    assert pixels[30:45, 30:40].min(axis=2).max() > 200, "the sign"
    assert picture_of(Dots(2, 2, bytes(4)), [], [], 12).mode == "L"


def test_what_a_terminal_can_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {"is_terminal": True, "utf8": True, "columns": 80, "lines": 24, "name": "xterm"}
    terminal = Terminal(**given, colours=TRUE_COLOUR, cell=(40, 80))
    renderable = pytest.importorskip("textual_image.renderable")
    monkeypatch.setattr(renderable, "Image", renderable.TGPImage)
    found = pixels_of(terminal, {})
    assert (found.widget, found.cell, found.says) == (widget.TGPImage, (16, 32), "Kitty's protocol")
    assert found.drawing.tall == 1
    monkeypatch.setattr(renderable, "Image", renderable.SixelImage)
    assert pixels_of(terminal, {}).widget is widget.SixelImage
    monkeypatch.setattr(renderable, "Image", renderable.HalfcellImage)
    assert "neither Kitty's images nor Sixel" in pixels_of(terminal, {}).says
    assert "colours" in pixels_of(terminal._replace(colours=0), {}).says
    assert pixels_of(terminal, {"TEXTUAL_DRIVER": "web"}).widget is None
    monkeypatch.setitem(sys.modules, "textual_image", None)
    assert "pip install 'clinseek-tui[pixels]'" in pixels_of(terminal, {}).says


def test_where_there_are_no_pixels_the_pane_says_why_and_draws_cells(
    kitty: Any, drive: Any, wire: Wire
) -> None:
    kitty.pixels = Pixels(says="this terminal has neither Kitty's images nor Sixel")

    async def story(pilot: Any) -> None:
        lines = await looked(pilot)
        assert any("▀" in line for line in lines)
        told = " ".join("".join(re.findall(r"▀ ([^│]*)", line)).strip() for line in lines)
        assert "neither Kitty's images nor Sixel" in told
        assert wire.getvalue() == ""

    drive(kitty, story, (240, 40))


def test_sixel_s_bytes_hold_the_film(app_of: Any, films_run: Any, drive: Any, wire: Wire) -> None:
    app = app_of(films_run())
    app.pixels = Pixels(widget.SixelImage, CELL, "Sixel")

    async def story(pilot: Any) -> None:
        await looked(pilot)
        panel = pilot.app.screen.frame.film._panels[0]
        strips = panel.widget.children[0].render_lines(panel.widget.children[0].size.region)
        sixels = [segment.text for strip in strips for segment in strip if "\x1bP" in segment.text]
        assert len(sixels) == 1
        size = re.search(r'"\d+;\d+;(\d+);(\d+)', sixels[0])
        assert size is not None
        assert int(size[1]) == panel.widget.size.width * CELL[0]

    drive(app, story, (120, 40))


def test_a_film_is_read_at_the_size_of_its_pixels(
    kitty: Any, drive: Any, wire: Wire, monkeypatch: Any
) -> None:
    asked: list[FilmView] = []
    view = FilmReader.view

    def noted(self: FilmReader, path: Path, roots: Any, wanted: FilmView, picture: Any = None) -> Any:
        asked.append(wanted)
        return view(self, path, roots, wanted, picture)

    monkeypatch.setattr(FilmReader, "view", noted)

    async def story(pilot: Any) -> None:
        await looked(pilot)
        assert asked[-1].width > 500
        assert asked[-1].tall == 1
        assert asked[-1].levels == ()

    drive(kitty, story, (120, 40))
