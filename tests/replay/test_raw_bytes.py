"""A step as it lies in the file."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from clinseek_core.errors import InputError
from clinseek_replay.raw_bytes import pieces_of, recording_file
from clinseek_replay.recordings import open_recordings
from clinseek_replay.trajectory import Span, Step, Trajectory

GOLDEN = Path(__file__).parents[1] / "golden" / "journal-1.jsonl"


def test_the_pieces_of_a_step_are_the_very_bytes_of_its_lines() -> None:
    run = open_recordings([GOLDEN]).run(0)
    lines = GOLDEN.read_text().splitlines()
    for step in run.steps:
        pieces = list(pieces_of(run, step))
        assert pieces
        assert all(piece.text in lines for piece in pieces)
        assert {json.loads(piece.text)["step"] for piece in pieces} == {step.number}


def test_bytes_that_are_no_text_and_very_long_pieces_are_shown_as_far_as_can_be(
    tmp_path: Path,
) -> None:
    path = tmp_path / "r.jsonl"
    path.write_bytes(b"\xff\xfe" + b"x" * (3 * 1024 * 1024))
    run = Trajectory(run_id="r", source=f"{path}:1", format="x")
    [piece] = pieces_of(run, Step(number=1, raw=(Span(0, 3 * 1024 * 1024),)))
    assert piece.text.startswith("\ufffd\ufffdx")
    assert piece.cut == 1024 * 1024
    assert list(pieces_of(run, Step(number=1))) == []


def test_a_file_that_is_gone_is_told(tmp_path: Path) -> None:
    run = Trajectory(run_id="r", source=str(tmp_path / "gone.jsonl"), format="x")
    with pytest.raises(InputError, match="there is no such file now"):
        list(pieces_of(run, Step(number=1, raw=(Span(0, 3),))))
    golden = open_recordings([GOLDEN]).run(0)
    assert recording_file(msgspec.structs.replace(golden, source=f"{GOLDEN}:1")) == GOLDEN
