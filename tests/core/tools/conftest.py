"""The EHR tools on bundled patients, and what they say as a model and as a program reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from clinseek_core.case import Policy
from clinseek_core.ehr.session import EhrSession
from clinseek_core.ehr.visible import open_snapshot
from clinseek_core.tools import ToolResult
from clinseek_core.tools.ehr import EhrTools
from clinseek_core.tools.rowtext import cell_text, read_back
from clinseek_fixtures import world_store_path

SUBJECT, CUTOFF = 90000001, datetime(2150, 3, 2, 17, 20)
OTHER_SUBJECT, AFTERWARDS = 90000002, datetime(2151, 1, 1)


@pytest.fixture(scope="module")
def tools() -> EhrTools:
    """A patient in the emergency department: many tables are empty yet."""
    return EhrTools(open_snapshot(world_store_path(), SUBJECT, CUTOFF, Policy()))


@pytest.fixture(scope="module")
def afterwards() -> EhrTools:
    """Another patient after all stays: nearly every table has rows."""
    return EhrTools(open_snapshot(world_store_path(), OTHER_SUBJECT, AFTERWARDS, Policy()))


@pytest.fixture(scope="module")
def session() -> Iterator[EhrSession]:
    """The first patient's tools in a process of their own."""
    with EhrSession(world_store_path(), SUBJECT, CUTOFF, Policy()) as opened:
        yield opened


@pytest.fixture
def rows_of() -> Callable[[ToolResult], list[dict[str, Any]]]:
    """The typed rows of a result, after a check that its text says the same."""

    def rows(result: ToolResult) -> list[dict[str, Any]]:
        assert result.table is not None, result.text
        table = result.table
        found = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
        if found:
            block = read_back(result.text)
            assert set(block.columns) == set(table.columns)
            assert list(block.rows) == [{name: cell_text(row[name]) for name in row} for row in found]
        return found

    return rows
