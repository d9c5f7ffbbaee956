"""The worker process that reads films: it parses and decodes files that nobody has checked."""

from __future__ import annotations

import io
import logging
import os
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from clinseek_core.imaging.film import Exposure, Film
from clinseek_core.imaging.opening import read_file
from clinseek_core.imaging.reading import exposure_of, film_of
from clinseek_core.imaging.refusal import FilmError
from clinseek_core.imaging.viewing import FilmView, SeenFilm, greys_of, labels_of, outlines_of, part_of
from clinseek_core.worker import serve

if TYPE_CHECKING:
    from clinseek_core.imaging.viewing import Labels

_KEPT = 2
"""Films that stay decoded: one and the one before it are looked at side by side."""
_kept: OrderedDict[tuple[Any, ...], _Kept] = OrderedDict()


class _Kept:
    """A film that is looked at: decoded, windowed as it was looked at last, and what was drawn on it."""

    def __init__(self, exposure: Exposure) -> None:
        self.exposure = exposure
        self._film: tuple[tuple[float, float] | None, Film] | None = None
        self._labels: tuple[object, Labels] | None = None

    def film(self, window: tuple[float, float] | None) -> Film:
        """Its grey values by a window."""
        if self._film is None or self._film[0] != window:
            self._film = window, self.exposure.film(window)
        return self._film[1]

    def labels(self, picture: str, names: tuple[str, ...], film: Film) -> Labels:
        """The structures that a picture of it shows tinted."""
        key = picture, names
        if self._labels is None or self._labels[0] != key:
            data = read_file(Path(picture), [Path(picture).parent])
            self._labels = key, labels_of(data, names, film.facts.rows, film.facts.columns)
        return self._labels[1]


def _opened(path: str, roots: list[str]) -> _Kept:
    """The film at a path as it lies there now."""
    try:
        now = os.stat(path)
        key = (path, *roots, now.st_ino, now.st_size, now.st_mtime_ns)
    except OSError:
        # What is wrong with the file is told by who opens it.
        key = (path,)
    kept = _kept.pop(key, None)
    if kept is None:
        while len(_kept) >= _KEPT:
            _kept.popitem(last=False)
        kept = _Kept(exposure_of(read_file(Path(path), [Path(root) for root in roots])))
    _kept[key] = kept
    return kept


def _view(
    _: Callable[[str], None], path: str, roots: list[str], asked: dict[str, Any], picture: str
) -> dict[str, Any]:
    """A part of a film at the size asked for, or the refusal; `picture` shows what was drawn on it."""
    view = msgspec.convert(asked, FilmView)
    try:
        kept = _opened(path, roots)
        film = kept.film(view.window)
        rows, columns = film.pixels.shape
        part = part_of(rows, columns, view)
        outlines = b""
        if picture:
            outlines = outlines_of(kept.labels(picture, view.names, film), rows, columns, part)
    except FilmError as error:
        return {"error": [error.code, error.why]}
    seen = SeenFilm(
        facts=film.facts,
        span=kept.exposure.span,
        box=part.shares(rows, columns),
        width=part.width,
        height=part.height,
        greys=greys_of(film.pixels, part, view.levels),
        outlines=outlines,
    )
    return {name: getattr(seen, name) for name in SeenFilm.__struct_fields__}


def _show(
    _: Callable[[str], None],
    path: str,
    roots: list[str],
    center: float | None,
    width: float | None,
    max_edge: int,
) -> dict[str, Any]:
    """A film's facts and its picture as PNG, or the refusal."""
    import PIL.Image  # noqa: PLC0415 - heavy: loaded with the first film

    try:
        film = film_of(read_file(Path(path), [Path(root) for root in roots]), center, width)
    except FilmError as error:
        return {"error": [error.code, error.why]}
    picture = PIL.Image.fromarray(film.pixels)
    if max_edge:
        picture.thumbnail((max_edge, max_edge), PIL.Image.Resampling.LANCZOS)
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=1)
    return {"facts": msgspec.to_builtins(film.facts), "png": out.getvalue()}


if __name__ == "__main__":
    # What pydicom says of a damaged file is told in the film's warnings.
    logging.disable(logging.CRITICAL)
    serve({"show": _show, "view": _view})
