"""Nothing about the patient leaves: what is refused, what is not, and what a server gets to see."""

from __future__ import annotations

import base64
import contextlib
import html
import json
from collections.abc import Callable, Iterator
from datetime import date, datetime
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from clinseek_core.case import Policy
from clinseek_core.ehr.session import EhrSession
from clinseek_core.ehr.traces import Traces
from clinseek_core.web.backends.live import LiveBackend
from clinseek_core.web.guard import GLUED, NOTE_WORDS, QUESTION_WORDS, Guard, Guarded
from clinseek_core.web.port import WebError
from clinseek_core.web.providers import PROVIDERS, Service
from clinseek_core.web.tools import BrowserTools
from clinseek_fixtures import world_store_path

NOTE = (
    "HISTORY: Mr. ___ is a 69 year old man with worsening dyspnea, orthopnea\nand leg swelling for two "
    "weeks. Chronic obstructive pulmonary disease, on home oxygen in the setting of smoking."
)
QUESTION = "Given the record so far, decide which diagnoses will be coded at discharge for this admission."
TRACES = Traces(
    identifiers=("90000001", "98001234", "P76A1F", "90000001-DS-21", "7"),
    days=("2150-03-02", "2149-12-31", "not a day"),
    texts=(NOTE,),
)


@pytest.fixture(scope="module")
def guard() -> Guard:
    return Guard(TRACES, QUESTION, public=("Acute and unspecified renal failure with home oxygen",))


@pytest.mark.parametrize(
    "text",
    [
        "lactate in septic shock",
        "chronic obstructive pulmonary disease",
        "worsening dyspnea orthopnea",
        "management of heart failure with preserved ejection fraction, guideline 2021",
        "https://pubmed.ncbi.nlm.nih.gov/31452104/",
        "https://doi.org/10.1007/s00134-021-06506-y",
        "https://x.org/2021/05/17/sepsis-update?page=7",
        "7 day course of antibiotics, 3/2 ratio, 12/31",
        "may 2 drugs be given together in the setting of",
        "deciding which diagnoses will be coded",
        "pseudopseudohypoparathyroidism",
    ],
    ids=str,
)
def test_what_says_nothing_of_the_patient_may_leave(guard: Guard, text: str) -> None:
    assert guard.refusal(text) is None


ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "upper": str.upper,
    "percent": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "percent twice": lambda text: quote("".join(f"%{byte:02x}" for byte in text.encode())),
    "query": lambda text: f"https://x.org/search?q={quote_plus(text)}&n=1",
    "path": lambda text: f"https://x.org/{quote(text)}/page",
    "entities": lambda text: "".join(f"&#{ord(each)};" for each in text),
    "escaped": html.escape,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 in an address": lambda text: (
        f"https://x.org/i/{base64.urlsafe_b64encode(text.encode()).decode().rstrip('=')}/x.png"
    ),
    "hexadecimal": lambda text: f"https://x.org/?d={text.encode().hex()}",
    "full width": lambda text: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text),
    "invisible": "\u200b".join,
    "marked": "\u0301".join,
}
OTHER_DIGITS = {
    "arabic": lambda text: text.translate({ord("0") + n: chr(0x660 + n) for n in range(10)}),
    "devanagari": lambda text: text.translate({ord("0") + n: chr(0x966 + n) for n in range(10)}),
    "mathematical": lambda text: text.translate({ord("0") + n: chr(0x1D7CE + n) for n in range(10)}),
    "dashes": "-".join,
    "spaces": " ".join,
    "dots": lambda text: f"{text[:3]}.{text[3:]}",
}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    "secret", ["90000001", "P76A1F", "2150-03-02", "worsening dyspnea, orthopnea and leg swelling"], ids=str
)
def test_what_tells_the_patient_is_refused_in_any_encoding(guard: Guard, encoding: str, secret: str) -> None:
    assert guard.refusal(ENCODINGS[encoding](secret)), encoding


@pytest.mark.parametrize("encoding", OTHER_DIGITS)
def test_numbers_are_refused_in_any_digits(guard: Guard, encoding: str) -> None:
    assert guard.refusal(f"about {OTHER_DIGITS[encoding]('90000001')}?")


DATE_FORMS = [
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y%m%d",
    "%Y%m%d%H%M",
    "%Y-%m-%dT%H:%M:%S",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%d.%m.%Y",
    "%m-%d-%Y",
    "%m/%d/%y",
    "%d%m%Y",
    "%d %B %Y",
    "%B %d, %Y",
    "%b %d %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%d%b%y",
    "%dth of %B, %Y",
    "%B the %dth %Y",
    "%A, %d %B %Y",
    "%B %Y",
    "%b. %Y",
    "%Y %b",
    "%Y-%m",
    "%m/%Y",
    "%B %d",
    "%d %b",
    "%Y年%m月%d日",
]


@pytest.mark.parametrize("form", DATE_FORMS)
@given(
    day=st.dates(date(2100, 1, 1), date(2210, 12, 31)), around=st.sampled_from(["{}", "on {} with", "x{}y"])
)
@settings(max_examples=15)
def test_dates_are_refused_in_any_common_form(form: str, day: date, around: str) -> None:
    written = datetime(day.year, day.month, day.day, 17, 20).strftime(form)
    # `xMay` is no month, and `2May` may be one.
    assume(around != "x{}y" or not written[0].isalpha())
    assume(around != "x{}y" or not written[-1].isalpha())
    seen = Guard(Traces(identifiers=(), days=(day.isoformat(),), texts=()))
    assert seen.refusal(around.format(written)), written
    if "%y" not in form:
        assert seen.refusal(around.format(written.lower().replace("-0", "-").replace("/0", "/"))), written


def test_a_shifted_date_that_is_not_of_the_record_is_refused_too(guard: Guard) -> None:
    assert guard.refusal("what happened on 2150-07-19")
    assert guard.refusal("guideline of 2019-07-19") is None


WORDS = st.lists(
    st.text(alphabet="abcdefghijklmnoprstuvwz", min_size=4, max_size=9), min_size=8, max_size=60, unique=True
)


@given(words=WORDS, data=st.data())
@settings(max_examples=50)
def test_a_run_of_a_note_s_words_is_refused_and_a_shorter_one_is_not(
    words: list[str], data: st.DataObject
) -> None:
    separators = data.draw(
        st.lists(st.sampled_from([" ", "\n", ", ", ". ", "  "]), min_size=len(words), max_size=len(words))
    )
    note = "".join(word + separator for word, separator in zip(words, separators, strict=True))
    guard = Guard(Traces(identifiers=(), days=(), texts=("other words", note)))
    at = data.draw(st.integers(0, len(words) - NOTE_WORDS))
    run = words[at : at + NOTE_WORDS]
    for joined in (" ".join(run), "+".join(run).upper(), "_".join(run), f"q={quote_plus(' '.join(run))}"):
        assert guard.refusal(f"xxxx {joined} yyyy"), joined
    assert guard.refusal(" ".join(run[:-1])) is None
    glued = "".join(words)[: GLUED + 3]
    assert guard.refusal(f"a {glued}")


def test_words_of_two_notes_are_no_run() -> None:
    guard = Guard(Traces(identifiers=(), days=(), texts=("alpha bravo charlie", "delta echo foxtrot")))
    assert guard.refusal("alpha bravo charlie delta echo foxtrot") is None


def test_words_that_are_anybody_s_may_leave_although_a_note_holds_them() -> None:
    note = "He has acute and unspecified renal failure now."
    assert Guard(Traces((), (), (note,))).refusal("acute and unspecified renal failure")
    public = Guard(Traces((), (), (note,)), public=("Acute and unspecified renal failure",))
    assert public.refusal("acute and unspecified renal failure") is None
    assert public.refusal("has acute and unspecified renal failure")


def test_the_question_may_be_spoken_of_but_not_sent(guard: Guard) -> None:
    words = QUESTION.split()
    assert guard.refusal(" ".join(words[2 : 2 + QUESTION_WORDS]))
    assert guard.refusal(" ".join(words[2 : 2 + QUESTION_WORDS - 1])) is None


def test_what_can_be_read_in_too_many_ways_is_refused_unread(guard: Guard) -> None:
    many = " ".join(base64.b64encode(f"some words {n}".encode()).decode() for n in range(200))
    assert "more ways than can be read" in (guard.refusal(many) or "")
    assert "characters" in (guard.refusal("x" * 20_000) or "")


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/UCSC-VLAA/ClinSeekAgent/blob/main/data.json",
        "https://raw.githubusercontent.com/UCSC-VLAA/ClinSeekAgent/main/x",
        "https://www.huggingface.co/datasets/x/AgentEHR",
        "https://physionet.org/content/mimiciv/3.1/",
        "https://web.archive.org/web/2024/https://github.com/ucsc-vlaa/clinseekagent",
        "https://x.org/proxy?u=https%3A%2F%2Fgithub.com%2FUCSC-VLAA%2FClinSeekAgent",
        "https://github.com//UCSC-VLAA/./ClinSeekAgent",
    ],
    ids=str,
)
def test_pages_that_give_the_benchmark_away_are_refused(guard: Guard, url: str) -> None:
    with pytest.raises(WebError) as raised:
        guard.check(url)
    assert raised.value.status == "refused"


def test_the_record_of_a_bundled_patient_is_what_is_guarded() -> None:
    with EhrSession(world_store_path(), 90000002, datetime(2151, 1, 1), Policy()) as session:
        traces = session.traces()
        found = session.call(
            "ehr.run_sql_query", {"sql_query": "SELECT hadm_id, CAST(admittime AS DATE) AS d FROM admissions"}
        )
        note = session.call("ehr.run_sql_query", {"sql_query": "SELECT text FROM radiology LIMIT 1"})
    assert found.table is not None
    assert note.table is not None
    guard = Guard(traces)
    assert guard.refusal("90000002")
    for hadm_id, day in found.table.rows:
        assert guard.refusal(str(hadm_id))
        assert guard.refusal(str(day))
    (text,) = note.table.rows[0]
    assert guard.refusal(" ".join(text.split()[10:22]))
    assert guard.refusal("community acquired pneumonia treatment") is None


# What a server sees.


@pytest.fixture
def browser(site, only_the_site) -> Iterator[BrowserTools]:
    """Browser tools on the tests' own server: a search service and pages."""

    def search(query: str, _: str):
        hits = [
            {"title": "<b>Lactate</b>", "url": f"http://127.0.0.1:{site.port}/lactate", "content": "Rises."},
            {"title": "The cases", "url": "https://github.com/UCSC-VLAA/ClinSeekAgent", "content": "x"},
        ]
        return 200, {"Content-Type": "application/json"}, [json.dumps({"results": hits}).encode()]

    site.pages["/search"] = search
    site.put("/lactate", "<title>Lactate</title><p>Rises in <a href='/shock?id=90000001'>shock</a>.")
    service = Service(PROVIDERS[0], f"http://127.0.0.1:{site.port}")
    guard = Guard(TRACES, QUESTION)
    tools = BrowserTools(Guarded(LiveBackend(service, guard, reach=only_the_site), guard))
    yield tools
    tools.close()


def test_a_refusal_is_told_in_words_to_act_on(browser: BrowserTools, site) -> None:
    result = browser.call("browser.search", {"query": "dyspnea of patient 90000001"})
    assert result.status == "refused"
    assert "Nothing was sent" in result.text
    assert "Ask in general terms" in result.text
    assert site.log == []


def test_a_page_can_t_make_a_run_send_what_it_must_not(browser: BrowserTools, site) -> None:
    """The page's own link holds the identifier, as an injected one would."""
    found = browser.call("browser.search", {"query": "lactate"})
    assert found.status == "ok"
    assert "1 left out: pages that hold a benchmark's cases" in found.text
    assert "UCSC" not in found.text
    assert browser.call("browser.open", {"id": 0}).status == "ok"
    assert browser.call("browser.open", {"id": 0}).status == "refused"
    site.redirect("/moved", "/x?d=2150-03-02")
    assert browser.call("browser.open", {"id": f"http://127.0.0.1:{site.port}/moved"}).status == "refused"
    assert not any(secret in entry for entry in site.log for secret in ("90000001", "2150"))


SECRETS = st.sampled_from(
    [
        *(i for i in TRACES.identifiers if len(i) > 4),
        *TRACES.days[:2],
        "worsening dyspnea, orthopnea and leg swelling",
    ]
)


@given(
    secret=SECRETS,
    encoding=st.sampled_from(sorted(ENCODINGS)),
    before=st.text(alphabet="abc /?=&#", max_size=12),
    after=st.text(alphabet="abc /?=&#", max_size=12),
    opened=st.booleans(),
)
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_planted_secret_ever_reaches_the_server(
    site, only_the_site, secret: str, encoding: str, before: str, after: str, opened: bool
) -> None:
    service = Service(PROVIDERS[0], f"http://127.0.0.1:{site.port}")
    guard = Guard(TRACES, QUESTION)
    tools = BrowserTools(Guarded(LiveBackend(service, guard, reach=only_the_site), guard))
    text = f"{before} {ENCODINGS[encoding](secret)} {after}"
    seen = len(site.log)
    if opened:
        result = tools.call(
            "browser.open", {"id": f"http://127.0.0.1:{site.port}/{text.strip().replace('#', '%23')}"}
        )
    else:
        result = tools.call("browser.search", {"query": text})
    tools.close()
    assert result.status == "refused", text
    assert len(site.log) == seen


NOTE_WORD = st.text(alphabet="abcdefghijklmnoprstuvwz", min_size=6, max_size=12)
SENTENCES = st.lists(NOTE_WORD, min_size=8, max_size=25).map(
    lambda words: f"{' '.join(words[:4])},\n{' '.join(words[4:])}."
)
RECORDS = st.builds(
    Traces,
    identifiers=st.lists(
        st.one_of(
            st.integers(10**7, 10**8 - 1).map(str),
            st.from_regex(r"P[0-9]{2}[A-Z]{2}[0-9]{2}", fullmatch=True),
        ),
        min_size=1,
        max_size=4,
    ).map(tuple),
    days=st.lists(
        st.dates(date(2110, 1, 1), date(2210, 12, 31)).map(date.isoformat), min_size=1, max_size=4
    ).map(tuple),
    texts=st.lists(SENTENCES, min_size=1, max_size=3).map(tuple),
)
WAYS = ("search", "open", "redirect", "link")
TOO_LONG = ("; ask in at most", "; the longest read is", "address has more than")
"""What is longer than a query or an address may be is not looked at further, nor sent."""


def planted(data: st.DataObject, record: Traces) -> str:
    """Something of the record that must not leave: an identifier, a date, or words of a note, encoded."""
    kind = data.draw(st.sampled_from(["identifier", "day", "note"]))
    if kind == "identifier":
        secret = data.draw(st.sampled_from(record.identifiers))
    elif kind == "day":
        day = date.fromisoformat(data.draw(st.sampled_from(record.days)))
        form = data.draw(st.sampled_from([form for form in DATE_FORMS if "%H" not in form]))
        secret = day.strftime(form)
    else:
        words = data.draw(st.sampled_from(record.texts)).replace(",", "").rstrip(".").split()
        at = data.draw(st.integers(0, len(words) - NOTE_WORDS))
        secret = " ".join(words[at : at + data.draw(st.integers(NOTE_WORDS, len(words)))])
    return ENCODINGS[data.draw(st.sampled_from(sorted(ENCODINGS)))](secret)


def nothing_of_a_record_reaches_the_server(
    site, reach, record: Traces, steps: int, data: st.DataObject
) -> None:
    """Any calls, by a model or led by a page: the server is asked for what holds nothing, and for no more."""
    at = f"http://127.0.0.1:{site.port}"
    hits = [{"title": "A page", "url": f"{at}/page", "content": "Words."}]
    site.log.clear()
    site.pages = {"/search": (200, {}, [json.dumps({"results": hits}).encode()])}
    site.put("/page", "<title>A page</title><p>Words of anybody.")
    allowed = {"/robots.txt", "/page", "/search?q=lactate+in+shock&format=json"}
    guard = Guard(record)
    tools = BrowserTools(Guarded(LiveBackend(Service(PROVIDERS[0], at), guard, reach=reach), guard))
    with contextlib.closing(tools):
        for step in range(steps):
            assert tools.call("browser.search", {"query": "lactate in shock"}).status == "ok"
            assert tools.call("browser.open", {"id": 0}).status == "ok"
            secret, way = planted(data, record), data.draw(st.sampled_from(WAYS))
            address = f"{at}/{quote(secret, safe='%&=?/:')}"
            moved, linked = f"/moved{step}", f"/linked{step}"
            site.redirect(moved, address)
            site.put(linked, f'<title>T</title><p>Read <a href="{html.escape(address)}">more</a>.')
            allowed |= {moved, linked}
            if way == "search":
                result = tools.call("browser.search", {"query": f"about {secret}"})
            elif way == "link":
                assert tools.call("browser.open", {"id": at + linked}).status == "ok"
                result = tools.call("browser.open", {"id": 0})
            else:
                result = tools.call("browser.open", {"id": address if way == "open" else at + moved})
            told = result.status == "refused" or any(words in result.text for words in TOO_LONG)
            assert told, (way, secret, result.text)
    assert {entry.split(" ")[1] for entry in site.log} <= allowed


@given(record=RECORDS, steps=st.integers(1, 4), data=st.data())
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_call_and_no_page_makes_a_generated_record_leave(
    site, only_the_site, record: Traces, steps: int, data: st.DataObject
) -> None:
    nothing_of_a_record_reaches_the_server(site, only_the_site, record, steps, data)


@pytest.mark.slow
@given(record=RECORDS, steps=st.integers(1, 4), data=st.data())
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_call_and_no_page_makes_many_generated_records_leave(
    site, only_the_site, record: Traces, steps: int, data: st.DataObject
) -> None:
    nothing_of_a_record_reaches_the_server(site, only_the_site, record, steps, data)
