"""Classes of drugs, such as ATC's, from a table that the user has: MIMIC-IV carries none."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from clinseek_core.errors import InputError

__all__ = ["read_drug_classes"]

_HEADER = ["drug", "class"]
_MAX_BYTES = 64 * 1024 * 1024


def read_drug_classes(path: Path) -> dict[str, str]:
    """The class of each drug by its name in lower case, from a CSV file `drug,class`.

    Raises InputError naming file, line and remedy.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(f"{path}: is larger than {_MAX_BYTES // 2**20} MiB; is it a table `drug,class`?")
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _read(csv.reader(file), path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not readable as CSV ({error}); it needs the columns drug,class") from error


def _read(rows: Iterator[list[str]], path: Path) -> dict[str, str]:
    header = [name.strip().lower() for name in next(rows, [])]
    if header != _HEADER:
        raise InputError(f"{path}:1: the columns are {','.join(header) or 'none'}; it needs drug,class")
    classes: dict[str, str] = {}
    for number, row in enumerate(rows, 2):
        if len(row) != len(_HEADER):
            raise InputError(f"{path}:{number}: {len(row)} cells in a row of drug,class")
        drug, name = (cell.strip() for cell in row)
        if drug and name:
            classes[drug.lower()] = name
    return classes
