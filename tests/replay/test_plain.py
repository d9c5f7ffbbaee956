import re
import time

import msgspec
import pytest

from clinseek_replay.amounts import data_size, duration
from clinseek_replay.glyphs import CUT, STATUS, TOOLS, VERDICT, in_ascii
from clinseek_replay.overview import overview
from clinseek_replay.plain import answer_lines, header_line, overview_lines, step_lines
from clinseek_replay.recordings import open_recordings
from clinseek_replay.sql import MAX_CHARACTERS, laid_out
from clinseek_replay.trajectory import Call, Note, Result, Step, Trajectory

NASTY = "\x1b[31m\x1b]8;;http://x\x07\x1b]52;c;aGk=\x07\u202e\x9b2J\r[bold]"


@pytest.fixture
def run(golden):
    return open_recordings([golden]).run(0)


def _run(*steps, **more):
    return Trajectory(run_id="r", source="x.jsonl", format="f", qid="q", steps=steps, **more)


def _step(text, sql="SELECT 1", name="ehr.run_sql_query"):
    result = Result(status="ok", text=text, full_characters=len(text))
    call = Call(anchor="s1.c1", id="1", name=name, arguments={"sql_query": sql, "why": sql}, result=result)
    return Step(number=1, calls=(call,))


def test_the_header_says_patient_cutoff_policy_model_and_score(run):
    assert header_line(run) == (
        "golden-1 · next_medication · patient 90000001 · cutoff 2150-03-03 06:00:00 (available, exclusive)"
        " · model example-model · answered · F1 1.00"
    )
    unknown = header_line(_run())
    assert unknown == "q · no cutoff recorded (policy not recorded) · model not recorded · no end recorded"


def test_the_overview_has_a_line_for_each_call(run):
    lines = list(overview_lines(run))
    by_anchor = {line.split(" ")[0]: line for line in lines if line.startswith("s")}
    assert re.sub(" +", " ", by_anchor["s2.c1"]) == (
        "s2.c1 ⌗ ehr.run_sql_query ✓ ok 2 rows · 95 B · 4 ms"
        " SELECT charttime, name FROM pyxis ORDER BY charttime DESC L…"
    )
    assert "✓ ok       478 B ✂ cut · 10 ms" in by_anchor["s3.c1"]
    assert by_anchor["s3.c2"].split()[3:5] == ["⊘", "refused"]
    assert by_anchor["s4"] == "s4        - no call  It will be Piperacillin-Tazobactam."
    assert "          nudge: Give your answer by ehr.finish." in lines
    assert lines[-1] == "  ✓ hit     Piperacillin-Tazobactam"


def test_a_step_in_full(run):
    lines = list(step_lines(run, run.steps[1]))
    assert lines[1] == "s2 of s5 · 2026-01-05 09:00:10 · 912 ms · 901 tokens in, 77 out"
    sql = lines.index("  SQL")
    assert lines[sql + 1 : sql + 5] == [
        "    SELECT charttime, name",
        "    FROM pyxis",
        "    ORDER BY charttime DESC",
        "    LIMIT 2",
    ]
    assert "    2150-03-03 05:40:00 Ondansetron" in lines
    raw = lines.index("  arguments (not a JSON object)")
    assert lines[raw + 1].startswith('    {"sql_query"')


def test_a_result_that_was_cut_says_so(run):
    assert "  result (the model got the first 200 of 478 characters)" in list(step_lines(run, run.steps[2]))


def test_the_answer_against_the_gold():
    run = _run(answer=("A", "x"), gold=("a", "b"), status="answered", answer_source="synthetic_finish")
    assert list(answer_lines(run)) == [
        "ended     answered",
        "answer    2 names (synthetic_finish)",
        "score     F1 0.50, precision 0.50, recall 0.50",
        "  ✓ hit     a",
        "  ✗ missed  b",
        "  ± extra   x",
    ]


def test_an_answer_without_gold_is_not_scored():
    assert list(answer_lines(_run(answer=("A",), status="answered")))[-2:] == [
        "  A",
        "gold      none: not scored",
    ]


def test_a_run_without_end_is_not_scored_yet():
    lines = list(answer_lines(_run(gold=("a",))))
    assert lines == ["ended     the recording holds no end of this run", "answer    none"]
    assert overview(_run(gold=("a",))).score is None
    assert overview(_run(gold=("a",), status="no_answer")).score.f1 == 0


def test_a_very_long_answer_is_listed_up_to_a_point():
    lines = list(answer_lines(_run(answer=tuple(f"n{n}" for n in range(1000)), status="answered")))
    assert "  … and 800 more" in lines
    assert len(lines) < 210


def test_nothing_that_others_wrote_acts_on_a_terminal():
    """In every field that a recording fills."""
    call = Call(
        anchor="s1.c1",
        id=NASTY,
        name=NASTY,
        arguments={NASTY: NASTY, "sql_query": NASTY, "deep": [NASTY]},
        wire_name=NASTY,
        result=Result(status="ok", text=NASTY, full_characters=9999),
    )
    broken = msgspec.structs.replace(call, arguments=None, raw_arguments=NASTY)
    note = Note(NASTY, NASTY)
    step = Step(number=1, text=NASTY, reasoning=NASTY, calls=(call, broken), notes=(note,))
    run = _run(
        step,
        Step(number=2, text=NASTY),
        task=NASTY,
        question=NASTY,
        model=NASTY,
        gold=(NASTY,),
        answer=("x" + NASTY,),
        answer_source=NASTY,
        status=NASTY,
        stop_reason=NASTY,
        message=NASTY,
        notes=(note,),
    )
    run = msgspec.structs.replace(run, qid=NASTY, source=NASTY, format=NASTY)
    for line in (*overview_lines(run), *step_lines(run, step), *step_lines(run, run.steps[1])):
        assert not set(line) & set("\x1b\x07\x9b\r\n\u202e"), line
    assert any("[bold]" in line for line in overview_lines(run))


def test_five_megabytes_and_very_long_lines():
    text = "x" * 2_500_000 + "\n" + ("\x1b[1m" + "y" * 96 + "\n") * 25_000
    run = _run(_step(text))
    before = time.perf_counter()
    shown = "\n".join(step_lines(run, run.steps[0]))
    assert time.perf_counter() - before < 5
    assert len(shown) > 5_000_000
    assert "\x1b" not in shown
    assert max(map(len, overview_lines(run))) < 400


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT '" + "x" * 100_000,
        "(" * 4000,
        "SELECT " + "f(" * 900 + "1" + ")" * 900,
        "SELECT 'two  blanks', -- and a remark\n1",
        "",
        "not sql at all; DROP",
        "\x1b[31m",
    ],
)
def test_sql_is_laid_out_and_only_its_blanks_change(sql):
    before = time.perf_counter()
    neat = laid_out(sql)
    assert time.perf_counter() - before < 5
    assert "".join(neat.split()) == "".join(sql.split())
    if len(sql) > MAX_CHARACTERS:
        assert neat == sql


def test_every_sign_has_one_cell_and_another_in_ascii():
    glyphs = [*STATUS.values(), *VERDICT.values(), CUT, *(glyph for _, glyph in TOOLS)]
    for glyph in glyphs:
        assert len(glyph.unicode) == len(glyph.ascii) == 1
        assert glyph.ascii.isascii()
        assert in_ascii(glyph.unicode) == glyph.ascii
    for table in (STATUS.values(), VERDICT.values()):
        assert len({glyph.ascii for glyph in table}) == len(table)


def test_the_golden_run_in_ascii(run):
    assert in_ascii("\n".join(overview_lines(run))).isascii()


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (2100, "2.1 kB"),
        (312_000, "312 kB"),
        (999_600, "1.0 MB"),
    ],
)
def test_data_size(count, text):
    assert data_size(count) == text


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0.26, "0.3 ms"),
        (4.4, "4 ms"),
        (999.9, "1.0 s"),
        (1240, "1.2 s"),
        (59_990, "1 min 0 s"),
        (200_000, "3 min 20 s"),
    ],
)
def test_duration(ms, text):
    assert duration(ms) == text
