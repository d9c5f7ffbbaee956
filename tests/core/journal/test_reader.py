import contextlib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinseek_core.errors import InputError
from clinseek_core.journal import (
    Body,
    End,
    Header,
    Nudge,
    Observation,
    Prompt,
    Resumed,
    Retry,
    Turn,
    Unknown,
    decode_line,
    read_body,
    read_journal,
    schema,
)

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden" / "journal-1.jsonl"
AT = '"at":"2150-01-01T00:00:00Z"'


def test_the_golden_journal_opens_for_ever():
    journal = read_journal(GOLDEN)
    kinds = {type(record) for record in journal.records}
    assert kinds == {Header, Prompt, Turn, Observation, Retry, Nudge, Resumed, End, Unknown}
    assert [record.seq for record in journal.records] == list(range(20))
    assert (journal.damage, journal.tail, journal.lines) == ((), b"", 20)
    header, end = journal.records[0], journal.records[-1]
    assert (header.case.qid, header.case.gold) == ("golden-1", ("Piperacillin-Tazobactam",))
    assert end.answer == ("Piperacillin-Tazobactam",)
    [image] = journal.records[1].messages[1].images
    assert len(read_body(GOLDEN, image)) == image.bytes
    [cut] = (record for record in journal.records if isinstance(record, Observation) and record.full)
    assert read_body(GOLDEN, cut.full).startswith(read_body(GOLDEN, cut.body))
    assert {record.status for record in journal.records if isinstance(record, Observation)} == {
        "ok",
        "empty",
        "error",
        "refused",
        "limited",
    }


def test_the_golden_journal_is_written_back_as_it_was():
    """What we write has not changed either: but for the two things that no version wrote."""
    for line in GOLDEN.read_bytes().splitlines():
        record = decode_line(line)
        if not isinstance(record, Unknown):
            written = msgspec.json.decode(msgspec.json.encode(record))
            assert written == {
                k: v for k, v in msgspec.json.decode(line).items() if k not in ("mood", "message")
            }


def test_the_schema_in_the_documentation_is_current():
    committed = (ROOT / "docs" / "formats" / "journal.schema.json").read_text()
    assert committed == schema.schema_text(), "run python -m clinseek_core.journal.schema > docs/formats/…"


def test_the_documentation_names_every_field():
    text = (ROOT / "docs" / "formats" / "journal.md").read_text()
    for name, shape in msgspec.json.decode(schema.schema_text())["$defs"].items():
        missing = [field for field in shape.get("properties", {}) if f"`{field}`" not in text]
        assert not missing, f"{name}: {missing}"


def test_unknown_kinds_are_kept_and_unknown_fields_ignored():
    later = decode_line(f'{{"type":"later","seq":7,{AT},"x":[1]}}'.encode())
    assert later == Unknown(
        type="later", seq=7, raw={"type": "later", "seq": 7, "at": "2150-01-01T00:00:00Z", "x": [1]}
    )
    known = decode_line(f'{{"type":"nudge","seq":7,{AT},"step":1,"text":"go on","x":[1]}}'.encode())
    assert isinstance(known, Nudge)


def test_a_newer_major_version_is_refused_with_the_remedy(tmp_path):
    path = tmp_path / "new.jsonl"
    path.write_text('{"type":"header","format":"clinseek.journal/2","everything":"else"}\n')
    with pytest.raises(InputError, match=r"new.jsonl:1: the journal is clinseek.journal/2 .* upgrade"):
        read_journal(path)


@pytest.mark.parametrize(
    "line",
    [
        b"oops",
        b"\xff\xfe",
        b"[1]",
        b"{}",
        b'{"type":"turn"}',
        b'{"type":"turn","seq":"x"}',
        b'{"type":"header","seq":0,"format":"other/1"}',
        b'{"type":"header","seq":0,"format":"clinseek.journal/1"}',
        b'{"type":"later","x":' + b"[" * 20000,
        b'{"type":"later","x":NaN}',
    ],
)
def test_a_bad_line_is_damage_and_never_the_end_of_the_reading(tmp_path, line):
    path = tmp_path / "bad.jsonl"
    good = f'{{"type":"nudge","seq":1,{AT},"step":1,"text":"x"}}\n'.encode()
    path.write_bytes(good + b"\n" + line + b"\n" + good)
    journal = read_journal(path)
    assert len(journal.records) == 2
    assert [damage.line for damage in journal.damage] == [3]
    assert len(journal.damage[0].reason) > 10


def test_reading_goes_on_where_it_stopped(tmp_path):
    path = tmp_path / "grows.jsonl"
    lines = [f'{{"type":"nudge","seq":{n},{AT},"step":1,"text":"x"}}\n'.encode() for n in range(3)]
    path.write_bytes(lines[0] + lines[1][:20])
    first = read_journal(path)
    assert (len(first.records), first.tail) == (1, lines[1][:20])
    path.write_bytes(b"".join(lines) + b"oops\n")
    rest = read_journal(path, first.end, first.lines)
    assert [record.seq for record in rest.records] == [1, 2]
    assert rest.damage[0].line == 4


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=200))
def test_any_line_is_an_event_or_says_why_not(line):
    with contextlib.suppress(ValueError):
        decode_line(line)


def test_body_needs_a_digest(tmp_path):
    with pytest.raises(InputError):
        read_body(tmp_path / "x.jsonl", Body(sha256="..", characters=0))
