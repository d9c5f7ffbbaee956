"""Any OpenAI-compatible chat endpoint, with retries that a person can see and stop."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

import msgspec

from clinseek_core.errors import ModelError
from clinseek_core.journal.events import ModelInfo
from clinseek_core.models.chat_reply import ReplyBuilder
from clinseek_core.models.chat_request import CONCESSIONS, Body, Concession, request_body
from clinseek_core.models.endpoint import Endpoint, is_local
from clinseek_core.models.failures import RequestFailed, of_status, retry_after
from clinseek_core.models.port import (
    AssistantMessage,
    Conversation,
    ModelProgress,
    Reply,
    Retrying,
    StopSignal,
)
from clinseek_core.tools import ToolSpec

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["OpenAIChat", "Patience"]

_MAX_BYTES = 32 * 1024 * 1024
_SSE_FIELDS = (b":", b"event:", b"id:", b"retry:")

Report = Callable[[ModelProgress], None]


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How long to wait for what (seconds), and how often to try."""

    tries: int = 6
    first_wait_s: float = 1.0
    """Before the second try; doubled before each later one."""
    longest_wait_s: float = 60.0
    """Bounds Retry-After too."""
    connect_s: float = 10.0
    silence_s: float = 300.0
    """Without a byte; a local server may read a long prompt for minutes before its first token."""
    answer_s: float = 1800.0
    """For one whole answer."""

    def wait_before(self, retry: int, asked: float | None) -> float:
        """Seconds before the `retry`-th further try, the endpoint having `asked` for some or not."""
        wait = self.first_wait_s * 2.0 ** (retry - 1) if asked is None else asked
        return min(wait, self.longest_wait_s)


class OpenAIChat:
    """A model behind a chat-completions endpoint (a ChatModel).

    It holds no connection between two replies. What the endpoint refuses and can be done without is left off
    for the rest of its life.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        temperature: float | None = 1.0,
        max_output_tokens: int | None = 8192,
        patience: Patience = Patience(),  # noqa: B008 - frozen
        now: Callable[[], float] = time.time,
    ) -> None:
        """`now` is Unix time, for a Retry-After that is a date."""
        self._endpoint = endpoint
        self._patience = patience
        self._now = now
        self._conceded: list[Concession] = []
        self.info = ModelInfo(
            name=endpoint.model,
            kind="chat",
            base_url=endpoint.shown,
            temperature=temperature,
            max_output_tokens=max_output_tokens,
        )

    def reply(
        self,
        conversation: Conversation,
        tools: tuple[ToolSpec, ...],
        *,
        on_progress: Report,
        cancelled: StopSignal,
    ) -> Reply:
        """Answer, trying again where that may help (see ChatModel.reply)."""
        turn = 1 + sum(isinstance(message, AssistantMessage) for message in conversation)
        failures = 0
        while not cancelled.stopped:
            body = self._body(conversation, tools)
            builder = ReplyBuilder([tool.name for tool in tools], turn)
            try:
                return asyncio.run(self._request(body, builder, on_progress, cancelled))
            except asyncio.CancelledError:
                break
            except RequestFailed as failure:
                concession = self._concession(failure, body)
                if concession is not None:
                    self._conceded.append(concession)
                    on_progress(Retrying(concession.notice))
                    continue
                failures += 1
                if not failure.again or failures >= self._patience.tries:
                    raise self._model_error(failure, failures) from failure
                wait_s = self._patience.wait_before(failures, failure.after)
                on_progress(Retrying(self._endpoint.redact(failure.reason), wait_s))
                cancelled.wait(wait_s)
        raise ModelError("stopped while waiting for the model", "cancelled")

    def _body(self, conversation: Conversation, tools: tuple[ToolSpec, ...]) -> Body:
        body = request_body(
            self._endpoint.model,
            conversation,
            tools,
            temperature=self.info.temperature,
            max_output_tokens=self.info.max_output_tokens,
        )
        for concession in self._conceded:
            body = concession.change(body)
        return body

    def _concession(self, failure: RequestFailed, body: Body) -> Concession | None:
        """The first thing this refusal names that the request still holds."""
        if not failure.refused:
            return None
        matching = (concession for concession in CONCESSIONS if concession.refusal.search(failure.said))
        return next((concession for concession in matching if concession.change(body) != body), None)

    def _model_error(self, failure: RequestFailed, tries: int) -> ModelError:
        often = f" {tries} times" if tries > 1 else ""
        line = f"{self._endpoint.shown}: {self._endpoint.redact(failure.reason)}{often}; {failure.remedy}"
        return ModelError(line, failure.kind)

    async def _request(
        self, body: Body, builder: ReplyBuilder, on_progress: Report, cancelled: StopSignal
    ) -> Reply:
        """Make one request and read its answer; raises RequestFailed, or CancelledError after a stop."""
        import httpx2
        import openai

        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio.run made it
        try:
            with cancelled.calling(lambda: loop.call_soon_threadsafe(task.cancel) and None):
                async with asyncio.timeout(self._patience.answer_s), self._client() as client:
                    create = client.chat.completions.with_streaming_response.create
                    async with create(**body) as response:
                        await _read(response.iter_bytes(), builder, on_progress)
        except openai.APIStatusError as error:
            after = retry_after(error.response.headers, self._now())
            raise of_status(error.status_code, error.response.text, after) from error
        except (openai.APITimeoutError, httpx2.TimeoutException, TimeoutError) as error:
            raise _unreachable("no answer in time") from error
        except (openai.APIConnectionError, httpx2.HTTPError, OSError) as error:
            # The answer was whole where only the stream's last words (usage, [DONE]) are missing.
            if not builder.finish_reason:
                raise _unreachable(f"the connection failed{_cause(error)}") from error
        return builder.reply()

    def _client(self) -> AsyncOpenAI:
        import httpx2
        import openai

        timeout = httpx2.Timeout(self._patience.silence_s, connect=self._patience.connect_s)
        # A redirect could carry patient text off this machine, a proxy too.
        http = openai.DefaultAsyncHttpxClient(
            timeout=timeout, follow_redirects=False, trust_env=not is_local(self._endpoint.base_url)
        )
        return openai.AsyncOpenAI(
            api_key=self._endpoint.api_key,
            base_url=self._endpoint.base_url,
            timeout=timeout,
            max_retries=0,
            http_client=http,
        )


async def _read(chunks: AsyncIterator[bytes], builder: ReplyBuilder, on_progress: Report) -> None:
    """Feed `builder` with a stream of server-sent events, or with one JSON completion.

    Told apart by their lines, since servers answer a stream request with either under any content type.
    """
    plain: list[bytes] = []
    async for line in _lines(chunks):
        if line.startswith(b"data:"):
            data = line[5:].strip()
            if data == b"[DONE]":
                return
            _feed(data, builder, on_progress)
        elif line.strip() and not line.startswith(_SSE_FIELDS):
            plain.append(line)
    if plain:
        _feed(b"\n".join(plain), builder, on_progress)
    elif not builder.finish_reason:
        raise _unreachable("the answer broke off")


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    total, rest = 0, b""
    async for chunk in chunks:
        total += len(chunk)
        if total > _MAX_BYTES:
            reason = f"an answer of more than {_MAX_BYTES // 2**20} MiB"
            raise RequestFailed(reason, kind="bad_reply", again=False, remedy="try another model")
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line
    if rest:
        yield rest


def _feed(data: bytes, builder: ReplyBuilder, on_progress: Report) -> None:
    try:
        value: Any = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _no_json(data) from error
    for progress in builder.feed(value):
        on_progress(progress)


def _no_json(data: bytes) -> RequestFailed:
    page = data.lstrip().startswith(b"<")
    remedy = "check --base-url (most end in /v1)" if page else "is this an OpenAI-compatible chat endpoint?"
    what = "a web page" if page else "text that is no JSON"
    return RequestFailed(f"answered with {what}", kind="bad_reply", again=not page, remedy=remedy)


def _unreachable(reason: str) -> RequestFailed:
    remedy = "is the model's server up? then --resume the run"
    return RequestFailed(reason, kind="endpoint_down", again=True, remedy=remedy)


def _cause(error: BaseException) -> str:
    """The innermost cause's own words as ` (…)`: the outer ones only say that it failed."""
    while error.__cause__ is not None:
        error = error.__cause__
    return f" ({error})" if str(error) else ""
