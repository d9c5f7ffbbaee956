"""One request to a chat-completions endpoint through the `openai` package, and its answer read.

Importing this loads that package: do it when a model is first asked.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing

import anyio
import httpx2
import openai

from clinseek_core.models.chat_reply import ReplyBuilder
from clinseek_core.models.chat_request import Body
from clinseek_core.models.endpoint import Endpoint, is_local
from clinseek_core.models.failures import RequestError, of_status, retry_after
from clinseek_core.models.port import ModelProgress, StopSignal

__all__ = ["exchange"]

_MAX_BYTES = 32 * 1024 * 1024
_SSE_FIELDS = (b":", b"event:", b"id:", b"retry:")

_Report = Callable[[ModelProgress], None]


async def exchange(
    endpoint: Endpoint,
    body: Body,
    builder: ReplyBuilder,
    on_progress: _Report,
    cancelled: StopSignal,
    *,
    connect_s: float,
    silence_s: float,
    answer_s: float,
) -> None:
    """Send `body` and feed `builder` with the whole answer.

    Times are seconds: to connect, without a byte, for all of it. Raises RequestError where there is no whole
    answer, and CancelledError after a stop.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def cancel() -> None:
        if task is not None:
            loop.call_soon_threadsafe(task.cancel)

    timeout = httpx2.Timeout(silence_s, connect=connect_s)
    try:
        with cancelled.calling(cancel):
            async with asyncio.timeout(answer_s) as whole, aclosing(_lines(endpoint, body, timeout)) as lines:
                await _read(lines, builder, on_progress)
    except TimeoutError as error:
        if not whole.expired():
            raise
        raise _unreachable(f"no whole answer in {answer_s:.0f} s") from error
    except RequestError as failure:
        # The answer is whole where only a stream's last words (usage, [DONE]) are missing.
        if not (builder.finish_reason and failure.kind == "endpoint_down"):
            raise


async def _lines(endpoint: Endpoint, body: Body, timeout: httpx2.Timeout) -> AsyncGenerator[bytes]:
    """The lines of the endpoint's answer; every trouble of the network becomes a RequestError here."""
    total, rest = 0, b""
    try:
        async with (
            _client(endpoint, timeout) as client,
            client.chat.completions.with_streaming_response.create(**body) as response,
        ):
            async for chunk in response.iter_bytes():
                total += len(chunk)
                if total > _MAX_BYTES:
                    raise _too_long()
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    yield line
        yield rest
    except openai.APIStatusError as error:
        after = retry_after(error.response.headers, time.time())
        raise of_status(error.status_code, error.response.text, after) from error
    except (openai.APITimeoutError, httpx2.TimeoutException) as error:
        raise _unreachable("no answer in time") from error
    except (httpx2.InvalidURL, UnicodeError) as error:
        reason = f"the address can't be used{_cause(error)}"
        raise RequestError(reason, kind="refused", again=False, remedy="check --base-url") from error
    except (openai.APIConnectionError, httpx2.HTTPError, OSError, anyio.EndOfStream) as error:
        raise _unreachable(f"the connection failed{_cause(error)}") from error


def _client(endpoint: Endpoint, timeout: httpx2.Timeout) -> openai.AsyncOpenAI:
    # A redirect, or a proxy for a local address, would carry patient text off this machine.
    http = openai.DefaultAsyncHttpxClient(
        timeout=timeout, follow_redirects=False, trust_env=not is_local(endpoint.base_url)
    )
    return openai.AsyncOpenAI(
        api_key=endpoint.api_key,
        base_url=endpoint.base_url,
        timeout=timeout,
        max_retries=0,
        http_client=http,
    )


async def _read(lines: AsyncIterator[bytes], builder: ReplyBuilder, on_progress: _Report) -> None:
    """Feed `builder` with a stream of server-sent events, or with one JSON completion.

    Told apart by their lines, since servers answer a stream request with either, under any content type.
    """
    plain: list[bytes] = []
    async for line in lines:
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


def _feed(data: bytes, builder: ReplyBuilder, on_progress: _Report) -> None:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _no_json(data) from error
    for progress in builder.feed(value):
        on_progress(progress)


def _no_json(data: bytes) -> RequestError:
    page = data.lstrip().startswith(b"<")
    remedy = "check --base-url (most end in /v1)" if page else "is this an OpenAI-compatible chat endpoint?"
    what = "a web page" if page else "text that is no JSON"
    return RequestError(f"answered with {what}", kind="bad_reply", again=not page, remedy=remedy)


def _too_long() -> RequestError:
    reason = f"answered with more than {_MAX_BYTES // 2**20} MiB"
    return RequestError(reason, kind="bad_reply", again=False, remedy="try another model")


def _unreachable(reason: str) -> RequestError:
    remedy = "is the model's server up? then --resume the run"
    return RequestError(reason, kind="endpoint_down", again=True, remedy=remedy)


def _cause(error: BaseException) -> str:
    """The innermost cause's own words as ` (…)`: the outer ones only say that it failed."""
    while error.__cause__ is not None:
        error = error.__cause__
    return f" ({error})" if str(error) else ""
