"""Rows of the benchmarks' files under our names, told by their fields and never by the name of their file.

The released text rows carry two questions: `instruction`, and `question` with the curated record in it. An
agent that seeks its own evidence is asked the first; the second would hand it the record.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from clinseek_core.case import BenchCase, Case, gold_names

__all__ = ["our_fields", "placed"]

Row = dict[str, Any]

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d")
_TAGGED = r"<{0}>\s*(.*?)\s*</{0}>"
_BLOCKS = {
    name: re.compile(_TAGGED.format(name), re.DOTALL) for name in ("task_instruction", "cxr_info", "question")
}
_OF_CASE = tuple(name for name in Case.__struct_fields__ if name not in {"gold", "answer", "images"})
_OF_BENCH = tuple(name for name in BenchCase.__struct_fields__ if name not in {"case", "curated", "kind"})
_YES_NO = {"1": "yes", "0": "no"}


class _Shape(msgspec.Struct, frozen=True):
    """A kind of row: how it is told, and what of our fields it says otherwise than we do."""

    name: str
    fits: Callable[[Row], bool]
    says: Callable[[Row], Row]


def our_fields(row: Row) -> Row:
    """The fields of `Case` and `BenchCase` that a row has, by our names; what it lacks is left out."""
    shape = next(shape for shape in _SHAPES if shape.fits(row))
    named = {name: row[name] for name in (*_OF_CASE, *_OF_BENCH) if row.get(name) is not None}
    named.setdefault("qid", _qid(row))
    gold = next((row[name] for name in ("gold", "label", "ground_truth") if row.get(name) is not None), None)
    if gold is not None:
        named["gold"] = gold_names(gold)
    if row.get("task_type"):
        named["kind"] = row["task_type"]
    return named | {name: value for name, value in shape.says(row).items() if value is not None}


def placed(ours: Row) -> Row:
    """The fields with kind and group by the task's name, where the row had none."""
    if ours.get("group") or not ours.get("task"):
        return ours
    from clinseek_core.tasks import TASKS  # noqa: PLC0415 - for rows of a benchmark alone

    task = TASKS.get(ours["task"])
    return ours if task is None else {"group": task.group, "kind": task.kind} | ours


def _qid(row: Row) -> str:
    """As the reference implementation names a row that has no `qid`."""
    parts = [row.get("task", "case"), row.get("subject_id"), row.get("hadm_id")]
    return str(row.get("query_id") or "_".join(str(part) for part in parts if part is not None))


def _ours(row: Row) -> Row:
    return {
        "question": row.get("question") or row.get("query"),
        "answer": row.get("answer"),
        "images": row.get("images"),
        "curated": row.get("curated"),
    }


def _text_row(row: Row) -> Row:
    """ClinSeek-Bench's text rows and EHR-Bench's: one answer where the label is a string."""
    told = row.get("task_info")
    info: Row = told if isinstance(told, dict) else {}
    label = next((row[name] for name in ("label", "ground_truth") if row.get(name) is not None), None)
    if label is None:
        label = info.get("label")
    return {
        "question": row["instruction"],
        "curated": row["input"],
        "task": row.get("task") or info.get("task"),
        "kind": row.get("task_type") or info.get("task_type"),
        "gold": None if label is None else gold_names(label),
        "answer": {"kind": "one" if isinstance(label, str) else "list"},
        "prediction_time": row.get("prediction_time") or info.get("prediction_time") or _after(row["input"]),
        "latest_event_time": row.get("latest_event_time") or info.get("latest_event_time"),
    }


def _after(text: Any) -> str | None:
    """One second after the latest time that the text names: the benchmark's own rule."""
    moments = []
    for found in _MOMENT.findall(str(text)):
        try:
            moments.append(datetime.fromisoformat(found))
        except ValueError:
            continue
    return str(max(moments) + timedelta(seconds=1)) if moments else None


def _agentehr_row(row: Row) -> Row:
    """AgentEHR-Bench's rows name their task and ask nothing: the question is the task's."""
    from clinseek_core.tasks import TASKS  # noqa: PLC0415 - for rows of a benchmark alone
    from clinseek_core.tasks.task import AGENTEHR  # noqa: PLC0415 - the same

    task = TASKS.get(f"{AGENTEHR}{row['task']}") or TASKS[f"{AGENTEHR}diagnoses_ccs"]
    return {"question": task.question, "kind": task.kind, "group": task.group, "task": task.name}


def _image_row(row: Row) -> Row:
    """EHRXQA's and MedMod's rows: a question in tags, films by their paths."""
    question = str(row.get("question", ""))
    found = (block.search(question) for block in _BLOCKS.values())
    said = "\n".join(match[1] for match in found if match)
    gold = gold_names(next((row[name] for name in ("label", "ground_truth") if row.get(name)), ()))
    return {
        "question": said or question,
        "curated": row.get("input_text"),
        "kind": "multimodal",
        "group": _image_group(row, gold),
        "gold": tuple(_YES_NO.get(name, name) for name in gold) if set(gold) <= set(_YES_NO) else gold,
        "images": _films(row),
    }


def _image_group(row: Row, gold: tuple[str, ...]) -> str | None:
    task = str(row.get("task", "")).removeprefix("medmod_")
    groups = {
        "radiology": "CXR finding enumeration",
        "decompensation": "Mortality (24 h)",
        "in_hospital_mortality": "Inpatient mortality",
        "phenotyping": "Phenotype (CCS groups)",
    }
    if task in groups:
        return groups[task]
    if not task.startswith("ehrxqa_image"):
        return None
    if len(row.get("study_ids") or ()) > 1:
        return "CXR change comparison"
    return "CXR finding presence" if gold and set(gold) <= set(_YES_NO) else "CXR finding enumeration"


def _films(row: Row) -> list[Row]:
    """Film and study of each path: both are parts of it; the lists of ids have an order of their own."""
    films = []
    for path in row.get("image_paths") or ():
        study = re.search(r"/s(\d+)/", str(path))
        name = str(path).rpartition("/")[2].rpartition(".")[0]
        films.append({"path": str(path), "study_id": int(study[1]) if study else None, "dicom_id": name})
    return films


_SHAPES = (
    _Shape("image row", lambda row: "snapshot_spec" in row or "source_benchmark" in row, _image_row),
    _Shape("text row", lambda row: "instruction" in row and "input" in row, _text_row),
    _Shape(
        "AgentEHR row",
        lambda row: bool(row.get("task")) and not row.get("question") and not row.get("query"),
        _agentehr_row,
    ),
    _Shape("ours", lambda _: True, _ours),
)
