"""The image pane as values: which films there are, which part of one is looked at, what stands beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

from clinseek_core.imaging.boxes import Box
from clinseek_core.imaging.structures import COLOURS
from clinseek_core.imaging.viewing import MOST_ZOOM, SeenFilm
from clinseek_core.text import one_line
from clinseek_replay.film_answers import FilmAnswer, answer_of
from clinseek_replay.films import RunFilm, film_of_call, films_of, prior_of
from clinseek_replay.trajectory import Call, Trajectory
from clinseek_tui.film.cells import sign
from clinseek_tui.film.facts import facts_lines
from clinseek_tui.view.blocks import Block, Document, heading
from clinseek_tui.view.film_page import FilmPage

__all__ = [
    "FilmLook",
    "Mark",
    "bar",
    "beside",
    "caption",
    "film_page",
    "marks_of",
    "prior_caption",
    "prior_in",
]

_EMPTY = FilmAnswer()
_COLOURS = ((255, 176, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (204, 121, 167), (213, 94, 0))
"""Of boxes: those that colour-blind readers tell apart (Okabe and Ito)."""
_CLOSER = 1.5
_NARROWER = 1.25
STEP = 0.1
"""Of the window's width by which its centre moves, and of what is seen by which one moves over the film."""
_LEAST_WIDTH = 1.0
_BAR = 10
_EIGHTHS = " ▏▎▍▌▋▊▉"
_LABEL = 60


class Mark(NamedTuple):
    """Something that can be outlined on the film."""

    label: str
    colour: tuple[int, int, int]
    box: Box
    x: float
    y: float
    """Where its sign stands, in shares of the film."""
    tinted: bool = False
    """Whether its outline may come with the recorded picture; its box is drawn where it does not."""


class FilmLook(NamedTuple):
    """What of which film is looked at; a value, as each key makes a new one."""

    at: int = 0
    zoom: float = 1.0
    x: float = 0.5
    y: float = 0.5
    window: tuple[float, float] | None = None
    outlines: bool = True
    prior: bool = False
    """Whether the film before stands beside it."""

    def of_film(self, at: int) -> FilmLook:
        """At another film, all of it, by its own window."""
        return FilmLook(at=at, outlines=self.outlines, prior=self.prior)

    def closer(self, by: int) -> FilmLook:
        """Larger by so many steps, or smaller; never smaller than whole."""
        zoom = min(max(self.zoom * _CLOSER**by, 1.0), MOST_ZOOM)
        whole = zoom == 1.0
        return self._replace(zoom=zoom, x=0.5 if whole else self.x, y=0.5 if whole else self.y)

    def moved(self, across: float, down: float, box: tuple[float, float, float, float]) -> FilmLook:
        """Over the film by so many steps, from what is seen of it now."""
        left, top, right, bottom = box
        wide, high = right - left, bottom - top
        x = min(max((left + right) / 2 + across * STEP * wide, wide / 2), 1 - wide / 2)
        y = min(max((top + bottom) / 2 + down * STEP * high, high / 2), 1 - high / 2)
        return self._replace(x=x, y=y)

    def contrasted(self, by: int, seen: SeenFilm) -> FilmLook:
        """With more contrast by so many steps, or less: a narrower window, or a wider one."""
        center, width = _window(self, seen)
        return self._replace(window=(center, max(width / _NARROWER**by, _LEAST_WIDTH)))

    def brighter(self, by: int, seen: SeenFilm) -> FilmLook:
        """Brighter by so many steps, or darker: the window lower, or higher."""
        center, width = _window(self, seen)
        lighter = -1 if seen.facts.photometric_interpretation != "MONOCHROME1" else 1
        return self._replace(window=(center + lighter * by * STEP * width, width))

    def as_it_was(self) -> FilmLook:
        """The whole film by its own window."""
        return self.of_film(self.at)


def _window(look: FilmLook, seen: SeenFilm) -> tuple[float, float]:
    """The window that is in force, as centre and width; all values where the film's is of another kind."""
    own = seen.facts.window
    if look.window is not None:
        return look.window
    if own.center is not None and own.width is not None:
        return own.center, max(own.width, _LEAST_WIDTH)
    low, high = seen.span
    return (low + high) / 2, max(high - low, _LEAST_WIDTH)


def film_page(run: Trajectory, call: Call | None) -> FilmPage | None:
    """The films of a row: the one that its call is about, or the case's latest; None where there is none."""
    films = films_of(run)
    answer = answer_of(call) if call is not None else None
    film = film_of_call(run, call, answer) if call is not None else None
    if film is None:
        known = [at for at, each in enumerate(films) if not each.later]
        return FilmPage(run, films, known[-1] if known else 0, _EMPTY) if films else None
    at = next((at for at, each in enumerate(films) if each.stem == film.stem), None)
    if at is None:
        films, at = (*films, film), len(films)
    else:
        films = (*films[:at], film, *films[at + 1 :])
    return FilmPage(run, films, at, answer or _EMPTY)


def prior_in(page: FilmPage, look: FilmLook) -> RunFilm | None:
    """The film before the one that is looked at."""
    return prior_of(page.films, page.films[look.at])


def marks_of(page: FilmPage, look: FilmLook) -> tuple[Mark, ...]:
    """What the call found on the film, where that is the one looked at."""
    if look.at != page.at:
        return ()
    boxes = tuple(
        Mark(box.label, _COLOURS[place % len(_COLOURS)], box, box.x1, box.y1)
        for place, box in enumerate(page.answer.boxes)
    )
    structures = tuple(
        Mark(each.name, COLOURS.get(each.name, _COLOURS[0]), each.box, each.x, each.y, tinted=True)
        for each in page.answer.structures
    )
    return (*boxes, *structures)


def caption(page: FilmPage, look: FilmLook) -> str:
    """A line under the film: which of how many, when it was taken, how large, by what window, which study."""
    film = page.films[look.at]
    window = look.window
    parts = (
        f"{look.at + 1}/{len(page.films)}" if len(page.films) > 1 else "",
        _taken(film),
        f"{look.zoom:.1f}×" if look.zoom > 1 else "",
        f"window {window[0]:g},{window[1]:g}" if window is not None else "",
        _study(film),
    )
    return " · ".join(filter(None, parts))


def prior_caption(film: RunFilm) -> str:
    """A line under the film before."""
    return " · ".join(filter(None, ("prior", _taken(film), _study(film))))


def _taken(film: RunFilm) -> str:
    later = "⚑ after the cutoff · " if film.later else ""
    return later + (f"{film.taken_at:%Y-%m-%d %H:%M}" if film.taken_at else "time unknown")


def _study(film: RunFilm) -> str:
    return f"study {film.study_id}" if film.study_id is not None else ""


def beside(
    page: FilmPage, look: FilmLook, seen: SeenFilm | None, note: str = "", drawn: str = ""
) -> Document:
    """What stands beside the film: what was found on it, then what its file tells, and how it is drawn."""
    film = page.films[look.at]
    answer = page.answer if look.at == page.at else _EMPTY
    found = [
        *_told(answer),
        *_scores(answer),
        *_legend(page, look),
        *_report(answer),
    ]
    number = f"film {look.at + 1} of {len(page.films)}" if len(page.films) > 1 else "film"
    facts = facts_lines(seen.facts) if seen is not None else ()
    return (
        *found,
        *((Block(""),) if found else ()),
        heading(number),
        Block(PurePosixPath(film.name).name or film.name),
        *(Block(line, "dim") for line in (*facts, *((f"drawn    {drawn}",) if drawn else ()))),
        *((Block(note, "accent"),) if note else ()),
    )


def _told(answer: FilmAnswer) -> Iterator[Block]:
    if answer.error:
        yield Block(f"✗ {answer.error}", "error")
    if answer.ratio is not None:
        yield Block(f"heart by chest {answer.ratio:.2f}", "strong")


def _scores(answer: FilmAnswer) -> Iterator[Block]:
    if not answer.scores:
        return
    yield heading("scores")
    for label, score in answer.scores:
        name = one_line(label.replace("_", " "), 22)
        yield Block(f"{bar(score)} {score:.2f} {name}", "strong" if score >= 0.5 else "dim")


def bar(score: float) -> str:
    """A score from 0 to 1 as a bar of ten cells."""
    eighths = round(min(max(score, 0.0), 1.0) * _BAR * 8)
    part = _EIGHTHS[eighths % 8] if eighths % 8 else ""
    return ("█" * (eighths // 8) + part).ljust(_BAR, "·")


def _legend(page: FilmPage, look: FilmLook) -> Iterator[Block]:
    marks = marks_of(page, look)
    if not marks:
        return
    areas = {each.name: each.area_cm2 for each in page.answer.structures}
    yield heading("outlines" if look.outlines else "outlines (v shows them)")
    for number, mark in enumerate(marks, 1):
        area = areas.get(mark.label)
        size = f" {area:g} cm²" if area is not None else ""
        colour = "#" + bytes(mark.colour).hex()
        yield Block(f"{one_line(mark.label, _LABEL)}{size}", label=sign(number), label_style=colour)


def _report(answer: FilmAnswer) -> Iterator[Block]:
    for title, text in (("findings", answer.findings), ("impression", answer.impression)):
        if text:
            yield heading(title)
            yield Block(text)
    if answer.model:
        yield Block(f"by {one_line(answer.model, _LABEL)}", "dim")
    if answer.note:
        yield Block(answer.note, "dim")
