"""The arguments of the tools that need a model: checked, and in one form for what means the same."""

from __future__ import annotations

from typing import Any

from clinseek_core.imaging.backends.port import BackendError
from clinseek_core.imaging.of_case import AskedFilm
from clinseek_core.imaging.structures import STRUCTURES

__all__ = ["canonical_arguments", "organs_of", "phrase_of"]

_MAX_PHRASE = 500
_BY_NAME = {name.casefold(): name for name in STRUCTURES}


def phrase_of(arguments: dict[str, Any]) -> str:
    """The phrase to be found; BackendError where it is none."""
    phrase = arguments.get("phrase")
    if not isinstance(phrase, str) or not phrase.strip() or len(phrase) > _MAX_PHRASE:
        raise BackendError("bad_arguments", f"phrase is a text of at most {_MAX_PHRASE} characters")
    return " ".join(phrase.split())


def organs_of(arguments: dict[str, Any]) -> tuple[str, ...]:
    """The structures asked for, in their own order, all where none is named; BackendError for others."""
    asked = arguments.get("organs") or list(STRUCTURES)
    asked = [asked] if isinstance(asked, str) else asked
    if not isinstance(asked, list) or not all(isinstance(name, str) for name in asked):
        raise BackendError("bad_arguments", "organs is a list of names")
    wanted = {_BY_NAME.get(" ".join(name.split()).casefold()) for name in asked}
    if None in wanted:
        raise BackendError("bad_arguments", f"organs are among {', '.join(STRUCTURES)}")
    return tuple(name for name in STRUCTURES if name in wanted)


def canonical_arguments(tool: str, film: AskedFilm, arguments: dict[str, Any]) -> dict[str, Any]:
    """What a call asks beside its film, alike for calls that ask the same.

    The window of a view is part of it; how many tokens a model may write is not.
    """
    told: dict[str, Any] = {}
    if film.window is not None:
        told["window"] = list(film.window)
    if tool == "image.xray_phrase_grounding":
        told["phrase"] = phrase_of(arguments).casefold()
    if tool == "image.chest_xray_segmentation":
        organs = organs_of(arguments)
        told |= {} if organs == STRUCTURES else {"organs": list(organs)}
    return told
