"""What the model had before it: every message up to a turn, what was cut of it, and what had left."""

from __future__ import annotations

from typing import Any

import msgspec

from clinseek_replay.context import context_at, messages_of
from clinseek_replay.trajectory import Call, Note, Result, Step, Trajectory


def step(number: int, text: str, full: int = 0, notes: tuple[Note, ...] = ()) -> Step:
    result = Result(status="ok", text=text, full_characters=max(full, len(text)))
    call = Call(anchor=f"s{number}.c1", id="1", name="ehr.x", arguments={"a": 1}, result=result)
    return Step(number=number, text=f"turn {number}", calls=(call,), notes=notes)


def run_of(*steps: Step, **fields: Any) -> Trajectory:
    given: dict[str, Any] = {
        "format": "clinseek.journal/1",
        "prompt": (("system", "You seek."), ("user", "Which drugs?")),
    }
    return Trajectory(run_id="r", source="r.jsonl", steps=steps, **(given | fields))


def test_the_context_of_a_turn_is_all_that_came_before_it_and_nothing_of_itself() -> None:
    run = run_of(step(1, "one"), step(2, "two"))
    messages = tuple(messages_of(run))
    assert [(m.role, m.anchor) for m in context_at(run, messages, 0).messages] == [
        ("system", ""),
        ("user", ""),
    ]
    second = context_at(run, messages, 1)
    assert [(m.role, m.anchor) for m in second.messages][2:] == [("assistant", "s1"), ("tool", "s1.c1")]
    assert second.characters == len("You seek.Which drugs?turn 1" + '{"a": 1}' + "one")
    assert second.messages[-1].head == "one"


def test_what_was_cut_of_a_result_is_counted() -> None:
    run = run_of(step(1, "head", full=1_000), step(2, "x"))
    context = context_at(run, tuple(messages_of(run)), 1)
    assert context.cut == 996
    assert [m.anchor for m in context.messages if m.cut] == ["s1.c1"]


def test_results_that_had_left_the_context_are_told_apart_from_then_on() -> None:
    note = Note("compaction", '{"kept_from": "s2"}')
    run = run_of(step(1, "one"), step(2, "two", notes=(note,)), step(3, "three"))
    messages = tuple(messages_of(run))
    assert context_at(run, messages, 1).gone == ()
    third = context_at(run, messages, 2)
    assert [m.anchor for m in third.gone] == ["s1.c1"]
    assert [m.anchor for m in third.messages if m.role == "tool"] == ["s2.c1"]
    assert "assistant" in {m.role for m in third.messages}


def test_a_nudge_is_a_message_of_the_user() -> None:
    silent = Step(number=1, text="I think.", notes=(Note("nudge", "Call a tool."), Note("retry", "429")))
    messages = list(messages_of(run_of(silent)))
    assert [(m.role, m.head) for m in messages][2:] == [("assistant", "I think."), ("user", "Call a tool.")]


def test_only_a_whole_journal_is_exact_and_rules_are_no_model() -> None:
    run = run_of(step(1, "one"))
    messages = tuple(messages_of(run))
    assert context_at(run, messages, 0).exact
    assert "rules" in context_at(msgspec.structs.replace(run, rules=True), messages, 0).why
    foreign = context_at(msgspec.structs.replace(run, format="openai.chat", prompt=()), messages, 0)
    assert not foreign.exact
    assert "reconstructed" in foreign.why
    assert "opening messages are not in the recording" in foreign.why
    assert not context_at(msgspec.structs.replace(run, prompt=()), messages, 0).exact
