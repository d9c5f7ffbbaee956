"""Where pages come from: what a backend is, and what it gives."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from clinseek_core.errors import ClinseekError
from clinseek_core.journal.events import Status

__all__ = ["Backend", "Document", "Found", "Hit", "WebError"]


class WebError(ClinseekError):
    """What a backend tells the model instead of a page.

    `lasting` where the same request would be answered the same way tomorrow: a page that is not there, not a
    server that is down.
    """

    def __init__(self, message: str, status: Status = "error", *, lasting: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.lasting = lasting


class Hit(msgspec.Struct, frozen=True):
    """A page that a search found; `snippet` are words of it."""

    title: str
    url: str
    snippet: str = ""


class Found(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a search found, best first."""

    hits: tuple[Hit, ...]
    left_out: int = 0
    """Hits that are not shown, as they lie on sites that give a benchmark away."""


class Document(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a page says."""

    url: str
    """Where it was read, after redirects."""
    title: str
    text: str
    form: Literal["markdown", "plain"] = "markdown"
    """In `plain` text nothing is a link."""


class Backend(Protocol):
    """Answers searches and fetches pages; every trouble is a WebError."""

    @property
    def name(self) -> str:
        """`offline`, `live` or `recorded`: what an address of a search page begins with."""
        ...

    @property
    def badge(self) -> str:
        """What is shown beside every page: where it comes from, in a few words."""
        ...

    def search(self, query: str, count: int) -> Found:
        """Pages on `query`, at most `count`."""
        ...

    def fetch(self, url: str, *, source: bool) -> Document:
        """The page at `url`; with `source`, its text as it was sent."""
        ...

    def close(self) -> None:
        """End what it holds open; it opens again when it is asked."""
        ...
