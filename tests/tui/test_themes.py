"""Both themes can be read, and the terminal's ground picks one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.style import Style

from clinseek_tui.themes import THEMES, preferred


def contrast(style: Style) -> float:
    """The WCAG 2 contrast ratio of a style's ink and ground."""
    assert style.color
    assert style.bgcolor
    dark, light = sorted(luminance(colour.get_truecolor()) for colour in (style.color, style.bgcolor))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: tuple[int, int, int]) -> float:
    red, green, blue = (c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(
    ("env", "name"),
    [
        ({}, "clinseek-dark"),
        ({"COLORFGBG": "0;15"}, "clinseek-light"),
        ({"COLORFGBG": "12;default;15"}, "clinseek-light"),
        ({"COLORFGBG": "15;0"}, "clinseek-dark"),
        ({"TEXTUAL_THEME": "nord", "COLORFGBG": "0;15"}, "nord"),
    ],
)
def test_the_theme_fits_the_terminal(env: dict[str, str], name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("COLORFGBG", "TEXTUAL_THEME"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in env.items():
        monkeypatch.setenv(variable, value)
    assert preferred() == name


@pytest.mark.parametrize("theme", [theme.name for theme in THEMES])
def test_all_text_stands_out_from_its_ground(
    theme: str, app_of: Any, build: Any, drive: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEXTUAL_THEME", theme)

    async def measure(pilot: Any) -> None:
        for key in ("5", "4", "1", "l", "$", "?"):
            await pilot.press(key)
            for strip in pilot.app.screen._compositor.render_strips():
                for text, style, _ in strip:
                    if any(character.isalnum() for character in text):
                        assert contrast(style) >= 4.5, (text, style)

    drive(app_of(build.story(), step=4), measure)


def test_a_theme_that_there_is_not_gives_the_dark_one(
    app_of: Any, build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEXTUAL_THEME", "no-such-theme")
    assert app_of(build.run()).theme == "clinseek-dark"


GOLDEN = Path(__file__).parents[1] / "golden" / "journal-1.jsonl"
PAINTED = """
import asyncio, sys
from pathlib import Path
from clinseek_replay.source import FollowSource
from clinseek_tui.app import DebuggerApp

async def main():
    app = DebuggerApp(FollowSource(Path(sys.argv[1])))
    async with app.run_test():
        print(app.theme, app.screen.styles.background.hex)

asyncio.run(main())
"""


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_a_theme_named_in_the_environment_is_painted(theme: Any) -> None:
    """In a process of its own: Textual reads the variable when it is imported."""
    shown = subprocess.run(
        [sys.executable, "-c", PAINTED, str(GOLDEN)],
        env=os.environ | {"TEXTUAL_THEME": theme.name},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.lower().split() == [theme.name, theme.background]
