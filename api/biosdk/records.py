"""MOSIP's `BiometricRecord` in JSON: a list of segments, each a BIR with the class names of its Java library.

A segment is kept as it was sent, and given back with what changed: MOSIP's own tools put things into it that are none
of ours to know. Bytes come as a list of numbers, signed or not, or as base64, depending on the version that sends them;
they go back in the form in which they came.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from api.biosdk.parameters import MAX_SEGMENTS
from api.biosdk.statuses import OperationFailed, Status

FACE: Final = "FACE"
FINGER: Final = "FINGER"
SUPPORTED: Final = (FINGER, FACE)
# MOSIP's names of the types of biometric data.
TYPES: Final = frozenset({
    "SCENT", "DNA", "EAR", "FACE", "FINGER", "FOOT", "VEIN", "HAND_GEOMETRY", "IRIS", "RETINA", "VOICE", "GAIT",
    "KEYSTROKE", "LIP_MOVEMENT", "SIGNATURE_SIGN", "EXCEPTION_PHOTO",
})  # fmt: skip
_BASE64URL = str.maketrans("-_", "+/")


@dataclass(frozen=True)
class Segment:
    """A BIR: `type` is one of `TYPES`; `subtype` its words with spaces between them (`Left IndexFinger`).

    `excepted`: there is no such finger, and the segment only says so. `numbers`: its bytes came as a list of numbers.
    """

    type: str
    subtype: str
    data: bytes = field(repr=False)
    excepted: bool
    numbers: bool
    raw: Mapping[str, Any] = field(repr=False)

    def with_template(self, template: bytes, format_id: tuple[str, str], quality: tuple[str, int]) -> dict[str, Any]:
        """The segment with a template in place of its data; `quality` is an algorithm of ours and what it found."""
        organization, kind = format_id
        algorithm, score = quality
        info = {
            **self.raw["bdbInfo"],
            "format": {"organization": organization, "type": kind},
            "level": "PROCESSED",
            "quality": {"algorithm": {"organization": "Renzheng", "type": algorithm}, "score": score},
        }
        return {**self.raw, "bdbInfo": info, "bdb": _as_sent(template, self.numbers)}


@dataclass(frozen=True)
class Record:
    """A record: its segments, and the rest as it was sent."""

    segments: tuple[Segment, ...]
    raw: Mapping[str, Any] = field(repr=False)

    def of(self, kind: str) -> list[Segment]:
        """The segments of a type, without those that only say that there is nothing."""
        return [one for one in self.segments if one.type == kind and not one.excepted]

    @property
    def types(self) -> list[str]:
        """The types of its segments, each once, in their order."""
        return list(dict.fromkeys(one.type for one in self.segments if not one.excepted))


def read(found: Any, name: str) -> Record:
    """A record of a request; `name` says which in errors.

    Raises OperationFailed: MISSING_INPUT for none, or one without segments; INVALID_INPUT for what is no such record;
    BIOMETRIC_NOT_FOUND for a segment without data that is not excepted.
    """
    if found is None:
        raise OperationFailed(Status.MISSING_INPUT, name)
    if not isinstance(found, dict):
        raise OperationFailed(Status.INVALID_INPUT, name)
    segments = found.get("segments")
    if not segments:
        raise OperationFailed(Status.MISSING_INPUT, name)
    if not isinstance(segments, list) or len(segments) > MAX_SEGMENTS:
        raise OperationFailed(Status.INVALID_INPUT, name)
    return Record(tuple(_segment(one, name) for one in segments), found)


def types_asked(found: Any, name: str) -> list[str]:
    """A list of types in a request; empty where none is given, which stands for all. Raises OperationFailed."""
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(one, str) and one.upper() in TYPES for one in found):
        raise OperationFailed(Status.INVALID_INPUT, name)
    return list(dict.fromkeys(one.upper() for one in found))


def _segment(raw: Any, name: str) -> Segment:
    info = raw.get("bdbInfo") if isinstance(raw, dict) else None
    if not isinstance(info, dict):
        raise OperationFailed(Status.INVALID_INPUT, name)
    types, subtypes = info.get("type"), info.get("subtype") or []
    if not (_is_words(types) and types and _is_words(subtypes)) or types[0].upper() not in TYPES:
        raise OperationFailed(Status.INVALID_INPUT, f"{name} type")
    others = raw.get("others")
    excepted = isinstance(others, dict) and str(others.get("EXCEPTION", "")).lower() == "true"
    data = _bytes(raw.get("bdb"), name)
    if not data and not excepted:
        raise OperationFailed(Status.BIOMETRIC_NOT_FOUND)
    return Segment(types[0].upper(), " ".join(subtypes), data, excepted, not isinstance(raw.get("bdb"), str), raw)


def _is_words(found: Any) -> bool:
    return isinstance(found, list) and all(isinstance(one, str) for one in found)


def _bytes(found: Any, name: str) -> bytes:
    if found is None:
        return b""
    if isinstance(found, str):
        try:
            return base64.b64decode(found.translate(_BASE64URL) + "=" * (-len(found) % 4), validate=True)
        except (binascii.Error, ValueError):
            raise OperationFailed(Status.INVALID_INPUT, f"{name} bdb") from None
    if isinstance(found, list) and set(map(type, found)) <= {int}:
        try:
            numbers = np.array(found, np.int64)
        except OverflowError:
            numbers = np.array([256], np.int64)
        if not len(numbers) or (numbers.min() >= -128 and numbers.max() <= 255):
            return numbers.astype(np.uint8).tobytes()
    raise OperationFailed(Status.INVALID_INPUT, f"{name} bdb")


def _as_sent(data: bytes, numbers: bool) -> list[int] | str:
    """Numbers are signed, as Java's bytes are."""
    return np.frombuffer(data, np.int8).tolist() if numbers else base64.b64encode(data).decode()
