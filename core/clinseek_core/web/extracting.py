"""What a page says, out of the bytes that a server sent: HTML, PDF, text or JSON.

The bytes are a stranger's, and parsers have been made to hang and to eat memory: this runs in a worker.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import re
from collections.abc import Callable

from clinseek_core.errors import InputError
from clinseek_core.web.charsets import as_text
from clinseek_core.web.html_text import html_markdown
from clinseek_core.web.port import Document

__all__ = ["ACCEPT", "document_of", "pdf_can_be_read"]

ACCEPT = "text/html,application/xhtml+xml,application/pdf,text/plain;q=0.9,*/*;q=0.5"

_MAX_PAGES = 300
_MAX_CHARACTERS = 2_500_000
_SHORTEST = 200
"""Characters below which an extractor is thought to have missed the page."""
_HTML = re.compile(
    r"\s{0,100}(?:<!--.{0,2000}?-->\s{0,100})?<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)

_Reader = Callable[[bytes, str, str], Document]


def pdf_can_be_read() -> bool:
    """Whether the extra `web` is there."""
    return importlib.util.find_spec("pypdf") is not None


def document_of(body: bytes, media_type: str, charset: str, url: str, *, source: bool = False) -> Document:
    """The document that `body` holds; with `source`, its text as it was sent.

    Raises InputError, in words for the model, for what is no page or can't be read.
    """
    kind = "application/pdf" if body.startswith(b"%PDF-") else media_type
    reader = next((read for types, read in _READERS if kind in types), None)
    if reader is None and kind.startswith("text/"):
        reader = _plain
    if reader is None:
        raise InputError(f"it is {media_type}; pages, text and PDF can be read")
    if source and reader is not _pdf:
        reader = _plain
    document = reader(body, charset, url)
    if not document.text.strip():
        raise InputError("it holds no text that can be read without running its scripts")
    return document


def _unnamed(body: bytes, charset: str, url: str) -> Document:
    """A page whose server doesn't say what it is."""
    text = as_text(body, charset)
    if "\x00" in text[:4096]:
        raise InputError("it is no text, and its server does not say what it is")
    return _html(body, charset, url) if _HTML.match(text) else _plain(body, charset, url)


def _html(body: bytes, charset: str, url: str) -> Document:
    html = as_text(body, charset)
    title, text = html_markdown(html, url)
    main = _main_part(html, url)
    return Document(url, title or url, (main or text)[:_MAX_CHARACTERS])


def _main_part(html: str, url: str) -> str:
    """The page without menus and footers, by trafilatura; empty where that is not there or finds little."""
    try:
        import trafilatura  # noqa: PLC0415 - of the extra `web`
    except ImportError:
        return ""
    found = trafilatura.extract(
        html,
        url=url,
        output_format="markdown",
        include_links=True,
        include_tables=True,
        include_comments=False,
        favor_recall=True,
        with_metadata=False,
    )
    return found if found and len(found) >= _SHORTEST else ""


def _plain(body: bytes, charset: str, url: str) -> Document:
    return Document(url, url, as_text(body, charset)[:_MAX_CHARACTERS], "plain")


def _json(body: bytes, charset: str, url: str) -> Document:
    text = as_text(body, charset)
    with contextlib.suppress(ValueError, RecursionError):
        text = json.dumps(json.loads(text), indent=1, ensure_ascii=False)
    return Document(url, url, text[:_MAX_CHARACTERS], "plain")


def _pdf(body: bytes, _: str, url: str) -> Document:
    if not pdf_can_be_read():
        raise InputError('it is a PDF; to read those, install the extra: pip install "clinseek-tui[web]"')
    import pypdf  # noqa: PLC0415 - of the extra `web`

    try:
        reader = pypdf.PdfReader(io.BytesIO(body))
        if reader.is_encrypted and not reader.decrypt(""):
            raise InputError("it is a PDF that needs a password")
        title = str((reader.metadata or {}).get("/Title") or "").strip()
        parts, room = [], _MAX_CHARACTERS
        for number, page in enumerate(reader.pages[:_MAX_PAGES], 1):
            parts.append(f"## Page {number} of {len(reader.pages)}\n\n{page.extract_text()}")
            room -= len(parts[-1])
            if room < 0:
                break
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"it is a PDF that can't be read ({error})") from error
    return Document(url, title or url, "\n\n".join(parts), "plain")


_READERS: tuple[tuple[frozenset[str], _Reader], ...] = (
    (frozenset(("text/html", "application/xhtml+xml")), _html),
    (frozenset(("application/pdf", "application/x-pdf")), _pdf),
    (frozenset(("application/json", "application/ld+json")), _json),
    (frozenset(("application/xml", "text/xml", "application/rss+xml", "application/atom+xml")), _plain),
    (frozenset(("", "application/octet-stream")), _unnamed),
)
