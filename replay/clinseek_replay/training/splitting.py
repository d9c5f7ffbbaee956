"""Training or validation: by the patient, so that none is in both."""

from __future__ import annotations

import hashlib
from typing import Literal

__all__ = ["Split", "split_of"]

Split = Literal["train", "validation"]


def split_of(subject_id: int, seed: int, validation_share: float) -> Split:
    """The split of all of a patient's runs; it hangs on patient and seed alone, not on who else is there."""
    digest = hashlib.sha256(f"{seed}|{subject_id}".encode()).digest()
    lot = int.from_bytes(digest[:8]) / 2**64
    return "validation" if lot < validation_share else "train"
