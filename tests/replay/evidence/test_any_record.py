"""Whatever a recording holds, its evidence is told or nothing is: no traceback, and in bounded time."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinseek_replay.evidence.listed import listed, undecorated
from clinseek_replay.evidence.report import evidence, examined, report_lines
from clinseek_replay.evidence.why import why, why_lines
from clinseek_replay.recordings import open_recordings

NAME = st.sampled_from(
    ["Heparin", "heparin.", "yes", "K", "", "\x1b[2J", "a|b", "Heart failure (acute)", "é\u0301", "0"]
)
TEXT = st.text(max_size=30) | st.sampled_from(
    [
        "label value\nheparin 1",
        "candidate,itemid\nHeparin,50912",
        "| drug | ndc |\n|---|---|\n| Heparin | 0009 |",
        '[{"label": "Heparin", "itemid": 1}]',
        "- Heparin\n- x",
        '["Heparin", "',
        "answer: heparin, x",
        "[" * 40,
    ]
)
ARGUMENTS = st.dictionaries(
    st.sampled_from(["table_name", "sql_query", "response", "keyword"]),
    NAME | st.lists(NAME, max_size=3) | st.none(),
)
CALL = st.tuples(
    st.sampled_from(
        ["ehr.run_sql_query", "get_candidates_by_keyword", "browser.search", "think", "finish", "odd"]
    ),
    ARGUMENTS | TEXT,
    TEXT | st.none(),
)


def messages_of(turns):
    messages = []
    for text, calls in turns:
        asked = [
            {"id": f"{n}", "function": {"name": name, "arguments": arguments}}
            for n, (name, arguments, _) in enumerate(calls)
        ]
        messages.append({"role": "assistant", "content": text, "tool_calls": asked})
        messages += [
            {"role": "tool", "tool_call_id": f"{n}", "content": result}
            for n, (*_, result) in enumerate(calls)
            if result is not None
        ]
    return messages


@given(
    turns=st.lists(st.tuples(TEXT, st.lists(CALL, max_size=3)), max_size=5),
    label=st.lists(NAME, max_size=4) | NAME | st.none(),
    more=st.fixed_dictionaries(
        {},
        optional={
            "input": TEXT,
            "candidates": st.lists(NAME, max_size=2),
            "subject_id": st.just(1),
            "prediction_time": st.just("2150-03-03 06:00:00"),
        },
    ),
)
@settings(max_examples=50, deadline=None)
def test_any_run_is_told(turns, label, more, tmp_path_factory):
    record = {"qid": "q", "messages": messages_of(turns), "status": "success", "label": label, **more}
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    path.write_text(json.dumps(record) + "\n")
    run = examined(open_recordings([path]).run(0))
    report = evidence(run.trajectory)
    text = list(report_lines(report))
    for state in (*run.gold, *run.extra):
        text += why_lines(why(run, state.item))
    assert "\x1b" not in "".join(text)
    if report.waterfall:
        assert 1 - sum(bar.lost for bar in report.waterfall.bars) == pytest.approx(report.waterfall.f1)


HOSTILE = {
    "blanks": " " * 100_000,
    "open brackets": "[" * 100_000,
    "an open list": '["a",' * 20_000,
    "bullets": "- a\n" * 20_000,
    "a bullet of blanks": "-" + " " * 100_000,
    "cues": "answer: " * 20_000,
    "quotes": '["' + " " * 50_000 + '"' * 50_000,
    "numbers": "1" * 100_000 + ". ",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_reading_lists_takes_no_longer_than_the_text_is_long(text):
    import time

    begin = time.process_time()
    listed(text)
    list(undecorated(text))
    assert time.process_time() - begin < 2
