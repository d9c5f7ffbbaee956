"""A case's films, made ready for a model: within the size limit, and without a file's metadata."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from clinseek_core.case import Case, CaseImage, Policy
from clinseek_core.errors import InputError
from clinseek_core.models import Image

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

__all__ = ["load_images"]

_FORMATS = ("PNG", "JPEG")
_MAX_BYTES = 64 * 1024 * 1024
_MAX_PIXELS = 64_000_000
"""A radiograph of a large detector has about 16 million."""
_JPEG_QUALITY = 90


def load_images(case: Case, policy: Policy, folder: Path, max_edge: int) -> tuple[Image, ...]:
    """The images of a case, at most `max_edge` pixels long; relative paths start at `folder`.

    Raises InputError for a file that is no readable PNG or JPEG, and for a film taken after the cutoff.
    """
    for image in case.images:
        if image.taken_at is not None and not _is_known(image.taken_at, case.prediction_time, policy):
            raise InputError(
                f"{image.path}: was taken at {image.taken_at}, after the case's prediction time "
                f"{case.prediction_time}; take it out of the case"
            )
    return tuple(_load(image, folder / image.path, max_edge) for image in case.images)


def _is_known(taken_at: datetime, cutoff: datetime, policy: Policy) -> bool:
    return taken_at <= cutoff if policy.boundary == "inclusive" else taken_at < cutoff


def _load(image: CaseImage, path: Path, max_edge: int) -> Image:
    import PIL.Image  # noqa: PLC0415 - heavy: loaded for cases with images

    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(
                f"{path}: has more than {_MAX_BYTES // 2**20} MiB; make a smaller PNG or JPEG of it"
            )
        with PIL.Image.open(path, formats=_FORMATS) as picture:
            if picture.width * picture.height > _MAX_PIXELS:
                raise InputError(
                    f"{path}: has {picture.width}×{picture.height} pixels, more than "
                    f"{_MAX_PIXELS // 10**6} million; make a smaller PNG or JPEG of it"
                )
            media_type, data = _encoded(picture, max_edge)
    except (OSError, ValueError, SyntaxError, PIL.Image.DecompressionBombError) as error:
        raise InputError(f"{path}: is no PNG or JPEG that can be read ({error})") from error
    return Image(media_type, data, _label(image))


def _encoded(picture: Picture, max_edge: int) -> tuple[str, bytes]:
    """The picture, upright, 8 bits a channel and small enough, in the format it came in."""
    from PIL import ImageOps  # noqa: PLC0415 - heavy: loaded for cases with images

    kind = picture.format
    upright = _eight_bit(ImageOps.exif_transpose(picture) or picture)
    upright.thumbnail((max_edge, max_edge))
    upright.info = {}
    out = io.BytesIO()
    if kind == "JPEG":
        upright.save(out, "JPEG", quality=_JPEG_QUALITY)
        return "image/jpeg", out.getvalue()
    upright.save(out, "PNG")
    return "image/png", out.getvalue()


def _eight_bit(picture: Picture) -> Picture:
    """Grey or RGB; 16-bit greys are stretched over their own range, as their window is not known."""
    if not picture.mode.startswith(("I", "F")):
        return picture.convert("L" if picture.mode in {"1", "L", "LA"} else "RGB")
    import numpy as np  # noqa: PLC0415 - heavy: loaded for cases with such images
    import PIL.Image  # noqa: PLC0415 - heavy: loaded for cases with images

    grey = np.asarray(picture, dtype=np.float32)
    grey -= grey.min()
    return PIL.Image.fromarray((grey * (255 / max(float(grey.max()), 1.0))).astype(np.uint8))


def _label(image: CaseImage) -> str:
    study = f", study {image.study_id}" if image.study_id else ""
    taken = f", taken {image.taken_at}" if image.taken_at else ""
    return f"{image.path}{study}{taken}"
