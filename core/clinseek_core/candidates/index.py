"""The candidate tables as one patient may see them, and their search."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from clinseek_core.candidates import embedding, parts
from clinseek_core.candidates.build import APPLICATION_ID, FORMAT
from clinseek_core.candidates.lexicon import lexicon_words
from clinseek_core.candidates.meaning import Meaning
from clinseek_core.candidates.reading import readings
from clinseek_core.candidates.spelling import Spelling
from clinseek_core.candidates.tables import CANDIDATE_TABLES
from clinseek_core.candidates.wording import MAX_QUERY, clean
from clinseek_core.errors import InputError

if TYPE_CHECKING:
    from clinseek_core.candidates.encoder import SentenceEncoder

__all__ = ["CandidateIndex", "CandidateList"]


class CandidateList(msgspec.Struct, frozen=True):
    """What there is of one candidate table."""

    name: str
    columns: tuple[str, ...]
    """`candidate`, then the codes."""
    rows: int
    names: int
    """Distinct names; a name with many codes is many rows."""


class CandidateIndex:
    """All candidate tables as the patient `subject_id` may see them; answers depend on nothing else.

    Names that only this patient has are nowhere: in no answer, count, order or score. Any text is a query.
    One index belongs to one thread.
    """

    def __init__(
        self, con: sqlite3.Connection, subject_id: int, encoder: SentenceEncoder | None = None
    ) -> None:
        """Take the connection that `build` returned; `encoder` must be the one that it was given."""
        if encoder is not None:
            embedding.check(con, encoder)
        self._con = con
        self._encoder = encoder
        self._subject_id = subject_id
        self._spellings: dict[str, Spelling] = {}
        self._meanings: dict[str, Meaning] = {}
        self._nearness: dict[str, embedding.Nearness] = {}
        self._vocabularies: dict[str, list[str]] = {}
        self._places: dict[str, list[int] | None] = {}

    @classmethod
    def open(cls, path: Path, subject_id: int, encoder: SentenceEncoder | None = None) -> CandidateIndex:
        """Open a file that `build` made, for reading.

        With an `encoder` a search by meaning weighs the embeddings too. InputError where the file is none, is
        of another version, or its names were not embedded with the encoder's weights.
        """
        try:
            con = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1", uri=True)
        except sqlite3.Error as error:
            raise InputError(f"{path}: can't be opened ({error}); ingest again") from error
        try:
            made_by = con.execute("PRAGMA application_id").fetchone()[0]
            version = con.execute("PRAGMA user_version").fetchone()[0]
        except sqlite3.Error as error:
            con.close()
            raise InputError(f"{path}: is no file of candidate tables ({error}); ingest again") from error
        if (made_by, version) != (APPLICATION_ID, FORMAT):
            con.close()
            kind = (
                f"of version {version}, not {FORMAT}" if made_by == APPLICATION_ID else "of another program"
            )
            raise InputError(f"{path}: is a file {kind}; ingest again")
        try:
            return cls(con, subject_id, encoder)
        except InputError as error:
            con.close()
            raise InputError(f"{path}: {error}") from error

    def close(self) -> None:
        """Close the file."""
        self._con.close()

    def __enter__(self) -> CandidateIndex:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @cached_property
    def tables(self) -> dict[str, CandidateList]:
        """Every candidate table by name, in the order they were built."""
        sql = "SELECT number, name, codes, entries, names FROM lists ORDER BY number"
        return {
            name: CandidateList(
                name=name,
                columns=("candidate", *msgspec.json.decode(codes)),
                rows=entries - self._hidden("entries", number),
                names=names - self._hidden("names", number),
            )
            for number, name, codes, entries, names in self._con.execute(sql).fetchall()
        }

    def rows(self, table: str) -> Iterator[tuple[Any, ...]]:
        """All visible rows, (candidate, *codes), in order of name, then codes."""
        sql = (
            "SELECT names.name, entries.codes FROM entries"
            " JOIN names ON names.list = entries.list AND names.place = entries.place"
            " WHERE entries.list = ? AND entries.only_subject IS NOT ? ORDER BY entries.number"
        )
        decode = msgspec.json.decode
        for name, codes in self._con.execute(sql, [self._numbers[table], self._subject_id]):
            yield (name, *decode(codes))

    def keyword(
        self, table: str, text: str, limit: int, offset: int = 0
    ) -> tuple[list[tuple[Any, ...]], int]:
        """Names that hold every word of `text`, in themselves or in their codes; and how many there are.

        A word is what stands between white space; it may be part of a longer one. `limit` and `offset` count
        names, and a name's rows stand together, (candidate, *codes), at most `CandidateTable.shown` of them.
        Nearer names first: equal, beginning so, holding the text as it stands, holding whole words, others.
        """
        found = self._spelling(table).keyword(text)
        page = found[max(offset, 0) : max(offset, 0) + max(limit, 0)]
        return [row for place in page for row in self._entries(table, place)], len(found)

    def exact(self, table: str, name: str) -> list[tuple[Any, ...]]:
        """All rows, (candidate, *codes), of the names that read like `name` but for case and spaces."""
        found = self._spelling(table).exact(name)
        return [row for place in found for row in self._entries(table, place, most=-1)]

    def shown(self, table: str, name: str) -> list[tuple[Any, ...]]:
        """The rows of just this name, at most `CandidateTable.shown` of them; none where it is unknown."""
        found = self._spelling(table).exact(name)
        return [
            row for place in found if self._name(table, place) == name for row in self._entries(table, place)
        ]

    def fuzzy(self, table: str, keyword: str, limit: int) -> list[tuple[str, float]]:
        """The names nearest by spelling, with the edit ratio in 0 to 100 of both in lower case."""
        found = self._spelling(table).fuzzy(keyword, limit) if limit > 0 else []
        return [(self._name(table, place), score) for place, score in found]

    def similar(self, table: str, query: str, limit: int) -> list[tuple[str, float]]:
        """The names nearest by meaning, with a score in 0 to 1: words, stems, misspellings, other names."""
        meant = readings(query, self._known, self._vocabulary(table))
        found = self._meaning(table).search(meant, max(limit, 0), self._near(table, query))
        return [(self._name(table, place), score) for place, score in found]

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {name: number for number, name in self._con.execute("SELECT number, name FROM lists")}

    @cached_property
    def _known(self) -> frozenset[str]:
        """Words that are no misspellings: those of dictionaries and of the lexicon.

        Words of names from rows are left out: they would differ with this patient's rows.
        """
        tables = [
            name for name in self.tables if not (info := CANDIDATE_TABLES.get(name)) or not info.from_rows
        ]
        return lexicon_words().union(*(parts.words_of(self._con, self._numbers[name]) for name in tables))

    def _vocabulary(self, table: str) -> list[str]:
        """The words that a misspelling may have meant."""
        if table not in self._vocabularies:
            self._vocabularies[table] = sorted(lexicon_words().union(self._meaning(table).words))
        return self._vocabularies[table]

    def _hidden(self, what: str, number: int) -> int:
        """How many names or entries of a list only this patient has."""
        sql = f"SELECT count(*) FROM {what} WHERE only_subject = ? AND list = ?"  # noqa: S608 - our two tables
        return int(self._con.execute(sql, [self._subject_id, number]).fetchone()[0])

    def _spelling(self, table: str) -> Spelling:
        if table not in self._spellings:
            self._spellings[table] = Spelling(self._parts(table, "spelling"), self.tables[table].names)
        return self._spellings[table]

    def _meaning(self, table: str) -> Meaning:
        if table not in self._meanings:
            self._meanings[table] = Meaning(self._parts(table, "meaning"), self.tables[table].names)
        return self._meanings[table]

    def _near(self, table: str, query: str) -> embedding.Floats | None:
        if self._encoder is None or not query.strip():
            return None
        if table not in self._nearness:
            self._nearness[table] = embedding.Nearness(
                self._con, self._numbers[table], self._visible(table), self._encoder
            )
        return self._nearness[table].of(clean(query[:MAX_QUERY]))

    def _parts(self, table: str, kind: str) -> dict[str, bytes]:
        """What was stored, unless some of it must not be seen; then made anew from what may be seen."""
        number = self._numbers[table]
        stored = parts.load(self._con, number, kind) if self._visible(table) is None else {}
        return stored or parts.make(self._con, number, kind, self._subject_id)

    def _visible(self, table: str) -> list[int] | None:
        """The visible places where something is hidden; None where nothing is."""
        if table not in self._places:
            number = self._numbers[table]
            hidden = self._hidden("entries", number)
            self._places[table] = (
                parts.visible_places(self._con, number, self._subject_id) if hidden else None
            )
        return self._places[table]

    def _stored(self, table: str, place: int) -> int:
        places = self._visible(table)
        return place if places is None else places[place]

    def _name(self, table: str, place: int) -> str:
        sql = "SELECT name FROM names WHERE list = ? AND place = ?"
        (name,) = self._con.execute(sql, [self._numbers[table], self._stored(table, place)]).fetchone()
        return str(name)

    def _entries(self, table: str, place: int, most: int = 0) -> list[tuple[Any, ...]]:
        """The first visible rows of a name: `most` of them, all for -1, as many as the table shows for 0."""
        shown = CANDIDATE_TABLES[table].shown if table in CANDIDATE_TABLES else -1
        sql = (
            "SELECT codes FROM entries INDEXED BY entries_of_name"
            " WHERE list = ? AND place = ? AND only_subject IS NOT ? ORDER BY number LIMIT ?"
        )
        values = [self._numbers[table], self._stored(table, place), self._subject_id, most or shown]
        name = self._name(table, place)
        return [(name, *msgspec.json.decode(codes)) for (codes,) in self._con.execute(sql, values)]
