"""Interchange: face pictures in the records that passports and national registers hold (ISO/IEC 19794-5).

A record holds pictures, not templates: what a face's template is was never agreed on between makers. The picture
inside is a JPEG, JPEG 2000 or PNG file as it was carried; `biometrics.images.decode` reads it under its own bounds, and
`FaceEngine.extract` makes a template of it. Written records hold the file as it is given, without another encoding.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from typing import Final

from biometrics.errors import InvalidRecord
from biometrics.face.interchange import iso_2005, iso_2011
from biometrics.face.interchange.pictures import Coding, FacePicture, Format, ImageType, Point, Subject
from biometrics.interchange.header import Capture, Judgement
from biometrics.interchange.parameters import MAX_PICTURES, MAX_RECORD_BYTES

__all__ = [
    "MAGIC",
    "Capture",
    "Coding",
    "FacePicture",
    "Format",
    "ImageType",
    "Judgement",
    "Point",
    "Subject",
    "read",
    "sniff",
    "write",
]

MAGIC: Final = b"FAC\0"
"""What records of face pictures of any year begin with."""
_READ: Final[dict[Format, Callable[[bytes], tuple[FacePicture, ...]]]] = {
    Format.ISO_2005: iso_2005.read,
    Format.ISO_2011: iso_2011.read,
}
_WRITE: Final[dict[Format, Callable[[tuple[FacePicture, ...]], bytes]]] = {
    Format.ISO_2005: iso_2005.write,
    Format.ISO_2011: iso_2011.write,
}


def sniff(data: bytes) -> Format:
    """The format by what the bytes begin with. Raises InvalidRecord.

    `record_format_unknown`: no record of face pictures. `record_version_unsupported`: one of another year.
    """
    if data.startswith(iso_2005.MAGIC):
        return Format.ISO_2005
    if data.startswith(iso_2011.MAGIC):
        return Format.ISO_2011
    if data.startswith(MAGIC):
        raise InvalidRecord("record_version_unsupported", "a record of face pictures of no known version")
    raise InvalidRecord("record_format_unknown", "no record of face pictures")


def read(data: bytes) -> tuple[FacePicture, ...]:
    """The pictures of a record, one or more, undecoded.

    Raises InvalidRecord: see `sniff`; `record_too_large`: more bytes than a picture may have; `record_malformed`: it
    ends too soon, holds no picture, or a value is none of the format's.
    """
    form = sniff(data)
    if len(data) > MAX_RECORD_BYTES:
        raise InvalidRecord("record_too_large", f"more than {MAX_RECORD_BYTES} bytes")
    pictures = _READ[form](data)
    if not pictures:
        raise InvalidRecord("record_malformed", "a record without a picture")
    return pictures


def write(pictures: Iterable[FacePicture], form: Format = Format.ISO_2011) -> bytes:
    """A record of one or more pictures.

    Raises ValueError: none, or more than 64; an empty one; PNG in the format of 2005; a number that does not fit.
    """
    given = tuple(pictures)
    if not 1 <= len(given) <= MAX_PICTURES or not all(one.image for one in given):
        raise ValueError(f"a record holds 1 to {MAX_PICTURES} pictures")
    try:
        return _WRITE[form](given)
    except (struct.error, OverflowError) as error:
        raise ValueError("a number does not fit its place in the record") from error
