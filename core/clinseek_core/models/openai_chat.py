"""Any OpenAI-compatible chat endpoint, with retries that a person can see and stop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from clinseek_core.errors import ModelError
from clinseek_core.journal.events import ModelInfo
from clinseek_core.models.chat_reply import ReplyBuilder
from clinseek_core.models.chat_request import CONCESSIONS, WITHOUT_IMAGES, Body, Concession, request_body
from clinseek_core.models.endpoint import Endpoint
from clinseek_core.models.failures import RequestError
from clinseek_core.models.port import (
    AssistantMessage,
    Conversation,
    ModelProgress,
    Reply,
    Retrying,
    StopSignal,
)
from clinseek_core.models.text_calls import with_text_calls
from clinseek_core.tools import ToolSpec

__all__ = ["OpenAIChat", "Patience"]


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
        patience: Patience | None = None,
        response_format: Body | None = None,
        needs_images: bool = False,
    ) -> None:
        """Temperature and output tokens are the paper's; None leaves them to the endpoint.

        With `needs_images`, an endpoint that refuses images gets no request without them.
        """
        self._endpoint = endpoint
        self._patience = patience or Patience()
        self._response_format = response_format
        self._needs_images = needs_images
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
        on_progress: Callable[[ModelProgress], None],
        cancelled: StopSignal,
    ) -> Reply:
        """Answer, trying again where that may help (see ChatModel.reply)."""
        turn = 1 + sum(isinstance(message, AssistantMessage) for message in conversation)
        failures = 0
        while not cancelled.stopped:
            body = self._body(conversation, tools)
            builder = ReplyBuilder([tool.name for tool in tools], turn)
            try:
                self._exchange(body, builder, on_progress, cancelled)
                return with_text_calls(builder.reply(), tools, turn)
            except asyncio.CancelledError:
                break
            except RequestError as failure:
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

    def _exchange(
        self,
        body: Body,
        builder: ReplyBuilder,
        on_progress: Callable[[ModelProgress], None],
        cancelled: StopSignal,
    ) -> None:
        from clinseek_core.models.chat_http import exchange  # noqa: PLC0415 - loads `openai`

        patience = self._patience
        asyncio.run(
            exchange(
                self._endpoint,
                body,
                builder,
                on_progress,
                cancelled,
                connect_s=patience.connect_s,
                silence_s=patience.silence_s,
                answer_s=patience.answer_s,
            )
        )

    def _body(self, conversation: Conversation, tools: tuple[ToolSpec, ...]) -> Body:
        body = request_body(
            self._endpoint.model,
            conversation,
            tools,
            temperature=self.info.temperature,
            max_output_tokens=self.info.max_output_tokens,
            response_format=self._response_format,
        )
        for concession in self._conceded:
            body = concession.change(body)
        return body

    def _concession(self, failure: RequestError, body: Body) -> Concession | None:
        """The first thing this refusal names that the request still holds."""
        if not failure.refused:
            return None
        matching = (
            concession
            for concession in CONCESSIONS
            if concession.refusal.search(failure.said)
            and not (self._needs_images and concession is WITHOUT_IMAGES)
        )
        return next((concession for concession in matching if concession.change(body) != body), None)

    def _model_error(self, failure: RequestError, tries: int) -> ModelError:
        often = f", {tries} tries" if tries > 1 else ""
        line = f"{self._endpoint.shown}: {self._endpoint.redact(failure.reason)}{often}; {failure.remedy}"
        return ModelError(line, failure.kind)
