"""One run, recorded in every format, opens to the same run, but for what a format can't carry."""

import pytest
from recorded import DIALECTS, FORMATS, RUN, canonical, expected, text_messages

from clinseek_replay.readers import READERS, detect
from clinseek_replay.recordings import open_recordings

BY_NAME = pytest.mark.parametrize("name", FORMATS)


@pytest.fixture
def recording(tmp_path, name):
    """The file, with a name that tells nothing."""
    return FORMATS[name].write(tmp_path / "x.bin", RUN)


@BY_NAME
def test_a_run_is_the_same_in_every_format(recording, name):
    recordings = open_recordings([recording])
    assert canonical(recordings.run(0)) == expected(FORMATS[name].lacks)
    assert recordings.problems == ()
    assert recordings.run(0).damage == ()


@BY_NAME
def test_the_format_is_told_by_the_file_s_structure_and_says_why(recording, name):
    reader, why = detect(recording)
    assert reader.name == FORMATS[name].reader
    assert " is " in why
    (told,) = open_recordings([recording]).read_as
    assert told == f"{recording}: read as {reader.name} because {why}"


@BY_NAME
def test_naming_the_format_reads_the_same(recording, name):
    named = open_recordings([recording], format=FORMATS[name].reader)
    assert named.run(0) == open_recordings([recording]).run(0)


def test_every_reader_has_a_recording():
    known = {made.reader for made in FORMATS.values()} | {"swe-agent", "mini-swe-agent"}
    assert {reader.name for reader in READERS} <= known


@BY_NAME
def test_a_step_s_bytes_are_in_the_file(recording, name):
    if not FORMATS[name].spans:
        assert all(step.raw == () for step in open_recordings([recording]).run(0).steps)
        return
    data = recording.read_bytes()
    for step, turn in zip(
        open_recordings([recording]).run(0).steps, expected(FORMATS[name].lacks)["steps"], strict=True
    ):
        raw = b"".join(data[span.offset : span.offset + span.length] for span in step.raw)
        names = [call[0].encode() for call in turn[2]]
        assert names
        assert all(called in raw for called in names)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("as_responses", [True, False], ids=["responses", "plain turns"])
def test_calls_in_any_dialect_of_text(write_runs, dialect, as_responses):
    messages = text_messages(RUN, dialect, as_responses=as_responses)
    run = open_recordings([write_runs({"messages": messages})]).run(0)
    lacks = ("qid", "gold", *(["types"] if dialect in ("xml", "naked") else []))
    assert canonical(run) == expected(lacks)
    assert {flag for step in run.steps for call in step.calls for flag in call.flags} == {"from_text"}


def test_dialects_may_change_from_turn_to_turn(write_runs):
    messages = text_messages(RUN, "json", "bracket", "inline")
    run = open_recordings([write_runs({"messages": messages})]).run(0)
    assert canonical(run) == expected(("qid", "gold"))
