from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import pytest

from clinseek_replay.trajectory import Call, Result, Step, Trajectory


class Made(NamedTuple):
    """A call to be made: its tool, one argument and its result."""

    tool: str
    argument: Any = ""
    text: str = "ok"
    status: str = "ok"


MakeRun = Callable[..., Trajectory]


@pytest.fixture(scope="session")
def make_call() -> type[Made]:
    return Made


@pytest.fixture(scope="session")
def make_run() -> MakeRun:
    """Makes a run of calls, `per_step` of them a step."""

    def make(calls: Iterable[Made], per_step: int = 2, **others: Any) -> Trajectory:
        listed = list(calls)
        steps = []
        for start in range(0, len(listed), per_step):
            number = start // per_step + 1
            steps.append(
                Step(
                    number=number,
                    calls=tuple(
                        Call(
                            anchor=f"s{number}.c{position}",
                            id=str(position),
                            name=call.tool,
                            arguments={"q": call.argument},
                            result=Result(
                                status=call.status,  # type: ignore[arg-type]
                                text=call.text,
                                full_characters=len(call.text),
                            ),
                        )
                        for position, call in enumerate(listed[start : start + per_step], 1)
                    ),
                )
            )
        return Trajectory(**{"run_id": "r", "source": "f", "format": "x", "steps": tuple(steps)} | others)

    return make
