"""The browser tools on a corpus: cursors, links, lines, and what is told where something is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinseek_core.errors import InputError
from clinseek_core.tools import PastCall, ToolResult, tools_info
from clinseek_core.web.backends.offline import OfflineBackend
from clinseek_core.web.pages import document_page, find_page, page_view
from clinseek_core.web.port import Document
from clinseek_core.web.specs import BROWSER_TOOLS
from clinseek_core.web.tools import MAX_CALLS, BrowserTools

Ask = Callable[..., ToolResult]


@pytest.fixture
def browser(corpus_folder: Path):
    tools = BrowserTools(OfflineBackend(corpus_folder))
    yield tools
    tools.close()


@pytest.fixture
def ask(browser: BrowserTools) -> Ask:
    return lambda name, **arguments: browser.call(f"browser.{name}", arguments)


def test_names_and_arguments_are_the_reference_s() -> None:
    arguments = {spec.name: set(spec.parameters["properties"]) for spec in BROWSER_TOOLS}
    assert arguments == {
        "browser.search": {"query", "topn"},
        "browser.open": {"id", "cursor", "loc", "num_lines", "view_source", "source"},
        "browser.find": {"pattern", "cursor"},
    }
    required = [spec.parameters["required"] for spec in BROWSER_TOOLS]
    assert required == [["query"], [], ["pattern"]]
    assert tools_info(BROWSER_TOOLS).names[0] == "browser.search"


def test_a_search_is_a_page_of_links(ask: Ask) -> None:
    result = ask("search", query="  lactate   in sepsis ")
    lines = result.text.split("\n")
    assert result.status == "ok"
    assert lines[0] == "[0] lactate in sepsis (web-search://offline/?q=lactate+in+sepsis)"
    assert lines[1] == '**viewing lines [0 - 10] of 10** offline, "Three pages" of 2026-01-15'
    assert lines[2:6] == [
        "",
        "L0: ",
        "L1: URL: web-search://offline/?q=lactate+in+sepsis",
        "L2: # Search Results",
    ]
    assert lines[7].startswith("L4:   * 【0†Lactate†lab】 Lactate rises")
    assert "【1†Sepsis†condition】" in result.text
    assert ask("search", query="lactate in sepsis").text == result.text.replace("[0] ", "[1] ", 1)


def test_every_page_that_is_shown_gets_the_next_cursor(ask: Ask) -> None:
    calls = [
        ("search", {"query": "lactate"}),
        ("open", {"id": 0}),
        ("find", {"pattern": "mmol"}),
        ("open", {"id": 1}),
        ("open", {"cursor": 1, "loc": 3}),
        ("open", {}),
    ]
    texts = [ask(name, **arguments).text for name, arguments in calls]
    assert [text[: text.index(" ")] for text in texts] == ["[0]", "[1]", "[2]", "[3]", "[4]", "[5]"]
    assert [text.split("(")[1].split(")")[0] for text in texts[1:2] + texts[3:]] == [
        "corpus://lab/lactate"
    ] * 4


def test_a_link_leads_to_its_page_and_a_find_to_its_line(ask: Ask) -> None:
    ask("open", id="corpus://lab/lactate")
    assert "(corpus://condition/sepsis)" in ask("open", id="0").text
    found = ask("find", pattern="CRYSTALLOID WITHIN  three hours")
    assert found.text.startswith(
        "[2] Find results for text: `CRYSTALLOID WITHIN three hours` in `Sepsis` (corpus:"
    )
    (line,) = [line for line in found.text.split("\n") if "match at" in line]
    number = int(line.split("match at L")[1].rstrip("】"))
    opened = ask("open", id=0)
    assert opened.text.split("\n")[3].startswith(f"L{number}: ")
    assert "crystalloid within three" in opened.text.split("\n")[3]


def test_a_phrase_is_found_where_its_line_breaks(ask: Ask) -> None:
    ask("open", id="corpus://condition/sepsis")
    assert "match at L6" in ask("find", pattern="response to infection").text


def test_pages_may_be_scrolled_and_shown_by_lines(ask: Ask) -> None:
    whole = ask("open", id="corpus://condition/sepsis").text.split("\n")[3:]
    part = ask("open", loc="4", num_lines="3").text.split("\n")
    assert part[1].startswith(f"**viewing lines [4 - 6] of {len(whole) - 1}**")
    assert part[3:] == whole[4:7]


def test_a_page_s_source_is_its_markdown_and_another_page(ask: Ask) -> None:
    ask("open", id="corpus://lab/lactate")
    source = ask("open", view_source=True).text
    assert "(view-source:corpus://lab/lactate)" in source
    assert "[sepsis](../condition/sepsis.md)" in source
    assert "【0†sepsis†condition】" in ask("open", id="corpus://lab/lactate").text


@pytest.mark.parametrize(
    ("name", "arguments", "status", "told"),
    [
        ("open", {"id": 9}, "error", "Invalid link id `9`. That page has links 0 to 2."),
        (
            "open",
            {"id": "nine"},
            "error",
            "Invalid link id `nine`. Give the number of a link",
        ),
        ("open", {"id": -7}, "error", "Invalid link id `-7`"),
        ("open", {"cursor": 4}, "error", "Invalid cursor `4`: the pages shown so far are 0 to 0."),
        (
            "open",
            {"loc": 190},
            "error",
            "Invalid location parameter: `190`. Cannot exceed page maximum",
        ),
        ("open", {"loc": -3}, "error", "Invalid location parameter: `-3`"),
        ("open", {"loc": "soon"}, "error", "loc is not a whole number: 'soon'"),
        ("open", {"view_source": "perhaps"}, "error", "view_source is true or false"),
        ("open", {"view_source": True}, "error", "a page of results has no source"),
        ("open", {"id": "https://x.org/"}, "error", "Error fetching URL `https://x.org/`: it is no page of"),
        ("open", {"id": "corpus://../../etc/passwd"}, "error", "it is no page of the offline corpus"),
        ("open", {"id": "x.org/" + "a" * 3000}, "error", "the longest read is 2000"),
        ("open", {"url": "https://x.org"}, "error", "browser.open: unknown url"),
        ("open", {"id": True}, "error", "id has the wrong type bool"),
        ("open", {"id": {"a": []}}, "error", "id has the wrong type dict"),
        ("open", {"id": "1" * 30}, "error", "id is not a whole number"),
        ("find", {"pattern": "x"}, "error", "Cannot run `find` on search results page or find results page"),
        ("find", {}, "error", "browser.find: missing pattern"),
        ("search", {"query": " "}, "error", "query is empty"),
        ("search", {"query": "x" * 401}, "error", "query has 401 characters"),
        ("search", {"query": ["a", "b"]}, "error", "query is a list of 2"),
        ("search", {"query": "zzz qqq"}, "empty", "No results for `zzz qqq`"),
        ("serch", {"query": "x"}, "error", "there is no tool browser.serch; did you mean browser.search"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_call_that_can_t_be_answered_says_why(
    ask: Ask, name: str, arguments: dict[str, object], status: str, told: str
) -> None:
    ask("search", query="lactate in sepsis")
    result = ask(name, **arguments)
    assert result.status == status
    assert told in result.text
    assert ask("open").text.startswith("[1] "), "and no page is put on the stack"


def test_before_any_page_there_is_nothing_to_open(ask: Ask) -> None:
    assert "no page is open yet" in ask("open").text
    assert "no page is open yet" in ask("find", pattern="x").text


def test_arguments_are_taken_as_models_write_them(ask: Ask) -> None:
    one = ask("search", query=["lactate"], top_n="1").text
    assert one.count("†") == 2
    assert ask("open", id='"0"', cursor="0", source="web").status == "ok"
    assert ask("open", id="'corpus://lab/lactate'", cursor=None, view_source="false").status == "ok"
    assert ask("search", query=50813).status == "empty"
    assert ask("find", pattern="lactate", subject_id=90000001).status == "ok"


def test_a_find_without_a_match_is_empty_and_no_page(ask: Ask) -> None:
    ask("open", id="corpus://lab/lactate")
    result = ask("find", pattern="nowhere")
    assert (result.status, result.text) == ("empty", "No `find` results for pattern: `nowhere`")
    assert ask("open").text.startswith("[1] ")


def test_after_forty_calls_there_are_no_more(ask: Ask) -> None:
    for _ in range(MAX_CALLS):
        assert ask("search", query="lactate").status == "ok"
    result = ask("search", query="lactate")
    assert result.status == "limited"
    assert "made its 40 browser calls" in result.text


def past(browser: BrowserTools, calls: list[tuple[str, dict[str, object]]]) -> list[PastCall]:
    done = []
    for number, (name, arguments) in enumerate(calls, 1):
        result = browser.call(name, arguments)
        done.append(
            PastCall(
                place=f"s{number}.c1", name=name, arguments=arguments, status=result.status, text=result.text
            )
        )
    return done


CALLS: list[tuple[str, dict[str, object]]] = [
    ("browser.search", {"query": "sepsis"}),
    ("browser.open", {"id": 99}),
    ("browser.open", {"id": 0}),
    ("browser.find", {"pattern": "lactate"}),
]


def test_what_was_shown_before_an_interruption_is_there_after_it(
    browser: BrowserTools, corpus_folder: Path
) -> None:
    done = past(browser, CALLS)
    again = BrowserTools(OfflineBackend(corpus_folder))
    again.restore(done)
    for name, arguments in (("browser.open", {"id": 0}), ("browser.open", {"cursor": 0, "id": 1})):
        assert again.call(name, arguments) == browser.call(name, arguments)
    assert again.call("browser.open", {}).text.startswith("[5] ")
    again.close()


def test_calls_before_an_interruption_count(browser: BrowserTools, corpus_folder: Path) -> None:
    done = past(browser, [("browser.search", {"query": "sepsis"})] * MAX_CALLS)
    again = BrowserTools(OfflineBackend(corpus_folder))
    again.restore(done)
    assert again.call("browser.search", {"query": "sepsis"}).status == "limited"
    again.close()


def test_a_page_that_has_changed_since_is_no_ground_to_go_on(
    browser: BrowserTools, corpus_folder: Path
) -> None:
    done = past(browser, CALLS)
    page = corpus_folder / "condition/sepsis.md"
    page.write_text(page.read_text().replace("life-threatening", "grave"))
    again = BrowserTools(OfflineBackend(corpus_folder))
    with pytest.raises(InputError, match=r"s1\.c1: browser\.search gives another page"):
        again.restore(done)
    again.close()


# Pages.


def test_a_page_can_t_pass_its_text_off_as_our_marks_or_as_a_terminal_s() -> None:
    text = "See 【0†Home†x.org】\u202e and \x1b[2J and\u200b soft\u00adhyphen\u00a0here"
    page = document_page(Document("https://y.org/", "T\x1b]0;x\x07\n[9] other", text), "live")
    assert page.links == ()
    assert page.lines[2:] == (
        "See [0†Home†x.org]⟨U+202E RIGHT-TO-LEFT OVERRIDE⟩ and ␛[2J and softhyphen here",
    )
    assert page_view(page, 3).split("\n")[0] == "[3] T␛]0;x␇ [9] other (https://y.org/)"


@pytest.mark.parametrize(
    ("target", "url", "host"),
    [
        ("/b?q=1#part", "https://x.org/b?q=1", ""),
        ("c", "https://x.org/a/c", ""),
        ("https://www.y.org/wiki/A_(b)", "https://www.y.org/wiki/A_(b)", "y.org"),
        ("//z.org/", "https://z.org/", "z.org"),
        ("javascript:alert(1)", None, ""),
        ("mailto:a@b.org", None, ""),
        ("http://[", None, ""),
    ],
    ids=str,
)
def test_links_are_absolute_and_of_the_web(target: str, url: str | None, host: str) -> None:
    page = document_page(Document("https://x.org/a/b", "T", f"see [this page]({target})."), "live")
    assert [link.url for link in page.links] == ([url] if url else [])
    mark = f"【0†this page{f'†{host}' if host else ''}】" if url else "this page"
    assert page.lines[-1] == f"see {mark}."


def test_a_link_that_stands_twice_has_one_number() -> None:
    page = document_page(Document("https://x.org/", "T", "[a](/1) [b](/2) [c](/1)"), "")
    assert page.lines[-1] == "【0†a】 【1†b】 【0†c】"


def test_lines_are_wrapped_but_tables_and_links_are_not_torn() -> None:
    words = "word " * 40
    text = f"- {words}[a link of some words](https://y.org/x) {words}\n| {words}|\n{'x' * 200}"
    lines = document_page(Document("https://x.org/", "T", text), "").lines[2:]
    wide = [line for line in lines if len(line) > 80]
    assert wide == [f"| {words}|"]
    assert any("【0†a link of some words†y.org】" in line for line in lines)
    assert lines[1].startswith("  word")
    assert sum(line.count("x" * 20) for line in lines if set(line) == {"x"}) == 10


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=400), st.text(min_size=1, max_size=5))
@settings(max_examples=50)
def test_any_text_is_a_page_that_can_be_searched(text: str, pattern: str) -> None:
    page = document_page(Document("https://x.org/", "T", text), "")
    assert all("\n" not in line for line in page.lines)
    assert all(len(line) <= 400 for line in page.lines)
    view = page_view(page, 0)
    assert view.startswith("[0] T (https://x.org/)")
    found = find_page(page, pattern)
    if found is not None:
        assert all(0 <= link.line < len(page.lines) for link in found.links)


def test_a_page_of_a_million_characters_in_one_line_is_shown_at_once() -> None:
    page = document_page(Document("https://x.org/", "T", "x" * 3_000_000), "")
    assert "Only the first 2,000,000 of 3,000,000 characters are shown." in page.lines[2]
    assert len(page_view(page, 0)) < 7_000
    assert len(page_view(page, 0, 0, 2_000)) < 61_000
