"""The messages of the reader bridge, version 1, as Python says them. docs/reader-bridge.md is the contract."""

import base64
import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from api.reader.parameters import VERSION

Device = Literal["card", "finger", "bridge"]


class Fault(StrEnum):
    """What a bridge reports when something does not work."""

    CARD_READ_FAILED = "card_read_failed"
    CARD_REMOVED_EARLY = "card_removed_early"
    FINGER_TIMEOUT = "finger_timeout"
    FINGER_CANCELLED = "finger_cancelled"
    FINGER_SCANNER_MISSING = "finger_scanner_missing"
    BUSY = "busy"
    MESSAGE_INVALID = "message_invalid"
    VERSION_UNSUPPORTED = "version_unsupported"


DEVICES: dict[Fault, Device] = {
    Fault.CARD_READ_FAILED: "card",
    Fault.CARD_REMOVED_EARLY: "card",
    Fault.FINGER_TIMEOUT: "finger",
    Fault.FINGER_CANCELLED: "finger",
    Fault.FINGER_SCANNER_MISSING: "finger",
    Fault.BUSY: "finger",
    Fault.MESSAGE_INVALID: "bridge",
    Fault.VERSION_UNSUPPORTED: "bridge",
}


@dataclass(frozen=True)
class CardRead:
    """A card as the reader tells it. Only `text` is ever read by us; the blobs are passed on as they are.

    `text` 256 bytes; `photo` the picture that the reader decoded; `photo_blob` 1,024 bytes, `finger_blobs` none or two
    of 512 bytes. `kind` is the reader's own word for the card: `resident`, or another one.
    """

    text: bytes = field(repr=False)
    photo: bytes | None = field(default=None, repr=False)
    photo_media_type: str = "image/jpeg"
    photo_blob: bytes | None = field(default=None, repr=False)
    finger_blobs: tuple[bytes, ...] = field(default=(), repr=False)
    serial: str | None = None
    kind: str = "resident"

    def as_json(self) -> dict[str, Any]:
        """The message's `card`."""
        photo = None if self.photo is None else {"media_type": self.photo_media_type, "image": _encoded(self.photo)}
        return {
            "type": self.kind,
            "text": _encoded(self.text),
            "photo": photo,
            "photo_blob": None if self.photo_blob is None else _encoded(self.photo_blob),
            "finger_blobs": [_encoded(blob) for blob in self.finger_blobs],
            "serial": self.serial,
        }


class MessageInvalid(ValueError):
    """A page's message is none of the protocol's."""


def hello(bridge: str, *, simulated: bool, finger_dpi: float | None) -> str:
    """What the bridge says first, in answer to the page."""
    finger = None if finger_dpi is None else {"dpi": finger_dpi}
    return _told("hello", version=VERSION, bridge=bridge, simulated=simulated, devices={"card": True, "finger": finger})


def card_placed() -> str:
    """A card lies on the reader and is being read."""
    return _told("card_placed")


def card_read(card: CardRead) -> str:
    """It was read."""
    return _told("card_read", card=card.as_json())


def card_removed() -> str:
    """It was taken away."""
    return _told("card_removed")


def finger_captured(request: str, position: str, image: bytes, media_type: str, dpi: float) -> str:
    """The finger that was asked for."""
    return _told(
        "finger_captured", request=request, position=position, image=_encoded(image), media_type=media_type, dpi=dpi
    )


def fault(code: Fault, request: str | None = None) -> str:
    """Something did not work; `request` names the finger that was asked for."""
    more = {} if request is None else {"request": request}
    return _told("fault", code=code.value, device=DEVICES[code], **more)


def parse(text: str | bytes) -> dict[str, Any]:
    """A page's message. Raises `MessageInvalid`."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MessageInvalid("no JSON") from error
    # A type that is a list is none: no table could be asked for it.
    if not isinstance(message, dict) or str(message.get("type")) not in _FIELDS:
        raise MessageInvalid("no message of this protocol")
    for name, kind in _FIELDS[str(message["type"])].items():
        # True and False are integers to Python.
        if not isinstance(message.get(name), kind) or isinstance(message.get(name), bool):
            raise MessageInvalid("a field is missing or of another type")
    return message


_FIELDS: dict[str, dict[str, type]] = {
    "hello": {"versions": list},
    "read_again": {},
    "capture_finger": {"request": str, "position": str, "timeout_ms": int},
    "cancel_finger": {"request": str},
}


def _told(kind: str, **fields: Any) -> str:
    return json.dumps({"type": kind, **fields}, ensure_ascii=False)


def _encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
