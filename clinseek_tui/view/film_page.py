"""What the image pane shows for a row of the timeline: films, and what its call said of one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from clinseek_replay.trajectory import Trajectory

if TYPE_CHECKING:
    # They load with the first film.
    from clinseek_replay.film_answers import FilmAnswer
    from clinseek_replay.films import RunFilm

__all__ = ["FilmPage"]


class FilmPage(NamedTuple):
    """The films of a row."""

    run: Trajectory
    films: tuple[RunFilm, ...]
    """Never empty."""
    at: int
    """The film that the row is about."""
    answer: FilmAnswer
    """What the row's call said of that film."""
