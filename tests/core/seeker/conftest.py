"""The seeker in conversation with the real tools, on the bundled patients and on small trees."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from clinseek_core.agent import answer_call, opening
from clinseek_core.case import Case, Policy
from clinseek_core.ehr.visible import open_snapshot
from clinseek_core.mimic import table
from clinseek_core.models import (
    AssistantMessage,
    Conversation,
    Reply,
    SystemMessage,
    ToolMessage,
    UserMessage,
)
from clinseek_core.seeker.model import Seeker
from clinseek_core.tools import Toolbox, ToolSpec
from clinseek_core.tools.ehr import EhrTools
from clinseek_core.tools.ehr_specs import EHR_TOOLS
from clinseek_fixtures import bundled_cases, world_store_path

Rows = list[dict[str, Any]]

SUBJECT = 90000001
MAX_TURNS = 60


class Going:
    """A run that nobody stops."""

    stopped = False

    def wait(self, seconds: float) -> bool:
        return False

    def calling(self, callback: Callable[[], None]) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()


class Run(msgspec.Struct):
    """A finished conversation, and its replies with the messages that each was given."""

    messages: Conversation
    replies: list[tuple[Conversation, Reply]]

    @property
    def answer(self) -> list[str]:
        call = self.replies[-1][1].calls[-1]
        assert call.name == "ehr.finish"
        return call.arguments["response"]

    @property
    def thoughts(self) -> list[str]:
        calls = [call for _, reply in self.replies for call in reply.calls if call.name == "ehr.think"]
        return [call.arguments["response"] for call in calls]

    @property
    def names(self) -> list[str]:
        return [call.name for _, reply in self.replies for call in reply.calls]

    @property
    def queries(self) -> list[str]:
        calls = [call for _, reply in self.replies for call in reply.calls]
        return [call.arguments["sql_query"] for call in calls if call.name == "ehr.run_sql_query"]

    @property
    def errors(self) -> list[str]:
        texts = [message.text for message in self.messages if isinstance(message, ToolMessage)]
        return [text for text in texts if text.startswith("Error")]


def ask(messages: Conversation, specs: tuple[ToolSpec, ...] = EHR_TOOLS) -> Reply:
    return Seeker().reply(messages, specs, on_progress=lambda _: None, cancelled=Going())


def prompt(case: Case, specs: tuple[ToolSpec, ...] = EHR_TOOLS) -> Conversation:
    system, user = opening(case, specs, ())
    return SystemMessage(system.content), UserMessage(user.content)


def converse(case: Case, toolbox: Toolbox) -> Run:
    """Let the seeker and the tools talk until it finishes."""
    messages, replies = prompt(case, toolbox.specs), []
    for _ in range(MAX_TURNS):
        reply = ask(messages, toolbox.specs)
        replies.append((messages, reply))
        messages += (AssistantMessage(reply.text, reply.reasoning, reply.calls),)
        for call in reply.calls:
            messages += (ToolMessage(call.id, call.name, answer_call(call, toolbox).text),)
            if call.name == "ehr.finish":
                return Run(messages, replies)
    raise AssertionError(f"no answer within {MAX_TURNS} turns")


@cache
def tools_of(subject_id: int, cutoff: datetime, root: Path | None = None) -> EhrTools:
    return EhrTools(open_snapshot(root or world_store_path(), subject_id, cutoff, Policy()))


class Seeking:
    """What the tests do with the seeker."""

    cases = bundled_cases()
    ask = staticmethod(ask)
    prompt = staticmethod(prompt)
    converse = staticmethod(converse)
    tools_of = staticmethod(tools_of)

    @cache  # noqa: B019 - one object for all tests
    def run(self, case: Case) -> Run:
        """A finished run of a bundled case or of another one about a bundled patient."""
        return converse(case, tools_of(case.subject_id, case.prediction_time))


_SEEKING = Seeking()


@pytest.fixture(scope="session")
def seeking() -> Seeking:
    return _SEEKING


@pytest.fixture(scope="session")
def seek_in(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Run]:
    """Ask about the patient of a small tree that holds the given tables; the same tables are one tree."""
    opened: dict[str, EhrTools] = {}

    def seek(question: str, *candidates: str, now: str = "2150-03-03 12:00:00", **rows: Rows) -> Run:
        cutoff = datetime.fromisoformat(now)
        key = repr((now, rows))
        if key not in opened:
            root = _write(tmp_path_factory.mktemp("tree"), rows)
            opened[key] = EhrTools(open_snapshot(root, SUBJECT, cutoff, Policy()))
        case = Case(
            qid="q",
            subject_id=SUBJECT,
            prediction_time=cutoff,
            question=question,
            candidates=candidates,
        )
        return converse(case, opened[key])

    return seek


def _write(root: Path, tables: dict[str, Rows]) -> Path:
    tables = {"patients": [{"gender": "F", "anchor_age": 70, "anchor_year": 2150}]} | tables
    for name, lines in tables.items():
        info = table(name)
        (root / info.module).mkdir(exist_ok=True)
        with (root / info.module / f"{info.file}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, [column.name for column in info.columns], restval="")
            writer.writeheader()
            subject = {"subject_id": SUBJECT} if info.kind == "patient" else {}
            writer.writerows([subject | line for line in lines])
    return root
