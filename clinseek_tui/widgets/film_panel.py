"""A film that is sent as pixels: a widget of textual-image over the image pane's room for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.geometry import Region
from textual.screen import Screen

from clinseek_core.imaging.viewing import SeenFilm
from clinseek_tui.film.drawn import drawn_film
from clinseek_tui.film.pixels import Pixels, picture_of

if TYPE_CHECKING:
    from clinseek_tui.view.film import Mark

__all__ = ["Panel"]


class Panel:
    """One film over a screen."""

    def __init__(self, pixels: Pixels) -> None:
        self._pixels = pixels
        self._widget: Any = None
        self._shown: tuple[object, ...] = ()

    @property
    def widget(self) -> Any:
        """What is on the screen, once there was a film to be shown."""
        return self._widget

    def show(self, screen: Screen[Any], seen: SeenFilm | None, marks: tuple[Mark, ...], room: Region) -> None:
        """Show a film in the middle of its room; nothing where there is none."""
        if seen is None:
            self.hide()
            return
        if self._widget is None:
            assert self._pixels.widget is not None  # noqa: S101 - who makes panels has looked
            self._widget = self._pixels.widget()
            self._widget.styles.layer = "over"
            self._widget.styles.position = "absolute"
            screen.mount(self._widget)
        width, height = self._pixels.cell
        columns, lines = min(-(-seen.width // width), room.width), min(-(-seen.height // height), room.height)
        place = (room.x + (room.width - columns) // 2, room.y + (room.height - lines) // 2, columns, lines)
        shown = (id(seen), marks, place)
        if shown != self._shown:
            self._shown = shown
            self._widget.styles.offset = place[:2]
            self._widget.styles.width, self._widget.styles.height = columns, lines
            drawn = drawn_film(seen, marks)
            self._widget.image = picture_of(drawn.dots, drawn.colours, drawn.signs, height)
        self._widget.display = True

    def hide(self) -> None:
        """Take it off the screen until a film is shown again."""
        if self._widget is not None:
            self._widget.display = False
