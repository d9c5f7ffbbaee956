"""What was recorded of the web, played again; what is missing is asked for, or said to be missing."""

from __future__ import annotations

from typing import Literal

from clinseek_core.web.cassette import Cassette, Opened, Refusal, Searched
from clinseek_core.web.port import Backend, Document, Found, WebError

__all__ = ["RECORD_MODES", "RecordMode", "RecordedBackend"]

RecordMode = Literal["none", "once", "new_episodes", "all"]
"""VCR's words. `none`: only play. `once`: record where there is no cassette yet, else only play.
`new_episodes`: play, and record what is missing. `all`: ask for everything anew, and record it."""
RECORD_MODES: tuple[RecordMode, ...] = ("none", "once", "new_episodes", "all")


class RecordedBackend:
    """Plays a cassette; `source`, where there is one, is asked for what `mode` lets it be asked for.

    `name` and `badge` are shown on its pages: a live run that keeps what it read is a live run.
    """

    def __init__(
        self,
        cassette: Cassette,
        mode: RecordMode,
        source: Backend | None = None,
        *,
        name: str = "recorded",
        badge: str = "",
    ) -> None:
        self._cassette = cassette
        self._mode = mode
        self._source = source
        self._may_record = mode in {"new_episodes", "all"} or (mode == "once" and not len(cassette))
        self._asked: set[tuple[str, ...]] = set()
        self.name = name
        self.badge = badge or f"recorded, {cassette.path.name}"

    def search(self, query: str, count: int) -> Found:
        """What a search found when it was recorded, or finds now."""
        asked = ("search", query, str(count))
        kept = self._kept(asked)
        if isinstance(kept, Searched):
            return kept.found
        found = self._live("this search").search(query, count)
        self._keep(Searched(query=query, count=count, found=found))
        return found

    def fetch(self, url: str, *, source: bool) -> Document:
        """A page as it was when it was recorded, or is now."""
        kept = self._kept(("open", url, "source" if source else ""))
        if isinstance(kept, Opened):
            if kept.document is not None:
                return kept.document
            refusal = kept.refusal or Refusal("it was not had")
            raise WebError(refusal.message, refusal.status, lasting=True)
        live = self._live("this page")
        try:
            document = live.fetch(url, source=source)
        except WebError as error:
            # A server that is down today is not part of what is recorded.
            if error.lasting:
                self._keep(Opened(url=url, source=source, refusal=Refusal(str(error), error.status)))
            raise
        self._keep(Opened(url=url, source=source, document=document))
        return document

    def close(self) -> None:
        """End the source."""
        if self._source is not None:
            self._source.close()

    def _kept(self, asked: tuple[str, ...]) -> Searched | Opened | None:
        """An episode that may be played: with `all`, only those of this run."""
        return self._cassette.get(asked) if self._mode != "all" or asked in self._asked else None

    def _live(self, what: str) -> Backend:
        if not self._may_record or self._source is None:
            raise WebError(
                f"{what} is not on the cassette {self._cassette.path.name}, and nothing is recorded in mode "
                f"`{self._mode}`; to record it, run again with --record new_episodes"
            )
        return self._source

    def _keep(self, episode: Searched | Opened) -> None:
        self._asked.add(episode.asked)
        self._cassette.add(episode)
