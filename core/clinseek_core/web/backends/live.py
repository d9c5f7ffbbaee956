"""The web itself: a search service, and pages read with care."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clinseek_core.web.extracting import ACCEPT
from clinseek_core.web.port import Document, Found, WebError
from clinseek_core.web.providers import Service
from clinseek_core.web.reach import PUBLIC, Reach

if TYPE_CHECKING:
    from clinseek_core.web.fetching import Fetcher
    from clinseek_core.web.guard import Guard
    from clinseek_core.web.reader import PageReader

__all__ = ["LiveBackend"]

_SERVICE_REACH = Reach(ports=None, inside=True)
"""A service whose address the user names may run beside this program."""


class LiveBackend:
    """Asks the network; `guard` is asked first, about every address on the way."""

    name = "live"

    def __init__(self, service: Service, guard: Guard, *, reach: Reach = PUBLIC) -> None:
        self._service = service
        self._guard = guard
        self._reach = reach
        self._opened: tuple[Fetcher, Fetcher, PageReader] | None = None

    @property
    def badge(self) -> str:
        """`live, searched by serper`"""
        return f"live, searched by {self._service.provider.name}"

    def search(self, query: str, count: int) -> Found:
        """What the service finds."""
        self._guard.check(query)
        request = self._service.request(query, count)
        services, _, _ = self._open()
        try:
            answer = services.ask(
                request.url, method=request.method, headers=request.headers, body=request.body
            )
            return Found(self._service.hits(answer.body)[:count])
        except WebError as error:
            raise WebError(f"{self._service.provider.name}: {error}") from error
        except (ValueError, RecursionError) as error:
            raise WebError(
                f"{self._service.provider.name}: its answer can't be read ({str(error)[:200]})"
            ) from error

    def fetch(self, url: str, *, source: bool) -> Document:
        """The page at `url`, read in a worker."""
        _, pages, reader = self._open()
        return reader.read(pages.page(url, ACCEPT), source=source)

    def close(self) -> None:
        """End the worker that reads pages."""
        if self._opened is not None:
            self._opened[2].close()
            self._opened = None

    def _open(self) -> tuple[Fetcher, Fetcher, PageReader]:
        if self._opened is None:
            # They bring httpx2, which most runs never need.
            from clinseek_core.web.fetching import Fetcher  # noqa: PLC0415
            from clinseek_core.web.reader import PageReader  # noqa: PLC0415

            service_reach = _SERVICE_REACH if self._service.own else self._reach
            pages = Fetcher(self._guard.check, reach=self._reach)
            self._opened = Fetcher(reach=service_reach), pages, PageReader()
        return self._opened
