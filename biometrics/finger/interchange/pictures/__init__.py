"""Pictures of fingers in the records of ISO/IEC 19794-4, which are only read: whoever captures writes them.

`FingerPicture.grey` gives the pixels with their resolution, ready for `FingerEngine.extract_pixels`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from biometrics.errors import InvalidRecord
from biometrics.finger.interchange.pictures import iso_2005, iso_2011
from biometrics.finger.interchange.pictures.pictures import Coding, FingerPicture, Format, Scale
from biometrics.interchange.parameters import MAX_RECORD_BYTES

__all__ = ["MAGIC", "Coding", "FingerPicture", "Format", "Scale", "read", "sniff"]

MAGIC: Final = b"FIR\0"
"""What records of finger pictures of any year begin with."""
_READ: Final[dict[Format, Callable[[bytes], tuple[FingerPicture, ...]]]] = {
    Format.ISO_2005: iso_2005.read,
    Format.ISO_2011: iso_2011.read,
}


def sniff(data: bytes) -> Format:
    """The format by what the bytes begin with. Raises InvalidRecord.

    `record_format_unknown`: no record of finger pictures. `record_version_unsupported`: one of another year.
    """
    if data.startswith(iso_2005.MAGIC):
        return Format.ISO_2005
    if data.startswith(iso_2011.MAGIC):
        return Format.ISO_2011
    if data.startswith(MAGIC):
        raise InvalidRecord("record_version_unsupported", "a record of finger pictures of no known version")
    raise InvalidRecord("record_format_unknown", "no record of finger pictures")


def read(data: bytes) -> tuple[FingerPicture, ...]:
    """The pictures of a record, one or more, undecoded.

    Raises InvalidRecord: see `sniff`; `record_too_large`: more bytes than a picture may have; `record_malformed`: it
    ends too soon, holds no picture, or a value is none of the format's.
    """
    form = sniff(data)
    if len(data) > MAX_RECORD_BYTES:
        raise InvalidRecord("record_too_large", f"more than {MAX_RECORD_BYTES} bytes")
    pictures = _READ[form](data)
    if not pictures or not all(one.image for one in pictures):
        raise InvalidRecord("record_malformed", "a record without a picture")
    return pictures
