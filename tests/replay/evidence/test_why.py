import msgspec
import pytest
from planting import DURING, Ask, Say, Script

from clinseek_core.errors import InputError
from clinseek_replay.evidence.report import evidence, examined, report_lines
from clinseek_replay.evidence.why import why, why_lines

SQL = "SELECT charttime, medication FROM emar\nWHERE medication ILIKE '%zorva%'"
COLUMNS = ("charttime", "medication")
ROWS = [(DURING, "Saline"), (DURING, "Zorvamax 5 mg")]


def saw(rows=ROWS):
    return Say(asks=(Ask("ehr.run_sql_query", {"sql_query": SQL}, COLUMNS, rows, "emar"),))


def run(*turns, answer=("Zorvamax", "Quarvelin"), gold=("Zorvamax", "Drenolactone"), **more):
    return Script(list(turns), answer, gold, **more)


@pytest.fixture(params=["journal", "record"])
def examine(request, tmp_path):
    def read(script):
        return examined(script.read(request.param, tmp_path))

    read.form = request.param
    return read


def test_the_way_back_goes_from_the_finish_over_what_was_written_to_the_row(examine):
    found = why(examine(run(saw(), Say(text="There is Zorvamax in emar."), saw())), "zorvamax")
    assert [link.kind for link in found.links] == ["finish", "wrote", "saw"]
    finish, wrote, row = found.links
    assert (finish.place.step, finish.place.field) == (4, "arguments")
    assert (wrote.place.anchor, wrote.text) == ("s2.t:9-17", "There is Zorvamax in emar.")
    assert (row.place.anchor, row.place.column) == ("s1.c1.r2", "medication")
    assert row.arguments["sql_query"] == SQL
    assert dict(row.row.cells)["medication"] == "Zorvamax 5 mg"
    assert row.copies == 1
    if examine.form == "journal":
        record = row.row.record[0]
        assert (record.table, record.key, record.event_time) == (
            "emar",
            {"row": 1, "charttime": DURING},
            DURING,
        )
    lines = "\n".join(why_lines(found))
    assert "WHERE medication ILIKE '%zorva%'" in lines
    assert "s1.c1.r2 medication  “Zorvamax”  (and 1 more times)" in lines


def test_what_has_no_source_is_said_to_have_none(examine):
    found = why(examine(run(saw())), "Quarvelin")
    assert [link.kind for link in found.links] == ["finish", "none"]
    assert found.state.state == "FP_PARAMETRIC"
    assert "no source in the record" in "\n".join(why_lines(found))


def test_a_list_of_candidates_is_told_only_where_no_data_show_it(examine):
    lookup = Ask(
        "ehr.get_candidates_by_keyword",
        {"table_name": "x_candidates", "keyword": "z"},
        ("candidate", "ndc"),
        [("Zorvamax", "00000090099")],
        "x_candidates",
    )
    both = why(examine(run(Say(asks=(lookup,)), saw())), "Zorvamax")
    assert [link.kind for link in both.links] == ["finish", "saw"]
    alone = why(examine(run(Say(asks=(lookup,)))), "Zorvamax")
    assert [link.kind for link in alone.links] == ["finish", "listed", "none"]


def test_a_missed_item_is_told_too(examine):
    found = why(examine(run(saw([(DURING, "Drenolactone")]))), "Drenolactone")
    assert ([link.kind for link in found.links], found.state.state) == (["saw"], "SEEN_IGNORED")


@pytest.mark.parametrize(
    ("asked", "told"),
    [("Zorvamex", "did you mean 'Zorvamax'"), ("x-ray", "it has 'Zorvamax'"), ("\x1b[31m", "it has")],
    ids=["near", "far", "an escape sequence"],
)
def test_an_item_that_is_not_there_is_answered_with_those_that_are(examine, asked, told):
    with pytest.raises(InputError, match="neither the answer nor the gold") as refused:
        why(examine(run(saw())), asked)
    assert told in str(refused.value)


def test_a_run_without_answer_and_gold_has_no_item(examine):
    with pytest.raises(InputError, match="neither an answer nor a gold"):
        why(examine(run(saw(), answer=(), gold=())), "x")


def test_the_report_tells_scores_losses_states_and_what_is_not_verified(examine):
    report = evidence(examine(run(saw())).trajectory)
    text = "\n".join(report_lines(report))
    assert "F1 0.500   as the reference scores it: 0.500" in text
    assert "never in a result: Drenolactone ?" in text
    assert "SUPPORTED         Zorvamax" in text
    assert "FP_PARAMETRIC     Quarvelin" in text
    assert "Not verified: R3" in text


def test_what_a_run_wrote_cannot_act_on_a_terminal(examine):
    hostile = "Evil\x1b]0;x\x07 tumour\u202e"
    rows = [(DURING, hostile)]
    script = run(saw(rows), Say(text=f"It is {hostile}\nindeed"), answer=(hostile,), gold=(hostile,))
    examined_run = examine(script)
    text = "\n".join(
        [*report_lines(evidence(examined_run.trajectory)), *why_lines(why(examined_run, hostile))]
    )
    assert not {"\x1b", "\x07", "\u202e"} & set(text)


def test_a_task_of_what_comes_next_is_told_with_its_caution(examine):
    trajectory = examine(run(saw())).trajectory
    about = evidence(msgspec.structs.replace(trajectory, task="prescriptions"))
    assert any("no fault" in caution for caution in about.cautions)
    assert not any("no fault" in caution for caution in evidence(trajectory).cautions)


def test_without_gold_nothing_that_was_answered_is_called_false(examine):
    report = evidence(examine(run(saw(), gold=())).trajectory)
    assert {state.item: state.state for state in report.extra} == {
        "Zorvamax": "SUPPORTED",
        "Quarvelin": "PARAMETRIC",
    }
    assert report.waterfall is None
    assert "Answered\n" in "\n".join(report_lines(report))
