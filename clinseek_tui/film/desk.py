"""Films looked at in the app: found where they lie, read in a process that can be killed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from clinseek_core.errors import ClinseekError
from clinseek_core.imaging.films import FilmReader
from clinseek_core.imaging.refusal import FilmError
from clinseek_core.imaging.viewing import FilmView, SeenFilm
from clinseek_core.journal import ImageRef, bodies_folder
from clinseek_replay.films import RunFilm
from clinseek_replay.raw_bytes import recording_file
from clinseek_replay.trajectory import Trajectory

__all__ = ["FilmDesk", "Sight", "Wish", "places_of"]

_BUNDLED = "bundled"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FILES = "files"
"""The folder of MIMIC-CXR under which its films lie by patient."""
_KEPT_PICTURE = "the film's file is not here; this is the picture of it that lies beside the recording"


class Wish(NamedTuple):
    """A film of a run, and what of it is to be seen."""

    run: Trajectory
    film: RunFilm
    view: FilmView
    overlay: ImageRef | None = None
    """A picture of it on which structures were tinted."""

    @property
    def key(self) -> tuple[object, ...]:
        """What makes two wishes the same."""
        return self.run.source, self.run.run_id, self.film, self.view, self.overlay


class Sight(NamedTuple):
    """What came of a wish: the film, or why it can't be seen."""

    seen: SeenFilm | None = None
    note: str = ""
    error: str = ""


class FilmDesk:
    """Reads films; its methods may be called by any thread."""

    def __init__(self, ehr: Path | None = None) -> None:
        self._ehr = ehr
        self._reader = FilmReader()

    def see(self, wish: Wish) -> Sight:
        """The part of a film that is wished for."""
        places = places_of(wish.run, wish.film, self._ehr)
        path = next(filter(_is_file, places), None)
        note = ""
        if path is None:
            path = next(_pictures(wish.run, wish.film), None)
            note = _KEPT_PICTURE
        if path is None:
            return Sight(error=_missing(wish.film, places))
        drawn = next(_kept(wish.run, (wish.overlay,)), None) if wish.overlay is not None else None
        try:
            return Sight(self._reader.view(path, (path.parent,), wish.view, drawn), note)
        except FilmError as error:
            if drawn is not None:
                # What was drawn on it may be broken, and the film is not.
                plain = self.see(wish._replace(overlay=None))
                return plain._replace(note=f"without outlines: {error}") if plain.seen else plain
            return Sight(error=str(error))
        except ClinseekError as error:
            return Sight(error=str(error))

    def close(self) -> None:
        """End the process that reads."""
        self._reader.close()


def places_of(run: Trajectory, film: RunFilm, ehr: Path | None = None) -> tuple[Path, ...]:
    """Where a film's file may lie, likeliest first: a recording does not say from which folder it counts."""
    name = PurePosixPath(film.name)
    if name.is_absolute():
        found = [Path(name)]
    elif ".." in name.parts or not film.name:
        # A recording is no reason to look around on the disk.
        return ()
    else:
        found = [folder / name for folder in _folders(run)]
    if ehr is not None:
        tail = PurePosixPath(*name.parts[name.parts.index(_FILES) :]) if _FILES in name.parts else name.name
        found += [folder / tail for folder in (ehr, ehr / "cxr")]
    return tuple(dict.fromkeys(found))


def _folders(run: Trajectory) -> Iterator[Path]:
    source = run.data.source if run.data else ""
    if source == _BUNDLED:
        from clinseek_fixtures import world_path  # noqa: PLC0415 -- only for runs on the bundled world

        yield world_path()
    elif source:
        yield Path(source)
    folder = _recording(run)
    if folder is not None:
        yield folder.parent


def _recording(run: Trajectory) -> Path | None:
    try:
        return recording_file(run)
    except (ClinseekError, OSError, ValueError):
        return None


def _pictures(run: Trajectory, film: RunFilm) -> Iterator[Path]:
    return _kept(run, film.pictures)


def _kept(run: Trajectory, images: tuple[ImageRef | None, ...]) -> Iterator[Path]:
    """The files beside the recording that hold pictures."""
    recording = _recording(run)
    for image in images:
        if recording is None or image is None or not _SHA256.fullmatch(image.sha256):
            continue
        path = bodies_folder(recording) / image.sha256
        if _is_file(path):
            yield path


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _missing(film: RunFilm, places: tuple[Path, ...]) -> str:
    looked = f"; looked for at {places[0]}" if places else ""
    return (
        f"{film.name}: the film is not on this machine, and no picture of it beside the recording{looked}; "
        "open the run with --ehr and the folder that holds the films"
    )
