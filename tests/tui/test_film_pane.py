"""The image pane in the app: which film it shows, what its keys do, and what it says where it can't."""

from __future__ import annotations

import json
import shutil
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from rich.color import ColorSystem
from textual import events

from clinseek_core.case import CaseImage
from clinseek_core.case_files import load_cases
from clinseek_core.errors import InputError
from clinseek_core.imaging.boxes import Box, predictions
from clinseek_core.imaging.films import FilmReader
from clinseek_core.journal import DataInfo, ImageRef
from clinseek_fixtures import bench_cases_path, world_path
from clinseek_replay.films import films_of
from clinseek_tui.film.desk import places_of
from clinseek_tui.screens.film_screen import window_of

CASE = next(case for case in load_cases(bench_cases_path()) if len(case.images) > 1)
FIRST, SECOND = CASE.images[:2]
HALF_BLOCK = "▀"
GROUNDING = "image.xray_phrase_grounding"


def told(output: dict[str, Any], **metadata: Any) -> str:
    return json.dumps({"output": output, "metadata": {"backend": "fixture", **metadata}})


def seen(pilot: Any) -> Any:
    return pilot.app.screen.frame.film.sights[-1].seen


def test_the_film_of_an_image_call_opens_by_itself_with_its_boxes_named(
    coloured: Any, films_run: Any, drive: Any, look: Any
) -> None:
    async def story(pilot: Any) -> None:
        screen = await look(pilot)
        assert screen.count(HALF_BLOCK) > 500
        assert "3 image" in screen
        assert "1  left lower zone" in screen
        assert "2/2 · 2152-10-10 18:53 · study 95102997" in screen
        assert "PNG, 512 x 512 pixels" in screen
        with_box = pilot.app.screen.frame.film._canvas
        bare = await look(pilot, "v")
        assert "outlines (v shows them)" in bare
        assert pilot.app.screen.frame.film._canvas != with_box
        await look(pilot, "v")
        assert pilot.app.screen.frame.film._canvas == with_box
        assert "left lower zone" not in await look(pilot, ","), "it was found on the other film"
        panes.append(pilot.app.screen.frame.film)

    panes: list[Any] = []
    drive(coloured(films_run()), story)
    assert panes[0]._desk._reader._worker is None, "the process that reads films has ended with the app"


def test_scores_stand_as_bars_beside_the_film_that_was_scored(
    coloured: Any, films_run: Any, drive: Any, look: Any
) -> None:
    async def story(pilot: Any) -> None:
        screen = await look(pilot, "l")
        assert "█████████▏ 0.91 Cardiomegaly" in screen
        assert "██········ 0.20 Pleural Effusion" in screen
        assert "1/2 · 2152-10-08 18:05" in screen
        other = await look(pilot, ".")
        assert "0.91 Cardiomegaly" not in other, "they are of the other film"
        assert "2/2 · " in other

    drive(coloured(films_run()), story, (80, 24))


def test_keys_look_closer_move_over_the_film_and_change_the_window(
    coloured: Any, films_run: Any, drive: Any, look: Any
) -> None:
    async def story(pilot: Any) -> None:
        await look(pilot)
        whole = seen(pilot)
        assert whole.box == (0, 0, 1, 1)
        assert "2.2×" in await look(pilot, "+", "+")
        near = seen(pilot)
        assert near.box[2] - near.box[0] < 0.7
        await look(pilot, ">", "j")
        moved = seen(pilot)
        assert moved.box[0] > near.box[0]
        assert moved.box[1] > near.box[1]
        await look(pilot, "<", "k")
        assert seen(pilot).box == pytest.approx(near.box)
        await pilot.press(*["<"] * 30)
        await look(pilot, "home")
        assert seen(pilot).box[:2] == (0, 0), "never beyond the edge"
        assert "window" in (await look(pilot, "r", ")"))
        narrow = seen(pilot)
        assert narrow.facts.window.width < 255
        assert narrow.box == (0, 0, 1, 1)
        mean = sum(narrow.greys)
        await look(pilot, "}")
        assert sum(seen(pilot).greys) > mean, "brighter"
        await look(pilot, "{", "{")
        assert sum(seen(pilot).greys) < mean, "darker"
        await look(pilot, "r")
        assert seen(pilot).greys == whole.greys
        assert "window 90,40" in await look(pilot, ":", *"window", "space", *"90,40", "enter")
        assert seen(pilot).facts.window.center == 90
        assert "is no window" in await look(pilot, ":", *"window", "space", *"x", "enter")

    drive(coloured(films_run()), story)


def test_the_wheel_looks_closer_and_a_drag_moves_the_film(
    coloured: Any, films_run: Any, drive: Any, look: Any
) -> None:
    async def story(pilot: Any) -> None:
        await look(pilot)
        pane = pilot.app.screen.frame.film
        for kind in (events.MouseScrollUp, events.MouseScrollUp, events.MouseScrollDown):
            pane.post_message(kind(pane, 20, 10, 0, 0, 0, False, False, False))
            await look(pilot)
        assert pane.look.zoom == pytest.approx(1.5)
        before = seen(pilot).box
        await pilot.mouse_down(pane, offset=(30, 15))
        await pilot.hover(pane, offset=(20, 10))
        await pilot.mouse_up(pane, offset=(20, 10))
        await look(pilot)
        after = seen(pilot).box
        assert after[0] > before[0], "the film goes left with the hand: what is right of it is seen"
        assert after[1] > before[1]
        await pilot.hover(pane, offset=(40, 20))
        await look(pilot)
        assert seen(pilot).box == after, "let go, it stays"
        await pilot.press("tab")
        assert pilot.app.screen.frame.on_timeline
        await pilot.click(pane, offset=(10, 5))
        assert pilot.app.screen.frame.reading is pane, "a click reads it"

    drive(coloured(films_run()), story)


def test_the_film_before_stands_at_the_side_of_this_one(
    coloured: Any, films_run: Any, drive: Any, look: Any
) -> None:
    async def story(pilot: Any) -> None:
        await look(pilot)
        screen = await look(pilot, "p")
        assert "prior · 2152-10-08 18:05" in screen
        assert "2152-10-10 18:53" in screen
        before, now = (sight.seen for sight in pilot.app.screen.frame.film.sights)
        assert before.greys != now.greys
        await look(pilot, "+")
        before, now = (sight.seen for sight in pilot.app.screen.frame.film.sights)
        assert before.box == now.box, "both are looked at alike"
        assert "prior ·" not in await look(pilot, "p")
        assert "no film of another study was taken before" in await look(pilot, ",", "p")

    drive(coloured(films_run()), story)


def test_the_films_of_the_case_can_be_looked_at_from_any_row(
    coloured: Any, films_run: Any, drive: Any, look: Any
) -> None:
    async def story(pilot: Any) -> None:
        assert HALF_BLOCK not in await look(pilot, "l", "l"), "a query opens with its result"
        screen = await look(pilot, "3")
        assert screen.count(HALF_BLOCK) > 500
        assert "2/2 · " in screen, "the latest that was known"
        case = await look(pilot, "0")
        assert "films of the case" in case
        plain = await look(pilot, "escape")
        assert "films (2), shown by 3" in plain
        assert "2152-10-08 18:05" in plain

    drive(coloured(films_run()), story)


def test_a_film_after_the_cutoff_is_marked_as_such(
    coloured: Any, films_run: Any, drive: Any, look: Any
) -> None:
    async def story(pilot: Any) -> None:
        assert "⚑ after the cutoff" in await look(pilot)
        assert "⚑ after the cutoff" not in await look(pilot, ",")

    drive(coloured(films_run(prediction_time=datetime(2152, 10, 9))), story, (140, 40))


def test_what_is_not_there_or_broken_is_told_in_its_place_and_the_next_film_comes(
    coloured: Any, films_run: Any, build: Any, drive: Any, look: Any, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.dcm"
    broken.write_bytes(b"no film at all")
    far = build.call("image.image_visualizer", {"image_path": "/far/away/film.png"}, told({}))
    bad = build.call("image.image_visualizer", {"image_path": str(broken)}, told({}))
    last = build.call("image.image_visualizer", {"image_path": FIRST.path}, told({}))

    async def story(pilot: Any) -> None:
        screen = " ".join((await look(pilot, *"lll")).replace("│", " ").split())
        assert "✗ /far/away/film.png: the film is not on this machine" in screen
        assert "--ehr" in screen
        assert "✗ not_a_film" in await look(pilot, "l")
        await look(pilot, *"+)}vp,.><r")
        assert (await look(pilot, "$")).count(HALF_BLOCK) > 500

    drive(coloured(films_run(far, bad, last)), story)


def test_a_picture_beside_the_recording_stands_in_for_a_film_that_is_elsewhere(
    coloured: Any, films_run: Any, drive: Any, look: Any, tmp_path: Path
) -> None:
    journal = tmp_path / "run.jsonl"
    journal.write_text("{}")
    (tmp_path / "run.jsonl.bodies").mkdir()
    digest = "ab" * 32
    shutil.copy(world_path() / FIRST.path, tmp_path / "run.jsonl.bodies" / digest)
    away = CaseImage(path="elsewhere/film-one.png", taken_at=FIRST.taken_at)
    kept = ImageRef(media_type="image/png", sha256=digest, bytes=1, label="elsewhere/film-one.png, study 1")
    run = films_run(films=(away,), pictures=(kept,), data=None, source=str(journal))

    async def story(pilot: Any) -> None:
        screen = await look(pilot, "l", "l", "3")
        assert screen.count(HALF_BLOCK) > 500
        assert "the film's file is not here; this is the picture" in screen

    drive(coloured(run), story, (200, 50))


@pytest.mark.parametrize(
    ("system", "ascii_only", "name"),
    [
        (ColorSystem.TRUECOLOR, False, "blocks"),
        (ColorSystem.EIGHT_BIT, False, "256"),
        (ColorSystem.STANDARD, False, "characters"),
        (ColorSystem.TRUECOLOR, True, "characters"),
    ],
    ids=["24-bit", "256", "16", "ascii"],
)
def test_a_film_is_drawn_as_the_terminal_can(
    coloured: Any, films_run: Any, drive: Any, look: Any, system: ColorSystem, ascii_only: bool, name: str
) -> None:
    async def story(pilot: Any) -> None:
        screen = await look(pilot)
        assert pilot.app.screen.frame.film.drawing.name == name
        assert (HALF_BLOCK in screen) == (name != "characters")
        if name == "characters":
            assert "111111" in screen, "the box is drawn by its number"
        if ascii_only:
            assert screen.isascii()

    drive(coloured(films_run(), system, ascii_only=ascii_only), story, (80, 24))


def test_without_colours_a_film_is_drawn_in_characters(
    coloured: Any, films_run: Any, drive: Any, look: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def story(pilot: Any) -> None:
        assert HALF_BLOCK not in await look(pilot)

    drive(coloured(films_run()), story)


ACTING = set("\x1b\x07\x9b\x00\r\u202e\u200b")
HOSTILE = "\x1b[31mred\x1b]52;c;eA==\x07 \u202egnp\u202c [bold]no[/bold] a\u200bb 水 e\u0301 \x9b2J\r\x00\n"


@pytest.mark.parametrize("size", [(80, 24), (200, 60), (31, 9)], ids=["80x24", "200x60", "31x9"])
def test_hostile_names_and_labels_keep_the_pane_in_its_place(
    coloured: Any, films_run: Any, build: Any, drive: Any, look: Any, size: tuple[int, int]
) -> None:
    box = Box(HOSTILE, 0.1, 0.1, 0.9, 0.9)
    texts = {"findings": HOSTILE * 20, "impression": HOSTILE, "predictions": predictions([box] * 20, 9, 9)}
    odd = build.call(
        GROUNDING, {"image_path": FIRST.path}, told(texts, original_size=[9, 9], note=HOSTILE, model=HOSTILE)
    )
    lost = build.call("image.image_visualizer", {"image_path": HOSTILE}, told({}))

    async def story(pilot: Any) -> None:
        for key in ("l", "l", "l", "j", "p", "+", "v", "v", ".", "end", "l", "p"):
            await look(pilot, key)
            strips = pilot.app.screen._compositor.render_strips()
            assert {strip.cell_length for strip in strips} == {size[0]}, key
            assert not set("\x1b\x07\x9b\x00\r\u202e\u200b") & set("".join(strip.text for strip in strips)), (
                key
            )

    drive(coloured(films_run(odd, lost)), story, size)


def test_a_slow_film_keeps_no_key_waiting_and_only_the_last_wish_is_read(
    coloured: Any, films_run: Any, drive: Any, look: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, asked, view = threading.Event(), [], FilmReader.view

    def slow(self: FilmReader, path: Path, roots: Any, wanted: Any, picture: Any = None) -> Any:
        asked.append(wanted.zoom)
        assert gate.wait(20)
        return view(self, path, roots, wanted, picture)

    monkeypatch.setattr(FilmReader, "view", slow)

    async def story(pilot: Any) -> None:
        await pilot.press(*"++++++++")
        await pilot.pause(0.3)
        screen = pilot.app.screen
        assert "the film is being read" in "".join(s.text for s in screen._compositor.render_strips())
        gate.set()
        await look(pilot)
        assert asked[0] == 1
        assert asked[-1] == pytest.approx(1.5**8)
        assert len(asked) < 5, "what was passed over is not read"
        assert seen(pilot).box[2] < 1

    drive(coloured(films_run()), story)


def test_copying_takes_what_was_found_and_not_the_dots(
    coloured: Any, films_run: Any, drive: Any, look: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[str] = []

    async def story(pilot: Any) -> None:
        monkeypatch.setattr(type(pilot.app), "copy_to_clipboard", lambda _, text: copied.append(text))
        await look(pilot, "l", "y")
        assert "0.91 Cardiomegaly" in copied[0]
        assert HALF_BLOCK not in copied[0]

    drive(coloured(films_run()), story)


@pytest.mark.parametrize(
    ("name", "ehr", "places"),
    [
        ("/abs/film.png", None, ["/abs/film.png"]),
        ("../../etc/film.png", None, []),
        ("x/files/p1/film.png", "/cxr", ["/data/x/files/p1/film.png", "/cxr/files/p1/film.png"]),
        ("film.png", "/cxr", ["/data/film.png", "/cxr/film.png", "/cxr/cxr/film.png"]),
        ("", None, []),
    ],
    ids=["absolute", "upwards", "mimic", "bare", "empty"],
)
def test_where_a_film_is_looked_for(build: Any, name: str, ehr: str | None, places: list[str]) -> None:
    run = build.run(films=(CaseImage(path=name),), data=DataInfo(source="/data", digest=""))
    found = places_of(run, films_of(run)[0], Path(ehr) if ehr else None)
    assert [str(path) for path in found][: len(places)] == places
    assert places or found == ()


def test_a_window_is_read_as_it_is_written() -> None:
    assert window_of("128, 80") == (128, 80)
    for wrong in ("", "1", "1,x", "1,0", "nan,5", "1,inf"):
        with pytest.raises(InputError):
            window_of(wrong)
