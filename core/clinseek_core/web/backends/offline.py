"""Pages of a corpus on this machine: nothing leaves it."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path

import msgspec

from clinseek_core.web.corpus import Corpus, CorpusPage
from clinseek_core.web.corpus_cache import open_corpus
from clinseek_core.web.corpus_index import CorpusIndex
from clinseek_core.web.port import Document, Found, WebError

__all__ = ["OfflineBackend"]


class OfflineBackend:
    """Reads the corpus in `folder` when it is first asked for; InputError where it is none.

    With a `cache` folder its index is kept there.
    """

    name = "offline"

    def __init__(self, folder: Path, cache: Path | None = None) -> None:
        self._folder = folder
        self._cache = cache

    @cached_property
    def _opened(self) -> tuple[Corpus, CorpusIndex]:
        return open_corpus(self._folder, self._cache)

    @property
    def corpus(self) -> Corpus:
        """The corpus it answers from."""
        return self._opened[0]

    @property
    def badge(self) -> str:
        """`offline, "Clinical reference pages" of 2026-01-15`"""
        return f'offline, "{self.corpus.name}" of {self.corpus.dated}'

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what the corpus says."""
        pages = sorted(self.corpus.pages.items())
        return hashlib.sha256(msgspec.json.encode((self.corpus.name, self.corpus.dated, pages))).hexdigest()

    def search(self, query: str, count: int) -> Found:
        """The corpus's pages on `query`."""
        return Found(self._opened[1].search(query, count))

    def fetch(self, url: str, *, source: bool) -> Document:
        """A page of the corpus, or its Markdown."""
        page = self.corpus.pages.get(url.removesuffix(".md"))
        if page is None:
            outside = "" if url.startswith("corpus://") else ", and this run has no network"
            raise WebError(
                f"it is no page of the offline corpus{outside}; search for its subject instead", lasting=True
            )
        if source:
            return Document(page.address, page.title, page.text, "plain")
        return Document(page.address, page.title, _shown(page))

    def close(self) -> None:
        """Let go of the index."""
        if (opened := self.__dict__.pop("_opened", None)) is not None:
            opened[1].database.close()


def _shown(page: CorpusPage) -> str:
    """A page's text under its title and date, above its sources."""
    sources = (f"{at}. [{source.title}]({source.url})" for at, source in enumerate(page.sources, 1))
    head = f"# {page.title}\n\n{page.kind}, reviewed {page.reviewed}"
    return "\n\n".join([head, page.text, "## Sources", "\n".join(sources)])
