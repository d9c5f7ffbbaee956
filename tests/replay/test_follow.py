import pytest

from clinseek_core.errors import InputError
from clinseek_core.journal import CallRequest, End, JournalWriter, Observation, Turn
from clinseek_replay.follow import JournalFollower
from clinseek_replay.recordings import open_recordings
from clinseek_replay.source import FollowSource, RecordedSource


def test_each_poll_reads_what_was_appended_and_nothing_else(start, monkeypatch):
    from clinseek_replay import follow

    asked = []
    read = follow.read_journal
    monkeypatch.setattr(follow, "read_journal", lambda path, *rest: asked.append(rest) or read(path, *rest))
    with start() as journal:
        follower = JournalFollower(journal.path)
        assert follower.poll().qid == "q1"
        assert follower.poll() is None
        header = journal.path.stat().st_size
        journal.append(Turn, step=1, calls=(CallRequest(id="1", name="ehr.x", arguments={}),))
        assert follower.poll().steps[0].calls[0].status == "pending"
        journal.append(Observation, step=1, call=1, tool_call_id="1", name="ehr.x", status="empty")
        assert follower.poll().steps[0].calls[0].status == "empty"
        assert follower.state == "growing"
        journal.append(End, status="answered", stop_reason="finish", answer=("a",))
        assert follower.poll().answer == ("a",)
        assert follower.state == "ended"
    assert asked[:2] == [(0, 0), (header, 1)]
    assert follower.trajectory == open_recordings([journal.path]).run(0)


def test_a_line_that_is_still_being_written_waits_for_its_end(start):
    with start() as journal:
        follower = JournalFollower(journal.path)
        follower.poll()
        journal.append(Turn, step=1, text="whole")
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole[:-10])
    assert follower.poll() is None
    journal.path.write_bytes(whole)
    assert follower.poll().steps[0].text == "whole"


def test_a_writer_that_was_killed_is_gone_and_a_resume_brings_it_back(start):
    with start() as journal:
        journal.append(Turn, step=1)
        follower = JournalFollower(journal.path)
        follower.poll()
    with journal.path.open("ab") as file:
        file.write(b'{"type":"turn","seq":2,"at"')
    assert follower.poll() is None
    assert follower.state == "gone"
    with JournalWriter.resume(journal.path) as again:
        assert follower.state == "growing"
        again.append(Turn, step=2, text="went on")
        run = follower.poll()
    assert run.damage == ()
    assert [note.kind for note in run.steps[0].notes] == ["resumed"]
    assert run.steps[1].text == "went on"


@pytest.mark.parametrize("more", ["", "x" * 5000], ids=["shorter", "longer"])
def test_a_file_that_was_replaced_is_read_anew(start, tmp_path, more):
    with start() as journal:
        journal.append(Turn, step=1)
        follower = JournalFollower(journal.path)
        assert len(follower.poll().steps) == 1
    with start(tmp_path / "new.jsonl") as other:
        if more:
            other.append(Turn, step=7, text=more)
        other.path.replace(journal.path)
    run = follower.poll()
    assert run.run_id == other.events[0].run_id
    assert [step.number for step in run.steps] == ([7] if more else [])


def test_damage_is_told_once(start):
    with start() as journal:
        follower = JournalFollower(journal.path)
        with journal.path.open("ab") as file:
            file.write(b"oops\n")
        journal.append(Turn, step=1)
        run = follower.poll()
        journal.append(Turn, step=2)
        run = follower.poll()
    assert [damage.line for damage in run.damage] == [2]


def test_what_can_not_be_followed_says_so(tmp_path, start):
    with pytest.raises(InputError, match="no such journal"):
        JournalFollower(tmp_path / "missing.jsonl")
    path = tmp_path / "new.jsonl"
    path.write_text('{"type":"header","format":"clinseek.journal/3"}\n')
    with pytest.raises(InputError, match="upgrade"):
        JournalFollower(path).poll()
    follower = JournalFollower(path)
    path.unlink()
    with pytest.raises(InputError, match="can't be read any more"):
        follower.poll()


def test_a_live_source_shows_the_run_as_it_grows(start):
    with start() as journal:
        source = FollowSource(journal.path, mode="live")
        assert (source.mode, source.position, source.labels) == ("live", 0, ("…",))
        assert source.select(0).qid == "q1"
        assert source.labels == ("q1",)
        assert source.poll() is None
        journal.append(Turn, step=1)
        assert len(source.poll().steps) == 1
        assert len(source.select(0).steps) == 1


def test_a_recorded_source_moves_between_runs(write_runs):
    path = write_runs(*({"qid": f"q{n}", "messages": [], "status": "error"} for n in range(3)))
    source = RecordedSource(open_recordings([path]), 1)
    assert (source.mode, source.position, source.poll()) == ("replay", 1, None)
    assert source.labels == ("q0 · error", "q1 · error", "q2 · error")
    assert source.select(2).qid == "q2"
    assert source.position == 2
