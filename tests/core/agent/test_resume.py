"""However far a run came before it was cut off, going on ends in the same conversation."""

from __future__ import annotations

import pytest

from clinseek_core.agent import fold, run
from clinseek_core.journal import CallRequest, End, JournalWriter, Observation, Turn
from clinseek_core.models import Reply

LINES = 17
"""Of the whole run below."""


def whole_run(journal, scripted, call, toolbox, control):
    """Batches, a bad call, two nudges, a large result, a finish that is refused and one that is not."""
    look = ("ehr.get_records", {"table_name": "labevents"})
    model = scripted(
        call(look, ("ehr.recite", {"characters": 40_000}), look, text="I look."),
        Reply(text="Hm."),
        Reply(reasoning="Hm, hm."),
        Reply(calls=(CallRequest(id="bad", name="ehr.finish", raw="oops"),)),
        call(("ehr.recite", {"characters": 150_000}), ("ehr.finish", {"response": ["Furosemide"]}), look),
    )
    return model, run(journal, model, toolbox, control)


@pytest.mark.parametrize("torn", [False, True], ids=["whole lines", "last line torn"])
@pytest.mark.parametrize("kept", range(1, LINES))
def test_going_on_from_any_line_gives_the_same_run(new_journal, scripted, call, toolbox, control, kept, torn):
    journal = new_journal()
    model, end = whole_run(journal, scripted, call, toolbox, control)
    journal.close()
    expected = fold(journal.events, journal.read_body)
    lines = journal.path.read_bytes().splitlines(keepends=True)
    assert len(lines) == LINES
    journal.path.write_bytes(b"".join(lines[:kept]) + (lines[kept][:-20] if torn else b""))
    asked = len(model.conversations)

    with JournalWriter.resume(journal.path) as again:
        resumed_end = run(again, model, toolbox, control)
        state = fold(again.events, again.read_body)

    assert state.messages == expected.messages
    assert (
        (resumed_end.status, resumed_end.answer) == (end.status, end.answer) == ("answered", ("Furosemide",))
    )
    turns = sum(isinstance(event, Turn) for event in journal.events[:kept])
    assert len(model.conversations) - asked == 5 - turns, "no turn is asked for twice"
    places = [(event.step, event.call) for event in again.events if isinstance(event, Observation)]
    assert places == [(1, 1), (1, 2), (1, 3), (4, 1), (5, 1), (5, 2), (5, 3)], "and no call is answered twice"


def test_a_run_without_an_answer_ends_the_same_way_again(new_journal, scripted, call, toolbox, control):
    journal = new_journal(max_rounds=1)
    model = scripted(call(("ehr.load_ehr", {})))
    run(journal, model, toolbox, control)
    journal.close()
    with JournalWriter.resume(journal.path) as again:
        end = run(again, model, toolbox, control)
        assert (end.status, end.stop_reason) == ("no_answer", "max_rounds")
        assert [type(event).__name__ for event in again.events[-3:]] == ["End", "Resumed", "End"]
        assert isinstance(again.events[-1], End)
