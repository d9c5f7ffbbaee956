"""What a screen may show while a run works; none of it is stored."""

from __future__ import annotations

from typing import Literal

import msgspec

from clinseek_core.models import ModelProgress

__all__ = ["Asking", "CallState", "Progress"]


class Asking(msgspec.Struct, frozen=True):
    """The model is asked for step `s<step>`."""

    step: int


class CallState(msgspec.Struct, frozen=True):
    """Call `s<step>.c<call>` waits for its turn, or runs."""

    step: int
    call: int
    name: str
    state: Literal["queued", "running"]


Progress = ModelProgress | Asking | CallState
