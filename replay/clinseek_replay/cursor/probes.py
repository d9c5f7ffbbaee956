"""Probes: an expression or a path tried on every step after the fact, as a column of values."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from clinseek_core.errors import InputError
from clinseek_replay.cursor.breakpoints import read_expression
from clinseek_replay.cursor.comparison import Comparison, read_comparison
from clinseek_replay.cursor.fields import FIELDS, document
from clinseek_replay.pattern import Pattern
from clinseek_replay.search import as_text
from clinseek_replay.trajectory import Step, Trajectory

__all__ = ["Probe", "Probed", "read_probe"]

_MAX_VALUES = 100
_MAX_CHARACTERS = 400
_FIELD = re.compile(r"([a-z]+):(/.*/)", re.DOTALL)


class Probed(msgspec.Struct, frozen=True, kw_only=True):
    """What a probe found at one place; untrusted."""

    step: int
    """Index of the step."""
    call: int | None
    """Index of the call; None for the turn."""
    anchor: str
    values: tuple[str, ...]
    """The first hundred, each cut to 400 characters."""


class Probe(msgspec.Struct, frozen=True):
    """A probe, read: a path, or an expression and the field it is tried on."""

    source: str
    path: Comparison | None = None
    pattern: Pattern | None = None
    field: str = "any"

    def column(self, trajectory: Trajectory) -> Iterator[Probed]:
        """A value for each place where there is one, in the order of the run; each step is read once."""
        for index, step in enumerate(trajectory.steps):
            found = _matched(step, self) if self.path is None else _at_path(trajectory, step, self.path)
            for call, values in sorted(found.items()):
                yield Probed(
                    step=index,
                    call=None if call < 0 else call,
                    anchor=step.anchor if call < 0 else step.calls[call].anchor,
                    values=tuple(values),
                )


def read_probe(text: str) -> Probe:
    """A probe as it is written: `$.arguments.table_name`, `/regex/`, or `result:/regex/`.

    A path may be compared, as for a breakpoint; then it gives the values for which that holds. Raises
    InputError where it is none of these.
    """
    written = text.strip()
    if written.startswith("$"):
        return Probe(written, path=read_comparison(written))
    field = _FIELD.fullmatch(written)
    name, expression = (field[1], field[2]) if field else ("any", written)
    if name not in FIELDS:
        raise InputError(f"{text}: there is no field {name}; there are {', '.join(FIELDS)}")
    return Probe(written, pattern=read_expression(expression, "$.PATH, /REGEX/ or FIELD:/REGEX/"), field=name)


def _matched(step: Step, probe: Probe) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    if probe.pattern is None:
        return found
    for call, _, text in FIELDS[probe.field][1](step):
        for start, end in probe.pattern.spans(text):
            values = found.setdefault(-1 if call is None else call, [])
            if len(values) == _MAX_VALUES:
                break
            values.append(text[start:end][:_MAX_CHARACTERS])
    return found


def _at_path(trajectory: Trajectory, step: Step, wanted: Comparison) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for call in range(len(step.calls)) if step.calls else (None,):
        values = wanted.path.values(document(trajectory, step, call))
        held = [value for _, value in zip(range(_MAX_VALUES), filter(wanted.holds, values), strict=False)]
        if held:
            found[-1 if call is None else call] = [as_text(value)[:_MAX_CHARACTERS] for value in held]
    return found
