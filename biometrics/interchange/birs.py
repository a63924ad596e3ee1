"""The biometric information record (BIR) of CBEFF, ISO/IEC 19785: an envelope around a block of biometric data.

The envelope says what the data are (a finger, a face; an image, a template; whose format), how good, for what purpose
and since when. What is inside is a record of another standard, or a maker's own, and is not looked at here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

FACE, FINGER, IRIS = "Face", "Finger", "Iris"
"""Types of biometric data, as the XML of ISO/IEC 19785-3 spells them; there are others."""


class Level(StrEnum):
    """How far the data were processed: as captured, in between, or ready to be compared."""

    RAW = "Raw"
    INTERMEDIATE = "Intermediate"
    PROCESSED = "Processed"


class Purpose(StrEnum):
    """What the data were captured for."""

    VERIFY = "Verify"
    IDENTIFY = "Identify"
    ENROLL = "Enroll"
    ENROLL_VERIFY = "EnrollVerify"
    ENROLL_IDENTIFY = "EnrollIdentify"
    AUDIT = "Audit"


@dataclass(frozen=True)
class RegisteredId:
    """What an organisation calls one of its formats, products or algorithms.

    ISO/IEC JTC 1/SC 37 is the organisation 257; its formats are numbers: 2 minutiae, 7 finger and 8 face pictures, 9
    iris pictures.
    """

    organization: str
    type: str


@dataclass(frozen=True)
class Version:
    """A version of the envelope's form."""

    major: int
    minor: int


@dataclass(frozen=True)
class Quality:
    """0..100 by some algorithm; None where that failed, and then `failed` says why."""

    algorithm: RegisteredId
    score: int | None
    failed: str | None = None


@dataclass(frozen=True)
class BirInfo:
    """What the envelope says of itself. `integrity`: whether a signature (`Bir.security`) vouches for it."""

    integrity: bool = False
    creator: str | None = None
    index: UUID | None = None
    payload: bytes | None = field(default=None, repr=False)
    created: datetime | None = None
    not_before: datetime | None = None
    not_after: datetime | None = None


@dataclass(frozen=True)
class BdbInfo:
    """What the envelope says of the data. `subtypes`: words such as `Left` and `IndexFinger`."""

    types: tuple[str, ...] = ()
    subtypes: tuple[str, ...] = ()
    format: RegisteredId | None = None
    level: Level | None = None
    purpose: Purpose | None = None
    quality: Quality | None = None
    encrypted: bool | None = None
    index: UUID | None = None
    challenge_response: bytes | None = field(default=None, repr=False)
    created: datetime | None = None
    not_before: datetime | None = None
    not_after: datetime | None = None
    product: RegisteredId | None = None
    capture_device: RegisteredId | None = None
    extraction_algorithm: RegisteredId | None = None
    comparison_algorithm: RegisteredId | None = None
    compression_algorithm: RegisteredId | None = None


@dataclass(frozen=True)
class Bir:
    """An envelope: data (`bdb`), or other envelopes (`children`), as the set of a person's is one around all.

    `security` is a signature or the like, of the format `security_format`. `others` are pairs of key and value, in
    which MOSIP keeps what the standard has no place for.
    """

    info: BirInfo = BirInfo()
    bdb_info: BdbInfo | None = None
    bdb: bytes | None = field(default=None, repr=False)  # a capture must not get into a log
    children: tuple[Bir, ...] = ()
    version: Version | None = None
    cbeff_version: Version | None = None
    security: bytes | None = field(default=None, repr=False)
    security_format: RegisteredId | None = None
    others: tuple[tuple[str, str], ...] = ()

    def blocks(self) -> tuple[Bir, ...]:
        """All envelopes that hold data themselves, this one and those within, in their order."""
        own = (self,) if self.bdb is not None else ()
        return own + tuple(block for child in self.children for block in child.blocks())
