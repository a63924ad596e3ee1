"""A picture of a face as a record holds it, with what the record says of it. Codes are kept as they are carried."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from biometrics.interchange.header import Capture


class Format(StrEnum):
    """A format of records of face pictures; the value is its name for people and programs."""

    ISO_2005 = "iso-19794-5:2005"
    ISO_2011 = "iso-19794-5:2011"


class Coding(IntEnum):
    """How the picture is encoded, with the numbers of ISO/IEC 19794-5:2011; that of 2005 knows the first two."""

    JPEG = 0
    JPEG2000 = 1
    JPEG2000_LOSSLESS = 2
    PNG = 3


class ImageType(IntEnum):
    """What rules the picture keeps. Others than these are three-dimensional, or reserved: they stay numbers."""

    BASIC = 0
    FULL_FRONTAL = 1
    TOKEN_FRONTAL = 2
    POST_PROCESSED_FRONTAL = 3


@dataclass(frozen=True)
class Point:
    """A landmark: `kind` 1 for MPEG-4's, whose `code` is 16 * group + number (12.1 and 12.2: left and right eye).

    `x`, `y` are pixels from the upper left; `z` is kept as it is carried, and is 0 in two dimensions.
    """

    kind: int
    code: int
    x: int
    y: int
    z: int = 0


@dataclass(frozen=True)
class Subject:
    """What a record says of the person in the picture; 0 is "not stated" everywhere.

    `height_cm` is of 2011 only. `pose` and `pose_uncertainty` are yaw, pitch and roll in the codes of the standard:
    1 + half the degrees, negative ones counted down from 181.
    """

    gender: int = 0
    eye_colour: int = 0
    hair_colour: int = 0
    height_cm: int = 0
    properties: int = 0
    expression: int = 0
    pose: tuple[int, int, int] = (0, 0, 0)
    pose_uncertainty: tuple[int, int, int] = (0, 0, 0)


@dataclass(frozen=True)
class FacePicture:
    """One picture: `image` is a file of its own (`biometrics.images.decode` reads it), `width` and `height` are pixels
    as the record states them.

    `source` (a camera, a scanner, a film …) is of 2005 only; `sampling`, `processing`, `cross_reference` and the
    times and judgements of `capture` are of 2011 only. Writing the other format leaves them out.
    """

    image: bytes = field(repr=False)  # a capture must not get into a log
    coding: Coding
    width: int
    height: int
    image_type: int = ImageType.BASIC
    points: tuple[Point, ...] = ()
    subject: Subject = field(default=Subject(), repr=False)
    colour_space: int = 0
    source: int = 0
    sampling: int = 0
    processing: int = 0
    cross_reference: int = 0
    capture: Capture = field(default=Capture())
