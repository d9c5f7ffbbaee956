"""A case: one patient, one prediction time, one clinical question."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

__all__ = ["AnswerSchema", "Basis", "BenchCase", "Boundary", "Case", "CaseImage", "Policy", "gold_names"]

Basis = Literal["available", "event", "upstream"]
Boundary = Literal["exclusive", "inclusive"]


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """The temporal policy of a run; `docs/temporal-contract.md` says what each value means."""

    basis: Basis = "available"
    boundary: Boundary = "exclusive"
    coding_lag_hours: int = 0
    """Hours added to the time of billing codes, which are coded after discharge."""
    interval_rows: Literal["stored", "started"] = "stored"


class CaseImage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A film of the case's own studies."""

    path: str
    """Relative to the folder of the cases file, or absolute."""
    study_id: int | None = None
    dicom_id: str | None = None
    taken_at: datetime | None = None


class AnswerSchema(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer must look like: `one` item or a `list`, from the candidates where there are any."""

    kind: Literal["one", "list"] = "list"


class Case(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an agent is given, and the gold it is judged by. `task` and `gold` are never shown to it."""

    qid: str
    subject_id: int
    prediction_time: datetime
    question: str
    task: str = ""
    candidates: tuple[str, ...] = ()
    answer: AnswerSchema = AnswerSchema()
    gold: tuple[str, ...] | None = None
    """None where the case has no gold: then nothing is scored."""
    images: tuple[CaseImage, ...] = ()


class BenchCase(msgspec.Struct, frozen=True, kw_only=True):
    """A case of a benchmark: the case, where it belongs, and the same as one input without tools."""

    case: Case
    kind: str = ""
    """`risk_prediction`, `decision_making`, `multimodal` or `agentehr`."""
    group: str = ""
    """The row of a report that its task is counted in, such as `Medication_suggestion`."""
    hadm_id: int | None = None
    stay_id: int | None = None
    latest_event_time: datetime | None = None
    """When the last event of the curated input happened."""
    curated: str = ""
    """The record's last events as text; empty where the case has no curated input."""
    ceiling: float = 1.0
    """The best F1 that the data allow."""

    def row(self) -> dict[str, Any]:
        """The case as a line of a cases file."""
        others = {name: getattr(self, name) for name in self.__struct_fields__ if name != "case"}
        others["task_type"] = others.pop("kind")
        said = {name: value for name, value in others.items() if value not in {None, ""}}
        return {**msgspec.to_builtins(self.case), **msgspec.to_builtins(said)}


def gold_names(label: Any) -> tuple[str, ...]:
    """The names in a gold label: a string, a list of strings, or a list of objects with `name` or `atc_name`.

    As the reference scorer does, `atc_name` is taken where any object has it.
    """
    items = label if isinstance(label, list | tuple) else [label]
    key = "atc_name" if any(isinstance(item, dict) and item.get("atc_name") for item in items) else "name"
    names = (item.get(key) if isinstance(item, dict) else item for item in items)
    return tuple(str(name) for name in names if name is not None)
