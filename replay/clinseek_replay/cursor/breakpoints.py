"""Breakpoints: what a run can be made to stop at, as a table of kinds, and how one is written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import NamedTuple, get_args

import msgspec

from clinseek_core.errors import InputError
from clinseek_core.journal import Status
from clinseek_core.text import one_line
from clinseek_replay.cursor.comparison import read_comparison
from clinseek_replay.cursor.fields import FIELDS, document
from clinseek_replay.cursor.signature import call_digest
from clinseek_replay.evidence.matching import Matcher
from clinseek_replay.finding import Place, PlaceField
from clinseek_replay.pattern import Pattern
from clinseek_replay.search import as_text
from clinseek_replay.tables import Beyond, Stamp, TextTable, tables_in
from clinseek_replay.trajectory import Call, Step, Trajectory

__all__ = [
    "KINDS",
    "Breakpoint",
    "Kind",
    "Sighting",
    "Watch",
    "kind_of",
    "read_breakpoint",
    "read_expression",
]

_QUOTED = 80
_NAME = 200
_REFERENCE_CUT = 100_000
"""The reference implementation cuts results to this many characters and tells nobody."""


class Breakpoint(msgspec.Struct, frozen=True):
    """One breakpoint: the name of its kind, and what follows it."""

    kind: str
    argument: str = ""

    @property
    def text(self) -> str:
        """As `read_breakpoint` takes it."""
        if not self.argument:
            return self.kind
        return self.kind + (self.argument if self.argument.startswith(">") else f":{self.argument}")


class Sighting(NamedTuple):
    """One thing in a step that a breakpoint stops at."""

    call: int | None
    """Index of the call; None where it is the turn."""
    why: str
    """In words, with the value that decides it; untrusted where it quotes the run."""
    field: PlaceField = "result"
    row: int | None = None
    start: int | None = None
    end: int | None = None

    def place(self, step: Step) -> Place:
        """The place, as findings name one."""
        return Place(
            step=step.number,
            call=None if self.call is None else self.call + 1,
            field=self.field,
            row=self.row,
            start=self.start,
            end=self.end,
        )


Watch = Callable[[Step], Iterator[Sighting]]
"""Looks at the steps of one run in their order and yields what is to stop at."""


class Kind(NamedTuple):
    """A kind of breakpoint."""

    name: str
    form: str
    """How it is written."""
    says: str
    """Where it stops."""
    ready: Callable[[str], Callable[[Trajectory], Watch]]
    """Reads what follows the name, once; raises InputError. Then makes a watch for each run."""
    looks_back: bool = False
    """Whether what came before decides, so that a watch must be shown the run from its first step."""
    missing: Callable[[Trajectory], str] = lambda _: ""
    """What the run does not hold that would be needed; empty where nothing is missing."""


def read_breakpoint(text: str) -> Breakpoint:
    """A breakpoint as it is written: `error`, `tool:ehr.*`, `sql:/regex/`, `tokens>2000`.

    Raises InputError with the forms there are, or what is wrong with this one.
    """
    written = text.strip()
    parts = re.compile(r"([a-z_]+)(?::(.*)|(>.*))?", re.DOTALL).fullmatch(written)
    if parts is None or parts[1] not in _BY_NAME:
        forms = ", ".join(kind.form for kind in KINDS)
        raise InputError(f"{text!r} is no breakpoint; there are {forms}")
    breakpoint_ = Breakpoint(parts[1], (parts[2] or parts[3] or "").strip())
    kind_of(breakpoint_).ready(breakpoint_.argument)
    return breakpoint_


def kind_of(breakpoint_: Breakpoint) -> Kind:
    """The kind that a breakpoint is of."""
    return _BY_NAME[breakpoint_.kind]


def read_expression(text: str, form: str) -> Pattern:
    """The expression within `/…/`; raises InputError where there are no slashes or it is none."""
    if len(text) < 3 or not text.startswith("/") or not text.endswith("/"):
        raise InputError(f"{text!r}: an expression stands between slashes; write {form}")
    return Pattern(text[1:-1])


def _no_argument(
    name: str, watch: Callable[[Trajectory], Watch]
) -> Callable[[str], Callable[[Trajectory], Watch]]:
    def ready(argument: str) -> Callable[[Trajectory], Watch]:
        if argument:
            raise InputError(f"{name}:{argument}: `{name}` takes nothing after it")
        return watch

    return ready


def _first_only(
    name: str, watch: Callable[[Trajectory, bool], Watch]
) -> Callable[[str], Callable[[Trajectory], Watch]]:
    def ready(argument: str) -> Callable[[Trajectory], Watch]:
        if argument not in ("", "first"):
            raise InputError(f"{name}:{argument}: write `{name}` or `{name}:first`")
        return lambda trajectory: watch(trajectory, argument == "first")

    return ready


def _each_call(why: Callable[[Call], str]) -> Watch:
    """Stops at every call for which there is a reason."""
    return lambda step: (
        Sighting(index, reason) for index, call in enumerate(step.calls) if (reason := why(call))
    )


def _tool(argument: str) -> Callable[[Trajectory], Watch]:
    if not argument:
        raise InputError("tool: names no tool; write tool:ehr.run_sql_query or tool:browser.*")
    return lambda _: _each_call(
        lambda call: f"calls {call.name}" if fnmatchcase(call.name[:_NAME], argument) else ""
    )


def _status(argument: str) -> Callable[[Trajectory], Watch]:
    known = (*get_args(Status), "pending")
    if argument not in known:
        raise InputError(f"status:{argument}: there are {', '.join(known)}")
    return lambda _: _each_call(lambda call: f"ended as {argument}" if call.status == argument else "")


def _error(_: Trajectory) -> Watch:
    return _each_call(
        lambda call: (
            f"error: {one_line(call.result.text, _QUOTED)}" if call.result and call.status == "error" else ""
        )
    )


def _empty(_: Trajectory) -> Watch:
    return _each_call(lambda call: "nothing found" if call.status == "empty" else "")


def _truncated(trajectory: Trajectory) -> Watch:
    limit = trajectory.max_result_characters or _REFERENCE_CUT

    def why(call: Call) -> str:
        result = call.result
        if result is None:
            return ""
        if len(result.text) < result.full_characters:
            return f"the model got {len(result.text):,} of {result.full_characters:,} characters"
        at_limit = len(result.text) == limit and trajectory.max_result_characters is None
        return f"{limit:,} characters long, where the reference cuts without a word" if at_limit else ""

    return _each_call(why)


def _repeated(_: Trajectory) -> Watch:
    first: dict[bytes, str] = {}

    def why(call: Call) -> str:
        before = first.setdefault(call_digest(call), call.anchor)
        return f"the same call with the same result as {before}" if before != call.anchor else ""

    return _each_call(why)


def _tokens(argument: str) -> Callable[[Trajectory], Watch]:
    digits = argument.removeprefix(">").strip()
    if not argument.startswith(">") or not digits.isdecimal() or len(digits) > 12:
        raise InputError(f"tokens{argument and f':{argument}'}: write tokens>2000")
    limit = int(digits)

    def watch(_: Trajectory) -> Watch:
        before: int | None = None

        def look(step: Step) -> Iterator[Sighting]:
            nonlocal before
            if step.usage is None:
                return
            now, last = step.usage.input_tokens, before
            before = now
            if last is not None and now - last > limit:
                yield Sighting(
                    None, f"{now - last:,} more tokens in than before ({last:,} → {now:,})", "text"
                )

        return look

    return watch


def _gold(trajectory: Trajectory, first_only: bool) -> Watch:
    matcher = Matcher(trajectory.gold or ())
    seen: set[str] = set()

    def look(step: Step) -> Iterator[Sighting]:
        for index, call in enumerate(step.calls):
            here: set[str] = set()
            for hit in matcher.in_call(call):
                if hit.name in here or (first_only and hit.name in seen):
                    continue
                here.add(hit.name)
                words = "seen" if hit.name in seen else "first seen"
                seen.add(hit.name)
                why = f"gold {one_line(hit.name, _QUOTED)} {words}, by {hit.by}"
                yield Sighting(index, why, row=hit.row, start=hit.start, end=hit.end)

    return look


def _future(trajectory: Trajectory, first_only: bool) -> Watch:
    cutoff = trajectory.prediction_time
    if cutoff is None:
        return lambda _: iter(())
    beyond = Beyond(cutoff, trajectory.policy.boundary if trajectory.policy else "exclusive")
    stopped = False

    def look(step: Step) -> Iterator[Sighting]:
        nonlocal stopped
        for index, call in enumerate(step.calls):
            if first_only and stopped:
                return
            found = next(_beyond_in(call, beyond), None)
            if found is not None:
                stopped = True
                stamp, row, column, shown = found
                named = f" in {one_line(column, _QUOTED)}" if column else ""
                start, end = (stamp.start, stamp.end) if shown else (None, None)
                why = f"{stamp.at}{named} is beyond the cutoff {beyond.cutoff}"
                yield Sighting(index, why, row=row, start=start, end=end)

    return look


def _beyond_in(call: Call, beyond: Beyond) -> Iterator[tuple[Stamp, int | None, str, bool]]:
    """Times beyond the cutoff in a result: row, column, whether the Stamp counts characters of the text."""
    if call.result is None:
        return
    tables = tables_in(call)
    if any(table.form == "rows" for table in tables):
        # Our rows tell a date once: only their cells have it in full.
        for table in tables:
            for number, row in enumerate(table.rows, table.first_row + 1):
                for column, cell in zip(table.columns, row, strict=False):
                    yield from ((stamp, number, column, False) for stamp in beyond.in_text(cell.text))
        return
    for stamp in beyond.in_text(call.result.text):
        yield (stamp, *_row_and_column(tables, stamp.start), True)


def _row_and_column(tables: tuple[TextTable, ...], position: int) -> tuple[int | None, str]:
    for table in tables:
        if (place := table.at(position)) is not None:
            return table.first_row + place[0] + 1, table.columns[place[1]]
    return None, ""


def _field(name: str) -> Callable[[str], Callable[[Trajectory], Watch]]:
    texts = FIELDS[name][1]

    def ready(argument: str) -> Callable[[Trajectory], Watch]:
        pattern = read_expression(argument, f"{name}:/lactate|troponin/")

        def look(step: Step) -> Iterator[Sighting]:
            for call, field, text in texts(step):
                for start, end in pattern.spans(text):
                    yield Sighting(
                        call, f"holds {one_line(text[start:end], _QUOTED)!r}", field, None, start, end
                    )
                    break

        return lambda _: look

    return ready


def _path(argument: str) -> Callable[[Trajectory], Watch]:
    comparison = read_comparison(argument)

    def watch(trajectory: Trajectory) -> Watch:
        def look(step: Step) -> Iterator[Sighting]:
            for call in range(len(step.calls)) if step.calls else (None,):
                value = comparison.first(document(trajectory, step, call))
                if value is not None:
                    told = one_line(as_text(value[0]), _QUOTED)
                    yield Sighting(
                        call, f"{comparison.path.source} is {told}", "arguments" if call else "text"
                    )

        return look

    return watch


def _without_gold(trajectory: Trajectory) -> str:
    return "" if trajectory.gold else "there is no gold; --gold gives it"


def _without_cutoff(trajectory: Trajectory) -> str:
    return "" if trajectory.prediction_time else "the recording does not say what the cutoff is"


def _without_tokens(trajectory: Trajectory) -> str:
    counted = any(step.usage is not None for step in trajectory.steps)
    return "" if counted else "the recording does not say how many tokens a turn took"


KINDS: tuple[Kind, ...] = (
    Kind("tool", "tool:NAME", "a call of that tool; * and ? stand for any characters", _tool),
    Kind("error", "error", "a call that ended in an error", _no_argument("error", _error)),
    Kind("empty", "empty", "a call that found nothing", _no_argument("empty", _empty)),
    Kind("status", "status:NAME", "a call that ended so: ok, refused, limited, pending, …", _status),
    Kind(
        "truncated",
        "truncated",
        "a result of which the model got only the head",
        _no_argument("truncated", _truncated),
    ),
    Kind(
        "repeated",
        "repeated",
        "a call made before with the same arguments and result",
        _no_argument("repeated", _repeated),
        looks_back=True,
    ),
    Kind(
        "gold",
        "gold[:first]",
        "a result that names an item of the gold; with first, not named before",
        _first_only("gold", _gold),
        looks_back=True,
        missing=_without_gold,
    ),
    Kind(
        "future",
        "future[:first]",
        "a result that shows a time beyond the cutoff; with first, only the first of the run",
        _first_only("future", _future),
        looks_back=True,
        missing=_without_cutoff,
    ),
    Kind(
        "tokens",
        "tokens>N",
        "a turn with over N more tokens in than the one before",
        _tokens,
        looks_back=True,
        missing=_without_tokens,
    ),
    Kind("path", "path:$.PATH[=VALUE]", "a call or turn that holds the path; also != < > ~/REGEX/", _path),
    *(
        Kind(name, f"{name}:/REGEX/", f"{says}, where it holds the expression", _field(name))
        for name, (says, _) in FIELDS.items()
    ),
)
"""What there is to stop at."""

_BY_NAME = {kind.name: kind for kind in KINDS}
