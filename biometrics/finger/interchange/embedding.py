"""A template of ours inside a record of ISO/IEC 19794-2:2005, for engines of others and for our own at once.

Others read the minutiae. Our own template is in the further data, in a block of a type that the standard leaves to
makers, and is the same to the bit as it was made: our calibration is for it, and not for minutiae that came from a
record, whoever found them. A reader of others passes over a block that it does not know.

| bytes | what |
|---|---|
| 2 | type of the block, `TYPE` |
| 2 | its length, with these four |
| the rest | the template's full form, which begins with a magic of its own |
"""

from __future__ import annotations

from typing import Final

from biometrics.errors import InvalidTemplate
from biometrics.finger.interchange import iso_2005
from biometrics.finger.interchange.minutiae import FURTHER_DATA
from biometrics.finger.interchange.view import View
from biometrics.finger.template import MAGIC, FingerTemplate

TYPE: Final = 0x525A
"""`RZ`. Types from 0x0100 on are the makers' own; the magic tells another maker's block of this type apart."""
_LENGTH_AT = len(iso_2005.MAGIC)
_LENGTH = 4
_BLOCK_HEAD = 4
_HEAD_SIZE = 24
_COUNT_AT = _HEAD_SIZE - 2
_VIEW_HEAD = 4
_MINUTIA = 6


def write(view: View) -> bytes:
    """One record of one view with our template in it."""
    own = view.template.to_bytes()
    block = TYPE.to_bytes(2, "big") + (_BLOCK_HEAD + len(own)).to_bytes(2, "big") + own
    plain = iso_2005.write((view,))[:-FURTHER_DATA]  # of one view its empty further data are the record's end
    whole = (len(plain) + FURTHER_DATA + len(block)).to_bytes(_LENGTH, "big")
    record = plain + len(block).to_bytes(FURTHER_DATA, "big") + block
    return record[:_LENGTH_AT] + whole + record[_LENGTH_AT + _LENGTH :]


def read(data: bytes) -> FingerTemplate | None:
    """Our own template in a record that `write` made; None for any other record, and for one of several views.

    Raises InvalidTemplate (`template_malformed`, `template_version_unsupported`) where it is one of ours and damaged.
    """
    if not data.startswith(iso_2005.MAGIC) or len(data) < _HEAD_SIZE + _VIEW_HEAD or data[_COUNT_AT] != 1:
        return None
    further = _HEAD_SIZE + _VIEW_HEAD + _MINUTIA * data[_HEAD_SIZE + _VIEW_HEAD - 1]
    start = further + FURTHER_DATA
    head = data[start : start + _BLOCK_HEAD]
    if head[:2] != TYPE.to_bytes(2, "big") or not data.startswith(MAGIC, start + _BLOCK_HEAD):
        return None
    length = int.from_bytes(head[2:], "big")
    if int.from_bytes(data[further:start], "big") < length or len(data) < start + length:
        raise InvalidTemplate("template_malformed", "it ends too soon")
    return FingerTemplate.from_bytes(data[start + _BLOCK_HEAD : start + length])
