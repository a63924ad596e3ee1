"""ISO/IEC 19794-4:2005, the record of finger pictures. Numbers have the most significant byte first.

| bytes | what |
|---|---|
| 4 | `FIR`, 0 |
| 4 | `010`, 0 |
| 6 | length of the whole record |
| 2 | scanner |
| 2 | setting level of the scanner |
| 1 | number of fingers (or slaps) |
| 1 | resolutions are per 1 inch, 2 cm |
| 2, 2 | resolution of the scan, across and down |
| 2, 2 | resolution of the pictures, across and down |
| 1 | bits of a sample |
| 1 | coding: 0 bare samples, 1 the same packed, 2 WSQ, 3 JPEG, 4 JPEG 2000, 5 PNG |
| 2 | reserved |

and each picture:

| bytes | what |
|---|---|
| 4 | its length, with these four |
| 1 | finger |
| 1, 1 | number of views of the finger, and which one this is |
| 1 | quality; that year leaves it undefined, systems write 0..100 |
| 1 | impression |
| 2, 2 | width and height, pixels |
| 1 | reserved |
| the rest | the picture |
"""

from __future__ import annotations

import struct

from biometrics.errors import InvalidRecord
from biometrics.finger.interchange.pictures.pictures import Coding, FingerPicture, dpi_of
from biometrics.finger.interchange.view import old_impression_of, position_of
from biometrics.interchange.header import Capture
from biometrics.interchange.parameters import MAX_PICTURES
from biometrics.interchange.reader import MALFORMED, Reader

MAGIC = b"FIR\x00010\0"
_WHOLE = 6
_LENGTH = 4
_HEAD = struct.Struct(">HHBBHHHHBB2x")
_PICTURE = struct.Struct(">BBBBBHHx")
_CODINGS = (Coding.RAW, Coding.RAW_PACKED, Coding.WSQ, Coding.JPEG, Coding.JPEG2000, Coding.PNG)


def read(data: bytes) -> tuple[FingerPicture, ...]:
    """All pictures of a record. Raises InvalidRecord (`record_malformed`)."""
    reader = Reader(data)
    reader.take(len(MAGIC))
    reader.end_after(reader.number(_WHOLE))
    device, _, fingers, scale, _, _, across, down, depth, coding = _HEAD.unpack(reader.take(_HEAD.size))
    if coding >= len(_CODINGS):
        raise InvalidRecord(MALFORMED, f"coding {coding}")
    pictures: list[FingerPicture] = []
    # The head counts fingers, of which each may have several views: so it is read to the record's end.
    while reader.left:
        if len(pictures) == MAX_PICTURES:
            raise InvalidRecord(MALFORMED, "too many pictures")
        one = Reader(reader.take(reader.number(_LENGTH) - _LENGTH))
        finger, _, _, quality, impression, width, height = _PICTURE.unpack(one.take(_PICTURE.size))
        pictures.append(
            FingerPicture(
                one.take(one.left),
                _CODINGS[coding],
                width,
                height,
                depth,
                dpi_of(scale, across, down),
                position_of(finger),
                old_impression_of(impression),
                quality if 0 < quality <= 100 else None,
                Capture(device=device),
            )
        )
    if len(pictures) < fingers:
        raise InvalidRecord(MALFORMED, "fewer pictures than fingers")
    return tuple(pictures)
