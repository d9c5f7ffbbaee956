"""Calls made again, or anew, on the snapshot that a run read, in a process that can be killed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from clinseek_core.case import Policy
from clinseek_core.ehr.query_plan import QueryPlan
from clinseek_core.ehr.record import event_clock
from clinseek_core.ehr.session import EhrSession
from clinseek_core.errors import InputError
from clinseek_core.mimic import tables
from clinseek_core.tools.spec import ToolResult
from clinseek_fixtures import world_store_path
from clinseek_replay.trajectory import Trajectory

__all__ = ["Desk", "Made", "data_path"]

_BUNDLED = "bundled"
_MOST_HOURS = 2_000
"""Rows of a table's density that are asked for."""


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A call that was made, and what it gave."""

    run_id: str
    anchor: str
    """The call of the run that it began from."""
    name: str
    arguments: dict[str, Any]
    result: ToolResult
    ms: float
    same_data: bool | None = None
    """Whether the data are those that the run read; None where the recording does not say."""

    @property
    def sql(self) -> str | None:
        """The statement, where it was one."""
        value = self.arguments.get("sql_query")
        return value if isinstance(value, str) else None


def data_path(run: Trajectory, named: Path | None = None) -> Path:
    """Where the record behind a run lies: the one named, else the one that the recording names.

    Raises InputError, with the remedy, where it can't be had.
    """
    if named is not None:
        return named
    source = run.data.source if run.data else ""
    if source == _BUNDLED:
        return world_store_path()
    if not source:
        raise InputError("the recording does not say what record it read: open it with --ehr PATH")
    path = Path(source)
    if not path.exists():
        raise InputError(f"{path}: the record that the run read is not there: open it with --ehr PATH")
    return path


def _density_sql(name: str, clock: str, run: Trajectory) -> str:
    """`name` and `clock` are the catalogue's own words."""
    recent = f"{clock} >= TIMESTAMP '{run.prediction_time}' - INTERVAL 31 DAY"
    hours = [
        f"strftime(CASE WHEN {recent} THEN date_trunc('hour', {each}::TIMESTAMP)"
        f" ELSE date_trunc('day', {each}::TIMESTAMP) END, '%Y-%m-%d %H:%M')"
        for each in (clock, "known_at")
    ]
    return f"SELECT {hours[0]}, {hours[1]}, count(*) FROM {name} GROUP BY ALL ORDER BY 1, 2"  # noqa: S608


class Desk:
    """Holds one open snapshot, that of the run asked about last. Its methods may be called by any thread."""

    def __init__(self, ehr: Path | None = None) -> None:
        self._ehr = ehr
        self._lock = threading.Lock()
        self._key: tuple[object, ...] = ()
        self._session: EhrSession | None = None
        self._same_data: bool | None = None

    def call(
        self,
        run: Trajectory,
        anchor: str,
        name: str,
        arguments: dict[str, Any],
        tell: Callable[[str], None] = lambda _: None,
    ) -> Made:
        """Make a call on the snapshot of a run. Raises InputError where the snapshot can't be had."""
        with self._lock:
            session = self._opened(run, tell)
            tell("the call is being answered")
            begin = time.perf_counter()
            result = session.call(name, arguments)
            ms = 1000 * (time.perf_counter() - begin)
        return Made(
            run_id=run.run_id,
            anchor=anchor,
            name=name,
            arguments=arguments,
            result=result,
            ms=ms,
            same_data=self._same_data,
        )

    def plan(self, run: Trajectory, sql: str, tell: Callable[[str], None] = lambda _: None) -> QueryPlan:
        """How a statement is answered on the snapshot of a run. Raises InputError where it can't run."""
        with self._lock:
            session = self._opened(run, tell)
            tell("the query is being answered")
            return session.plan(sql)

    def density(self, run: Trajectory) -> dict[str, list[tuple[str | None, str | None, int]]]:
        """By table of the snapshot: when its rows happened and became known, by the hour, and how many.

        Of what is older than a month by the day. A table that can't be asked is left out.
        """
        found: dict[str, list[tuple[str | None, str | None, int]]] = {}
        with self._lock:
            session = self._opened(run, lambda _: None)
            for name, info in tables().items():
                clock = event_clock(info)
                if not clock or info.kind == "dictionary":
                    continue
                arguments = {"sql_query": _density_sql(name, clock, run), "limit": _MOST_HOURS}
                table = session.call("ehr.run_sql_query", arguments).table
                if table is not None and table.rows:
                    found[name] = [(row[0], row[1], int(row[2])) for row in table.rows]
        return found

    def close(self) -> None:
        """End the process that holds the snapshot; whoever waits for it is told that it ended."""
        session, self._session, self._key = self._session, None, ()
        if session is not None:
            session.close()

    def _opened(self, run: Trajectory, tell: Callable[[str], None]) -> EhrSession:
        path = data_path(run, self._ehr)
        if run.subject_id is None or run.prediction_time is None:
            raise InputError("the recording does not say whose record it is, or at what time it was read")
        policy = run.policy or Policy()
        key = (path, run.subject_id, run.prediction_time, policy)
        if self._session is None or key != self._key:
            self.close()
            tell(f"opening the record at {path}")
            session = EhrSession(path, run.subject_id, run.prediction_time, policy, tell)
            self._session, self._key = session, key
            expected = run.data.digest if run.data else ""
            self._same_data = session.digest == expected if expected else None
        return self._session
