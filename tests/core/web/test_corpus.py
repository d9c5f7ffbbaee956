"""The corpus's format: what is read, and what is told of what can't be."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from clinseek_core.errors import InputError
from clinseek_core.web.corpus import check_corpus, load_corpus, main


def test_a_page_is_read_as_it_is_written(corpus_folder: Path) -> None:
    corpus = load_corpus(corpus_folder)
    assert (corpus.name, corpus.dated) == ("Three pages", date(2026, 1, 15))
    page = corpus.pages["corpus://lab/lactate"]
    assert (page.title, page.kind, page.reviewed) == ("Lactate", "lab", date(2026, 1, 11))
    assert page.topics == ("lactic acid", "hyperlactataemia")
    assert page.sources[0].url == "https://medlineplus.gov/lab-tests/lactic-acid-test/"
    assert page.text.startswith("Lactate rises")
    assert check_corpus(corpus_folder)[1] == ()


def test_the_checker_s_last_line_counts_pages(
    corpus_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(corpus_folder)]) == 0
    assert capsys.readouterr().out == (
        "Three pages, 2026-01-15: 3 pages (1 condition, 1 lab, 1 phenotype), 0 faults\n"
    )


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("+++\ntitle", "title", "has no head: its first line must be +++"),
        ('test/"\n+++', 'test/"', "its head has no end: a line +++"),
        ('title = "Lactate"', 'title = "Lactate', "head: "),
        ('title = "Lactate"\n', "", "head: Object missing required field `title`"),
        ("reviewed = 2026-01-11", 'reviewed = "soon"', "head: "),
        ('kind = "lab"', 'kind = "drug"', "move the page or mend its kind"),
        ('kind = "lab"', 'kind = "lab"\ncolour = "red"', "unknown field `colour`"),
        ('title = "Lactate"', 'title = " "', "title is empty"),
    ],
    ids=str,
)
def test_a_head_that_can_t_be_read_is_named(corpus_folder: Path, old: str, new: str, told: str) -> None:
    path = corpus_folder / "lab/lactate.md"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(InputError) as raised:
        load_corpus(corpus_folder)
    assert "lab/lactate.md: " in str(raised.value)
    assert told in str(raised.value)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("2026-01-11", "2026-02-11", "was reviewed 2026-02-11, after the corpus's date"),
        ('"https://medline', '"ftp://medline', "source 1: 'ftp://"),
        ("usual at rest [1]", "usual at rest [7]", "[7] points to none of 1 sources"),
        ("| severe |", "| severe; give 500 mg |", "500 mg is an amount without a source"),
        ("| severe |", "| severe; give 30 mL/kg |", "30 mL is an amount without a source"),
        ("(../condition/sepsis.md)", "(sepsis.md)", "sepsis.md is no page of the corpus"),
        ("(../condition/sepsis.md)", "(../../../etc/passwd)", "is no page of the corpus"),
        ("## Reading", "# Reading", "headings begin with ##"),
        ("## Reading", "<b>Reading</b>", "<b> is HTML"),
        ("## Reading", "![a curve](curve.png)", "holds an image"),
        ('title = "Lactate"', 'title = "SEPSIS"', "has the title of condition/sepsis.md"),
        ('["lactic acid", ', '["", ', "has an empty topic"),
    ],
    ids=str,
)
def test_what_a_reader_must_not_meet_is_a_fault(corpus_folder: Path, old: str, new: str, told: str) -> None:
    path = corpus_folder / "lab/lactate.md"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    _, faults = check_corpus(corpus_folder)
    assert [fault.file for fault in faults] == ["lab/lactate.md"]
    assert told in faults[0].reason
    assert main([str(corpus_folder)]) == 1


def test_measurements_need_no_source(corpus_folder: Path) -> None:
    path = corpus_folder / "lab/lactate.md"
    text = (
        path.read_text()
        + "\nA creatinine of 1.2 mg/dL, a clearance of 60 mL/min, 4 mmol/L, 30 g/L, 300 mg/g.\n"
    )
    path.write_text(text)
    assert check_corpus(corpus_folder)[1] == ()


def test_a_folder_that_is_no_corpus_is_said_to_be_none(tmp_path: Path, corpus_folder: Path) -> None:
    with pytest.raises(InputError, match=r"no corpus.toml"):
        load_corpus(tmp_path)
    (corpus_folder / "corpus.toml").write_text(
        'format = "clinseek.corpus/9"\nname = "x"\ndated = 2026-01-01\n'
    )
    with pytest.raises(InputError, match=r"this version reads clinseek.corpus/1"):
        load_corpus(corpus_folder)
    assert main([str(tmp_path)]) == 2
