"""Every generation of the reference implementation's records, made up: no line of a real run."""

import base64

import pytest

from clinseek_replay.evidence.scored import scored
from clinseek_replay.overview import score_of
from clinseek_replay.recordings import open_recordings


def _call(name, arguments="{}", id_="1"):
    return {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}


def _asks(*calls, content="", **more):
    return {"role": "assistant", "content": content, "tool_calls": list(calls) or None} | more


def _tool(content, id_="1"):
    return {"role": "tool", "tool_call_id": id_, "content": content}


ASKED = [{"role": "system", "content": "You seek."}, {"role": "user", "content": "What next?"}]
TEXT_RUN = {
    "qid": "ehr_bench_decision_making_7",
    "run_index": 2,
    "runs_per_question": 4,
    "session_id": "ehr_bench_decision_making_7__q_0__run_2",
    "question": "Which medication comes next?",
    "messages": [
        *ASKED,
        _asks(
            _call("ehr.load_ehr", '{"subject_id": "90000001"}', "toolu_1"),
            content="First.",
            reasoning_content="Hm.",
        ),
        _tool("Loading Candidate Tables:", "toolu_1"),
        _asks(_call("ehr.finish", '{"response": ["Furosemide", "Aspirin"]}', "toolu_2")),
        _tool("Finish", "toolu_2"),
    ],
    "completed": True,
    "status": "success",
    "stop_reason": "finish_tool_call",
    "subject_id": "90000001",
    "hadm_id": float("nan"),
    "prediction_time": "2150-03-03 06:00:01",
    "task": "medrecon",
    "label": ["furosemide", "Heparin"],
    "candidates": ["Furosemide", "Aspirin", "Heparin"],
}


@pytest.fixture
def read(write_runs):
    """The trajectory of one record, or of one made of these messages."""

    def read_one(record):
        record = record if isinstance(record, dict) else {"qid": "q", "status": "success", "messages": record}
        return open_recordings([write_runs(record)]).run(0)

    return read_one


def test_a_text_run(read):
    run = read(TEXT_RUN)
    assert (run.qid, run.run_id, run.task) == (
        "ehr_bench_decision_making_7",
        "ehr_bench_decision_making_7__q_0__run_2",
        "medrecon",
    )
    assert (run.subject_id, f"{run.prediction_time}") == (90000001, "2150-03-03 06:00:01")
    assert run.prompt == (("system", "You seek."), ("user", "What next?"))
    assert (run.steps[0].text, run.steps[0].reasoning) == ("First.", "Hm.")
    assert run.steps[0].calls[0].arguments == {"subject_id": "90000001"}
    assert (run.answer, run.answer_source, run.status) == (("Furosemide", "Aspirin"), "finish", "answered")
    assert run.gold == ("furosemide", "Heparin")
    assert score_of(run).f1 == 0.5


def test_what_the_record_does_not_hold_stays_unknown(read):
    run = read(TEXT_RUN)
    assert (run.policy, run.model) == (None, "")
    assert all(step.at is step.usage is step.ms is None for step in run.steps)
    assert all(call.result.table is call.result.ms is None for step in run.steps for call in step.calls)


def test_a_multimodal_run_keeps_its_films_out_of_the_text(read):
    data = base64.b64encode(b"x" * 312_000).decode()
    content = [
        {"type": "text", "text": "<run_context>images_attached: 2</run_context>"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": data}},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data[:4000]}"}},
        {"type": "image_url", "image_url": {"url": "https://example.org/film.png"}},
        {"type": "audio"},
    ]
    record = TEXT_RUN | {
        "messages": [
            {"role": "user", "content": content},
            _asks(_call("image.chest_xray_classifier")),
            _tool("{}"),
        ],
        "label": [{"name": "yes"}, {"name": "2", "value": 2}],
        "multimodal_summary": {"num_images": 1, "dropped_image_paths": ["p90/a.jpg"]},
    }
    run = read(record)
    assert run.prompt[0][1].split("\n")[1:] == [
        "[image/jpeg, 312 kB]",
        "[image/png, 3.0 kB]",
        "[image https://example.org/film.png]",
        "[audio]",
    ]
    assert run.gold == ("yes", "2")
    assert run.notes[0].text == "could not be attached: p90/a.jpg"


def test_the_legacy_minimal_record(read):
    messages = [
        *ASKED,
        _asks(_call("ehr_load_ehr", {"subject_id": 1})),
        _tool("Loading"),
        _asks(content="Exact Answer: x"),
    ]
    run = read({"qid": "old", "question": "?", "status": "success", "messages": messages})
    call = run.steps[0].calls[0]
    assert (call.name, call.wire_name, call.arguments) == ("ehr.load_ehr", "ehr_load_ehr", {"subject_id": 1})
    assert (run.status, run.answer, run.steps[1].calls) == ("answered", None, ())


def test_a_curated_record_says_ok_and_was_finished_by_its_driver(read):
    messages = [
        {"role": "user", "content": "timeline and question"},
        _asks(
            _call("ehr.finish", '{"response": ["yes"]}', "one_shot_0a1b2c3d"),
            content="<answer>\nyes\n</answer>",
        ),
        _tool("Finish (one-shot)", "one_shot_0a1b2c3d"),
    ]
    run = read(
        TEXT_RUN
        | {
            "messages": messages,
            "status": "ok",
            "backend_model_id": "some.model-v1",
            "error": None,
            "label": "yes",
        }
    )
    assert (run.status, run.answer, run.answer_source, run.model) == (
        "answered",
        ("yes",),
        "one_shot",
        "some.model-v1",
    )
    assert run.gold == ("yes",)


def test_a_synthetic_finish_is_told(read):
    call = _call("ehr.finish", '{"response": ["prose", "more prose"]}', "synthetic_finish_0a1b2c3d")
    run = read([*ASKED, _asks(call), _tool("Finish (synthesized from plain-text answer)", call["id"])])
    assert run.answer_source == "synthetic_finish"


def test_an_error_record_has_no_messages(read):
    run = read(
        {
            "qid": "q",
            "run_index": 1,
            "messages": [],
            "status": "error",
            "stop_reason": "exception",
            "error": "boom",
        }
    )
    assert (run.status, run.stop_reason, run.message) == ("error", "exception", "boom")
    assert (run.steps, run.answer) == ((), None)


def test_an_incomplete_run_has_no_answer(read):
    run = read(TEXT_RUN | {"messages": ASKED, "status": "incomplete", "stop_reason": "no_final_answer"})
    assert (run.status, run.answer) == ("no_answer", None)
    assert score_of(run).f1 == 0


@pytest.mark.parametrize(
    ("record", "status"),
    [
        ({"stop_reason": "finish_tool_call"}, "answered"),
        ({"stop_reason": "exception_before_completion"}, "error"),
        ({"status": "odd"}, ""),
        ({}, ""),
    ],
)
def test_a_record_without_status(read, record, status):
    assert read({"qid": "q", "messages": []} | record).status == status


def test_results_belong_to_calls_by_order_within_a_message_where_ids_repeat(read):
    """Fallback parsers number the calls of each message anew, or give all of them the same id."""
    run = read(
        [
            *ASKED,
            _asks(_call("ehr.a", id_="call_xml_0"), _call("ehr.b", id_="call_xml_1")),
            _tool("a1", "call_xml_0"),
            _tool("b1", "call_xml_1"),
            _asks(_call("ehr.a", id_="call_xml_0")),
            _tool("a2", "call_xml_0"),
            _asks(_call("ehr.a", id_="1"), _call("ehr.b", id_="1"), _call("ehr.c", id_="1")),
            _tool("a3"),
            _tool("b3"),
            _asks(_call("ehr.a", id_="1"), _call("ehr.b", id_="1")),
            _tool("a4"),
        ]
    )
    texts = [[call.result and call.result.text for call in step.calls] for step in run.steps]
    assert texts == [["a1", "b1"], ["a2"], ["a3", "b3", None], ["a4", None]]
    assert run.steps[2].calls[2].status == "pending"
    assert [call.anchor for call in run.steps[2].calls] == ["s3.c1", "s3.c2", "s3.c3"]


def test_ids_tell_which_result_is_missing_where_they_tell_the_calls_apart(read):
    run = read([*ASKED, _asks(_call("ehr.a", id_="x"), _call("ehr.b", id_="y")), _tool("for y", "y")])
    assert [call.result and call.result.text for call in run.steps[0].calls] == [None, "for y"]


def test_what_fits_nowhere_is_kept_and_told(read):
    run = read(
        [
            _tool("before any call"),
            "no object",
            _asks(_call("ehr.a")),
            _tool("a"),
            _tool("one too many"),
            {"role": "user", "content": "Please go on."},
            {"content": "no role"},
        ]
    )
    assert [(note.kind, note.text) for note in run.steps[0].notes] == [
        ("result without a call", "one too many"),
        ("user", "Please go on."),
        ("message", "no role"),
    ]
    assert [damage.reason for damage in run.damage] == [
        "messages[0] is a tool's result before any call",
        "messages[1] is no object",
    ]


ARGUMENTS = {
    "JSON text": ('{"a": 1}', {"a": 1}, ""),
    "an object": ({"a": 1}, {"a": 1}, ""),
    "nothing": (None, {}, ""),
    "blank": (" ", {}, ""),
    "a bare list": ('["x"]', None, '["x"]'),
    "a list": (["x"], None, '["x"]'),
    "unparseable": ('{"a": ', None, '{"a": '),
    "kept raw": ({"_raw": '{"a": '}, None, '{"a": '),
    "not a number": ('{"a": NaN, "b": 1e999}', {"a": None, "b": None}, ""),
}


@pytest.mark.parametrize(("given", "arguments", "raw"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_arguments(read, given, arguments, raw):
    call = read([_asks(_call("ehr.x", given))]).steps[0].calls[0]
    assert (call.arguments, call.raw_arguments) == (arguments, raw)


ANSWERS = {
    "a list": ('{"response": ["a", "b"]}', ("a", "b"), "finish"),
    "one string": ('{"response": " a "}', ("a",), "finish"),
    "an object": ({"response": ["a"]}, ("a",), "finish"),
    "a Python literal": ("{'response': ['a', \"b's\"]}", ("a", "b's"), "finish"),
    "a bare list": ('["a"]', ("a",), "finish"),
    "things that are no strings": ('{"response": ["a", 1, null]}', ("a",), "finish"),
    "nothing": ("{}", (), "finish"),
    "an empty string": ('{"response": ""}', (), "finish_tool_call_non_list"),
    "a number": ('{"response": 3}', (), "finish_tool_call_non_list"),
    "no literal": ("{response: a}", (), "finish_parse_error"),
    "a call": ("__import__('os').getcwd()", (), "finish_parse_error"),
    "bottomless": ("[" * 100_000, (), "finish_parse_error"),
    "long and no literal": ("-" * 50_000 + "1", (), "finish_parse_error"),
}


@pytest.mark.parametrize(("arguments", "answer", "source"), ANSWERS.values(), ids=ANSWERS)
def test_the_answer_as_the_reference_reads_it(read, arguments, answer, source):
    run = read([_asks(_call("ehr.finish", arguments)), _tool("Finish")])
    assert (run.answer, run.answer_source) == (answer, source)


def test_the_last_finish_counts_whatever_it_is_called(read):
    first, last = '{"response": ["first"]}', '{"response": ["last"]}'
    run = read([_asks(_call("ehr.finish", first)), _asks(_call("FINISH", first), _call("ehr_finish", last))])
    assert run.answer == ("last",)


NAMES = {
    "ehr.run_sql_query": "ehr.run_sql_query",
    "ehr_run_sql_query": "ehr.run_sql_query",
    "run_sql_query": "ehr.run_sql_query",
    "browser_search": "browser.search",
    "search": "browser.search",
    "image_chest_xray_classifier": "image.chest_xray_classifier",
    "image_visualizer": "image.image_visualizer",
    "chest_xray_classifier": "image.chest_xray_classifier",
    "other.tool": "other.tool",
    "": "",
}


@pytest.mark.parametrize(("name", "canonical"), NAMES.items())
def test_names_are_canonical_and_the_models_own_is_kept(read, name, canonical):
    call = read([_asks(_call(name))]).steps[0].calls[0]
    assert call.name == canonical
    assert (call.wire_name or call.name) == name


def test_thoughts_that_only_the_raw_blocks_hold(read):
    blocks = [
        {"type": "thinking", "thinking": "Let me see."},
        {"type": "redacted_thinking"},
        {"type": "text", "text": "x"},
    ]
    run = read([_asks(content="x", bedrock_content_blocks=blocks)])
    assert run.steps[0].reasoning == "Let me see.\n[redacted thinking]"


def test_gold_may_stand_under_another_name(read):
    assert read({"qid": "q", "messages": [], "ground_truth": "yes"}).gold == ("yes",)
    assert read({"qid": "q", "messages": [], "label": [{"atc_name": "X"}, {"atc_name": "Y"}]}).gold == (
        "X",
        "Y",
    )
    assert read({"qid": "q", "messages": []}).gold is None


STATUS = {
    "SQL Execution Error: Execution failed on sql 'x': no such column: y": "error",
    "Tool Error: [{'type': 'text', 'text': 'x'}]": "error",
    "MCP Error -32602: x": "error",
    "HTTP Error 500: x": "error",
    "Error executing ehr.finish: Expecting value": "error",
    "Error calling MCP tool 'x': timed out": "error",
    "No data in SSE response": "error",
    "Invalid MCP response: x": "error",
    "Unknown tool namespace: foo.bar": "error",
    "Unknown browser tool: browser.x": "error",
    "Error: Table 'x' not found in EHR or candidate table lists.": "error",
    "Table 'x' not found in category'": "error",
    "An error occurred while loading EHR database: Database file not found: x": "error",
    "Invalid link id `3`.": "error",
    "Error fetching URL `u`: x": "error",
    "Error during search for `q`: No results returned": "error",
    "No records found in table 'labevents' containing the keyword 'x'.": "empty",
    "Query executed successfully but returned no results.": "empty",
    "No valid timestamps found in table 'x' to determine the latest records.": "empty",
    "No tables are currently loaded or available.": "empty",
    "--- No semantically similar candidates found for 'q' (threshold: 0.5) ---\n": "empty",
    "[]": "empty",
    "": "empty",
    "Thinking Finish": "ok",
    "   charttime  label\n2150-01-01  Error: none": "ok",
    "['a', 'b']": "ok",
    "--- No semantically similar candidates found for 'q' (threshold: 0.5) ---\n\n--- Semantic search": "ok",
    '{"output": {"error": "Image not found"}}': "ok",
}


@pytest.mark.parametrize(("text", "status"), STATUS.items())
def test_how_a_call_ended_is_told_from_its_text(read, text, status):
    run = read([_asks(_call("ehr.x")), _tool(text)])
    assert run.steps[0].calls[0].status == status


IMAGE_STATUS = {
    '{"output": {"error": "Image not found at \'x\'"}, "metadata": {"analysis_status": "failed"}}': "error",
    '{"output":{"report":"x"},"metadata":{"analysis_status":"failed"}}': "error",
    '{"output":{"Effusion":0.51},"metadata":{"analysis_status":"completed"}}': "ok",
}


@pytest.mark.parametrize(("text", "status"), IMAGE_STATUS.items())
def test_image_tools_tell_their_errors_in_json(read, text, status):
    run = read([_asks(_call("image.chest_xray_classifier")), _tool(text)])
    assert run.steps[0].calls[0].status == status


def test_a_browser_page_without_hits_is_empty(read):
    page = (
        "[4] Find results for text: `x` in `T`\n**viewing lines**\n\nL0: No `find` results for pattern: `x`"
    )
    assert read([_asks(_call("browser.find")), _tool(page)]).steps[0].calls[0].status == "empty"


def test_every_generation_in_one_file(write_runs):
    records = [
        TEXT_RUN,
        {"qid": "e", "messages": [], "status": "error"},
        TEXT_RUN | {"run_index": 3, "status": "ok"},
    ]
    recordings = open_recordings([write_runs(*records)])
    assert [entry.label for entry in recordings.entries] == [
        "ehr_bench_decision_making_7 run 2 · answered",
        "e · error",
        "ehr_bench_decision_making_7 run 3 · answered",
    ]


def test_an_answer_written_as_text_is_one_to_us_and_none_to_the_reference(write_runs):
    call = '<tool_call>{"name": "ehr.finish", "arguments": {"response": ["Furosemide"]}}</tool_call>'
    record = {
        "qid": "q",
        "label": ["Furosemide"],
        "messages": [*ASKED, {"role": "assistant", "content": call}],
    }
    run = open_recordings([write_runs(record)]).run(0)
    both = scored(run)
    assert (run.answer, run.answer_source) == (("Furosemide",), "finish_in_text")
    assert both.score is not None
    assert (both.score.f1, both.upstream.f1) == (1.0, 0.0)
