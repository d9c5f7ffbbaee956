"""R: what was not retrieved, gold item by gold item.

Many cases ask for what will happen next, so a gold name need not stand in the record before the cutoff. That
it was never seen is a fault only where the record is known to hold it: by the patient's data, or by the
curated context that the case ships.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from clinseek_core.mimic.catalogue import tables
from clinseek_core.scoring import folded
from clinseek_replay.finding import Place
from clinseek_replay.triage.rule import Hit, Rule, Undecided
from clinseek_replay.triage.view import CallView, RunView

__all__ = ["RETRIEVAL"]

_TABLE_OF_TASK = {
    "diagnoses_ccs": "diagnoses_icd",
    "diagnosis_ccs": "diagnosis",
    "procedures_ccs": "procedures_icd",
    "prescriptions_atc": "prescriptions",
    "medrecon_atc": "medrecon",
}
_LIMIT = re.compile(r"\blimit\s+(\d{1,6})", re.IGNORECASE)
_LISTS_IMAGES = re.compile(
    r"Linked Study IDs?:\s*\[\s*\d|images_attached:\s*[1-9]|<attached_images>|image\(s\) attached"
    r"|\[image attached"
)
_IMAGE_SHOWN = re.compile(r"\[image/[\w.+-]{2,20}[ ,]")


def _unseen(view: RunView) -> list[str]:
    """Gold names that texts can be searched for, missed, and in no result of the patient's data."""
    sightings = view.sightings
    return [name for name in view.missed if name in sightings.searchable and not sightings.patient(name)]


def _never_retrieved(view: RunView) -> Iterator[Hit | Undecided]:
    unknown = 0
    for name in _unseen(view):
        held = view.held(name)
        unknown += held is None
        if not held or _empty_call_for(view, name) is not None:
            continue
        near = _nearest(view, name)
        yield Hit(
            message=f"the record holds {name}, and no result of the run does",
            places=(near.place("arguments"),) if near else (Place(step=0),),
            evidence={"item": name, "nearest": near.call.anchor if near else None},
            tier=view.held_by,
            lost=(name,),
        )
    if unknown:
        yield Undecided(f"whether the record held {unknown} of the gold names takes the patient's data")


def _queried_empty(view: RunView) -> Iterator[Hit]:
    for name in _unseen(view):
        call = _empty_call_for(view, name) if view.held(name) else None
        if call is not None:
            yield Hit(
                message=f"{call.call.anchor} asked for {name} and found nothing, and the record holds it",
                places=(call.place("arguments"),),
                evidence={
                    "item": name,
                    "filter": sorted(call.terms)[:10],
                    "tables": sorted(call.tables)[:10],
                },
                tier=view.held_by,
                lost=(name,),
            )


def _empty_call_for(view: RunView, name: str) -> CallView | None:
    """A call that filtered the patient's data by a word of the name and found nothing."""
    words = folded(name)
    asked = (call for call in view.empties if call.kind == "patient")
    return next((call for call in asked if any(_is_part(term, words) for term in call.terms)), None)


def _is_part(term: str, words: str) -> bool:
    return f" {term}" in f" {words}" or f" {words} " in f" {term} "


def _nearest(view: RunView, name: str) -> CallView | None:
    """The first call on the task's table, or that filters by a word of the name."""
    table, words = _task_table(view), folded(name)
    patient = [call for call in view.calls if call.kind == "patient"]
    by_word = (call for call in patient if any(_is_part(term, words) for term in call.terms))
    return next(by_word, None) or next((call for call in patient if table in call.tables), None)


def _not_available(view: RunView) -> Iterator[Hit | Undecided]:
    if view.missed and (view.known is None or view.known.by != "ehr"):
        yield Undecided("it takes the patient's data")
    for name in view.missed:
        if view.known is not None and name in view.known.absent:
            yield Hit(
                message=f"the record does not hold {name} before the cutoff: no agent could have read it",
                places=(Place(step=0),),
                evidence={"item": name},
            )


def _task_table(view: RunView) -> str:
    """The table that the case asks about, where its task is named after one."""
    task = view.trajectory.task.lower()
    named = _TABLE_OF_TASK.get(task, task)
    return named if named in tables() else ""


def _table_unexplored(view: RunView) -> Iterator[Hit | Undecided]:
    missed = view.missed
    if not missed:
        return
    table = _task_table(view)
    if not table:
        yield Undecided("the task is not named after a table; which one holds what was missed takes the data")
        return
    listed = next((call for call in view.listings if re.search(rf"\b{table}\b", call.text)), None)
    read = any(table in call.tables for call in view.calls if call.kind == "patient")
    if listed is not None and not read:
        yield Hit(
            message=f"the case asks about {table}, which {listed.call.anchor} lists, and no call read it",
            places=(listed.place(),),
            evidence={"table": table},
            lost=missed,
        )


def _shallow_scan(view: RunView) -> Iterator[Hit]:
    """The task's table was read in part only, and what was missed is known to be in the record."""
    table = _task_table(view)
    lost = tuple(name for name in _unseen(view) if view.held(name))
    reads = [call for call in view.calls if call.kind == "patient" and table and table in call.tables]
    narrow = [(call, why) for call in reads if (why := _shallow(call))]
    whole = [call for call in reads if call.gave_something and not _shallow(call) and not call.terms]
    if lost and narrow and not whole:
        why = narrow[0][1]
        yield Hit(
            message=f"{table} was read in part only ({why}), and {len(lost)} gold names were not seen",
            places=tuple(call.place("arguments") for call, _ in narrow[:20]),
            evidence={"table": table, "how": why},
            lost=lost,
        )


def _shallow(call: CallView) -> str:
    """How a call left rows out; empty where it did not."""
    result = call.call.result
    if result is None or not call.gave_something:
        return ""
    table = result.table
    if table is not None and table.total > len(table.rows):
        return f"{len(table.rows)} of {table.total} rows"
    if call.name == "ehr.get_latest_records" and table is None:
        return "the latest only"
    limit = _LIMIT.search((call.call.sql or "")[:20_000])
    rows = len(table.rows) if table is not None else call.text.count("\n")
    return f"LIMIT {limit[1]}" if limit and rows >= int(limit[1]) else ""


def _no_image(view: RunView) -> Iterator[Hit]:
    run = view.trajectory
    texts = [run.question, *(text for _, text in run.prompt)]
    listed = next((found for text in texts if (found := _LISTS_IMAGES.search(text))), None)
    shown = any(_IMAGE_SHOWN.search(text) for text in texts)
    looked = any(call.name.startswith("image.") for call in view.calls)
    if listed is not None and not shown and not looked:
        yield Hit(
            message="the case lists an image, it was not shown to the model, and no image tool was called",
            places=(Place(step=0, field="prompt", quote=listed[0]),),
            evidence={"marker": listed[0]},
        )


def _web_only(view: RunView) -> Iterator[Hit]:
    for name in view.items.given:
        pages = view.sightings.web(name)
        if pages and not view.sightings.patient(name):
            yield Hit(
                message=f"{name} is in the answer, and only pages of the web hold it",
                places=tuple(seen.place for seen in pages[:20]),
                evidence={"item": name, "pages": len(pages)},
                severity=None if name in view.wrong or not view.gold else "info",
                extra=(name,) if name in view.wrong else (),
            )


RETRIEVAL: tuple[Rule, ...] = (
    Rule(
        code="R1",
        name="never_retrieved",
        tier="D",
        severity="high",
        needs=("turns", "gold", "names", "reference"),
        says="The record holds a gold item, and no result of the run does.",
        find=_never_retrieved,
    ),
    Rule(
        code="R2",
        name="queried_empty",
        tier="D",
        severity="high",
        needs=("turns", "gold", "names", "reference"),
        says="A call asked for a gold item and found nothing, although the record holds it.",
        find=_queried_empty,
    ),
    Rule(
        code="R3",
        name="not_available",
        tier="X",
        severity="info",
        needs=("gold",),
        says="The record does not hold a gold item before the cutoff: no failure of the agent.",
        find=_not_available,
    ),
    Rule(
        code="R4",
        name="table_unexplored",
        tier="D",
        severity="medium",
        needs=("turns", "gold", "end"),
        says="The table that the case asks about was listed and never read, and gold items were missed.",
        find=_table_unexplored,
    ),
    Rule(
        code="R5",
        name="shallow_scan",
        tier="S",
        severity="medium",
        needs=("turns", "gold", "names", "reference"),
        says="The table that the case asks about was read in part only, and gold items were not seen.",
        find=_shallow_scan,
    ),
    Rule(
        code="R6",
        name="no_image_when_needed",
        tier="D",
        severity="medium",
        needs=("turns", "prompt", "end"),
        says="The case lists an image that the model was not shown, and no image tool was called.",
        find=_no_image,
    ),
    Rule(
        code="R7",
        name="web_only",
        tier="D",
        severity="medium",
        needs=("turns", "answer", "names"),
        says="All that supports a name of the answer comes from the web, nothing from the patient.",
        find=_web_only,
    ),
)
