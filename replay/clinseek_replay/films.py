"""The films of a run: which there are, when they were taken, which one a call looked at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import PurePosixPath

import msgspec

from clinseek_core.case import CaseImage
from clinseek_core.journal import ImageRef
from clinseek_replay.film_answers import FilmAnswer
from clinseek_replay.trajectory import Call, Trajectory

__all__ = ["RunFilm", "film_of_call", "films_of", "prior_of"]

_VIEW = re.compile(r"\.(?:shown|w-?\d{1,9}(?:\.\d{1,9})?,\d{1,9}(?:\.\d{1,9})?)\.png$")
"""What a picture made of a film is called behind the film's own name."""
_ARGUMENTS = ("image_path", "dicom_path")
_LEAST_NAME = 6
"""Characters of a film's name that are looked for in a text: a shorter one may be anything."""
_SEARCHED = 1_000_000


class RunFilm(msgspec.Struct, frozen=True, kw_only=True):
    """A film that the case has, or that a call names."""

    name: str
    """As the case or the call names it: a path, from which folder depends on the case."""
    taken_at: datetime | None = None
    study_id: int | None = None
    dicom_id: str = ""
    later: bool = False
    """Whether it was taken only after the cutoff: the run could not see it."""
    pictures: tuple[ImageRef, ...] = ()
    """Pictures of it that are kept beside the recording."""

    @property
    def stem(self) -> str:
        """Its file's name without folder and ending."""
        return stem_of(self.name)


def stem_of(name: str) -> str:
    """The name of a film's file, or of a view of it, without folder, ending and what the view is called."""
    return PurePosixPath(_VIEW.sub("", name.strip())).stem.lower()


def films_of(run: Trajectory) -> tuple[RunFilm, ...]:
    """The films of the case by the time they were taken, and before them those that do not say when."""
    films = (_film(run, image) for image in run.films)
    return tuple(sorted(films, key=lambda film: film.taken_at or datetime.min))


def film_of_call(run: Trajectory, call: Call, answer: FilmAnswer | None = None) -> RunFilm | None:
    """The film that a call looked at, or that its arguments or its result name; None where there is none."""
    films = films_of(run)
    for written in _written(call, answer):
        stem = stem_of(written)
        known = next((film for film in films if stem in (film.stem, film.dicom_id.lower())), None)
        if known is not None:
            return msgspec.structs.replace(
                known, name=_same_ending(known.name, written), pictures=(*known.pictures, *_shown(call))
            )
        if call.name.startswith("image."):
            return RunFilm(name=_VIEW.sub("", written.strip()), pictures=_shown(call))
    named = next((film for film in films if _is_named(film, call)), None)
    if named is None and call.result is not None and call.result.images and not films:
        return RunFilm(name=call.result.images[0].label or call.anchor, pictures=call.result.images)
    return named


def prior_of(films: tuple[RunFilm, ...], film: RunFilm) -> RunFilm | None:
    """The film before one: the last of another study that was taken earlier."""
    if film.taken_at is None:
        return None
    earlier = [
        other
        for other in films
        if other.taken_at is not None
        and other.taken_at < film.taken_at
        and (other.study_id is None or other.study_id != film.study_id)
    ]
    return max(earlier, key=lambda other: other.taken_at or datetime.min, default=None)


def _film(run: Trajectory, image: CaseImage) -> RunFilm:
    cutoff, policy = run.prediction_time, run.policy
    later = False
    if image.taken_at is not None and cutoff is not None:
        inclusive = policy is not None and policy.boundary == "inclusive"
        later = image.taken_at > cutoff if inclusive else image.taken_at >= cutoff
    stem = stem_of(image.path)
    return RunFilm(
        name=image.path,
        taken_at=image.taken_at,
        study_id=image.study_id,
        dicom_id=image.dicom_id or "",
        later=later,
        pictures=tuple(
            picture for picture in run.pictures if stem_of(picture.label.partition(",")[0]) == stem
        ),
    )


def _written(call: Call, answer: FilmAnswer | None) -> Iterator[str]:
    """The names of a film in a call: as its result says it, then as its arguments do."""
    if answer is not None and answer.film:
        yield answer.film
    for key in _ARGUMENTS:
        value = (call.arguments or {}).get(key)
        if isinstance(value, str) and value.strip():
            yield value


def _same_ending(known: str, written: str) -> str:
    """The film's name with the ending that a call wrote: a film may lie there as DICOM and as PNG."""
    ending = PurePosixPath(_VIEW.sub("", written.strip())).suffix.lower()
    return str(PurePosixPath(known).with_suffix(ending)) if ending in _ENDINGS else known


_ENDINGS = (".dcm", ".png", ".jpg", ".jpeg")


def _shown(call: Call) -> tuple[ImageRef, ...]:
    """The pictures of the film itself that a call's result shows."""
    images = call.result.images if call.result is not None else ()
    return images if call.name in {"image.dicom_processor", "image.image_visualizer"} else ()


def _is_named(film: RunFilm, call: Call) -> bool:
    text = call.result.text[:_SEARCHED].lower() if call.result is not None else ""
    names = (film.stem, film.dicom_id.lower(), str(film.study_id or ""))
    return any(len(name) >= _LEAST_NAME and name in text for name in names)
