"""Embeddings of names and their other names: stored once as 8-bit numbers, compared with a query's."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from clinseek_core.candidates import parts
from clinseek_core.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from clinseek_core.candidates.encoder import SentenceEncoder

    Floats = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Nearness", "check", "store"]

_EVERY_LIST = 0
"""The number under which what all lists share is stored; lists count from 1."""
_CHUNK = 8192


def store(con: sqlite3.Connection, encoder: SentenceEncoder, tell: Callable[[str], None]) -> None:
    """Embed every text that says what a name means; each text once, whatever lists it is in."""
    import numpy as np  # noqa: PLC0415 - loaded where texts are embedded

    rows: dict[str, int] = {}
    for number, count in con.execute(
        "SELECT list, count(*) FROM names GROUP BY list ORDER BY list"
    ).fetchall():
        found = [
            (place, rows.setdefault(text, len(rows)))
            for place, text, _ in parts.documents(con, number, range(count))
        ]
        for part, values in zip(("places", "rows"), np.array(found, "<i4").reshape(-1, 2).T, strict=True):
            _insert(con, number, part, values.tobytes())
    texts = list(rows)
    _insert(con, _EVERY_LIST, "digest", encoder.digest.encode())
    sql = "INSERT INTO parts VALUES (?, 'embedding', 'numbers', zeroblob(?))"
    con.execute(sql, [_EVERY_LIST, len(texts) * encoder.size])
    scales = np.zeros(len(texts), "<f4")

    def told(done: int) -> None:
        tell(f"embedding names: {begin + done:,} of {len(texts):,}")

    begin = 0
    with con.blobopen("parts", "data", _rowid(con, _EVERY_LIST, "numbers")) as blob:
        for begin in range(0, len(texts), _CHUNK):
            vectors = encoder.encode(texts[begin : begin + _CHUNK], told)
            most = np.maximum(np.abs(vectors).max(axis=1, initial=0), 1e-9)
            scales[begin : begin + len(vectors)] = most / 127
            blob.write(np.round(vectors * (127 / most)[:, None]).astype("i1").tobytes())
    _insert(con, _EVERY_LIST, "scales", scales.tobytes())


def check(con: sqlite3.Connection, encoder: SentenceEncoder) -> None:
    """InputError unless the names were embedded with this encoder's weights."""
    digest = _read(con, _EVERY_LIST, "digest")
    if digest is None:
        raise InputError("the candidate tables hold no embeddings; ingest again with the weights' folder")
    if digest.decode() != encoder.digest:
        raise InputError("the candidate tables were embedded with other weights; name those, or ingest again")


class Nearness:
    """How near a query is to each text of one list, of the names at the places that may be seen."""

    def __init__(
        self, con: sqlite3.Connection, number: int, visible: list[int] | None, encoder: SentenceEncoder
    ) -> None:
        import numpy as np  # noqa: PLC0415 - loaded with the first search

        self._encoder = encoder
        rows = np.frombuffer(_read(con, number, "rows") or b"", "<i4")
        if visible is not None:
            rows = rows[np.isin(np.frombuffer(_read(con, number, "places") or b"", "<i4"), visible)]
        first, last = (int(rows.min()), int(rows.max()) + 1) if len(rows) else (0, 0)
        self._rows = rows - first
        self._scales = np.frombuffer(_read(con, _EVERY_LIST, "scales") or b"", "<f4")[first:last]
        with con.blobopen("parts", "data", _rowid(con, _EVERY_LIST, "numbers"), readonly=True) as blob:
            blob.seek(first * encoder.size)
            data = blob.read((last - first) * encoder.size)
        self._numbers = np.frombuffer(data, "i1").reshape(last - first, encoder.size)

    def of(self, query: str) -> Floats:
        """The cosine with each text, negative ones as 0, in the order of `parts.documents`."""
        import numpy as np  # noqa: PLC0415 - loaded with the first search

        vector = self._encoder.encode([query])[0]
        cosines = np.zeros(len(self._numbers))
        for begin in range(0, len(cosines), _CHUNK):
            chunk = self._numbers[begin : begin + _CHUNK].astype("f4")
            cosines[begin : begin + _CHUNK] = chunk @ vector
        cosines *= self._scales
        near: Floats = np.clip(cosines, 0.0, 1.0)[self._rows]
        return near


def _insert(con: sqlite3.Connection, number: int, part: str, data: bytes) -> None:
    con.execute("INSERT INTO parts VALUES (?, 'embedding', ?, ?)", [number, part, data])


def _read(con: sqlite3.Connection, number: int, part: str) -> bytes | None:
    sql = "SELECT data FROM parts WHERE list = ? AND kind = 'embedding' AND part = ?"
    found = con.execute(sql, [number, part]).fetchone()
    return found[0] if found else None


def _rowid(con: sqlite3.Connection, number: int, part: str) -> int:
    sql = "SELECT rowid FROM parts WHERE list = ? AND kind = 'embedding' AND part = ?"
    return int(con.execute(sql, [number, part]).fetchone()[0])
