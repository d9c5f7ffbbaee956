"""What searching a list needs, made from its visible names alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Container, Iterator

import msgspec

from clinseek_core.candidates.meaning import Document, Meaning
from clinseek_core.candidates.spelling import Spelling
from clinseek_core.candidates.tables import CANDIDATE_TABLES
from clinseek_core.candidates.wording import words

__all__ = ["NOBODY", "documents", "load", "make", "prepare", "visible_places", "words_of"]

NOBODY = -1
"""A subject_id that no patient has: all names are visible."""
_ALIAS_TRUST = 0.97
_MEMBER_TRUST = 0.9


def prepare(con: sqlite3.Connection, number: int) -> None:
    """Store both kinds of parts for the list, hidden names included."""
    for kind in ("meaning", "spelling"):
        for part, data in sorted(make(con, number, kind, NOBODY).items()):
            con.execute("INSERT INTO parts VALUES (?, ?, ?, ?)", [number, kind, part, data])


def load(con: sqlite3.Connection, number: int, kind: str) -> dict[str, bytes]:
    """The stored parts of a kind; empty where nothing was prepared."""
    sql = "SELECT part, data FROM parts WHERE list = ? AND kind = ?"
    return dict(con.execute(sql, [number, kind]).fetchall())


def words_of(con: sqlite3.Connection, number: int) -> list[str]:
    """All words of a dictionary's names and their other names that are letters only."""
    sql = "SELECT data FROM parts WHERE list = ? AND kind = 'meaning' AND part = 'words'"
    stored = con.execute(sql, [number]).fetchone()
    if stored:
        data: bytes = stored[0]
        return data.decode().split("\n")[1:-1]
    sql = "SELECT name FROM names WHERE list = ? UNION ALL SELECT alias FROM aliases WHERE list = ?"
    said = {word for (text,) in con.execute(sql, [number, number]) for word in words(text)}
    return [word for word in said if word.isalpha()]


def visible_places(con: sqlite3.Connection, number: int, subject_id: int) -> list[int]:
    """The places of the names that this patient may see: all but those that no other patient has."""
    sql = "SELECT place FROM names WHERE list = ? AND only_subject IS NOT ? ORDER BY place"
    return [place for (place,) in con.execute(sql, [number, subject_id])]


def make(con: sqlite3.Connection, number: int, kind: str, subject_id: int) -> dict[str, bytes]:
    """The parts of a kind for what this patient may see of the list; names are numbered anew from 0."""
    places = {place: rank for rank, place in enumerate(visible_places(con, number, subject_id))}
    if kind == "meaning":
        found = documents(con, number, places)
        return Meaning.build((places[place], text, trust) for place, text, trust in found)
    names = _names(con, number, places)
    codes: list[list[str]] = [[] for _ in names]
    sql = "SELECT place, codes FROM entries WHERE list = ? AND only_subject IS NOT ? ORDER BY number"
    for place, text in con.execute(sql, [number, subject_id]):
        codes[places[place]] += [str(code) for code in msgspec.json.decode(text) if code is not None]
    return Spelling.build(names, codes)


def documents(con: sqlite3.Connection, number: int, places: Container[int]) -> Iterator[Document]:
    """What says what the names at these places mean, each with its name's place in the list.

    The names themselves; their other names; the names of their members, and those' other names.
    """
    sql = "SELECT place, name FROM names WHERE list = ? ORDER BY place"
    sources = ((sql, 1.0), (_ALIASES, _ALIAS_TRUST))
    rows = [(place, text, trust) for sql, trust in sources for place, text in con.execute(sql, [number])]
    rows += [(place, text, _MEMBER_TRUST) for place, text in _members(con, number)]
    return (row for row in rows if row[0] in places)


def _names(con: sqlite3.Connection, number: int, places: Container[int]) -> list[str]:
    rows = con.execute("SELECT place, name FROM names WHERE list = ? ORDER BY place", [number])
    return [name for place, name in rows if place in places]


_ALIASES = "SELECT place, alias FROM aliases WHERE list = ? ORDER BY place, alias"


def _members(con: sqlite3.Connection, number: int) -> list[tuple[int, str]]:
    """Of each class, the names that its codes have in the list of its members, and those' other names."""
    (name,) = con.execute("SELECT name FROM lists WHERE number = ?", [number]).fetchone()
    table = CANDIDATE_TABLES.get(name)
    found = con.execute(
        "SELECT number FROM lists WHERE name = ?", [table.members if table else ""]
    ).fetchone()
    if not found:
        return []
    texts: dict[int, set[str]] = {}
    for sql in ("SELECT place, name FROM names WHERE list = ?", _ALIASES):
        for place, text in con.execute(sql, found):
            texts.setdefault(place, set()).add(text)
    of_codes: dict[str, set[str]] = {}
    for place, codes in con.execute("SELECT place, codes FROM entries WHERE list = ?", found):
        of_codes.setdefault(codes, set()).update(texts[place])
    ours = con.execute("SELECT place, codes FROM entries WHERE list = ?", [number])
    return sorted({(place, text) for place, codes in ours for text in of_codes.get(codes, ())})
