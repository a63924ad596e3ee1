"""What a terminal gives: the card as its reader tells it, and what it captured. Nothing of it is shown by `repr`."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Literal

Json = dict[str, Any]
Position = Literal[
    "right_thumb",
    "right_index",
    "right_middle",
    "right_ring",
    "right_little",
    "left_thumb",
    "left_index",
    "left_middle",
    "left_ring",
    "left_little",
]


@dataclass(frozen=True)
class Card:
    """`number` 18 characters, `issuer` as printed, validity in days, the last one inclusive; None: 长期 (long-term).

    `serial`: the chip's card serial, where the reader gives it; `text`: the chip's text block, 256 bytes.
    """

    number: str = field(repr=False)
    issuer: str = field(repr=False)
    valid_from: date = field(repr=False)
    valid_to: date | None = field(repr=False)
    serial: str | None = field(default=None, repr=False)
    text: bytes | None = field(default=None, repr=False)

    def body(self) -> Json:
        """As it stands in a request."""
        told: Json = {
            "number": self.number,
            "issuer": self.issuer,
            "valid_from": self.valid_from.isoformat(),
            "valid_to": "长期" if self.valid_to is None else self.valid_to.isoformat(),
        }
        if self.serial is not None:
            told["serial"] = self.serial
        if self.text is not None:
            told["text"] = encoded(self.text)
        return told


@dataclass(frozen=True)
class Finger:
    """A scan of one finger: JPEG, PNG, BMP, TIFF, JPEG 2000 or WSQ. `dpi`: the scanner's, else the file's own."""

    position: Position
    image: bytes = field(repr=False)
    dpi: float | None = None

    def body(self) -> Json:
        """As it stands in a request."""
        told: Json = {"position": self.position, "image": encoded(self.image)}
        return told if self.dpi is None else {**told, "dpi": self.dpi}


@dataclass(frozen=True)
class Frame:
    """A frame of the face's film, `at_ms` after its first one."""

    at_ms: int
    image: bytes = field(repr=False)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Captures:
    """What was captured of the person. Make it when the pictures are taken: `taken_at` is that time, by this machine.

    `chip_photo`: the picture that the reader decoded from the chip. `burst`: the film that answers the nonce's
    challenge. `face_declined`: the holder wants no face taken; then there is none here.
    """

    face: bytes | None = field(default=None, repr=False)
    fingers: Sequence[Finger] = ()
    chip_photo: bytes | None = field(default=None, repr=False)
    burst: Sequence[Frame] = ()
    face_declined: bool = False
    taken_at: datetime = field(default_factory=_now)

    def __post_init__(self) -> None:
        if self.taken_at.tzinfo is None:
            raise ValueError("a time without its offset says nothing")

    def body(self) -> Json:
        """As it stands in a verification."""
        told = captured(self.face, self.fingers)
        if self.chip_photo is not None:
            told["chip_photo"] = encoded(self.chip_photo)
        if self.burst:
            told["burst"] = {"frames": [{"at_ms": one.at_ms, "image": encoded(one.image)} for one in self.burst]}
        if self.face_declined:
            told["face_declined"] = True
        return told


def captured(face: bytes | None, fingers: Sequence[Finger], more_faces: Sequence[bytes] = ()) -> Json:
    """A face, more pictures of it, and fingers, as they stand in requests."""
    told: Json = {}
    if face is not None:
        told["face"] = {"image": encoded(face)}
    if more_faces:
        told["more_faces"] = [{"image": encoded(one)} for one in more_faces]
    if fingers:
        told["fingers"] = [one.body() for one in fingers]
    return told


def encoded(image: bytes) -> str:
    """Base64."""
    return base64.b64encode(image).decode()
