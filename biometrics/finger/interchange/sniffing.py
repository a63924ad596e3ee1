"""Which format some bytes have.

Records of ISO and ANSI share the magic `FMR`, and pairs of them even the version. Those of 2004 and 2005 are told apart
by the length that follows it, 2 bytes (or 0 and then 4) with ANSI, 4 with ISO: the first two bytes of ISO's are 0 for
any record below 64 KiB, and of a longer one they are too small for a length. Of those of 2009 and 2011 it is ISO's if
the lengths of its representations add up to the whole.
"""

from __future__ import annotations

from biometrics.errors import InvalidTemplate
from biometrics.finger.interchange import ansi_2009, iso_2005, iso_2011, iso_card, sourceafis
from biometrics.finger.interchange.formats import Format
from biometrics.finger.interchange.reader import MALFORMED
from biometrics.finger.template import COMPACT_VERSION, MAGIC

_RECORD = b"FMR\0"
_VERSION_END = 8
_LEAST_ANSI_2004 = 26
_LEAST_ISO_2005 = 24


def sniff(data: bytes) -> Format:
    """The format by what the bytes begin with. Raises InvalidTemplate.

    `template_format_unknown`: nothing known begins so. `template_version_unsupported`: a record, but of another year.
    `template_format_ambiguous`: minutiae for a card whose size cannot be told.
    """
    if data.startswith(MAGIC):
        return Format.OWN_COMPACT if data[len(MAGIC) : len(MAGIC) + 1] == bytes([COMPACT_VERSION]) else Format.OWN
    if data.startswith(_RECORD):
        return _of_record(data)
    if data.startswith(iso_card.MAGIC):
        return iso_card.form_of(data)
    if data and data[0] in sourceafis.MAP_TYPES:
        return Format.SOURCEAFIS
    raise InvalidTemplate("template_format_unknown", "no template that is known here")


def _of_record(data: bytes) -> Format:
    if data.startswith(iso_2005.MAGIC):
        return Format.ANSI_2004 if _has_short_length(data) else Format.ISO_2005
    if data.startswith(ansi_2009.MAGIC_AMENDED):
        return Format.ANSI_2009
    if data.startswith(iso_2011.MAGIC):
        return Format.ISO_2011 if _adds_up(data) else Format.ANSI_2009
    if len(data) < _VERSION_END:
        raise InvalidTemplate(MALFORMED, "it ends too soon")
    raise InvalidTemplate("template_version_unsupported", "a record of minutiae of no known version")


def _has_short_length(data: bytes) -> bool:
    place = len(iso_2005.MAGIC)
    short, long = (int.from_bytes(data[place : place + size], "big") for size in (2, 4))
    return short >= _LEAST_ANSI_2004 or (short == 0 and long < _LEAST_ISO_2005)


def _adds_up(data: bytes) -> bool:
    """Whether a record of version 030 is a chain of representations, as ISO's."""
    place = len(iso_2011.MAGIC)
    whole, count = int.from_bytes(data[place : place + 4], "big"), int.from_bytes(data[place + 4 : place + 6], "big")
    end = iso_2011.HEAD_SIZE
    for _ in range(min(count, iso_2011.MOST_VIEWS)):
        length = int.from_bytes(data[end : end + 4], "big")
        if length < iso_2011.LEAST_VIEW:
            return False
        end += length
    return count > 0 and end == whole
