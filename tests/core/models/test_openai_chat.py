from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

from clinseek_core.agent import Control
from clinseek_core.errors import ModelError
from clinseek_core.journal import CallRequest, Usage
from clinseek_core.models import (
    AssistantMessage,
    CallDelta,
    Conversation,
    Endpoint,
    Image,
    ModelProgress,
    ReasoningDelta,
    Reply,
    Retrying,
    SystemMessage,
    TextDelta,
    ToolMessage,
    UserMessage,
    chat_http,
)
from clinseek_core.models.openai_chat import OpenAIChat, Patience
from clinseek_core.tools import ToolSpec

OBJECT = {"type": "object", "properties": {}}
TOOLS = tuple(
    ToolSpec(name=name, description="d", parameters=OBJECT)
    for name in ("ehr.load_ehr", "ehr.run_sql_query", "ehr.finish", "browser.search")
)
OPENING: Conversation = (SystemMessage("Seek."), UserMessage("Which drug?"))
CALL = CallRequest(id="a1", name="ehr.load_ehr", arguments={"subject_id": 1})
LATER: Conversation = (
    SystemMessage("Seek."),
    UserMessage("Which drug?", (Image("image/png", b"\x89PNG", "film"),)),
    AssistantMessage("I open it.", "First the record.", (CALL,)),
    ToolMessage("a1", "ehr.load_ehr", "opened"),
)
QUERY = ("ehr.run_sql_query", {"sql_query": "SELECT 1"})
SEARCH = ("browser.search", {"query": "sepsis"})


class Asker:
    """An OpenAIChat on the test server, with what it reported."""

    def __init__(self, url: str, key: str, control: Control, **patience: Any) -> None:
        self.model = OpenAIChat(Endpoint("test-model", url, key), patience=Patience(**patience))
        self.control = control
        self.progress: list[ModelProgress] = []

    def ask(self, conversation: Conversation = OPENING) -> Reply:
        return self.model.reply(conversation, TOOLS, on_progress=self.progress.append, cancelled=self.control)

    @property
    def retries(self) -> list[Retrying]:
        return [progress for progress in self.progress if isinstance(progress, Retrying)]


@pytest.fixture
def asker(server: Any, key: str, control: Any) -> Asker:
    return Asker(server.url, key, control)


@pytest.mark.parametrize("style", ["stream", "whole"])
def test_an_answer_is_the_same_streamed_or_whole(server, say, asker, style):
    server.script = [
        getattr(say, style)("I look.", QUERY, SEARCH, reasoning_content="Hm.", finish="tool_calls")
    ]
    assert asker.ask() == Reply(
        text="I look.",
        reasoning="Hm.",
        calls=(
            CallRequest(id="id-0", name=QUERY[0], arguments=QUERY[1]),
            CallRequest(id="id-1", name=SEARCH[0], arguments=SEARCH[1]),
        ),
        finish_reason="tool_calls",
        usage=Usage(input_tokens=7, output_tokens=3),
    )
    assert server.requests[0]["stream"] is True
    assert not asker.retries


def test_a_stream_is_shown_while_it_comes(server, say, asker):
    server.script = [say.stream("I look.", QUERY, reasoning="Hm.")]
    asker.ask()
    text = "".join(part.text for part in asker.progress if isinstance(part, TextDelta))
    thought = "".join(part.text for part in asker.progress if isinstance(part, ReasoningDelta))
    calls = [part for part in asker.progress if isinstance(part, CallDelta)]
    assert (text, thought) == ("I look.", "Hm.")
    assert len(calls) == 2
    assert json.loads("".join(call.arguments for call in calls)) == QUERY[1]
    assert {(call.index, call.name) for call in calls} == {(0, QUERY[0])}


def test_the_first_request_says_all_that_the_paper_sets(server, say, asker):
    server.script = [say.stream("ok")]
    asker.ask()
    request = server.requests[0]
    assert request["model"] == "test-model"
    assert (request["temperature"], request["max_tokens"]) == (1.0, 8192)
    assert [tool["function"]["name"] for tool in request["tools"]] == [tool.name for tool in TOOLS]
    assert request["messages"] == [
        {"role": "system", "content": "Seek."},
        {"role": "user", "content": "Which drug?"},
    ]


def test_a_conversation_goes_out_whole(server, say, asker):
    server.script = [say.stream("ok")]
    bad = CallRequest(id="b1", name="ehr.finish", arguments=None, raw="{oops")
    silent = AssistantMessage()
    asker.ask((*LATER, silent, AssistantMessage("", "", (bad,)), ToolMessage("b1", "ehr.finish", "Error")))
    _, user, first, tool, second, _ = server.requests[0]["messages"]
    assert user["content"][1]["image_url"]["url"] == "data:image/png;base64,iVBORw=="
    assert first["tool_calls"][0]["function"] == {"name": "ehr.load_ehr", "arguments": '{"subject_id": 1}'}
    assert tool == {"role": "tool", "tool_call_id": "a1", "content": "opened"}
    # Whoever thinks wants the reasoning of every turn; a server parses the arguments of earlier calls.
    assert [first["reasoning_content"], second["reasoning_content"]] == ["First the record.", ""]
    assert json.loads(second["tool_calls"][0]["function"]["arguments"]) == {"not_json": "{oops"}


REFUSALS = {
    "dots": (400, "Invalid 'tools[0].function.name': string does not match pattern '^[a-zA-Z0-9_-]+$'."),
    "dots, elsewhere": (400, "tools.0.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'"),
    "usage": (400, "Extra inputs are not permitted, field: 'stream_options'"),
    "streams": (403, 'Streaming is not allowed. Set value: "stream":false'),
    "limit": (400, "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens'."),
    "large limit": (400, "max_tokens is too large: 8192. This model supports at most 4096 tokens"),
    "temperature": (400, "Unsupported value: 'temperature' does not support 1.0 with this model."),
    "images": (404, "No endpoints found that support image input"),
    "reasoning": (422, "messages.2: Extra inputs are not permitted: 'reasoning_content'"),
}


def holds(request: dict[str, Any], what: str) -> bool:
    """Whether a request still has what was refused."""
    messages = json.dumps(request["messages"])
    return {
        "dots": "ehr.load_ehr" in json.dumps([request["tools"], request["messages"]]),
        "usage": "stream_options" in request,
        "streams": "stream" in request,
        "limit": "max_tokens" in request,
        "large limit": "max_tokens" in request or "max_completion_tokens" in request,
        "temperature": "temperature" in request,
        "images": "image_url" in messages,
        "reasoning": "reasoning_content" in messages,
    }[subject(what)]


def subject(what: str) -> str:
    return what.partition(",")[0]


@pytest.mark.parametrize("what", REFUSALS)
def test_what_a_provider_refuses_is_left_off_for_the_rest_of_the_run(server, say, asker, what):
    server.script = [say.status(*REFUSALS[what]), say.whole("first"), say.whole("second")]
    assert (asker.ask(LATER).text, asker.ask(LATER).text) == ("first", "second")
    assert [holds(request, what) for request in server.requests] == [True, False, False]
    assert len(asker.retries) == 1, "and it is said once"
    assert asker.control.waits == [], "without a wait"
    others = [name for name in REFUSALS if not name.startswith(subject(what))]
    kept = {name for name in others if holds(server.requests[0], name)}
    lost = {name for name in kept if not holds(server.requests[1], name)}
    assert lost <= {"streams": {"usage"}, "large limit": {"limit"}}.get(what, set())


def test_a_provider_that_refuses_one_thing_after_another_still_answers(server, say, asker):
    server.script = [*(say.status(*refusal) for refusal in REFUSALS.values()), say.whole("at last")]
    del server.script[1]
    assert asker.ask(LATER).text == "at last"
    assert not any(holds(server.requests[-1], what) for what in REFUSALS)
    assert "1 image(s) belong here" in json.dumps(server.requests[-1])


def test_names_without_dots_come_back_canonical(server, say, asker):
    server.script = [say.status(*REFUSALS["dots"]), say.stream("", ("ehr_run_sql_query", QUERY[1]))]
    (call,) = asker.ask().calls
    assert (call.name, call.wire_name) == ("ehr.run_sql_query", "ehr_run_sql_query")


def test_a_refusal_that_repeats_is_no_endless_loop(server, say, asker):
    server.script = [say.status(*REFUSALS["temperature"])] * 2
    with pytest.raises(ModelError, match="temperature") as error:
        asker.ask()
    assert error.value.kind == "refused"
    assert len(server.requests) == 2


PASSING = {
    "408": lambda say: say.status(408, "slow"),
    "409": lambda say: say.status(409, "conflict"),
    "429": lambda say: say.status(429, "slow down"),
    "500": lambda say: say.status(500, "oops"),
    "529": lambda say: say.status(529, "overloaded"),
    "hangs up": lambda say: say.hang_up,
    "breaks off": lambda say: say.half(say.stream("I look at it.", QUERY)),
    "breaks off a whole answer": lambda say: say.half(say.whole("I look at it.", QUERY)),
    "ends without its end": lambda say: say.chunks({"choices": [{"delta": {"content": "I"}}]}, done=False),
    "says an error in a stream": lambda say: say.chunks({"error": {"code": 502, "message": "upstream"}}),
    "says an error as vLLM does": lambda say: say.chunks({"object": "error", "code": 500, "message": "x"}),
    "says another error": lambda say: say.chunks({"error": "mysterious"}),
    "says nothing": lambda say: say.raw(b""),
    "says rubbish": lambda say: say.raw(b"\x00\xff not json"),
}


@pytest.mark.parametrize("style", ["stream", "whole"])
@pytest.mark.parametrize("trouble", PASSING)
def test_what_may_pass_is_tried_again_visibly(server, say, asker, trouble, style):
    server.script = [PASSING[trouble](say), PASSING[trouble](say), getattr(say, style)("fine", QUERY)]
    reply = asker.ask()
    assert (reply.text, len(reply.calls)) == ("fine", 1), "nothing of the broken answer stays"
    assert [retry.wait_s for retry in asker.retries] == asker.control.waits == [1.0, 2.0]
    assert all(retry.reason for retry in asker.retries)


@pytest.mark.parametrize(
    ("asked", "waited"), [("7", 7.0), ("0.5", 0.5), ("99999", 60.0), ("nonsense", 1.0), ("-3", 0.0)]
)
def test_retry_after_is_honoured_within_reason(server, say, asker, asked, waited):
    server.script = [say.status(429, "slow down", retry_after=asked), say.stream("fine")]
    asker.ask()
    assert asker.control.waits == [waited]


def test_tries_and_waits_are_bounded(server, say, key, control):
    asker = Asker(server.url, key, control, tries=9, longest_wait_s=20)
    server.script = [say.status(503, "down")] * 9
    with pytest.raises(ModelError) as error:
        asker.ask()
    assert error.value.kind == "endpoint_down"
    assert control.waits == [1, 2, 4, 8, 16, 20, 20, 20]
    assert "9 tries" in str(error.value)


FINAL = {
    "key": (lambda say: say.status(401, "bad key"), "refused", "OPENAI_API_KEY"),
    "credit": (lambda say: say.status(429, "insufficient_quota"), "rate_limited", "credit"),
    "model": (lambda say: say.status(404, "no such model"), "refused", "--model"),
    "request": (lambda say: say.status(400, "the tea is cold"), "refused", "the tea is cold"),
    "redirect": (lambda say: say.raw(b"", 307, {"Location": "http://example.org/"}), "refused", "--base-url"),
    "context": (
        lambda say: say.status(400, "This model's maximum context length is 8192 tokens"),
        "context_overflow",
        "longer context",
    ),
    "context, told in a stream": (
        lambda say: say.chunks({"error": {"code": 400, "message": "exceeds the available context size"}}),
        "context_overflow",
        "longer context",
    ),
    "page": (lambda say: say.raw(b"<!doctype html><p>Welcome"), "bad_reply", "/v1"),
    "other API": (lambda say: say.raw(b'{"hello": 1}'), "bad_reply", "/v1"),
    "nested rubbish": (
        lambda say: say.raw(b'{"error": ' + b"[" * 900 + b"]" * 900 + b"}"),
        "bad_reply",
        "/v1",
    ),
    "no object": (lambda say: say.raw(b"[1, 2]"), "bad_reply", "/v1"),
    "flood of calls": (lambda say: say.whole("", *[SEARCH] * 200), "bad_reply", "128 calls"),
}


@pytest.mark.parametrize("trouble", FINAL)
def test_what_will_not_pass_stops_with_one_clear_line(server, say, asker, trouble):
    answer, kind, names = FINAL[trouble]
    server.script = [answer(say)]
    with pytest.raises(ModelError) as error:
        asker.ask()
    line = str(error.value)
    assert error.value.kind == kind
    assert line.startswith(server.url)
    assert names in line
    assert "\n" not in line
    assert len(server.requests) == 1


def test_nobody_listening_is_said_plainly(key, control):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        asker = Asker(url, key, control, tries=2)
        with pytest.raises(
            ModelError, match=r"connection failed.*2 tries.*is the model's server up\?"
        ) as error:
            asker.ask()
    assert error.value.kind == "endpoint_down"


@pytest.mark.parametrize("host", ["exa mple", "a..b", "x" * 80, "[::1%25zz]"])
def test_an_address_that_is_none_is_said_plainly(key, control, host):
    with pytest.raises(ModelError, match=r"address|connection failed"):
        Asker(f"http://{host}/v1", key, control, tries=1).ask()


def test_a_local_endpoint_is_never_reached_through_a_proxy(server, say, asker, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    server.script = [say.stream("ok")]
    assert asker.ask().text == "ok"


def test_a_silent_endpoint_is_given_up(server, say, key, control):
    asker = Asker(server.url, key, control, tries=1, silence_s=0.05)
    server.script = [say.raw(b"", held_until=server.released)]
    with pytest.raises(ModelError, match="no answer in time"):
        asker.ask()


@pytest.mark.parametrize(
    "trouble", [BrokenPipeError(), UnicodeEncodeError("ascii", "é", 0, 1, "no"), TimeoutError()]
)
def test_trouble_with_showing_progress_is_not_blamed_on_the_endpoint(server, say, asker, trouble):
    def fail(progress):
        raise trouble

    server.script = [say.stream("I look.")]
    with pytest.raises(type(trouble)):
        asker.model.reply(OPENING, TOOLS, on_progress=fail, cancelled=asker.control)
    assert len(server.requests) == 1


def test_a_stream_that_lacks_only_its_last_words_is_whole(server, say, asker):
    whole = say.stream("I look.", QUERY)
    end = whole.body.index(b'"finish_reason": "stop"') + 60
    server.script = [say.raw(whole.body, headers=whole.headers, only=end)]
    assert (asker.ask().text, len(server.requests)) == ("I look.", 1)


def test_a_flood_is_cut_off(server, say, asker, monkeypatch):
    monkeypatch.setattr(chat_http, "_MAX_BYTES", 2**20)
    server.script = [say.raw(b"x" * 2**22)]
    with pytest.raises(ModelError, match="more than 1 MiB"):
        asker.ask()


def test_the_key_goes_to_the_endpoint_and_nowhere_else(server, say, asker, key):
    server.script = [say.status(500, f"bad key {key}"), say.status(401, f"bad key {key}")]
    with pytest.raises(ModelError) as error:
        asker.ask()
    assert server.headers[0]["authorization"] == f"Bearer {key}"
    said = [
        str(error.value),
        repr(asker.retries),
        repr(asker.model.info),
        repr(Endpoint("m", server.url, key)),
    ]
    assert not any(key in text for text in said)


def test_hostile_words_of_an_endpoint_are_shown_not_obeyed(server, say, asker):
    server.script = [say.status(418, "\x1b[2J\u202eevil\nline" + "x" * 5000)]
    with pytest.raises(ModelError) as error:
        asker.ask()
    line = str(error.value)
    assert not {"\x1b", "\u202e", "\n"} & set(line)
    assert len(line) < 600


@pytest.mark.parametrize("when", ["before", "while it hangs", "in the middle of a stream"])
def test_a_stop_ends_the_waiting_at_once(server, say, key, when):
    control = Control()
    asker = Asker(server.url, key, control)
    hanging = say.raw(b"", held_until=server.released)
    server.script = [hanging]
    if when == "before":
        control.stop()
    elif when == "while it hangs":
        threading.Thread(target=lambda: server.asked.wait(10) and control.stop()).start()
    else:
        server.script = [say.stream("I look.", QUERY)]
        asker.progress = Stopper(control)
    started = time.monotonic()
    with pytest.raises(ModelError) as error:
        asker.ask()
    assert error.value.kind == "cancelled"
    assert len(server.requests) == (0 if when == "before" else 1)
    assert time.monotonic() - started < 5, "the server would have held on for 30 s"


class Stopper(list):
    """Stops the run at the first progress."""

    def __init__(self, control: Control) -> None:
        super().__init__()
        self.control = control

    def append(self, progress: object) -> None:
        self.control.stop()


def test_a_stop_ends_a_wait_for_the_next_try(server, say, key):
    control = Control()
    asker = Asker(server.url, key, control, first_wait_s=600, longest_wait_s=600)
    server.script = [say.status(500, "oops")]
    asker.progress = Stopper(control)
    with pytest.raises(ModelError) as error:
        asker.ask()
    assert error.value.kind == "cancelled"
    assert len(server.requests) == 1


def test_a_wait_in_progress_is_cut_short():
    control = Control()
    waiting = threading.Event()
    came: list[bool] = []

    def wait() -> None:
        waiting.set()
        came.append(control.wait(600))

    thread = threading.Thread(target=wait)
    thread.start()
    waiting.wait(5)
    control.stop()
    thread.join(5)
    assert came == [True]


def test_heavy_packages_load_only_when_a_model_is_asked():
    code = (
        "import sys, clinseek_core.models, clinseek_core.agent\n"
        "print({'openai', 'httpx2', 'PIL', 'numpy', 'duckdb'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
