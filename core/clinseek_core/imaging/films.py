"""Films read in a worker process that can be killed: the only way in which the app opens a file of others."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from clinseek_core.errors import WorkerError
from clinseek_core.imaging.film import FilmFacts
from clinseek_core.imaging.refusal import FilmError
from clinseek_core.imaging.viewing import FilmView, SeenFilm
from clinseek_core.worker import DeadlineError, Worker

__all__ = ["FilmReader", "ShownFilm"]

_MEMORY_BYTES = 2 * 1024**3
_SECONDS = 15.0
_WORKER_MODULE = "clinseek_core.imaging.worker"


class ShownFilm(msgspec.Struct, frozen=True):
    """A film as a picture: its facts, and its grey values as PNG."""

    facts: FilmFacts
    png: bytes


class FilmReader:
    """Reads films in a worker of its own, one at a time; a film that kills it costs only itself."""

    def __init__(self) -> None:
        self._worker: Worker | None = None
        self._lock = threading.Lock()

    def show(
        self,
        path: Path,
        roots: Sequence[Path],
        window: tuple[float, float] | None = None,
        max_edge: int = 0,
    ) -> ShownFilm:
        """The film at `path`, which must lie in one of `roots`; at most `max_edge` pixels long, 0 for whole.

        `window` is a centre and a width. Raises FilmError.
        """
        center, width = window or (None, None)
        answer = self._call("show", str(path), [str(root) for root in roots], center, width, max_edge)
        return msgspec.convert(answer, ShownFilm)

    def view(
        self, path: Path, roots: Sequence[Path], view: FilmView, picture: Path | None = None
    ) -> SeenFilm:
        """A part of the film at `path`, at the size of a screen; as `show` else.

        The film stays decoded in the worker, so that another part or window of it comes at once. `picture`
        is one of the film on which the structures `view.names` were tinted: their outlines come with it.
        """
        asked = msgspec.to_builtins(view)
        answer = self._call("view", str(path), [str(root) for root in roots], asked, str(picture or ""))
        return msgspec.convert(answer, SeenFilm)

    def _call(self, method: str, *arguments: Any) -> dict[str, Any]:
        with self._lock:
            if self._worker is None:
                self._worker = Worker(_WORKER_MODULE, memory_bytes=_MEMORY_BYTES)
            try:
                answer: dict[str, Any] = self._worker.call(method, *arguments, deadline_s=_SECONDS)
            except DeadlineError as error:
                self._end()
                raise FilmError("bomb", f"reading it took more than {_SECONDS:g} s") from error
            except WorkerError as error:
                self._end()
                raise FilmError("bad_pixels", f"reading it ended its process ({error})") from error
        if "error" in answer:
            raise FilmError(*answer["error"])
        return answer

    def close(self) -> None:
        """End the worker; a later film starts another."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        if self._worker is not None:
            self._worker.close()
            self._worker = None
