"""What is the same for all patients: dictionaries and candidate tables, read when they are first named."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from clinseek_core.candidates import CANDIDATE_TABLES, CandidateIndex
from clinseek_core.ehr.sql_text import literal
from clinseek_core.mimic import tables

__all__ = ["References"]


class References:
    """The candidate tables as one patient may see them, and dictionaries that lie in Parquet files.

    `open_index` gives the search over the candidate tables; `dictionaries` are a row count and a file each.
    """

    def __init__(
        self, open_index: Callable[[], CandidateIndex], dictionaries: Mapping[str, tuple[int, Path]]
    ) -> None:
        self._open_index = open_index
        self._dictionaries = dictionaries

    @cached_property
    def index(self) -> CandidateIndex:
        """The search over the candidate tables."""
        return self._open_index()

    @cached_property
    def columns(self) -> Mapping[str, tuple[tuple[str, str], ...]]:
        """Per table the names and DuckDB types of its columns."""
        columns = {
            name: tuple((column.name, str(column.type)) for column in tables()[name].columns)
            for name in self._dictionaries
        }
        for name, candidates in CANDIDATE_TABLES.items():
            kinds = {column.name: str(column.type) for column in tables()[candidates.source].columns}
            codes = tuple((code, kinds[code]) for code in candidates.codes)
            columns[name] = (("candidate", "VARCHAR"), *codes)
        return columns

    @property
    def counts(self) -> Mapping[str, int]:
        """Per dictionary how many rows it has; candidate tables are not counted."""
        return {name: count for name, (count, _) in self._dictionaries.items()}

    def rows(self, name: str) -> dict[str, Any]:
        """A table's rows: per column a numpy array, in a total order."""
        import duckdb  # noqa: PLC0415 - heavy: loaded where a snapshot is
        import numpy as np  # noqa: PLC0415 - as duckdb

        if name in self._dictionaries:
            file = literal(str(self._dictionaries[name][1]))
            with duckdb.connect(":memory:", config={"threads": 1}) as reader:
                return dict(reader.execute(f"FROM read_parquet({file})").fetchnumpy())
        names = [column for column, _ in self.columns[name]]
        rows = list(self.index.rows(name)) if name in self.index.tables else []
        cells = zip(*rows, strict=True) if rows else [()] * len(names)
        return {column: np.array(values, dtype=object) for column, values in zip(names, cells, strict=True)}
