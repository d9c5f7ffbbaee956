"""A small corpus of three pages, written as the format's reference says; a real server on loopback."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from clinseek_core.web.fetching import Bounds, Fetcher
from clinseek_core.web.reach import Reach, Resolver, resolve

Sent = tuple[int, dict[str, str], Iterable[bytes]]
Page = Sent | Callable[[str, str], Sent]

ABOUT = 'format = "clinseek.corpus/1"\nname = "Three pages"\ndated = 2026-01-15\n'
SEPSIS = """\
+++
title = "Sepsis"
kind = "condition"
topics = ["septicaemia", "septicemia", "organ dysfunction", "SOFA"]
reviewed = 2026-01-10

[[sources]]
title = "Surviving Sepsis Campaign, 2021"
url = "https://link.springer.com/article/10.1007/s00134-021-06506-y"

[[sources]]
title = "World Health Organization: Sepsis, fact sheet"
url = "https://www.who.int/news-room/fact-sheets/detail/sepsis"
+++

Sepsis is life-threatening organ dysfunction by a dysregulated response to infection [1].

## First hours

- Measure [lactate](../lab/lactate.md), and again where it was above 2 mmol/L [1].
- At least 30 mL/kg of crystalloid within three hours where lactate is 4 mmol/L or more [1].

See [the fact sheet](https://www.who.int/news-room/fact-sheets/detail/sepsis) for numbers of the world.
"""
LACTATE = """\
+++
title = "Lactate"
kind = "lab"
topics = ["lactic acid", "hyperlactataemia"]
reviewed = 2026-01-11

[[sources]]
title = "MedlinePlus: Lactic acid test"
url = "https://medlineplus.gov/lab-tests/lactic-acid-test/"
+++

Lactate rises when tissue makes energy without enough oxygen, as in [sepsis](../condition/sepsis.md).

## Reading a value

| value | reading |
|---|---|
| up to 2 mmol/L | usual at rest [1] |
| above 4 mmol/L | severe |
"""
PHENOTYPE = """\
+++
title = "Septicemia (except in labor)"
kind = "phenotype"
topics = ["CCS 2", "blood stream infection"]
reviewed = 2026-01-12

[[sources]]
title = "HCUP Clinical Classifications Software"
url = "https://hcup-us.ahrq.gov/toolssoftware/ccs/ccs.jsp"
+++

The group holds codes of septicemia; see [sepsis](../condition/sepsis.md) for how it shows.
"""
PAGES = {
    "condition/sepsis.md": SEPSIS,
    "lab/lactate.md": LACTATE,
    "phenotype/septicemia.md": PHENOTYPE,
}


@pytest.fixture
def corpus_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    for name, text in {"corpus.toml": ABOUT, **PAGES}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


class Site:
    """A real server on loopback: pages by path, and a log of every byte that it was sent."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.log: list[str] = []
        self.broken_pipes = threading.Event()
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length).decode()
                site.log.append(f"{self.requestline}\n{self.headers}{body}")
                path, _, query = self.path.partition("?")
                page = site.pages.get(path) or site.pages.get(f"{self.headers['Host']}{path}")
                if page is None:
                    return self._send(404, {}, [b"there is no such page"])
                if callable(page):
                    page = page(query, body)
                status, headers, chunks = page
                return self._send(status, headers, chunks)

            do_POST = do_GET

            def _send(self, status: int, headers: dict[str, str], chunks: Iterable[bytes]) -> None:
                whole = b"".join(chunks) if isinstance(chunks, list) else None
                try:
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    if whole is not None and "Content-Length" not in headers:
                        self.send_header("Content-Length", str(len(whole)))
                    if whole is None:
                        self.send_header("Connection", "close")
                        self.close_connection = True
                    self.end_headers()
                    for chunk in chunks if whole is None else [whole]:
                        self.wfile.write(chunk)
                        self.wfile.flush()
                except OSError:
                    site.broken_pipes.set()
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: object, client_address: object) -> None:
                """A client that hangs up is what these tests are about."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f"http://site.test:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def put(
        self, path: str, body: str | bytes, media_type: str = "text/html; charset=utf-8", **headers: str
    ) -> str:
        data = body.encode() if isinstance(body, str) else body
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pages[path] = (200, {"Content-Type": media_type, **named}, [data])
        return self.url + path

    def redirect(self, path: str, target: str, status: int = 302) -> str:
        self.pages[path] = (status, {"Location": target}, [])
        return self.url + path

    @property
    def asked(self) -> list[str]:
        """The paths that were asked for, robots.txt aside."""
        paths = [entry.split(" ")[1] for entry in self.log]
        return [path for path in paths if path != "/robots.txt"]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class OnlyTheSite(Reach, frozen=True):
    """For tests alone: the real rule, but for one port of loopback."""

    port: int

    def refuses(self, address: str, port: int) -> str | None:
        if (address, port) == ("127.0.0.1", self.port):
            return None
        return super().refuses(address, port)


NAMES = {
    "site.test": ("127.0.0.1",),
    "other.test": ("127.0.0.1",),
    "inside.test": ("10.0.0.5",),
    "metadata.test": ("169.254.169.254",),
    "mixed.test": ("127.0.0.1", "192.168.1.1"),
    "six.test": ("::1",),
    "mapped.test": ("::ffff:10.0.0.1",),
}


def names(host: str, port: int, seconds: float) -> tuple[str, ...]:
    if host in NAMES:
        return NAMES[host]
    if host.replace(".", "").isdigit() or ":" in host:
        return tuple(resolve(host, port, seconds))
    raise OSError(-2, "Name or service not known")


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.close()


@pytest.fixture
def fetcher(site: Site) -> Callable[..., Fetcher]:
    def make(
        permit: Callable[[str], None] = lambda _: None,
        *,
        port: int = site.port,
        resolver: Resolver = names,
        **bounds: float,
    ) -> Fetcher:
        limits = Bounds(**{"seconds": 8.0, "silence": 4.0, **bounds})
        return Fetcher(permit, reach=OnlyTheSite(port=port), resolve=resolver, bounds=limits)

    return make


@pytest.fixture
def only_the_site(site: Site) -> Reach:
    """The rule that lets the tests' server, and nothing else inside, be reached."""
    return OnlyTheSite(port=site.port)
