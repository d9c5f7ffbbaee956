"""What an image tool needs of a backend, whichever it is."""

from __future__ import annotations

from typing import Any, Literal, Protocol

import msgspec

from clinseek_core.errors import ClinseekError
from clinseek_core.imaging.of_case import AskedFilm

__all__ = ["Answer", "Backend", "BackendError", "BackendName"]

BackendName = Literal["fixture", "local", "endpoint", "mcp"]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a backend says of a film, and who said it."""

    output: dict[str, Any]
    """In the reference implementation's shape for the tool."""
    model: str
    digest: str = ""
    """SHA-256 of the model's weights, or of the recorded result; empty for an endpoint."""
    facts: dict[str, Any] = {}
    """More of the result's metadata: sizes, spacing, what was measured how."""
    notes: tuple[str, ...] = ()
    picture: bytes | None = None
    """A PNG that shows it on the film."""


class Backend(Protocol):
    """Answers some of the image tools."""

    @property
    def name(self) -> BackendName:
        """The kind of backend, shown with every result."""
        ...

    def answer(self, tool: str, film: AskedFilm, arguments: dict[str, Any]) -> Answer:
        """Answer one call.

        Raises FilmError for a film that can't be read and BackendError where there is no answer.
        """
        ...


class BackendError(ClinseekError):
    """No answer from a backend.

    `code` is `backend_unavailable`, `bad_backend_output`, `not_recorded` or `bad_arguments`.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
