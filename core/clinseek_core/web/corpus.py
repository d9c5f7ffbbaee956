"""The offline corpus: a folder of reference pages, read and checked.

`docs/formats/corpus.md` is its reference. `python -m clinseek_core.web.corpus FOLDER` checks one.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from clinseek_core.errors import InputError

__all__ = [
    "FORMAT",
    "KINDS",
    "Corpus",
    "CorpusPage",
    "Fault",
    "Source",
    "check_corpus",
    "load_corpus",
    "page_address",
]

FORMAT = "clinseek.corpus/1"
KINDS = (
    "condition",
    "drug",
    "lab",
    "score",
    "guideline",
    "phenotype",
    "ccs",
    "procedure",
    "imaging",
    "microbiology",
    "note",
)
_MAX_BYTES = 64 * 1024
_MAX_TOPICS = 40
_FENCE = "+++"
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_MARK = re.compile(r"\[(\d{1,3})\](?!\()")
_LINK = re.compile(r"(!?)\[[^\[\]\n]{0,300}\]\(([^()\s]{1,500})\)")
_TAG = re.compile(r"</?[a-zA-Z][^<>\n]{0,200}>")
_DOSE = re.compile(
    r"(?<![\w.])\d[\d.,]{0,12}[ \u00a0]?(?:mg|mcg|µg|μg|g|mL|ml|units?|IU|mEq|mmol)\b"
    r"(?!\s?(?:/|per)\s?(?:[dmµμ]?[lL]\b|min\b|cm|mm\b|m\b|g\b|mmol|mol|24))"
)


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who says what a page tells."""

    title: str
    url: str


class CorpusPage(msgspec.Struct, frozen=True):
    """A page of the corpus; `text` is its Markdown below the head."""

    address: str
    """`corpus://condition/sepsis`"""
    title: str
    kind: str
    topics: tuple[str, ...]
    reviewed: date
    sources: tuple[Source, ...]
    text: str


class Corpus(msgspec.Struct, frozen=True):
    """All pages of a folder, by address."""

    name: str
    dated: date
    pages: dict[str, CorpusPage]


class Fault(NamedTuple):
    """What is wrong with a file of a corpus, and what to do."""

    file: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}: {self.reason}"


class _About(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`corpus.toml`."""

    format: str
    name: str
    dated: date


class _Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands between the `+++` of a page."""

    title: str
    kind: str
    topics: tuple[str, ...]
    reviewed: date
    sources: tuple[Source, ...]


def load_corpus(folder: Path) -> Corpus:
    """The corpus in `folder`; InputError naming file, reason and remedy where a head can't be read."""
    corpus, faults = _read(folder)
    if faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise InputError(f"{folder}/{faults[0]}{more}; `python -m clinseek_core.web.corpus` lists all")
    return corpus


def check_corpus(folder: Path) -> tuple[Corpus, tuple[Fault, ...]]:
    """The readable pages of `folder` and all that is wrong in it; InputError where it is no corpus."""
    corpus, faults = _read(folder)
    for page in corpus.pages.values():
        file = _file(page.address)
        faults += [Fault(file, reason) for rule in _RULES for reason in rule(page, corpus)]
    return corpus, tuple(sorted(faults))


def _read(folder: Path) -> tuple[Corpus, list[Fault]]:
    about = _about(folder)
    pages: dict[str, CorpusPage] = {}
    faults: list[Fault] = []
    for kind in KINDS:
        for path in sorted((folder / kind).glob("*.md")):
            try:
                page = _page(path)
            except InputError as error:
                faults.append(Fault(f"{kind}/{path.name}", str(error)))
                continue
            pages[page.address] = page
    if not pages and not faults:
        raise InputError(f"{folder}: holds no pages; a page is {folder}/<kind>/<name>.md")
    return Corpus(about.name, about.dated, pages), faults


def _about(folder: Path) -> _About:
    path = folder / "corpus.toml"
    try:
        about = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _About)
    except FileNotFoundError as error:
        raise InputError(
            f"{folder}: is no corpus (it has no corpus.toml); see docs/formats/corpus.md"
        ) from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: can't be read ({error}); it needs format, name and dated") from error
    if about.format != FORMAT:
        raise InputError(f"{path}: is of format {about.format!r}; this version reads {FORMAT}")
    return about


def _page(path: Path) -> CorpusPage:
    """A page whose head is right; InputError with the reason alone."""
    kind, name = path.parent.name, path.stem
    if _SLUG.fullmatch(name) is None:
        raise InputError("name the file in small letters, digits and hyphens")
    head, text = _parts(path)
    try:
        found = msgspec.convert(head, _Head)
    except msgspec.ValidationError as error:
        raise InputError(f"head: {error}; it needs {', '.join(_Head.__struct_fields__)}") from error
    if found.kind != kind:
        raise InputError(
            f"head: kind is {found.kind!r} and the folder {kind!r}; move the page or mend its kind"
        )
    if not found.title.strip() or not found.sources:
        raise InputError(f"head: {'title is empty' if found.sources else 'sources is empty'}; give one")
    fields = msgspec.structs.asdict(found)
    return CorpusPage(address=f"corpus://{kind}/{name}", text=text, **fields)


def _parts(path: Path) -> tuple[dict[str, Any], str]:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(f"has more than {_MAX_BYTES // 1024} KiB; make two pages of it")
        lines = path.read_text(encoding="utf-8").splitlines()
        end = lines.index(_FENCE, 1) if lines[:1] == [_FENCE] else 0
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"is not readable as UTF-8 text ({error})") from error
    except ValueError as error:
        raise InputError(f"its head has no end: a line {_FENCE}") from error
    if not end:
        raise InputError(f"has no head: its first line must be {_FENCE}")
    try:
        return tomllib.loads("\n".join(lines[1:end])), "\n".join(lines[end + 1 :]).strip("\n")
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"head: {error}, counted from the line below {_FENCE}") from error


def _file(address: str) -> str:
    return address.removeprefix("corpus://") + ".md"


def _title_is_its_own(page: CorpusPage, corpus: Corpus) -> Iterator[str]:
    title = page.title.casefold()
    same = [each.address for each in corpus.pages.values() if each.title.casefold() == title]
    if same[0] != page.address:
        yield f"has the title of {_file(same[0])}; give it another"


def _head_is_sound(page: CorpusPage, corpus: Corpus) -> Iterator[str]:
    if page.reviewed > corpus.dated:
        yield f"was reviewed {page.reviewed}, after the corpus's date {corpus.dated}; mend one of them"
    if len(page.topics) > _MAX_TOPICS:
        yield f"has {len(page.topics)} topics; keep the {_MAX_TOPICS} that tell it best"
    if any(not topic.strip() for topic in page.topics):
        yield "has an empty topic; take it out"
    for number, source in enumerate(page.sources, 1):
        if not source.title.strip():
            yield f"source {number} has no title; say who wrote it and when"
        if not _is_public(source.url):
            yield f"source {number}: {source.url!r} is no http or https address; give the public one"


def _is_public(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and "." in (parts.hostname or "") and " " not in url


def _marks_have_sources(page: CorpusPage, _: Corpus) -> Iterator[str]:
    for number, line in _lines(page):
        for mark in _MARK.findall(line):
            if not 1 <= int(mark) <= len(page.sources):
                yield f"line {number} of the text: [{mark}] points to none of {len(page.sources)} sources"


def _doses_have_sources(page: CorpusPage, _: Corpus) -> Iterator[str]:
    for number, line in _lines(page):
        if (dose := _DOSE.search(line)) and not _MARK.search(line):
            yield f"line {number} of the text: {dose[0]} is an amount without a source; add its [n]"


def _links_lead_to_pages(page: CorpusPage, corpus: Corpus) -> Iterator[str]:
    for number, line in _lines(page):
        for image, target in _LINK.findall(line):
            if image:
                yield f"line {number} of the text: holds an image; say in words what it shows"
            elif "://" not in target and page_address(page.address, target) not in corpus.pages:
                yield f"line {number} of the text: {target} is no page of the corpus; mend the link"


def _text_is_plain(page: CorpusPage, _: Corpus) -> Iterator[str]:
    if not page.text.strip():
        yield "has no text; write some, or take the page out"
    for number, line in _lines(page):
        if line.startswith("# "):
            yield f"line {number} of the text: headings begin with ##, the title is in the head"
        if tag := _TAG.search(line):
            yield f"line {number} of the text: {tag[0]} is HTML; write Markdown"


def _lines(page: CorpusPage) -> Iterator[tuple[int, str]]:
    return enumerate(page.text.split("\n"), 1)


def page_address(origin: str, target: str) -> str | None:
    """The address that a relative link of the page `origin` leads to; None where it leaves the corpus."""
    path, _, _ = target.partition("#")
    if not path:
        return origin
    parts = list(PurePosixPath(origin.removeprefix("corpus://")).parent.parts)
    for part in PurePosixPath(path).parts:
        if part == ".." and parts:
            parts.pop()
        elif part in {"..", "/"}:
            return None
        else:
            parts.append(part)
    return f"corpus://{'/'.join(parts)}".removesuffix(".md")


_RULES: tuple[Callable[[CorpusPage, Corpus], Iterator[str]], ...] = (
    _title_is_its_own,
    _head_is_sound,
    _text_is_plain,
    _marks_have_sources,
    _doses_have_sources,
    _links_lead_to_pages,
)


def main(argv: list[str]) -> int:
    """Check the corpus in a folder and print what was found."""
    if len(argv) != 1:
        print("usage: python -m clinseek_core.web.corpus FOLDER", file=sys.stderr)
        return 2
    try:
        corpus, faults = check_corpus(Path(argv[0]))
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    for fault in faults:
        print(fault)
    kinds = Counter(page.kind for page in corpus.pages.values())
    counted = ", ".join(f"{kinds[kind]} {kind}" for kind in KINDS if kinds[kind])
    print(f"{corpus.name}, {corpus.dated}: {len(corpus.pages)} pages ({counted}), {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
