"""One run of a bench, carried from wherever its journal stands to its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from clinseek_core.agent import Control, run
from clinseek_core.case import Case, Policy
from clinseek_core.errors import ClinseekError
from clinseek_core.journal import End, Observation, Turn
from clinseek_core.models import ChatModel
from clinseek_core.scoring import score
from clinseek_replay.evidence.scored import compared_as_single
from clinseek_replay.report import Mode
from clinseek_tui.benching.jobs import Job
from clinseek_tui.running import Options, Plan, plan_case, plan_resumed
from clinseek_tui.running.case_tools import CaseTools

__all__ = ["Outcome", "Setting", "carry", "ended", "plan_of"]

_CURATED_ROUNDS = 3
"""A run without tools is one question; a model that calls something all the same is told, this often."""


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """What all runs of a bench share. It pickles."""

    options: Options
    folder: Path
    """Where relative paths of the cases' films start."""
    bundled: bool
    store: Path | None = None
    """A store made of the tree for this bench."""

    @property
    def policy(self) -> Policy:
        """The temporal policy of every run."""
        return Policy(basis=self.options.basis, boundary=self.options.boundary)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a run."""

    qid: str
    task: str
    mode: Mode
    model: str
    journal: Path
    status: str
    """As in `End`, or `error` where the run could not be made."""
    stop_reason: str = ""
    message: str = ""
    f1: float | None = None
    """None without gold; 0 for a run that ended without an answer."""
    steps: int = 0
    calls: int = 0
    """Made now, not before an interruption, as what follows."""
    input_tokens: int = 0
    output_tokens: int = 0


def plan_of(job: Job, setting: Setting, environ: Mapping[str, str]) -> Plan:
    """The plan of a run, new or gone on with; InputError where it can't be made."""
    curated = job.bench.curated if job.mode == "curated" else ""
    options = msgspec.structs.replace(
        setting.options,
        model=job.model.name,
        base_url=job.model.base_url,
        out=job.journal,
        text_answers="at_once" if curated else setting.options.text_answers,
        max_rounds=_CURATED_ROUNDS if curated else setting.options.max_rounds,
        **({"web": "off", "corpus": None, "cassette": None, "record": None} if curated else {}),
    )
    if job.journal.exists() and job.journal.stat().st_size:
        plan = plan_resumed(job.journal, options, environ)
    else:
        plan = plan_case(job.bench.case, setting.folder, options, environ, bundled=setting.bundled)
    return msgspec.structs.replace(plan, case_folder=setting.folder, store=setting.store, curated=curated)


def carry(
    job: Job,
    setting: Setting,
    environ: Mapping[str, str],
    control: Control,
    metered: Callable[[ChatModel], ChatModel] = lambda model: model,
) -> Outcome:
    """Carry one run on; `metered` puts around its model what all runs share.

    What goes wrong with one run is its outcome, never the end of the others.
    """
    try:
        return _carried(job, plan_of(job, setting, environ), control, metered)
    except ClinseekError as error:
        return _failed(job, "input", str(error))
    except Exception as error:  # noqa: BLE001 - a fault of ours in one run is told with the others' results
        return _failed(job, "fault", f"{type(error).__name__}: {error}")


def _carried(job: Job, plan: Plan, control: Control, metered: Callable[[ChatModel], ChatModel]) -> Outcome:
    tools = CaseTools(plan, lambda _: None)
    try:
        with tools.open_journal() as journal:
            before = len(journal.events)
            end = run(
                journal,
                metered(plan.model),
                tools.toolbox,
                control,
                case_folder=plan.case_folder,
                curated=plan.curated,
            )
            events = journal.events[before:]
    finally:
        tools.close()
    usages = [event.usage for event in events if isinstance(event, Turn) and event.usage is not None]
    return msgspec.structs.replace(
        ended(job, end),
        steps=sum(isinstance(event, Turn) for event in events),
        calls=sum(isinstance(event, Observation) for event in events),
        input_tokens=sum(usage.input_tokens for usage in usages),
        output_tokens=sum(usage.output_tokens for usage in usages),
    )


def ended(job: Job, end: End) -> Outcome:
    """The outcome of a run that ended so, now or in an earlier call of the bench."""
    over = end.status in {"answered", "no_answer"} or end.stop_reason == "context_overflow"
    return _outcome(
        job,
        status=end.status,
        stop_reason=end.stop_reason,
        message=end.message,
        f1=_f1(job.bench.case, end.answer) if over else None,
    )


def _f1(case: Case, answer: Sequence[str] | None) -> float | None:
    """Set F1, or 1 or 0 of a single answer, as `report` has it without a judge; None without gold."""
    single = compared_as_single(case.qid, case.task, case.question, answer, case.gold)
    if single is not None:
        return float(single.right)
    graded = score(answer, case.gold)
    return None if graded is None else graded.f1


def _failed(job: Job, reason: str, message: str) -> Outcome:
    return _outcome(job, status="error", stop_reason=reason, message=message)


def _outcome(job: Job, **became: Any) -> Outcome:
    case = job.bench.case
    return Outcome(
        qid=case.qid, task=case.task, mode=job.mode, model=job.model.name, journal=job.journal, **became
    )
