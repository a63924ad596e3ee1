"""Which finger a segment is of: MOSIP's words, or what the record inside says."""

from biometrics.finger.interchange import FingerPosition

_FINGERS = ("Thumb", "IndexFinger", "MiddleFinger", "RingFinger", "LittleFinger")
_SIDES = ("Right", "Left")
_BY_WORDS = {
    f"{side} {finger}".lower(): FingerPosition(1 + number + len(_FINGERS) * left)
    for left, side in enumerate(_SIDES)
    for number, finger in enumerate(_FINGERS)
}


def position_of(subtype: str) -> FingerPosition:
    """The finger of words such as `Left IndexFinger`, in any case and order; UNKNOWN for others, and for none."""
    words = subtype.lower().split()
    return _BY_WORDS.get(" ".join(words)) or _BY_WORDS.get(" ".join(words[::-1])) or FingerPosition.UNKNOWN
