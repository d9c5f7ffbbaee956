"""What is installed: one version, one command, and a wheel that holds the four packages whole."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import entry_points, version
from pathlib import Path

import pytest

from clinseek_core import __version__
from clinseek_tui.cli import main

HOUSE = Path(__file__).parents[1]
PROJECT = tomllib.loads((HOUSE / "pyproject.toml").read_text())["project"]
ROOMS = {
    "clinseek_core": HOUSE / "core",
    "clinseek_replay": HOUSE / "replay",
    "clinseek_fixtures": HOUSE / "fixtures",
    "clinseek_tui": HOUSE,
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built here without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(HOUSE)]
    done = subprocess.run(build, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = folder.glob("*.whl")
    assert path.name == f"clinseek_tui-{__version__}-py3-none-any.whl"
    return zipfile.ZipFile(path)


def test_the_version_is_written_once() -> None:
    assert PROJECT["dynamic"] == ["version"]
    assert version("clinseek-tui") == __version__
    assert re.fullmatch(r"\d+\.\d+\.\d+([.-].+)?", __version__)


def test_the_command_is_the_one_that_is_tested() -> None:
    (script,) = entry_points(group="console_scripts", name="clinseek-tui")
    assert script.load() is main


def test_the_wheel_holds_every_file_of_the_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    there = {
        path.relative_to(folder).as_posix()
        for room, folder in ROOMS.items()
        for path in (folder / room).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert packed == there
    needed = {
        "clinseek_core/mimic/catalogue.tsv",
        "clinseek_core/seeker/lexicon.tsv",
        "clinseek_core/py.typed",
        "clinseek_fixtures/corpus/corpus.toml",
        "clinseek_fixtures/corpus/lab/lactate.md",
        "clinseek_fixtures/recordings/truth.jsonl",
        "clinseek_fixtures/world/cases.jsonl",
        "clinseek_fixtures/world/hosp/patients.csv.gz",
        "clinseek_fixtures/world/store/manifest.json",
    }
    assert needed <= packed


def test_the_wheel_brings_its_licences(wheel: zipfile.ZipFile) -> None:
    licences = {name.rpartition("/")[2] for name in wheel.namelist() if "/licenses/" in name}
    assert licences == {"LICENSE", "THIRD_PARTY.md"}
    (metadata,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    assert "License-Expression: Apache-2.0" in wheel.read(metadata).decode()


@pytest.mark.parametrize("extra", ["", *PROJECT["optional-dependencies"]])
def test_no_extra_asks_for_another_pillow(extra: str) -> None:
    """All extras are resolved together, and term-image keeps Pillow below 11."""
    asked = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    pillows = [line for line in asked if re.match(r"pillow\b", line, re.IGNORECASE)]
    assert pillows == ([] if extra else ["pillow>=10.4,<11"])
