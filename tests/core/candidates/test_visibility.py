"""What one patient alone has is nowhere in that patient's candidate tables: two worlds, one index."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from clinseek_core.candidates import CandidateIndex, build

ME, OTHER = 1, 2
DRUGS = "prescriptions_candidates"
LABS = "labevents_candidates"
SYLLABLES = st.sampled_from(
    ["hepa", "rin", "aspi", "insu", "lin", "metro", "prolol", "vanco", "mycin", "statin"]
)
NAMES = st.lists(SYLLABLES, min_size=1, max_size=3).map("".join)
PHRASES = st.lists(NAMES, min_size=1, max_size=3).map(" ".join)
PAIRS = st.lists(st.tuples(PHRASES, st.sampled_from([ME, OTHER, 3])), max_size=25)


def index(pairs: list[tuple[str, int]]) -> CandidateIndex:
    labs: list[tuple[Any, ...]] = [("Glucose", 1, None), ("Heparin level", 2, None)]
    tables: list[Any] = [
        (DRUGS, ("candidate", "only_subject"), pairs),
        (LABS, ("candidate", "itemid", "only_subject"), labs),
    ]
    return CandidateIndex(build(None, tables), ME)


def answers(made: CandidateIndex, queries: list[str]) -> list[Any]:
    return [
        made.tables,
        list(made.rows(DRUGS)),
        *(
            (
                made.keyword(DRUGS, query, 5),
                made.exact(DRUGS, query),
                made.fuzzy(DRUGS, query, 5),
                made.similar(DRUGS, query, 5),
                made.similar(LABS, query, 5),
            )
            for query in queries
        ),
    ]


@settings(max_examples=60, deadline=None)
@given(pairs=PAIRS, mine=st.lists(PHRASES, max_size=8), queries=st.lists(PHRASES, min_size=1, max_size=3))
def test_rows_of_this_patient_change_no_answer(
    pairs: list[tuple[str, int]], mine: list[str], queries: list[str]
) -> None:
    # The names of my future, in any number, whether others have them or not.
    without = index([pair for pair in pairs if pair[1] != ME])
    with_mine = index(pairs + [(name, ME) for name in mine])
    asked = [*queries, *mine[:2]]
    assert answers(with_mine, asked) == answers(without, asked)


def test_the_test_can_fail_names_of_others_do_change_answers() -> None:
    assert answers(index([("heparin", OTHER)]), ["heparin"]) != answers(index([]), ["heparin"])


def test_a_hidden_name_weighs_nothing_in_scores() -> None:
    shown = [("metoprolol tablet", OTHER), ("metoprolol", OTHER), ("aspirin tablet", OTHER)]
    hidden = [(f"metoprolol {n}", ME) for n in range(50)]
    assert index(shown + hidden).similar(DRUGS, "metoprolol tablet", 3) == index(shown).similar(
        DRUGS, "metoprolol tablet", 3
    )
