"""Films as text for a terminal: by pixels, by coloured half-blocks, or by characters."""

from clinseek_tui.film.facts import facts_lines
from clinseek_tui.film.painting import PAINTERS, Painter, box_of, painter_for

__all__ = ["PAINTERS", "Painter", "box_of", "facts_lines", "painter_for"]
