"""A first look at what there is, in chapters: real runs on a bundled case, and what analyses say of them."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import msgspec

from clinseek_core.case import Basis, Case, Policy
from clinseek_core.ehr.session import EhrSession
from clinseek_core.text import one_line, visible
from clinseek_fixtures import world_path, world_store_path
from clinseek_fixtures.recorded.cases import organism_case
from clinseek_replay.audit import AuditReport, audit, report_lines
from clinseek_replay.cursor import hits, read_breakpoint
from clinseek_replay.evidence.report import examined
from clinseek_replay.evidence.why import why, why_lines
from clinseek_replay.finding import Finding
from clinseek_replay.overview import score_of, step_line
from clinseek_replay.plain import answer_lines, call_lines, step_lines
from clinseek_replay.recordings import open_recordings
from clinseek_replay.trajectory import Call, Trajectory
from clinseek_replay.triage import triage
from clinseek_replay.triage.plain import run_lines
from clinseek_tui.running import Options, Work, plan_case

__all__ = ["CHAPTERS", "Chapter", "Tour"]

_WIDTH = 100
_SHOWN = 14
"""Lines that are shown of something long."""
_CALLS = 8
_LOOK_S = 0.2
_BASES: tuple[Basis, ...] = ("available", "upstream")


class Tour:
    """The runs that are shown, each made when its chapter comes."""

    def __init__(self, case: Case, folder: Path, tell: Callable[[str], None], kept: bool) -> None:
        """`folder` gets the journals, and may be `kept`; `tell` is told what is being done."""
        self.case = case
        self.folder = folder
        self.kept = kept
        self._tell = tell

    @cached_property
    def strict(self) -> Trajectory:
        """The run that sees only what was known."""
        return self._run("available", self.case, self.journal("available"))

    @cached_property
    def leaky(self) -> Trajectory:
        """The run that sees what the reference implementation shows."""
        return self._run("upstream", self.case, self.journal("upstream"))

    @cached_property
    def audited(self) -> AuditReport:
        """What the leaky run saw too early."""
        return audit(self.leaky)

    @cached_property
    def wins(self) -> dict[str, Trajectory]:
        """By basis, runs on a case that hindsight decides."""
        case = organism_case()
        return {basis: self._run(basis, case, self.folder / f"win-{basis}.jsonl") for basis in _BASES}

    def journal(self, basis: Basis) -> Path:
        """Where a run is written."""
        return self.folder / f"{basis}.jsonl"

    def asked_again(self, call: Call) -> str:
        """What a call of the leaky run is answered on the record as it was known."""
        self._tell("asking again")
        policy = Policy(basis="available")
        with EhrSession(
            world_store_path(), self.case.subject_id, self.case.prediction_time, policy
        ) as session:
            answer = session.call(call.name, call.arguments or {})
        self._tell("")
        return answer.text

    def _run(self, basis: Basis, case: Case, path: Path) -> Trajectory:
        plan = plan_case(case, world_path(), Options(out=path, basis=basis), {}, bundled=True)
        with Work(plan, self._tell) as work:
            while not work.ended_within(_LOOK_S):
                pass
        self._tell("")
        if work.error is not None:
            raise work.error
        return open_recordings([path]).run(0)


class Chapter(NamedTuple):
    """One thing to be seen."""

    title: str
    tell: Callable[[Tour], Iterator[str]]
    """Gives lines that are safe to show."""


def _question(tour: Tour) -> Iterator[str]:
    case = tour.case
    yield from _said(
        "An agent gets a patient, a time and a question, and has to find the answer itself, with tools over "
        "the raw tables of a health record. Here are a made-up patient and a question that come with the "
        "package:"
    )
    yield ""
    yield f"case      {one_line(case.qid, _WIDTH)}"
    yield f"patient   {case.subject_id}, at {case.prediction_time}"
    yield from _indented(f"question  {case.question}")
    yield f"gold      {one_line('; '.join(case.gold or ()), _WIDTH)}   (never shown to the agent)"


def _run(tour: Tour) -> Iterator[str]:
    steps = tour.strict.steps
    yield from _said(
        "The agent of this tour is the seeker: fixed rules, no language model. It has run just now. Each "
        "line is a call of a tool: its place, the tool, how it ended, how much came back."
    )
    yield ""
    lines = [line for step in steps for line in call_lines(step_line(step))]
    yield from _shortened(lines, _CALLS, "calls")
    yield ""
    yield from answer_lines(tour.strict)


def _call(tour: Tour) -> Iterator[str]:
    run = tour.strict
    seen = next(hits(run, [read_breakpoint("gold:first")]), None)
    if seen is None:
        seen = next(hits(run, [read_breakpoint("tool:ehr.run_sql_query")]), None)
        yield from _said("A query of the run, and what came back, as the agent got it:")
    else:
        yield from _said(
            "Any call can be read in full. This is the one that first showed an item of the gold: what was "
            "asked, and what came back, as the agent got it:"
        )
    yield ""
    if seen is None:
        yield "this run made no query"
        return
    step = run.steps[seen.cursor.step]
    calls = step.calls if seen.cursor.call is None else (step.calls[seen.cursor.call],)
    shown = list(step_lines(run, msgspec.structs.replace(step, calls=calls)))
    yield from _shortened(shown[1:], 2 * _SHOWN, "lines")


def _why(tour: Tour) -> Iterator[str]:
    yield from _said(
        "From an item of an answer one gets back to the call, the row and the cell that showed it, and to "
        "the row of the record. The same for what was missed, or answered without a source."
    )
    yield ""
    item = next(iter((*(tour.strict.answer or ()), *(tour.strict.gold or ()))), None)
    if item is None:
        yield "this run has no answer and no gold"
        return
    yield from _shortened(list(why_lines(why(examined(tour.strict), item))), 2 * _SHOWN, "lines")


def _leaks(tour: Tour) -> Iterator[str]:
    yield from _said(
        "A record is written later than things happen: a culture is taken today and reported in three days. "
        "The reference implementation filters by when things happened, and so shows an agent what nobody "
        "could have known. The seeker has just run again, under that policy (--basis upstream). The audit "
        "reads what it was shown, cell by cell:"
    )
    yield ""
    yield from report_lines(tour.audited)


def _leak(tour: Tour) -> Iterator[str]:
    finding = next((leak for leak in tour.audited.leaks if _call_at(tour.leaky, leak)), None)
    call = _call_at(tour.leaky, finding) if finding else None
    if finding is None or call is None or call.result is None:
        yield "the audit found no leak in this run"
        return
    yield f"{finding.places[0].anchor}  {one_line(finding.message, 2 * _WIDTH)}"
    for title, text in (("under upstream", call.result.text), ("under available", tour.asked_again(call))):
        yield ""
        yield f"{call.anchor} {one_line(call.name, _WIDTH)}, {title}:"
        yield from (f"    {line}" for line in _shortened(visible(text).split("\n"), _SHOWN, "lines"))
    yield ""
    yield from _said(
        "Nothing was filtered afterwards: under `available` the database that the agent's SQL runs in holds "
        "nothing else."
    )


def _cost(tour: Tour) -> Iterator[str]:
    yield from _said("What the two runs came to:")
    yield ""
    yield from _scores({"available": tour.strict, "upstream": tour.leaky})
    yield ""
    yield from _said(
        "A leak is one whether or not it raised the score. What the rules say of the second run, by code and "
        "place:"
    )
    yield ""
    yield from run_lines(triage(tour.leaky))


def _win(tour: Tour) -> Iterator[str]:
    runs = tour.wins
    case = organism_case()
    yield from _said(
        "And here is one that it decides. The cultures of another made-up patient are in the laboratory; "
        "their reports come days later. The same agent, twice:"
    )
    yield ""
    yield from _indented(f"question  {case.question}")
    yield ""
    yield from _scores(runs)
    yield ""
    report = audit(runs["upstream"])
    used = [finding for finding in report.leaks if finding.used]
    yield "What the winning answer rests on:"
    for finding in used:
        yield f"    {finding.places[0].anchor}  {one_line(finding.message, 2 * _WIDTH)}"
    yield ""
    yield from _said(
        "A table of scores would count it as a right answer. That is why every run here can be looked at."
    )


def _on(tour: Tour) -> Iterator[str]:
    folder = tour.folder if tour.kept else Path("look")
    strict, leaky = (_quoted(folder / tour.journal(basis).name) for basis in ("available", "upstream"))
    yield from _said("All of it was real: journals of runs, and what the analyses found in them just now.")
    if not tour.kept:
        yield "They are gone with the tour; to keep them: clinseek-tui tour --out look"
    yield ""
    for command, what in (
        (f"clinseek-tui replay {strict}", "step by step, in the app"),
        (f"clinseek-tui repl {leaky}", "by commands, in a plain terminal"),
        (f"clinseek-tui diff {strict} {leaky}", "call by call against each other"),
        (f"clinseek-tui reexec {leaky} --basis available", "each leaky call again, on the strict record"),
        ("clinseek-tui run", "an agent at work, in the app"),
        ("clinseek-tui run --model NAME --base-url http://localhost:8000/v1", "your model on the same case"),
        ("clinseek-tui doctor", "what works on this machine"),
    ):
        yield f"  {command}"
        yield f"      {what}"


def _call_at(run: Trajectory, finding: Finding) -> Call | None:
    """The call that a finding lies in first, where it can be asked again."""
    place = finding.places[0] if finding.places else None
    if place is None or place.call is None:
        return None
    step = next((step for step in run.steps if step.number == place.step), None)
    call = step.calls[place.call - 1] if step and place.call <= len(step.calls) else None
    return call if call is not None and call.result is not None and call.name.startswith("ehr.") else None


def _scores(runs: Mapping[str, Trajectory]) -> Iterator[str]:
    for title, run in runs.items():
        scored = score_of(run)
        f1 = f"F1 {scored.f1:.2f}" if scored else "not scored"
        yield f"{title:<10} {f1}   answered {one_line('; '.join(run.answer or ()), _WIDTH) or 'nothing'}"


def _said(text: str) -> Iterator[str]:
    yield from textwrap.wrap(text, _WIDTH)


def _indented(text: str) -> Iterator[str]:
    yield from textwrap.wrap(visible(text), _WIDTH, subsequent_indent=" " * 10)


def _shortened(lines: Iterable[str], most: int, unit: str) -> Iterator[str]:
    """The first and the last of many lines, and how many were left out."""
    kept = list(lines)
    if len(kept) <= most + 1:
        yield from kept
        return
    head = most - most // 4
    yield from itertools.islice(kept, head)
    yield f"  … {len(kept) - most:,} {unit} more …"
    yield from kept[len(kept) - (most - head) :]


def _quoted(path: Path) -> str:
    import shlex  # noqa: PLC0415 -- for the last lines alone

    return visible(shlex.quote(str(path)))


CHAPTERS: tuple[Chapter, ...] = (
    Chapter("The question", _question),
    Chapter("A run", _run),
    Chapter("One call, as the agent saw it", _call),
    Chapter("Where an answer comes from", _why),
    Chapter("The same case, with hindsight", _leaks),
    Chapter("One leak, close up", _leak),
    Chapter("What it came to", _cost),
    Chapter("A win by hindsight", _win),
    Chapter("Go on", _on),
)
