"""The store of the bundled world, and what is needed beside it, once for all tests of tasks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from clinseek_core.tasks.whole import Whole, open_whole
from clinseek_fixtures import world_path, world_store_path


@pytest.fixture(scope="session")
def store() -> Path:
    return world_store_path()


@pytest.fixture(scope="session")
def whole(store: Path) -> Iterator[Whole]:
    with open_whole(store, films=world_path()) as opened:
        yield opened
