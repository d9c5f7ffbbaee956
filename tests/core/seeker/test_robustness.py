"""Whatever the tools answer, and whichever there are, the seeker raises nothing and finishes."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinseek_core.seeker.sources import SOURCES
from clinseek_core.tools import ToolResult
from clinseek_core.tools.ehr_specs import EHR_TOOLS

NAMES = [spec.name for spec in EHR_TOOLS]
TABLES = dict.fromkeys((*(source.table for source in SOURCES), "patients", "admissions", "edstays"))
COLUMNS = sorted({column for source in SOURCES for column in source.needs})
LISTING = "\n".join(["tables", "kind,table,rows", *(f"record,{name},3" for name in TABLES)])
SCHEMA = {
    "ehr.load_ehr": LISTING,
    "ehr.get_table_names": LISTING,
    "ehr.get_column_names": f"columns\n{', '.join(COLUMNS)}",
    "ehr.think": "Noted.",
}
HEADERS = [
    "gender,age",
    "hadm_id,admittime,dischtime,intime,outtime,careunit,arrival_transport",
    "stay_id,temperature,heartrate,resprate,o2sat,sbp,dbp,pain,acuity,chiefcomplaint,known_at",
    "label,fluid,results,abnormal,latest,unit,lowest,highest,lower,upper,before,valuenum,times,first",
    "spec_type_desc,test_name,org_name,ab_name",
    "order_type,order_subtype,orders,latest",
    "source,drug,times,latest",
    "medication,route,frequency,entertime,doses",
    "diagnosis,stays,rank",
    "charttime,text",
    "candidate,icd_code",
    "term,how,source,this_stay,earlier,denied,latest,example",
]
CELLS = st.sampled_from(
    [
        "",
        "0",
        "-1",
        "1e308",
        "nan",
        "7.5",
        "3",
        "Creatinine",
        "Hemoglobin",
        "Blood",
        "Piperacillin-Tazobactam",
        "given: emar",
        "Heart Rate",
        "2150-03-02 14:00:00",
        "0001-01-01",
        "9999-12-31 23:59:59",
        "name",
        "sepsis",
        "“\u202e\x1b[31m",
    ]
) | st.text(max_size=8).map(lambda text: text.replace("\n", " ").replace(",", " ").replace('"', " "))


@st.composite
def tables(draw: st.DrawFn) -> str:
    """A result of the right columns with cells of any kind."""
    header = draw(st.sampled_from(HEADERS))
    width = header.count(",") + 1
    lines = draw(st.lists(st.lists(CELLS, min_size=width, max_size=width).map(",".join), max_size=4))
    return "\n".join(["rows", header, *lines])


ANSWERS = (
    tables() | st.just(LISTING) | st.text() | st.sampled_from(["Error: stopped", "0 rows", "a\n" * 10_000])
)


class Erratic:
    """Tools that list every table and column, and answer all else from a list of texts."""

    def __init__(self, texts: list[str] = (), specs=EHR_TOOLS) -> None:
        self.specs = specs
        self._texts = iter(texts)

    def call(self, name: str, arguments: object) -> ToolResult:
        text = SCHEMA.get(name) or next(self._texts, "0 rows")
        return ToolResult(status="ok", text=text)


@pytest.mark.parametrize("examples", [5, pytest.param(60, marks=pytest.mark.slow)])
def test_arbitrary_answers(seeking, examples):
    @settings(deadline=None, max_examples=examples)
    @given(place=st.integers(0, 3), answers=st.lists(ANSWERS, min_size=5, max_size=40))
    def holds(place, answers):
        answers_are_survived(seeking, place, answers)

    holds()


def answers_are_survived(seeking, place, answers):
    own_question = msgspec.structs.replace(seeking.cases[1], candidates=())
    case = (*seeking.cases, own_question)[place]
    run = seeking.converse(case, Erratic(answers))
    assert not case.candidates or set(run.answer) <= set(case.candidates)
    assert len(run.replies) <= 30
    assert all(len(thought) < 10_000 for thought in run.thoughts)


@settings(deadline=None, max_examples=5)
@given(listing=ANSWERS, columns=ANSWERS)
def test_arbitrary_schema(seeking, listing, columns):
    class Unlisted(Erratic):
        def call(self, name, arguments):
            text = {"ehr.get_table_names": listing, "ehr.get_column_names": columns}.get(name, "0 rows")
            return ToolResult(status="ok", text=text)

    assert seeking.converse(seeking.cases[0], Unlisted()).answer


class Faulty:
    """The real tools of a patient, but those whose names begin so fail."""

    def __init__(self, tools, names, text) -> None:
        self.specs = tools.specs
        self._tools, self._names, self._text = tools, names, text

    def call(self, name, arguments):
        if name.startswith(self._names) and name != "ehr.finish":
            return ToolResult(status="error", text=self._text)
        return self._tools.call(name, arguments)


FAILURES = {
    "every call": ("ehr.", "Error: the record is closed"),
    "loading is refused": ("ehr.load_ehr", "Error: this run sees another time"),
    "queries are stopped": ("ehr.run_sql_query", "Error: stopped at its limit"),
    "results are cut": ("ehr.get_latest_records", "x\na,b\n1\n\n[Cut here: 3 of 9 characters are shown.]"),
    "no columns": ("ehr.get_column_names", "Error: there is no such table"),
}


@pytest.mark.parametrize(("names", "text"), FAILURES.values(), ids=FAILURES)
def test_failing_tools(seeking, names, text):
    for case in seeking.cases:
        tools = seeking.tools_of(case.subject_id, case.prediction_time)
        run = seeking.converse(case, Faulty(tools, names, text))
        assert run.answer
        assert set(run.answer) <= set(case.candidates)


@pytest.mark.parametrize("missing", NAMES)
def test_a_tool_that_is_not_on_offer_is_never_called(seeking, missing):
    case = seeking.cases[0]
    offered = tuple(spec for spec in EHR_TOOLS if spec.name != missing)
    run = seeking.converse(case, Erratic(specs=offered))
    assert missing not in set(run.names) - {"ehr.finish"}
    assert run.answer


def test_without_think_it_speaks(seeking):
    case = seeking.cases[0]
    offered = tuple(spec for spec in EHR_TOOLS if spec.name != "ehr.think")
    reply = seeking.ask(seeking.prompt(case, offered), offered)
    assert "no language model" in reply.text
    assert [call.name for call in reply.calls] == ["ehr.load_ehr"]


def test_with_no_tool_at_all_it_still_answers(seeking):
    case = msgspec.structs.replace(seeking.cases[0], candidates=())
    reply = seeking.ask(seeking.prompt(case), ())
    assert [call.name for call in reply.calls] == ["ehr.finish"]
