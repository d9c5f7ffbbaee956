"""Full-text search over a corpus with SQLite's FTS5.

A page that is called what is asked for comes first; the others are ranked by bm25 and, where that is even, by
address, so that a query finds the same pages everywhere.
"""

from __future__ import annotations

import re
import sqlite3
import unicodedata

import msgspec

from clinseek_core.web.corpus import Corpus, CorpusPage
from clinseek_core.web.port import Hit

__all__ = ["CorpusIndex", "Entry", "make_index"]

_WEIGHTS = (10.0, 6.0, 3.0, 1.0)
"""Of title, topics, headings and text."""
_QUERY = """
SELECT rowid FROM page WHERE page MATCH ? ORDER BY round(bm25(page, ?, ?, ?, ?), 6), rowid LIMIT ?
"""
_WORD = re.compile(r"[^\W_]+")
_MAX_WORDS = 32
_STOP_WORDS = """
a an and are as at be by can do does for from has have how i in into is it its may more most my no not of on
or should than that the their this to was were what when which who why will with
"""
_STOP = frozenset(_STOP_WORDS.split())
_MARKUP = re.compile(r" ?\[\d{1,3}\]|\[([^\[\]\n]*)\]\([^()\n]*\)|[*`|#]+|^\s*[-*] |^[-:| ]+$", re.MULTILINE)
_SENTENCE = re.compile(r"[^\n.;]*(?:[.;](?!\s)[^\n.;]*)*[.;]?")
_SNIPPET = 240
# Spelling on both sides of the Atlantic: oedema and edema, haemorrhage and hemorrhage.
_SPELLINGS = ((re.compile("[ao]e"), "e"), (re.compile("isation"), "ization"))


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """What is shown of a page that was found: its sentences, also as they are compared with a query."""

    title: str
    address: str
    names: tuple[str, ...]
    """Its title and its topics, as they are compared with a query."""
    sentences: tuple[str, ...]
    compared: tuple[str, ...]


class CorpusIndex:
    """Finds pages; `database` holds the table that `make_index` made, its rowids are places in `entries`.

    Not for two threads at once.
    """

    def __init__(self, entries: tuple[Entry, ...], database: sqlite3.Connection) -> None:
        self.entries = entries
        self.database = database
        self._called = _called(entries)

    def search(self, query: str, count: int) -> tuple[Hit, ...]:
        """The best pages for `query`: those it names, then those with all of its words, then with some."""
        said = _words(query)
        words = list(dict.fromkeys(said))[:_MAX_WORDS]
        telling = [f'"{word}"' for word in words if word not in _STOP] or [f'"{word}"' for word in words]
        if not telling:
            return ()
        found = [*self._called.get(" ".join(said), ()), *self._matching(" AND ".join(telling), count)]
        found = list(dict.fromkeys(found))[:count]
        if len(found) < count and len(telling) > 1:
            some = self._matching(" OR ".join(telling), 2 * count)
            found = list(dict.fromkeys([*found, *some]))[:count]
        stems = {word.strip('"')[: max(4, len(word) - 5)] for word in telling}
        entries = (self.entries[number] for number in found)
        return tuple(Hit(each.title, each.address, _snippet(each, stems)) for each in entries)

    def _matching(self, expression: str, count: int) -> list[int]:
        rows = self.database.execute(_QUERY, (expression, *_WEIGHTS, count))
        return [number for (number,) in rows]


def _called(entries: tuple[Entry, ...]) -> dict[str, list[int]]:
    """The places of the pages that have a name: by title, then by topic, each in order of address."""
    called: dict[str, list[int]] = {}
    for number, entry in enumerate(entries):
        called.setdefault(entry.names[0], []).append(number)
    for number, entry in enumerate(entries):
        for name in entry.names[1:]:
            called.setdefault(name, []).append(number)
    return called


def make_index(corpus: Corpus) -> CorpusIndex:
    """The index of a corpus, in memory."""
    pages = [corpus.pages[address] for address in sorted(corpus.pages)]
    database = sqlite3.connect(":memory:", check_same_thread=False)
    with database:
        database.execute(
            "CREATE VIRTUAL TABLE page USING fts5(title, topics, headings, text,"
            " tokenize = 'porter unicode61 remove_diacritics 2')"
        )
        database.executemany(
            "INSERT INTO page(rowid, title, topics, headings, text) VALUES (?, ?, ?, ?, ?)",
            ((number, *_columns(page)) for number, page in enumerate(pages)),
        )
    return CorpusIndex(tuple(map(_entry, pages)), database)


def _columns(page: CorpusPage) -> tuple[str, ...]:
    lines = page.text.split("\n")
    headings = "\n".join(line for line in lines if line.startswith("#"))
    text = "\n".join(line for line in lines if not line.startswith("#"))
    name = page.address.rpartition("/")[2].replace("-", " ")
    return tuple(map(_compared, (page.title, "\n".join((*page.topics, page.kind, name)), headings, text)))


def _entry(page: CorpusPage) -> Entry:
    plain = _MARKUP.sub(lambda found: found[1] or "", page.text)
    sentences = tuple(filter(None, (" ".join(found.split()) for found in _SENTENCE.findall(plain))))
    names = tuple(" ".join(_words(name)) for name in (page.title, *page.topics))
    return Entry(page.title, page.address, names, sentences, tuple(map(_compared, sentences)))


def _words(text: str) -> list[str]:
    return _WORD.findall(_compared(text))


def _compared(text: str) -> str:
    """Text in the one spelling that pages and queries are compared in."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    for pattern, one in _SPELLINGS:
        folded = pattern.sub(one, folded)
    return folded


def _snippet(entry: Entry, stems: set[str]) -> str:
    """The sentences that hold most of the words, in the page's order, within some 240 characters."""
    shares = [sum(stem in text for stem in stems) for text in entry.compared]
    chosen: list[int] = []
    room = _SNIPPET
    for at in sorted(range(len(shares)), key=lambda at: (-shares[at], at)):
        length = len(entry.sentences[at]) + 1
        if chosen and (not shares[at] or room < length):
            break
        chosen.append(at)
        room -= length
    text = " ".join(entry.sentences[at] for at in sorted(chosen))
    return text if len(text) <= _SNIPPET else text[: _SNIPPET - 1].rsplit(" ", 1)[0] + "…"
