"""DICOM files made for tests: a small film in every encoding we read, and the many ways to break one.

Nothing here comes from a real film. `BROKEN` names each broken file, what it must end in, and how it is made.
"""

from __future__ import annotations

import copy
import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from pydicom import Dataset, dcmread, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

ROWS, COLUMNS = 96, 64


def stored(bits: int = 12) -> np.ndarray[Any, np.dtype[np.uint16]]:
    """Stored values that use the whole range and differ in every row and column."""
    ramp = np.linspace(0, 2**bits - 1, ROWS * COLUMNS).reshape(ROWS, COLUMNS)
    wave = 40 * np.sin(np.arange(COLUMNS) / 3)
    return np.clip(ramp + wave, 0, 2**bits - 1).astype(np.uint16)


def header(**changes: Any) -> Dataset:
    """A DX film of 12 bits with a window, uncompressed; `changes` replace attributes, None deletes one."""
    film = Dataset()
    film.file_meta = FileMetaDataset()
    film.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    film.file_meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    film.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    attributes = {
        "SOPClassUID": DigitalXRayImageStorageForPresentation,
        "SOPInstanceUID": "1.2.3.4",
        "Modality": "DX",
        "ViewPosition": "PA",
        "PatientName": "MADE^UP",
        "PatientID": "90000009",
        "StudyDate": "21500101",
        "Rows": ROWS,
        "Columns": COLUMNS,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 12,
        "HighBit": 11,
        "PixelRepresentation": 0,
        "WindowCenter": "2048",
        "WindowWidth": "4096",
        "RescaleSlope": "1",
        "RescaleIntercept": "0",
        "PixelSpacing": ["0.2", "0.2"],
        "PixelData": stored().tobytes(),
    }
    for keyword, value in (attributes | changes).items():
        if value is not None:
            setattr(film, keyword, value)
    if "PixelData" in film:
        film["PixelData"].VR = "OW"
    return film


def written(film: Dataset) -> bytes:
    """The file of a data set."""
    out = io.BytesIO()
    implicit = film.file_meta.TransferSyntaxUID == ImplicitVRLittleEndian
    little = film.file_meta.TransferSyntaxUID != ExplicitVRBigEndian
    film.file_meta.FileMetaInformationVersion = b"\0\1"
    dcmwrite(out, film, implicit_vr=implicit, little_endian=little, enforce_file_format=True, overwrite=True)
    return out.getvalue()


def made(**changes: Any) -> bytes:
    """The file of `header(**changes)`."""
    return written(header(**changes))


def in_syntax(uid: str) -> bytes:
    """The film losslessly in another transfer syntax."""
    film = header()
    if uid in {ExplicitVRBigEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian}:
        film.file_meta.TransferSyntaxUID = uid
        if uid == ExplicitVRBigEndian:
            film.PixelData = stored().astype(">u2").tobytes()
        return written(film)
    if uid in {RLELossless, JPEGLSLossless}:
        film.compress(uid)
        return written(film)
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(stored()).save(out, "JPEG2000", irreversible=False, no_jp2=True)
    film.PixelData = encapsulate([out.getvalue()])
    film["PixelData"].VR = "OB"
    film.file_meta.TransferSyntaxUID = JPEG2000Lossless
    return written(film)


def baseline_jpeg() -> tuple[bytes, np.ndarray[Any, np.dtype[np.uint8]]]:
    """An 8-bit film as JPEG baseline, and the pixels that a JPEG decoder gives of it."""
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray((stored(8)).astype(np.uint8)).save(out, "JPEG", quality=95)
    film = header(BitsAllocated=8, BitsStored=8, HighBit=7, WindowCenter="128", WindowWidth="256")
    film.PixelData = encapsulate([out.getvalue()])
    film["PixelData"].VR = "OB"
    film.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    return written(film), np.asarray(Image.open(io.BytesIO(out.getvalue())))


LOSSLESS = {
    "explicit little endian": ExplicitVRLittleEndian,
    "explicit big endian": ExplicitVRBigEndian,
    "implicit little endian": ImplicitVRLittleEndian,
    "deflated": DeflatedExplicitVRLittleEndian,
    "RLE": RLELossless,
    "JPEG-LS": JPEGLSLossless,
    "JPEG 2000": JPEG2000Lossless,
}


def lut(first: int = 0, entries: int = 4096, data: bytes | None = None, bits: int = 12) -> Dataset:
    """An item of a VOI LUT sequence."""
    item = Dataset()
    item.add_new(0x00283002, "US", [entries % 65536, first % 65536, bits])
    table = np.linspace(0, 2**bits - 1, entries) ** 2 / (2**bits - 1)
    item.add_new(0x00283006, "OW", table.astype("<u2").tobytes() if data is None else data)
    return item


def _patched(keyword_bytes: bytes, value: bytes) -> bytes:
    """The film with a value's bytes written over, its length kept."""
    data = bytearray(made())
    at = data.index(keyword_bytes)
    (length,) = struct.unpack("<H", data[at + 6 : at + 8])
    data[at + 8 : at + 8 + length] = value.ljust(length)[:length]
    return bytes(data)


def _pixel_length(length: int) -> bytes:
    data = bytearray(made())
    at = data.index(b"\xe0\x7f\x10\x00OW")
    data[at + 8 : at + 12] = struct.pack("<L", length)
    return bytes(data)


def _element_length(tag: bytes, length: int) -> bytes:
    data = bytearray(made())
    at = data.index(tag)
    data[at + 6 : at + 8] = struct.pack("<H", length)
    return bytes(data)


def _without_meta() -> bytes:
    film = header()
    bare = Dataset()
    bare.update(film)
    out = io.BytesIO()
    dcmwrite(out, bare, implicit_vr=True, little_endian=True, enforce_file_format=False)
    return out.getvalue()


def _encoded_as(uid: str, pixels: bytes, **changes: Any) -> bytes:
    film = header(**changes)
    film.PixelData = encapsulate([pixels])
    film["PixelData"].VR = "OB"
    film.file_meta.TransferSyntaxUID = uid
    return written(film)


def _rle_bomb() -> bytes:
    count = 20_000 * 20_000
    segment = bytes([129, 0]) * ((count + 127) // 128)
    head = struct.pack("<16L", 1, 64, *([0] * 14))
    return _encoded_as(
        RLELossless, head + segment, Rows=20_000, Columns=20_000, BitsAllocated=8, BitsStored=8, HighBit=7
    )


def _small_rle_bomb() -> bytes:
    """A segment that unpacks to far more than the rows and columns need."""
    head = struct.pack("<16L", 2, 64, 64, *([0] * 13))
    return _encoded_as(RLELossless, head + bytes([129, 0]) * 4_000_000)


def _deflate_bomb(of: int = 1 << 28) -> bytes:
    film = header(PixelData=None)
    film.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    plain = written(film)
    (length,) = struct.unpack("<L", plain[140:144])
    end = 144 + length
    meta = plain[:end].replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99"[:20])
    film.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    whole = written(film)
    (length,) = struct.unpack("<L", whole[140:144])
    meta = whole[: 144 + length]
    large = struct.pack("<HH2sHL", 0x7FE1, 0x1010, b"OB", 0, of)
    packing = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packing.compress(plain[end:] + large)
    block = bytes(1 << 24)
    for _ in range(of >> 24):
        packed += packing.compress(block)
    return meta + packed + packing.flush()


def _damaged(data: bytes, seed: int = 2) -> bytes:
    """The middle of the pixels overwritten."""
    film = dcmread(io.BytesIO(data))
    pixels = bytearray(film.PixelData)
    third = len(pixels) // 3
    pixels[third : third + 400] = np.random.default_rng(seed).bytes(400)
    film.PixelData = bytes(pixels)
    return written(film)


def _cut(data: bytes, share: float) -> bytes:
    return data[: int(len(data) * share)]


def _nested(depth: int) -> bytes:
    item = b""
    for _ in range(depth):
        # A sequence of undefined length in an item of undefined length, without ever being closed.
        item += struct.pack("<HH2sHL", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF)
        item += struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF)
    data = made()
    (length,) = struct.unpack("<L", data[140:144])
    end = 144 + length
    return data[:end] + item + data[end:]


def _frames(count: int) -> bytes:
    return made(NumberOfFrames=count, PixelData=stored().tobytes() * count)


def _rgb(planar: int = 0) -> bytes:
    grey = (stored() >> 4).astype(np.uint8)
    return made(
        SamplesPerPixel=3,
        PhotometricInterpretation="RGB",
        PlanarConfiguration=planar,
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        PixelData=np.repeat(grey[..., None], 3, 2).tobytes(),
    )


def _float_pixels() -> bytes:
    film = header(PixelData=None, BitsAllocated=32, BitsStored=32, HighBit=31)
    film.add_new(0x7FE00008, "OF", stored().astype("<f4").tobytes())
    return written(film)


def _garbage(seed: int, size: int) -> bytes:
    return np.random.default_rng(seed).bytes(size)


def _png(mode: str = "L", size: tuple[int, int] = (COLUMNS, ROWS)) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.new(mode, size, 0).save(out, "PNG")
    return out.getvalue()


def _png_of_claimed_size(edge: int) -> bytes:
    data = bytearray(_png())
    data[16:24] = struct.pack(">II", edge, edge)
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    return bytes(data)


def _with_private() -> bytes:
    film = header(PatientName="EVIL\x1b[2J\x1b]0;pwn\x07^X", PatientID="[bold red]markup[/]")
    film.InstitutionName, film.ImageComments = "St. Elsewhere", "effusion, seen by Dr. Made-Up"
    film.add_new(0x00091001, "LO", "private name")
    return written(film)


_SHORT_LUT = {"WindowCenter": None, "WindowWidth": None}

BROKEN: dict[str, tuple[set[str], Callable[[], bytes]]] = {
    # What is no film at all.
    "empty": ({"not_a_film"}, lambda: b""),
    "one byte": ({"not_a_film"}, lambda: b"\x08"),
    "random": ({"not_a_film", "bad_header"}, lambda: _garbage(0, 50_000)),
    "text": ({"not_a_film"}, lambda: b"hello world\n" * 50),
    "zeros": ({"not_a_film"}, lambda: bytes(10_000)),
    "html": ({"not_a_film"}, lambda: b"<!doctype html><title>404</title>" * 10),
    "zip": ({"not_a_film"}, lambda: b"PK\x03\x04" + _garbage(3, 500)),
    "gif": ({"not_a_film"}, lambda: b"GIF89a" + bytes(500)),
    "mark alone": ({"bad_header"}, lambda: bytes(128) + b"DICM"),
    "mark and garbage": ({"bad_header"}, lambda: bytes(128) + b"DICM" + _garbage(1, 4000)),
    "meta and nothing": ({"truncated"}, lambda: made()[: 144 + struct.unpack("<L", made()[140:144])[0]]),
    "first tag and garbage": (
        {"bad_header", "wrong_modality", "not_a_film"},
        lambda: b"\x08\x00\x05\x00" + _garbage(4, 4000),
    ),
    # Cut off.
    "header cut at 200": ({"bad_header"}, lambda: made()[:200]),
    "header cut at 500": ({"bad_header", "no_pixels", "bad_geometry", "truncated"}, lambda: made()[:500]),
    "header cut at 700": ({"bad_header", "no_pixels", "bad_geometry", "truncated"}, lambda: made()[:700]),
    "pixels cut at half": ({"truncated", "no_pixels"}, lambda: _cut(made(), 0.5)),
    "pixels cut at the last byte": ({"truncated", "no_pixels"}, lambda: made()[:-1]),
    "RLE cut": ({"bad_pixels", "truncated", "no_pixels"}, lambda: _cut(in_syntax(RLELossless), 0.7)),
    "JPEG 2000 cut": (
        {"bad_pixels", "truncated", "no_pixels"},
        lambda: _cut(in_syntax(JPEG2000Lossless), 0.7),
    ),
    "JPEG-LS cut": ({"bad_pixels", "truncated", "no_pixels"}, lambda: _cut(in_syntax(JPEGLSLossless), 0.7)),
    "JPEG cut": ({"bad_pixels", "truncated", "no_pixels", "ok"}, lambda: _cut(baseline_jpeg()[0], 0.7)),
    "deflated cut": (
        {"bad_header", "truncated", "no_pixels", "bad_pixels"},
        lambda: _cut(in_syntax(DeflatedExplicitVRLittleEndian), 0.7),
    ),
    # Too large.
    "65,535 rows and columns": ({"too_many_pixels"}, lambda: made(Rows=65535, Columns=65535)),
    "65,535 rows, columns and 1,000 frames": (
        {"too_many_pixels"},
        lambda: made(Rows=65535, Columns=65535, NumberOfFrames=1000),
    ),
    "RLE that says 40,000 squared": (
        {"too_many_pixels"},
        lambda: _encoded_as(RLELossless, bytes(64), Rows=40_000, Columns=40_000),
    ),
    "RLE bomb": ({"too_many_pixels"}, _rle_bomb),
    "RLE bomb behind small rows": ({"bad_pixels", "bomb", "ok"}, _small_rle_bomb),
    "JPEG 2000 of other dimensions": (
        {"bad_pixels", "too_many_pixels"},
        lambda: written(_said(in_syntax(JPEG2000Lossless), Rows=6000, Columns=6000)),
    ),
    "deflate bomb": ({"bomb"}, _deflate_bomb),
    "PNG that says 60,000 squared": ({"too_many_pixels", "bad_pixels"}, lambda: _png_of_claimed_size(60_000)),
    # Another kind of image.
    "CT": ({"wrong_modality"}, lambda: made(Modality="CT", SOPClassUID=CTImageStorage)),
    "DX that says MR": ({"wrong_modality"}, lambda: made(Modality="MR")),
    "modality with escape": ({"wrong_modality"}, lambda: made(Modality="\x1b[2JDX")),
    "structured report": (
        {"wrong_modality"},
        lambda: made(Modality="SR", SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11", PixelData=None),
    ),
    "three frames": ({"multi_frame"}, lambda: _frames(3)),
    "frames that are not there": ({"multi_frame"}, lambda: made(NumberOfFrames=2)),
    "RGB": ({"not_grayscale"}, _rgb),
    "RGB by planes": ({"not_grayscale"}, lambda: _rgb(1)),
    "palette": ({"not_grayscale"}, lambda: made(PhotometricInterpretation="PALETTE COLOR")),
    "float pixels": ({"no_pixels"}, _float_pixels),
    "no pixels": ({"no_pixels"}, lambda: made(PixelData=None)),
    "no SOP class and no pixels": ({"bad_header"}, lambda: made(SOPClassUID=None, PixelData=None)),
    # Attributes that are missing or lie.
    "no photometric interpretation": ({"not_grayscale"}, lambda: made(PhotometricInterpretation=None)),
    "no rows": ({"bad_geometry"}, lambda: made(Rows=None)),
    "no columns": ({"bad_geometry"}, lambda: made(Columns=None)),
    "no bits allocated": ({"bad_geometry"}, lambda: made(BitsAllocated=None)),
    "no bits stored": ({"ok"}, lambda: made(BitsStored=None)),
    "no pixel representation": ({"ok"}, lambda: made(PixelRepresentation=None)),
    "no samples per pixel": ({"ok"}, lambda: made(SamplesPerPixel=None)),
    "no modality": ({"ok"}, lambda: made(Modality=None)),
    "no SOP class": ({"ok"}, lambda: made(SOPClassUID=None)),
    "rows 0": ({"bad_geometry"}, lambda: made(Rows=0)),
    "rows and columns exchanged": ({"ok"}, lambda: made(Rows=COLUMNS, Columns=ROWS)),
    "more rows than pixels": ({"truncated"}, lambda: made(Rows=ROWS + 1)),
    "fewer rows than pixels": ({"ok"}, lambda: made(Rows=ROWS - 1)),
    "bits stored too few": ({"ok", "bad_pixels"}, lambda: made(BitsStored=10, HighBit=9)),
    "bits stored above allocated": ({"bad_pixels", "bad_geometry"}, lambda: made(BitsStored=20, HighBit=19)),
    "32 bits": ({"bad_geometry"}, lambda: made(BitsAllocated=32, BitsStored=32, HighBit=31)),
    "1 bit": ({"bad_geometry"}, lambda: made(BitsAllocated=1, BitsStored=1, HighBit=0)),
    "unknown transfer syntax": (
        {"unsupported_transfer_syntax", "bad_pixels", "bad_header"},
        lambda: made().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.9.9.9\0"),
    ),
    "no transfer syntax": (
        {"bad_header"},
        lambda: made().replace(b"\x02\x00\x10\x00UI", b"\x02\x00\x11\x00UI"),
    ),
    "JPEG lossless, or no decoder for it": (
        {"missing_decoder", "bad_pixels"},
        lambda: _encoded_as(JPEGLosslessSV1, _garbage(5, 500)),
    ),
    "representation that does not exist, of a needed value": (
        {"not_grayscale"},
        lambda: made().replace(b"\x28\x00\x04\x00CS", b"\x28\x00\x04\x00C\0"),
    ),
    "representation that does not exist, of another value": (
        {"ok"},
        lambda: made().replace(b"\x18\x00\x01\x51CS", b"\x18\x00\x01\x51C\0"),
    ),
    # Damaged pixels.
    "RLE damaged": ({"ok", "bad_pixels"}, lambda: _damaged(in_syntax(RLELossless))),
    "JPEG 2000 damaged": ({"ok", "bad_pixels"}, lambda: _damaged(in_syntax(JPEG2000Lossless))),
    "JPEG-LS damaged": ({"ok", "bad_pixels"}, lambda: _damaged(in_syntax(JPEGLSLossless))),
    "JPEG that is noise": ({"bad_pixels"}, lambda: _encoded_as(JPEGBaseline8Bit, _garbage(6, 500))),
    "RLE without segments": ({"bad_pixels"}, lambda: _encoded_as(RLELossless, bytes(64))),
    "RLE with offsets beyond its end": (
        {"bad_pixels"},
        lambda: _encoded_as(RLELossless, struct.pack("<16L", 2, 64, 2**31, *([0] * 13)) + bytes(100)),
    ),
    "pixels of 4 GiB by their length": (
        {"ok", "truncated", "no_pixels", "bad_header", "bad_pixels"},
        lambda: _pixel_length(0xFFFFFFFE),
    ),
    "pixels of no length": ({"no_pixels", "truncated", "bad_pixels"}, lambda: _pixel_length(0)),
    "patient id of 65,535 bytes": (
        {"bad_header", "bad_geometry", "no_pixels", "truncated"},
        lambda: _element_length(b"\x10\x00\x20\x00LO", 65535),
    ),
    "bytes after the pixels": ({"ok"}, lambda: made(PixelData=stored().tobytes() + bytes(100))),
    "1,500 nested sequences": ({"bad_header", "ok", "no_pixels"}, lambda: _nested(1_500)),
    "50,000 nested sequences": ({"bad_header", "ok", "no_pixels"}, lambda: _nested(50_000)),
    "constant": ({"ok"}, lambda: made(PixelData=bytes(2 * ROWS * COLUMNS), **_SHORT_LUT)),
    # Windows, rescaling and spacing that can't be.
    "window width 0": ({"ok"}, lambda: made(WindowWidth="0")),
    "window width negative": ({"ok"}, lambda: made(WindowWidth="-5")),
    "window of words": ({"ok"}, lambda: _patched(b"\x28\x00\x51\x10DS", b"abc\\")),
    "window function unknown": ({"ok"}, lambda: made(VOILUTFunction="CUBIC")),
    "several windows": ({"ok"}, lambda: made(WindowCenter=["2048", "100"], WindowWidth=["4096", "50"])),
    "slope 0": ({"ok"}, lambda: made(RescaleSlope="0")),
    "slope of words": ({"ok"}, lambda: _patched(b"\x28\x00\x53\x10DS", b"x")),
    "look-up table short": (
        {"ok"},
        lambda: made(VOILUTSequence=Sequence([lut(data=b"\0\0")]), **_SHORT_LUT),
    ),
    "look-up table without data": ({"ok"}, lambda: made(VOILUTSequence=Sequence([Dataset()]))),
    "look-up sequence empty": ({"ok"}, lambda: made(VOILUTSequence=Sequence([]))),
    "spacing of words": ({"ok"}, lambda: _patched(b"\x28\x00\x30\x00DS", b"nan\\inf")),
    "spacing 0": ({"ok"}, lambda: made(PixelSpacing=["0", "0"])),
    "names with escapes": ({"ok"}, _with_private),
}


def _said(data: bytes, **changes: Any) -> Dataset:
    film = copy.copy(dcmread(io.BytesIO(data)))
    for keyword, value in changes.items():
        setattr(film, keyword, value)
    return film
