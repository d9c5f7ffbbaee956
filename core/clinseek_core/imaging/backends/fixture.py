"""Recorded results instead of a model, and the recording of what another backend says."""

from __future__ import annotations

from typing import Any

import msgspec

from clinseek_core.errors import InputError
from clinseek_core.imaging.at_hand import FilmsAtHand
from clinseek_core.imaging.backends.arguments import canonical_arguments
from clinseek_core.imaging.backends.port import Answer, Backend, BackendError, BackendName
from clinseek_core.imaging.of_case import AskedFilm
from clinseek_core.imaging.results_file import Recorded, ResultsFile

__all__ = ["FixtureBackend", "Recording"]


class FixtureBackend:
    """Answers from a file of results, by the digest of the film's file, the tool and its arguments."""

    name: BackendName = "fixture"

    def __init__(self, films: FilmsAtHand, results: ResultsFile) -> None:
        self._films = films
        self._results = results

    def answer(self, tool: str, film: AskedFilm, arguments: dict[str, Any]) -> Answer:
        """Answer one call (see Backend); `not_recorded` where it is not in the file."""
        asked = canonical_arguments(tool, film, arguments)
        digest = self._films.digest(film)
        recorded = self._results.find(digest, tool, asked)
        if recorded is None:
            raise BackendError(
                "not_recorded",
                f"no result of {tool} is recorded for this film (sha256 {digest[:12]}…) and these arguments; "
                "to record it, run with --image-backend local, endpoint or mcp and --image-record FILE",
            )
        return Answer(
            output=recorded.output,
            model=recorded.model,
            digest=recorded.fixture_id,
            facts=recorded.facts | {"recorded_from": recorded.backend, "recorded_digest": recorded.digest},
            notes=("a recorded result", *recorded.notes),
            picture=self._results.picture(recorded),
        )


class Recording:
    """A backend whose answers are also written to a file of results."""

    def __init__(self, backend: Backend, films: FilmsAtHand, results: ResultsFile) -> None:
        self._backend = backend
        self._films = films
        self._results = results

    @property
    def name(self) -> BackendName:
        """That of the backend that answers."""
        return self._backend.name

    def answer(self, tool: str, film: AskedFilm, arguments: dict[str, Any]) -> Answer:
        """The backend's answer, written down; a note says where it could not be."""
        answer = self._backend.answer(tool, film, arguments)
        recorded = Recorded(
            film=self._films.digest(film),
            tool=tool,
            arguments=canonical_arguments(tool, film, arguments),
            backend=self._backend.name,
            model=answer.model,
            digest=answer.digest,
            output=answer.output,
            facts=answer.facts,
            notes=answer.notes,
        )
        try:
            self._results.add(recorded, answer.picture)
        except InputError as error:
            return msgspec.structs.replace(answer, notes=(*answer.notes, str(error)))
        return answer
