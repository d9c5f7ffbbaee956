"""The few errors that are meant for a person: each message names what, why and the remedy."""

from __future__ import annotations

__all__ = ["ClinseekError", "InputError", "ModelError", "WorkerError"]


class ClinseekError(Exception):
    """What a command prints as one line instead of a traceback."""


class InputError(ClinseekError):
    """A file, an option or data that can't be used as it is (exit code 2)."""


class ModelError(ClinseekError):
    """The model's endpoint could not be had, or answered what can't be used.

    `kind` is the run's stop reason: `endpoint_down`, `refused`, `rate_limited`, `context_overflow`,
    `bad_reply` or `cancelled`.
    """

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.kind = kind


class WorkerError(ClinseekError):
    """A worker process ended or overran a limit; the work it held is lost, the run is not."""
