"""One tool call: checked, told to the model where it can't be run, else run."""

from __future__ import annotations

import difflib
import json

from clinseek_core.agent.finish import FINISH, read_answer
from clinseek_core.journal.events import CallRequest
from clinseek_core.text import one_line
from clinseek_core.tools import Toolbox, ToolResult, ToolSpec

__all__ = ["answer_call"]

_SHOWN = 200


def answer_call(request: CallRequest, toolbox: Toolbox, *, cut_off: bool = False) -> ToolResult:
    """The result of a call, or an `error` that tells the model how to call.

    `cut_off` says that the answer which holds the call ended at its limit of output tokens.
    """
    specs = {spec.name: spec for spec in toolbox.specs}
    spec = specs.get(request.name)
    if spec is None:
        return _error(_no_such_tool(request.name, tuple(specs)))
    if request.arguments is None:
        return _error(_malformed(request, spec, cut_off))
    arguments = request.arguments
    if request.name == FINISH:
        try:
            arguments = {**arguments, "response": list(read_answer(arguments))}
        except ValueError as error:
            return _error(f"{error}; the run goes on. {_expected(spec)}")
    return toolbox.call(request.name, arguments)


def _error(text: str) -> ToolResult:
    return ToolResult(status="error", text=f"Error: {text}")


def _no_such_tool(name: str, names: tuple[str, ...]) -> str:
    bare = {known.rpartition(".")[2]: known for known in reversed(names)}
    near = difflib.get_close_matches(name, names, cutoff=0.75)
    near += [bare[match] for match in difflib.get_close_matches(name.rpartition(".")[2], bare)]
    hint = "the nearest: " if near else "there are: "
    return f"there is no tool `{one_line(name, _SHOWN)}`; {hint}{', '.join(dict.fromkeys(near or names))}"


def _malformed(request: CallRequest, spec: ToolSpec, cut_off: bool) -> str:
    end = " The answer ended at its limit of output tokens: write less." if cut_off else ""
    wrote = one_line(request.raw, _SHOWN)
    return f"the arguments of {spec.name} {_fault(request.raw)}. {_expected(spec)}{end} You wrote: {wrote}"


def _fault(raw: str) -> str:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError) as error:
        return f"are not valid JSON ({error})"
    return "can't be used" if isinstance(value, dict) else "are JSON, but not an object"


def _expected(spec: ToolSpec) -> str:
    """The form of the arguments, as an example with types in place of values."""
    properties = spec.parameters.get("properties", {})
    form = {name: _placeholder(schema) for name, schema in properties.items()}
    required = ", ".join(spec.parameters.get("required", ())) or "none"
    return f"Expected a JSON object like {json.dumps(form)} (required: {required})."


def _placeholder(schema: dict[str, object]) -> object:
    kind = schema.get("type", "value")
    return ["<string>"] if kind == "array" else f"<{kind}>"
