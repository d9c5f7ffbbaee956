"""When the stay that was going on at the prediction time began, as rows of admissions and visits tell."""

from __future__ import annotations

from collections.abc import Iterator

from clinseek_replay.tables import stamp_of, tables_in
from clinseek_replay.trajectory import Call

__all__ = ["stays_in"]

_STAYS = (("admittime", "dischtime", ("admissions",)), ("intime", "outtime", ("edstays",)))
"""Column of a stay's beginning, of its end, and the tables whose rows are stays."""
_ROWS = 500


def stays_in(call: Call, cutoff: str) -> Iterator[str]:
    """The beginnings of stays in a result that were open at the cutoff: begun before, not ended by then."""
    if call.result is None or not cutoff or not any(begins in call.result.text for begins, _, _ in _STAYS):
        return
    for table in tables_in(call):
        for begins, ends, names in _STAYS:
            # Without its end a row does not tell whether the stay is over.
            if begins in table.index and ends in table.index and table.name in names:
                for row in range(min(len(table), _ROWS)):
                    began, ended = (table.get(row, name) for name in (begins, ends))
                    start = stamp_of(began.text) if began else None
                    end = stamp_of(ended.text) if ended else None
                    if start and start.at < cutoff and (end is None or end.at >= cutoff):
                        yield start.at
