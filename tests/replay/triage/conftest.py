"""Small makers of recordings: a run described once, written as our journal and as the reference's record."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pytest

from clinseek_core.case import Case, Policy
from clinseek_core.journal import (
    CallRequest,
    DataInfo,
    End,
    JournalWriter,
    Limits,
    ModelInfo,
    Observation,
    Prompt,
    Retry,
    ToolsInfo,
    Turn,
    Usage,
)
from clinseek_core.journal.events import Message
from clinseek_replay.recordings import open_recordings
from clinseek_replay.trajectory import Trajectory

SUBJECT, CUTOFF = 90000001, datetime(2150, 3, 3, 6)
TOOLS = (
    "ehr.load_ehr",
    "ehr.get_table_names",
    "ehr.get_column_names",
    "ehr.get_records_by_time",
    "ehr.get_records_by_keyword",
    "ehr.get_latest_records",
    "ehr.run_sql_query",
    "ehr.get_candidates_by_keyword",
    "ehr.think",
    "ehr.finish",
    "browser.search",
    "image.chest_xray_classifier",
)
Form = Literal["journal", "results"]
FORMS: tuple[Form, ...] = ("journal", "results")


@dataclass
class MadeCall:
    name: str
    arguments: Any
    text: str | None
    status: str = "ok"
    id: str = ""
    full: str | None = None
    """The whole result, where the model got only `text`; a journal's own."""


@dataclass
class MadeTurn:
    text: str = ""
    calls: list[MadeCall] = field(default_factory=list)
    reasoning: str = ""
    tokens: int | None = None
    finish_reason: str = ""
    retry: str = ""


@dataclass
class MadeRun:
    turns: list[MadeTurn]
    gold: tuple[str, ...] | None = ("Furosemide", "Heparin")
    answer: tuple[str, ...] | None = None
    task: str = "prescriptions_next"
    question: str = "Which drugs come next?"
    candidates: tuple[str, ...] = ()
    curated: str = ""
    status: str = "answered"
    stop_reason: str = ""
    message: str = ""
    max_rounds: int = 200

    def write(self, form: Form, folder: Path) -> Path:
        return (
            self._journal(folder / "run.jsonl")
            if form == "journal"
            else self._record(folder / "results.jsonl")
        )

    def _journal(self, path: Path) -> Path:
        path.unlink(missing_ok=True)
        case = Case(
            qid="q1",
            subject_id=SUBJECT,
            prediction_time=CUTOFF,
            question=self.question,
            task=self.task,
            candidates=self.candidates,
            gold=self.gold,
        )
        with JournalWriter.create(
            path,
            case=case,
            policy=Policy(),
            model=ModelInfo(name="a-model", kind="chat"),
            limits=Limits(max_rounds=self.max_rounds),
            tools=ToolsInfo(names=TOOLS, digest="0" * 64),
            data=DataInfo(source="bundled", digest="0" * 64),
        ) as journal:
            journal.append(Prompt, messages=(Message(role="user", content=self.question),))
            for step, turn in enumerate(self.turns, 1):
                self._turn(journal, step, turn)
            if self.status:
                stop = self.stop_reason or ("finish" if self.status == "answered" else "no_call")
                journal.append(
                    End, status=self.status, stop_reason=stop, answer=self.answer, message=self.message
                )
        return path

    def _turn(self, journal: JournalWriter, step: int, turn: MadeTurn) -> None:
        if turn.retry:
            journal.append(Retry, step=step, reason=turn.retry)
        requests = tuple(
            CallRequest(id=call.id or f"id-{step}-{n}", name=call.name, arguments=call.arguments)
            if isinstance(call.arguments, dict)
            else CallRequest(id=call.id or f"id-{step}-{n}", name=call.name, raw=call.arguments)
            for n, call in enumerate(turn.calls, 1)
        )
        journal.append(
            Turn,
            step=step,
            text=turn.text,
            reasoning=turn.reasoning,
            calls=requests,
            finish_reason=turn.finish_reason,
            usage=Usage(input_tokens=turn.tokens, output_tokens=10) if turn.tokens else None,
        )
        for n, call in enumerate(turn.calls, 1):
            if call.text is not None:
                journal.append(
                    Observation,
                    step=step,
                    call=n,
                    tool_call_id=requests[n - 1].id,
                    name=call.name,
                    status=call.status,
                    text=call.text,
                    full=journal.store_text(call.full) if call.full is not None else None,
                )

    def _record(self, path: Path) -> Path:
        status = {"answered": "success", "no_answer": "incomplete"}.get(self.status, self.status)
        stop = {"answered": "finish_tool_call", "error": "exception"}.get(self.status, "no_final_answer")
        record = {
            "qid": "q1",
            "run_index": 1,
            "session_id": "q1__q_0__run_1",
            "subject_id": SUBJECT,
            "prediction_time": f"{CUTOFF:%Y-%m-%d %H:%M:%S}",
            "task": self.task,
            "question": self.question,
            "messages": [*self._messages()],
            "status": status,
            "stop_reason": self.stop_reason or stop,
            "candidates": list(self.candidates),
        }
        extra = {"label": None if self.gold is None else list(self.gold), "input": self.curated}
        record |= {name: value for name, value in extra.items() if value}
        record |= {"error": self.message} if self.message else {}
        path.write_text(json.dumps(record) + "\n")
        return path

    def _messages(self) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = [{"role": "user", "content": self.question}]
        for step, turn in enumerate(self.turns, 1):
            calls = [
                {
                    "id": call.id or f"toolu_{step}_{n}",
                    "type": "function",
                    "function": {
                        "name": call.name,
                        "arguments": call.arguments
                        if isinstance(call.arguments, str)
                        else json.dumps(call.arguments),
                    },
                }
                for n, call in enumerate(turn.calls, 1)
            ]
            said = {"role": "assistant", "content": turn.text, "tool_calls": calls or None}
            messages.append(said | ({"reasoning_content": turn.reasoning} if turn.reasoning else {}))
            messages += (
                {"role": "tool", "tool_call_id": asked["id"], "content": call.text}
                for asked, call in zip(calls, turn.calls, strict=True)
                if call.text is not None
            )
        return messages


def padded(*rows: tuple[str, ...]) -> str:
    """A table as pandas' `to_string(index=False)` writes it."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return "\n".join(
        " ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows
    )


DRUGS = padded(
    ("drug", "starttime", "route"),
    ("Furosemide", "2150-03-02 08:00:00", "IV"),
    ("Heparin", "2150-03-02 09:00:00", "SC"),
)
LISTING = "Loading EHR Tables:\n - Loading 'prescriptions' with 2 rows.\n - Loading 'labevents' with 9 rows."


@dataclass(frozen=True)
class Makers:
    """The parts that recordings are made of."""

    def call(self, name: str, text: str | None, status: str = "ok", **arguments: Any) -> MadeCall:
        return MadeCall(name, arguments, text, status)

    def load(self) -> MadeTurn:
        opened = self.call(
            "ehr.load_ehr", LISTING, subject_id=str(SUBJECT), timestamp=f"{CUTOFF:%Y-%m-%d %H:%M:%S}"
        )
        return MadeTurn("I open the record.", [opened])

    def read(
        self, text: str = DRUGS, table: str = "prescriptions", status: str = "ok", **more: Any
    ) -> MadeCall:
        span = {"start_time": "2150-01-01 00:00:00", "end_time": "2150-03-03 00:00:00"} | more
        return self.call(
            "ehr.get_records_by_time", text, status, subject_id=str(SUBJECT), table_name=table, **span
        )

    def keyword(
        self, word: str, text: str | None = None, table: str = "labevents", status: str = ""
    ) -> MadeCall:
        nothing = f"No records found in table '{table}' containing the keyword '{word}'."
        return self.call(
            "ehr.get_records_by_keyword",
            nothing if text is None else text,
            status or ("empty" if text is None else "ok"),
            subject_id=str(SUBJECT),
            table_name=table,
            keyword=word,
        )

    def sql(self, query: str, text: str, status: str = "ok") -> MadeCall:
        return self.call("ehr.run_sql_query", text, status, subject_id=str(SUBJECT), sql_query=query)

    def finish(self, *answer: str, text: str = "That is my answer.") -> MadeTurn:
        return MadeTurn(text, [self.call("ehr.finish", "Finish", response=list(answer))])

    def run(
        self, *middle: MadeTurn, answer: tuple[str, ...] = ("Furosemide", "Heparin"), **more: Any
    ) -> MadeRun:
        """A run that opens the record, reads the drugs, does `middle`, and answers."""
        turns = [self.load(), MadeTurn("I read the drugs.", [self.read()]), *middle, self.finish(*answer)]
        return MadeRun(turns, answer=answer, **more)

    def turn(self, text: str = "", *calls: MadeCall, **more: Any) -> MadeTurn:
        return MadeTurn(text, list(calls), **more)

    def bare(self, *turns: MadeTurn, **more: Any) -> MadeRun:
        """A run of exactly these turns."""
        return MadeRun(list(turns), **more)

    padded = staticmethod(padded)
    drugs = DRUGS
    listing = LISTING
    forms = FORMS


ReadBack = Callable[[MadeRun, Form], Trajectory]


@pytest.fixture(scope="session")
def make() -> Makers:
    return Makers()


@pytest.fixture(scope="session")
def read_back(tmp_path_factory: pytest.TempPathFactory) -> ReadBack:
    """Writes a run in a form and opens it as `triage` does."""
    folder = tmp_path_factory.mktemp("recordings")

    def opened(made: MadeRun, form: Form) -> Trajectory:
        return open_recordings([made.write(form, folder)]).run(0)

    return opened
