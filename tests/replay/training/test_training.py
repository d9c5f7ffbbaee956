"""Training data from runs: who is taken, what is trained on, in which split, and how it reads back."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded import FORMATS, RUN

from clinseek_core.agent.prompt import opening
from clinseek_core.call_text import calls_in
from clinseek_core.errors import InputError
from clinseek_core.tools.ehr_specs import EHR_TOOLS
from clinseek_fixtures import bundled_cases
from clinseek_replay.recordings import open_recordings
from clinseek_replay.training import Selection, Wish, token_count
from clinseek_replay.training.cleaning import marked, without_marked
from clinseek_replay.training.example import example_of
from clinseek_replay.training.rendering import FORMS, as_text, messages_of, spans_of_assistant, tools_of
from clinseek_replay.training.splitting import split_of
from clinseek_replay.trajectory import Call, Result, Step, Trajectory
from clinseek_replay.triage import triage
from clinseek_tui.cli import main

CASE = bundled_cases()[0]
AT = datetime(2150, 3, 2, 17, 20)


def call(anchor: str, name: str, text: str = "ok", status: Any = "ok", **arguments: Any) -> Call:
    return Call(
        anchor=anchor,
        id="same",
        name=name,
        arguments=arguments,
        result=Result(status=status, text=text, full_characters=len(text)),
    )


def run(*calls: Call, answer: tuple[str, ...] = ("a",), **changes: Any) -> Trajectory:
    steps = [Step(number=n, text=f"step {n}", calls=(one,)) for n, one in enumerate(calls, 1)]
    finish = call(f"s{len(calls) + 1}.c1", "ehr.finish", "Finish", response=list(answer))
    steps.append(Step(number=len(calls) + 1, calls=(finish,)))
    fields = {
        "run_id": "r", "source": "x", "format": "openai", "qid": "q", "task": "labevents", "subject_id": 7,
        "prediction_time": AT, "question": "What?", "gold": ("a",), "answer": answer,
        "answer_source": "finish", "status": "answered", "steps": tuple(steps),
    }  # fmt: skip
    return Trajectory(**(fields | changes))


SQL = call("s1.c1", "ehr.run_sql_query", "rows", sql_query="SELECT 1")
GOOD = run(SQL)


def reason(trajectory: Trajectory, **asked: Any) -> str | None:
    return example_of(trajectory, Wish(selection=Selection(**asked))).reason


def test_a_run_that_teaches_is_taken() -> None:
    assert reason(GOOD) is None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"subject_id": None}, "no_case"),
        ({"prediction_time": None}, "no_case"),
        ({"question": ""}, "no_case"),
        ({"status": "no_answer", "answer": None, "answer_source": ""}, "not_finished"),
        ({"answer_source": "synthetic_finish"}, "not_finished"),
        ({"answer_source": "text_answer"}, "not_finished"),
        ({"gold": None}, "no_gold"),
        ({"gold": ("b",)}, "low_f1"),
        ({"steps": ()}, "no_calls"),
    ],
    ids=range(9),
)
def test_a_run_that_does_not_is_left_out_with_its_reason(changes: dict[str, Any], why: str) -> None:
    assert reason(msgspec.structs.replace(GOOD, **changes)) == why


def test_without_a_bar_runs_without_gold_are_taken() -> None:
    assert reason(msgspec.structs.replace(GOOD, gold=None), min_f1=0.0) is None


def test_an_answer_that_rests_on_what_was_not_known_teaches_nothing() -> None:
    text = " medication           charttime\nCeftriaxone 2150-03-04 09:00:00"
    late = call("s1.c1", "ehr.get_latest_records", text, table_name="emar")
    leaky = run(late, answer=("Ceftriaxone",), gold=("Ceftriaxone",))
    assert reason(leaky) == "leak_used"
    assert reason(leaky, allow_leaks=True) is None


def test_loops_are_left_out() -> None:
    same = [call(f"s{n}.c1", "ehr.run_sql_query", "rows", sql_query="SELECT 1") for n in range(1, 9)]
    assert reason(run(*same)) == "loop"
    assert reason(run(*same), allow_loops=True) is None


MIXED = run(
    SQL,
    call("s2.c1", "ehr.run_sql_query", "rows", sql_query="SELECT 1"),
    call("s3.c1", "ehr.run_sql_query", "Error: no such column", "error", sql_query="SELECT x"),
    call("s4.c1", "ehr.keyword", "Error: there is no tool", "error", q="x"),
    call("s5.c1", "ehr.run_sql_query", "other", sql_query="SELECT 2"),
)


def test_marked_calls_are_told_and_stay_until_they_are_dropped() -> None:
    tools = tools_of(MIXED)
    marks = marked(MIXED, triage(MIXED), [spec.name for spec in tools])
    assert marks == {"s2.c1": "repeated", "s3.c1": "failed", "s4.c1": "invalid"}
    kept = example_of(MIXED, Wish(selection=Selection()))
    assert kept.marks == marks
    assert sum(kept.calls.values()) == 6
    dropped = example_of(MIXED, Wish(selection=Selection(), drop_marked=True))
    assert (dropped.marks, dropped.calls) == (marks, {"ehr.finish": 1, "ehr.run_sql_query": 2})
    assert [step.number for step in without_marked(MIXED.steps, marks)] == [1, 5, 6]


def test_what_is_trained_is_what_run_serves(server: Any, say: Any, tmp_path: Path) -> None:
    """The opening and the tools of an example are, to the letter, those of the request that `run` made."""
    server.script = [
        say.stream(
            "", ("ehr.load_ehr", {"subject_id": str(CASE.subject_id), "timestamp": str(CASE.prediction_time)})
        ),
        say.stream("", ("ehr.finish", {"response": list(CASE.gold or ())})),
    ]
    journal = tmp_path / "traj.jsonl"
    model = ("--model", "m", "--base-url", server.url)
    assert main(["run", CASE.qid, "--headless", "--web", "off", "--out", str(journal), *model]) == 0
    assert main(["export", str(journal), "--to", "sft", "--out", str(tmp_path / "sft")]) == 0
    (row,) = (json.loads(line) for line in (tmp_path / "sft/train.jsonl").read_text().splitlines())
    request = server.requests[-1]
    assert [(m["role"], m["content"]) for m in row["messages"][:2]] == [
        (m["role"], m["content"]) for m in request["messages"][:2]
    ]
    assert row["tools"] == request["tools"]
    sent = [(m["role"], m.get("content") or "") for m in request["messages"][2:]]
    assert [(m["role"], m["content"]) for m in row["messages"][2:-1]] == sent


def test_a_run_of_others_gets_the_opening_that_ours_would_have() -> None:
    foreign = msgspec.structs.replace(GOOD, prompt=(("system", "theirs"), ("user", "theirs")))
    messages = messages_of(foreign, foreign.steps, EHR_TOOLS)
    case = msgspec.structs.replace(CASE, subject_id=7, prediction_time=AT, question="What?", candidates=())
    expected = [message.content for message in opening(case, EHR_TOOLS, ())]
    assert messages[0]["content"] == expected[0]
    assert "What?" in messages[1]["content"]
    assert messages[-1]["tool_calls"][0]["function"]["name"] == "ehr.finish"


TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=30).filter(
    lambda text: (
        not any(mark in text for mark in ("<|im_", "<tool_", "<function", "<parameter", "</", "[Tool"))
    )
)
CALLS = st.lists(
    st.tuples(
        st.sampled_from([spec.name for spec in EHR_TOOLS if spec.name != "ehr.finish"]),
        st.dictionaries(st.sampled_from("abc"), TEXT),
    ),
    max_size=4,
)


@settings(max_examples=40, deadline=None)
@given(calls=CALLS, thoughts=TEXT, form=st.sampled_from(["xml", "json"]))
def test_only_the_models_own_characters_are_trained_on(calls: Any, thoughts: str, form: Any) -> None:
    made = [call(f"s{n}.c1", name, "RESULT", **arguments) for n, (name, arguments) in enumerate(calls, 1)]
    trajectory = run(*made)
    steps = [msgspec.structs.replace(step, reasoning=thoughts) for step in trajectory.steps]
    messages = messages_of(trajectory, steps, EHR_TOOLS)
    text, spans = spans_of_assistant(messages, EHR_TOOLS, form)
    assert text == as_text(messages, EHR_TOOLS, form)
    own = [text[begin:end] for begin, end in spans]
    assert len(own) == len(trajectory.steps)
    assert all(one.endswith("<|im_end|>") for one in own)
    # What is left is every other turn, and none of it is the model's.
    rest = text
    for begin, end in reversed(spans):
        rest = rest[:begin] + rest[end:]
    assert rest.count("RESULT") == len(made)
    assert not any("RESULT" in one for one in own)
    assert "ehr.finish" in own[-1]


@settings(max_examples=40, deadline=None)
@given(calls=CALLS, form=st.sampled_from(["xml", "json"]))
def test_calls_read_back_from_the_text_as_they_were(calls: Any, form: Any) -> None:
    made = [call(f"s{n}.c1", name, **arguments) for n, (name, arguments) in enumerate(calls, 1)]
    trajectory = run(*made)
    messages = messages_of(trajectory, trajectory.steps, EHR_TOOLS)
    text, spans = spans_of_assistant(messages, EHR_TOOLS, form)
    read = [asked for begin, end in spans for asked in calls_in(text[begin:end])[1]]
    assert [asked.name for asked in read] == [one.name for step in trajectory.steps for one in step.calls]
    for asked, one in zip(read, made, strict=False):
        assert {key: value.strip() for key, value in asked.arguments.items()} == {
            key: value.strip() for key, value in (one.arguments or {}).items()
        }


@settings(max_examples=200, deadline=None)
@given(st.sets(st.integers(1, 10**8), max_size=60), st.integers(0, 100), st.floats(0, 1))
def test_a_patient_is_in_one_split_whoever_else_is_there(patients: set[int], seed: int, share: float) -> None:
    splits = {patient: split_of(patient, seed, share) for patient in patients}
    assert all(split_of(patient, seed, share) == split for patient, split in splits.items())
    assert all(split == "train" for split in splits.values()) or share > 0
    grown = {patient: split_of(patient, seed, min(share + 0.1, 1.0)) for patient in patients}
    assert all(grown[patient] == "validation" for patient, split in splits.items() if split == "validation")


def test_the_share_of_validation_is_about_what_was_asked() -> None:
    found = sum(split_of(patient, 1, 0.2) == "validation" for patient in range(4000))
    assert 700 < found < 900


def test_an_export_opens_again_as_the_same_runs(journal: Path, tmp_path: Path) -> None:
    out = tmp_path / "sft"
    assert main(["export", str(journal), "--to", "sft", "--out", str(out), "--min-f1", "0"]) == 0
    (original,) = (open_recordings([journal]).run(0),)
    expected = [(one.name, one.arguments) for step in original.steps for one in step.calls]
    for name in ("train.jsonl", "train.parquet"):
        again = open_recordings([out / name]).run(0)
        assert [(one.name, one.arguments) for step in again.steps for one in step.calls] == expected, name
    assert main(["export", str(journal), "--to", "sft", "--out", str(out)]) == 2
    card = json.loads((out / "card.json").read_text())
    assert card["examples"] == {"train": 1}
    assert card["tools"]
    assert card["tokens"]["total"] > 100


def test_what_is_too_long_or_too_many_is_left_out_and_counted(
    journal: Path, tmp_path: Path, capsys: Any
) -> None:
    assert (
        main(
            [
                "export",
                str(journal),
                str(journal),
                "--to",
                "sft",
                "--out",
                str(tmp_path / "a"),
                "--min-f1",
                "0",
            ]
        )
        == 0
    )
    card = json.loads((tmp_path / "a/card.json").read_text())
    assert card["left_out"] == {"twice": 1} or card["runs"] == 1
    short = ["--max-tokens", "10", "--min-f1", "0"]
    assert main(["export", str(journal), "--to", "sft", "--out", str(tmp_path / "b"), *short]) == 1
    assert json.loads((tmp_path / "b/card.json").read_text())["left_out"] == {"too_long": 1}


def test_tokens_are_counted_by_a_tokenizers_file_or_by_a_rule_that_says_so(tmp_path: Path) -> None:
    assert "no tokenizer was named" in token_count(None).says
    assert token_count(None).of("Piperacillin 4500 mg.") == 6
    tokenizers = pytest.importorskip("tokenizers")
    whole = tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0, "b": 1, "?": 2}, unk_token="?"))
    whole.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    whole.save(str(tmp_path / "tokenizer.json"))
    count = token_count(tmp_path / "tokenizer.json")
    assert (count.of("a b c"), count.says) == (3, "by tokenizer.json")
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(InputError, match="is no tokenizer"):
        token_count(tmp_path / "tokenizer.json")


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "traj.jsonl"
    main(["run", CASE.qid, "--headless", "--web", "off", "--out", str(out)])
    return out


@pytest.mark.parametrize("name", FORMATS)
def test_every_recorded_shape_is_taken_or_says_what_it_lacks(name: str, tmp_path: Path) -> None:
    """The same run in all formats: where patient, time and end are told, the same calls are taught."""
    recording = FORMATS[name].write(tmp_path / "x.bin", RUN)
    asked = ["--to", "sft", "--out", str(tmp_path / "sft"), "--min-f1", "0", "--allow-leaks", "--allow-loops"]
    status = main(["export", str(recording), *asked])
    card = json.loads((tmp_path / "sft/card.json").read_text())
    trajectory = open_recordings([recording]).run(0)
    if status == 1:
        (why,) = card["left_out"]
        assert why in {"no_case", "not_finished"}
        assert trajectory.subject_id is None or trajectory.prediction_time is None or why == "not_finished"
        return
    (row,) = (json.loads(line) for line in (tmp_path / "sft/train.jsonl").read_text().splitlines())
    taught = [call["function"]["name"] for m in row["messages"] for call in m.get("tool_calls", ())]
    made = [call.name for step in trajectory.steps for call in step.calls]
    assert taught == made[: len(taught)]
    assert len(taught) > 2


def test_help_names_every_form(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["export", "--help"])
    assert "{" + ",".join(FORMS) + "}" in capsys.readouterr().out.replace("\n", "").replace(" ", "")
