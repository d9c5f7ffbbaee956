"""Chest radiographs: reading them from any file without trusting it, and the tools that look at them."""

from clinseek_core.imaging.film import Film, FilmFacts, Window
from clinseek_core.imaging.reading import film_of
from clinseek_core.imaging.refusal import FilmError, Refusal

__all__ = ["Film", "FilmError", "FilmFacts", "Refusal", "Window", "film_of"]
