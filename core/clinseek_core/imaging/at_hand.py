"""The films of a case for those who look at them: as pictures, and as the digests of their files."""

from __future__ import annotations

import hashlib

from clinseek_core.imaging.films import FilmReader, ShownFilm
from clinseek_core.imaging.of_case import AskedFilm, CaseFilms
from clinseek_core.imaging.opening import read_file

__all__ = ["FilmsAtHand"]


class FilmsAtHand:
    """Reads the films of one case. Both methods raise FilmError for a file that is no film."""

    def __init__(self, films: CaseFilms, reader: FilmReader) -> None:
        self._films = films
        self._reader = reader

    def show(self, film: AskedFilm, max_edge: int = 0) -> ShownFilm:
        """The film, or the view of it that was asked for, as a picture; whole where `max_edge` is 0."""
        return self._reader.show(film.path, self._films.roots, film.window, max_edge)

    def digest(self, film: AskedFilm) -> str:
        """SHA-256 of the film's file as it lies there."""
        return hashlib.sha256(read_file(film.path, self._films.roots)).hexdigest()
