"""A film in the terminal: what each kind of terminal is sent, and that it is the film."""

from __future__ import annotations

import base64
import fcntl
import io
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from clinseek_fixtures import world_path
from clinseek_tui import cli
from clinseek_tui.film import PAINTERS, box_of, painter_for
from clinseek_tui.film.cells import GREYS_256, RAMP
from clinseek_tui.film.painting import Box
from clinseek_tui.terminal import TRUE_COLOUR, Terminal, terminal_of

FILM = next((world_path() / "cxr/files").rglob("*.dcm"))
PICTURE = FILM.with_suffix(".png")
QUERY = re.compile(rb"\x1b\[[>?0-9;]*[cqtn]|\x1b\](?!1337)|\x1bP")


def terminal(**changed: Any) -> Terminal:
    given = {"is_terminal": True, "utf8": True, "columns": 100, "lines": 40, "name": "xterm", "colours": 16}
    return Terminal(**(given | changed))


@pytest.fixture
def clinseek(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def run(*argv: object) -> tuple[int, str, str]:
        try:
            code = cli.main(["show", *map(str, argv)])
        except SystemExit as left:
            code = int(left.code or 0)
        return code, *capsys.readouterr()

    return run


def on_a_terminal(environ: dict[str, str], *argv: object) -> bytes:
    """What the command writes to a terminal of 100 x 40 cells of 10 x 20 pixels."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 1000, 800))
    clean = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    command = [sys.executable, "-m", "clinseek_tui", "show", *map(str, argv)]
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=clean | {"LC_ALL": "C.UTF-8"} | environ
    ) as process:
        os.close(theirs)
        told = b""
        while True:
            try:
                read = os.read(ours, 1 << 16)
            except OSError:
                break
            told += read
            if not read:
                break
        assert process.wait(30) == 0, told[-400:]
    os.close(ours)
    return told


def scene() -> PIL.Image.Image:
    """Something that has all greys, edges and noise."""
    across, down = np.meshgrid(np.linspace(0, 1, 64), np.linspace(0, 1, 48))
    values = 255 * across * (0.4 + 0.6 * down)
    values[20:30, 10:20] = 255
    return PIL.Image.fromarray(values.astype(np.uint8))


def drawn_greys(lines: list[str], box: Box) -> np.ndarray:
    """The greys that lines of half-blocks show, two for each cell."""
    numbers = {number: grey for grey, number in GREYS_256}
    shown = np.zeros((2 * box.lines, box.columns))
    for row, line in enumerate(lines):
        column, upper, lower = 0, 0, 0
        for codes, cell in re.findall(r"\x1b\[([\d;]*)m|([▀ ])", line):
            if cell:
                shown[2 * row : 2 * row + 2, column] = (lower if cell == " " else upper), lower
                column += 1
            for kind, how, told in re.findall(r"([34])8;([25]);(\d+)", codes):
                grey = int(told) if how == "2" else numbers[int(told)]
                upper, lower = (grey, lower) if kind == "3" else (upper, grey)
        assert column == box.columns
    return shown


def blurred(values: np.ndarray) -> np.ndarray:
    """Means of 4 x 4 pixels: what an eye sees of dithering."""
    rows, columns = values.shape
    return values.reshape(rows // 4, 4, columns // 4, 4).mean(axis=(1, 3))


@pytest.mark.parametrize(("name", "off"), [("blocks", 0.01), ("256", 4)])
def test_half_blocks_show_the_picture(name: str, off: float) -> None:
    picture, box = scene(), Box(64, 24)
    lines = list(PAINTERS[name].lines(picture, box))
    shown = drawn_greys(lines, box)
    assert np.abs(blurred(shown) - blurred(np.asarray(picture, float))).max() <= off
    assert all(line.endswith(("\x1b[0m", "\x1b[m")) for line in lines), "what comes after has its own colours"


@pytest.mark.parametrize("name", ["blocks", "256"])
def test_the_upper_half_of_a_cell_is_the_upper_pixel(name: str) -> None:
    rows = np.zeros((8, 12), np.uint8)
    rows[1::2] = 255
    shown = drawn_greys(list(PAINTERS[name].lines(PIL.Image.fromarray(rows), Box(12, 4))), Box(12, 4))
    assert (shown == rows).all()


def test_all_greys_of_256_colours_are_used() -> None:
    wide = PIL.Image.fromarray(np.tile(np.linspace(0, 255, 256).astype(np.uint8), (4, 1)))
    told = "".join(PAINTERS["256"].lines(wide, Box(256, 2)))
    assert len(set(re.findall(r"8;5;(\d+)", told))) == 30


def test_characters_are_darker_where_the_picture_is() -> None:
    picture = scene().resize((64, 24), PIL.Image.Resampling.BOX)
    lines = [line.ljust(64) for line in PAINTERS["characters"].lines(picture, Box(64, 24))]
    shown = np.array([[255 * RAMP.index(c) / 9 for c in line] for line in lines])
    assert np.abs(blurred(shown) - blurred(np.asarray(picture, float))).max() <= 16
    assert all(line.isascii() for line in lines)


@pytest.mark.parametrize(
    ("environ", "sent"),
    [({"TERM": "xterm-kitty"}, "kitty"), ({"TERM": "xterm", "TERM_PROGRAM": "WezTerm"}, "iterm2")],
    ids=["kitty", "iterm2"],
)
def test_real_pixels_are_the_film_s_and_nothing_is_asked_of_the_terminal(
    environ: dict[str, str], sent: str
) -> None:
    told = on_a_terminal(environ, FILM)
    assert not QUERY.search(told)
    strips = _kitty_strips(told) if sent == "kitty" else _iterm2_strips(told)
    shown = np.concatenate(strips)[:, :, 0].astype(float)
    with PIL.Image.open(PICTURE, formats=("PNG",)) as film:
        wanted = np.asarray(film.convert("L").resize(shown.shape[::-1], PIL.Image.Resampling.BOX), float)
    assert shown.shape == (560, 560)
    assert np.abs(shown - wanted).mean() < 6
    assert b"AP" in told or b"PA" in told, "the facts stand below"


def _kitty_strips(told: bytes) -> list[np.ndarray]:
    strips, data = [], b""
    for control, payload in re.findall(rb"\x1b_G([^;]*);([^\x1b]*)\x1b\\", told):
        if control.startswith(b"a=T"):
            width, height = (int(re.search(rb"%s=(\d+)" % key, control)[1]) for key in (b"s", b"v"))
        data += payload
        if not control.endswith(b"m=1"):
            pixels = np.frombuffer(zlib.decompress(base64.b64decode(data)), np.uint8)
            strips.append(pixels.reshape(height, width, 3))
            data = b""
    return strips


def _iterm2_strips(told: bytes) -> list[np.ndarray]:
    files = re.findall(rb"\x1b\]1337;File=[^:]*:([A-Za-z0-9+/=]+)", told)
    return [np.asarray(PIL.Image.open(io.BytesIO(base64.b64decode(file))).convert("RGB")) for file in files]


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "blocks"),
        ({"TERM": "xterm-256color"}, "256"),
        ({"TERM": "xterm"}, "characters"),
        ({"TERM": "dumb", "COLORTERM": "truecolor"}, "characters"),
        ({"TERM": "xterm-kitty", "NO_COLOR": "1"}, "characters"),
        ({"TERM": "xterm-kitty"}, "blocks"),
        ({"TERM": "tmux-256color", "KITTY_WINDOW_ID": "1", "TMUX": "/tmp/x"}, "256"),
    ],
    ids=lambda value: value if isinstance(value, str) else "+".join(value.values()).replace("/", "-"),
)
def test_the_environment_says_what_is_drawn(environ: dict[str, str], name: str) -> None:
    class Stream(io.StringIO):
        encoding = "utf-8"

        def isatty(self) -> bool:
            return True

    assert painter_for(terminal_of(Stream(), environ)).name == name, "no size of a cell: no pixels are sent"
    Stream.encoding = "ascii"
    assert painter_for(terminal_of(Stream(), environ)).name == "characters"
    assert painter_for(terminal_of(io.StringIO(), environ)).name == "characters"


def test_a_film_fits_the_terminal_or_has_the_width_that_is_asked() -> None:
    assert box_of(2000, 1000, terminal(), None, 10) == Box(30, 30)
    assert box_of(1000, 2000, terminal(), None, 10) == Box(100, 25)
    assert box_of(1000, 1000, terminal(), 60, 10) == Box(60, 30)
    assert box_of(1000, 1000, terminal(cell=(10, 20)), 60, 10) == Box(60, 30)
    assert box_of(1000, 1000, terminal(columns=9999, lines=9999), None, 10) == Box(400, 200)
    assert box_of(50_000_000, 1, terminal(), 60, 10) == Box(60, 400)
    assert box_of(1, 50_000_000, terminal(), 60, 10) == Box(60, 1)
    assert box_of(1000, 1000, terminal(lines=2), None, 10).lines >= 1


def test_true_colour_is_more_than_256() -> None:
    assert painter_for(terminal(colours=TRUE_COLOUR)).name == "blocks"


def test_in_a_pipe_the_film_is_characters_over_its_facts(clinseek: Callable[..., Any]) -> None:
    code, out, _ = clinseek(FILM, "--width", "40")
    lines = out.splitlines()
    assert code == 0
    assert lines[20] == FILM.name
    assert all(len(line) <= 40 for line in lines[:20])
    assert "\x1b" not in out
    assert any(line.startswith("window   centre ") for line in lines)
    assert any(line.startswith("warning  ") for line in lines)
    assert lines[-1] == "drawn    40 columns: characters"


def test_a_window_changes_what_is_drawn_and_what_is_told(clinseek: Callable[..., Any]) -> None:
    own, other = (clinseek(FILM, "--width", "30", *more)[1] for more in ((), ("--window", "60,20")))
    assert "window   centre 60, width 20 (as asked)" in other
    assert own.splitlines()[:15] != other.splitlines()[:15]


def test_json_tells_the_facts(clinseek: Callable[..., Any]) -> None:
    code, out, _ = clinseek(FILM, "--json")
    told = json.loads(out)
    assert (code, told["facts"]["format"], told["facts"]["rows"]) == (0, "DICOM", 512)


def test_a_link_that_a_person_names_is_followed(clinseek: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "link.dcm").symlink_to(FILM)
    assert clinseek(tmp_path / "link.dcm", "--width", "8")[0] == 0


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("none.png", None, "unreadable: No such file"),
        ("text.png", b"no film", "not_a_film: "),
        ("cut.png", PICTURE.read_bytes()[:3000], ": "),
        ("cut.dcm", FILM.read_bytes()[:20000], ": "),
        ("bad\x1b[31m.png", b"no film", "bad␛[31m.png: not_a_film"),
    ],
    ids=["none", "text", "cut-png", "cut-dcm", "name"],
)
def test_what_is_no_film_is_2_and_says_why(
    clinseek: Callable[..., Any], tmp_path: Path, name: str, content: bytes | None, told: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    code, out, error = clinseek(tmp_path / name)
    assert (code, out) == (2, "")
    assert told in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize(
    "argv",
    [["--window", "3"], ["--window", "1,0"], ["--window", "nan,4"], ["--width", "3"], ["--draw", "kitty"]],
    ids=" ".join,
)
def test_wrong_usage_is_2(clinseek: Callable[..., Any], argv: list[str]) -> None:
    code, out, error = clinseek(FILM, *argv)
    assert (code, out) == (2, "")
    assert "Traceback" not in error
