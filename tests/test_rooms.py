"""The rooms and their arrows: who may import whom, and what may load only when it is needed."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

HOUSE = Path(__file__).parents[1]
ROOMS = {
    "clinseek_core": HOUSE / "core",
    "clinseek_replay": HOUSE / "replay",
    "clinseek_fixtures": HOUSE / "fixtures",
    "clinseek_tui": HOUSE,
}
MAY_IMPORT = {
    "clinseek_core": set(),
    "clinseek_replay": {"clinseek_core"},
    "clinseek_fixtures": {"clinseek_core"},
    "clinseek_tui": set(ROOMS),
}
FOLDERS = {"core", "replay", "fixtures", "tests"}
"""In an editable install these import as bare folders; in a wheel there is nothing of the name."""
SCREEN = {"textual", "rich", "prompt_toolkit", "term_image"}
HEAVY = {
    "openai",
    "duckdb",
    "pydicom",
    "torch",
    "torchvision",
    "PIL",
    "numpy",
    "sqlparse",
    "sqlglot",
    "rapidfuzz",
    "safetensors",
    "tokenizers",
    "simple_icd_10_cm",
    "zstandard",
}
WORKER_ONLY = {"torchxrayvision"}
LATE_ALREADY = {
    "clinseek_core.ehr.dialect.groups": {"sqlglot"},
    "clinseek_core.ehr.dialect.kinds": {"sqlglot"},
    "clinseek_core.ehr.dialect.lookups": {"sqlglot"},
    "clinseek_core.ehr.dialect.reading": {"sqlglot"},
    "clinseek_core.ehr.dialect.rewrites": {"sqlglot"},
    "clinseek_core.ehr.dialect.times": {"sqlglot"},
    "clinseek_core.models.chat_http": {"openai"},
    "clinseek_fixtures": {"PIL", "numpy", "pydicom"},
}
"""Modules, or packages, that are themselves imported only when what they hold is needed."""


class Import(NamedTuple):
    """One import statement's module, where it stands and when it is carried out."""

    module: str
    place: str
    at_load: bool

    @property
    def top(self) -> str:
        return self.module.partition(".")[0]


def modules(room: str) -> Iterator[tuple[str, Path]]:
    for path in sorted((ROOMS[room] / room).rglob("*.py")):
        parts = path.relative_to(ROOMS[room]).with_suffix("").parts
        yield ".".join(parts).removesuffix(".__init__"), path


def imports(path: Path, package: str) -> Iterator[Import]:
    """Every import of a file, those for type checkers left out."""

    file = str(path.relative_to(HOUSE))

    def walk(node: ast.AST, at_load: bool) -> Iterator[Import]:
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            return
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, f"{file}:{node.lineno}", at_load) for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            relative = "." * node.level + (node.module or "")
            name = importlib.util.resolve_name(relative, package)
            yield Import(name, f"{file}:{node.lineno}", at_load)
        inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, ast.expr):
                yield from walk(child, at_load and not inside)

    yield from walk(ast.parse(path.read_text(encoding="utf-8")), True)


@cache
def room_imports(room: str) -> tuple[tuple[str, Import], ...]:
    return tuple(
        (name, found)
        for name, path in modules(room)
        for found in imports(path, name if path.stem == "__init__" else name.rpartition(".")[0])
    )


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_it_may(room: str) -> None:
    allowed = MAY_IMPORT[room] | {room}
    wrong = [
        f"{i.place}: {i.module}" for _, i in room_imports(room) if i.top in ROOMS and i.top not in allowed
    ]
    assert wrong == []


@pytest.mark.parametrize("room", ["clinseek_core", "clinseek_replay", "clinseek_fixtures"])
def test_below_the_terminal_nothing_draws_on_one(room: str) -> None:
    assert [f"{i.place}: {i.module}" for _, i in room_imports(room) if i.top in SCREEN] == []


def test_nobody_imports_a_folder() -> None:
    files = [path for room in ROOMS for _, path in modules(room)]
    files += [path for folder in ("tests", "docs", "benchmarks") for path in (HOUSE / folder).rglob("*.py")]
    assert len(files) > 100
    assert [i.place for path in files for i in imports(path, "") if i.top in FOLDERS] == []


@pytest.mark.parametrize("room", ROOMS)
def test_what_is_heavy_loads_late(room: str) -> None:
    early = [
        f"{i.place}: {i.module}"
        for name, i in room_imports(room)
        if i.at_load and i.top in HEAVY - LATE_ALREADY.get(name, LATE_ALREADY.get(room, set()))
    ]
    assert early == []


@pytest.mark.parametrize("room", ROOMS)
def test_models_of_films_live_in_workers(room: str) -> None:
    users = [name for name, i in room_imports(room) if i.top in WORKER_ONLY]
    assert [name for name in users if not name.endswith("worker")] == []


def test_the_arrows_are_seen_where_they_are_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "HOUSE", tmp_path)
    path = tmp_path / "broken.py"
    path.write_text(
        "from typing import TYPE_CHECKING\nimport core.case\nfrom .. import sibling\n"
        "if TYPE_CHECKING:\n    import textual\nelse:\n    pass\n"
        "try:\n    import duckdb.typing\nexcept ImportError:\n    pass\n"
        "class C:\n    import PIL\ndef f():\n    from openai import OpenAI\n"
    )
    found = {(i.module, i.at_load) for i in imports(path, "clinseek_core.ehr")}
    assert found == {
        ("typing", True),
        ("core.case", True),
        ("clinseek_core", True),
        ("duckdb.typing", True),
        ("PIL", True),
        ("openai", False),
    }


def loaded_after(code: str, folder: Path) -> set[str]:
    """The top-level modules of a process that has run `code`, as it tells itself."""
    told = "\nimport sys; print('loaded', *{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", code + told],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        timeout=60,
    )
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "module",
    [
        "clinseek_core.agent",
        "clinseek_core.models",
        "clinseek_core.seeker",
        "clinseek_core.tools.ehr",
        "clinseek_replay.recordings",
        "clinseek_replay.plain",
        "clinseek_fixtures",
        "clinseek_tui.cli",
    ],
)
def test_importing_it_loads_nothing_heavy(module: str, tmp_path: Path) -> None:
    loaded = loaded_after(f"import {module}", tmp_path)
    assert module.partition(".")[0] in loaded
    assert loaded & (SCREEN | HEAVY | WORKER_ONLY) == set()


@pytest.mark.parametrize(
    "arguments", [["run", "--help"], ["run", "--headless", "--out", "traj.jsonl"]], ids=str
)
def test_a_run_without_a_screen_loads_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    """The record is read in the worker, so that not even `duckdb` is loaded here."""
    code = f"""
import contextlib
from clinseek_tui.cli import main
with contextlib.suppress(SystemExit):
    assert main({arguments}) == 0"""
    assert loaded_after(code, tmp_path) & (SCREEN | HEAVY | WORKER_ONLY) == set()
