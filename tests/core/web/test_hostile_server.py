"""What a model is told when a server misbehaves: by the tools themselves, over a real connection."""

from __future__ import annotations

import gzip
import importlib.util
import json
import resource
import sys
import time
import zlib
from collections.abc import Iterator

import pytest

from clinseek_core.ehr.traces import Traces
from clinseek_core.web.backends.live import LiveBackend
from clinseek_core.web.fetching import Answer
from clinseek_core.web.guard import Guard, Guarded
from clinseek_core.web.port import WebError
from clinseek_core.web.providers import PROVIDERS, Service
from clinseek_core.web.reader import PageReader
from clinseek_core.web.tools import BrowserTools

GUARD = Guard(Traces(identifiers=("90000001", "P76A1F"), days=("2150-03-02",), texts=()))


@pytest.fixture
def browser(site, only_the_site) -> Iterator[BrowserTools]:
    hits = [{"title": "A page", "url": f"http://127.0.0.1:{site.port}/page", "content": "Words."}]
    site.pages["/search"] = (200, {}, [json.dumps({"results": hits}).encode()])
    site.put("/page", "<title>A page</title><p>Its words.")
    service = Service(PROVIDERS[0], f"http://127.0.0.1:{site.port}")
    tools = BrowserTools(Guarded(LiveBackend(service, GUARD, reach=only_the_site), GUARD))
    yield tools
    tools.close()


def opened(browser: BrowserTools, site, path: str):
    return browser.call("browser.open", {"id": f"http://127.0.0.1:{site.port}{path}"})


LATIN = "Résumé of hyponatrémie: naïve café"


@pytest.mark.parametrize(
    ("said", "body"),
    [
        ("text/html; charset=utf-8", LATIN.encode("latin-1")),
        ("text/html; charset=iso-8859-1", LATIN.encode()),
        ("text/html; charset=utf-16", LATIN.encode()),
        ("text/html; charset=no-such-thing", LATIN.encode()),
        ("text/html; charset=zip_codec", LATIN.encode()),
        ("text/html", b"<meta charset=latin-1>" + LATIN.encode("latin-1")),
        ("text/html; charset=utf-8", b"\xff\xfe" + LATIN.encode("utf-16-le")),
    ],
    ids=["latin as utf-8", "utf-8 as latin", "utf-8 as utf-16", "unknown", "codec", "meta", "mark"],
)
def test_a_page_in_another_charset_than_it_says_is_shown(browser, site, said: str, body: bytes) -> None:
    site.put("/page", body, said)
    result = opened(browser, site, "/page")
    assert result.status == "ok"
    # What claims to be Western can't be told from UTF-8 read so; all else is read as it was meant.
    expected = LATIN.encode().decode("cp1252") if "iso-8859-1" in said else LATIN
    assert expected in result.text


def packed(megabytes: int) -> bytes:
    maker = zlib.compressobj(9, wbits=31)
    block = b"\x00" * 2**20
    return b"".join([*(maker.compress(block) for _ in range(megabytes)), maker.flush()])


def test_what_a_server_does_wrong_is_one_clear_error_and_the_run_goes_on(browser, site) -> None:
    inside = f"http://127.0.0.1:{site.port + 1}/"
    site.redirect("/circle", "/circle")
    site.redirect("/inside", "http://10.0.0.1/admin")
    site.redirect("/port", inside)
    site.redirect("/file", "file:///etc/passwd")
    site.redirect("/denied", "https://github.com/UCSC-VLAA/ClinSeekAgent")
    site.pages["/large"] = (200, {"Content-Length": str(10 * 1024**3)}, iter([b"x"]))
    site.put("/bomb", packed(200), Content_Encoding="gzip")
    site.put("/twice", gzip.compress(b"\x00" * 1000), Content_Encoding="gzip, gzip")
    site.put("/image", b"\x89PNG\r\n\x1a\n" + bytes(100), "image/png")
    site.put("/empty", "<html><script>document.write('x')</script></html>")
    site.put("/robots.txt", "User-agent: *\nDisallow: /private\n", "text/plain")
    site.put("/private/x", "secret")
    for path, told, status in (
        ("/circle", "go round in a circle", "error"),
        ("/inside", "10.0.0.1 is no public address", "refused"),
        ("/port", "none that pages are served from", "refused"),
        ("/file", "no http or https address", "error"),
        ("/denied", "the benchmark's repository, which no run may read", "refused"),
        ("/large", "too large: at most 16 MiB", "error"),
        ("/bomb", "too large: at most 16 MiB", "error"),
        ("/twice", "which was not asked for", "error"),
        ("/image", "it is image/png; pages, text and PDF can be read", "error"),
        ("/empty", "no text that can be read without running its scripts", "error"),
        ("/private/x", "asks programs not to read it (robots.txt)", "refused"),
        ("/none", "404 Not Found", "error"),
    ):
        result = opened(browser, site, path)
        assert result.status == status, (path, result.text)
        assert told in result.text, (path, result.text)
        assert len(result.text) < 600
    assert "/private/x" not in site.asked
    assert browser.call("browser.search", {"query": "lactate"}).status == "ok"
    assert "Its words." in browser.call("browser.open", {"id": 0}).text


@pytest.mark.parametrize("body", [b"", b"not json", b"[" * 100_000, b'{"results": 7}', b"\xff\xfe"], ids=len)
def test_a_search_service_that_answers_nonsense_is_named(browser, site, body: bytes) -> None:
    site.pages["/search"] = (200, {}, [body])
    result = browser.call("browser.search", {"query": "lactate"})
    assert result.status == "error"
    assert "searxng: its answer can't be read" in result.text


def test_a_host_s_name_that_tells_the_patient_is_not_even_looked_up(site, fetcher) -> None:
    """A name server is somebody else's machine too."""
    asked: list[str] = []

    def resolver(host: str, port: int, seconds: float) -> tuple[str, ...]:
        asked.append(host)
        return ("127.0.0.1",)

    reading = fetcher(GUARD.check, resolver=resolver)
    site.redirect("/away", f"http://p76a1f.other.test:{site.port}/")
    for url in (f"http://q-90000001.site.test:{site.port}/", f"{site.url}/away"):
        with pytest.raises(WebError) as raised:
            reading.page(url, "text/html")
        assert raised.value.status == "refused"
    assert asked == ["site.test"] * len(asked)
    assert site.asked == ["/away"]


def padded_pdf(megabytes: int) -> bytes:
    """A PDF of two words, its only page followed by so many megabytes of blanks, which pack to nothing."""
    text = b"BT /F1 12 Tf 72 720 Td (Two words) Tj ET"
    stream = zlib.compress(text + b" " * (megabytes * 2**20), 9)
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Filter/FlateDecode/Length %d>>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    )
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 6\n0000000000 65535 f \n%strailer\n<</Size 6/Root 1 0 R>>\n" % table
    return out + head + b"startxref\n%d\n%%%%EOF\n" % len(out)


@pytest.mark.skipif(importlib.util.find_spec("pypdf") is None, reason="the extra `web` is not installed")
def test_a_pdf_that_would_fill_memory_is_one_error_and_the_next_page_is_read() -> None:
    reader = PageReader(seconds=15)

    def read(megabytes: int) -> str:
        body = padded_pdf(megabytes)
        assert len(body) < 2**20
        answer = Answer(url="http://x.org/a.pdf", media_type="application/pdf", charset="", body=body)
        return reader.read(answer, source=False).text

    try:
        assert "Two words" in read(1)
        began = time.monotonic()
        with pytest.raises(WebError, match=r"can't be read|could not be read"):
            read(400)
        assert time.monotonic() - began < 20
        assert "Two words" in read(1)
    finally:
        reader.close()
    if sys.platform == "linux":
        assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 2.2 * 2**20, "KiB, so 2.2 GiB"
