"""The paper's tables from many runs: mean F1 by group, for each model and mode, and the modes' difference."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import msgspec

from clinseek_core.scoring import Interval, Paired, SingleRow, interval, paired, single_row
from clinseek_core.tasks import TASKS
from clinseek_replay.report.comparison import Habits, habits_of
from clinseek_replay.report.facts import Mode, ReportRun, f1_by_question

__all__ = ["Cell", "Column", "Report", "Row", "Table", "report"]

Column = tuple[str, Mode]
"""A model in a mode."""

_MULTIMODAL = (
    "CXR finding presence",
    "CXR finding enumeration",
    "CXR change comparison",
    "Mortality (24 h)",
    "Inpatient mortality",
    "Phenotype (CCS groups)",
)
_AGENTEHR = ("diagnoses_ccs", "labevents", "microbiologyevents", "procedures_ccs", "transfers")
_TITLES = {
    "EHR-Bench": (("Risk prediction", "risk_prediction"), ("Decision making", "decision_making")),
    "Multimodal": tuple((group, group) for group in _MULTIMODAL),
    "AgentEHR-Bench": tuple((group, f"agentehr:{group}") for group in _AGENTEHR),
}
"""Each table's rows: what they are called, and the place that their runs are counted in."""


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One row of one column."""

    f1: Interval | None
    f1_without_leaks: float | None
    rounds: float
    calls: float
    causes: dict[str, int]
    """Primary causes of what was lost, the most frequent first."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A group of tasks, or one task."""

    name: str
    cells: tuple[Cell | None, ...]
    """In the order of the report's columns; None where there is no run."""
    agentic_less_curated: dict[str, Paired]
    """By model, on the questions of both modes."""
    ceiling: float | None
    """The mean of the best F1 that the data allow; None where no cases file was named."""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table of the paper's, or all tasks."""

    title: str
    rows: tuple[Row, ...]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What many runs add up to."""

    runs: int
    columns: tuple[Column, ...]
    tables: tuple[Table, ...]
    """Those that have a run; the last has a row for each task."""
    habits: dict[str, Habits]
    """By column, as `model, mode`."""
    answers: str = "set F1 of names in normal form"
    """How answers were scored, but for those of `single`."""
    single: tuple[SingleRow, ...] = ()
    """The single answers of multimodal tasks, right or wrong: by which rule, or by the judge."""


def report(runs: Sequence[ReportRun], ceilings: Mapping[str, float] | None = None) -> Report:
    """Tables over runs; `ceilings` are the cases' best F1 by qid."""
    columns = tuple(sorted({(run.model, run.mode) for run in runs}))
    making = _Making(columns, ceilings)
    tables = []
    for title, rows in _TITLES.items():
        places = {place for _, place in rows}
        of_table = [run for run in runs if _place(run) in places]
        if not of_table:
            continue
        made = [making.row(name, [run for run in of_table if _place(run) == place]) for name, place in rows]
        made.append(making.row("Overall", of_table))
        tables.append(Table(title=title, rows=tuple(row for row in made if any(row.cells))))
    tasks = sorted({run.task for run in runs})
    by_task = [making.row(task or "(no task)", [run for run in runs if run.task == task]) for task in tasks]
    tables.append(Table(title="By task", rows=tuple(by_task)))
    habits = {
        f"{model}, {mode}": habits_of([run for run in runs if (run.model, run.mode) == (model, mode)])
        for model, mode in columns
    }
    return Report(
        runs=len(runs),
        columns=columns,
        tables=tuple(tables),
        habits=habits,
        single=tuple(single_row(run.qid or run.source, run.single) for run in runs if run.single is not None),
    )


def _place(run: ReportRun) -> str:
    """Where a run is counted: its task's kind, its multimodal group, or its task of AgentEHR's."""
    task = TASKS.get(run.task)
    if task is None:
        return _BY_NAME.get(run.task, "")
    if task.kind == "multimodal":
        return task.group
    return f"agentehr:{task.group}" if task.kind == "agentehr" else task.kind


_BY_NAME = {
    "medmod_radiology": "CXR finding enumeration",
    "medmod_decompensation": "Mortality (24 h)",
    "medmod_in_hospital_mortality": "Inpatient mortality",
    "medmod_phenotyping": "Phenotype (CCS groups)",
}
"""Tasks of the released multimodal file."""


class _Making:
    """Makes rows for some columns."""

    def __init__(self, columns: Collection[Column], ceilings: Mapping[str, float] | None) -> None:
        self._columns = columns
        self._ceilings = ceilings

    def row(self, name: str, runs: Sequence[ReportRun]) -> Row:
        of_column = {
            column: [run for run in runs if (run.model, run.mode) == column] for column in self._columns
        }
        models = sorted({run.model for run in runs})
        differences = {
            model: found
            for model in models
            if (
                found := paired(
                    f1_by_question(of_column.get((model, "curated"), ())),
                    f1_by_question(of_column.get((model, "agentic"), ())),
                )
            )
        }
        return Row(
            name=name,
            cells=tuple(_cell(of) if of else None for of in of_column.values()),
            agentic_less_curated=differences,
            ceiling=self._ceiling({run.qid for run in runs}),
        )

    def _ceiling(self, qids: Collection[str]) -> float | None:
        known = [self._ceilings[qid] for qid in qids if qid in self._ceilings] if self._ceilings else []
        return statistics.fmean(known) if known else None


def _cell(runs: Sequence[ReportRun]) -> Cell:
    adjusted = [run.f1_without_leaks for run in runs if run.f1_without_leaks is not None]
    return Cell(
        f1=interval(f1_by_question(runs).values()),
        f1_without_leaks=statistics.fmean(adjusted) if adjusted else None,
        rounds=statistics.fmean(run.rounds for run in runs),
        calls=statistics.fmean(sum(run.calls.values()) for run in runs),
        causes=dict(Counter(run.cause for run in runs if run.cause).most_common()),
    )
