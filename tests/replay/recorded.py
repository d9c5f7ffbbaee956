"""One made-up run, and small writers that record it in every format that `replay` opens.

`RUN` is told once, in the shapes below. `FORMATS` has a row for each way to record it: the reader that has to
know the file, the writer, and what the format can't carry (`lacks`, words of `Lack`). `canonical(trajectory)`
is a run as it was read; `expected(lacks)` is what `RUN` has to read as, without what is lacking.

Other tests may use it where they need a recording of some format:

    path = FORMATS["atif"].write(tmp_path / "run.json", RUN)
    trajectory = open_recordings([path]).run(0)

Nothing here is of a real patient.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from recorded_zips import eval_archive

from clinseek_core.case import Case, Policy
from clinseek_core.journal import (
    CallRequest,
    DataInfo,
    End,
    JournalWriter,
    Limits,
    Message,
    ModelInfo,
    Observation,
    Prompt,
    ToolsInfo,
    Turn,
)
from clinseek_replay.trajectory import Trajectory

Lack = Literal["qid", "gold", "system", "reasoning", "types", "one call", "text", "prompt"]
"""What a format has no place for. `types`: arguments are text; `one call`: a turn makes one call; `text`:
turns say nothing beside their calls; `prompt`: the messages before the first turn are not kept."""


@dataclass(frozen=True)
class RecordedCall:
    """A call and what it gave back."""

    name: str
    arguments: dict[str, Any]
    result: str


@dataclass(frozen=True)
class RecordedTurn:
    """A turn of the model."""

    text: str = ""
    reasoning: str = ""
    calls: tuple[RecordedCall, ...] = ()


@dataclass(frozen=True)
class RecordedRun:
    """A run of an agent that searches a patient's record and answers."""

    qid: str
    system: str
    question: str
    gold: tuple[str, ...]
    turns: tuple[RecordedTurn, ...]
    began: datetime = field(default=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))

    @property
    def answer(self) -> tuple[str, ...]:
        return tuple(self.turns[-1].calls[-1].arguments["response"])


TABLE = """\
charttime            label       value
2150-03-03 05:00:00  Creatinine    1.9
2150-03-03 05:30:00  Potassium     5.1"""

SQL = "SELECT * FROM labevents\nWHERE value < '3' AND label <> 'x]})' -- \"</b>\" é"

RUN = RecordedRun(
    qid="made-up-7",
    system="You search a record.\nAnswer with ehr.finish.",
    question="Which medication comes next for patient 90000001? The cutoff is 2150-03-03 06:00:01.",
    gold=("Furosemide", "Aspirin"),
    turns=(
        RecordedTurn(
            text="First I open the record.",
            reasoning="The tools need it.\nSo: load.",
            calls=(
                RecordedCall(
                    "ehr.load_ehr",
                    {"subject_id": "90000001", "timestamp": "2150-03-03 06:00:01"},
                    "Loading EHR Tables:\n - Loading 'labevents' with 2 rows.",
                ),
            ),
        ),
        RecordedTurn(
            text="Two looks at once.",
            reasoning="Labs > drugs?",
            calls=(
                RecordedCall(
                    "ehr.run_sql_query",
                    {
                        "subject_id": "90000001",
                        "sql_query": SQL,
                    },
                    TABLE,
                ),
                RecordedCall(
                    "ehr.get_records_by_keyword",
                    {"subject_id": "90000001", "table_name": "emar", "keyword": "furo"},
                    "No records found in table 'emar' containing the keyword 'furo'.",
                ),
            ),
        ),
        RecordedTurn(
            reasoning="Nothing given yet [so far].",
            calls=(
                RecordedCall(
                    "browser.search", {"query": "loop diuretic {dose} (mg)"}, "[0] Search\nL0: 3 < 5"
                ),
            ),
        ),
        RecordedTurn(
            text="That is enough.",
            reasoning="Done.",
            calls=(RecordedCall("ehr.finish", {"response": ["Furosemide", "Aspirin (low]"]}, "Finish"),),
        ),
    ),
)


def canonical(trajectory: Trajectory) -> dict[str, Any]:
    """What was read, as far as formats are meant to agree on it."""
    return {
        "qid": trajectory.qid,
        "gold": trajectory.gold,
        "prompt": trajectory.prompt,
        "answer": trajectory.answer,
        "steps": [
            (
                step.text,
                step.reasoning,
                [(call.name, call.arguments, call.result and call.result.text) for call in step.calls],
            )
            for step in trajectory.steps
        ],
    }


def expected(lacks: tuple[Lack, ...] = (), run: RecordedRun = RUN) -> dict[str, Any]:
    """What `canonical` has to be for a format that lacks these things."""
    turns = run.turns if "one call" not in lacks else tuple(_single(run.turns))
    system = () if "system" in lacks else (("system", run.system),)
    return {
        "qid": "" if "qid" in lacks else run.qid,
        "gold": None if "gold" in lacks else run.gold,
        "prompt": () if "prompt" in lacks else (*system, ("user", run.question)),
        "answer": run.answer,
        "steps": [
            (
                "" if "text" in lacks else turn.text,
                "" if "reasoning" in lacks else turn.reasoning,
                [
                    (call.name, _as_text(call.arguments) if "types" in lacks else call.arguments, call.result)
                    for call in turn.calls
                ],
            )
            for turn in turns
        ],
    }


def _single(turns: tuple[RecordedTurn, ...]) -> list[RecordedTurn]:
    """The same calls with one a turn: what is said stands with the first."""
    single = []
    for turn in turns:
        first, *others = turn.calls
        single += [replace(turn, calls=(first,)), *(RecordedTurn(calls=(call,)) for call in others)]
    return single


def _as_text(arguments: dict[str, Any]) -> dict[str, str]:
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in arguments.items()}


def _moment(run: RecordedRun, turn: int) -> str:
    return (run.began + timedelta(seconds=10 * turn)).isoformat()


def _ids(turn: int, calls: int) -> list[str]:
    return [f"call_{turn}_{number}" for number in range(calls)]


def openai_messages(run: RecordedRun, *, text_arguments: bool = True) -> list[dict[str, Any]]:
    """The run as messages of OpenAI's chat API, with `reasoning_content`."""
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": run.system},
        {"role": "user", "content": run.question},
    ]
    for number, turn in enumerate(run.turns):
        ids = _ids(number, len(turn.calls))
        calls = [
            {
                "id": id_,
                "type": "function",
                "function": {
                    "name": call.name,
                    "arguments": json.dumps(call.arguments) if text_arguments else call.arguments,
                },
            }
            for id_, call in zip(ids, turn.calls, strict=True)
        ]
        message = {"role": "assistant", "content": turn.text, "tool_calls": calls}
        messages.append(message | {"reasoning_content": turn.reasoning})
        messages += (
            {"role": "tool", "tool_call_id": id_, "content": call.result}
            for id_, call in zip(ids, turn.calls, strict=True)
        )
    return messages


def results_record(run: RecordedRun) -> dict[str, Any]:
    """The run as the reference implementation's driver records it."""
    return {
        "qid": run.qid,
        "run_index": 1,
        "session_id": f"{run.qid}__q_0__run_1",
        "question": run.question,
        "messages": openai_messages(run),
        "status": "success",
        "stop_reason": "finish_tool_call",
        "label": list(run.gold),
    }


def _write(path: Path, value: Any, indent: int | None = None) -> Path:
    path.write_text(json.dumps(value, indent=indent, ensure_ascii=False) + "\n")
    return path


def _lines(path: Path, values: list[Any]) -> Path:
    path.write_text("".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values))
    return path


def write_journal(path: Path, run: RecordedRun) -> Path:
    case = Case(
        qid=run.qid,
        subject_id=90000001,
        prediction_time=datetime(2150, 3, 3, 6, 0, 1),
        question=run.question,
        gold=run.gold,
    )
    with JournalWriter.create(
        path,
        case=case,
        policy=Policy(),
        model=ModelInfo(name="made up", kind="chat"),
        limits=Limits(),
        tools=ToolsInfo(names=("ehr.finish",), digest="0" * 64),
        data=DataInfo(source="bundled", digest="0" * 64),
    ) as journal:
        prompt = (Message(role="system", content=run.system), Message(role="user", content=run.question))
        journal.append(Prompt, messages=prompt)
        for number, turn in enumerate(run.turns, 1):
            ids = _ids(number, len(turn.calls))
            calls = tuple(
                CallRequest(id=id_, name=call.name, arguments=call.arguments)
                for id_, call in zip(ids, turn.calls, strict=True)
            )
            journal.append(Turn, step=number, text=turn.text, reasoning=turn.reasoning, calls=calls)
            for position, (id_, call) in enumerate(zip(ids, turn.calls, strict=True), 1):
                journal.append(
                    Observation,
                    step=number,
                    call=position,
                    tool_call_id=id_,
                    name=call.name,
                    status="ok",
                    text=call.result,
                    ms=1.0,
                )
        journal.append(End, status="answered", stop_reason="finish", answer=run.answer)
    return path


def write_results(path: Path, run: RecordedRun) -> Path:
    return _lines(path, [results_record(run)])


def write_results_list(path: Path, run: RecordedRun) -> Path:
    return _write(path, [results_record(run)], indent=2)


def write_openai(path: Path, run: RecordedRun) -> Path:
    return _write(path, {"messages": openai_messages(run), "tools": [{"type": "function"}]}, indent=1)


def write_openai_list(path: Path, run: RecordedRun) -> Path:
    return _write(path, openai_messages(run, text_arguments=False), indent=1)


def write_openai_legacy(path: Path, run: RecordedRun) -> Path:
    """With `function_call`, which asks for one call a turn."""
    messages = openai_messages(replace(run, turns=tuple(_single(run.turns))))
    for message in messages:
        calls = message.pop("tool_calls", None)
        if calls:
            message |= {"function_call": calls[0]["function"], "content": message["content"] or None}
        if message["role"] == "tool":
            message |= {"role": "function", "name": "x"}
            del message["tool_call_id"]
    return _lines(path, [{"messages": messages}])


def write_anthropic(path: Path, run: RecordedRun) -> Path:
    messages: list[dict[str, Any]] = [{"role": "user", "content": run.question}]
    for number, turn in enumerate(run.turns):
        ids = _ids(number, len(turn.calls))
        pairs = list(zip(ids, turn.calls, strict=True))
        blocks = [{"type": "thinking", "thinking": turn.reasoning, "signature": "x"}]
        blocks += [{"type": "text", "text": turn.text}] if turn.text else []
        blocks += [{"type": "tool_use", "id": id_, "name": c.name, "input": c.arguments} for id_, c in pairs]
        results = [
            {"type": "tool_result", "tool_use_id": id_, "content": [{"type": "text", "text": c.result}]}
            for id_, c in pairs
        ]
        messages += [{"role": "assistant", "content": blocks}, {"role": "user", "content": results}]
    return _write(path, {"model": "made up", "system": run.system, "messages": messages}, indent=2)


def write_claude_code(path: Path, run: RecordedRun) -> Path:
    """A line for each block, a turn that was taken back, and a side-chain."""
    lines: list[dict[str, Any]] = [{"type": "summary", "summary": "made up", "leafUuid": "u0"}]
    parent: str | None = None
    number = 0

    def add(type_: str, message: dict[str, Any], **more: Any) -> str:
        nonlocal parent, number
        number += 1
        base = {
            "parentUuid": parent,
            "isSidechain": False,
            "sessionId": "s",
            "uuid": f"u{number}",
            "type": type_,
        }
        lines.append(base | {"message": message, "timestamp": _moment(run, number)} | more)
        parent = f"u{number}"
        return parent

    asked = add("user", {"role": "user", "content": run.question})
    add("assistant", {"id": "m-left", "role": "assistant", "content": [{"type": "text", "text": "Left."}]})
    parent = asked
    for turn_number, turn in enumerate(run.turns):
        ids = _ids(turn_number, len(turn.calls))
        pairs = list(zip(ids, turn.calls, strict=True))
        blocks = [{"type": "thinking", "thinking": turn.reasoning}]
        blocks += [{"type": "text", "text": turn.text}] if turn.text else []
        blocks += [{"type": "tool_use", "id": id_, "name": c.name, "input": c.arguments} for id_, c in pairs]
        for block in blocks:
            message = {"id": f"m{turn_number}", "role": "assistant", "content": [block], "model": "made up"}
            add("assistant", message)
        for id_, call in pairs:
            result = {"type": "tool_result", "tool_use_id": id_, "content": call.result}
            add("user", {"role": "user", "content": [result]})
    after, parent = parent, None
    side = {"isSidechain": True}
    add("user", {"role": "user", "content": "Help."}, **side)
    add("assistant", {"id": "m-side", "role": "assistant", "content": "Helped."}, **side)
    parent = after
    return _lines(path, lines)


def write_responses(path: Path, run: RecordedRun) -> Path:
    asked = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": run.question}]}]
    items = asked + _response_items(run)
    return _write(path, {"instructions": run.system, "input": items, "output": []}, indent=1)


def write_response_lines(path: Path, run: RecordedRun) -> Path:
    """As Codex writes its sessions."""
    items = [
        {"type": "message", "role": "system", "content": [{"type": "input_text", "text": run.system}]},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": run.question}]},
        *_response_items(run),
    ]
    meta = {"timestamp": _moment(run, 0), "type": "session_meta", "payload": {"id": "s1"}}
    wrapped = [{"timestamp": _moment(run, 1), "type": "response_item", "payload": item} for item in items]
    return _lines(path, [meta, *wrapped])


def _response_items(run: RecordedRun) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    for number, turn in enumerate(run.turns):
        pairs = list(zip(_ids(number, len(turn.calls)), turn.calls, strict=True))
        summary = [{"type": "summary_text", "text": turn.reasoning}]
        items.append({"type": "reasoning", "summary": summary, "encrypted_content": "gAAA"})
        if turn.text:
            content = [{"type": "output_text", "text": turn.text}]
            items.append({"type": "message", "role": "assistant", "content": content})
        items += (
            {"type": "function_call", "call_id": id_, "name": c.name, "arguments": json.dumps(c.arguments)}
            for id_, c in pairs
        )
        items += ({"type": "function_call_output", "call_id": id_, "output": c.result} for id_, c in pairs)
    return items


def sharegpt_turns(run: RecordedRun) -> list[dict[str, Any]]:
    turns: list[dict[str, Any]] = [{"from": "human", "value": run.question}]
    for turn in run.turns:
        thought = f"<think>\n{turn.reasoning}\n</think>\n\n{turn.text}"
        calls = [{"name": call.name, "arguments": call.arguments} for call in turn.calls]
        asked = json.dumps(calls if len(calls) > 1 else calls[0])
        turns += [{"from": "gpt", "value": thought}, {"from": "function_call", "value": asked}]
        turns += ({"from": "observation", "value": call.result} for call in turn.calls)
    return turns


def write_sharegpt(path: Path, run: RecordedRun) -> Path:
    return _write(path, [{"system": run.system, "conversations": sharegpt_turns(run)}], indent=2)


def atif_document(run: RecordedRun, version: str = "ATIF-v1.6") -> dict[str, Any]:
    steps: list[dict[str, Any]] = [
        {"source": "system", "message": run.system},
        {"source": "user", "message": run.question},
    ]
    for number, turn in enumerate(run.turns):
        pairs = list(zip(_ids(number, len(turn.calls)), turn.calls, strict=True))
        step = {
            "source": "agent",
            "timestamp": _moment(run, number),
            "message": turn.text,
            "reasoning_content": turn.reasoning,
            "tool_calls": [
                {"tool_call_id": id_, "function_name": c.name, "arguments": c.arguments} for id_, c in pairs
            ],
            "observation": {"results": [{"source_call_id": id_, "content": c.result} for id_, c in pairs]},
            "metrics": {"prompt_tokens": 10, "completion_tokens": 5},
        }
        steps.append(step)
    return {
        "schema_version": version,
        "session_id": "s1",
        "agent": {"name": "made up", "version": "1", "model_name": "made up"},
        "steps": [{"step_id": number, **step} for number, step in enumerate(steps, 1)],
    }


def write_atif(path: Path, run: RecordedRun) -> Path:
    return _write(path, atif_document(run), indent=2)


def write_atif_bare(path: Path, run: RecordedRun) -> Path:
    """On one line, with the version as some write it and a field that the schema forbids."""
    return _write(path, atif_document(run, "1.4") | {"invented": True})


def inspect_sample(run: RecordedRun) -> dict[str, Any]:
    """The run as a sample of an Inspect log, as it is without pools and attachments."""
    messages: list[dict[str, Any]] = [
        {"id": "m0", "role": "system", "content": run.system},
        {"id": "m1", "role": "user", "content": run.question, "source": "input"},
    ]
    events: list[dict[str, Any]] = [{"event": "sample_init", "timestamp": _moment(run, 0)}]
    for number, turn in enumerate(run.turns):
        pairs = list(zip(_ids(number, len(turn.calls)), turn.calls, strict=True))
        content = [{"type": "reasoning", "reasoning": turn.reasoning}]
        content += [{"type": "text", "text": turn.text}] if turn.text else []
        calls = [
            {"id": id_, "function": c.name, "arguments": c.arguments, "type": "function"} for id_, c in pairs
        ]
        message = {"id": f"a{number}", "role": "assistant", "content": content, "tool_calls": calls}
        choice = {"message": message, "stop_reason": "tool_calls"}
        usage = {"input_tokens": 10, "output_tokens": 5}
        output = {"model": "made up", "choices": [choice], "usage": usage, "time": 1.5}
        events.append(
            {
                "event": "model",
                "timestamp": _moment(run, number),
                "completed": _moment(run, number + 1),
                "input": list(messages),
                "output": output,
            }
        )
        messages.append(message)
        for id_, call in pairs:
            message_id = f"t{id_}"
            result = {"id": message_id, "role": "tool", "tool_call_id": id_, "function": call.name}
            messages.append(result | {"content": call.result})
            events.append(
                {
                    "event": "tool",
                    "id": id_,
                    "function": call.name,
                    "arguments": call.arguments,
                    "result": call.result,
                    "message_id": message_id,
                    "timestamp": _moment(run, number),
                    "working_time": 0.25,
                }
            )
    return {
        "id": run.qid,
        "epoch": 1,
        "input": run.question,
        "target": list(run.gold),
        "messages": messages,
        "events": events,
        "attachments": {},
    }


INSPECT_HEADER = {
    "version": 2,
    "status": "success",
    "eval": {"task": "made-up", "model": "made up"},
    "plan": {"steps": []},
}


def condensed(sample: dict[str, Any]) -> dict[str, Any]:
    """The sample as newer versions write it: the events' messages in a pool, long text put aside."""
    sample = copy.deepcopy(sample)
    pool = sample["messages"]
    for event in sample["events"]:
        if event["event"] == "model":
            event |= {"input": [], "input_refs": [[0, len(event["input"])]]}
    text = pool[0]["content"]
    pool[0]["content"] = "attachment://0a0a"
    sample["attachments"] = {"0a0a": text}
    sample["events_data"] = {"messages": pool, "calls": []}
    return sample


def chunks(sample: dict[str, Any], size: int = 3) -> dict[str, Any]:
    """The members of an archive that hold the sample in chunks of `size` items."""
    sample = condensed(sample)
    text = json.dumps(sample["messages"]).replace("attachment://0a0a", "attachment://0")
    sequences = {
        "messages": json.loads(text),
        "events": sample["events"],
        "attachments": list(sample["attachments"].values()),
    }
    folder = f"samples/{sample['id']}_epoch_{sample['epoch']}"
    shell = {name: sample[name] for name in ("id", "epoch", "input", "target")}
    shell["message_refs"] = [[0, 2], [2, len(sequences["messages"])]]
    members: dict[str, Any] = {f"{folder}/sample.json": shell, f"{folder}/skeleton.json": {}}
    for name, listed in sequences.items():
        for start in range(0, len(listed), size):
            members[f"{folder}/{name}/{start}.json"] = listed[start : start + size]
    members[f"{folder}/events/stats.json"] = {}
    return members


def write_eval(path: Path, run: RecordedRun) -> Path:
    sample = condensed(inspect_sample(run))
    return eval_archive(path, {f"samples/{run.qid}_epoch_1.json": sample, "header.json": INSPECT_HEADER})


def write_eval_chunked(path: Path, run: RecordedRun) -> Path:
    return eval_archive(path, {"header.json": INSPECT_HEADER, **chunks(inspect_sample(run))})


def write_eval_crashed(path: Path, run: RecordedRun) -> Path:
    """Broken off: no header, and a sample whose conversation was not written."""
    sample = inspect_sample(run) | {"messages": []}
    return eval_archive(
        path, {"_journal/start.json": INSPECT_HEADER, f"samples/{run.qid}_epoch_1.json": sample}, method=8
    )


def write_inspect_json(path: Path, run: RecordedRun) -> Path:
    log = INSPECT_HEADER | {"samples": [inspect_sample(run)], "stats": {"x": float("nan")}}
    return _write(path, log, indent=2)


def write_inspect_old(path: Path, run: RecordedRun) -> Path:
    """As first versions wrote it: `transcript` and `score`."""
    sample = inspect_sample(run)
    sample["transcript"] = {"events": sample.pop("events"), "content": {}}
    sample["score"] = {"value": float("inf")}
    return _write(path, INSPECT_HEADER | {"version": 1, "samples": [sample]})


def _xml(turn: RecordedTurn) -> str:
    parts = [f"<think>\n{turn.reasoning}\n</think>\n\n{turn.text}"]
    for call in turn.calls:
        parameters = "".join(
            f"<parameter={name}>\n{value}\n</parameter>\n" for name, value in _as_text(call.arguments).items()
        )
        parts.append(f"<tool_call>\n<function={call.name}>\n{parameters}</function>\n</tool_call>")
    return "\n".join(parts)


def _json_in_tags(turn: RecordedTurn) -> str:
    calls = [json.dumps({"name": call.name, "arguments": call.arguments}) for call in turn.calls]
    parts = [f"<tool_call>\n{call}\n</tool_call>" for call in calls]
    return "\n".join([f"<think>\n{turn.reasoning}\n</think>\n\n{turn.text}", *parts])


def _bracket(turn: RecordedTurn) -> str:
    parts = [f"[Tool Call: {call.name}({json.dumps(call.arguments)})]" for call in turn.calls]
    return "\n".join([f"<think>\n{turn.reasoning}\n</think>\n\n{turn.text}", *parts])


def _inline(turn: RecordedTurn) -> str:
    parts = [f"<function={call.name}({json.dumps(call.arguments)})</function>" for call in turn.calls]
    return "\n".join([f"<think>\n{turn.reasoning}\n</think>\n\n{turn.text}", *parts])


def _naked(turn: RecordedTurn) -> str:
    return _xml(turn).replace("<tool_call>\n", "").replace("\n</tool_call>", "")


DIALECTS: dict[str, Callable[[RecordedTurn], str]] = {
    "xml": _xml,
    "json": _json_in_tags,
    "bracket": _bracket,
    "inline": _inline,
    "naked": _naked,
}


def _responses(turn: RecordedTurn) -> str:
    return "\n".join(f"<tool_response>\n{call.result}\n</tool_response>" for call in turn.calls)


def text_messages(run: RecordedRun, *dialects: str, as_responses: bool = True) -> list[dict[str, Any]]:
    """Messages whose calls are text, in these dialects by turns, and whose results are the user's."""
    messages = [{"role": "system", "content": run.system}, {"role": "user", "content": run.question}]
    for number, turn in enumerate(run.turns):
        write = DIALECTS[dialects[number % len(dialects)]]
        messages.append({"role": "assistant", "content": write(turn)})
        if as_responses:
            messages.append({"role": "user", "content": _responses(turn)})
        else:
            messages += ({"role": "user", "content": call.result} for call in turn.calls)
    return messages


def _im(messages: list[dict[str, Any]]) -> str:
    return "".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in messages)


def write_sft_text(path: Path, run: RecordedRun) -> Path:
    path.write_text(_im(text_messages(run, "xml")))
    return path


def write_sft_bare(path: Path, run: RecordedRun) -> Path:
    """Without turns' marks: only `<tool_response>` tells who speaks."""
    path.write_text("\n".join(f"{_json_in_tags(turn)}\n{_responses(turn)}" for turn in run.turns))
    return path


def write_sft_strings(path: Path, run: RecordedRun) -> Path:
    return _lines(path, [_im(text_messages(run, "json", "bracket", "inline"))])


def write_sft_record(path: Path, run: RecordedRun) -> Path:
    return _lines(path, [{"text": _im(text_messages(run, "naked")), "qid": run.qid}])


def write_chat_of_text(path: Path, run: RecordedRun) -> Path:
    """A chat whose model wrote its calls into its text, with results as plain turns of the user."""
    return _lines(path, [{"messages": text_messages(run, "bracket", as_responses=False)}])


def write_parquet(path: Path, run: RecordedRun) -> Path:
    """A nested column; the arguments of all tools have one type, with nulls."""
    return _parquet(path, {"messages": openai_messages(run, text_arguments=False), "qid": run.qid})


def write_parquet_sharegpt(path: Path, run: RecordedRun) -> Path:
    return _parquet(path, {"conversations": json.dumps(sharegpt_turns(run)), "system": run.system})


def _parquet(path: Path, record: dict[str, Any]) -> Path:
    import duckdb

    source = path.with_suffix(".rows.jsonl")
    source.write_text(json.dumps(record) + "\n")
    with duckdb.connect() as con:
        rows = con.read_json(str(source), format="newline_delimited", sample_size=-1)
        rows.write_parquet(str(path))
    source.unlink()
    return path


def write_trajectory_md(path: Path, run: RecordedRun) -> Path:
    parts = [
        f"# Agentic trajectory — made_up — qid `{run.qid}`\n",
        f"- gold label: {json.dumps(list(run.gold))}\n- total messages: 9\n- total tool calls: 5\n",
        "## Final answer\n\nFurosemide\n\n## Tool call trajectory\n",
    ]
    number, message = 0, 2
    for turn in run.turns:
        for call in turn.calls:
            number += 1
            arguments = json.dumps(call.arguments, indent=2, ensure_ascii=False)
            parts.append(
                f"### Call #{number} — `{call.name}` (msg {message})\n\n"
                f"**args:**\n```json\n{arguments}\n```\n\n"
                f"**tool result:**\n```\n{call.result}\n```\n"
            )
        message += 1 + len(turn.calls)
    path.write_text("\n".join(parts))
    return path


def write_tau2(path: Path, run: RecordedRun) -> Path:
    messages = []
    for given in openai_messages(run, text_arguments=False):
        message = given
        calls = [
            {"id": c["id"], **c["function"], "requestor": "assistant"}
            for c in message.get("tool_calls") or []
        ]
        if message["role"] == "tool":
            message = {
                "role": "tool",
                "id": message["tool_call_id"],
                "content": message["content"],
                "error": False,
            }
        elif calls:
            message = {**message, "tool_calls": calls}
        messages.append(message)
    simulation = {"id": "s1", "task_id": run.qid, "trial": 0, "termination_reason": "agent_stop"}
    return _write(
        path, {"info": {}, "tasks": [], "simulations": [simulation | {"messages": messages}]}, indent=2
    )


def write_agent_ehr(path: Path, run: RecordedRun) -> Path:
    steps = [
        {
            "step": number,
            "think": turn.reasoning or None,
            "action": call.name,
            "params": str(call.arguments),
            "observation": call.result,
        }
        for number, (turn, call) in enumerate((turn, turn.calls[0]) for turn in _single(run.turns))
    ]
    task = {"task": run.qid, "ground_truth": list(run.gold), "prediction_time": "2150-03-03 06:00:01"}
    return _write(
        path, [{"task_info": task, "run_index": 1, "execution_steps": steps, "prediction": []}], indent=4
    )


def write_openai_lines(path: Path, run: RecordedRun) -> Path:
    return _lines(path, openai_messages(run))


def otlp(run: RecordedRun) -> dict[str, Any]:
    """The run as OTLP with GenAI's attributes, content captured."""
    spans: list[dict[str, Any]] = []
    began = int(run.began.timestamp())

    def add(name: str, second: int, attributes: dict[str, Any]) -> None:
        value = {"key": "x", "value": {"intValue": "1"}}
        told = [{"key": key, "value": {"stringValue": text}} for key, text in attributes.items()]
        times = {
            "startTimeUnixNano": f"{began + second}000000000",
            "endTimeUnixNano": f"{began + second}500000000",
        }
        spans.append(
            {"traceId": "t1", "spanId": f"{len(spans)}", "name": name, **times, "attributes": [*told, value]}
        )

    asked = [{"role": "user", "parts": [{"type": "text", "content": run.question}]}]
    for number, turn in enumerate(run.turns):
        pairs = list(zip(_ids(number, len(turn.calls)), turn.calls, strict=True))
        parts = [{"type": "reasoning", "content": turn.reasoning}, {"type": "text", "content": turn.text}]
        parts += [
            {"type": "tool_call", "id": id_, "name": c.name, "arguments": c.arguments} for id_, c in pairs
        ]
        output = [{"role": "assistant", "parts": parts, "finish_reason": "tool_call"}]
        model = {
            "gen_ai.operation.name": "chat",
            "gen_ai.system_instructions": json.dumps([{"type": "text", "content": run.system}]),
            "gen_ai.input.messages": json.dumps(asked),
            "gen_ai.output.messages": json.dumps(output),
        }
        add("chat made up", 10 * number, model)
        for place, (id_, call) in enumerate(pairs, 1):
            told = {"gen_ai.tool.call.id": id_, "gen_ai.tool.call.result": call.result}
            add(
                f"execute_tool {call.name}",
                10 * number + place,
                {"gen_ai.operation.name": "execute_tool"} | told,
            )
    spans.reverse()
    return {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}


def write_otlp(path: Path, run: RecordedRun) -> Path:
    return _write(path, otlp(run), indent=1)


def write_openinference(path: Path, run: RecordedRun) -> Path:
    """A row a span, with flat attributes; all results but the last stand in the next model's input."""
    rows: list[dict[str, Any]] = []
    messages = openai_messages(run)
    for position, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        attributes = {"openinference.span.kind": "LLM", "llm.model_name": "made up"}
        attributes |= _openinference("llm.input_messages", messages[:position])
        attributes |= _openinference("llm.output_messages", [message])
        at = _moment(run, position)
        context = {"trace_id": "t1", "span_id": f"s{position}"}
        rows.append(
            {"name": "llm", "context": context, "start_time": at, "end_time": at, "attributes": attributes}
        )
    last = {
        "openinference.span.kind": "TOOL",
        "tool.name": "ehr.finish",
        "output.value": messages[-1]["content"],
    }
    at = _moment(run, len(messages))
    rows.append(
        {"name": "x", "context": {"trace_id": "t1"}, "start_time": at, "end_time": at, "attributes": last}
    )
    return _lines(path, rows)


def _openinference(beginning: str, messages: list[dict[str, Any]]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for number, message in enumerate(messages):
        key = f"{beginning}.{number}.message"
        told |= {f"{key}.role": message["role"], f"{key}.content": message["content"]}
        if "tool_call_id" in message:
            told[f"{key}.tool_call_id"] = message["tool_call_id"]
        for place, call in enumerate(message.get("tool_calls", ())):
            one = f"{key}.tool_calls.{place}.tool_call"
            told |= {f"{one}.id": call["id"], f"{one}.function.name": call["function"]["name"]}
            told[f"{one}.function.arguments"] = call["function"]["arguments"]
    return told


@dataclass(frozen=True)
class Format:
    """One way to record a run."""

    reader: str
    write: Callable[[Path, RecordedRun], Path]
    lacks: tuple[Lack, ...] = ()
    spans: bool = True
    """Whether steps have places in the file."""


FORMATS: dict[str, Format] = {
    "journal": Format("journal", write_journal),
    "results.jsonl": Format("results-jsonl", write_results),
    "results as a list": Format("results-jsonl", write_results_list),
    "OpenAI": Format("openai-chat", write_openai, ("qid", "gold")),
    "OpenAI, a line a message": Format("openai-chat", write_openai_lines, ("qid", "gold")),
    "OpenAI list": Format("openai-chat", write_openai_list, ("qid", "gold")),
    "OpenAI legacy": Format("openai-chat", write_openai_legacy, ("qid", "gold", "one call")),
    "OpenAI, calls as text": Format("openai-chat", write_chat_of_text, ("qid", "gold")),
    "Anthropic": Format("anthropic-messages", write_anthropic, ("qid", "gold")),
    "Claude Code": Format("claude-code", write_claude_code, ("qid", "gold", "system")),
    "Responses": Format("openai-responses", write_responses, ("qid", "gold")),
    "Responses, a line an item": Format("openai-responses", write_response_lines, ("qid", "gold")),
    "ShareGPT": Format("sharegpt", write_sharegpt, ("qid", "gold")),
    "ATIF": Format("atif", write_atif, ("qid", "gold")),
    "ATIF, bare version": Format("atif", write_atif_bare, ("qid", "gold")),
    "Inspect eval": Format("inspect-eval", write_eval, spans=False),
    "Inspect eval in chunks": Format("inspect-eval", write_eval_chunked, spans=False),
    "Inspect eval, crashed": Format("inspect-eval", write_eval_crashed, spans=False),
    "Inspect JSON": Format("inspect-json", write_inspect_json),
    "Inspect JSON, old": Format("inspect-json", write_inspect_old),
    "SFT text": Format("sft-text", write_sft_text, ("qid", "gold", "types")),
    "SFT text without turns": Format("sft-text", write_sft_bare, ("qid", "gold", "prompt")),
    "SFT strings": Format("sft-text", write_sft_strings, ("qid", "gold"), spans=False),
    "SFT records": Format("sft-text", write_sft_record, ("gold", "types"), spans=False),
    "Parquet": Format("parquet", write_parquet, ("gold",), spans=False),
    "Parquet of ShareGPT": Format("parquet", write_parquet_sharegpt, ("qid", "gold"), spans=False),
    "trajectory.md": Format("trajectory-md", write_trajectory_md, ("reasoning", "text", "prompt")),
    "tau2": Format("tau2", write_tau2, ("gold",)),
    "OTLP": Format("otel", write_otlp, ("qid", "gold"), spans=False),
    "OpenInference": Format("otel", write_openinference, ("qid", "gold", "reasoning"), spans=False),
    "AgentEHR": Format("agentehr", write_agent_ehr, ("one call", "text", "prompt")),
}
"""By a name for people."""
