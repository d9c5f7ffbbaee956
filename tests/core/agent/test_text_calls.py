"""Models that write calls and answers as text: parsed, marked, and an answer only where that was asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinseek_core.agent.text_answer import text_answer
from clinseek_core.journal import End, Header, Nudge, Turn, read_journal
from clinseek_core.models.port import Reply
from clinseek_core.models.text_calls import with_text_calls
from clinseek_core.tools.ehr_specs import EHR_TOOLS
from clinseek_core.tools.image_specs import IMAGE_TOOLS
from clinseek_fixtures import bundled_cases
from clinseek_replay.source import FollowSource
from clinseek_tui.cli import main

CASE = bundled_cases()[0]
LOAD = {"subject_id": str(CASE.subject_id), "timestamp": str(CASE.prediction_time)}
FORMS = {
    "XML": "<tool_call>\n<function=ehr.load_ehr>\n"
    + "".join(f"<parameter={key}>\n{value}\n</parameter>\n" for key, value in LOAD.items())
    + "</function>\n</tool_call>",
    "naked XML": "<function=ehr_load_ehr>"
    + "".join(f"<parameter={key}>{value}</parameter>" for key, value in LOAD.items())
    + "</function>",
    "JSON": f"<tool_call>{json.dumps({'name': 'load_ehr', 'arguments': LOAD})}</tool_call>",
    "before a closing tag": f"{json.dumps({'name': 'ehr.load_ehr', 'arguments': LOAD})}\n</tool_call>",
    "inline": f"<function=load_ehr({json.dumps(LOAD)})>",
    "bracket": f"[Tool Call: ehr.load_ehr({json.dumps(LOAD)})]",
}


def run(server: Any, say: Any, journal: Path, script: list[Any], *arguments: str) -> int:
    server.script = script
    model = ("--model", "m", "--base-url", server.url)
    return main(["run", CASE.qid, "--headless", "--web", "off", "--out", str(journal), *model, *arguments])


@pytest.mark.parametrize(
    ("form", "place"),
    [
        *((form, "text") for form in FORMS.values()),
        *((form, "reasoning") for form in list(FORMS.values())[:2]),
    ],
)
def test_a_written_call_is_made_and_marked(
    server: Any, say: Any, tmp_path: Path, form: str, place: str
) -> None:
    written = say.stream(f"I open it.\n{form}") if place == "text" else say.stream("Yes.", reasoning=form)
    finish = '<tool_call><function=finish><parameter=response>["a", "b"]</parameter></function></tool_call>'
    journal = tmp_path / "t.jsonl"
    assert run(server, say, journal, [written, say.stream(finish)]) == 0
    turn, last = (record for record in read_journal(journal).records if isinstance(record, Turn))
    (call,) = turn.calls
    assert (call.name, call.arguments, call.parsed_from) == ("ehr.load_ehr", LOAD, place)
    assert turn.text == ("I open it." if place == "text" else "Yes.")
    assert last.calls[0].arguments == {"response": ["a", "b"]}
    end = read_journal(journal).records[-1]
    assert isinstance(end, End)
    assert end.answer == ("a", "b")
    # The model sees its call again as a call, with its result.
    assert server.requests[1]["messages"][-2]["tool_calls"][0]["function"]["name"] in {
        "ehr_load_ehr",
        "ehr.load_ehr",
    }
    trajectory = FollowSource(journal).select(0)
    assert trajectory.steps[0].calls[0].flags == ("from_text",)


def test_a_call_of_the_api_goes_before_what_the_text_says(server: Any, say: Any, tmp_path: Path) -> None:
    script = [say.stream(FORMS["JSON"], ("ehr.finish", {"response": ["x"]}))]
    assert run(server, say, tmp_path / "t.jsonl", script) == 0
    (turn,) = (record for record in read_journal(tmp_path / "t.jsonl").records if isinstance(record, Turn))
    assert [(call.name, call.parsed_from) for call in turn.calls] == [("ehr.finish", "")]


def test_values_get_the_types_of_the_schema() -> None:
    text = (
        "<function=dicom_processor><parameter=dicom_path>a.dcm</parameter>"
        "<parameter=window_center>40</parameter><parameter=window_width>oops</parameter></function>"
    )
    (call,) = with_text_calls(Reply(text=text), (*EHR_TOOLS, *IMAGE_TOOLS), 1).calls
    assert call.arguments == {"dicom_path": "a.dcm", "window_center": 40, "window_width": "oops"}


@settings(max_examples=50, deadline=1000)
@given(
    st.lists(
        st.sampled_from(
            [
                "<tool_call>",
                "</tool_call>",
                "<function=",
                "a(",
                "{",
                '{"name"',
                "<parameter=",
                "[Tool Call: x(",
                "\n",
                ")",
            ]
        ),
        max_size=400,
    ).map("".join)
)
def test_hostile_text_is_read_in_time_and_gives_sound_requests(text: str) -> None:
    reply = with_text_calls(Reply(text=text), EHR_TOOLS, 1)
    assert all(call.name and call.parsed_from == "text" for call in reply.calls)
    assert len({call.id for call in reply.calls}) == len(reply.calls)


WORDS = "The answer is:\n- Heart failure\n- Pneumonia"


@pytest.mark.parametrize(
    ("how", "answers", "status", "nudges", "answer"),
    [
        ("never", 3, 3, 2, None),
        ("after_nudges", 3, 0, 2, ("The answer is:", "Heart failure", "Pneumonia")),
        ("at_once", 1, 0, 0, ("The answer is:", "Heart failure", "Pneumonia")),
    ],
)
def test_words_are_an_answer_only_where_that_was_asked(
    server: Any, say: Any, tmp_path: Path, how: str, answers: int, status: int, nudges: int, answer: Any
) -> None:
    journal = tmp_path / "t.jsonl"
    assert run(server, say, journal, [say.stream(WORDS)] * answers, "--text-answers", how) == status
    records = read_journal(journal).records
    assert sum(isinstance(record, Nudge) for record in records) == nudges
    header, end = records[0], records[-1]
    assert isinstance(header, Header)
    assert isinstance(end, End)
    assert header.text_answers == how
    assert (end.answer, end.stop_reason) == (answer, "text_answer" if answer else "no_call")


@pytest.mark.parametrize(
    ("said", "items"),
    [
        ('Done. {"response": ["a", "b"]} Bye.', ("a", "b")),
        ('{"response": ["a", "b"', ("a", "b")),
        ('{"response": "a"}', ("a",)),
        ('{"x": 1}\n{"response": ["c"]}', ("c",)),
        ("```json\n1. a\n2) b\n```", ("a", "b")),
        ("* a\n\n• b\nplain - dash", ("a", "b", "plain - dash")),
        ("  ", None),
    ],
)
def test_an_ending_is_read_as_the_reference_reads_it(said: str, items: tuple[str, ...] | None) -> None:
    assert text_answer(said) == items


def test_reasoning_is_read_where_nothing_else_was_said() -> None:
    assert text_answer("", '{"response": ["a"]}') == ("a",)
    assert text_answer("", "a\nb") == ("a", "b")
