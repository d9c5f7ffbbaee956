"""Pages taken apart in a process that can be killed for it."""

from __future__ import annotations

import msgspec

from clinseek_core.errors import ClinseekError, InputError
from clinseek_core.web.fetching import Answer
from clinseek_core.web.port import Document, WebError
from clinseek_core.worker import Worker

__all__ = ["PageReader"]

_MODULE = "clinseek_core.web.worker"
_MEMORY_BYTES = 2 * 1024**3
_SECONDS = 20.0


class PageReader:
    """Reads answers as documents; a page that hangs or breaks its parser costs the worker, not the run."""

    def __init__(self, seconds: float = _SECONDS) -> None:
        self._seconds = seconds
        self._worker: Worker | None = None

    def read(self, answer: Answer, *, source: bool) -> Document:
        """What an answer says; WebError where it is no page or can't be read."""
        if self._worker is None:
            self._worker = Worker(_MODULE, memory_bytes=_MEMORY_BYTES)
        arguments = (answer.body, answer.media_type, answer.charset, answer.url, source)
        try:
            read = self._worker.call("read", *arguments, deadline_s=self._seconds)
        except InputError as error:
            raise WebError(str(error), lasting=True) from error
        except ClinseekError as error:
            self.close()
            raise WebError(f"it could not be read ({error})") from error
        return msgspec.convert(read, Document)

    def close(self) -> None:
        """End the worker."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None
