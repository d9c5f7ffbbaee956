"""However far a run with pages came before it was killed, it goes on with the same cursors."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from clinseek_core.agent import Control, fold, run
from clinseek_core.case import Case, Policy
from clinseek_core.errors import InputError
from clinseek_core.journal import (
    CallRequest,
    DataInfo,
    JournalWriter,
    Limits,
    ModelInfo,
    Observation,
    WebInfo,
)
from clinseek_core.models import AssistantMessage, Conversation, Reply
from clinseek_core.tools import Together, ToolResult, ToolSpec, tools_info
from clinseek_core.web.backends.offline import OfflineBackend
from clinseek_core.web.tools import BrowserTools

SCRIPT = (
    (("browser.search", {"query": "lactate"}), ("browser.open", {"id": 0})),
    (("browser.open", {"id": 7}), ("browser.find", {"pattern": "mmol"}), ("browser.open", {"id": 1})),
    (
        ("browser.open", {"cursor": 0, "id": 1}),
        ("browser.open", {"cursor": 1, "loc": 3}),
        ("browser.nothing", {}),
    ),
    (("browser.find", {"pattern": "nowhere"}), ("browser.open", {"id": 0, "num_lines": 400})),
    (("ehr.finish", {"response": ["done"]}),),
)


class Finish:
    specs = (
        ToolSpec(
            name="ehr.finish",
            description="",
            parameters={
                "type": "object",
                "properties": {"response": {"type": "array"}},
                "required": ["response"],
            },
        ),
    )

    def call(self, name: str, arguments: dict[str, Any]) -> ToolResult:
        return ToolResult(status="ok", text="Finished.")


class Scripted:
    info = ModelInfo(name="scripted", kind="builtin")

    def reply(self, conversation: Conversation, tools: object, **_: object) -> Reply:
        step = sum(isinstance(message, AssistantMessage) for message in conversation)
        calls = (
            CallRequest(id=f"{step}-{n}", name=name, arguments=arguments)
            for n, (name, arguments) in enumerate(SCRIPT[step])
        )
        return Reply(calls=tuple(calls))


@pytest.fixture
def toolbox(corpus_folder: Path):
    made: list[BrowserTools] = []

    def make() -> Together:
        made.append(BrowserTools(OfflineBackend(corpus_folder)))
        return Together(Finish(), made[-1])

    yield make
    for browser in made:
        browser.close()


def new_journal(path: Path, **limits: int) -> JournalWriter:
    return JournalWriter.create(
        path,
        case=Case(qid="q", subject_id=1, prediction_time=datetime(2150, 1, 1), question="?"),
        policy=Policy(),
        model=Scripted.info,
        limits=Limits(**limits),
        tools=tools_info(Finish.specs),
        data=DataInfo(source="bundled", digest=""),
        web=WebInfo(mode="offline", source="Three pages, 2026-01-15", digest="0"),
    )


def finished(path: Path, toolbox, **limits: int) -> JournalWriter:
    journal = new_journal(path, **limits)
    end = run(journal, Scripted(), toolbox(), Control())
    journal.close()
    assert (end.status, end.answer) == ("answered", ("done",))
    return journal


# A limit below a page's length: its text is cut for the model, and its whole lies beside the journal.
@pytest.mark.parametrize("limits", [{}, {"max_result_characters": 300}], ids=["whole", "cut"])
def test_a_run_that_was_killed_at_any_line_goes_on_alike(
    tmp_path: Path, toolbox, limits: dict[str, int]
) -> None:
    journal = finished(tmp_path / "traj.jsonl", toolbox, **limits)
    expected = fold(journal.events, journal.read_body).messages
    shown = [
        event.text[:3] for event in journal.events if isinstance(event, Observation) and event.status == "ok"
    ]
    assert shown == ["[0]", "[1]", "[2]", "[3]", "[4]", "[5]", "[6]", "Fin"]
    lines = journal.path.read_bytes().splitlines(keepends=True)
    for kept in range(1, len(lines) - 1):
        journal.path.write_bytes(b"".join(lines[:kept]))
        with JournalWriter.resume(journal.path) as again:
            assert run(again, Scripted(), toolbox(), Control()).status == "answered"
            assert fold(again.events, again.read_body).messages == expected, kept


def test_a_run_does_not_go_on_with_other_pages(tmp_path: Path, toolbox, corpus_folder: Path) -> None:
    journal = finished(tmp_path / "traj.jsonl", toolbox)
    lines = journal.path.read_bytes().splitlines(keepends=True)
    journal.path.write_bytes(b"".join(lines[:6]))
    page = corpus_folder / "lab/lactate.md"
    page.write_text(page.read_text().replace("usual at rest", "common at rest"))
    with (
        JournalWriter.resume(journal.path) as again,
        pytest.raises(InputError, match=r"s1\.c2: browser\.open"),
    ):
        run(again, Scripted(), toolbox(), Control())
