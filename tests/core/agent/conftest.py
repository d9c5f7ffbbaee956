"""A small real toolbox, a scripted model, and journals to run them on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from clinseek_core.agent import Control
from clinseek_core.case import Case, Policy
from clinseek_core.journal import CallRequest, DataInfo, JournalWriter, Limits, ModelInfo, Table, ToolsInfo
from clinseek_core.models import AssistantMessage, Conversation, ModelProgress, Reply
from clinseek_core.tools import ToolResult, ToolSpec

RECORD = {
    "labevents": (("Lactate", "4.1"), ("Creatinine", "1.9")),
    "pyxis": (("Ceftriaxone", "1 g"),),
    "emar": (),
}


def spec(name: str, **properties: str) -> ToolSpec:
    schema: dict[str, Any] = {key: {"type": kind} for key, kind in properties.items()}
    parameters = {"type": "object", "properties": schema, "required": list(properties)}
    return ToolSpec(name=name, description="", parameters=parameters)


class Notebook:
    """A toolbox on RECORD, with one tool whose result is as long as asked."""

    specs = (
        spec("ehr.load_ehr", subject_id="integer"),
        spec("ehr.get_records", table_name="string"),
        spec("ehr.recite", characters="integer"),
        spec("ehr.finish", response="array"),
        spec("browser.search", query="string"),
    )

    def __init__(self) -> None:
        self.called: list[tuple[str, dict[str, Any]]] = []

    def call(self, name: str, arguments: dict[str, Any]) -> ToolResult:
        self.called.append((name, arguments))
        if name == "ehr.recite":
            text = "é" * arguments["characters"]
            return ToolResult(status="ok", text=text, table=Table(columns=("e",), rows=((text,),), total=1))
        if name != "ehr.get_records":
            return ToolResult(status="ok", text=f"{name}: done")
        rows = RECORD.get(arguments.get("table_name", ""))
        if rows is None:
            return ToolResult(status="error", text="Error: no such table")
        text = "\n".join(",".join(row) for row in rows) or "0 rows"
        table = Table(columns=("name", "value"), rows=rows, total=len(rows))
        return ToolResult(status="ok" if rows else "empty", text=text, table=table)


class Scripted:
    """A model whose n-th answer is fixed; a step of the script may be an exception to raise."""

    info = ModelInfo(name="scripted", kind="builtin")

    def __init__(self, *replies: Reply | BaseException) -> None:
        self.replies = replies
        self.conversations: list[Conversation] = []

    def reply(
        self,
        conversation: Conversation,
        tools: tuple[ToolSpec, ...],
        *,
        on_progress: Callable[[ModelProgress], None],
        cancelled: Control,
    ) -> Reply:
        self.conversations.append(conversation)
        answer = self.replies[sum(isinstance(message, AssistantMessage) for message in conversation)]
        if isinstance(answer, BaseException):
            raise answer
        return answer


def calling(*calls: tuple[str, dict[str, Any]], text: str = "", **fields: Any) -> Reply:
    requests = [
        CallRequest(id=f"id-{number}", name=name, arguments=arguments)
        for number, (name, arguments) in enumerate(calls)
    ]
    return Reply(text=text, calls=tuple(requests), **fields)


CASE = Case(
    qid="secret-qid",
    subject_id=90000001,
    prediction_time=datetime(2150, 3, 3, 6),
    question="Which drug comes next?",
    task="secret-task",
    candidates=("Piperacillin-Tazobactam", "Furosemide"),
    gold=("secret-gold",),
)


@pytest.fixture
def case() -> Case:
    return CASE


@pytest.fixture
def toolbox() -> Notebook:
    return Notebook()


@pytest.fixture
def scripted() -> type[Scripted]:
    return Scripted


@pytest.fixture
def call() -> Callable[..., Reply]:
    return calling


@pytest.fixture
def new_journal(tmp_path: Path) -> Any:
    """Makes a journal; all of them are closed at the end."""
    writers: list[JournalWriter] = []

    def new(name: str = "traj.jsonl", case: Case = CASE, **limits: int) -> JournalWriter:
        writer = JournalWriter.create(
            tmp_path / name,
            case=case,
            policy=Policy(),
            model=Scripted.info,
            limits=Limits(**limits),
            tools=ToolsInfo(names=tuple(spec.name for spec in Notebook.specs), digest="0" * 64),
            data=DataInfo(source="bundled", digest="0" * 64),
        )
        writers.append(writer)
        return writer

    yield new
    for writer in writers:
        writer.close()
