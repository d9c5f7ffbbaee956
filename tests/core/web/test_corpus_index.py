"""Searching a corpus: what is found, in what order, and from where."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from clinseek_core.web.backends.offline import OfflineBackend
from clinseek_core.web.corpus_cache import open_corpus, user_cache
from clinseek_core.web.port import Hit

PAGE = """\
+++
title = "{title}"
kind = "condition"
topics = [{topics}]
reviewed = 2026-01-01

[[sources]]
title = "A source"
url = "https://x.org/"
+++

{text}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "pages"
    (made / "condition").mkdir(parents=True)
    (made / "corpus.toml").write_text('format = "clinseek.corpus/1"\nname = "P"\ndated = 2026-01-15\n')
    for name, title, topics, text in (
        ("a", "Oedema", '"swelling"', "Water in tissue. It comes with heart failure."),
        ("b", "Heart failure", "", "The heart pumps too little."),
        ("c", "Gastrointestinal hemorrhage", '"GI bleeding"', "Blood loss; the heart beats fast."),
        ("d", "Twin", "", "The same words."),
        ("e", "Twin one", "", "The same words."),
        ("f", "Twin two", "", "The same words."),
    ):
        (made / "condition" / f"{name}.md").write_text(PAGE.format(title=title, topics=topics, text=text))
    return made


@pytest.fixture
def search(folder: Path):
    backend = OfflineBackend(folder)
    yield lambda query, count=10: [hit.title for hit in backend.search(query, count).hits]
    backend.close()


def test_titles_weigh_more_than_text_and_all_words_more_than_some(search) -> None:
    assert search("heart failure")[:2] == ["Heart failure", "Oedema"]
    assert search("heart failure swelling")[0] == "Oedema"
    assert search("heart")[0] == "Heart failure"


def test_a_page_that_is_called_what_is_asked_for_comes_first(folder: Path) -> None:
    """Also where another page says the words more often, or they are words that tell nothing."""
    for name, title, topics, text in (
        ("g", "Twin twin twin", '"GI bleeding of twins"', "Twin twin twin."),
        ("h", "Why and when", '"CCS 2"', "Words."),
        ("i", "Other CCS 2 of 2", "", "CCS 2, CCS 2."),
    ):
        (folder / "condition" / f"{name}.md").write_text(PAGE.format(title=title, topics=topics, text=text))
    backend = OfflineBackend(folder)
    for query, title in (
        ("twin", "Twin"),
        ("GI-Bleeding?", "Gastrointestinal hemorrhage"),
        ("ccs 2", "Why and when"),
        ("why and when", "Why and when"),
        ("edema", "Oedema"),
    ):
        hits = backend.search(query, 10).hits
        assert hits[0].title == title, query
        assert len({hit.url for hit in hits}) == len(hits)
        assert backend.search(query, 1).hits == hits[:1]
    backend.close()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("edema", "Oedema"),
        ("OEDEMAS", "Oedema"),
        ("haemorrhage", "Gastrointestinal hemorrhage"),
        ("gi bleeds", "Gastrointestinal hemorrhage"),
        ("what is the failing heart", "Heart failure"),
        ("œdema", None),
        ("the", "Heart failure"),
    ],
    ids=str,
)
def test_words_are_found_by_stem_spelling_and_topic(search, query: str, found: str | None) -> None:
    assert (search(query) or [None])[0] == found


@pytest.mark.parametrize(
    "query", ['"', "AND", "NOT heart", "title: x", "heart*", "(", "NEAR(a b)", "a-b", "--", "'"]
)
def test_no_query_is_read_as_a_language(search, query: str) -> None:
    assert isinstance(search(query), list)


def test_what_is_even_comes_by_address(search) -> None:
    assert search("same words") == ["Twin", "Twin one", "Twin two"]
    assert search("same words", 2) == ["Twin", "Twin one"]


def test_snippets_are_sentences_with_the_words_and_no_markup(corpus_folder: Path) -> None:
    backend = OfflineBackend(corpus_folder)
    first = backend.search("crystalloid lactate", 1).hits[0]
    assert first == Hit(
        "Sepsis",
        "corpus://condition/sepsis",
        "Measure lactate, and again where it was above 2 mmol/L. At least 30 mL/kg of crystalloid within "
        "three hours where lactate is 4 mmol/L or more.",
    )
    backend.close()


def test_the_cache_gives_the_same_and_follows_the_folder(folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    queries = ("heart failure", "oedema", "same words", "bleeding heart")

    def all_found(backend: OfflineBackend) -> list[object]:
        found = [backend.search(query, 10) for query in queries] + [backend.corpus, backend.digest]
        backend.close()
        return found

    plain, first, second = (all_found(OfflineBackend(folder, each)) for each in (None, cache, cache))
    assert plain == first == second
    (kept,) = cache.iterdir()
    made = kept.stat().st_mtime_ns

    all_found(OfflineBackend(folder, cache))
    assert kept.stat().st_mtime_ns == made, "it is read, not made again"

    page = folder / "condition/b.md"
    page.write_text(page.read_text().replace("pumps", "moves"))
    os.utime(page, ns=(1, made + 10**9))
    backend = OfflineBackend(folder, cache)
    assert "moves" in backend.search("heart failure", 1).hits[0].snippet
    backend.close()
    assert [path.name for path in cache.iterdir()] == [kept.name]


@pytest.mark.parametrize("damage", [b"", b"no database", b"SQLite format 3\x00" + b"\x00" * 100])
def test_a_cache_that_is_damaged_is_made_again(folder: Path, tmp_path: Path, damage: bytes) -> None:
    cache = tmp_path / "cache"
    corpus, index = open_corpus(folder, cache)
    index.database.close()
    (kept,) = cache.iterdir()
    kept.write_bytes(damage)
    again, index = open_corpus(folder, cache)
    assert again == corpus
    index.database.close()
    with sqlite3.connect(kept) as database:
        assert database.execute("SELECT count(*) FROM about").fetchone() == (1,)
    database.close()


def test_a_cache_that_can_t_be_written_is_not_missed(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("no folder")
    backend = OfflineBackend(folder, file / "cache")
    assert backend.search("heart", 1).hits
    backend.close()


def test_the_cache_is_where_the_environment_says(tmp_path: Path) -> None:
    assert user_cache({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "clinseek-tui"
    assert user_cache({}).name == "clinseek-tui"
