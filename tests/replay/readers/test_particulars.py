"""What one format alone has: times and tokens, errors, side-chains, and bytes that can't be trusted."""

import json

import pytest
from recorded import (
    FORMATS,
    INSPECT_HEADER,
    RUN,
    atif_document,
    canonical,
    chunks,
    condensed,
    expected,
    inspect_sample,
    openai_messages,
    results_record,
)
from recorded_zips import DEFLATED, STORED, archive, compressed, eval_archive

from clinseek_core.errors import InputError
from clinseek_core.journal import Usage
from clinseek_replay.readers import archives, detect, inspect_log
from clinseek_replay.recordings import open_recordings


@pytest.fixture
def opened(tmp_path):
    """Writes bytes, a text, a JSON value or the lines of a list of them, and opens the file."""

    def opened_one(what, lines=False):
        path = tmp_path / "x"
        if lines:
            path.write_text("".join(json.dumps(each) + "\n" for each in what))
        elif isinstance(what, bytes):
            path.write_bytes(what)
        else:
            path.write_text(what if isinstance(what, str) else json.dumps(what))
        return open_recordings([path])

    return opened_one


# Inspect


@pytest.mark.parametrize("name", ["Inspect eval", "Inspect eval in chunks", "Inspect JSON"])
def test_inspect_tells_times_tokens_and_the_case(tmp_path, name):
    run = open_recordings([FORMATS[name].write(tmp_path / "x", RUN)]).run(0)
    first = run.steps[0]
    assert (first.usage, first.ms, first.finish_reason) == (
        Usage(input_tokens=10, output_tokens=5),
        1500,
        "tool_calls",
    )
    assert (run.steps[1].at - first.at).total_seconds() == 10
    assert first.calls[0].result.ms == 250
    assert (run.task, run.model, run.question, run.status) == ("made-up", "made up", RUN.question, "answered")


def test_an_inspect_call_that_failed(tmp_path):
    sample = inspect_sample(RUN)
    sample["events"][2] |= {"error": {"type": "timeout", "message": "too long"}, "truncated": [9000, 50]}
    sample["error"] = {"message": "the sandbox went away"}
    path = eval_archive(tmp_path / "x", {"header.json": INSPECT_HEADER, "samples/q_epoch_2.json": sample})
    recordings = open_recordings([path])
    assert recordings.entries[0].place == f"{path}:samples/q_epoch_2.json"
    assert recordings.entries[0].run_index == 2
    run = recordings.run(0)
    assert run.steps[0].calls[0].status == "error"
    assert run.steps[0].calls[0].result.full_characters == 9000
    assert (run.status, run.message) == ("error", "the sandbox went away")


def test_whole_samples_and_samples_in_chunks_stand_in_one_log(tmp_path):
    other = inspect_sample(RUN) | {"id": "b"}
    members = {
        "header.json": INSPECT_HEADER,
        **chunks(inspect_sample(RUN), size=1),
        "samples/b_epoch_1.json": condensed(other),
    }
    recordings = open_recordings([eval_archive(tmp_path / "x", members)])
    assert [entry.qid for entry in recordings.entries] == [RUN.qid, "b"]
    assert [recordings.run(n).steps for n in range(2)] == [recordings.run(0).steps] * 2


@pytest.mark.parametrize("method", [STORED, DEFLATED])
def test_members_may_be_compressed_otherwise(tmp_path, method):
    sample = {f"samples/{RUN.qid}_epoch_1.json": inspect_sample(RUN), "header.json": INSPECT_HEADER}
    assert canonical(open_recordings([eval_archive(tmp_path / "x", sample, method)]).run(0)) == expected()


def test_a_member_is_read_across_all_its_frames(tmp_path):
    name = f"samples/{RUN.qid}_epoch_1.json"
    for frames in (1, 2, 50):
        path = eval_archive(
            tmp_path / "x", {name: inspect_sample(RUN), "header.json": INSPECT_HEADER}, frames=frames
        )
        assert canonical(open_recordings([path]).run(0)) == expected()


def test_a_log_that_lost_a_chunk_says_so(tmp_path):
    members = {"header.json": INSPECT_HEADER, **chunks(inspect_sample(RUN), size=1)}
    lost = f"samples/{RUN.qid}_epoch_1/messages/1.json"
    del members[lost]
    with pytest.raises(InputError, match="does not go on where the chunk before it ends"):
        open_recordings([eval_archive(tmp_path / "x", members)]).run(0)


def test_a_log_without_samples_is_told(tmp_path):
    path = eval_archive(tmp_path / "x", {"_journal/start.json": INSPECT_HEADER})
    with pytest.raises(InputError, match="broke off before its first sample"):
        open_recordings([path])


@pytest.mark.parametrize("said", [1000, 100_000_000], ids=["said to be small", "said to be large"])
def test_an_archive_that_unfolds_without_end_is_not_read(tmp_path, monkeypatch, said):
    monkeypatch.setattr(archives, "MAX_MEMBER_BYTES", 1 << 20)
    bomb = compressed(b" " * 100_000_000)
    assert len(bomb) < 20_000
    header = json.dumps(INSPECT_HEADER).encode()
    members = {"header.json": (header, compressed(header)), "samples/q_epoch_1.json": (b" " * said, bomb)}
    recordings = open_recordings([archive(tmp_path / "x", members)])
    with pytest.raises(InputError, match="unfolds to over 1 MiB"):
        recordings.run(0)


def test_chunks_that_together_unfold_without_end_are_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(inspect_log, "_MAX_CHUNKS", 500)
    path = FORMATS["Inspect eval in chunks"].write(tmp_path / "x", RUN)
    with pytest.raises(InputError, match="unfold to over"):
        open_recordings([path]).run(0)


def test_a_conversation_that_refers_to_its_pool_without_end_is_not_read(tmp_path):
    members = {"header.json": INSPECT_HEADER, **chunks(inspect_sample(RUN))}
    shell = members[f"samples/{RUN.qid}_epoch_1/sample.json"]
    shell["message_refs"] = [[0, 10**12]] * 200_000
    with pytest.raises(InputError, match="over 1,000,000 messages"):
        open_recordings([eval_archive(tmp_path / "x", members)]).run(0)


def test_an_archive_hit_anywhere_opens_or_says_why(tmp_path):
    whole = FORMATS["Inspect eval"].write(tmp_path / "x", RUN).read_bytes()
    for at in range(0, len(whole), max(len(whole) // 150, 1)):
        for data in (whole[:at], whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :]):
            (tmp_path / "x").write_bytes(data)
            try:
                open_recordings([tmp_path / "x"]).run(0)
            except InputError as error:
                assert str(error).startswith(str(tmp_path / "x"))  # noqa: PT017 -- one of many


def test_an_encrypted_member_is_told(tmp_path):
    path = FORMATS["Inspect eval"].write(tmp_path / "x", RUN)
    data = bytearray(path.read_bytes())
    data[data.rindex(b"PK\x01\x02", 0, data.rindex(b"PK\x01\x02")) + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match="is encrypted"):
        open_recordings([path]).run(0)


def test_another_archive_is_no_recording(tmp_path):
    with pytest.raises(InputError, match="is binary, and no archive of runs"):
        open_recordings([eval_archive(tmp_path / "x", {"a.txt": "x"})])


# ATIF


def test_atif_tells_times_and_tokens(tmp_path):
    run = open_recordings([FORMATS["ATIF"].write(tmp_path / "x", RUN)]).run(0)
    assert (run.format, run.model, run.run_id) == ("ATIF-v1.6", "made up", "s1")
    assert run.steps[0].usage == Usage(input_tokens=10, output_tokens=5)
    assert run.steps[0].at.isoformat() == RUN.began.isoformat()


def test_atif_tells_what_stands_elsewhere(opened):
    document = atif_document(RUN, "ATIF-v1.8")
    document["continued_trajectory_ref"] = "next.json"
    document["subagent_trajectories"] = [{"schema_version": "ATIF-v1.8"}]
    document["steps"][0]["is_copied_context"] = True
    result = document["steps"][2]["observation"]["results"][0]
    result["subagent_trajectory_ref"] = [{"trajectory_path": "sub.json"}]
    document["steps"][3] |= {"llm_call_count": 0}
    run = opened(document).run(0)
    told = " | ".join(note.text for note in run.notes)
    assert "next.json" in told
    assert "1 steps are copied" in told
    assert "1 runs of sub-agents" in told
    assert "sub.json" in run.steps[0].notes[0].text
    assert run.steps[1].calls[0].flags == ("synthetic",)


def test_a_run_of_ours_exported_as_atif_comes_back(opened, golden):
    from clinseek_replay.export.atif import atif_document as exported

    before = open_recordings([golden]).run(0)
    after = opened(json.dumps(exported(before))).run(0)
    same = (
        "qid",
        "task",
        "subject_id",
        "prediction_time",
        "question",
        "candidates",
        "gold",
        "policy",
        "model",
    )
    for name in (*same, "prompt", "answer", "answer_source", "status", "stop_reason", "max_rounds"):
        assert getattr(after, name) == getattr(before, name), name
    assert [step.text for step in after.steps] == [step.text for step in before.steps]
    assert [[(c.name, c.arguments, c.status) for c in step.calls] for step in after.steps] == [
        [(c.name, c.arguments, c.status) for c in step.calls] for step in before.steps
    ]


# Claude Code


def test_side_chains_and_branches_are_told_apart(tmp_path):
    recordings = open_recordings([FORMATS["Claude Code"].write(tmp_path / "x", RUN)])
    main, side = (recordings.run(n) for n in range(2))
    assert [step.text for step in side.steps] == ["Helped."]
    assert side.prompt == (("user", "Help."),)
    assert [note.kind for note in main.notes] == ["branches", "side-chain"]
    assert all(step.text != "Left." for step in main.steps)


def test_a_session_whose_first_lines_are_lost_opens(opened):
    base = {"sessionId": "s", "isSidechain": False}
    lines = [
        base
        | {"type": "user", "uuid": "b", "parentUuid": "lost", "message": {"role": "user", "content": "q"}},
        base
        | {
            "type": "assistant",
            "uuid": "c",
            "parentUuid": "b",
            "message": {"role": "assistant", "content": "a"},
        },
    ]
    run = opened(lines, lines=True).run(0)
    assert (run.prompt, [step.text for step in run.steps]) == ((("user", "q"),), ["a"])


def test_a_session_that_names_itself_as_parent_ends(opened):
    line = {"sessionId": "s", "type": "assistant", "message": {"role": "assistant", "content": "a"}}
    run = opened(
        [line | {"uuid": "a", "parentUuid": "b"}, line | {"uuid": "b", "parentUuid": "a"}], lines=True
    ).run(0)
    assert len(run.steps) == 2


# Anthropic


def test_a_result_that_is_an_error_and_an_image(opened):
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
    messages = [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "look", "input": {}}]},
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "a", "is_error": True, "content": [image]},
                {"type": "text", "text": "Go on."},
            ],
        },
    ]
    run = opened({"messages": messages}).run(0)
    (call,) = run.steps[0].calls
    assert (call.name, call.status, call.result.text) == ("look", "error", "[image/png, 3 B]")
    assert run.steps[0].notes[0].text == "Go on."


# ShareGPT and text


def test_a_function_call_that_is_no_json(opened):
    turns = [
        {"from": "human", "value": "q"},
        {"from": "function_call", "value": "{broken"},
        {"from": "observation", "value": "r"},
    ]
    (call,) = opened([{"conversations": turns}]).run(0).steps[0].calls
    assert (call.name, call.raw_arguments, call.flags) == ("", "{broken", ("bad_arguments",))
    assert call.result.text == "r"


def test_prose_about_the_tags_is_no_recording(opened):
    with pytest.raises(InputError, match="nor text with a model's calls"):
        opened("# Notes\n\nWrite `<tool_call>` around it, and [Tool Call: so].\n")


# Parquet


def test_a_parquet_file_of_something_else_names_its_columns(tmp_path):
    import duckdb

    path = tmp_path / "x"
    with duckdb.connect() as con:
        con.execute(f"COPY (SELECT 1 AS a, 2 AS b) TO '{path}' (FORMAT parquet)")
    with pytest.raises(InputError, match="without a column `messages` or `conversations`; it has a, b"):
        open_recordings([path])


def test_a_parquet_file_that_is_cut_says_so(tmp_path):
    path = FORMATS["Parquet"].write(tmp_path / "x", RUN)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match="can't be read as Parquet"):
        open_recordings([path])


# trajectory.md


def test_a_page_that_was_cut_says_what_is_missing(tmp_path):
    path = FORMATS["trajectory.md"].write(tmp_path / "x", RUN)
    text = path.read_text().replace("2 rows.\n```", "2 r\n…[truncated 5 chars]\n```")
    path.write_text(text)
    run = open_recordings([path]).run(0)
    result = run.steps[0].calls[0].result
    assert result.text.endswith("with 2 r")
    assert result.full_characters == len(result.text) + 5
    (damage,) = run.damage
    assert damage.reason == "call #1: its result lacks 5 characters"
    assert text.split("\n")[damage.line - 1].startswith("### Call #1")


# Coding agents and tau2


def test_swe_agent(opened):
    item = {
        "action": "ls\n",
        "observation": "a.py",
        "thought": "Look.",
        "response": "Look.\nls",
        "execution_time": 0.5,
    }
    query = [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}]
    done = {"action": "", "observation": "", "response": "Done."}
    record = {
        "trajectory": [item | {"query": query}, done],
        "history": [],
        "info": {"exit_status": "submitted"},
    }
    recordings = opened(record)
    assert "swe-agent" in recordings.read_as[0]
    run = recordings.run(0)
    (call,) = run.steps[0].calls
    assert (call.name, call.arguments, call.result.text, call.result.ms) == (
        "bash",
        {"command": "ls"},
        "a.py",
        500,
    )
    assert run.prompt == (("system", "s"), ("user", "q"))
    assert (run.steps[1].text, run.steps[1].calls, run.stop_reason) == ("Done.", (), "submitted")


@pytest.mark.parametrize("native", [True, False])
def test_mini_swe_agent(opened, native):
    extra = {"actions": [{"command": "ls"}], "timestamp": 1767323045.0, "cost": 0.1}
    asks = {"role": "assistant", "content": "Look.", "extra": extra}
    answers = {"role": "user", "content": "<returncode>1</returncode>", "extra": {"returncode": 1}}
    if native:
        asks["tool_calls"] = [{"id": "a", "function": {"name": "bash", "arguments": '{"command": "ls"}'}}]
        answers |= {"role": "tool", "tool_call_id": "a"}
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}, asks, answers]
    messages.append({"role": "exit", "content": "", "extra": {"exit_status": "Submitted"}})
    info = {"exit_status": "Submitted", "config": {"model": {"model_name": "made up"}}}
    recordings = opened({"trajectory_format": "mini-swe-agent-1.1", "messages": messages, "info": info})
    assert "read as mini-swe-agent" in recordings.read_as[0]
    run = recordings.run(0)
    (call,) = run.steps[0].calls
    assert (call.name, call.arguments, call.result.text) == (
        "bash",
        {"command": "ls"},
        "<returncode>1</returncode>",
    )
    assert native or call.status == "error"
    assert (run.model, run.stop_reason, run.steps[0].at.year) == ("made up", "Submitted", 2026)


def test_calls_of_tau2_s_user_are_no_calls_of_the_agent(opened):
    messages = [
        {"role": "assistant", "content": "Hello."},
        {
            "role": "user",
            "content": None,
            "tool_calls": [{"id": "u", "name": "toggle", "arguments": {}, "requestor": "user"}],
        },
        {"role": "tool", "id": "u", "content": "on", "requestor": "user"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {"id": "a", "name": "x", "arguments": {}},
                {"id": "b", "name": "y", "arguments": {}},
            ],
        },
        {
            "role": "tool",
            "tool_messages": [
                {"role": "tool", "id": "b", "content": "2"},
                {"role": "tool", "id": "a", "content": "1", "error": True},
            ],
        },
    ]
    run = opened(
        {"simulations": [{"task_id": "7", "messages": messages, "termination_reason": "agent_stop"}]}
    ).run(0)
    assert [note.kind for note in run.steps[0].notes] == ["user's call", "user's tool"]
    assert [(call.result.text, call.status) for call in run.steps[1].calls] == [("1", "error"), ("2", "ok")]
    assert (run.qid, run.stop_reason) == ("7", "agent_stop")


def test_a_trace_without_content_shows_which_tools_were_called(opened):
    def span(name, at, **told):
        attributes = [{"key": key, "value": {"stringValue": value}} for key, value in told.items()]
        return {
            "traceId": "t",
            "name": name,
            "startTimeUnixNano": str(at),
            "endTimeUnixNano": str(at + 10**9),
            "attributes": attributes,
        }

    spans = [
        span("chat", 10**18, **{"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}),
        span("execute_tool look", 10**18 + 5, **{"gen_ai.operation.name": "execute_tool"}),
    ]
    run = opened({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).run(0)
    assert [(call.name, call.result.text) for call in run.steps[0].calls] == [("look", "")]
    assert (run.model, run.steps[0].ms) == ("m", 1000)
    assert "no content" in run.notes[0].text


# Files


def test_a_bad_line_costs_no_other(tmp_path):
    for name in ("results.jsonl", "OpenAI legacy", "SFT strings", "ATIF, bare version"):
        line = FORMATS[name].write(tmp_path / "x", RUN).read_bytes()
        (tmp_path / "x").write_bytes(b"{oops\n" + line + b'{"a": 1}\n' + line + line[: len(line) // 2])
        recordings = open_recordings([tmp_path / "x"])
        assert [entry.line for entry in recordings.entries] == [2, 4]
        assert [canonical(recordings.run(n)) for n in range(2)] == [expected(FORMATS[name].lacks)] * 2
        assert [problem.place[-2:] for problem in recordings.problems] == [":1", ":3", ":5"]


def test_a_bad_line_of_a_run_over_many_lines_is_damage(tmp_path):
    for name in ("Claude Code", "OpenAI, a line a message", "Responses, a line an item"):
        data = FORMATS[name].write(tmp_path / "x", RUN).read_bytes()
        first, rest = data.split(b"\n", 1)
        (tmp_path / "x").write_bytes(first + b"\n{oops\n" + rest)
        run = open_recordings([tmp_path / "x"]).run(0)
        assert canonical(run) == expected(FORMATS[name].lacks)
        assert [damage.line for damage in run.damage] == [2]


def test_runs_of_a_list_say_on_which_line_they_begin(tmp_path):
    text = json.dumps([results_record(RUN), results_record(RUN)], indent=1)
    (tmp_path / "x").write_text(text)
    recordings = open_recordings([tmp_path / "x"])
    begins = [number for number, line in enumerate(text.split("\n"), 1) if line == " {"]
    assert [entry.line for entry in recordings.entries] == begins
    for entry in recordings.entries:
        assert text.encode()[entry.offset :][: entry.length].startswith(b"{")
    assert recordings.run(0).steps[0].text == recordings.run(1).steps[0].text


def test_a_line_longer_than_is_looked_at_is_recognised_by_what_it_begins_with(tmp_path):
    long = {"qid": "q", "messages": [{"role": "user", "content": "x" * 1_000_000}, *openai_messages(RUN)]}
    (tmp_path / "x").write_text(json.dumps(long) + "\n")
    assert detect(tmp_path / "x")[0].name == "results-jsonl"
    del long["qid"]
    (tmp_path / "x").write_text(json.dumps(long) + "\n")
    assert detect(tmp_path / "x")[0].name == "openai-chat"


def test_spans_are_told_where_a_number_is_no_json(tmp_path):
    record = {"hadm_id": float("nan"), **results_record(RUN)}
    (tmp_path / "x").write_text(json.dumps(record) + "\n")
    data = (tmp_path / "x").read_bytes()
    run = open_recordings([tmp_path / "x"]).run(0)
    for step in run.steps:
        values = [json.loads(data[span.offset : span.offset + span.length]) for span in step.raw]
        assert [value["role"] for value in values] == ["assistant", *["tool"] * len(step.calls)]


REJECTED = {
    "a chat without roles": ({"messages": [{"text": "x"}]}, "near to a chat"),
    "ATIF without steps": ({"schema_version": "ATIF-v1.6"}, "near to ATIF"),
    "steps without a version": ({"steps": []}, "near to ATIF"),
    "half an Inspect log": ({"eval": {}}, "near to an Inspect log"),
    "a case": ({"qid": "x", "question": "?"}, "a case, to be run"),
    "a list of numbers": ([1, 2], "items are neither messages nor runs"),
    "a number": (3, "is not a JSON object"),
    "a string": ("x", "a JSON str"),
    "ShareGPT without turns": ({"conversations": [{"x": 1}]}, "near to ShareGPT"),
    "an empty trajectory": ({"trajectory": []}, "near to SWE-agent"),
}


@pytest.mark.parametrize(("value", "says"), REJECTED.values(), ids=REJECTED)
def test_what_is_none_names_the_nearest_format(tmp_path, value, says):
    (tmp_path / "x").write_text(json.dumps(value))
    with pytest.raises(InputError, match=says) as caught:
        open_recordings([tmp_path / "x"])
    assert "docs/formats/recordings.md" in str(caught.value)
