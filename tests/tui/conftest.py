"""Runs and sources for the tests of the screens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.color import ColorSystem
from textual import events
from textual.keys import _character_to_key

from clinseek_core.case import Policy
from clinseek_core.case_files import load_cases
from clinseek_core.errors import InputError
from clinseek_core.imaging.boxes import Box, predictions
from clinseek_core.journal.events import DataInfo, Table, Usage
from clinseek_fixtures import bench_cases_path
from clinseek_replay.trajectory import Call, CallStatus, Mode, Note, Result, Step, Trajectory
from clinseek_tui.app import DebuggerApp
from clinseek_tui.live import Progress

CREATININE = """SELECT charttime, known_at, label, valuenum FROM labevents JOIN d_labitems USING (itemid) \
WHERE label ILIKE '%creatinine%' AND valuenum > 1.2 -- rising? \nORDER BY charttime DESC LIMIT 50"""
QUESTION = (
    "A patient was admitted from the emergency department. Using what was known at the prediction time, "
    "which drugs will be ordered within the next 24 hours? Answer with names from the candidates."
)


class Build:
    """Makes small trajectories in few words."""

    @staticmethod
    def table(columns: str, *rows: tuple[Any, ...], total: int = 0) -> Table:
        return Table(columns=tuple(columns.split()), rows=rows, total=total or len(rows))

    @staticmethod
    def call(
        name: str,
        arguments: dict[str, Any] | None = None,
        text: str = "",
        *,
        anchor: str = "s1.c1",
        status: CallStatus = "ok",
        table: Table | None = None,
        full: int = 0,
        raw: str = "",
    ) -> Call:
        size = max(full, len(text))
        result = Result(status=status, text=text, full_characters=size, table=table, ms=4.0)
        return Call(
            anchor=anchor,
            id=f"call_{anchor}",
            name=name,
            arguments=arguments,
            raw_arguments=raw,
            result=None if status == "pending" else result,
        )

    @staticmethod
    def step(
        number: int, *calls: Call, text: str = "", reasoning: str = "", notes: tuple[Note, ...] = ()
    ) -> Step:
        named = (msgspec.structs.replace(c, anchor=f"s{number}.c{n}") for n, c in enumerate(calls, 1))
        return Step(
            number=number,
            text=text,
            reasoning=reasoning,
            calls=tuple(named),
            notes=notes,
            at=datetime(2150, 3, 3, 6, 1),
            usage=Usage(input_tokens=2_143, output_tokens=118),
            ms=1240.0,
        )

    @staticmethod
    def run(*steps: Step, **fields: Any) -> Trajectory:
        given: dict[str, Any] = {
            "run_id": "r1",
            "source": "run.traj.jsonl",
            "format": "clinseek.journal/1",
            "qid": "bundled_01",
            "task": "Pharmacy_24h",
            "subject_id": 90000001,
            "prediction_time": datetime(2150, 3, 3, 6),
            "question": QUESTION,
            "policy": Policy(),
            "model": "seeker",
        }
        return Trajectory(steps=steps, **(given | fields))

    def labs(self, count: int = 37) -> Table:
        rows = (
            (
                f"2150-03-0{2 - n // 24} {23 - n % 24:02}:10",
                f"2150-03-0{2 - n // 24} {23 - n % 24:02}:58",
                "Creatinine",
                round(1.9 - n / 50, 2),
            )
            for n in range(count)
        )
        return self.table("charttime known_at label valuenum", *rows)

    def story(self) -> Trajectory:
        """A run with something of everything: tables, text, an error, an empty result, a think, two calls."""
        labs = self.labs()
        return self.run(
            self.step(
                1,
                self.call(
                    "ehr.load_ehr",
                    {"subject_id": "90000001", "timestamp": "2150-03-03 06:00:00"},
                    "Loaded 90000001: 14 tables.",
                ),
            ),
            self.step(
                2,
                self.call(
                    "ehr.get_records_by_time",
                    {"table_name": "labevents", "start": "2150-03-02 00:00:00"},
                    "…",
                    table=labs,
                ),
            ),
            self.step(
                3,
                reasoning="The creatinine rises while the lactate falls.\n\nA renal cause is likely.",
                text="I look at the creatinine over the whole stay.",
            ),
            self.step(
                4,
                self.call(
                    "ehr.run_sql_query",
                    {"sql_query": CREATININE},
                    "charttime,known_at,label,valuenum\n" * 20,
                    table=labs,
                ),
                reasoning="Only the values known before the cutoff count.",
            ),
            self.step(
                5,
                self.call(
                    "ehr.run_sql_query",
                    {"sql_query": "SELECT * FROM diagnoses"},
                    'Catalog Error: Table with name diagnoses does not exist!\nDid you mean "diagnoses_icd"?',
                    status="error",
                ),
            ),
            self.step(
                6,
                self.call(
                    "ehr.get_candidates_by_semantic_similarity",
                    {"query": "antibiotic", "k": 5},
                    "…",
                    table=self.table("name score", ("Piperacillin-Tazobactam", 0.91), ("Cefepime", 0.88)),
                ),
                self.call(
                    "browser.search",
                    {"query": "sepsis empiric antibiotic renal dosing"},
                    "1. Surviving Sepsis: early broad-spectrum antibiotics …",
                    full=52_100,
                ),
                self.call(
                    "ehr.get_latest_records",
                    {"table_name": "microbiologyevents"},
                    "no rows",
                    status="empty",
                    table=self.table("charttime spec_type_desc org_name"),
                ),
            ),
            self.step(
                7,
                self.call(
                    "ehr.finish",
                    {"response": ["Piperacillin-Tazobactam", "Vancomycin"]},
                    "The answer is recorded.",
                ),
            ),
            candidates=("Cefepime", "Furosemide", "Piperacillin-Tazobactam", "Vancomycin"),
            gold=("Piperacillin-Tazobactam", "Furosemide"),
            answer=("Piperacillin-Tazobactam", "Vancomycin"),
            answer_source="finish",
            status="answered",
            stop_reason="finish",
        )


class Source:
    """A RunSource over values: `grow` is what a writer would have appended."""

    def __init__(self, *runs: Trajectory, mode: Mode = "replay", state: str = "growing") -> None:
        self.runs = list(runs)
        self.mode: Mode = mode
        self.state = state
        self.position = 0
        self.unreadable: set[int] = set()
        self._new: Trajectory | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(f"{run.qid} · run {n}" for n, run in enumerate(self.runs, 1))

    def select(self, index: int) -> Trajectory:
        if index in self.unreadable:
            raise InputError(f"run.jsonl:{index + 1}: the file has changed; open it again")
        self.position = index
        return self.runs[index]

    def poll(self) -> Trajectory | None:
        new, self._new = self._new, None
        return new

    def grow(self, run: Trajectory) -> None:
        self.runs[self.position] = self._new = run


class Port:
    """A LivePort that writes down what it was asked."""

    def __init__(self, *progress: Progress, paused: bool = False) -> None:
        self.progress = progress
        self.paused = paused
        self.asked: list[str] = []
        self.approving = False
        self.waiting_call: Any = None
        self.decisions: list[Any] = []

    def ask_before_calls(self, on: bool) -> None:
        self.approving = on
        self.asked.append(f"approve {on}")

    def decide(self, decision: Any) -> None:
        self.decisions.append(decision)
        self.waiting_call = None

    def pause(self) -> None:
        self.paused = True
        self.asked.append("pause")

    def resume(self) -> None:
        self.paused = False
        self.asked.append("resume")

    def step(self) -> None:
        self.paused = True
        self.asked.append("step")

    def stop(self) -> None:
        self.asked.append("stop")


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No colour or theme comes from the terminal that runs the tests, nothing of a person's is touched."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for variable in ("NO_COLOR", "COLORFGBG", "TEXTUAL_THEME"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def build() -> Build:
    return Build()


@pytest.fixture
def source_of() -> type[Source]:
    return Source


@pytest.fixture
def port_of() -> type[Port]:
    return Port


@pytest.fixture
def app_of() -> Any:
    """An app over trajectories, whatever the environment of the tests says about terminals."""

    def make(*runs: Trajectory, mode: Mode = "replay", port: Port | None = None, **more: Any) -> DebuggerApp:
        return DebuggerApp(Source(*runs, mode=mode), port, ascii_only=more.pop("ascii_only", False), **more)

    return make


def lines_of(app: DebuggerApp) -> list[str]:
    """What the screen shows, line by line, with the terminal's own eyes: no styles."""
    strips = app.screen._compositor.render_strips()
    return ["".join(segment.text for segment in strip).rstrip() for strip in strips]


@pytest.fixture
def shows() -> Callable[[DebuggerApp], str]:
    return lambda app: "\n".join(lines_of(app))


@pytest.fixture
def look(shows: Any) -> Any:
    """Press keys and say what is then shown, once all that was asked for has come."""

    async def pressed(pilot: Any, *keys: str) -> str:
        for key in keys or ("",):
            if key:
                await pilot.press(key)
            await pilot.app.workers.wait_for_complete()
            await pilot.pause()
        screen: str = shows(pilot.app)
        return screen

    return pressed


class Hands:
    """A pilot whose keys come as fast as they are typed: letters in a row are waited for once."""

    def __init__(self, pilot: Any) -> None:
        self._pilot = pilot

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pilot, name)

    async def press(self, *keys: str) -> None:
        for letters, group in groupby(keys, lambda key: key.isalnum() and len(key) == 1):
            for key in group:
                character = key if len(key) == 1 else " " if key == "space" else None
                name = _character_to_key(key) if len(key) == 1 else key
                self._pilot.app.post_message(events.Key(name, character))
                if not letters:
                    await self._pilot.pause()
            await self._pilot.pause()


@pytest.fixture
def drive() -> Callable[..., None]:
    """Run an app without a terminal and let a story press its keys."""

    def run(
        app: DebuggerApp, story: Callable[[Any], Awaitable[None]], size: tuple[int, int] = (120, 40)
    ) -> None:
        async def main() -> None:
            async with app.run_test(size=size, notifications=True) as pilot:
                await pilot.pause()
                await story(Hands(pilot))

        asyncio.run(main())

    return run


CASE = next(case for case in load_cases(bench_cases_path()) if len(case.images) > 1)
SCORES = {"Cardiomegaly": 0.91, "Pleural_Effusion": 0.2}


def told(output: dict[str, Any], **metadata: Any) -> str:
    """A result of an image tool."""
    return json.dumps({"output": output, "metadata": {"backend": "fixture", **metadata}})


@pytest.fixture
def films_run(build: Any) -> Any:
    """A run on a bundled case with two films: boxes, scores, a query, and a film that nobody has."""

    def made(*more: Any, **fields: Any) -> Trajectory:
        first, second = CASE.images[:2]
        box = Box("left lower zone", 0.55, 0.5, 0.9, 0.8)
        calls = (
            build.call(
                "image.xray_phrase_grounding",
                {"image_path": second.path, "phrase": "opacity"},
                told({"predictions": predictions([box], 512, 512)}, original_size=[512, 512]),
            ),
            build.call("image.chest_xray_classifier", {"image_path": first.path}, told(SCORES, model="m")),
            build.call("ehr.run_sql_query", {"sql_query": "select 1"}, "1"),
            *more,
        )
        given = {
            "films": (first, second),
            "data": DataInfo(source="bundled", digest=""),
            "subject_id": CASE.subject_id,
            "prediction_time": CASE.prediction_time,
        }
        return build.run(*(build.step(n, call) for n, call in enumerate(calls, 1)), **(given | fields))

    return made


@pytest.fixture
def coloured(app_of: Any) -> Any:
    """An app on a terminal of 24-bit colours, or of others."""

    def made(run: Trajectory, system: ColorSystem = ColorSystem.TRUECOLOR, **more: Any) -> Any:
        app = app_of(run, **more)
        app.console._color_system = system
        return app

    return made
