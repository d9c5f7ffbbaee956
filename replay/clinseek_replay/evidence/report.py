"""The evidence of one run, all of it: what `why` prints without an item, and what screens show."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from clinseek_core.scoring import Score, UpstreamScore
from clinseek_core.text import one_line, visible
from clinseek_replay.evidence.known import Known, known_by_curated, known_by_ehr
from clinseek_replay.evidence.leaks import leaked_support
from clinseek_replay.evidence.provenance import ItemState, states_of
from clinseek_replay.evidence.reading import Reading, read_run
from clinseek_replay.evidence.scored import scored
from clinseek_replay.evidence.synonyms import drug_names
from clinseek_replay.evidence.waterfall import Bar, Waterfall, waterfall
from clinseek_replay.finding import NotVerified, Place
from clinseek_replay.trajectory import Trajectory

__all__ = ["Evidence", "Examined", "evidence", "evidence_of", "examined", "report_lines"]

_WIDTH = 100
_BAR = 30
_FUTURE_TASKS = frozenset(
    (
        *("admissions", "chartevents", "datetimeevents", "diagnoses_ccs", "diagnoses_icd", "diagnosis"),
        *(
            "diagnosis_ccs",
            "emar",
            "ingredientevents",
            "inputevents",
            "labevents",
            "medrecon",
            "medrecon_atc",
        ),
        *("microbiologyevents", "next_event", "omr", "outputevents", "poe", "prescriptions"),
        *("prescriptions_atc", "procedureevents", "procedures_ccs", "procedures_icd", "pyxis", "radiology"),
        *("services", "transfers"),
    )
)
"""Tasks that ask for what comes next, or is coded at discharge."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """A run's items and where its F1 went."""

    run_id: str
    source: str
    qid: str
    task: str
    f1: Score | None
    f1_upstream: UpstreamScore
    waterfall: Waterfall | None
    gold: tuple[ItemState, ...]
    extra: tuple[ItemState, ...]
    """What was answered and is not gold; all that was answered where there is no gold."""
    cautions: tuple[str, ...]
    """What must be read with the numbers."""
    not_verified: tuple[NotVerified, ...]


class Examined(msgspec.Struct, frozen=True):
    """A run, what a walk over it found, and the states that follow."""

    trajectory: Trajectory
    reading: Reading
    known: Known | None
    gold: tuple[ItemState, ...]
    extra: tuple[ItemState, ...]
    not_verified: tuple[NotVerified, ...]


def evidence(trajectory: Trajectory, ehr: Path | None = None) -> Evidence:
    """The evidence of a run; with `ehr`, what `find_source` takes, also what there was to be found.

    Raises InputError where the record is not there.
    """
    return evidence_of(examined(trajectory, ehr))


def examined(trajectory: Trajectory, ehr: Path | None = None) -> Examined:
    """Walk over a run and tell the state of each item."""
    known = (
        known_by_ehr(trajectory, ehr, drug_names)
        if ehr is not None
        else known_by_curated(trajectory, drug_names)
    )
    reading = read_run(trajectory, drug_names, known.codes if known else None)
    leaked, unverified = leaked_support(trajectory, reading, ehr)
    gold, extra = states_of(trajectory, reading, known, leaked)
    return Examined(trajectory, reading, known, gold, extra, (*unverified, *_not_verified(trajectory, known)))


def evidence_of(run: Examined) -> Evidence:
    """The evidence of a run that was walked over."""
    trajectory = run.trajectory
    scores = scored(trajectory)
    fall = waterfall(
        run.gold, run.reading.answer, data_verified=run.known is not None and run.known.by == "ehr"
    )
    return Evidence(
        run_id=trajectory.run_id,
        source=trajectory.source,
        qid=trajectory.qid,
        task=trajectory.task,
        f1=scores.score,
        f1_upstream=scores.upstream,
        waterfall=fall,
        gold=run.gold,
        extra=run.extra,
        cautions=tuple(_cautions(trajectory, run, fall)),
        not_verified=run.not_verified,
    )


def _not_verified(trajectory: Trajectory, known: Known | None) -> Iterator[NotVerified]:
    if known is None or known.by != "ehr":
        yield NotVerified(
            code="R3", name="not_available", reason="whether the record holds an item needs the record: --ehr"
        )
    if not trajectory.gold:
        yield NotVerified(code="S", name="gold", reason="the recording has no gold; --gold FILE gives it")


def _cautions(trajectory: Trajectory, run: Examined, fall: Waterfall | None) -> Iterator[str]:
    if trajectory.task in _FUTURE_TASKS:
        yield (
            "This task asks for what comes after the prediction time. A gold name need not be in the record"
            " before it: never retrieved is then what is to be expected, and no fault."
        )
    if fall is not None and fall.indicative:
        yield (
            f"Only {fall.coverage:.0%} of the gold is linked to data: the losses are an indication, no more."
        )
    if silent := run.reading.matcher.not_lexical:
        yield f"No text can be searched for {', '.join(map(repr, silent))}: such names stand everywhere."


def report_lines(report: Evidence) -> Iterator[str]:
    """The report as lines of plain text."""
    yield one_line(" · ".join(filter(None, (report.qid, report.task, report.source))), _WIDTH)
    yield from _score_lines(report)
    if report.waterfall is not None:
        yield ""
        yield from _waterfall_lines(report.waterfall)
    others = "Answered, not gold" if report.gold else "Answered"
    for title, states in (("Gold", report.gold), (others, report.extra)):
        if states:
            yield ""
            yield title
            for state in states:
                yield from state_lines(state)
    yield from _notes("Note", report.cautions)
    yield from _notes("Not verified", tuple(f"{each.code} {each.reason}" for each in report.not_verified))


def state_lines(state: ItemState) -> Iterator[str]:
    """An item's state, why, and where."""
    by = f"  by {state.matched_by}" if state.matched_by else ""
    suggestion = "  (a suggestion)" if state.tier == "S" else ""
    yield f"  {state.state:<17} {one_line(state.item, 60)}{by}{suggestion}"
    yield f"  {'':<17} {one_line(state.because, _WIDTH)}"
    for place in state.places:
        yield f"  {'':<17} {place_line(place)}"


def place_line(place: Place) -> str:
    """An anchor, and what stands there."""
    where = {"arguments": " arguments", "reasoning": " reasoning", "prompt": " prompt"}.get(place.field, "")
    quote = f"  “{one_line(place.quote, 60)}”" if place.quote else ""
    column = f" {one_line(place.column, 40)}" if place.column else ""
    return f"{place.anchor}{where}{column}{quote}"


def _score_lines(report: Evidence) -> Iterator[str]:
    if report.f1 is None:
        yield "no gold, so no score"
        return
    upstream = report.f1_upstream
    yield (
        f"F1 {report.f1.f1:.3f}   as the reference scores it: "
        + (f"{upstream.f1:.3f}" if upstream.f1 is not None else upstream.reason)
    )


def _waterfall_lines(fall: Waterfall) -> Iterator[str]:
    yield f"Where the F1 went{' (indicative)' if fall.indicative else ''}"
    yield f"  {'all of the gold':<18} 1.000  {'█' * _BAR}"
    for bar in fall.bars:
        name = bar.loss.replace("_", " ")
        verified = "" if bar.loss != "data" or fall.data_verified else "  not verified"
        yield f"  {name:<18} {bar.after:.3f}  {_drawn(bar)}{verified}"
        if bar.items:
            yield f"  {'':<18} {-bar.lost:+.3f}  {bar.means}: {_some(bar)}"


def _drawn(bar: Bar) -> str:
    full, before = round(bar.after * _BAR), round(bar.before * _BAR)
    return "█" * full + "░" * (before - full)


def _some(bar: Bar) -> str:
    shown = [f"{one_line(item, 40)}{' ?' if item in bar.unknown else ''}" for item in bar.items[:5]]
    more = len(bar.items) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _notes(title: str, notes: tuple[str, ...]) -> Iterator[str]:
    if notes:
        yield ""
    yield from (f"{title}: {visible(note)}" for note in notes)
