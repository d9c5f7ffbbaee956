"""The app's themes: one accent each, and one colour for leaks and errors alone."""

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
_CONTRAST = Theme(
    name="clinseek-contrast",
    primary="#5cf2e0",
    secondary="#e6e6e6",
    accent="#5cf2e0",
    warning="#ffd866",
    error="#ff8f8f",
    success="#5cf2e0",
    foreground="#ffffff",
    background="#000000",
    surface="#1f1f1f",
    panel="#0d0d0d",
    dark=True,
)
_COLOUR_BLIND = Theme(
    # Blue beside orange is told apart with every kind of colour blindness.
    name="clinseek-colour-blind",
    primary="#74b9f5",
    secondary="#b9cfe4",
    accent="#74b9f5",
    warning="#f0e442",
    error="#ff9e3d",
    success="#74b9f5",
    foreground="#e4e8ec",
    background="#0f1419",
    surface="#1d2830",
    panel="#172027",
    dark=True,
)
THEMES = (_DARK, _LIGHT, _CONTRAST, _COLOUR_BLIND)

_LIGHT_GROUNDS = {"7", "15"}


def preferred(configured: str = "auto") -> str:
    """The theme that `TEXTUAL_THEME` names, else the one configured, else the one that fits.

    `COLORFGBG` tells the ground where the terminal sets it (`0;15`: black on white).
    """
    named = os.environ.get("TEXTUAL_THEME")
    if named:
        return named
    if configured != "auto":
        return f"clinseek-{configured}"
    ground = os.environ.get("COLORFGBG", "").rpartition(";")[2]
    return _LIGHT.name if ground in _LIGHT_GROUNDS else _DARK.name
