"""Exports: what is written opens to the same run, is what the format says, and harms nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import stat
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinseek_core.case import Policy
from clinseek_core.errors import InputError
from clinseek_core.journal import Usage
from clinseek_fixtures import bundled_cases
from clinseek_replay.export import export
from clinseek_replay.export.atif import atif_document
from clinseek_replay.export.atif_shape import atif_problems
from clinseek_replay.export.markup import element
from clinseek_replay.export.openai import openai_line, openai_record
from clinseek_replay.export.plain_json import json_text
from clinseek_replay.export.run_page import run_page
from clinseek_replay.export.triage_page import triage_page
from clinseek_replay.recordings import open_recordings
from clinseek_replay.trajectory import Call, Note, Result, Step, Trajectory
from clinseek_replay.triage import triage
from clinseek_tui.cli import main


def result(text: str, status: str = "ok", **more: Any) -> Result:
    return Result(**({"status": status, "text": text, "full_characters": len(text)} | more))


RUN = Trajectory(
    run_id="q7__q_0__run_1",
    source="x.jsonl",
    format="results.jsonl",
    qid="q7",
    task="medrecon",
    subject_id=90000001,
    prediction_time=datetime(2150, 3, 3, 6, 0, 1),
    question="Which of <these> & those?",
    candidates=("Furosemide", "Aspirin"),
    gold=("Furosemide",),
    model="a-model",
    prompt=(("system", "You seek."), ("user", "Which?\n{}")),
    steps=(
        Step(
            number=1,
            text="First.",
            reasoning="Hm \u2192 ja",
            calls=(
                Call(
                    anchor="s1.c1",
                    id="call_xml_1",
                    name="ehr.load_ehr",
                    arguments={"subject_id": "90000001"},
                    result=result("Loaded.\n"),
                ),
                Call(
                    anchor="s1.c2",
                    id="call_xml_2",
                    name="ehr.run_sql_query",
                    arguments=None,
                    raw_arguments='{"sql_query": "SELECT',
                    result=result("Error executing run_sql_query: bad JSON", "error"),
                ),
            ),
            notes=(Note("user", "Go on."),),
        ),
        Step(
            number=2,
            calls=(
                Call(
                    anchor="s2.c1",
                    id="call_xml_1",
                    name="ehr.finish",
                    arguments={"response": ["Furosemide"]},
                    result=result("Finish"),
                ),
            ),
        ),
    ),
    answer=("Furosemide",),
    answer_source="finish",
    status="answered",
    stop_reason="finish_tool_call",
)


def canonical(run: Trajectory) -> Trajectory:
    """What the reference's format has a place for."""
    steps = tuple(
        msgspec.structs.replace(
            step,
            raw=(),
            at=None,
            usage=None,
            ms=None,
            finish_reason="",
            notes=tuple(Note("user", note.text) for note in step.notes),
            calls=tuple(
                msgspec.structs.replace(
                    call,
                    flags=(),
                    wire_name="",
                    result=call.result
                    and msgspec.structs.replace(
                        call.result,
                        status="",
                        table=None,
                        ms=None,
                        full_characters=len(call.result.text),
                    ),
                )
                for call in step.calls
            ),
        )
        for step in run.steps
    )
    unknown = Trajectory(run_id="", source="", format="")
    lost = (
        *("source", "format", "policy", "tools", "tools_digest", "engine_version", "rules", "data"),
        *("max_rounds", "max_result_characters", "stop_reason", "answer_source", "notes", "damage"),
        *("films", "pictures"),
    )
    return msgspec.structs.replace(run, steps=steps, **{name: getattr(unknown, name) for name in lost})


def reopened(path: Path, at: int = 0) -> Trajectory:
    return open_recordings([path]).run(at)


def test_openai_opens_to_the_same_run(tmp_path):
    path = tmp_path / "results.jsonl"
    path.write_text(json.dumps(openai_record(RUN), ensure_ascii=False) + "\n")
    assert canonical(reopened(path)) == canonical(RUN)


@pytest.mark.parametrize("number", [1, 2], ids=str)
def test_a_real_run_opens_to_the_same(tmp_path, number):
    journal, out = tmp_path / "traj.jsonl", tmp_path / "results.jsonl"
    main(["run", "--headless", bundled_cases()[number].qid, "--out", str(journal)])
    assert main(["export", str(journal), "--to", "openai", "--out", str(out)]) == 0
    one, other = reopened(journal), reopened(out)
    assert len(one.steps) > 5
    assert canonical(other) == canonical(one)
    assert stat.S_IMODE(os.stat(out).st_mode) == 0o600


def test_openai_writes_the_reference_drivers_fields_in_its_order():
    record = openai_record(RUN, 2, 4)
    assert list(record)[:9] == [
        *("qid", "run_index", "runs_per_question", "session_id", "question", "messages"),
        *("completed", "status", "stop_reason"),
    ]
    assert (record["status"], record["stop_reason"], record["completed"]) == (
        "success",
        "finish_tool_call",
        True,
    )
    roles = [message["role"] for message in record["messages"]]
    assert roles == ["system", "user", "assistant", "tool", "tool", "user", "assistant", "tool"]
    call = record["messages"][2]["tool_calls"][0]
    assert call == {
        "id": "call_xml_1",
        "type": "function",
        "function": {"name": "ehr.load_ehr", "arguments": '{"subject_id": "90000001"}'},
    }
    assert record["label"] == ["Furosemide"]


@pytest.mark.parametrize(
    ("status", "stop_reason", "written"),
    [
        ("answered", "finish", ("success", "finish_tool_call", True)),
        ("no_answer", "max_rounds", ("incomplete", "no_final_answer", False)),
        ("stopped", "stopped_by_user", ("incomplete", "no_final_answer", False)),
        ("error", "endpoint_down", ("error", "exception", False)),
        ("error", "exception_before_completion", ("error", "exception_before_completion", False)),
        ("", "", ("incomplete", "no_final_answer", False)),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_ends_in_the_references_words(status, stop_reason, written):
    record = openai_record(msgspec.structs.replace(RUN, status=status, stop_reason=stop_reason))
    assert (record["status"], record["stop_reason"], record["completed"]) == written


def json_of(document: Any) -> Any:
    return json.loads(json.dumps(document))


def test_atif_of_a_run_is_valid_and_says_all(tmp_path):
    run = msgspec.structs.replace(
        RUN,
        policy=Policy(),
        steps=(
            msgspec.structs.replace(
                RUN.steps[0],
                usage=Usage(input_tokens=5, output_tokens=2),
                at=datetime(2026, 1, 5, tzinfo=UTC),
            ),
            *RUN.steps[1:],
        ),
    )
    document = json_of(atif_document(run))
    assert atif_problems(document) == ()
    assert document["schema_version"] == "ATIF-v1.7"
    assert [step["source"] for step in document["steps"]] == ["system", "user", "agent", "user", "agent"]
    agent = document["steps"][2]
    assert (agent["message"], agent["reasoning_content"]) == ("First.", "Hm \u2192 ja")
    assert agent["metrics"] == {"prompt_tokens": 5, "completion_tokens": 2}
    assert agent["tool_calls"][1]["extra"]["clinseek"]["raw_arguments"] == '{"sql_query": "SELECT'
    assert [r["extra"]["clinseek"]["status"] for r in agent["observation"]["results"]] == ["ok", "error"]
    ours = document["extra"]["clinseek"]
    assert (ours["cutoff"], ours["policy"]["basis"], ours["gold"]) == (
        "2150-03-03T06:00:01",
        "available",
        ["Furosemide"],
    )
    assert all(name in SHAPE for name in names_in(document))


SHAPE = frozenset(
    (
        *(
            "schema_version",
            "session_id",
            "trajectory_id",
            "agent",
            "steps",
            "final_metrics",
            "extra",
            "name",
        ),
        *("version", "model_name", "step_id", "source", "message", "reasoning_content", "tool_calls"),
        *("observation", "results", "source_call_id", "content", "metrics", "prompt_tokens", "timestamp"),
        *("completion_tokens", "llm_call_count", "tool_call_id", "function_name", "arguments", "total_steps"),
        *("total_prompt_tokens", "total_completion_tokens", "tool_definitions"),
    )
)


def names_in(value: Any) -> set[str]:
    """Names of fields of the format; what is under `extra` and in arguments is anyone's."""
    if isinstance(value, list):
        return set().union(*map(names_in, value))
    if not isinstance(value, dict):
        return set()
    inner = (names_in(v) for k, v in value.items() if k not in ("extra", "arguments", "tool_definitions"))
    return set(value).union(*inner)


def test_atif_marks_what_no_model_made():
    synthetic = msgspec.structs.replace(
        RUN.steps[1], calls=(msgspec.structs.replace(RUN.steps[1].calls[0], flags=("synthetic",)),)
    )
    document = json_of(atif_document(msgspec.structs.replace(RUN, steps=(RUN.steps[0], synthetic))))
    assert [s.get("llm_call_count") for s in document["steps"] if s["source"] == "agent"] == [1, 0]
    rules = json_of(atif_document(msgspec.structs.replace(RUN, rules=True)))
    agent = [step for step in rules["steps"] if step["source"] == "agent"]
    assert {step["llm_call_count"] for step in agent} == {0}
    assert "reasoning_content" not in agent[0]
    assert agent[0]["extra"]["clinseek"]["reasoning"] == "Hm \u2192 ja"
    assert atif_problems(document) == atif_problems(rules) == ()


def test_atif_always_has_a_system_step_and_distinct_call_ids():
    calls = tuple(msgspec.structs.replace(call, id="1") for call in RUN.steps[0].calls)
    run = msgspec.structs.replace(RUN, prompt=(), steps=(msgspec.structs.replace(RUN.steps[0], calls=calls),))
    document = json_of(atif_document(run))
    assert atif_problems(document) == ()
    assert document["steps"][0]["source"] == "system"
    assert document["steps"][0]["extra"] == {"clinseek": {"recorded": False}}
    assert [call["tool_call_id"] for call in document["steps"][1]["tool_calls"]] == ["s1.c1", "s1.c2"]
    assert atif_problems(json_of(atif_document(msgspec.structs.replace(run, steps=())))) == ()


def test_atif_opens_to_the_same_run(tmp_path):
    path = tmp_path / "run.json"
    path.write_text(json_text(atif_document(RUN)))
    again = reopened(path)
    assert again.prompt == RUN.prompt
    assert [(s.text, s.reasoning) for s in again.steps] == [(s.text, s.reasoning) for s in RUN.steps]
    calls = [
        [(c.id, c.name, c.arguments or {}, c.result and c.result.text) for s in run.steps for c in s.calls]
        for run in (again, RUN)
    ]
    assert calls[0] == calls[1]
    assert (again.answer, again.gold, again.qid, again.prediction_time) == (
        RUN.answer,
        RUN.gold,
        RUN.qid,
        RUN.prediction_time,
    )


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    """The journal of a real run of the seeker."""
    path = tmp_path_factory.mktemp("run") / "traj.jsonl"
    assert main(["run", "--headless", "--out", str(path)]) == 0
    return path


def test_the_tools_of_a_real_run_are_defined_in_atif(journal, tmp_path):
    out = tmp_path / "run.json"
    assert main(["export", str(journal), "--to", "atif", "--out", str(out)]) == 0
    document = json.loads(out.read_text())
    assert atif_problems(document) == ()
    names = {tool["function"]["name"] for tool in document["agent"]["tool_definitions"]}
    called = {call["function_name"] for step in document["steps"] for call in step.get("tool_calls", ())}
    assert called <= names
    other = msgspec.structs.replace(reopened(journal), tools_digest="0" * 64)
    assert "tool_definitions" not in atif_document(other)["agent"]


def broken(change: str, value: Any) -> Any:
    """The document of RUN with a value put at a path, or what is there taken away."""
    document = json_of(atif_document(RUN))
    *path, last = (int(part) if part.isdecimal() else part for part in change.split("."))
    place = document
    for part in path:
        place = place[part]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return document


BREAKS = [
    ("schema_version", "ATIF-v1.8"),
    ("qid", "ours"),
    ("agent.temperature", 1),
    ("agent.version", ...),
    ("steps", []),
    ("steps.0.step_id", 2),
    ("steps.1.step_id", 1),
    ("steps.0.cutoff", "2150"),
    ("steps.0.source", "assistant"),
    ("steps.0.message", ...),
    ("steps.0.tool_calls", []),
    ("steps.0.metrics", {}),
    ("steps.2.llm_call_count", 0),
    ("steps.2.llm_call_count", -1),
    ("steps.2.llm_call_count", True),
    ("steps.2.timestamp", "yesterday"),
    ("steps.2.extra", []),
    ("steps.2.metrics", {"prompt_tokens": "5"}),
    ("steps.2.message", [{"type": "text"}]),
    ("steps.2.message", [{"type": "image", "source": {"media_type": "image/bmp", "path": "x"}}]),
    ("steps.2.tool_calls.0.arguments", "{}"),
    ("steps.2.tool_calls.0.is_error", False),
    ("steps.2.tool_calls.0.tool_call_id", "call_xml_2"),
    ("steps.2.observation.results.0.source_call_id", "call_of_another_step"),
    ("steps.2.observation.results.0.is_error", False),
    ("steps.2.observation.results", ...),
    ("steps.2.observation.results.0.subagent_trajectory_ref", [{"session_id": "x"}]),
    ("subagent_trajectories", [{}]),
    ("final_metrics.total_steps", -1),
]


@pytest.mark.parametrize(
    ("change", "value"), BREAKS, ids=[f"{n}-{change}" for n, (change, _) in enumerate(BREAKS)]
)
def test_the_validator_refuses(change, value):
    problems = atif_problems(broken(change, value))
    assert problems
    assert all(problem.startswith("$") for problem in problems)


def test_the_validator_takes_what_the_format_allows():
    document = broken("steps.2.message", [{"type": "text", "text": "x"}])
    document["steps"][2]["reasoning_effort"] = 0.5
    document["steps"][2]["is_copied_context"] = True
    document["notes"] = None
    document["subagent_trajectories"] = [{**json_of(atif_document(RUN)), "trajectory_id": "sub"}]
    document["steps"][2]["observation"]["results"][0]["subagent_trajectory_ref"] = [{"trajectory_id": "sub"}]
    assert atif_problems(document) == ()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["schema_version", "steps", "agent", "step_id", "source", "message", "extra", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=50)
@given(json_values)
def test_the_validator_answers_for_any_json(value):
    assert atif_problems(value)


hostile = st.text(
    st.characters(codec=None, exclude_categories=()) | st.sampled_from("<>&\"'\x1b\u202e\x00\ud800"),
    max_size=30,
) | st.sampled_from(
    [
        "\ud800 a surrogate alone",
        "\x00\x1b[2J\u202e",
        "<script>alert(1)</script>",
        "</pre></details><img src=x onerror=alert(1)>",
        '" onmouseover="alert(1)',
        "<a href='https://example.org'>x</a>",
        "</style><style>@import url(https://example.org)</style>",
        "<!--",
        "]]>",
        "&lt;b&gt;",
        "javascript:alert(1)",
    ]
)


@st.composite
def hostile_runs(draw: st.DrawFn) -> Trajectory:
    """A run whose every text is one that somebody hostile wrote."""

    def call(at: int) -> Call:
        arguments = draw(
            st.none() | st.dictionaries(hostile, hostile | st.lists(hostile, max_size=2), max_size=3)
        )
        return Call(
            anchor=f"s1.c{at}",
            id=draw(hostile),
            name=draw(hostile),
            arguments=arguments,
            raw_arguments=draw(hostile),
            result=draw(st.none() | st.builds(result, hostile)),
        )

    calls = tuple(call(at) for at in range(1, draw(st.integers(1, 4))))
    notes = tuple(Note(draw(hostile), draw(hostile)) for _ in range(2))
    step = Step(number=1, text=draw(hostile), reasoning=draw(hostile), calls=calls, notes=notes)
    texts = {
        name: draw(hostile)
        for name in ("run_id", "source", "format", "qid", "task", "question", "model", "curated")
    }
    names = st.lists(hostile, max_size=3).map(tuple)
    return Trajectory(
        **texts,
        steps=(step,),
        prompt=((draw(hostile), draw(hostile)),),
        gold=draw(st.none() | names),
        answer=draw(st.none() | names),
        candidates=draw(names),
        status=draw(st.sampled_from(["", "answered", "<b>"])),
        stop_reason=draw(hostile),
        message=draw(hostile),
    )


ALLOWED = frozenset(
    (
        *("html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "h3", "p", "dl", "dt", "dd"),
        *("ul", "li", "strong", "table", "thead", "tbody", "tr", "th", "td", "div", "details", "summary"),
        *("section", "header", "span", "pre", "code", "nav", "a", "svg", "rect", "text", "g"),
    )
)
ATTRIBUTES = frozenset(
    (
        *("lang", "charset", "http-equiv", "content", "name", "class", "id", "href", "viewBox", "viewbox"),
        *("x", "y", "width", "height", "role", "aria-label", "text-anchor", "open"),
    )
)


class Page(HTMLParser):
    """What a browser would find in a page."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.comments: list[str] = []
        self.feed(content.decode("utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text.append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


def check_page(content: bytes) -> Page:
    """A page that fetches nothing, runs nothing, and has no element that a text brought."""
    found = Page(content)
    assert {name for name, _ in found.elements} <= ALLOWED
    assert {name for _, attributes in found.elements for name in attributes} <= ATTRIBUTES
    assert all((a["href"] or "").startswith("#") for _, a in found.elements if "href" in a)
    assert found.open == []
    assert found.comments == []
    styles = [name for name, _ in found.elements if name == "style"]
    assert len(styles) == 1
    sheet = content.decode().partition("<style>")[2].partition("</style>")[0]
    assert not any(word in sheet for word in ("url(", "@import", "http", "expression"))
    policy = next(a["content"] for _, a in found.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    return found


@settings(max_examples=50, deadline=None)
@given(hostile_runs(), st.booleans())
def test_no_text_of_a_run_becomes_an_element(run, with_patient_text):
    check_page(run_page(run, with_patient_text=with_patient_text))


@settings(max_examples=50, deadline=None)
@given(hostile_runs())
def test_any_run_is_valid_atif_and_a_line_of_json(run):
    document = json.loads(json_text(atif_document(run)))
    assert atif_problems(document) == ()
    line = openai_line(run)
    assert line.count(b"\n") == 1
    assert json.loads(line.decode("utf-8"))["messages"]


@settings(max_examples=30, deadline=None)
@given(st.lists(hostile_runs(), max_size=2), st.booleans())
def test_no_text_of_a_triage_becomes_an_element(runs, with_patient_text):
    found = check_page(triage_page([triage(run) for run in runs], with_patient_text=with_patient_text))
    assert sum(name == "details" and "id" in attributes for name, attributes in found.elements) == len(runs)


def test_a_page_of_a_triage_counts_causes_and_lists_findings_without_what_they_quote():
    repeated = msgspec.structs.replace(
        RUN.steps[0].calls[0], arguments={"subject_id": "Jane Doe"}, result=result("Error: Jane Doe", "error")
    )
    steps = tuple(
        Step(number=n, calls=(msgspec.structs.replace(repeated, anchor=f"s{n}.c1"),)) for n in range(1, 5)
    )
    lost = msgspec.structs.replace(RUN, steps=steps, answer=(), status="no_answer", stop_reason="max_rounds")
    runs = [triage(lost), triage(RUN)]
    assert any("Jane Doe" in finding.message for finding in runs[0].findings)
    veiled = "".join(check_page(triage_page(runs)).text)
    assert "nothing was lost" in veiled
    assert all(f"{finding.code} {finding.name}" in veiled for finding in runs[0].findings)
    assert "Jane Doe" not in veiled
    assert "Jane Doe" in "".join(check_page(triage_page(runs, with_patient_text=True)).text)


def test_the_style_sheet_is_allowed_by_the_digest_of_its_own_text():
    content = run_page(RUN).decode()
    sheet = content.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    assert f"sha256-{digest}" in content.replace("&#x27;", "'")


def test_a_page_holds_nothing_of_the_patient_unless_asked(journal):
    run = reopened(journal)
    veiled, shown = check_page(run_page(run)), check_page(run_page(run, with_patient_text=True))
    page, whole = "".join(veiled.text), "".join(shown.text)
    cells = {
        str(cell)
        for step in run.steps
        for call in step.calls
        if call.result and call.result.table and call.result.table.origins
        for row in call.result.table.rows
        for cell in row
        if isinstance(cell, str) and len(cell) > 8 and not cell.startswith("21")
    }
    assert len(cells) > 10
    named = (*run.candidates, *(run.gold or ()))
    secret = {cell for cell in cells if not any(cell in name or name in cell for name in named)}
    assert [cell for cell in secret if cell in page] == []
    assert "90000001" not in page
    assert "2150" not in page
    assert "SELECT" not in page
    assert "90000001" in whole
    assert "SELECT" in whole
    assert sum(cell in whole for cell in secret) > len(secret) / 2
    assert "left out" in page
    assert "Hand it on only to those" in whole


def test_digests_tell_equal_texts_on_a_page_and_nothing_else():
    step = msgspec.structs.replace(RUN.steps[0], text="yes", reasoning="yes")
    run = msgspec.structs.replace(RUN, steps=(step,))
    first, second = (
        re.findall(r"3 B, digest ([0-9a-f]{8})", "".join(check_page(run_page(run)).text)) for _ in "ab"
    )
    assert len(first) == 2
    assert first[0] == first[1]
    assert first[0] != second[0]


def test_an_answer_that_is_no_name_of_the_case_is_veiled():
    run = msgspec.structs.replace(RUN, answer=("Furosemide", "Jane Doe of Elm Street"))
    assert "Jane Doe" not in "".join(check_page(run_page(run)).text)
    assert "Jane Doe" in "".join(check_page(run_page(run, with_patient_text=True)).text)


def test_names_that_a_model_made_up_are_veiled_and_known_ones_are_not():
    call = msgspec.structs.replace(
        RUN.steps[0].calls[0],
        name="ehr.find_jane_doe",
        arguments={"jane_doe": "1", "table_name": "jane_doe_labs", "subject_id": "90000001"},
    )
    known = msgspec.structs.replace(
        call, name="ehr.get_latest_records", arguments={"table_name": "labevents"}
    )
    run = msgspec.structs.replace(RUN, steps=(Step(number=1, calls=(call, known)),))
    text = "".join(check_page(run_page(run)).text)
    assert "jane" not in text
    assert all(name in text for name in ("ehr.get_latest_records", "table_name", "labevents", "subject_id"))


def test_what_would_act_on_a_reader_is_drawn_and_quotes_stay_within_an_attribute():
    run = msgspec.structs.replace(RUN, question="a\x1b[2Jb\u202ec")
    content = run_page(run, with_patient_text=True).decode()
    assert "\x1b" not in content
    assert "\u202e" not in content
    assert "\u241b[2Jb" in content
    hostile_id = 'x" onclick="alert(1)'
    assert element("p", id=hostile_id) == '<p id="x&quot; onclick=&quot;alert(1)"></p>'


def test_a_large_run_is_bounded_and_says_so():
    call = msgspec.structs.replace(RUN.steps[0].calls[0], result=result("xy " * 7_000))
    steps = [msgspec.structs.replace(RUN.steps[0], number=n, calls=(call,)) for n in range(1, 451)]
    content = run_page(msgspec.structs.replace(RUN, steps=steps), with_patient_text=True)
    assert len(content) < 12_000_000
    assert "Cut here: 20,000 of 21,000 characters" in content.decode()
    many = msgspec.structs.replace(RUN, steps=[RUN.steps[1]] * 5000)
    assert "2,000 more steps are not on this page" in run_page(many).decode()


@pytest.fixture
def three_runs(write_runs):
    records = [openai_record(msgspec.structs.replace(RUN, qid=qid)) for qid in ("a/../b", "a/../b", "c")]
    return write_runs(*records)


@pytest.mark.parametrize("to", ["openai", "atif", "html"])
def test_every_run_of_a_file_is_written(three_runs, tmp_path, to):
    out = tmp_path / "out"
    assert main(["export", str(three_runs), "--to", to, "--out", str(out)]) == 0
    files = [out] if to == "openai" else sorted(out.iterdir())
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    if to == "openai":
        records = [json.loads(line) for line in out.read_text().splitlines()]
        assert [(r["qid"], r["run_index"], r["runs_per_question"]) for r in records] == [
            ("a/../b", 1, 2),
            ("a/../b", 2, 2),
            ("c", 1, 1),
        ]
    else:
        ending = {"atif": "json", "html": "html"}[to]
        assert [file.name for file in files] == [
            f"{n:04}-{name}.{ending}" for n, name in enumerate(("a_.._b", "a_.._b", "c"), 1)
        ]
        assert stat.S_IMODE(out.stat().st_mode) == 0o700


def test_one_run_can_be_picked(three_runs, tmp_path, capsys):
    out = tmp_path / "out.json"
    assert main(["export", str(three_runs), "--to", "atif", "--run", "3", "--out", str(out), "--json"]) == 0
    assert json.loads(out.read_text())["extra"]["clinseek"]["qid"] == "c"
    assert json.loads(capsys.readouterr().out) == {"runs": 1, "files": [str(out)]}


@pytest.mark.parametrize("to", ["openai", "atif", "html"])
def test_nothing_is_overwritten_unless_asked(three_runs, tmp_path, to, capsys):
    out = tmp_path / "out"
    arguments = ["export", str(three_runs), "--to", to, "--run", "1", "--out", str(out)]
    out.write_text("mine")
    assert main(arguments) == 2
    assert "--force" in capsys.readouterr().err
    assert out.read_text() == "mine"
    assert main([*arguments, "--force"]) == 0
    assert out.read_text() != "mine"
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")] == []


def test_a_file_in_the_way_is_told_before_anything_is_read(three_runs, tmp_path):
    out = tmp_path / "out.jsonl"
    out.write_text("mine")
    read: list[int] = []
    with pytest.raises(InputError, match="--force"):
        export(
            open_recordings([three_runs]), range(3), "openai", out, on_progress=lambda n, _: read.append(n)
        )
    assert read == []


def test_of_a_folder_with_one_file_in_the_way_nothing_is_written(three_runs, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "0003-c.json").write_text("mine")
    assert main(["export", str(three_runs), "--to", "atif", "--out", str(out)]) == 2
    assert [path.name for path in out.iterdir()] == ["0003-c.json"]


def test_a_recording_is_never_written_over(three_runs, tmp_path, capsys):
    before = three_runs.read_bytes()
    link = tmp_path / "link.jsonl"
    link.symlink_to(three_runs)
    for out in (three_runs, link):
        assert main(["export", str(three_runs), "--to", "openai", "--out", str(out), "--force"]) == 2
        assert "the recording itself" in capsys.readouterr().err
    assert three_runs.read_bytes() == before


def test_an_export_that_fails_leaves_nothing(three_runs, tmp_path):
    def fail(done: int, total: int) -> None:
        if done == 1:
            raise InputError("the file has changed")

    out = tmp_path / "out.jsonl"
    recordings = open_recordings([three_runs])
    with pytest.raises(InputError):
        export(recordings, range(3), "openai", out, on_progress=fail)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["results.jsonl"]


def test_a_folder_that_is_not_there_is_told(three_runs, tmp_path, capsys):
    out = tmp_path / "no" / "out.jsonl"
    assert main(["export", str(three_runs), "--to", "openai", "--out", str(out)]) == 2
    assert "can't be written" in capsys.readouterr().err
