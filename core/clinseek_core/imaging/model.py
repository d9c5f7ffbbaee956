"""Models at work in a process of their own, which can be killed and costs nothing while nobody asks."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from clinseek_core.errors import InputError, WorkerError
from clinseek_core.worker import Worker

__all__ = ["PACKAGES", "ModelWorker", "misfits", "missing_packages"]

PACKAGES = ("torch", "torchvision", "torchxrayvision", "safetensors")
"""What models need here: the extra cxr."""
_MODULE = "clinseek_core.imaging.model_worker"
_MEMORY_BYTES = 6 * 1024**3
_IDLE_SECONDS = 300.0
_CHECK_SECONDS = 120.0


def missing_packages() -> tuple[str, ...]:
    """Those that are not installed here; none of them is imported to see it."""
    return tuple(name for name in PACKAGES if importlib.util.find_spec(name) is None)


class ModelWorker:
    """Calls the model worker, one call at a time, from any thread; ends it after minutes without a call."""

    def __init__(self, idle_s: float = _IDLE_SECONDS) -> None:
        self._idle_s = idle_s
        self._lock = threading.Lock()
        self._worker: Worker | None = None
        self._timer: threading.Timer | None = None

    def call(self, method: str, *arguments: Any, deadline_s: float) -> Any:
        """Call a handler of the worker; the next call after one that failed starts another worker.

        Raises DeadlineError, WorkerError if it died, and InputError as the handler raised it.
        """
        with self._lock:
            self._cancel_timer()
            if self._worker is None:
                self._worker = Worker(_MODULE, memory_bytes=_MEMORY_BYTES)
            try:
                answer = self._worker.call(method, *arguments, deadline_s=deadline_s)
            except WorkerError:
                self._end()
                raise
            self._timer = threading.Timer(self._idle_s, self._end_if_idle, [self._worker])
            self._timer.daemon = True
            self._timer.start()
            return answer

    def close(self) -> None:
        """End the worker; a later call starts another."""
        with self._lock:
            self._cancel_timer()
            self._end()

    def _end_if_idle(self, worker: Worker) -> None:
        # Where a call holds the lock, it is not idle, and that call sets the next timer.
        if self._lock.acquire(blocking=False):
            try:
                if self._worker is worker:
                    self._end()
            finally:
                self._lock.release()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end(self) -> None:
        if self._worker is not None:
            self._worker.close()
            self._worker = None


def misfits(model: str, shapes: Mapping[str, Sequence[int]]) -> list[str] | None:
    """How names and shapes of tensors differ from those of a model; None where it is not installed here."""
    if missing_packages():
        return None
    worker = ModelWorker()
    try:
        found = worker.call("misfits", model, dict(shapes), deadline_s=_CHECK_SECONDS)
    except WorkerError as error:
        raise InputError(f"{model} can't be built to check the weights ({error})") from error
    finally:
        worker.close()
    return [str(line) for line in found]
