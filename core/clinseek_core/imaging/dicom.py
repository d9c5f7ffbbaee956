"""A DICOM file's bytes to a film. Every way in which a file can be broken ends in a FilmError.

Meant to run in a worker process: a decoder may still crash, and its memory is bounded there.
"""

from __future__ import annotations

import io
import math
import re
import struct
import warnings as python_warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from clinseek_core.imaging.film import MAX_PIXELS, Exposure, Film, FilmFacts, Window
from clinseek_core.imaging.refusal import FilmError, Refusal
from clinseek_core.imaging.window import number, shown, span_of

if TYPE_CHECKING:
    import numpy.typing as npt
    from pydicom import Dataset

__all__ = ["is_dicom", "open_dicom", "read_dicom"]

_MAGIC_AT, _MAGIC = 128, b"DICM"
_DEFLATED = "1.2.840.10008.1.2.1.99"
_EXPLICIT, _IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
_MAX_INFLATED = 128 * 1024 * 1024
_TRANSFER_SYNTAX = (0x0002, 0x0010)
_META_GROUP = 0x0002
_FIRST_GROUPS = {0x0002, 0x0008}
_LONG_FORMS = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}

_SOP_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.1": "Computed Radiography Image",
    "1.2.840.10008.5.1.4.1.1.1.1": "Digital X-Ray Image, for presentation",
    "1.2.840.10008.5.1.4.1.1.1.1.1": "Digital X-Ray Image, for processing",
    "1.2.840.10008.5.1.4.1.1.7": "Secondary Capture Image",
}
_MODALITIES = {"", "CR", "DX", "RG", "OT"}
_GREYS = {"MONOCHROME1", "MONOCHROME2"}
_SPACINGS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")
_LEAST_MM, _MOST_MM = 0.01, 5.0
_ORIENTATION = re.compile(r"[AFHLPR]{1,3}")
_SHORT_CODE = re.compile(r"[A-Z]{1,4}")
_YES_NO = re.compile(r"YES|NO")

_DECODING: tuple[tuple[type[BaseException], str, Refusal], ...] = (
    (MemoryError, "", "bomb"),
    (NotImplementedError, "", "unsupported_transfer_syntax"),
    (BaseException, "missing dependencies", "missing_decoder"),
    (BaseException, "less than expected", "truncated"),
    (BaseException, "", "bad_pixels"),
)
"""What decoding raised, words of its message, and what that means; the first that fits."""


def is_dicom(data: bytes) -> bool:
    """Whether bytes begin as a DICOM file does, with its mark or, as old files, without."""
    if data[_MAGIC_AT : _MAGIC_AT + len(_MAGIC)] == _MAGIC:
        return True
    return len(data) >= _MAGIC_AT and struct.unpack("<H", data[:2])[0] in _FIRST_GROUPS


def read_dicom(data: bytes, asked: tuple[float, float] | None = None) -> Film:
    """The film in a DICOM file's bytes; `asked` is the centre and width of a window.

    Raises FilmError.
    """
    return open_dicom(data).film(asked)


def open_dicom(data: bytes) -> Exposure:
    """The film in a DICOM file's bytes before its window, decoded once. Raises FilmError."""
    with _carefully() as said:
        header, syntax, notes = _header(data)
        _check(header)
        stored = _pixels(header, notes)
        span = span_of(stored, header)

    def film(asked: tuple[float, float] | None) -> Film:
        with _carefully() as said_now:
            pixels, window, of_window = shown(stored, header, asked)
            told = [*notes, *of_window]
            if said or said_now:
                told.append(f"pydicom gave {len(said) + len(said_now)} warnings on how the file is written")
            return Film(pixels, _facts(header, syntax, tuple(dict.fromkeys(told)), window))

    return Exposure(film, span)


@contextmanager
def _carefully() -> Iterator[list[python_warnings.WarningMessage]]:
    """Inside, warnings are gathered, and whatever pydicom raises is a FilmError."""
    with python_warnings.catch_warnings(record=True) as said:
        python_warnings.simplefilter("always")
        try:
            yield said
        except FilmError:
            raise
        except Exception as error:  # pydicom reads a value when it is asked for, and fails there
            raise FilmError("bad_header", f"a value can't be read ({type(error).__name__})") from error


def _header(data: bytes) -> tuple[Dataset, str, list[str]]:
    """The data set, the transfer syntax it was stored in, and what had to be assumed to read it."""
    from pydicom import dcmread  # noqa: PLC0415 - heavy: loaded with the first DICOM file

    if not is_dicom(data):
        raise FilmError("not_a_film", "it has neither DICOM's mark nor a first tag of DICOM")
    marked = data[_MAGIC_AT : _MAGIC_AT + len(_MAGIC)] == _MAGIC
    syntax, end = _transfer_syntax(data) if marked else ("", 0)
    if marked and not syntax:
        raise FilmError("bad_header", "it names no transfer syntax")
    try:
        if syntax == _DEFLATED:
            return _deflated(data, end), syntax, []
        header = dcmread(io.BytesIO(data), force=not marked)
    except FilmError:
        raise
    except Exception as error:
        raise FilmError("bad_header", f"it can't be parsed ({type(error).__name__})") from error
    if marked:
        return header, syntax, []
    assumed = _IMPLICIT if header.original_encoding[0] else _EXPLICIT
    _name_syntax(header, assumed)
    return header, assumed, ["the file has no DICOM mark; its transfer syntax was assumed"]


def _deflated(data: bytes, start: int) -> Dataset:
    """The data set of a deflated file, inflated within a bound before anything reads it."""
    from pydicom.filereader import read_dataset  # noqa: PLC0415 - heavy: loaded with the first DICOM file

    inflating = zlib.decompressobj(-zlib.MAX_WBITS)
    inflated = inflating.decompress(data[start:], _MAX_INFLATED)
    if inflating.unconsumed_tail:
        raise FilmError("bomb", f"it inflates to more than {_MAX_INFLATED // 2**20} MiB")
    header = read_dataset(io.BytesIO(inflated), is_implicit_VR=False, is_little_endian=True)
    _name_syntax(header, _EXPLICIT)
    return header


def _name_syntax(header: Dataset, syntax: str) -> None:
    from pydicom.dataset import FileMetaDataset  # noqa: PLC0415 - heavy: loaded with the first DICOM file
    from pydicom.uid import UID  # noqa: PLC0415 - as above

    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = UID(syntax)


def _transfer_syntax(data: bytes) -> tuple[str, int]:
    """The transfer syntax in a file's meta group, which is always explicit and little endian, and its end."""
    begin = _MAGIC_AT + len(_MAGIC)
    elements = list(_meta_elements(data, begin))
    syntax = next((value for tag, value, _ in elements if tag == _TRANSFER_SYNTAX), b"")
    return syntax.rstrip(b"\0 ").decode("ascii", "replace"), elements[-1][2] if elements else begin


def _meta_elements(data: bytes, at: int) -> Iterator[tuple[tuple[int, int], bytes, int]]:
    while at + 8 <= len(data):
        group, element = struct.unpack_from("<HH", data, at)
        if group != _META_GROUP:
            return
        kind = data[at + 4 : at + 6]
        if kind in _LONG_FORMS:
            if at + 12 > len(data):
                return
            (length,), begin = struct.unpack_from("<I", data, at + 8), at + 12
        else:
            (length,), begin = struct.unpack_from("<H", data, at + 6), at + 8
        if begin + length > len(data):
            return
        at = begin + length
        yield (group, element), data[begin:at], at


def _check(header: Dataset) -> None:
    """Refuse what is no single grey radiograph of a size that can be shown, before any pixel is decoded."""
    sop_class, modality = _text(header, "SOPClassUID"), _text(header, "Modality")
    if len(header) == 0:
        # So pydicom gives a compressed file whose pixels break off.
        raise FilmError("truncated", "nothing of its data set can be read")
    if not sop_class and "PixelData" not in header:
        raise FilmError("bad_header", "it has neither a SOP class nor pixels")
    if (sop_class and sop_class not in _SOP_CLASSES) or modality not in _MODALITIES:
        raise FilmError("wrong_modality", "it is no radiograph by its SOP class or modality")
    if "PixelData" not in header:
        raise FilmError("no_pixels", "it holds no integer pixels")
    rows, columns = number(header, "Rows") or 0, number(header, "Columns") or 0
    samples, frames = number(header, "SamplesPerPixel") or 1, number(header, "NumberOfFrames") or 1
    if rows < 1 or columns < 1:
        raise FilmError("bad_geometry", f"it says {rows:g} rows and {columns:g} columns")
    if rows * columns * max(samples, 1) * max(frames, 1) > MAX_PIXELS:
        raise FilmError("too_many_pixels", f"it says {rows:g} × {columns:g} pixels")
    if frames > 1:
        raise FilmError("multi_frame", f"it holds {frames:g} frames")
    if samples != 1 or _text(header, "PhotometricInterpretation") not in _GREYS:
        raise FilmError("not_grayscale", "its pixels are not MONOCHROME1 or MONOCHROME2")
    if number(header, "BitsAllocated") not in {8, 16}:
        raise FilmError("bad_geometry", "its pixels are not of 8 or 16 bits")


def _pixels(header: Dataset, notes: list[str]) -> npt.NDArray[Any]:
    """The stored values: 8 or 16-bit integers in this machine's order, rows x columns."""
    import numpy as np  # noqa: PLC0415 - heavy: loaded with the first film

    assumed = {"BitsStored": header.BitsAllocated, "PixelRepresentation": 0, "SamplesPerPixel": 1}
    for keyword, value in assumed.items():
        if number(header, keyword) is None:
            setattr(header, keyword, value)
            notes.append(f"{keyword} is missing; {value} was assumed")
    try:
        stored = header.pixel_array
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a decoder in Rust raises what is no Exception
        message = str(error)
        code = next(code for kind, words, code in _DECODING if isinstance(error, kind) and words in message)
        raise FilmError(code, f"its pixels can't be decoded ({type(error).__name__})") from error
    if stored.shape != (int(header.Rows), int(header.Columns)) or stored.dtype.kind not in "iu":
        raise FilmError("bad_pixels", "it decodes to another shape than it says")
    if stored.dtype.itemsize > 2:
        raise FilmError("bad_pixels", "it decodes to more than 16 bits")
    if int(stored.max()) >= 2 ** int(header.BitsStored):
        notes.append("pixels have more bits than the file says")
    return np.ascontiguousarray(stored, stored.dtype.newbyteorder("="))


def _facts(header: Dataset, stored_in: str, notes: tuple[str, ...], window: Window) -> FilmFacts:
    from pydicom.uid import UID  # noqa: PLC0415 - heavy: loaded with the first DICOM file

    spacing, source = _spacing(header)
    burned = _told(header, "BurnedInAnnotation", _YES_NO)
    if burned == "YES":
        notes = (*notes, "the film says that text is burned into it; it may name the patient")
    syntax = UID(stored_in)
    return FilmFacts(
        format="DICOM",
        rows=int(header.Rows),
        columns=int(header.Columns),
        window=window,
        modality=_text(header, "Modality"),
        sop_class=_SOP_CLASSES.get(_text(header, "SOPClassUID"), ""),
        transfer_syntax=syntax.name if syntax.is_transfer_syntax else "",
        view_position=_told(header, "ViewPosition", _SHORT_CODE),
        patient_orientation="\\".join(_orientations(header)),
        photometric_interpretation=_text(header, "PhotometricInterpretation"),
        bits_stored=int(header.BitsStored),
        spacing_mm=spacing,
        spacing_source=source,
        burned_in_annotation=burned,
        warnings=notes,
    )


def _spacing(header: Dataset) -> tuple[tuple[float, float] | None, str]:
    """Between rows and columns, in mm, and the attribute that says so; the nearest to the body first."""
    for keyword in _SPACINGS:
        try:
            row, column = (float(value) for value in header.get(keyword) or ())
        except (TypeError, ValueError, NotImplementedError):
            continue
        if all(math.isfinite(value) and _LEAST_MM <= value <= _MOST_MM for value in (row, column)):
            return (row, column), keyword
    return None, ""


def _orientations(header: Dataset) -> list[str]:
    try:
        told = [str(value) for value in header.get("PatientOrientation") or ()]
    except (TypeError, ValueError, NotImplementedError):
        return []
    return told if len(told) == 2 and all(_ORIENTATION.fullmatch(value) for value in told) else []


def _text(header: Dataset, keyword: str) -> str:
    try:
        return str(header.get(keyword) or "").strip("\0 ")
    except (TypeError, ValueError, NotImplementedError):
        return ""


def _told(header: Dataset, keyword: str, pattern: re.Pattern[str]) -> str:
    """A text of the header where it is one of the few forms that may be told."""
    value = _text(header, keyword)
    return value if pattern.fullmatch(value) else ""
