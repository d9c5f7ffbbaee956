"""A chat in OpenAI's or Anthropic's shape that is large is the run that it is when read whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from clinseek_replay.index import LazySteps
from clinseek_replay.readers import json_records
from clinseek_replay.recordings import open_recordings
from clinseek_replay.trajectory import Trajectory

STEPS = 40
LONG = "a row of the record, " * 400


def openai(step: int) -> list[dict[str, Any]]:
    call = {
        "id": f"c{step % 30}",
        "function": {"name": "ehr_run_sql_query", "arguments": {"sql_query": f"{step}"}},
    }
    return [
        {"role": "assistant", "content": f"Look {step}.", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": call["id"], "content": f"{step} {LONG}"},
    ]


def anthropic(step: int) -> list[dict[str, Any]]:
    use = {"type": "tool_use", "id": f"t{step}", "name": "ehr_think", "input": {"response": f"{step}"}}
    result = {
        "type": "tool_result",
        "tool_use_id": use["id"],
        "content": f"{step} {LONG}",
        "is_error": step % 2 == 0,
    }
    return [
        {"role": "assistant", "content": [{"type": "text", "text": f"Look {step}."}, use]},
        {"role": "user", "content": [result, {"type": "text", "text": "Go on."}]},
    ]


SHAPES = {"openai-chat": openai, "anthropic-messages": anthropic}


def whole(run: Trajectory) -> Trajectory:
    return msgspec.structs.replace(run, steps=tuple(run.steps))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("indent", [None, 1])
def test_it_reads_a_step_when_it_is_looked_at_and_the_same_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: str, indent: int | None
) -> None:
    asked = [{"role": "user", "content": "What next?"}]
    messages = [message for step in range(STEPS) for message in SHAPES[shape](step)]
    path = tmp_path / "chat.json"
    path.write_text(json.dumps({"system": "You seek.", "messages": asked + messages}, indent=indent))
    recordings = open_recordings([path])
    assert recordings.read_as[0].startswith(f"{path}: read as {shape}")
    lazy = recordings.run(0)
    assert isinstance(lazy.steps, LazySteps)
    monkeypatch.setattr(json_records, "LARGE_BYTES", 2**40)
    eager = open_recordings([path]).run(0)
    assert not isinstance(eager.steps, LazySteps)
    assert len(lazy.steps) == STEPS
    assert whole(lazy) == whole(eager)
