"""HTML as Markdown by the standard library alone: all of the page's text, its menus too."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

__all__ = ["html_markdown"]

_SILENT_NAMES = "script style noscript template svg math iframe object select"
_BLOCK_NAMES = """
address article aside blockquote body br dd details div dl dt fieldset figcaption figure footer form h1 h2 h3
h4 h5 h6 header hr li main nav ol p pre section summary table tbody thead tr ul
"""
_SILENT, _BLOCKS = frozenset(_SILENT_NAMES.split()), frozenset(_BLOCK_NAMES.split())
_HEADINGS = {f"h{level}": "#" * level + " " for level in range(1, 7)}
_PARAGRAPHS = frozenset(("p", "table", "ul", "ol", "pre", "blockquote", *_HEADINGS))
_CELLS = frozenset(("td", "th"))
_NO_BRACKETS = str.maketrans("[]\n", "() ")
_SPACE = re.compile(r"\s+")
_BAD_IN_TARGET = re.compile(r"[\s()<>\[\]]")


def html_markdown(html: str, url: str) -> tuple[str, str]:
    """The title of a page and its text as Markdown with absolute links."""
    reader = _Reader(url)
    reader.feed(html)
    reader.close()
    return reader.title, reader.text


class _Reader(HTMLParser):
    """Follows the tags; a tag that is never closed ends with the block it stands in."""

    def __init__(self, url: str) -> None:
        super().__init__(convert_charrefs=True)
        self._base = url
        self._lines: list[str] = []
        self._line = ""
        self._lead = ""
        self._silent = ""
        self._depth = 0
        self._in_title = False
        self._title: list[str] = []
        self._link = ""
        self._link_at = 0

    @property
    def title(self) -> str:
        return _SPACE.sub(" ", "".join(self._title)).strip()

    @property
    def text(self) -> str:
        return re.sub(r"\n{3,}", "\n\n", "\n".join(self._lines)).strip()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "title" and not self._title:
            self._in_title = True
        if tag == "base":
            self._base = _joined(self._base, dict(attrs).get("href") or "") or self._base
        if self._silent:
            self._depth += tag == self._silent
            return
        if tag in _SILENT:
            self._silent, self._depth = tag, 1
        elif tag in _BLOCKS:
            self._end_line(paragraph=tag in _PARAGRAPHS)
            self._lead = _HEADINGS.get(tag, "- " if tag == "li" else "")
        elif tag in _CELLS:
            self._line += " | " if self._line else "| "
        elif tag == "a" and not self._link:
            self._link = _joined(self._base, dict(attrs).get("href") or "")
            self._link_at = len(self._line)

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False
        if self._silent:
            self._depth -= tag == self._silent
            if not self._depth:
                self._silent = ""
            return
        if tag == "a":
            self._end_link()
        elif tag in _BLOCKS:
            if tag == "tr" and self._line.startswith("| "):
                self._line += " |"
            self._end_line(paragraph=tag in _PARAGRAPHS)

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self._title.append(data)
        elif not self._silent and data.strip():
            if data[0].isspace() and self._line and not self._line.endswith(" "):
                self._line += " "
            self._line += _SPACE.sub(" ", data.lstrip())
        elif not self._silent and self._line and not self._line.endswith(" "):
            self._line += " "

    def close(self) -> None:
        super().close()
        self._end_line(paragraph=False)

    def _end_link(self) -> None:
        words = self._line[self._link_at :].strip()
        if self._link and words:
            self._line = f"{self._line[: self._link_at]}[{words.translate(_NO_BRACKETS)}]({self._link})"
        self._link = ""

    def _end_line(self, *, paragraph: bool) -> None:
        self._end_link()
        if self._line.strip():
            self._lines.append(f"{self._lead}{self._line.strip()}")
            self._lead = ""
        if paragraph and self._lines and self._lines[-1]:
            self._lines.append("")
        self._line = ""


def _joined(base: str, target: str) -> str:
    """An absolute http(s) address that Markdown can hold; empty where it is none."""
    try:
        url = urljoin(base, target.strip()) if target and not target.startswith("#") else ""
        usable = urlsplit(url).scheme in {"http", "https"}
    except ValueError:
        return ""
    return (
        _BAD_IN_TARGET.sub(lambda bad: f"%{ord(bad[0]):02X}" if bad[0].isascii() else "", url)
        if usable
        else ""
    )
