"""Any bytes as a file and any JSON as a record: runs that can be shown, or one clear InputError."""

import functools
import json
import random
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recorded import FORMATS, RUN, canonical, expected, results_record

from clinseek_core.errors import InputError
from clinseek_replay.overview import overview
from clinseek_replay.readers import READERS
from clinseek_replay.recordings import open_recordings

SECONDS = 10
"""Far more than any of these small files takes, on a machine that has other things to do."""


def _open_all(path, *formats):
    """Read all runs of a file as each of these formats; tell them by structure where none is named."""
    began = time.perf_counter()
    for name in formats or (None, *(reader.name for reader in READERS)):
        try:
            recordings = open_recordings([path], format=name)
            runs = [recordings.run(index) for index in range(len(recordings.entries))]
        except InputError as error:
            told = str(error)
            assert "\n" not in told, told
            assert str(path) in told, told
            continue
        for run in runs:
            json.dumps(overview(run).question)
            for step in run.steps:
                assert all(span.offset >= 0 and span.length > 0 for span in step.raw)
                assert [call.anchor for call in step.calls] == [
                    f"s{step.number}.c{number}" for number in range(1, len(step.calls) + 1)
                ]
    assert time.perf_counter() - began < SECONDS


ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    [
        "<tool_call>",
        '<tool_call>{"name": "a"',
        "<function=a><parameter=b>",
        "[Tool Call: a({",
        "</tool_call>",
        "<tool_response>",
        "<think>",
        "<|im_start|>assistant\n",
        "attachment://0",
        "2150-01-01T00:00:00Z",
        "{'a': 1}",
        "[[[",
    ]
)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=6,
)


def _paths(value, path=()):
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from _paths(each, (*path, key))


def _replaced(value, path, new):
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _replaced(copy[path[0]], path[1:], new)
    return copy


JSON_FORMATS = sorted(
    name
    for name in FORMATS
    if not any(word in name for word in ("Inspect eval", "Parquet", "text", "md", "journal", "line"))
)
NOT_SLOW = settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@functools.cache
def _made(name):
    """What the file of a format holds: one JSON value, or one a line."""
    with tempfile.TemporaryDirectory() as folder:
        text = FORMATS[name].write(Path(folder) / "x", RUN).read_text()
    try:
        return [json.loads(text)]
    except ValueError:
        return [json.loads(line) for line in text.splitlines()]


@NOT_SLOW
@given(data=st.binary(max_size=300) | ANY_TEXT.map(str.encode))
def test_any_bytes(tmp_path, data):
    path = tmp_path / "any"
    path.write_bytes(data)
    _open_all(path)


@NOT_SLOW
@given(
    start=st.sampled_from([b"PK\x03\x04", b"PK\x05\x06", b"PAR1", b"{", b"[", b'"', b"\xff\xfe"]),
    data=st.binary(max_size=200),
)
def test_any_bytes_after_a_beginning_that_is_known(tmp_path, start, data):
    path = tmp_path / "any"
    path.write_bytes(start + data)
    _open_all(path)


@NOT_SLOW
@given(values=st.lists(ANY_JSON, max_size=3), indent=st.sampled_from([None, 1]))
def test_any_json(tmp_path, values, indent):
    path = tmp_path / "any"
    path.write_text("\n".join(json.dumps(value, indent=indent) for value in values))
    _open_all(path)


@pytest.mark.parametrize("name", JSON_FORMATS)
@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_json_in_any_place_of_a_record(tmp_path, name, data):
    made = _made(name)
    for _ in range(data.draw(st.integers(1, 3))):
        places = list(_paths(made))
        made = _replaced(made, places[data.draw(st.integers(0, len(places) - 1))], data.draw(ANY_JSON))
        if not isinstance(made, list):
            break
    path = tmp_path / "any"
    path.write_text(
        "".join(json.dumps(value) + "\n" for value in made) if isinstance(made, list) else json.dumps(made)
    )
    _open_all(path, None, FORMATS[name].reader)


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_hit_or_cut_anywhere(tmp_path, name):
    path = FORMATS[name].write(tmp_path / "x", RUN)
    whole = path.read_bytes()
    chance = random.Random(name)
    for _ in range(8 if "Parquet" in name else 30):
        at = chance.randrange(len(whole))
        hit = bytearray(whole)
        hit[at] ^= chance.randrange(1, 256)
        path.write_bytes(whole[:at] if chance.random() < 0.4 else hit)
        _open_all(path, None, FORMATS[name].reader)


@NOT_SLOW
@given(bad=st.binary(max_size=60).filter(lambda data: b"\n" not in data), position=st.integers(0, 2))
def test_a_bad_line_never_costs_the_others(tmp_path, bad, position):
    good = json.dumps(results_record(RUN)).encode()
    lines = [good, good]
    lines.insert(position, bad)
    path = tmp_path / "any"
    path.write_bytes(b"\n".join(lines))
    recordings = open_recordings([path], format="results-jsonl")
    assert [canonical(recordings.run(n)) for n in range(2)] == [expected()] * 2
    assert len(recordings.problems) == (1 if bad.strip() else 0)


DEEP = 200_000
ODD = {
    "lists without end": "[" * DEEP,
    "objects without end": '{"a":' * DEEP,
    "messages within messages": '{"messages": [' * DEEP,
    "a chat and lists without end": '{"messages": [{"role": "user", "content": ' + "[" * DEEP,
    "closed": '{"qid": "q", "messages": [{"role": "user", "content": ' + "[" * 5000 + "]" * 5000 + "}]}",
    "closed and not so deep": '{"qid": "q", "messages": [{"role": "assistant", "content": '
    + "[" * 900
    + "]" * 900
    + "}]}",
    "digits": '{"qid": "q", "messages": [], "subject_id": ' + "9" * 100_000 + "}",
    "digits of a text": json.dumps({"qid": "q", "messages": [], "subject_id": "9" * 100_000}),
    "commas": "[" + "," * DEEP,
    "quotes": '"' * DEEP,
    "backslashes": '"' + "\\" * DEEP,
    "turns without end": "<|im_start|>" * 50_000,
    "headings": "# trajectory\n" + "### Call #1 — `x` (msg 1)\n" * 5_000,
    "fences": "# trajectory\n### Call #1 — `x` (msg 1)\n" + "```\n" * 10_000,
    "responses": "<tool_call><function=a></function></tool_call>" + "<tool_response>" * 50_000,
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_what_has_no_end_takes_no_end_of_time(tmp_path, text):
    path = tmp_path / "any"
    path.write_text(text)
    _open_all(path, None, "openai-chat", "results-jsonl", "sft-text", "trajectory-md", "inspect-json", "otel")
