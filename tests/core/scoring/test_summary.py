import pytest

from clinseek_core.scoring import ScoredRun, by_question, score, score_upstream, summary


def run(qid, answer, gold=("a",), *, run_id=None, task="t", status="answered", source="finish"):
    return ScoredRun(
        qid=qid,
        run_id=run_id or f"{qid}__run_1",
        place=f"results.jsonl:{qid}",
        task=task,
        status=status,
        answer_source=source,
        score=score(answer, gold),
        upstream=score_upstream(answer, gold),
    )


def test_a_question_counts_once_with_the_mean_of_its_runs():
    runs = [run("q1", ("a",), run_id="1"), run("q1", ("x",), run_id="2"), run("q2", ("a",))]
    assert by_question(runs) == {"q1": 0.5, "q2": 1.0}
    found = summary(runs)
    assert found.overall.f1.mean == pytest.approx(0.75)
    assert (found.overall.questions, found.overall.runs) == (2, 3)
    assert found.denominators.several_runs == {"q1": 2}


def test_missing_questions_are_told_and_what_they_would_make_of_the_mean():
    found = summary([run("q1", ("a",)), run("q9", ("a",))], ["q1", "q2", "q3", "q2"]).denominators
    assert found.missing == ("q2", "q3")
    assert found.unknown == ("q9",)
    assert found.f1_with_missing == pytest.approx(0.5)


def test_without_a_gold_file_nothing_is_said_of_missing_questions():
    found = summary([run("q1", ("a",))]).denominators
    assert (found.missing, found.unknown, found.f1_with_missing) == (None, None, None)


def test_the_same_run_twice_is_told_apart_from_several_runs():
    runs = [run("q1", ("a",), run_id="s1"), run("q1", ("a",), run_id="s1"), run("q2", ("a",), run_id="s2")]
    assert summary(runs).denominators.repeated == ("s1",)


def test_runs_without_an_answer_count_0_and_are_counted():
    runs = [
        run("q1", None, status="error", source=""),
        run("q2", None, status="no_answer", source=""),
        run("q3", ("a",), source="synthetic_finish"),
    ]
    found = summary(runs)
    assert found.overall.f1.mean == pytest.approx(1 / 3)
    assert (found.denominators.errors, found.denominators.without_answer) == (1, 1)
    assert found.denominators.not_by_finish == {"synthetic_finish": 1}


def test_questions_without_gold_are_left_out_of_the_mean_and_told():
    found = summary([run("q1", ("a",)), run("q2", ("a",), gold=None)])
    assert found.overall.f1.mean == 1.0
    assert found.denominators.without_gold == ("q2",)


def test_tasks_are_summed_up_each():
    found = summary([run("q1", ("a",), task="b"), run("q2", ("x",), task="a")])
    assert [(group.name, group.f1.mean) for group in found.tasks] == [("a", 0.0), ("b", 1.0)]


def test_runs_without_a_qid_are_questions_of_their_own():
    runs = [run("", ("a",)), run("", ("x",))]
    named = [
        ScoredRun(**{**{f: getattr(r, f) for f in r.__struct_fields__}, "place": f"f:{n}"})
        for n, r in enumerate(runs)
    ]
    assert summary(named).overall.questions == 2
