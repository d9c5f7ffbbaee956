import functools
import itertools
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from clinseek_core.errors import InputError
from clinseek_replay import many
from clinseek_replay.many import map_runs
from clinseek_replay.recordings import open_recordings

WORK = """
import os, signal, time

def text(run):
    return run.steps[0].text

def text_and_process(run):
    return run.steps[0].text, os.getpid()

def slow_first(run):
    time.sleep(0.4 if run.qid == "q0" else 0)
    return run.qid

def slow_and_process(run):
    time.sleep(0.02)
    return os.getpid()

def sleep(run):
    time.sleep(60)

def raises(run):
    raise KeyError(run.qid)

def a_generator(run):
    return (n for n in range(3))

def dies_of(qid, run):
    if run.qid == qid:
        os.kill(os.getpid(), signal.SIGKILL)
    return run.qid

def told(path, first_s, run):
    if run.qid == "q0":
        time.sleep(first_s)
    with open(path, "a") as file:
        file.write(run.qid + "\\n")
    return "x" * 1000
"""


@pytest.fixture
def work(tmp_path, monkeypatch):
    """A module of functions over runs that other processes can import."""
    name = f"work_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(WORK)
    monkeypatch.syspath_prepend(tmp_path)
    return __import__(name)


@pytest.fixture
def recordings(write_runs):
    """Forty runs, of the qids q0, q1, …"""
    return open_recordings([write_runs(*(_run(f"q{n}") for n in range(40)))])


def _run(qid, text=""):
    return {"qid": qid, "messages": [{"role": "assistant", "content": text or qid}], "status": "success"}


def _alive_below(pid: int) -> list[int]:
    """Processes whose parent is `pid`."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            words = status.read_text().split("PPid:")[1].split()
        except (OSError, IndexError):
            continue
        if int(words[0]) == pid:
            found.append(int(status.parent.name))
    return found


@pytest.mark.parametrize("jobs", [1, 2, None])
def test_the_results_come_in_order_with_their_positions(recordings, work, jobs):
    assert list(map_runs(recordings, range(40), work.text, jobs=jobs)) == [(n, f"q{n}") for n in range(40)]
    assert list(map_runs(recordings, [7, 3, 7], work.text, jobs=jobs)) == [(7, "q7"), (3, "q3"), (7, "q7")]
    assert list(map_runs(recordings, [], work.text, jobs=jobs)) == []


def test_several_processes_do_the_work_and_none_is_left(write_runs, work):
    path = write_runs(*(_run(f"q{n}", "x" * 300_000) for n in range(6)))
    outcomes = list(map_runs(open_recordings([path]), range(6), work.text_and_process, jobs=2))
    processes = {process for _, (_, process) in outcomes}
    assert len(processes) == 2
    assert os.getpid() not in processes
    assert not processes & set(_alive_below(os.getpid()))


def test_few_small_runs_are_done_here(recordings, work):
    outcomes = list(map_runs(recordings, range(3), work.text_and_process))
    assert {process for _, (_, process) in outcomes} == {os.getpid()}


def test_long_work_is_given_to_processes_once_it_shows(recordings, work, monkeypatch):
    monkeypatch.setattr(many, "_cores", lambda: 2)
    monkeypatch.setattr(many, "_WORTH_S", 0.3)
    outcomes = list(map_runs(recordings, range(40), work.slow_and_process))
    processes = [process for _, process in outcomes]
    assert processes[0] == os.getpid()
    assert os.getpid() not in processes[20:]
    assert len(set(processes[20:])) == 2


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_run_that_can_not_be_read_is_an_error_and_the_others_go_on(recordings, work, jobs):
    path = recordings.entries[0].path
    data = bytearray(path.read_bytes())
    data[recordings.entries[3].offset] = ord("x")
    path.write_bytes(data)
    outcomes = dict(map_runs(recordings, range(40), work.text, jobs=jobs))
    assert isinstance(outcomes.pop(3), InputError)
    assert outcomes == {n: f"q{n}" for n in range(40) if n != 3}


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_the_function_raises_is_raised_here(recordings, work, jobs):
    with pytest.raises(KeyError, match="q0"):
        list(map_runs(recordings, range(40), work.raises, jobs=jobs))


def test_what_can_not_travel_between_processes_is_raised(recordings, work):
    with pytest.raises(TypeError, match="generator"):
        list(map_runs(recordings, range(40), work.a_generator, jobs=2))
    with pytest.raises(AttributeError, match="local object"):
        list(map_runs(recordings, range(40), lambda run: run.qid, jobs=2))


def test_a_process_that_is_killed_costs_the_run_it_was_at(recordings, work):
    outcomes = dict(map_runs(recordings, range(40), functools.partial(work.dies_of, "q5"), jobs=2))
    lost = outcomes.pop(5)
    assert isinstance(lost, InputError)
    assert str(lost).startswith(f"{recordings.entries[5].path}:6: the process that read it ended (signal 9)")
    assert outcomes == {n: f"q{n}" for n in range(40) if n != 5}


@pytest.mark.parametrize("jobs", [1, 2])
def test_progress_is_told_for_each_run(recordings, work, jobs):
    told = []
    list(map_runs(recordings, range(40), work.text, lambda *news: told.append(news), jobs=jobs))
    assert told == [(n, 40) for n in range(1, 41)]


def test_one_slow_run_does_not_let_results_pile_up(write_runs, work, tmp_path):
    path = write_runs(*(_run(f"q{n}", "x" * 300_000) for n in range(60)))
    log = tmp_path / "log"
    told = functools.partial(work.told, str(log), 1.0)
    iterator = map_runs(open_recordings([path]), range(60), told, jobs=2)
    next(iterator)
    assert 4 <= len(log.read_text().splitlines()) <= 20
    assert len(list(iterator)) == 59


def test_nobody_works_ahead_of_one_who_does_not_take(write_runs, work, tmp_path):
    path = write_runs(*(_run(f"q{n}", "x" * 300_000) for n in range(60)))
    log = tmp_path / "log"
    iterator = map_runs(open_recordings([path]), range(60), functools.partial(work.told, str(log), 0), jobs=2)
    next(iterator)
    time.sleep(0.5)
    assert len(log.read_text().splitlines()) <= 20
    assert len(list(iterator)) == 59


def test_closing_the_iterator_ends_the_processes_at_once(recordings, work):
    before = set(_alive_below(os.getpid()))
    iterator = map_runs(recordings, range(40), work.slow_first, jobs=2)
    next(iterator)
    assert len(set(_alive_below(os.getpid())) - before) == 2
    iterator.close()
    assert set(_alive_below(os.getpid())) <= before


def test_an_interrupted_command_leaves_no_process_and_no_traceback(recordings, work):
    script = f"""
        import sys
        sys.path.insert(0, {str(Path(work.__file__).parent)!r})
        import {work.__name__} as work
        from pathlib import Path
        from clinseek_replay.many import map_runs
        from clinseek_replay.recordings import open_recordings
        try:
            recordings = open_recordings([Path({str(recordings.entries[0].path)!r})])
            print("begun", flush=True)
            list(map_runs(recordings, range(40), work.sleep, jobs=2))
        except KeyboardInterrupt:
            sys.exit(130)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout.readline() == b"begun\n"
    children = _until(lambda: len(found := _alive_below(process.pid)) == 2 and found)
    time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (130, b"")
    _until(lambda: not any(Path(f"/proc/{child}").exists() for child in children))


def test_processes_end_with_a_parent_that_was_killed(recordings, work):
    script = f"""
        import sys
        sys.path.insert(0, {str(Path(work.__file__).parent)!r})
        import {work.__name__} as work
        from pathlib import Path
        from clinseek_replay.many import map_runs
        from clinseek_replay.recordings import open_recordings
        recordings = open_recordings([Path({str(recordings.entries[0].path)!r})])
        iterator = map_runs(recordings, range(40), work.text, jobs=2)
        next(iterator)
        print("begun", flush=True)
        input()
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"begun\n"
    children = _alive_below(process.pid)
    assert len(children) == 2
    process.kill()
    process.communicate(timeout=10)
    _until(lambda: not any(Path(f"/proc/{child}").exists() for child in children))


def _until(holds):
    """Wait until it does, and give what it gave."""
    for _ in itertools.repeat(None, 500):
        if found := holds():
            return found
        time.sleep(0.02)
    raise AssertionError("never came true")
