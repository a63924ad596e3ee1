"""A picture of a finger as a record holds it, with what the record says of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

import numpy as np
from numpy.typing import NDArray

from biometrics.errors import InvalidImage
from biometrics.finger.interchange.view import FingerPosition, Impression
from biometrics.images import decode
from biometrics.images.parameters import DPI_TOLERANCE, MAX_PIXELS, MIN_SIDE
from biometrics.interchange.header import Capture

_INCH_CM = 2.54


class Format(StrEnum):
    """A format of records of finger pictures; the value is its name for people and programs."""

    ISO_2005 = "iso-19794-4:2005"
    ISO_2011 = "iso-19794-4:2011"


class Coding(IntEnum):
    """How the picture is encoded, with the numbers of ISO/IEC 19794-4:2011."""

    RAW = 0
    RAW_PACKED = 1
    WSQ = 2
    JPEG = 3
    JPEG2000 = 4
    JPEG2000_LOSSLESS = 5
    PNG = 6


class Scale(IntEnum):
    """What a record's resolutions count pixels by."""

    INCH = 1
    CENTIMETRE = 2


@dataclass(frozen=True)
class FingerPicture:
    """One picture: `image` is a file, or bare samples where `coding` is raw; `width`, `height` pixels, as stated.

    `dpi` is None where the record states none, or two that differ. `quality` is 0..100, None where none is stated.
    """

    image: bytes = field(repr=False)  # a capture must not get into a log
    coding: Coding
    width: int
    height: int
    depth: int
    dpi: float | None
    position: FingerPosition = FingerPosition.UNKNOWN
    impression: Impression = Impression.UNKNOWN
    quality: int | None = None
    capture: Capture = field(default=Capture())

    def grey(self) -> tuple[NDArray[np.uint8], float | None]:
        """The upright picture, uint8 (H, W), and its resolution: the record's, else the file's own, else None.

        Raises InvalidImage: see `biometrics.images.decode`; of bare samples `image_depth_unsupported`,
        `image_truncated`, `image_too_small` and `image_too_many_pixels`.
        """
        if self.coding not in {Coding.RAW, Coding.RAW_PACKED}:
            picture = decode(self.image)
            return picture.grey, self.dpi or picture.dpi
        if self.depth != 8:  # with 8 bits a sample, packed and not packed are the same
            raise InvalidImage("image_depth_unsupported", f"{self.depth} bits")
        if self.width * self.height > MAX_PIXELS:
            raise InvalidImage("image_too_many_pixels", f"{self.width} x {self.height}")
        if min(self.width, self.height) < MIN_SIDE:
            raise InvalidImage("image_too_small", f"{self.width} x {self.height}")
        if len(self.image) != self.width * self.height:
            raise InvalidImage("image_truncated", "there are not as many samples as pixels")
        return np.frombuffer(self.image, np.uint8).reshape(self.height, self.width), self.dpi


def dpi_of(scale: int, across: int, down: int) -> float | None:
    """Pixels per inch of a record's resolutions; None for those that are not stated, unknown, or differ."""
    if across == 0 or abs(across - down) > DPI_TOLERANCE * across or scale not in set(Scale):
        return None
    return across * (_INCH_CM if scale == Scale.CENTIMETRE else 1.0)
