"""A chat endpoint on loopback with a script of answers, and a control that never really waits."""

from __future__ import annotations

import gc
import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from clinseek_core.agent import Control

KEY = "sk-do-not-show-me"


def pytest_collection_finish() -> None:
    """Thousands of collected tests stay to the end: the garbage collector need not look at them each time."""
    gc.collect()
    gc.freeze()


@dataclass
class Answer:
    """One HTTP answer; with `only` the connection drops after as many bytes of the body."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    only: int | None = None
    held_until: threading.Event | None = None


Script = Answer | Callable[[dict[str, Any]], Answer]


class Http(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up first is what some tests are about."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class ChatServer:
    """Answers chat-completions requests from `script`, in order, and keeps what was asked."""

    def __init__(self) -> None:
        self.script: list[Script] = []
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.asked = threading.Event()
        self.released = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                server.answer(self)

            def log_message(self, *args: object) -> None:
                pass

        self._http = Http(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}/v1"

    def answer(self, http: BaseHTTPRequestHandler) -> None:
        body = json.loads(http.rfile.read(int(http.headers["content-length"])))
        self.requests.append(body)
        self.headers.append({name.lower(): value for name, value in http.headers.items()})
        self.asked.set()
        script = self.script.pop(0) if self.script else say_status(418, "the test's script is over")
        answer = script(body) if callable(script) else script
        if answer.held_until is not None:
            answer.held_until.wait(30)
        http.close_connection = True
        if answer.status:
            http.send_response(answer.status)
            headers = {"Content-Length": str(len(answer.body)), "Connection": "close", **answer.headers}
            for name, value in headers.items():
                http.send_header(name, value)
            http.end_headers()
            http.wfile.write(answer.body[: answer.only])
            http.wfile.flush()
        if answer.only is not None or not answer.status:
            http.connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.released.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class Unhurried(Control):
    """A control whose waits take no time and are kept."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        return self.stopped


def say_status(status: int, message: str, **headers: str) -> Answer:
    body = json.dumps({"error": {"message": message}}).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(body, status, {"Content-Type": "application/json", **named})


def wire_calls(calls: tuple[tuple[str, Any], ...]) -> list[dict[str, Any]]:
    return [
        {
            "index": index,
            "id": f"id-{index}",
            "type": "function",
            "function": {
                "name": name,
                "arguments": arguments if isinstance(arguments, str) else json.dumps(arguments),
            },
        }
        for index, (name, arguments) in enumerate(calls)
    ]


def say_whole(text: str = "", *calls: tuple[str, Any], finish: str = "stop", **fields: Any) -> Answer:
    message = {"role": "assistant", "content": text, "tool_calls": wire_calls(calls), **fields}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    usage = {"prompt_tokens": 7, "completion_tokens": 3}
    body = json.dumps({"object": "chat.completion", "choices": [choice], "usage": usage}, indent=1)
    return Answer(body.encode(), headers={"Content-Type": "application/json"})


def say_chunks(*chunks: Any, done: bool = True) -> Answer:
    lines = [": a comment to keep the line open", *(f"data: {json.dumps(chunk)}" for chunk in chunks)]
    body = "\n\n".join([*lines, "data: [DONE]"] if done else lines) + "\n\n"
    return Answer(body.encode(), headers={"Content-Type": "text/event-stream"})


def say_stream(text: str = "", *calls: tuple[str, Any], finish: str = "stop", **fields: Any) -> Answer:
    """The same as `say_whole`, with names and ids first and text and arguments in two halves each."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{name: value} for name, value in fields.items()]
    deltas += [{"content": half} for half in (text[: len(text) // 2], text[len(text) // 2 :]) if half]
    for call in wire_calls(calls):
        arguments = call["function"]["arguments"]
        first, second = arguments[: len(arguments) // 2], arguments[len(arguments) // 2 :]
        deltas.append({"tool_calls": [{**call, "function": {**call["function"], "arguments": first}}]})
        deltas.append({"tool_calls": [{"index": call["index"], "function": {"arguments": second}}]})
    chunks = [{"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    chunks.append({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}})
    return say_chunks(*chunks)


@dataclass
class Say:
    """The ways to script an answer."""

    whole: Callable[..., Answer] = say_whole
    stream: Callable[..., Answer] = say_stream
    chunks: Callable[..., Answer] = say_chunks
    status: Callable[..., Answer] = say_status
    raw: type[Answer] = Answer
    hang_up: Answer = field(default_factory=lambda: Answer(status=0))

    def half(self, answer: Answer) -> Answer:
        """`answer` with its connection dropped in the middle of the body."""
        return Answer(answer.body, answer.status, answer.headers, only=len(answer.body) // 2)


@pytest.fixture
def say() -> Say:
    return Say()


@pytest.fixture
def server() -> Iterator[ChatServer]:
    server = ChatServer()
    yield server
    server.close()


@pytest.fixture
def control() -> Unhurried:
    return Unhurried()


@pytest.fixture
def key() -> str:
    return KEY


class McpServer:
    """An MCP server on loopback: `tools` maps names to functions of the arguments, as JSON or events."""

    def __init__(self) -> None:
        self.tools: dict[str, Callable[[dict[str, Any]], Any]] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.methods: list[str] = []
        self.as_events = False
        self.ended = 0
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                server.answer(self, json.loads(self.rfile.read(int(self.headers["content-length"]))))

            def do_DELETE(self) -> None:
                server.ended += self.headers.get("mcp-session-id") == "one"
                self.send_response(204)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self._http = Http(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}/mcp"

    def answer(self, http: BaseHTTPRequestHandler, message: dict[str, Any]) -> None:
        self.methods.append(message["method"])
        if "id" not in message:
            http.send_response(202)
            http.send_header("Content-Length", "0")
            http.end_headers()
            return
        reply = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": self._result(message)}).encode()
        body = b"event: message\ndata: " + reply + b"\n\n" if self.as_events else reply
        http.send_response(200)
        http.send_header("Content-Type", "text/event-stream" if self.as_events else "application/json")
        http.send_header("Content-Length", str(len(body)))
        http.send_header("Mcp-Session-Id", "one")
        http.end_headers()
        http.wfile.write(body)

    def _result(self, message: dict[str, Any]) -> dict[str, Any]:
        if message["method"] == "tools/list":
            schema = {"type": "object", "properties": {"q": {"type": "string"}}}
            about = {"description": "d", "inputSchema": schema}
            return {"tools": [{"name": name} | about for name in self.tools]}
        if message["method"] != "tools/call":
            return {"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "t"}}
        name, arguments = message["params"]["name"], message["params"]["arguments"]
        self.calls.append((name, arguments))
        said = self.tools[name](arguments)
        if isinstance(said, dict) and "content" in said:
            return said
        return {"content": [{"type": "text", "text": json.dumps(said)}]}

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@pytest.fixture
def mcp_server() -> Iterator[McpServer]:
    server = McpServer()
    yield server
    server.close()
