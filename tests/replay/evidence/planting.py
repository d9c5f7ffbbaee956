"""Recordings with a known truth: turns that plant a state, in any order of harmless others, in two forms.

A `Script` is written as a journal of ours or as a record of the reference, and read back by the readers that
users have. Everything in it is made up.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from clinseek_core.case import Case, Policy
from clinseek_core.journal import (
    FORMAT,
    CallRequest,
    DataInfo,
    End,
    Header,
    Limits,
    ModelInfo,
    Observation,
    Prompt,
    Table,
    ToolsInfo,
    Turn,
)
from clinseek_core.journal.events import Body, Message, Origin, OriginRow
from clinseek_core.tools.rowtext import as_text
from clinseek_replay.recordings import open_recordings
from clinseek_replay.trajectory import Trajectory

SUBJECT = 90000001
CUTOFF = datetime(2150, 3, 3, 6)
ADMITTED = "2150-03-01 10:00:00"
BEFORE, DURING, AFTER = "2149-10-14 09:30:00", "2150-03-02 08:15:00", "2150-03-03 09:45:00"
AT = datetime(2026, 1, 5, 9, tzinfo=UTC)

NAMES = (
    "Zorvamax",
    "Piperidol-Tazomax",
    "Congestive flow failure; nonhypertensive",
    "Urea Quotient (Blood)",
    "Émeraude albumin",
    "Calcium, Whole Fluid",
    "Drenolactone",
    "Mibrexate sodium",
    "Second heart tone",
    "Quarvelin",
)
"""Made up, so that nothing else holds them: with signs, blanks, brackets, and letters beyond ASCII."""
FILLERS = ("Ordinary saline", "Daily chart check", "Linen change", "Ward round", "Tray", "Telephone")


@dataclass
class Ask:
    """A call and its result: rows, or a text."""

    name: str
    arguments: dict[str, Any]
    columns: tuple[str, ...] = ()
    rows: Sequence[tuple[Any, ...]] = ()
    table: str = ""
    text: str = ""
    status: str = "ok"
    full: int = 0


@dataclass
class Say:
    """A turn of the model: what it wrote, and its calls."""

    text: str = ""
    reasoning: str = ""
    asks: tuple[Ask, ...] = ()
    forgets: bool = False
    """Whether all results so far leave the context after it."""


@dataclass
class Script:
    """A run: its turns, its answer and its gold."""

    turns: list[Say]
    answer: tuple[str, ...]
    gold: tuple[str, ...]
    curated: str = ""
    candidates: tuple[str, ...] = ()

    def as_journal(self, path: Path) -> Path:
        path.write_bytes(b"".join(line + b"\n" for line in _journal_lines(self)))
        return path

    def as_record(self, path: Path) -> Path:
        path.write_text(json.dumps(_record(self)) + "\n", encoding="utf-8")
        return path

    def read(self, form: str, folder: Path) -> Trajectory:
        path = {"journal": self.as_journal, "record": self.as_record}[form](folder / f"{form}.jsonl")
        return open_recordings([path]).run(0)


@dataclass
class World:
    """What a plant draws from, and the names that are still free."""

    random: random.Random
    form: str
    """`journal` or `record`: a journal holds no curated context."""
    free: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, seed: int, form: str) -> World:
        draws = random.Random(seed)
        return cls(draws, form, draws.sample(NAMES, len(NAMES)))

    def name(self) -> str:
        return self.free.pop()

    def maybe(self, turn: Callable[[], Say]) -> list[Say]:
        return [turn()] if self.random.random() < 0.5 else []

    def sees(self, item: str, at: str = DURING, subject: int = SUBJECT) -> Say:
        """A query whose rows name the item, somewhere among others."""
        rows = [(subject, at, f"{filler} {n}", "1") for n, filler in enumerate(self._fillers())]
        rows.insert(self.random.randint(0, len(rows)), (subject, at, self._as_written(item), "2"))
        columns = ("subject_id", "charttime", "label", "value")
        ask = Ask("ehr.get_records_by_time", {"table_name": "labevents"}, columns, rows, "labevents")
        return self._turn(ask)

    def sees_nothing_of_it(self) -> Say:
        rows = [(SUBJECT, DURING, f"{filler} {n}", "1") for n, filler in enumerate(self._fillers())]
        columns = ("subject_id", "charttime", "medication", "dose")
        return self._turn(Ask("ehr.get_latest_records", {"table_name": "emar"}, columns, rows, "emar"))

    def looks_up(self, item: str) -> Say:
        rows = [(f"{filler} {n}", 51000 + n) for n, filler in enumerate(self._fillers())]
        rows.insert(self.random.randint(0, len(rows)), (item, 50999))
        arguments = {"table_name": "labevents_candidates", "keyword": item.split(maxsplit=1)[0]}
        return self._turn(
            Ask(
                "ehr.get_candidates_by_keyword",
                arguments,
                ("candidate", "itemid"),
                rows,
                "labevents_candidates",
            )
        )

    def reads_web(self, item: str) -> Say:
        text = f"[0] {item} (https://example.org/a)\n**viewing lines [0 - 2] of 2**\n\nL0: About {item}.\n"
        return self._turn(Ask("browser.open", {"id": 1}, text=text))

    def finds_nothing(self, item: str) -> Say:
        arguments = {"table_name": "poe_detail", "keyword": item}
        text = f"No records found in table 'poe_detail' containing the keyword '{item}'."
        return self._turn(Ask("ehr.get_records_by_keyword", arguments, text=text, status="empty"))

    def admitted(self) -> Say:
        columns = ("subject_id", "hadm_id", "admittime", "dischtime")
        rows = [
            (SUBJECT, 90200001, ADMITTED, None),
            (SUBJECT, 90100001, "2149-10-13 08:00:00", "2149-10-16 12:00:00"),
        ]
        ask = Ask("ehr.get_latest_records", {"table_name": "admissions"}, columns, rows, "admissions")
        return self._turn(ask)

    def thinks(self, text: str) -> Say:
        kind = self.random.choice(("text", "reasoning", "think"))
        if kind == "think":
            return Say(asks=(Ask("ehr.think", {"response": text}, text="Thinking Finish"),))
        return Say(**{kind: text}, asks=(self.sees_nothing_of_it().asks))

    def harmless(self) -> Say:
        return self.random.choice(
            (
                self.sees_nothing_of_it,
                lambda: self.thinks("I go on with the next table."),
                lambda: self._turn(
                    Ask("ehr.get_table_names", {}, text="Available Tables:\n\nlabevents, emar")
                ),
                lambda: self._turn(
                    Ask("ehr.run_sql_query", {"sql_query": "SELEC"}, text="Error: no", status="error")
                ),
            )
        )()

    def mixed(self, turns: Sequence[Say], *, quiet_end: bool = False) -> list[Say]:
        """The turns in their order among harmless ones, of which none comes last where `quiet_end`."""
        found = list(turns)
        for _ in range(self.random.randint(0, 4)):
            last = len(found) - 1 if quiet_end and found else len(found)
            found.insert(self.random.randint(0, last), self.harmless())
        return found

    def _turn(self, ask: Ask) -> Say:
        """A call, sometimes beside another."""
        other = Ask(
            "ehr.get_column_names", {"table_name": "emar"}, text="Columns for table 'emar': medication, dose"
        )
        return Say(asks=self.random.choice(((ask,), (other, ask), (ask, other))))

    def _fillers(self) -> list[str]:
        return self.random.choices(FILLERS, k=self.random.randint(0, 4))

    def _as_written(self, item: str) -> str:
        return self.random.choice((item, item.upper(), item.lower()))


def _journal_lines(script: Script) -> list[bytes]:
    events: list[Any] = [
        Header(
            seq=0,
            at=AT,
            format=FORMAT,
            run_id="planted",
            engine_version="0",
            case=Case(
                qid="planted",
                subject_id=SUBJECT,
                prediction_time=CUTOFF,
                question="What applies?",
                gold=script.gold,
                candidates=script.candidates,
            ),
            policy=Policy(),
            model=ModelInfo(name="m", kind="chat"),
            limits=Limits(),
            tools=ToolsInfo(names=("ehr.finish",), digest="0" * 64),
            data=DataInfo(source="bundled", digest="0" * 64),
        ),
        Prompt(seq=0, at=AT, messages=(Message(role="user", content="What applies?"),)),
    ]
    for step, turn in enumerate([*script.turns, _finish(script)], 1):
        calls = tuple(
            CallRequest(id=f"i{n}", name=ask.name, arguments=ask.arguments) for n, ask in enumerate(turn.asks)
        )
        events.append(Turn(seq=0, at=AT, step=step, text=turn.text, reasoning=turn.reasoning, calls=calls))
        events += [_observation(step, n, ask) for n, ask in enumerate(turn.asks, 1)]
        if turn.forgets:
            events.append(
                {"type": "compaction", "seq": 0, "at": f"{AT:%Y-%m-%dT%H:%M:%SZ}", "kept_from": step + 1}
            )
    events.append(End(seq=0, at=AT, status="answered", stop_reason="finish", answer=script.answer))
    numbered = (
        {**event, "seq": n} if isinstance(event, dict) else msgspec.structs.replace(event, seq=n)
        for n, event in enumerate(events)
    )
    return [msgspec.json.encode(event) for event in numbered]


def _observation(step: int, call: int, ask: Ask) -> Observation:
    table, text = None, ask.text
    if ask.columns:
        key = next((n for n, name in enumerate(ask.columns) if name == "charttime"), 0)
        origins = ()
        if not ask.table.endswith("_candidates"):
            rows = tuple(
                OriginRow(key=(n, row[key]), event_time=_time(row[key]), known_at=_time(row[key]))
                for n, row in enumerate(ask.rows)
            )
            origins = (Origin(table=ask.table, key=("row", "charttime"), rows=rows),)
        table = Table(
            columns=ask.columns, rows=tuple(ask.rows), total=len(ask.rows), source=ask.table, origins=origins
        )
        text = (
            f"{ask.table}: {len(ask.rows)} rows:\n{as_text(ask.columns, ask.rows)}" if ask.rows else "0 rows"
        )
    return Observation(
        seq=0,
        at=AT,
        step=step,
        call=call,
        tool_call_id=f"i{call - 1}",
        name=ask.name,
        status="empty" if ask.columns and not ask.rows else ask.status,
        text=text,
        table=table,
        full=Body(sha256="0" * 64, characters=ask.full) if ask.full else None,
    )


def _time(value: Any) -> str | None:
    return value if isinstance(value, str) and value[:2] == "21" else None


def _record(script: Script) -> dict[str, Any]:
    messages: list[dict[str, Any]] = [{"role": "user", "content": "What applies?"}]
    for turn in [*script.turns, _finish(script)]:
        calls = [
            {
                "id": f"call_xml_{n}",
                "type": "function",
                "function": {"name": ask.name, "arguments": json.dumps(ask.arguments)},
            }
            for n, ask in enumerate(turn.asks)
        ]
        messages.append(
            {
                "role": "assistant",
                "content": turn.text,
                "reasoning_content": turn.reasoning,
                "tool_calls": calls or None,
            }
        )
        messages += [
            {"role": "tool", "tool_call_id": f"call_xml_{n}", "content": _as_printed(ask)}
            for n, ask in enumerate(turn.asks)
        ]
        if turn.forgets:
            messages.append({"role": "compaction", "content": "Earlier results were summed up."})
    return {
        "qid": "planted",
        "session_id": "planted__q_0__run_1",
        "question": "What applies?",
        "messages": messages,
        "status": "success",
        "stop_reason": "finish_tool_call",
        "subject_id": SUBJECT,
        "prediction_time": f"{CUTOFF:%Y-%m-%d %H:%M:%S}",
        "label": list(script.gold),
        "candidates": list(script.candidates),
        "input": script.curated,
    }


def _as_printed(ask: Ask) -> str:
    """As pandas' `to_string(index=False)` prints, or the tool's own text."""
    if ask.full:
        return ask.text.ljust(100_000, ".")
    if not ask.columns:
        return ask.text
    if not ask.rows:
        return "Query executed successfully but returned no results."
    cells = [ask.columns, *([("nan" if cell is None else str(cell)) for cell in row] for row in ask.rows)]
    widths = [max(len(row[n]) for row in cells) for n in range(len(ask.columns))]
    return "\n".join(
        " ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in cells
    )


def _finish(script: Script) -> Say:
    return Say(asks=(Ask("ehr.finish", {"response": list(script.answer)}, text="Finish"),))
