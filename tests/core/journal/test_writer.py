import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinseek_core.errors import InputError
from clinseek_core.journal import (
    CallRequest,
    End,
    Header,
    JournalWriter,
    Observation,
    Resumed,
    Table,
    Turn,
    bodies_folder,
    read_body,
    read_journal,
    writer,
    writer_alive,
)


@pytest.fixture(autouse=True)
def _no_waiting_for_locks(monkeypatch):
    monkeypatch.setattr(writer, "_LOCK_WAIT_S", 0)


def test_what_is_appended_is_what_a_reader_gets(start):
    with start() as journal:
        journal.append(
            Turn, step=1, text="look", calls=(CallRequest(id="1", name="ehr.x", arguments={"a": [1]}),)
        )
        journal.append(
            Observation,
            step=1,
            call=1,
            tool_call_id="1",
            name="ehr.x",
            status="ok",
            table=Table(columns=("t",), rows=((datetime(2150, 1, 1),),), total=1),
        )
        read = read_journal(journal.path)
        assert list(read.records) == journal.events
        assert (read.damage, read.tail) == ((), b"")
        assert [event.seq for event in journal.events] == [0, 1, 2]
        assert all(event.at.tzinfo is UTC for event in journal.events)
        assert isinstance(journal.events[0], Header)


def test_each_event_is_in_the_file_as_soon_as_append_returns(start):
    with start() as journal:
        for step in range(1, 4):
            journal.append(Turn, step=step)
            assert journal.path.read_bytes().count(b"\n") == step + 1


def test_only_the_owner_may_read(start, tmp_path):
    with start(tmp_path / "new" / "folder" / "traj.jsonl") as journal:
        body = journal.store_text("note")
    modes = {
        place.stat().st_mode & 0o777: place.name
        for place in (journal.path, bodies_folder(journal.path), bodies_folder(journal.path) / body.sha256)
    }
    assert modes == {0o600: body.sha256, 0o700: "traj.jsonl.bodies"}


def test_a_journal_is_never_overwritten(start):
    start().close()
    with pytest.raises(InputError, match=r"traj\.jsonl: is not empty.*--resume"):
        start()


def test_a_second_writer_is_told_so_and_the_first_goes_on(start):
    with start() as first:
        assert writer_alive(first.path)
        for second in (start, lambda: JournalWriter.resume(first.path)):
            with pytest.raises(InputError, match="another process is writing this journal"):
                second()
        first.append(Turn, step=1)
    assert not writer_alive(first.path)
    assert len(read_journal(first.path).records) == 2


def test_the_lock_waits_for_a_follower_that_looks_in(start, monkeypatch):
    """A follower's question holds a shared lock for an instant; the writer asks again before it gives up."""
    monkeypatch.setattr(writer, "_LOCK_WAIT_S", 5)
    with start() as journal:
        path = journal.path
    with path.open("rb") as looking:
        writer.fcntl.flock(looking.fileno(), writer.fcntl.LOCK_SH)
        monkeypatch.setattr(writer.time, "sleep", lambda _: looking.close())
        JournalWriter.resume(path).close()


@pytest.mark.parametrize("cut", [1, 5, 40])
def test_resume_drops_the_line_that_was_cut_off(start, cut):
    with start() as journal:
        journal.append(Turn, step=1)
        journal.append(Turn, step=2, text="cut off")
    os.truncate(journal.path, journal.path.stat().st_size - cut)
    with JournalWriter.resume(journal.path) as again:
        assert [type(event) for event in again.events] == [Header, Turn, Resumed]
        again.append(Turn, step=2)
    read = read_journal(journal.path)
    assert [record.seq for record in read.records] == [0, 1, 2, 3]
    assert not read.damage


def test_resume_counts_on_after_events_it_does_not_know(start):
    with start() as journal:
        path = journal.path
    with path.open("ab") as file:
        file.write(b'{"type":"later_kind","seq":1,"at":"2150-01-01T00:00:00Z"}\n')
    with JournalWriter.resume(path) as again:
        assert again.events[-1].seq == 2


def test_a_run_that_ended_without_an_answer_can_go_on(start):
    with start() as journal:
        journal.append(End, status="error", stop_reason="endpoint_down")
    with JournalWriter.resume(journal.path) as again:
        assert isinstance(again.events[-1], Resumed)


def _answered(path: Path, start) -> None:
    with start(path) as journal:
        journal.append(End, status="answered", stop_reason="finish", answer=("a",))


def _write(data: bytes):
    return lambda path, start: path.write_bytes(data)


def _damaged(path: Path, start) -> None:
    start(path).close()
    path.write_bytes(path.read_bytes() + b"oops\n" + b'{"type":"nudge","seq":2}\n')


NOT_RESUMED = {
    "answered": (_answered, "was answered"),
    "empty": (_write(b""), "no journal"),
    "foreign": (_write(b'{"qid": "a", "messages": []}\n'), "no journal"),
    "only half a header": (_write(b'{"type":"header","seq":0'), "no journal"),
    "newer": (_write(b'{"type":"header","format":"clinseek.journal/2"}\n'), r"journal/2.*upgrade"),
    "damaged": (_damaged, r":2: not an event"),
    "missing": (lambda path, start: None, "No such file"),
    "a folder": (lambda path, start: path.mkdir(), "directory"),
}


@pytest.mark.parametrize(("make", "message"), NOT_RESUMED.values(), ids=NOT_RESUMED)
def test_what_can_not_be_resumed_says_why_and_stays_as_it_is(start, tmp_path, make, message):
    path = tmp_path / "x.jsonl"
    make(path, start)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(InputError, match=message) as caught:
        JournalWriter.resume(path)
    assert str(path) in str(caught.value)
    assert (path.read_bytes() if path.is_file() else None) == before


def test_a_full_disk_leaves_no_half_line(start, monkeypatch):
    with start() as journal:
        before = journal.path.read_bytes()

        def three_bytes_then_full(fd, data, write=os.write, calls=[]):  # noqa: B006 -- counts the calls
            calls.append(fd)
            if len(calls) > 1:
                raise OSError(28, "No space left on device")
            return write(fd, bytes(data[:3]))

        with monkeypatch.context() as patched:
            patched.setattr(os, "write", three_bytes_then_full)
            with pytest.raises(InputError, match="No space left"):
                journal.append(Turn, step=1)
        assert journal.path.read_bytes() == before
        assert journal.append(Turn, step=1).seq == 1


def test_bodies_are_found_by_digest_and_kept_once(start):
    with start() as journal:
        body, same = journal.store_text("a long note"), journal.store_text("a long note")
        image = journal.store_image(b"\x89PNG", "image/png", "film.png")
        assert body == same
        assert journal.read_body(body) == b"a long note"
        assert journal.read_body(image) == b"\x89PNG"
        assert image.bytes == 4
    assert sorted(place.name for place in bodies_folder(journal.path).iterdir()) == sorted(
        [body.sha256, image.sha256]
    )


def test_a_body_that_was_changed_or_lost_is_told(start):
    with start() as journal:
        body = journal.store_text("as it was")
    place = bodies_folder(journal.path) / body.sha256
    place.write_text("something else")
    with pytest.raises(InputError, match="has been changed"):
        read_body(journal.path, body)
    place.unlink()
    with pytest.raises(InputError, match=r"keep traj\.jsonl\.bodies beside"):
        read_body(journal.path, body)


def test_a_digest_can_not_name_another_file(start, tmp_path):
    (tmp_path / "secret").write_text("x")
    with start() as journal:
        body = journal.store_text("x")
        for digest in ("../secret", "/etc/passwd", "", body.sha256.upper()):
            with pytest.raises(InputError, match="no SHA-256"):
                journal.read_body(type(body)(sha256=digest, characters=1))


ANY_TEXT = st.text(st.characters(codec=None), max_size=30)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=ANY_TEXT, arguments=st.dictionaries(ANY_TEXT, ANY_JSON, max_size=3))
def test_anything_a_model_writes_can_be_written(start, tmp_path, text, arguments):
    path = tmp_path / "any.jsonl"
    path.unlink(missing_ok=True)
    with start(path) as journal:
        journal.append(Turn, step=1, text=text, calls=(CallRequest(id="1", name=text, arguments=arguments),))
        body = journal.store_text(text)
        assert journal.read_body(body).decode().__len__() == body.characters
    read = read_journal(path)
    assert list(read.records) == journal.events
    assert not read.damage


def test_lone_surrogates_and_bottomless_nesting_are_replaced_where_it_shows(start):
    deep: list = []
    for _ in range(5000):
        deep = [deep]
    with start() as journal:
        turn = journal.append(
            Turn,
            step=1,
            text="a\ud800b\ud83d\ude00",
            calls=(CallRequest(id="1", name="x", arguments={"d": deep}),),
        )
    assert turn.text == "a\ufffdb\U0001f600"
    assert "⟨nested too deeply to store⟩" in str(turn.calls[0].arguments)


CHILD = """
import sys
from pathlib import Path
from clinseek_core.journal import JournalWriter, Turn
with JournalWriter.resume(Path(sys.argv[1])) as journal:
    for step in range(1, 10**9):
        journal.append(Turn, step=step, text="x" * 5000)
        print(step, flush=True)
"""


def test_a_killed_writer_keeps_every_finished_event_and_frees_the_lock(start):
    with start() as journal:
        path = journal.path
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path)], stdout=subprocess.PIPE, text=True
    ) as child:
        told = [int(child.stdout.readline()) for _ in range(50)]
        assert writer_alive(path)
        child.send_signal(signal.SIGKILL)
        told += map(int, child.stdout.read().splitlines())
    assert not writer_alive(path)
    read = read_journal(path)
    assert not read.damage
    assert len([record for record in read.records if isinstance(record, Turn)]) >= len(told)
    with JournalWriter.resume(path) as again:
        assert isinstance(again.events[-1], Resumed)
        assert again.events[-1].seq == len(again.events) - 1
