"""Codes that a run itself links to an item: a row that names it and holds a code links the two.

A row of a candidate lookup, `candidate, itemid`, and a row of the record, `drug, ndc`, do so alike. Later
results that print only the code are then known to be about the item.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from clinseek_core.scoring import folded
from clinseek_replay.evidence.matching import CODE_COLUMNS, NAMING_COLUMNS, Code, Hit
from clinseek_replay.tables import tables_in
from clinseek_replay.trajectory import Call

__all__ = ["codes_in_rows"]

_ROWS = 2_000
"""Rows of one result that are looked at."""


def codes_in_rows(call: Call, hits: Iterable[Hit]) -> Iterator[tuple[str, Code]]:
    """(item, code) for the rows of a result where a whole cell is the item's name."""
    written = {hit.matched: hit.name for hit in hits if hit.by != "code"}
    if not written or call.result is None:
        return
    text = call.result.text.lower()
    if not any(map(text.__contains__, CODE_COLUMNS)):
        return
    named = {folded(name): item for name, item in written.items()}
    for table in tables_in(call):
        codes = [
            (at, kind) for name, kind in CODE_COLUMNS.items() if (at := table.index.get(name)) is not None
        ]
        naming = [at for name, at in table.index.items() if NAMING_COLUMNS.fullmatch(name)]
        if not codes or not naming:
            continue
        for row in range(min(len(table), _ROWS)):
            items = {named.get(folded(table.cell(row, at).text)) for at in naming} - {None}
            for item in items:
                yield from (
                    (item or "", (kind, table.cell(row, at).text.strip().removesuffix(".0")))
                    for at, kind in codes
                    if not table.cell(row, at).missing
                )
