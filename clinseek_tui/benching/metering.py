"""What all runs of a bench share of their endpoints: how often these are asked, and what may be spent."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from clinseek_core.models import ChatModel, Conversation, ModelProgress, Reply, StopSignal
from clinseek_core.tools import ToolSpec
from clinseek_tui.view.budget import Price

__all__ = ["Meter", "Metered"]

_MILLION = 1_000_000


class Meter:
    """Counts tokens, spaces requests, and calls `on_spent` once, when a bound is reached.

    Any thread may use it. A bound is looked at after each answer, so that the requests that are under way
    when it is reached still come to their end.
    """

    def __init__(
        self,
        on_spent: Callable[[], None],
        *,
        per_minute: int | None = None,
        max_tokens: int | None = None,
        max_cost: float | None = None,
        price: Price | None = None,
    ) -> None:
        """`max_cost` is in the currency of `price`, and goes with it."""
        self.input_tokens = 0
        self.output_tokens = 0
        self.spent = False
        self._on_spent = on_spent
        self._gap_s = 60.0 / per_minute if per_minute else 0.0
        self._max_tokens = max_tokens
        self._max_cost = max_cost
        self._price = price
        self._lock = threading.Lock()
        self._next = 0.0

    @property
    def cost(self) -> float | None:
        """So far; None without a price."""
        price = self._price
        if price is None:
            return None
        return (price.into * self.input_tokens + price.out * self.output_tokens) / _MILLION

    def wait(self, cancelled: StopSignal) -> None:
        """Wait for this request's turn, or until a stop."""
        if not self._gap_s:
            return
        with self._lock:
            turn = max(self._next, time.monotonic())
            self._next = turn + self._gap_s
        cancelled.wait(max(turn - time.monotonic(), 0.0))

    def add(self, input_tokens: int, output_tokens: int) -> None:
        """Count what an answer took."""
        with self._lock:
            self.input_tokens += input_tokens
            self.output_tokens += output_tokens
            cost = self.cost
            tokens = self.input_tokens + self.output_tokens
            over = self._max_tokens is not None and tokens >= self._max_tokens
            over = over or (self._max_cost is not None and cost is not None and cost >= self._max_cost)
            reached, self.spent = over and not self.spent, self.spent or over
        if reached:
            self._on_spent()


class Metered:
    """A ChatModel that goes by the meter."""

    def __init__(self, model: ChatModel, meter: Meter) -> None:
        self.info = model.info
        self._model = model
        self._meter = meter

    def reply(
        self,
        conversation: Conversation,
        tools: tuple[ToolSpec, ...],
        *,
        on_progress: Callable[[ModelProgress], None],
        cancelled: StopSignal,
    ) -> Reply:
        """The model's reply, when it is its turn."""
        if self.info.kind == "chat":
            self._meter.wait(cancelled)
        reply = self._model.reply(conversation, tools, on_progress=on_progress, cancelled=cancelled)
        if reply.usage is not None:
            self._meter.add(reply.usage.input_tokens, reply.usage.output_tokens)
        return reply
