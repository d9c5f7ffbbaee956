"""`clinseek-tui bench`: many cases by a model behind an HTTP endpoint: killed, stopped, refused, resumed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from clinseek_core.case import BenchCase, Case
from clinseek_core.case_files import load_bench_cases
from clinseek_core.journal import End, Header, Prompt, Turn, read_journal
from clinseek_fixtures import bench_cases_path, world_store_path
from clinseek_tui.benching.metering import Meter
from clinseek_tui.cli import main

BENCH = load_bench_cases(bench_cases_path())
STORE = world_store_path()


class Endless(list):
    """A script that answers every request by one function of it."""

    def __init__(self, answer: Any) -> None:
        super().__init__([answer])

    def pop(self, _: Any = None) -> Any:
        return self[0]


def curated_by(model: Any) -> tuple[Any, ...]:
    return ("--ehr", STORE, "--model", "small", "--base-url", model.url, "--modes", "curated")


def turns(body: dict[str, Any]) -> int:
    return sum(message["role"] == "assistant" for message in body["messages"])


def answers(say: Any, body: dict[str, Any]) -> Any:
    """A model of few words: with tools two calls and an answer, without them the answer at once."""
    names = {tool["function"]["name"] for tool in body.get("tools", ())}
    finish = next((name for name in names if name.endswith("finish")), None)
    if finish is None:
        return say.whole('Looking at the events. {"response": ["yes"]}')
    think = next(name for name in names if name.endswith("think"))
    if turns(body) < 2:
        return say.whole("", (think, {"response": "so"}))
    return say.whole("", (finish, {"response": ["no"]}))


def calls_what_is_not_there(say: Any, body: dict[str, Any]) -> Any:
    """A model that calls a tool all the same, and answers when it is told that there is none."""
    if turns(body):
        return say.whole('{"response": ["yes"]}')
    return say.whole("", ("ehr_think", {"response": "so"}))


@pytest.fixture
def model(server: Any, say: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    server.script = Endless(partial(answers, say))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    monkeypatch.delenv("CLINSEEK_PRICE", raising=False)
    return server


@pytest.fixture(autouse=True)
def _its_own_signals() -> Iterator[None]:
    before = signal.getsignal(signal.SIGINT)
    yield
    assert signal.getsignal(signal.SIGINT) == before


def cases_file(folder: Path, *cases: BenchCase) -> Path:
    path = folder / "cases.jsonl"
    path.write_text("".join(json.dumps(bench.row()) + "\n" for bench in cases))
    return path


def bench(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, Any], str]:
    """The exit code, the result and what was told."""
    code = main(["bench", *map(str, arguments), "--json"])
    out, err = capsys.readouterr()
    return code, json.loads(out) if out else {}, err


def journals(out: Path) -> list[Path]:
    return sorted(out.glob("*.jsonl"))


def test_both_modes_ask_the_same_question_and_stand_beside_each_other(
    model: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = [bench for bench in BENCH if bench.case.task == "ED_Hospitalization"]
    out = tmp_path / "out"
    asked = ("--model", "small", "--base-url", model.url, "--modes", "agentic,curated", "--web", "off")
    code, result, _ = bench(capsys, "--tasks", "ED_Hospitalization", *asked, "--out", out)
    assert (code, result["left"], result["runs"]) == (0, 0, 8)
    right = {name: sum(bench.case.gold == (name,) for bench in chosen) / 4 for name in ("yes", "no")}
    assert {line["mode"]: line["f1"]["mean"] for line in result["by"]} == {
        "agentic": right["no"],
        "curated": right["yes"],
    }
    assert result["agentic_less_curated"]["small"]["difference"]["n"] == 4
    assert (result["input_tokens"], result["output_tokens"]) == (16 * 7, 16 * 3)
    for journal in journals(out):
        header, prompt = read_journal(journal).records[:2]
        assert isinstance(header, Header)
        assert isinstance(prompt, Prompt)
        of_case = next(bench for bench in chosen if bench.case.qid == header.case.qid)
        curated = ".curated." in journal.name
        assert (of_case.curated in prompt.messages[1].content) is curated
        assert of_case.case.question in prompt.messages[1].content
        assert bool(header.tools.names) is not curated
    assert main(["report", str(out), "--json"]) == 0
    assert {tuple(column) for column in json.loads(capsys.readouterr().out)["columns"]} == {
        ("small", "agentic"),
        ("small", "curated"),
    }


def test_a_single_answer_is_compared_as_the_report_compares_it(
    model: Any, say: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = [each for each in BENCH if each.case.task == "decompensation"]
    model.script = Endless(lambda _: say.whole('{"response": ["True"]}'))
    file, out = cases_file(tmp_path, *chosen), tmp_path / "out"
    result = bench(capsys, file, *curated_by(model), "--out", out)[1]
    right = sum(each.case.gold == ("yes",) for each in chosen) / len(chosen)
    assert [line["f1"]["mean"] for line in result["by"]] == [right]
    assert 0 < right < 1
    assert main(["report", str(out), "--json"]) == 0
    (table,) = (each for each in json.loads(capsys.readouterr().out)["tables"] if each["title"] == "By task")
    assert table["rows"][0]["cells"][0]["f1"]["mean"] == right


def test_what_has_ended_is_not_run_again(
    model: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = cases_file(tmp_path, *BENCH[:3]), tmp_path / "out"
    asked = (file, *curated_by(model))
    assert bench(capsys, *asked, "--out", out)[0] == 0
    asked_for, before = len(model.requests), [path.read_bytes() for path in journals(out)]
    code, result, told = bench(capsys, *asked, "--out", out)
    assert (code, result["runs"], "3 of 3 runs have ended already" in told) == (0, 3, True)
    assert len(model.requests) == asked_for
    assert [path.read_bytes() for path in journals(out)] == before
    more = (*asked, "--model", "other", "--out", out)
    assert [line["model"] for line in bench(capsys, *more)[1]["by"]] == ["other", "small"]
    assert len(model.requests) == 2 * asked_for


def test_an_endpoint_that_refuses_all_is_left_alone_until_the_next_call(
    model: Any, say: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = cases_file(tmp_path, *BENCH[:40]), tmp_path / "out"
    asked = (file, *curated_by(model))
    model.script = Endless(say.status(401, "who are you"))
    code, result, told = bench(capsys, *asked, "--out", out, "--jobs", "2")
    assert (code, result["left"]) == (1, 40)
    assert "check the key" in told
    assert 10 <= len(model.requests) <= 12
    model.script = Endless(partial(answers, say))
    code, result, _ = bench(capsys, *asked, "--out", out)
    assert (code, result["left"], result["by"][0]["ends"]) == (0, 0, {"answered": 40})


def test_a_bound_on_tokens_stops_the_bench_and_the_next_call_goes_on(
    model: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = cases_file(tmp_path, *BENCH[:12]), tmp_path / "out"
    asked = (file, *curated_by(model))
    code, result, _ = bench(capsys, *asked, "--out", out, "--jobs", "1", "--max-tokens", "50")
    assert (code, result["left"]) == (1, 7)
    code, result, _ = bench(capsys, *asked, "--out", out)
    assert (code, result["left"], result["input_tokens"]) == (0, 0, 7 * 7)


def test_a_bound_on_cost_goes_by_the_price(
    model: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, out = cases_file(tmp_path, *BENCH[:12]), tmp_path / "out"
    asked = (file, *curated_by(model))
    assert main(["bench", *map(str, asked), "--out", str(out), "--max-cost", "1"]) == 2
    assert "CLINSEEK_PRICE" in capsys.readouterr().err
    monkeypatch.setenv("CLINSEEK_PRICE", "100000,100000")
    code, result, _ = bench(capsys, *asked, "--out", out, "--jobs", "1", "--max-cost", "3.5")
    assert (code, result["left"], result["cost"]) == (1, 8, pytest.approx(4.0))


def test_requests_are_spaced_over_all_runs() -> None:
    meter = Meter(lambda: None, per_minute=1200)
    control = Waits()
    begin = time.monotonic()
    threads = [threading.Thread(target=meter.wait, args=(control,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - begin < 5
    assert sorted(control.waits) == pytest.approx([0.05 * n for n in range(8)], abs=0.04)


class Waits:
    stopped = False

    def __init__(self) -> None:
        self.waits: list[float] = []

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        return False


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--modes", "curated"), "has no curated mode"),
        (("--modes", "guess"), "is no mode"),
        (("--tasks", "nothing"), "--tasks nothing"),
        (("--model", "a", "--model", "a"), "each name once"),
        (("--model", "a", "--base-url", "http://x/v1", "--base-url", "http://y/v1"), "2 addresses for 1"),
        (("--executor", "ray", "--requests-per-minute", "3"), "go with the executor asyncio"),
        (("--max-cost", "3"), "CLINSEEK_PRICE"),
    ],
    ids=lambda value: "_".join(value)[:40] if isinstance(value, tuple) else None,
)
def test_what_does_not_go_together_is_said_before_anything_runs(
    options: tuple[str, ...],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CLINSEEK_PRICE", raising=False)
    try:
        code = main(["bench", *options, "--out", str(tmp_path / "out")])
    except SystemExit as error:
        code = int(error.code or 0)
    assert code == 2
    assert said in capsys.readouterr().err
    assert not journals(tmp_path / "out")


def test_patients_who_are_not_bundled_go_to_no_other_machine_unless_allowed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    file = cases_file(tmp_path, BENCH[0])
    asked = ["bench", str(file), "--ehr", str(STORE), "--modes", "curated", "--model", "m"]
    code = main([*asked, "--base-url", "https://models.example/v1", "--out", str(tmp_path / "out")])
    assert code == 2
    assert "--allow-remote-model" in capsys.readouterr().err
    assert not journals(tmp_path / "out")


def test_journals_of_another_case_of_the_same_name_are_not_taken_for_these(
    model: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    asked = curated_by(model)
    assert bench(capsys, cases_file(tmp_path, BENCH[0]), *asked, "--out", out)[0] == 0
    other = msgspec.structs.replace(BENCH[0].case, question="Something else?")
    changed = cases_file(tmp_path, msgspec.structs.replace(BENCH[0], case=other))
    assert main(["bench", str(changed), *map(str, asked), "--out", str(out)]) == 2
    assert "another case by that name" in capsys.readouterr().err
    assert main(["bench", "--basis", "event", *map(str, asked), "--out", str(out)]) == 2


def test_a_case_that_can_not_be_run_costs_only_itself(
    model: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nobody = msgspec.structs.replace(BENCH[1].case, qid="nobody", subject_id=1)
    file = cases_file(tmp_path, BENCH[0], msgspec.structs.replace(BENCH[1], case=nobody))
    asked = (file, "--ehr", STORE, "--model", "small", "--base-url", model.url, "--web", "off")
    code, result, told = bench(capsys, *asked, "--out", tmp_path / "out")
    assert (code, result["left"]) == (1, 1)
    assert result["by"][0]["ends"] == {"answered": 1, "error": 1}
    assert "nobody, agentic, small: input:" in told


def test_a_journal_cut_off_in_its_first_line_is_begun_anew(
    model: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = cases_file(tmp_path, BENCH[0]), tmp_path / "out"
    asked = (file, *curated_by(model))
    assert bench(capsys, *asked, "--out", out)[0] == 0
    (journal,) = journals(out)
    journal.write_bytes(journal.read_bytes()[:200])
    assert bench(capsys, *asked, "--out", out)[1]["by"][0]["ends"] == {"answered": 1}
    journal.write_text('{"type": "something"}\n')
    assert main(["bench", *map(str, asked), "--out", str(out)]) == 2
    assert str(journal) in capsys.readouterr().err


def start(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "clinseek_tui", "bench", *map(str, arguments), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "OPENAI_API_KEY": "sk-test"},
    )


def wait_for_requests(model: Any, count: int, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 120
    while len(model.requests) < count and process.poll() is None:
        assert time.monotonic() < until
        time.sleep(0.002)


def test_two_benches_do_not_share_a_folder_and_an_interrupt_ends_one_in_order(
    model: Any, say: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    held = threading.Event()
    slow = say.whole('{"response": ["yes"]}')
    model.script = Endless(say.raw(slow.body, headers=slow.headers, held_until=held))
    file, out = cases_file(tmp_path, *BENCH[:5]), tmp_path / "out"
    asked = (file, *curated_by(model))
    process = start(*asked, "--out", out, "--jobs", "2")
    wait_for_requests(model, 2, process)
    assert main(["bench", *map(str, asked), "--out", str(out)]) == 2
    assert "another bench works there" in capsys.readouterr().err
    process.send_signal(signal.SIGINT)
    process.wait(timeout=30)
    held.set()
    said, err = process.communicate(timeout=30)
    assert (process.returncode, json.loads(said)["left"]) == (130, 5), err
    code, result, _ = bench(capsys, *asked, "--out", out)
    assert (code, result["left"]) == (0, 0)


def whole_lines(journal: Path) -> bytes:
    data = journal.read_bytes()
    return data[: data.rfind(b"\n") + 1]


def many_cases(count: int) -> Iterator[BenchCase]:
    """As many as are wanted: the bundled ones under more names."""
    for number in range(count):
        one = BENCH[number % len(BENCH)]
        case: Case = msgspec.structs.replace(one.case, qid=f"{number}_{one.case.qid}", images=())
        yield msgspec.structs.replace(one, case=case)


def kill_and_resume(
    model: Any, folder: Path, cases: int, kills: int, seed: int, *options: str
) -> tuple[list[Path], dict[str, list[bytes]]]:
    """A bench killed that often at moments a seed chooses, then let end; every run's lines at each kill."""
    file, out = cases_file(folder, *many_cases(cases)), folder / "out"
    asked = (
        file,
        "--ehr",
        STORE,
        "--model",
        "small",
        "--base-url",
        model.url,
        "--web",
        "off",
        *options,
    )
    chance = random.Random(seed)
    seen: dict[str, list[bytes]] = {}
    for _ in range(kills):
        process = start(*asked, "--out", out)
        step = max(2 * cases // (kills + 2), 1)
        wait_for_requests(model, len(model.requests) + chance.randint(1, step), process)
        time.sleep(chance.random() * 0.03)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        for journal in journals(out):
            seen.setdefault(journal.name, []).append(whole_lines(journal))
    process = start(*asked, "--out", out)
    said, err = process.communicate(timeout=500)
    assert (process.returncode, json.loads(said)["left"]) == (0, 0), err
    return journals(out), seen


def check_nothing_lost(found: list[Path], seen: dict[str, list[bytes]], runs: int) -> None:
    assert len(found) == runs
    for journal in found:
        records = read_journal(journal).records
        assert [isinstance(record, End) for record in records].count(True) == 1
        assert isinstance(records[-1], End)
        assert records[-1].status == "answered"
        steps = [record.step for record in records if isinstance(record, Turn)]
        assert steps == list(range(1, len(steps) + 1))
        last = journal.read_bytes()
        assert all(last.startswith(lines) for lines in seen.get(journal.name, ()))


def test_a_bench_killed_at_any_moment_loses_no_step_and_doubles_no_run(
    model: Any, say: Any, tmp_path: Path
) -> None:
    model.script = Endless(partial(calls_what_is_not_there, say))
    found, seen = kill_and_resume(model, tmp_path, 80, 4, 7, "--modes", "curated")
    check_nothing_lost(found, seen, 80)
    assert any(seen.values())
    assert len(model.requests) <= 2 * 80 + 4 * 6


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_a_bench_with_tools_killed_ten_times(model: Any, tmp_path: Path, seed: int) -> None:
    found, seen = kill_and_resume(model, tmp_path, 100, 10, seed, "--modes", "agentic,curated")
    check_nothing_lost(found, seen, 200)
