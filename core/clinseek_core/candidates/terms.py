"""Other names of ICD-10-CM diagnoses: the inclusion terms of the classification itself.

They come with the package simple-icd-10-cm (extra `terms`), which holds the tabular list of CMS and NCHS.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from clinseek_core.errors import InputError

__all__ = ["inclusion_terms"]

_ASIDE = re.compile(r"\s*\([^)]*\)")
_NOT_SPECIFIED = re.compile(r",? NOS$")


def inclusion_terms() -> Callable[[tuple[Any, ...]], tuple[str, ...]]:
    """A function that gives the other names of a diagnosis, a row of (candidate, icd_code, icd_version).

    Reading the package takes some seconds. A code has its own inclusion terms, and the `includes` notes of
    its category where it is the category or its unspecified form. InputError where the package is missing.
    """
    try:
        import simple_icd_10_cm as classification  # noqa: PLC0415 - an extra, untyped, slow
    except ModuleNotFoundError as error:
        raise InputError(
            "inclusion terms of ICD-10-CM need the package simple-icd-10-cm;"
            ' install the extra: pip install "clinseek-tui[terms]"'
        ) from error
    found: dict[str, tuple[str, ...]] = {}
    for code in classification.get_all_codes(with_dots=False):
        terms = _terms(classification, code)
        if terms:
            found[code] = terms
    return lambda row: found.get(str(row[1]), ()) if str(row[2]) == "10" else ()


def _terms(classification: Any, code: str) -> tuple[str, ...]:
    if classification.is_block(code) or classification.is_chapter(code):
        return ()
    notes = [*classification.get_inclusion_term(code), *classification.get_includes(code)]
    parent = classification.get_parent(code)
    unspecified = f"{classification.get_description(parent)}, unspecified" if parent else ""
    if classification.get_description(code) == unspecified:
        notes += classification.get_includes(parent)
    return tuple(dict.fromkeys(filter(None, map(_plain, notes))))


def _plain(note: str) -> str:
    """A note without its asides in parentheses, which may stand or not, and without `NOS`."""
    return _NOT_SPECIFIED.sub("", _ASIDE.sub("", note)).strip()
