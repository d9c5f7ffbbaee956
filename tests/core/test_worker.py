"""A worker can hang, crash or eat memory, and its parent goes on."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clinseek_core.errors import InputError, WorkerError
from clinseek_core.worker import DeadlineError, Worker

HANDLERS = """
    import os, sys, time
    from clinseek_core.errors import InputError
    from clinseek_core.worker import serve

    def bad(progress):
        raise InputError("no such patient")

    def talk(progress, text):
        print("noise that must not reach the pipe")
        progress("half way")
        return text

    serve({
        "talk": talk,
        "bad": bad,
        "hang": lambda progress: time.sleep(60),
        "die": lambda progress: os._exit(7),
        "eat": lambda progress: len(bytes(8 * 1024**3)),
        "environment": lambda progress: sorted(os.environ),
    })
"""


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Worker]]:
    """Start a worker on a module made for the test."""
    (tmp_path / "made_for_test.py").write_text(textwrap.dedent(HANDLERS))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr("clinseek_core.worker._KEPT_ENVIRONMENT", ("PATH", "PYTHONPATH"))
    started: list[Worker] = []

    def one() -> Worker:
        started.append(Worker("made_for_test", memory_bytes=2 * 1024**3))
        return started[-1]

    yield one
    for worker in started:
        worker.close()


def test_it_answers_and_tells_progress(start: Callable[[], Worker]) -> None:
    told: list[str] = []
    assert start().call("talk", "hello", deadline_s=20, on_progress=told.append) == "hello"
    assert told == ["half way"]


def test_bad_input_is_raised_as_such_and_costs_nothing(start: Callable[[], Worker]) -> None:
    worker = start()
    with pytest.raises(InputError, match="no such patient"):
        worker.call("bad", deadline_s=20)
    assert worker.call("talk", "still here", deadline_s=20) == "still here"


def test_one_that_hangs_is_killed_at_its_deadline(start: Callable[[], Worker]) -> None:
    worker = start()
    worker.call("talk", "up", deadline_s=20)
    with pytest.raises(DeadlineError):
        worker.call("hang", deadline_s=0.1)


def test_one_that_dies_says_how(start: Callable[[], Worker]) -> None:
    with pytest.raises(WorkerError, match="exit code 7"):
        start().call("die", deadline_s=20)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds a process's memory")
def test_one_that_eats_memory_is_refused_it(start: Callable[[], Worker]) -> None:
    with pytest.raises(WorkerError):
        start().call("eat", deadline_s=20)


def test_it_inherits_no_keys(start: Callable[[], Worker], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    names = start().call("environment", deadline_s=20)
    assert "OPENAI_API_KEY" not in names
