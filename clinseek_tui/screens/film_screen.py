"""Films on the debugger's screen: what the keys of the image pane do."""

from __future__ import annotations

import math

from clinseek_core.errors import InputError
from clinseek_tui.screens.forking_screen import ForkingScreen

__all__ = ["FilmScreen"]


class FilmScreen(ForkingScreen):
    """Looks at films."""

    def action_zoom(self, by: int) -> None:
        """A film larger, or smaller; else the time lens."""
        if self.frame.film is not None:
            self.frame.film.zoom(by)
        else:
            super().action_zoom(by)

    def action_film_contrast(self, by: int) -> None:
        """More contrast, or less."""
        if self.frame.film is not None:
            self.frame.film.contrast(by)

    def action_film_light(self, by: int) -> None:
        """Brighter, or darker."""
        if self.frame.film is not None:
            self.frame.film.light(by)

    def action_film_window(self, written: str) -> None:
        """A window by its centre and width, in the film's own values; its own where nothing is written."""
        if self.frame.film is not None:
            self.frame.film.set_window(window_of(written) if written.strip() else None)

    def action_film_whole(self) -> None:
        """All of the film, by its own window."""
        if self.frame.film is not None:
            self.frame.film.whole()

    def action_film_outlines(self) -> None:
        """With what was found on it, or without."""
        if self.frame.film is not None:
            self.frame.film.turn_outlines()

    def action_film_prior(self) -> None:
        """With the film before at its side, or alone."""
        if self.frame.film is not None and not self.frame.film.turn_prior():
            self.notify("no film of another study was taken before this one", markup=False)

    def action_film(self, by: int) -> None:
        """The film taken before, or after."""
        if self.frame.film is not None:
            self.frame.film.go_films(by)
            self.show_standing()


def window_of(written: str) -> tuple[float, float]:
    """A window as it is written: `128,80`. Raises InputError."""
    center, _, width = written.partition(",")
    try:
        window = float(center), float(width)
    except ValueError as error:
        raise InputError(f"{written!r} is no window; write centre and width as 128,80") from error
    if not all(map(math.isfinite, window)) or window[1] < 1:
        raise InputError(f"{written!r}: a window has a width of 1 or more")
    return window
