"""An oracle, an empty policy and the seeker on the bench, through the real loop and tools.

The oracle knows the gold, and answers what of it is on offer: among the candidates it was shown, or in the
candidate table, which it reads by a call. So its score is the ceiling that the data allow, and a case whose
gold can't be found or given fails here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from clinseek_core.agent import Control
from clinseek_core.case import BenchCase
from clinseek_core.case_files import load_bench_cases
from clinseek_core.ehr.sql_text import literal
from clinseek_core.journal import CallRequest, ModelInfo
from clinseek_core.models import ChatModel, Conversation, Reply, ToolMessage, UserMessage
from clinseek_core.tasks import TASKS
from clinseek_core.tools import ToolSpec
from clinseek_fixtures import bench_cases_path
from clinseek_tui.benching.carrying import Outcome, Setting, carry
from clinseek_tui.benching.jobs import Named, jobs_of
from clinseek_tui.running import Options

BENCH = load_bench_cases(bench_cases_path())
ONE_EACH = list({bench.case.task: bench for bench in reversed(BENCH)}.values())
BOUNDED = [bench for bench in BENCH if bench.ceiling < 1]
Policies = Callable[[BenchCase], ChatModel]


class Answering:
    """Makes one call at a time, the next after the results so far; each policy says which."""

    info = ModelInfo(name="policy", kind="builtin")

    def __init__(self, bench: BenchCase) -> None:
        self.bench = bench

    def reply(
        self, conversation: Conversation, tools: tuple[ToolSpec, ...], *, on_progress: Any, cancelled: Any
    ) -> Reply:
        results = [message.text for message in conversation if isinstance(message, ToolMessage)]
        return self.next(conversation, results)

    def next(self, conversation: Conversation, results: list[str]) -> Reply:
        raise NotImplementedError

    def call(self, name: str, **arguments: Any) -> Reply:
        return Reply(calls=(CallRequest(id=name, name=name, arguments=arguments),))

    def finish(self, names: Iterable[str]) -> Reply:
        return self.call("ehr.finish", response=list(names))


class Oracle(Answering):
    def next(self, conversation: Conversation, results: list[str]) -> Reply:
        case = self.bench.case
        gold = case.gold or ()
        asked = "\n".join(message.text for message in conversation if isinstance(message, UserMessage))
        if case.candidates:
            return self.finish(name for name in gold if name in asked)
        table = f"{TASKS[case.task].group}_candidates"
        if not results:
            at = str(case.prediction_time)
            return self.call("ehr.load_ehr", subject_id=case.subject_id, timestamp=at)
        if len(results) == 1:
            wanted = ", ".join(map(literal, gold))
            sql = f"SELECT DISTINCT candidate FROM {table} WHERE candidate IN ({wanted}) ORDER BY candidate"
            return self.call("ehr.run_sql_query", sql_query=sql)
        return self.finish(name for name in gold if name in results[-1])


class Empty(Answering):
    def next(self, conversation: Conversation, results: list[str]) -> Reply:
        return self.finish(())


def done(bench: BenchCase, policy: Policies | None, folder: Path) -> Outcome:
    (job,) = jobs_of([bench], ["agentic"], [Named("seeker")], folder)
    setting = Setting(options=Options(web="off"), folder=bench_cases_path().parent, bundled=True)
    outcome = carry(job, setting, {}, Control(), lambda model: policy(bench) if policy else model)
    assert outcome.stop_reason in {"finish", "answered"} or outcome.status == "no_answer", outcome
    return outcome


def test_the_bundled_cases_hold_one_whose_gold_is_not_on_offer() -> None:
    assert [bench.case.task for bench in BOUNDED] == ["agentehr_transfers"]
    assert BOUNDED[0].ceiling == 0.0


@pytest.mark.parametrize("bench", ONE_EACH[::4] + BOUNDED, ids=lambda bench: bench.case.qid)
def test_an_oracle_reaches_the_ceiling(bench: BenchCase, tmp_path: Path) -> None:
    assert done(bench, Oracle, tmp_path).f1 == pytest.approx(bench.ceiling)


@pytest.mark.parametrize("bench", ONE_EACH[::7], ids=lambda bench: bench.case.qid)
def test_an_empty_answer_scores_0(bench: BenchCase, tmp_path: Path) -> None:
    assert done(bench, Empty, tmp_path).f1 == 0.0


@pytest.mark.slow
@pytest.mark.parametrize("bench", BENCH, ids=lambda bench: bench.case.qid)
def test_an_oracle_reaches_the_ceiling_of_every_case_and_an_empty_answer_0(
    bench: BenchCase, tmp_path: Path
) -> None:
    assert done(bench, Oracle, tmp_path / "oracle").f1 == pytest.approx(bench.ceiling)
    assert done(bench, Empty, tmp_path / "empty").f1 == 0.0


@pytest.mark.slow
def test_the_seekers_scores_differ_between_tasks_and_pass_no_ceiling(tmp_path: Path) -> None:
    f1 = {bench.case.task: done(bench, None, tmp_path).f1 for bench in ONE_EACH}
    assert all(value is not None for value in f1.values())
    scores = {task: value or 0.0 for task, value in f1.items()}
    assert {scores[task.name] for task in TASKS.values() if task.one} == {0.0, 1.0}, "right or wrong"
    lists = [scores[task.name] for task in TASKS.values() if not task.one]
    assert len({round(value, 3) for value in lists}) > 5, "a list is right in part"
    assert min(lists) == 0.0 < max(lists)
    kinds: dict[str, list[float]] = {}
    for task in TASKS.values():
        kinds.setdefault(task.kind, []).append(scores[task.name])
    # One of two answers is right by a guess every other time; a name among hundreds is not.
    assert fmean(kinds["risk_prediction"]) > 0.5 > fmean(kinds["agentehr"])
    assert fmean(kinds["risk_prediction"]) > fmean(kinds["decision_making"]) > 0.0
    for bench in BOUNDED:
        assert (done(bench, None, tmp_path).f1 or 0.0) <= bench.ceiling
