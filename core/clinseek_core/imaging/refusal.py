"""Why a film can't be shown: one typed error, with what a person or a model can do about it."""

from __future__ import annotations

from typing import Literal

from clinseek_core.errors import ClinseekError

__all__ = ["REMEDIES", "FilmError", "Refusal"]

Refusal = Literal[
    "unreadable",
    "outside",
    "not_a_regular_file",
    "file_too_large",
    "not_a_film",
    "bad_header",
    "wrong_modality",
    "no_pixels",
    "bad_geometry",
    "too_many_pixels",
    "multi_frame",
    "not_grayscale",
    "unsupported_transfer_syntax",
    "missing_decoder",
    "truncated",
    "bad_pixels",
    "bomb",
]

REMEDIES: dict[Refusal, str] = {
    "unreadable": "see that the file is there and may be read",
    "outside": "name a film of this case",
    "not_a_regular_file": "name a file, not a folder, a link or a device",
    "file_too_large": "make a smaller file of it",
    "not_a_film": "name a radiograph as DICOM, PNG or JPEG",
    "bad_header": "export it again from where it came from",
    "wrong_modality": "name a radiograph: CR, DX, RG, or a secondary capture of one",
    "no_pixels": "name a file that holds an image",
    "bad_geometry": "export it again from where it came from",
    "too_many_pixels": "make a smaller image of it",
    "multi_frame": "export one frame of it",
    "not_grayscale": "name a grey radiograph",
    "unsupported_transfer_syntax": "store it uncompressed",
    "missing_decoder": "install the extra that reads it: pip install 'clinseek-tui[dicom]'",
    "truncated": "copy the file again: its end is missing",
    "bad_pixels": "copy or export it again: its pixels are damaged",
    "bomb": "do not trust the file: it unpacks to far more than an image needs",
}


class FilmError(ClinseekError):
    """A film that can't be shown; its message says why, and what to do."""

    def __init__(self, code: Refusal, why: str) -> None:
        super().__init__(f"{code}: {why}; {REMEDIES[code]}")
        self.code: Refusal = code
        self.why = why
