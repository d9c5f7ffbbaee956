"""A run as messages to learn from: the opening and the tools that `run` serves, then what the model did.

Three forms of the same: OpenAI's messages with tools, and one text in the turns of ChatML with calls as
`<tool_call>`, in XML or in JSON. What is trained is what is served: a model that learned on these messages is
asked by `run` with the same system prompt, the same tools and results in the same places.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from clinseek_core.agent.prompt import opening
from clinseek_core.case import Case
from clinseek_core.tools import ToolSpec
from clinseek_core.tools.ehr_specs import EHR_TOOLS
from clinseek_core.tools.image_specs import IMAGE_TOOLS
from clinseek_core.web.specs import BROWSER_TOOLS
from clinseek_replay.trajectory import Call, Step, Trajectory

__all__ = ["FORMS", "Form", "as_text", "definition", "messages_of", "spans_of_assistant", "tools_of"]

Form = Literal["messages", "xml", "json"]
FORMS: tuple[Form, ...] = ("messages", "xml", "json")

Message = dict[str, Any]

_KNOWN = {spec.name: spec for spec in (*EHR_TOOLS, *BROWSER_TOOLS, *IMAGE_TOOLS)}
_FAMILIES = {"browser": BROWSER_TOOLS, "image": IMAGE_TOOLS}
_USER_NOTES = frozenset({"nudge", "user"})
"""Notes that were messages to the model."""
_BEGIN, _END = "<|im_start|>", "<|im_end|>\n"


def tools_of(trajectory: Trajectory) -> tuple[ToolSpec, ...]:
    """The tools that the run had, as `run` offers them: by their names, else by the families it used."""
    if trajectory.tools:
        return tuple(_KNOWN[name] for name in trajectory.tools if name in _KNOWN)
    used = {call.name.partition(".")[0] for step in trajectory.steps for call in step.calls}
    return (*EHR_TOOLS, *(spec for family, specs in _FAMILIES.items() if family in used for spec in specs))


def messages_of(trajectory: Trajectory, steps: Sequence[Step], tools: Sequence[ToolSpec]) -> list[Message]:
    """OpenAI's messages, ending with the model's own finish; arguments are objects."""
    return [*_opening(trajectory, tools), *_conversation(steps)]


def _opening(trajectory: Trajectory, tools: Sequence[ToolSpec]) -> Iterator[Message]:
    """What our run opened with; for another system's run what ours would open with."""
    if trajectory.engine_version and trajectory.prompt:
        yield from ({"role": role, "content": text} for role, text in trajectory.prompt)
        return
    assert trajectory.subject_id is not None  # noqa: S101 - a run without was left out
    assert trajectory.prediction_time is not None  # noqa: S101 - the same
    case = Case(
        qid=trajectory.qid,
        subject_id=trajectory.subject_id,
        prediction_time=trajectory.prediction_time,
        question=trajectory.question,
        candidates=trajectory.candidates,
    )
    for message in opening(case, tuple(tools), ()):
        yield {"role": message.role, "content": message.content}


def _conversation(steps: Sequence[Step]) -> Iterator[Message]:
    for step in steps:
        message: Message = {"role": "assistant", "content": step.text}
        if step.reasoning:
            message["reasoning_content"] = step.reasoning
        if step.calls:
            message["tool_calls"] = [_call(call) for call in step.calls]
        yield message
        if any(call.name == "ehr.finish" and call.status == "ok" for call in step.calls):
            return
        for call in step.calls:
            text = call.result.text if call.result is not None else ""
            yield {"role": "tool", "tool_call_id": call.anchor, "name": call.name, "content": text}
        for note in step.notes:
            if note.kind in _USER_NOTES:
                yield {"role": "user", "content": note.text}


def _call(call: Call) -> dict[str, Any]:
    """Ids are the calls' places: recorded ones repeat, and mean nothing to a learner."""
    arguments = {"_raw": call.raw_arguments} if call.arguments is None else call.arguments
    return {
        "id": call.anchor,
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    }


def as_text(messages: Sequence[Message], tools: Sequence[ToolSpec], form: Form) -> str:
    """The whole run as one text."""
    return "".join(text for text, _ in _turns(messages, tools, form))


def spans_of_assistant(
    messages: Sequence[Message], tools: Sequence[ToolSpec], form: Form
) -> tuple[str, list[tuple[int, int]]]:
    """The text, and where in it the model's own characters stand: what loss is taken on.

    A span begins after the turn's mark, which the template writes, and ends with the mark of its end, which
    the model has to write.
    """
    text, spans = "", []
    for turn, role in _turns(messages, tools, form):
        if role == "assistant":
            spans.append((len(text) + len(f"{_BEGIN}assistant\n"), len(text) + len(turn) - 1))
        text += turn
    return text, spans


def _turns(messages: Sequence[Message], tools: Sequence[ToolSpec], form: Form) -> Iterator[tuple[str, str]]:
    """Each turn with its marks, and whose it is; neighbouring results share one user turn."""
    results: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            results.append(f"<tool_response>\n{message['content']}\n</tool_response>")
            continue
        if results:
            yield _turn("user", "\n".join(results)), "user"
            results = []
        role = message["role"]
        content = message["content"]
        if role == "system":
            content = f"{content}\n\n{_tools_text(tools)}"
        if role == "assistant":
            content = _assistant(message, form)
        yield _turn(role, content), role
    if results:
        yield _turn("user", "\n".join(results)), "user"


def _turn(role: str, content: str) -> str:
    return f"{_BEGIN}{role}\n{content}{_END}"


def _tools_text(tools: Sequence[ToolSpec]) -> str:
    lines = "\n".join(json.dumps(definition(spec), ensure_ascii=False) for spec in tools)
    return f"# Tools\n\n<tools>\n{lines}\n</tools>"


def definition(spec: ToolSpec) -> dict[str, Any]:
    """A tool in OpenAI's form."""
    function = {"name": spec.name, "description": spec.description, "parameters": spec.parameters}
    return {"type": "function", "function": function}


def _assistant(message: Message, form: Form) -> str:
    parts = [f"<think>\n{message['reasoning_content']}\n</think>\n"] if "reasoning_content" in message else []
    if message["content"]:
        parts.append(message["content"])
    of_form = _xml if form == "xml" else _json
    parts += [of_form(call["function"]) for call in message.get("tool_calls", ())]
    return "\n".join(parts)


def _json(function: dict[str, Any]) -> str:
    call = {"name": function["name"], "arguments": function["arguments"]}
    return f"<tool_call>\n{json.dumps(call, ensure_ascii=False)}\n</tool_call>"


def _xml(function: dict[str, Any]) -> str:
    parameters = "".join(
        f"<parameter={name}>\n{_written(value)}\n</parameter>\n"
        for name, value in function["arguments"].items()
    )
    return f"<tool_call>\n<function={function['name']}>\n{parameters}</function>\n</tool_call>"


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
