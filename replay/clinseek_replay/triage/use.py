"""U: what the run did with what it saw."""

from __future__ import annotations

import re
from collections.abc import Iterator

from clinseek_core.mimic.catalogue import tables
from clinseek_replay.finding import Place
from clinseek_replay.triage.rule import Hit, Rule, Undecided
from clinseek_replay.triage.sightings import Seen
from clinseek_replay.triage.view import RunView

__all__ = ["USE", "out_of_context"]

_SHRUNK = 0.6
"""Input tokens of a turn to those of the one before, below which part of the conversation was left out."""
_WHOLE_CONTEXT = ("clinseek.journal/", "results.jsonl")
"""Formats of harnesses that send the whole conversation each time."""
_NEGATED = re.compile(
    r"\b(no|not|without|denies|negative for|no evidence of|absence of|free of|ruled out|excludes?)"
    r"(\s[\w-]{1,20}){0,2}\s\Z",
    re.IGNORECASE,
)
_QUANTITY = re.compile(
    r"\b([A-Za-z][A-Za-z-]{2,24})\s(?:(?:was|is|of|at|to|level)\s){0,2}(?:=\s?|:\s?)?(\d{1,4}(?:\.\d{1,3})?)\s?"
    r"(mg/dL|g/dL|mmol/L|mEq/L|K/uL|U/L|IU/L|ng/mL|pg/mL|mg/L|mmHg|bpm|mL|mg|mcg|%|°?[CF]\b)"
)
_DIGITS = re.compile(r"\d\d|\d\.\d")
_MOMENT = re.compile(r"\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d\b")
_MAX_QUOTED = 50
_WORDS_BEFORE = 60
_INTENT = re.compile(
    r"\b(?:I'll|I will|let me|let's|next,? I|now I|going to|need to)\b[^.\n]{0,40}?"
    r"\b(?:query|check|look|search|examine|review|retrieve|read|open|inspect|explore)\b([^.\n]{0,80})",
    re.IGNORECASE,
)
_TABLE_WORD = re.compile(r"[`\"']?\b([a-z][a-z_]{2,30})\b[`\"']?(\s+tables?\b)?")


def _seen_not_answered(view: RunView) -> Iterator[tuple[str, list[Seen]]]:
    """Gold names that the patient's data showed and the answer lacks, but for those lost from the context."""
    for name in view.missed:
        seen = view.sightings.patient(name)
        if seen and _lost_at(view, seen) is None:
            yield name, seen


def _seen_ignored(view: RunView) -> Iterator[Hit]:
    for name, seen in _seen_not_answered(view):
        if not view.sightings.written(name):
            yield Hit(
                message=f"{name} stands in {_count(seen)}, and the model never writes it",
                places=tuple(each.place for each in seen[:20]),
                evidence={"item": name, "results": len(seen)},
                lost=(name,),
            )


def _seen_rejected(view: RunView) -> Iterator[Hit]:
    for name, seen in _seen_not_answered(view):
        written = view.sightings.written(name)
        if written:
            yield Hit(
                message=f"{name} stands in {_count(seen)}, the model writes of it, and leaves it out",
                places=(seen[0].place, *written[:20]),
                evidence={
                    "item": name,
                    "results": len(seen),
                    "written": [place.anchor for place in written[:20]],
                },
                lost=(name,),
            )


def _count(seen: list[Seen]) -> str:
    return f"{len(seen)} result{'s' * (len(seen) > 1)}"


def _shrunk_at(view: RunView) -> list[int]:
    """The steps at which the model's input was so much shorter that part of the conversation was left out."""
    found: list[int] = []
    before = 0
    for step in view.trajectory.steps:
        tokens = step.usage.input_tokens if step.usage else 0
        if before and 0 < tokens < _SHRUNK * before:
            found.append(step.number)
        before = tokens or before
    return found


def _lost_at(view: RunView, seen: list[Seen]) -> tuple[int, str] | None:
    """The step behind the last sight of a name at which it left the context, and how that is known."""
    last = seen[-1].call.step.number
    kept_from = view.sightings.context_from
    if last < kept_from:
        return kept_from, "a note"
    shrunk = next((step for step in _shrunk_at(view) if step > last), None)
    return None if shrunk is None else (shrunk, "its tokens")


def out_of_context(view: RunView, name: str) -> int | None:
    """The step by which the last result that shows a gold name had left the context; None where none did."""
    seen = view.sightings.patient(name)
    lost = _lost_at(view, seen) if seen else None
    return lost[0] if lost else None


def _seen_lost(view: RunView) -> Iterator[Hit | Undecided]:
    run = view.trajectory
    whole = run.format.startswith(_WHOLE_CONTEXT) or any(step.usage for step in run.steps)
    if not whole and not view.sightings.context_from:
        yield Undecided("the recording does not say what was in the model's context at each turn")
        return
    for name in view.missed:
        seen = view.sightings.patient(name)
        lost = _lost_at(view, seen) if seen else None
        if lost is not None:
            step, how = lost
            yield Hit(
                message=f"{name} was last seen in {seen[-1].call.call.anchor} and out of context by s{step}, "
                f"as {how} tell{'s' * (how == 'a note')}",
                places=(seen[-1].place, Place(step=step)),
                evidence={"item": name, "out_by": f"s{step}", "known_by": how},
                tier="D" if how == "a note" else "S",
                lost=(name,),
            )


def _only_looked_up(view: RunView) -> Iterator[Hit]:
    offered = {name.lower() for name in view.trajectory.candidates}
    for name, lookups in _unsupported(view):
        if lookups or name.lower() in offered:
            where = lookups[0].call.call.anchor if lookups else "the list of candidates"
            yield _unsupported_hit(view, name, f"{name} is in the answer, and only {where} holds it", lookups)


def _parametric(view: RunView) -> Iterator[Hit]:
    offered = {name.lower() for name in view.trajectory.candidates}
    for name, lookups in _unsupported(view):
        if not lookups and name.lower() not in offered:
            yield _unsupported_hit(
                view, name, f"{name} is in the answer, and no result of the run holds it", []
            )


def _unsupported(view: RunView) -> Iterator[tuple[str, list[Seen]]]:
    """Names of the answer that neither the patient's data nor a page holds, and the lookups that do."""
    sightings = view.sightings
    for name in view.items.given:
        if name in sightings.searchable and not sightings.patient(name) and not sightings.web(name):
            yield name, sightings.lookups(name)


def _unsupported_hit(view: RunView, name: str, message: str, lookups: list[Seen]) -> Hit:
    """A hit by luck or knowledge is no fault: it is told and never a cause."""
    wrong = name in view.wrong
    written = view.sightings.written(name)
    places = (*(seen.place for seen in lookups[:10]), *written[:10])
    finish = view.finish
    return Hit(
        message=message,
        places=places or ((finish.place("arguments"),) if finish else ()),
        evidence={"item": name, "lookups": [seen.call.call.anchor for seen in lookups[:10]]},
        severity="info" if view.gold and not wrong else None,
        extra=(name,) if wrong else (),
    )


def _stale(view: RunView) -> Iterator[Hit | Undecided]:
    supported = [name for name in view.items.given if view.sightings.patient(name)]
    if not supported:
        return
    start = view.admitted
    if start is None:
        yield Undecided("the results do not say since when the patient has been in hospital")
        return
    for name in supported:
        times = view.sightings.times(name)
        if all(time and time < start for time in times):
            seen = view.sightings.patient(name)
            yield Hit(
                message=f"all that supports {name} is from before the stay that began {start}",
                places=tuple(each.place for each in seen[:20]),
                evidence={"item": name, "latest": max(time for time in times if time), "admitted": start},
                extra=(name,) if name in view.wrong else (),
            )


def _misquote(view: RunView) -> Iterator[Hit]:
    """A quantity or time of the model's text that stands nowhere before it, while one nearly so does."""
    told: set[tuple[str, str]] = set()
    for number, text in view.prose.items():
        for label, written in _quoted(text):
            if (label, written) in told or len(told) == _MAX_QUOTED:
                continue
            told.add((label, written))
            end = view.shown.before(number)
            # What is quicker to rule out comes first: few lines hold a label, most times are quoted right.
            if not label and view.shown.holds(written, end):
                continue
            found = view.shown.nearly(label, written, end)
            if found is not None and not view.shown.holds(written, end):
                call, near = found
                said = f"{label} {written}".strip()
                yield Hit(
                    message=f"the model writes {said}, and {call.call.anchor} has {near}",
                    places=(Place(step=number, field="text", quote=said), call.place()),
                    evidence={"written": written, "found": near, "label": label},
                )


def _quoted(text: str) -> Iterator[tuple[str, str]]:
    """The quantities, each with the word before it, and the times of a text."""
    head = text[:20_000]
    if _DIGITS.search(head):
        yield from ((found[1], found[2]) for found in _QUANTITY.finditer(head) if len(found[2]) > 1)
        yield from (("", found[0].replace("T", " ")) for found in _MOMENT.finditer(head))


def _contradiction(view: RunView) -> Iterator[Hit]:
    for name in view.items.given:
        written = view.sightings.written(name)
        if not written:
            continue
        for seen in view.sightings.every_place(name):
            before = _words_before(seen)
            if seen.call.step.number >= written[0].step and _NEGATED.search(before):
                yield Hit(
                    message=f"the model writes {name} at {written[0].anchor}, {seen.call.call.anchor} negates"
                    " it, and it stays in the answer",
                    places=(seen.place, written[0]),
                    evidence={"item": name, "text": before + seen.place.quote},
                    extra=(name,) if name in view.wrong else (),
                )
                break


def _words_before(seen: Seen) -> str:
    """What stands before a name, in its text or its cell."""
    text, start = seen.call.text, seen.place.start
    table = seen.call.call.result.table if seen.call.call.result else None
    if (
        start is None
        and table is not None
        and seen.place.row is not None
        and seen.place.column in table.columns
    ):
        text = str(table.rows[seen.place.row - 1][table.columns.index(seen.place.column)])
        start = max(text.find(seen.place.quote), 0)
    return text[max(start - _WORDS_BEFORE, 0) : start] if start is not None else ""


def _mismatch(view: RunView) -> Iterator[Hit]:
    """The model says which table it will read, reads others at that step, and never that one."""
    named = {table for call in view.calls for table in call.tables}
    for number, text in view.prose.items():
        calls = view.calls_of.get(number, ())
        reads = [call for call in calls if call.tables and call.kind == "patient"]
        for intent in _INTENT.finditer(text[:20_000]) if reads else ():
            table = _table_meant(intent[1])
            if table and table not in named:
                yield Hit(
                    message=f"the model says it will read {table}, and reads"
                    f" {', '.join(sorted(reads[0].tables)[:3])} and never {table}",
                    places=(
                        Place(step=number, field="text", quote=intent[0][:200]),
                        reads[0].place("arguments"),
                    ),
                    evidence={"said": table, "read": sorted(reads[0].tables)[:10]},
                )
                break


def _table_meant(words: str) -> str:
    """The table that some words name: one that is no everyday word, or that is called a table."""
    for found in _TABLE_WORD.finditer(words.lower()):
        name = found[1]
        sure = "_" in name or name.endswith("events") or found[2] or found[0][0] in "`\"'"
        if name in tables() and sure:
            return name
    return ""


USE: tuple[Rule, ...] = (
    Rule(
        code="U1",
        name="seen_ignored",
        tier="D",
        severity="high",
        needs=("turns", "gold", "names", "answer"),
        says="The patient's data showed a gold item, and the model never wrote or answered it.",
        find=_seen_ignored,
    ),
    Rule(
        code="U2",
        name="seen_rejected",
        tier="D",
        severity="high",
        needs=("turns", "gold", "names", "answer"),
        says="The patient's data showed a gold item, the model wrote of it, and left it out.",
        find=_seen_rejected,
    ),
    Rule(
        code="U3",
        name="seen_lost",
        tier="D",
        severity="high",
        needs=("turns", "gold", "names", "answer"),
        says="A gold item was seen, left the model's context, and was not seen again.",
        find=_seen_lost,
    ),
    Rule(
        code="U4a",
        name="only_looked_up",
        tier="D",
        severity="medium",
        needs=("turns", "answer", "names"),
        says="A name of the answer was seen in a candidate lookup only, never in the patient's data.",
        find=_only_looked_up,
    ),
    Rule(
        code="U4b",
        name="parametric_answer",
        tier="D",
        severity="medium",
        needs=("turns", "answer", "names"),
        says="A name of the answer stands in no result of the run: the model knew or made it.",
        find=_parametric,
    ),
    Rule(
        code="U5",
        name="stale_support",
        tier="D",
        severity="medium",
        needs=("turns", "answer", "names"),
        says="All that supports a name of the answer is from before the current admission.",
        find=_stale,
    ),
    Rule(
        code="U6",
        name="misquote",
        tier="S",
        severity="medium",
        needs=("turns",),
        says="A number or time of the model's text stands nowhere before it, and one a digit off does.",
        find=_misquote,
    ),
    Rule(
        code="U7",
        name="contradiction",
        tier="S",
        severity="medium",
        needs=("turns", "answer", "names"),
        says="The model wrote a name, a later result negates it, and it stays in the answer.",
        find=_contradiction,
    ),
    Rule(
        code="U8",
        name="reasoning_action_mismatch",
        tier="S",
        severity="low",
        needs=("turns",),
        says="The model says that it will read a table, reads another, and never that one.",
        find=_mismatch,
    ),
)
