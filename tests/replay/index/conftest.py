from pathlib import Path

import pytest

from clinseek_replay.index import cache


@pytest.fixture(autouse=True)
def cache_folder(tmp_path, monkeypatch) -> Path:
    """An empty folder of the test's own for what is kept of indexes."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return cache.folder()
