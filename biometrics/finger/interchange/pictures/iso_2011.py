"""ISO/IEC 19794-4:2011, the record of finger pictures. Numbers have the most significant byte first.

| bytes | what |
|---|---|
| 4 | `FIR`, 0 |
| 4 | `020`, 0 |
| 4 | length of the whole record |
| 2 | number of representations (pictures) |
| 1 | 1 where the representations tell the certificates of their scanners |
| 1 | number of different fingers |

and each representation:

| bytes | what |
|---|---|
| 4 | its length, with these four |
| 15 and more | time, scanner, judgements of the quality (see `biometrics.interchange.header`) |
| 1 | number of certificates; with the next row only where the head says so |
| 3 each | authority and scheme |
| 1 | finger |
| 1 | number of the picture among those of the finger |
| 1 | resolutions are per 1 inch, 2 cm |
| 2, 2 | resolution of the scan, across and down |
| 2, 2 | resolution of the picture, across and down |
| 1 | bits of a sample |
| 1 | coding: 0 bare samples, 1 the same packed, 2 WSQ, 3 JPEG, 4 and 5 JPEG 2000, 6 PNG |
| 1 | impression |
| 2, 2 | width and height, pixels |
| 4 | length of the picture |
| so many | the picture |
| the rest | segments, annotations, comments, which are not read |
"""

from __future__ import annotations

import struct

from biometrics.errors import InvalidRecord
from biometrics.finger.interchange.pictures.pictures import Coding, FingerPicture, dpi_of
from biometrics.finger.interchange.view import impression_of, position_of
from biometrics.interchange import header
from biometrics.interchange.parameters import MAX_PICTURES
from biometrics.interchange.reader import MALFORMED, Reader

MAGIC = b"FIR\x00020\0"
_LENGTH = 4
_HEAD = struct.Struct(">HBB")
_CERTIFICATE_SIZE = 3
_PICTURE = struct.Struct(">BBBHHHHBBBHH")
_CODINGS = tuple(Coding)


def read(data: bytes) -> tuple[FingerPicture, ...]:
    """All pictures of a record. Raises InvalidRecord (`record_malformed`)."""
    reader = Reader(data)
    reader.take(len(MAGIC))
    reader.end_after(reader.number(_LENGTH))
    count, certified, _ = _HEAD.unpack(reader.take(_HEAD.size))
    if count > MAX_PICTURES:
        raise InvalidRecord(MALFORMED, f"{count} pictures")
    return tuple(_read(Reader(reader.take(reader.number(_LENGTH) - _LENGTH)), bool(certified)) for _ in range(count))


def _read(reader: Reader, certified: bool) -> FingerPicture:
    capture = header.read(reader)
    if certified:
        reader.take(_CERTIFICATE_SIZE * reader.number(1))
    finger, _, scale, _, _, across, down, depth, coding, impression, width, height = _PICTURE.unpack(
        reader.take(_PICTURE.size)
    )
    if coding >= len(_CODINGS):
        raise InvalidRecord(MALFORMED, f"coding {coding}")
    image = reader.take(reader.number(_LENGTH))
    return FingerPicture(
        image,
        _CODINGS[coding],
        width,
        height,
        depth,
        dpi_of(scale, across, down),
        position_of(finger),
        impression_of(impression),
        next((one.score for one in capture.qualities if one.score is not None), None),
        capture,
    )
