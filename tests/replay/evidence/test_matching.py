import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinseek_core.journal import Table
from clinseek_core.journal.events import Origin, OriginRow
from clinseek_core.scoring import folded
from clinseek_replay.evidence.matching import Matcher, is_lexical
from clinseek_replay.trajectory import Call, Result


def call(text="", table=None, anchor="s1.c1"):
    result = Result(status="ok", text=text, full_characters=len(text), table=table)
    return Call(anchor=anchor, id="1", name="ehr.run_sql_query", arguments={}, result=result)


def found(matcher, text):
    return [(hit.name, hit.start, hit.end) for hit in matcher.in_text(text)]


PLACES = {
    "as it is": ("Heparin", "a Heparin b", "Heparin"),
    "whatever the case": ("Heparin", "a HEPARIN b", "HEPARIN"),
    "with other signs between": (
        "Piperacillin-Tazobactam",
        "x piperacillin / tazobactam.",
        "piperacillin / tazobactam",
    ),
    "with padding between": ("Heart failure", "|  heart      failure |", "heart      failure"),
    "over a line": ("Heart failure", "heart\nfailure", "heart\nfailure"),
    "beside other alphabets": ("Heparin", "【0†heparin†ü】", "heparin"),
    "composed of two characters": ("Café", "ein cafe\u0301.", "cafe\u0301"),
    "a sharp s": ("Straße", "in der STRASSE", "STRASSE"),
    "wide letters": ("Heparin", "Ｈｅｐａｒｉｎ!", "Ｈｅｐａｒｉｎ"),
    "with its sign": ("Free Ca++", "free ca ++ low", "free ca ++"),
}


@pytest.mark.parametrize(("name", "text", "there"), PLACES.values(), ids=PLACES)
def test_an_item_is_found_in_its_own_characters(name, text, there):
    start = text.index(there)
    assert found(Matcher([name]), text) == [(name, start, start + len(there))]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Heparin", "heparinoid"),
        ("Heparin", "Xheparin"),
        ("Heparin", "heparin2"),
        ("Heart failure", "heart of failure"),
        ("Heparin", "üheparin"),
    ],
    ids=["begins a word", "ends a word", "before a digit", "words between", "after another letter"],
)
def test_parts_of_words_are_no_hits(name, text):
    assert found(Matcher([name]), text) == []


@pytest.mark.parametrize("name", ["yes", "No", "K", "2", "", "  ", "12.5", "Ca", "present", "not available"])
def test_a_name_that_stands_everywhere_is_searched_in_no_text(name):
    matcher = Matcher([name])
    assert found(matcher, f"yes no K 2 12.5 Ca present, not available {name}") == []
    assert matcher.not_lexical == ((name,) if name.strip() else ())
    assert not is_lexical(name)


def test_a_short_name_is_found_as_a_whole_cell_of_a_column_of_names():
    table = Table(columns=("label", "value"), rows=(("K", "K"), ("Na", "5 K")), total=2)
    assert [(h.row, h.column) for h in Matcher(["K", "no"]).in_call(call("x", table))] == [(1, "label")]


def test_a_row_of_the_record_links_surer_than_a_name():
    rows = (("Heparin flush", "2150-03-02"), ("heparin", "2150-03-02"))
    origin = Origin(table="emar", key=("emar_id",), rows=(OriginRow(("1",)), None))
    table = Table(columns=("medication", "day"), rows=rows, total=2, origins=(origin,))
    hits = Matcher(["Heparin"]).in_call(call("medication,day\nHeparin flush,..", table))
    assert [(hit.by, hit.row, hit.column, hit.matched) for hit in hits] == [
        ("row", 1, "medication", "Heparin"),
        ("name", 2, "medication", "heparin"),
    ]


def test_cells_are_searched_apart():
    table = Table(columns=("a", "b"), rows=(("heart", "failure"),), total=1)
    assert Matcher(["Heart failure"]).in_call(call("", table)) == ()


def test_a_code_is_found_where_its_column_is():
    matcher = Matcher((), codes={"Creatinine": [("itemid", "50912")]})
    assert found(matcher, "itemid value\n 50912   1.2\n150912 1") == [("Creatinine", 14, 19)]
    assert found(matcher, "value\n50912") == []
    table = Table(columns=("itemid", "value"), rows=((50912, 1), ("50912.0", 50912), (5, 50912)), total=3)
    hits = matcher.in_call(call("", table))
    assert [(hit.row, hit.column, hit.by) for hit in hits] == [(1, "itemid", "code"), (2, "itemid", "code")]


def test_a_longer_form_hides_a_shorter_one_of_the_same_item():
    matcher = Matcher(
        ["Piperacillin-Tazobactam"], synonyms={"Piperacillin-Tazobactam": ["piperacillin", "zosyn"]}
    )
    hits = matcher.in_text("Piperacillin-Tazobactam, then Zosyn")
    assert [(hit.by, hit.matched) for hit in hits] == [
        ("name", "Piperacillin-Tazobactam"),
        ("synonym", "Zosyn"),
    ]


def test_the_same_place_may_name_two_items():
    assert {
        name for name, *_ in found(Matcher(["Heart failure", "Acute heart failure"]), "acute heart failure")
    } == {
        "Heart failure",
        "Acute heart failure",
    }


WORDS = st.sampled_from(
    ["heparin", "flush", "Heparin", "10", "K+", "x", "é", "ﬁne", "-", "(", "\n", "  ", "straße", "İ"]
)


@given(st.lists(WORDS, max_size=12), st.lists(WORDS, min_size=1, max_size=3))
def test_what_is_found_says_the_name_and_nothing_that_says_it_is_missed(text, name):
    text, name = " ".join(text), " ".join(name)
    matcher = Matcher([name])
    hits = matcher.in_text(text)
    for hit in hits:
        assert folded(text[hit.start : hit.end]) == folded(name)
        assert hit.matched == text[hit.start : hit.end]
    if is_lexical(name):
        # What the folded text has as whole words, some range of the text has.
        there = re.search(rf"(?<!\S){re.escape(folded(name))}(?!\S)", folded(text))
        assert bool(hits) == bool(there)


@given(st.text(max_size=60), st.text(max_size=12))
def test_any_text_and_any_name_can_be_given(text, name):
    for hit in Matcher([name]).in_text(f"{text} {name} {text}"):
        assert 0 <= hit.start < hit.end
