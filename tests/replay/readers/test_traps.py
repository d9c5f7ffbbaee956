"""What recordings really hold and no definition tells: colliding ids, calls cut off, missing results."""

import json
import time

import pytest

from clinseek_core.call_text import calls_in, responses_in, split_thinking
from clinseek_replay.recordings import open_recordings

ASKED = [{"role": "system", "content": "You seek."}, {"role": "user", "content": "What next?"}]


def _call(name, arguments="{}", id_="1"):
    return {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}


def _asks(*calls, content="", **more):
    return {"role": "assistant", "content": content, "tool_calls": list(calls) or None} | more


def _tool(content, id_="1"):
    return {"role": "tool", "tool_call_id": id_, "content": content}


@pytest.fixture
def read(write_runs):
    def read_one(*messages, **record):
        return open_recordings([write_runs({"messages": [*ASKED, *messages], **record})]).run(0)

    return read_one


def _flags(run):
    return [call.flags for step in run.steps for call in step.calls]


def test_ids_that_several_calls_of_the_run_bear(read):
    run = read(
        _asks(_call("ehr.a", id_="call_xml_0"), _call("ehr.b", id_="call_xml_1")),
        _tool("a1", "call_xml_0"),
        _tool("b1", "call_xml_1"),
        _asks(_call("ehr.a", id_="call_xml_0")),
        _tool("a2", "call_xml_0"),
    )
    assert _flags(run) == [("duplicate_id",), (), ("duplicate_id",)]
    assert [call.result.text for step in run.steps for call in step.calls] == ["a1", "b1", "a2"]


def test_a_result_that_names_another_call_is_paired_by_position_and_says_so(read):
    run = read(_asks(_call("ehr.a", id_="x"), _call("ehr.b", id_="y")), _tool("a", "z"), _tool("b", "y"))
    assert _flags(run) == [("id_mismatch",), ()]
    assert [call.result.text for call in run.steps[0].calls] == ["a", "b"]


def test_ids_in_another_order_are_no_mismatch(read):
    run = read(_asks(_call("ehr.a", id_="x"), _call("ehr.b", id_="y")), _tool("b", "y"), _tool("a", "x"))
    assert _flags(run) == [(), ()]
    assert [call.result.text for call in run.steps[0].calls] == ["a", "b"]


def test_a_missing_result_leaves_its_call_pending(read):
    run = read(_asks(_call("ehr.a", id_="x"), _call("ehr.b", id_="y")), _tool("b", "y"))
    assert [call.status for call in run.steps[0].calls] == ["pending", "ok"]


@pytest.mark.parametrize("id_", ["synthetic_finish_0a1b2c3d", "one_shot_0a1b2c3d", "call_qa_finish"])
def test_a_finish_that_the_driver_made(read, id_):
    run = read(_asks(_call("ehr.finish", '{"response": ["a"]}', id_)), _tool("Finish", id_))
    assert _flags(run) == [("synthetic",)]
    assert run.answer == ("a",)
    assert run.answer_source != "finish"


@pytest.mark.parametrize("arguments", ['{"a": ', '["x"]', "3", '{"_raw": "{"}'])
def test_arguments_that_are_no_object(read, arguments):
    assert _flags(read(_asks(_call("ehr.a", arguments)))) == [("bad_arguments",)]


def test_a_result_of_a_hundred_thousand_characters_is_whole(read):
    text = "x" * 100_000
    (call,) = read(_asks(_call("ehr.a")), _tool(text)).steps[0].calls
    assert (call.result.text, call.result.full_characters) == (text, 100_000)


SQL = "SELECT a FROM t\nWHERE b < 3 AND c >= '<x>' -- ]})"
UNCLOSED = {
    "XML": (f"<tool_call>\n<function=ehr.run_sql_query>\n<parameter=sql_query>\n{SQL}", {"sql_query": SQL}),
    "XML after a parameter": (
        f"<tool_call>\n<function=ehr.run_sql_query>\n<parameter=sql_query>\n{SQL}\n</parameter>\n",
        {"sql_query": SQL},
    ),
    "XML without its last tag": (
        f"<tool_call>\n<function=ehr.run_sql_query>\n<parameter=sql_query>{SQL}</parameter></function>",
        {"sql_query": SQL},
    ),
    "naked": (f"<function=ehr.run_sql_query>\n<parameter=sql_query>\n{SQL}", {"sql_query": SQL}),
    "JSON": (f'<tool_call>{{"name": "ehr.run_sql_query", "arguments": {{"sql_query": "{SQL}"', None),
    "JSON without its last tag": (
        f"<tool_call>{json.dumps({'name': 'ehr.run_sql_query', 'arguments': {'sql_query': SQL}})}",
        {"sql_query": SQL},
    ),
    "bracket": ('[Tool Call: ehr.run_sql_query({"sql_query": "SELECT', None),
    "bracket without its last": (
        f"[Tool Call: ehr.run_sql_query({json.dumps({'sql_query': SQL})}",
        {"sql_query": SQL},
    ),
    "inline": ('<function=ehr.run_sql_query({"sql_query": "SELECT', None),
}


@pytest.mark.parametrize(("text", "arguments"), UNCLOSED.values(), ids=UNCLOSED)
def test_a_call_that_breaks_off_is_read_as_far_as_it_goes(read, text, arguments):
    run = read({"role": "assistant", "content": f"I look.\n{text}"})
    (call,) = run.steps[0].calls
    assert (call.name, call.arguments) == ("ehr.run_sql_query", arguments)
    assert set(call.flags) == {"from_text", "unclosed", *(() if arguments else ("bad_arguments",))}
    assert run.steps[0].text == "I look."


def test_the_results_of_text_calls_are_the_user_s_turns(read):
    asked = "[Tool Call: ehr.a({})] [Tool Call: ehr.b({})]"
    apart = read(
        {"role": "assistant", "content": asked},
        {"role": "user", "content": "a"},
        {"role": "user", "content": "b"},
    )
    joined = read({"role": "assistant", "content": asked}, {"role": "user", "content": "a\n\nb"})
    for run in (apart, joined):
        assert [call.result.text for call in run.steps[0].calls] == ["a", "b"]
        assert run.steps[0].notes == ()


def test_joined_results_that_can_not_be_told_apart_are_not_guessed(read):
    asked = "[Tool Call: ehr.a({})] [Tool Call: ehr.b({})]"
    run = read({"role": "assistant", "content": asked}, {"role": "user", "content": "a\n\nb\n\nc"})
    assert [call.result and call.result.text for call in run.steps[0].calls] == ["a\n\nb\n\nc", None]
    assert "not told apart" in run.steps[0].notes[0].text


def test_what_the_user_says_after_the_results_stays_a_note(read):
    run = read(
        {"role": "assistant", "content": "[Tool Call: ehr.a({})]"},
        {"role": "user", "content": "<tool_response>\na\n</tool_response>\nGo on."},
    )
    assert run.steps[0].calls[0].result.text == "a"
    assert [(note.kind, note.text) for note in run.steps[0].notes] == [("user", "Go on.")]


def test_native_calls_are_taken_before_text(read):
    run = read(_asks(_call("ehr.a"), content="as in [Tool Call: ehr.b({})]"), _tool("a"))
    assert [call.name for call in run.steps[0].calls] == ["ehr.a"]
    assert run.steps[0].text == "as in [Tool Call: ehr.b({})]"


@pytest.mark.parametrize(
    "text",
    [
        "`<tool_call>` is a tag",
        "[Tool Call: the thing]",
        "</tool_call>",
        "a <function= b",
        "<function=>",
        "x < y",
    ],
)
def test_a_mark_alone_is_no_call(text):
    assert calls_in(text) == (text, [])


def test_a_call_inside_of_a_call_s_string_is_none():
    inside = "<tool_call><function=ehr.b></function></tool_call> [Tool Call: ehr.c({})]"
    for text in (
        f"<tool_call>{json.dumps({'name': 'ehr.a', 'arguments': {'x': inside}})}</tool_call>",
        f"[Tool Call: ehr.a({json.dumps({'x': inside})})]",
    ):
        _, calls = calls_in(text)
        assert [(call.name, call.arguments) for call in calls] == [("ehr.a", {"x": inside})]


@pytest.mark.parametrize(
    ("text", "thought", "rest"),
    [
        ("<think>\na\n</think>\n\nb", "a", "b"),
        ("a\n</think>\nb", "a", "b"),
        ("<think>a", "a", ""),
        ("b <think>a</think>", "", "b <think>a</think>"),
        ("b", "", "b"),
    ],
)
def test_thinking_is_told_from_saying(text, thought, rest):
    assert split_thinking(text) == (thought, rest)


def test_responses_of_one_turn_are_told_apart():
    assert responses_in("<tool_response>\na\n</tool_response>\n<tool_response>\nb") == (["a", "b"], "")
    assert responses_in("say <tool_response>") is None


MARKS = [
    "<tool_call>",
    "<tool_call> ",
    '<tool_call>{"name": "',
    "<function=a>",
    "<function=a(",
    "<function=a><parameter=b>",
    "<parameter=b>",
    "[Tool Call: a(",
    '[Tool Call: a({"',
    "[Tool Call: a([",
    '{"name" </tool_call>',
    "<think>",
    "<tool_response>",
    "<tool_call>\\",
    " ",
    "\n",
]


@pytest.mark.parametrize("mark", MARKS)
def test_no_text_takes_longer_than_its_length_says(mark):
    text = mark * (1_200_000 // len(mark))
    began = time.perf_counter()
    calls_in(text)
    split_thinking(text)
    responses_in(text)
    assert time.perf_counter() - began < 5
