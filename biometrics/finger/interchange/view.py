"""A view: one template as a record of many holds it, with what the record says about the finger and the capture."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from biometrics.finger.template import FingerTemplate


class FingerPosition(IntEnum):
    """The fingers, with the numbers that ISO/IEC 19794-2 and ANSI/INCITS 378 give them."""

    UNKNOWN = 0
    RIGHT_THUMB = 1
    RIGHT_INDEX = 2
    RIGHT_MIDDLE = 3
    RIGHT_RING = 4
    RIGHT_LITTLE = 5
    LEFT_THUMB = 6
    LEFT_INDEX = 7
    LEFT_MIDDLE = 8
    LEFT_RING = 9
    LEFT_LITTLE = 10


class Impression(IntEnum):
    """How the finger was captured, with the numbers of ISO/IEC 19794-2:2011."""

    LIVE_PLAIN = 0
    LIVE_ROLLED = 1
    NON_LIVE_PLAIN = 2
    NON_LIVE_ROLLED = 3
    LATENT_IMPRESSION = 4
    LATENT_TRACING = 5
    LATENT_PHOTO = 6
    LATENT_LIFT = 7
    SWIPE = 8
    VERTICAL_ROLL = 9
    CONTACTLESS = 24
    OTHER = 28
    UNKNOWN = 29


@dataclass(frozen=True, eq=False)
class View:
    """A template, the finger that it is of, and how that was captured, as far as the record says it."""

    template: FingerTemplate
    position: FingerPosition = FingerPosition.UNKNOWN
    impression: Impression = Impression.LIVE_PLAIN


_POSITIONS = {int(one): one for one in FingerPosition}
_IMPRESSIONS = {int(one): one for one in Impression}


def position_of(code: int) -> FingerPosition:
    """The finger of a number in a record; UNKNOWN for what is no single finger (slaps, palms) or reserved."""
    return _POSITIONS.get(code, FingerPosition.UNKNOWN)


def impression_of(code: int) -> Impression:
    """The impression of a number in a record of 2009 or later; UNKNOWN for a reserved one."""
    return _IMPRESSIONS.get(code, Impression.UNKNOWN)


_CONTACTLESS_BEFORE_2009 = 9


def old_impression_of(code: int) -> Impression:
    """The impression of the four bits that the records of 2004 and 2005 have for it."""
    return Impression.CONTACTLESS if code == _CONTACTLESS_BEFORE_2009 else impression_of(code)


def old_impression_code(impression: Impression) -> int:
    """The four bits for it. What those records cannot say is said to be a plain live one, as nearly all are."""
    if impression is Impression.CONTACTLESS:
        return _CONTACTLESS_BEFORE_2009
    return int(impression) if impression <= Impression.SWIPE else int(Impression.LIVE_PLAIN)


def numbered(views: tuple[View, ...], most: int) -> tuple[tuple[int, View], ...]:
    """Each view with its number among those of its finger, from 0, as all records want it.

    Raises ValueError where there are more than `most` of a finger.
    """
    seen: dict[FingerPosition, int] = {}
    found = []
    for view in views:
        number = seen.get(view.position, 0)
        if number == most:
            raise ValueError(f"more than {most} views of one finger")
        seen[view.position] = number + 1
        found.append((number, view))
    return tuple(found)
