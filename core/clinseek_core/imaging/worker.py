"""The worker process that reads films: it parses and decodes files that nobody has checked."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from clinseek_core.imaging.opening import read_file
from clinseek_core.imaging.reading import film_of
from clinseek_core.imaging.refusal import FilmError
from clinseek_core.worker import serve


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
    serve({"show": _show})
