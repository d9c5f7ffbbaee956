"""The classes of HCUP's Clinical Classifications Software (CCS), read from the files that a user has.

HCUP (AHRQ) publishes them; any of these may lie in the folder, plain or gzipped, under any name that ends in
`.csv`: they are told by their header lines. ICD-9: `$dxref`, `$prref` (single level), `ccs_multi_dx_tool`,
`ccs_multi_pr_tool` (spell the names that the single level shortens), `dxlabel`, `prlabel`. ICD-10:
`ccs_dx_icd10cm`, `ccs_pr_icd10pcs`, or a plain table `icd10_code,ccs_single,...`.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from clinseek_core.errors import InputError

__all__ = ["read_ccs"]

# HCUP quotes cells with apostrophes, or some cells of a line with these and others with quotation marks.
_CELL = re.compile(r"""(?:^|,)[ \t]*(?:"((?:[^"]|"")*)"|'([^']*)'|([^,]*))[ \t]*(?=,|$)""")
_NUMBERED = re.compile(r"(.*\S)\s*\[(\d+)\.\]")
_HEADER_WITHIN = 5
_MAX_BYTES = 64 * 1024 * 1024

Kind = Literal["diagnoses", "procedures"]


class _Format(msgspec.Struct, frozen=True, kw_only=True):
    """What a file with such a header tells; columns by the name in the header."""

    kind: Kind
    needs: frozenset[str]
    lacks: frozenset[str] = frozenset()
    version: int = 0
    code: str = ""
    number: str = ""
    name: str = ""
    rank: int = 0
    """Which name of a class is taken where files differ: that of the lowest rank."""
    numbered: bool = False
    """Names stand in any cell as `Name [12.]`."""


def _columns(*names: str) -> frozenset[str]:
    return frozenset(names)


_FORMATS = (
    _Format(
        kind="diagnoses",
        needs=_columns("ICD-10-CM CODE", "CCS CATEGORY", "CCS CATEGORY DESCRIPTION"),
        version=10,
        code="ICD-10-CM CODE",
        number="CCS CATEGORY",
        name="CCS CATEGORY DESCRIPTION",
        rank=0,
    ),
    _Format(
        kind="procedures",
        needs=_columns("ICD-10-PCS CODE", "CCS CATEGORY", "CCS CATEGORY DESCRIPTION"),
        version=10,
        code="ICD-10-PCS CODE",
        number="CCS CATEGORY",
        name="CCS CATEGORY DESCRIPTION",
        rank=0,
    ),
    _Format(
        kind="diagnoses",
        needs=_columns("ICD10_CODE", "CCS_SINGLE"),
        version=10,
        code="ICD10_CODE",
        name="CCS_SINGLE",
    ),
    _Format(
        kind="diagnoses",
        needs=_columns("CCS DIAGNOSIS CATEGORIES", "CCS DIAGNOSIS CATEGORIES LABELS"),
        number="CCS DIAGNOSIS CATEGORIES",
        name="CCS DIAGNOSIS CATEGORIES LABELS",
        rank=1,
    ),
    _Format(
        kind="procedures",
        needs=_columns("CCS PROCEDURE CATEGORIES", "CCS PROCEDURE CATEGORIES LABELS"),
        number="CCS PROCEDURE CATEGORIES",
        name="CCS PROCEDURE CATEGORIES LABELS",
        rank=1,
    ),
    _Format(kind="diagnoses", needs=_columns("ICD-9-CM CODE", "CCS LVL 4 LABEL"), rank=2, numbered=True),
    _Format(
        kind="procedures",
        needs=_columns("ICD-9-CM CODE", "CCS LVL 3 LABEL"),
        lacks=_columns("CCS LVL 4 LABEL"),
        rank=2,
        numbered=True,
    ),
    _Format(
        kind="diagnoses",
        needs=_columns("ICD-9-CM CODE", "CCS CATEGORY", "OPTIONAL CCS CATEGORY"),
        version=9,
        code="ICD-9-CM CODE",
        number="CCS CATEGORY",
        name="CCS CATEGORY DESCRIPTION",
        rank=3,
    ),
    _Format(
        kind="procedures",
        needs=_columns("ICD-9-CM CODE", "CCS CATEGORY", "CCS CATEGORY DESCRIPTION"),
        lacks=_columns("OPTIONAL CCS CATEGORY"),
        version=9,
        code="ICD-9-CM CODE",
        number="CCS CATEGORY",
        name="CCS CATEGORY DESCRIPTION",
        rank=3,
    ),
)

# Words by which HCUP's files spell one name differently.
_SPELLED = (
    (re.compile(r"\be codes\b"), "external cause codes"),
    (re.compile(r"\btb\b"), "tuberculosis"),
    (re.compile(r"\bstd\b"), "sexually transmitted disease"),
    (re.compile(r"\b(and|or)\b"), ""),
    (re.compile(r"[\W_]+"), ""),
)


class _Class(msgspec.Struct):
    """What the files say of one kind's codes: the class of each, and names of classes by rank."""

    by_number: dict[tuple[str, int], str] = {}
    by_name: dict[tuple[str, int], str] = {}
    names: dict[str, tuple[int, str]] = {}


def read_ccs(folder: Path) -> dict[str, dict[tuple[str, int], str]]:
    """The CCS name of every code, (icd_code, icd_version), by `diagnoses` and `procedures`.

    Where files name a class differently, the longer publication wins: ICD-10's, then label files, then the
    multi-level tools, then the single level with its shortened names. A folder without such files, or a file
    that can't be read, is an InputError.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: is no folder; name the one that holds the CCS files of HCUP")
    found = {"diagnoses": _Class(), "procedures": _Class()}
    read = 0
    for path in sorted((*folder.glob("*.csv"), *folder.glob("*.csv.gz"))):
        lines = _lines(path)
        chosen = _format(lines)
        if chosen is not None:
            _read(path, lines, *chosen, found[chosen[0].kind])
            read += 1
    if not read:
        raise InputError(
            f"{folder}: holds no CCS file; HCUP offers $dxref, $prref, ccs_dx_icd10cm and others at"
            " https://hcup-us.ahrq.gov/toolssoftware/ccs/ccs.jsp"
        )
    return {kind: _named(classes) for kind, classes in found.items()}


def _named(classes: _Class) -> dict[tuple[str, int], str]:
    names = dict(classes.by_name)
    full = {_key(name): name for name in sorted(classes.by_name.values())}
    for number, (rank, name) in sorted(classes.names.items()):
        if rank > 0:
            classes.names[number] = (rank, _spelled_out(name, full))
    for code, number in classes.by_number.items():
        if number in classes.names and number != "0":
            names[code] = classes.names[number][1]
    return names


def _spelled_out(name: str, full: Mapping[str, str]) -> str:
    """`name` as another file spells it in full, where one does; single-level names are cut short."""
    key = _key(name)
    if key in full:
        return full[key]
    for cut in (key, _key(name.rpartition(" ")[0])):
        begun = [other for other in full if other.startswith(cut)] if len(cut) >= 20 else []
        if len(begun) == 1:
            return full[begun[0]]
    return name


def _key(name: str) -> str:
    name = name.lower()
    for pattern, spelling in _SPELLED:
        name = pattern.sub(spelling, name)
    return name


def _read(path: Path, lines: list[str], form: _Format, header: int, classes: _Class) -> None:
    columns = {name: place for place, name in enumerate(_header(lines[header]))}
    for row, line in enumerate(lines[header + 1 :], header + 2):
        if not line.strip():
            continue
        cells = _cells(line)
        if form.numbered:
            for name, number in filter(None, map(_numbered, cells)):
                _name(classes, number, form.rank, name)
            continue
        if len(cells) < len(columns):
            raise InputError(f"{path}:{row}: has {len(cells)} cells, not {len(columns)}; take the file anew")
        name = cells[columns[form.name]]
        number = cells[columns[form.number]] if form.number else ""
        if number:
            _name(classes, number, form.rank, name)
        code = cells[columns[form.code]].replace(".", "") if form.code else ""
        if code and number:
            classes.by_number[code, form.version] = number
        elif code and name:
            classes.by_name[code, form.version] = name


def _name(classes: _Class, number: str, rank: int, name: str) -> None:
    """Take the name of the lowest rank; among equals the longest, as some lines cut it short."""
    best = classes.names.get(number, (99, ""))
    if name and (rank, -len(name), name) < (best[0], -len(best[1]), best[1]):
        classes.names[number] = (rank, name)


def _numbered(cell: str) -> tuple[str, str] | None:
    match = _NUMBERED.fullmatch(cell)
    return (match[1], match[2]) if match else None


def _format(lines: list[str]) -> tuple[_Format, int] | None:
    """The format whose header stands among the first lines, and in which of them."""
    for place, line in enumerate(lines[:_HEADER_WITHIN]):
        columns = set(_header(line))
        for form in _FORMATS:
            if form.needs <= columns and not form.lacks & columns:
                return form, place
    return None


def _header(line: str) -> list[str]:
    return [cell.upper() for cell in _cells(line.removeprefix("\ufeff"))]


def _cells(line: str) -> list[str]:
    cells = []
    for double, single, plain in _CELL.findall(line):
        cells.append((double.replace('""', '"') or single or plain).strip().strip("'").strip())
    return cells


def _lines(path: Path) -> list[str]:
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as source:
            data = source.read(_MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: can't be read ({error}); take the file anew") from error
    if len(data) > _MAX_BYTES:
        raise InputError(f"{path}: is larger than any CCS file; take it out of the folder")
    return data.decode("utf-8", "replace").splitlines()
