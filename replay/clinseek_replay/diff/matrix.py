"""Many runs of one case side by side: a row for each call that any of them made, a column for each run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from clinseek_core.scoring import folded
from clinseek_replay.diff.alignment import align
from clinseek_replay.diff.calls import CallRef, calls_of
from clinseek_replay.diff.comparing import RunHead, head_of
from clinseek_replay.diff.standing import GoldLine, gold_lines, gold_of
from clinseek_replay.trajectory import Trajectory

__all__ = ["Matrix", "MatrixCell", "MatrixRow", "matrix"]

CellKind = Literal["same", "moved", "changed_result"]


class MatrixCell(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A run's call in a row: where it stands, and how it is to the first run that has the row."""

    anchor: str
    kind: CellKind = "same"


class MatrixRow(msgspec.Struct, frozen=True, kw_only=True):
    """One call, the same tool and arguments in every run that made it."""

    tool: str
    cells: tuple[MatrixCell | None, ...]
    """One for each run."""

    @property
    def differs(self) -> bool:
        """Whether a run lacks it or has it otherwise."""
        return any(cell is None or cell.kind != "same" for cell in self.cells)


class Matrix(msgspec.Struct, frozen=True, kw_only=True):
    """k runs of a case."""

    runs: tuple[RunHead, ...]
    rows: tuple[MatrixRow, ...]
    gold: tuple[GoldLine, ...]
    same_answers: bool

    @property
    def equal(self) -> bool:
        """Whether the runs made the same calls in the same order, saw the same, and answered the same."""
        return self.same_answers and not any(row.differs for row in self.rows)


class _Row(msgspec.Struct):
    """A row that grows by one cell a run."""

    first: CallRef
    cells: dict[int, MatrixCell]


def matrix(runs: Sequence[Trajectory]) -> Matrix:
    """Set runs side by side, one after the other against what the ones before them did."""
    rows: list[_Row] = []
    for column, run in enumerate(runs):
        rows = _with_run(rows, column, calls_of(run))
    gold = gold_of(runs)
    return Matrix(
        runs=tuple(head_of(run, gold) for run in runs),
        rows=tuple(
            MatrixRow(tool=row.first.tool, cells=tuple(row.cells.get(column) for column in range(len(runs))))
            for row in rows
        ),
        gold=gold_lines(runs),
        same_answers=len({_answered(run) for run in runs}) <= 1,
    )


def _answered(run: Trajectory) -> tuple[str, frozenset[str]]:
    return run.status, frozenset(folded(name) for name in run.answer or ())


def _with_run(rows: Sequence[_Row], column: int, calls: Sequence[CallRef]) -> list[_Row]:
    """The rows with one more run: calls that no row has become rows where they stand."""
    grown: list[_Row] = []
    by_call = {id(row.first): row for row in rows}
    for line in align([row.first for row in rows], calls):
        row = by_call[id(line.a)] if line.a is not None else None
        if row is not None:
            grown.append(row)
        if line.b is None:
            continue
        if row is None or line.change == "changed_arguments":
            grown.append(_Row(line.b, {column: MatrixCell(anchor=line.b.anchor)}))
        else:
            kind: CellKind = (
                "changed_result" if line.change == "changed_result" else "moved" if line.moved else "same"
            )
            row.cells[column] = MatrixCell(anchor=line.b.anchor, kind=kind)
    return grown
