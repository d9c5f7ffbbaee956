"""Marks are kept beside the recording, which is never touched."""

from __future__ import annotations

import pytest

from clinseek_core.errors import InputError
from clinseek_replay.cursor import Cursor
from clinseek_replay.cursor.marks import at_mark, mark, marks_of, read_marks, unmark
from clinseek_replay.triage.labels import findings_path, read_labels


@pytest.fixture
def run(make_run, make_step):
    return make_run(make_step(1, ("ehr.x", {}, "ok", "x")), make_step(2, text="hm"))


def test_a_mark_is_found_again_and_the_last_of_a_name_counts(tmp_path, run, make_run) -> None:
    recording = tmp_path / "traj.jsonl"
    recording.write_text("{}\n")
    assert read_marks(recording) == ()
    mark(recording, run, "odd", "s1.c1", author="me", text="why twice?")
    mark(recording, run, "end", "s2", author="me")
    mark(recording, run, "odd", "s2.t:0-2", author="you")
    mark(recording, make_run(*run.steps, run_id="other"), "odd", "s1", author="me")
    kept = marks_of(run, read_marks(recording))
    assert [(made.name, made.anchor, made.author) for made in kept] == [
        ("odd", "s2.t:0-2", "you"),
        ("end", "s2", "me"),
    ]
    assert at_mark(run, kept[0], 3) == Cursor(run=3, step=1)
    unmark(recording, run, "odd", author="me")
    assert [made.name for made in marks_of(run, read_marks(recording))] == ["end"]
    assert recording.read_text() == "{}\n"


def test_marks_and_labels_share_a_file_and_leave_each_other_alone(tmp_path, run) -> None:
    recording = tmp_path / "traj.jsonl"
    mark(recording, run, "odd", "s1", author="me")
    path = findings_path(recording)
    path.write_bytes(
        path.read_bytes() + b'{"type":"new","x":1}\nnonsense\n\xff\n[1]\n{"type":"mark","name":"half"'
    )
    mark(recording, run, "after", "s1.c1", author="me")
    assert [made.name for made in read_marks(recording)] == ["odd", "after"]
    held = read_labels(recording)
    assert (held.labels, held.other) == ((), 3)


def test_what_can_not_be_marked_says_why(tmp_path, run) -> None:
    recording = tmp_path / "traj.jsonl"
    for name, anchor, author, reason in [
        ("x", "s9", "me", "no step 9"),
        ("x", "12", "me", "is no anchor"),
        (" ", "s1", "me", "needs its author and a name"),
        ("x", "s1", "", "needs its author"),
        ("x" * 99, "s1", "me", "up to 80"),
    ]:
        with pytest.raises(InputError, match=reason):
            mark(recording, run, name, anchor, author=author)
    assert not findings_path(recording).exists()
    with pytest.raises(InputError, match="no mark 'x'"):
        unmark(recording, run, "x", author="me")
    with pytest.raises(InputError, match="can't be written"):
        mark(tmp_path / "gone" / "traj.jsonl", run, "x", "s1", author="me")
