"""What a task is: which moments of a patient make a case of it, what is asked, and what is right."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["AGENTEHR", "Cutoff", "Group", "Kind", "Need", "Task"]

Kind = Literal["risk_prediction", "decision_making", "multimodal", "agentehr"]

Group = str
"""The semantic group of a task in reports, such as `Medication_suggestion`."""

Need = Literal["ccs", "drug_classes", "films"]
"""What a task needs beside a store: CCS classes of codes, classes of drugs, films with their labels."""

Cutoff = Literal["last_known", "two_minutes", "one_minute", "film"]
"""Where the prediction time lies before the moment that a case is about.

`last_known` one second after the last thing that became known in the 24 hours before it, as the curated
input's last event is; `one_minute` and `two_minutes` that long before it; `film` one second after the film.
"""

AGENTEHR = "agentehr_"
"""What names of AgentEHR's tasks begin with here: three of them are names of decision tasks as well."""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A task. `rows` is SQL over the tables of `Whole`, one row for each right item of each case:

    `subject_id`, `hadm_id`, `stay_id`, `at` (the moment the case is about), `settled_at` (from when the
    answer can be read in the record; NULL for never: a prediction time after it is refused), `name` (the
    item), `about` (what fills the question's `{about}`), `studies` (a list of study ids whose films belong
    to the case; may be empty).
    """

    name: str
    """As the benchmark's files spell it."""
    kind: Kind
    group: Group
    question: str
    rows: str
    one: bool = False
    """The answer is exactly one item."""
    candidates: tuple[str, ...] = ()
    """The candidates, where they are the same for all cases; else they are drawn from the task's names."""
    open: bool = False
    """No candidates are given: the agent finds names in the data's own lists."""
    needs: frozenset[Need] = frozenset()
    cutoff: Cutoff = "last_known"
    next: bool = True
    """The case asks for what comes next: a moment with another before it, after the cutoff, is refused."""
