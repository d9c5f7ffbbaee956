"""Many runs as one table: what is known of each without reading it, and what reading it adds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from clinseek_core.errors import InputError
from clinseek_core.text import one_line
from clinseek_replay.recordings import Recordings
from clinseek_replay.trajectory import Trajectory

__all__ = [
    "COLUMNS",
    "RunColumn",
    "RunFacts",
    "RunRow",
    "column_named",
    "facts_of",
    "filtered",
    "rows_of",
    "runs_lines",
    "sorted_rows",
    "with_deltas",
    "with_outcome",
]

Value = str | float | None


class RunFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a table says of a run once it was read."""

    run_id: str
    qid: str
    task: str
    model: str
    status: str
    stop_reason: str
    f1: float | None
    """None without gold, and while the run has no end."""
    calls: int
    rounds: int
    leaks: int
    """Findings of the temporal audit that are leaks."""
    leaks_verified: bool
    """False where a rule of the audit lacked what it needs: then 0 leaks means none was found."""
    cause: str
    """The primary failure: `A2 bad_sql`, or why there is none."""


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the table; `facts` once it was read, `error` where it can't be."""

    number: int
    """1-based among the runs, as `--run N` takes it; 0 for a file or line that holds no run."""
    place: str
    qid: str = ""
    run_index: int | None = None
    status: str = ""
    facts: RunFacts | None = None
    delta: float | None = None
    """F1 less that of the first run of the same case; None for that one, and without both."""
    error: str = ""

    @property
    def case(self) -> str:
        """The qid, as the index or the run itself says it."""
        return self.qid or (self.facts.qid if self.facts else "")


class RunColumn(msgspec.Struct, frozen=True, kw_only=True):
    """One column: what a row has there, for sorting, and how it is written."""

    name: str
    """Its name in filters."""
    title: str
    width: int
    """Cells it takes where there is room."""
    value: Callable[[RunRow], Value]
    text: Callable[[RunRow], str]
    numeric: bool = False


_UNKNOWN = "…"
_CAUSES = {
    "nothing_lost": "nothing lost",
    "unexplained": "lost, unexplained",
    "not_verified": "not verified: no gold",
}


def facts_of(trajectory: Trajectory) -> RunFacts:
    """Audit and triage of one run, in the figures that a table shows."""
    # The rules and what they search with load only where runs are looked into.
    from clinseek_replay.audit import audit  # noqa: PLC0415
    from clinseek_replay.triage import triage  # noqa: PLC0415

    report = audit(trajectory)
    made = triage(trajectory, leaks=(report.findings, report.not_verified))
    cause = made.cause
    return RunFacts(
        run_id=trajectory.run_id,
        qid=trajectory.qid,
        task=trajectory.task,
        model=trajectory.model,
        status=trajectory.status,
        stop_reason=trajectory.stop_reason,
        f1=made.f1,
        calls=sum(made.calls.values()),
        rounds=len(trajectory.steps),
        leaks=len(report.leaks),
        leaks_verified=not report.not_verified,
        cause=f"{cause.code} {cause.name}" if cause.kind == "found" else _CAUSES[cause.kind],
    )


def rows_of(recordings: Recordings) -> list[RunRow]:
    """A row for each run, from the index alone, then one for each file or line that holds none."""
    runs = [
        RunRow(
            number=number,
            place=entry.place,
            qid=entry.qid,
            run_index=entry.run_index,
            status=entry.status,
        )
        for number, entry in enumerate(recordings.entries, 1)
    ]
    damaged = [RunRow(number=0, place=each.place, error=each.reason) for each in recordings.problems]
    return [*runs, *damaged]


def with_outcome(row: RunRow, outcome: RunFacts | InputError) -> RunRow:
    """The row with what reading its run gave."""
    if isinstance(outcome, InputError):
        return msgspec.structs.replace(row, error=str(outcome))
    return msgspec.structs.replace(row, facts=outcome, status=outcome.status)


def with_deltas(rows: Iterable[RunRow]) -> list[RunRow]:
    """The rows, each with its F1 less that of the first run of its case; they come in the runs' order.

    Where the first run has no F1, or was not read yet, the runs after it have no delta.
    """
    first: dict[str, RunRow] = {}
    told: list[RunRow] = []
    for row in rows:
        base = first.setdefault(row.case, row) if row.case else row
        delta = None
        if base is not row and base.facts and row.facts:
            a, b = base.facts.f1, row.facts.f1
            delta = None if a is None or b is None else round(b - a, 6)
        told.append(row if row.delta == delta else msgspec.structs.replace(row, delta=delta))
    return told


def _fact(name: str) -> Callable[[RunRow], Value]:
    def value(row: RunRow) -> Value:
        found: Value = getattr(row.facts, name) if row.facts else None
        return found

    return value


def _text(name: str) -> Callable[[RunRow], str]:
    def text(row: RunRow) -> str:
        if row.facts is None:
            return "" if row.error else _UNKNOWN
        return str(getattr(row.facts, name))

    return text


def _case(row: RunRow) -> str:
    """The qid; where there is none, the file's name and what is named in it."""
    return row.case or row.place.rpartition("/")[2]


def _f1(row: RunRow) -> str:
    if row.facts is None:
        return "" if row.error else _UNKNOWN
    return "-" if row.facts.f1 is None else f"{row.facts.f1:.2f}"


def _leaks(row: RunRow) -> str:
    if row.facts is None:
        return "" if row.error else _UNKNOWN
    return f"{row.facts.leaks}{'' if row.facts.leaks_verified else '?'}"


def _cause(row: RunRow) -> str:
    if row.error:
        return f"✗ {row.error}"
    return row.facts.cause if row.facts else _UNKNOWN


COLUMNS: tuple[RunColumn, ...] = (
    RunColumn(
        name="number",
        title="#",
        width=5,
        value=lambda row: row.number or None,
        text=lambda row: str(row.number or ""),
        numeric=True,
    ),
    RunColumn(name="case", title="case", width=18, value=lambda row: row.case or None, text=_case),
    RunColumn(name="f1", title="F1", width=4, value=_fact("f1"), text=_f1, numeric=True),
    RunColumn(
        name="delta",
        title="delta",
        width=5,
        value=lambda row: row.delta,
        text=lambda row: "" if row.delta is None else f"{row.delta:+.2f}",
        numeric=True,
    ),
    RunColumn(name="leaks", title="leaks", width=5, value=_fact("leaks"), text=_leaks, numeric=True),
    RunColumn(name="calls", title="calls", width=5, value=_fact("calls"), text=_text("calls"), numeric=True),
    RunColumn(
        name="rounds", title="rounds", width=6, value=_fact("rounds"), text=_text("rounds"), numeric=True
    ),
    RunColumn(
        name="stop",
        title="stop",
        width=11,
        value=lambda row: (row.facts.stop_reason or row.status) if row.facts else row.status or None,
        text=lambda row: (row.facts.stop_reason if row.facts else "") or row.status,
    ),
    RunColumn(
        name="cause",
        title="primary failure",
        width=24,
        value=lambda row: row.error or (row.facts.cause if row.facts else None),
        text=_cause,
    ),
    RunColumn(name="task", title="task", width=16, value=_fact("task"), text=_text("task")),
    RunColumn(name="model", title="model", width=14, value=_fact("model"), text=_text("model")),
)
"""What matters most first: a narrow terminal shows the rest when it is scrolled."""


def column_named(name: str) -> RunColumn:
    """The column of that name; InputError where there is none."""
    for column in COLUMNS:
        if column.name == name:
            return column
    raise InputError(f"{name!r} is no column; there are {', '.join(each.name for each in COLUMNS)}")


def sorted_rows(rows: Iterable[RunRow], column: RunColumn, *, reverse: bool = False) -> list[RunRow]:
    """The rows by a column; those that have nothing there come last either way."""
    known: list[tuple[Value, RunRow]] = []
    unknown: list[RunRow] = []
    for row in rows:
        value = column.value(row)
        if value is None:
            unknown.append(row)
        else:
            known.append((value.casefold() if isinstance(value, str) else value, row))
    known.sort(key=lambda pair: pair[0], reverse=reverse)  # type: ignore[arg-type, return-value]
    return [*(row for _, row in known), *unknown]


_COMPARED = re.compile(r"([a-z0-9]{1,20})(<=|>=|=|<|>|:)(.{1,200})")
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
    "=": lambda a, b: a == b,
    ":": lambda a, b: a == b,
}


def filtered(rows: Iterable[RunRow], text: str) -> list[RunRow]:
    """The rows that fit every word of `text`.

    A word is `f1<0.5` or `leaks>0` for a column of figures, `model:qwen` for a column of texts that hold it,
    or a text that any column or the place holds; `!` before a word turns it round. Raises InputError for a
    column that is not there and a figure that is none.
    """
    tests = [_test(word) for word in text.split()]
    return [row for row in rows if all(test(row) for test in tests)]


def _test(word: str) -> Callable[[RunRow], bool]:
    if word.startswith("!") and len(word) > 1:
        inner = _test(word[1:])
        return lambda row: not inner(row)
    compared = _COMPARED.fullmatch(word)
    if compared is None:
        wanted = word.casefold()
        return lambda row: any(wanted in text.casefold() for text in _texts(row))
    name, sign, given = compared.groups()
    column = column_named(name)
    return _by_figure(column, sign, given) if column.numeric else _by_text(column, sign, given)


def _by_figure(column: RunColumn, sign: str, given: str) -> Callable[[RunRow], bool]:
    try:
        limit = float(given)
    except ValueError as error:
        raise InputError(f"{column.name}{sign}{given}: {given!r} is no figure") from error

    def fits(row: RunRow) -> bool:
        value = column.value(row)
        return isinstance(value, int | float) and _COMPARE[sign](value, limit)

    return fits


def _by_text(column: RunColumn, sign: str, given: str) -> Callable[[RunRow], bool]:
    if sign not in ":=":
        raise InputError(
            f"{column.name}{sign}{given}: {column.name} holds texts; write {column.name}:{given}"
        )
    wanted = given.casefold()
    return lambda row: wanted in str(column.value(row) or "").casefold()


def _texts(row: RunRow) -> Iterator[str]:
    yield row.place
    yield from (column.text(row) for column in COLUMNS if not column.numeric)


def runs_lines(rows: Sequence[RunRow]) -> Iterator[str]:
    """The table as plain text, each column as wide as its texts up to a limit, each cell on one line."""
    cells = [[one_line(column.text(row), 40) for column in COLUMNS] for row in rows]
    titles = [column.title for column in COLUMNS]
    widths = [max(map(len, column)) for column in zip(titles, *cells, strict=True)]
    for line in (titles, *cells):
        padded = (
            text.rjust(width) if column.numeric else text.ljust(width)
            for text, width, column in zip(line, widths, COLUMNS, strict=True)
        )
        yield "  ".join(padded).rstrip()
