"""The app's two themes: one accent, red for leaks and errors alone."""

from __future__ import annotations

import os

from textual.theme import Theme

__all__ = ["THEMES", "preferred"]

_DARK = Theme(
    name="clinseek-dark",
    primary="#56c4b4",
    secondary="#a9cfc4",
    accent="#56c4b4",
    warning="#d9b36c",
    error="#f07178",
    success="#56c4b4",
    foreground="#d6dde4",
    background="#0f1419",
    surface="#1d2830",
    panel="#172027",
    dark=True,
)
_LIGHT = Theme(
    name="clinseek-light",
    primary="#00695c",
    secondary="#3f5f58",
    accent="#00695c",
    warning="#8a5a00",
    error="#b3261e",
    success="#00695c",
    foreground="#1f2a30",
    background="#fbfaf7",
    surface="#e3ece9",
    panel="#f0f0ec",
    dark=False,
)
THEMES = (_DARK, _LIGHT)

_LIGHT_GROUNDS = {"7", "15"}


def preferred() -> str:
    """The theme that `TEXTUAL_THEME` names, else the one that fits the terminal's ground.

    `COLORFGBG` tells the ground where the terminal sets it (`0;15`: black on white).
    """
    named = os.environ.get("TEXTUAL_THEME")
    if named:
        return named
    ground = os.environ.get("COLORFGBG", "").rpartition(";")[2]
    return _LIGHT.name if ground in _LIGHT_GROUNDS else _DARK.name
