from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from clinseek_replay.trajectory import Call, Result, Step, Trajectory

MakeStep = Callable[..., Step]
MakeRun = Callable[..., Trajectory]


@pytest.fixture(scope="session")
def make_step() -> MakeStep:
    """Makes a step of calls (tool, arguments, status, text), the last two where there is a result."""

    def make(number: int, *calls: tuple[Any, ...], **others: Any) -> Step:
        return Step(
            number=number,
            calls=tuple(
                Call(
                    anchor=f"s{number}.c{position}",
                    id=str(position),
                    name=call[0],
                    arguments=call[1],
                    result=Result(status=call[2], text=call[3], full_characters=len(call[3]))
                    if len(call) > 2
                    else None,
                )
                for position, call in enumerate(calls, 1)
            ),
            **others,
        )

    return make


@pytest.fixture(scope="session")
def make_run() -> MakeRun:
    def make(*steps: Step, **others: Any) -> Trajectory:
        return Trajectory(**{"run_id": "r", "source": "f", "format": "x", "steps": steps} | others)

    return make
