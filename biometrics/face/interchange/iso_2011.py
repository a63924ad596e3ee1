"""ISO/IEC 19794-5:2011, the record of face pictures. Numbers have the most significant byte first.

| bytes | what |
|---|---|
| 4 | `FAC`, 0 |
| 4 | `030`, 0 |
| 4 | length of the whole record |
| 2 | number of representations (pictures) |
| 1 | certification flag: faces have none, 0 |
| 2 | how the pictures follow one another in time; 0 for a single one, or where that is not stated |

and each representation:

| bytes | what |
|---|---|
| 4 | its length, with these four |
| 15 and more | time, device, judgements of the quality (see `biometrics.interchange.header`) |
| 2 | number of landmarks |
| 1, 1, 1, 1 | gender, colour of the eyes, colour of the hair, height in cm |
| 3 | properties, a bit each (bit 0: the others say something) |
| 2 | expression |
| 3, 3 | yaw, pitch, roll, and how unsure each is |
| 8 each | the landmarks (see `points`) |
| 1 | image type |
| 1 | coding: 0 JPEG, 1 JPEG 2000, 2 the same without loss, 3 PNG |
| 2, 2 | width and height, pixels |
| 1 | level of spatial sampling |
| 2 | what was done to it after it was taken, a bit each |
| 1 | the representation that it was made of, by number |
| 1 | colour space |
| 4 | length of the picture |
| so many | the picture |
| the rest | a three-dimensional shape, which is not read |
"""

from __future__ import annotations

import struct

from biometrics.errors import InvalidRecord
from biometrics.face.interchange.pictures import Coding, FacePicture, Subject
from biometrics.face.interchange.points import read_points, write_points
from biometrics.interchange import header
from biometrics.interchange.parameters import MAX_PICTURES
from biometrics.interchange.reader import MALFORMED, Reader

MAGIC = b"FAC\x00030\0"
_LENGTH = 4
_HEAD = struct.Struct(">HBH")
_FACIAL = struct.Struct(">HBBBB3sH3s3s")
_IMAGE = struct.Struct(">BBHHBHBB")
_CODINGS = tuple(Coding)


def read(data: bytes) -> tuple[FacePicture, ...]:
    """All pictures of a record. Raises InvalidRecord (`record_malformed`)."""
    reader = Reader(data)
    reader.take(len(MAGIC))
    reader.end_after(reader.number(_LENGTH))
    count, _, _ = _HEAD.unpack(reader.take(_HEAD.size))
    if count > MAX_PICTURES:
        raise InvalidRecord(MALFORMED, f"{count} pictures")
    return tuple(_read(Reader(reader.take(reader.number(_LENGTH) - _LENGTH))) for _ in range(count))


def _read(reader: Reader) -> FacePicture:
    capture = header.read(reader)
    points, gender, eyes, hair, tall, properties, expression, pose, unsure = _FACIAL.unpack(reader.take(_FACIAL.size))
    landmarks = read_points(reader, points)
    kind, coding, width, height, sampling, processing, cross, colours = _IMAGE.unpack(reader.take(_IMAGE.size))
    if coding >= len(_CODINGS):
        raise InvalidRecord(MALFORMED, f"coding {coding}")
    image = reader.take(reader.number(_LENGTH))
    if not image:
        raise InvalidRecord(MALFORMED, "there is no picture")
    return FacePicture(
        image,
        _CODINGS[coding],
        width,
        height,
        image_type=kind,
        points=landmarks,
        subject=Subject(
            gender,
            eyes,
            hair,
            tall,
            int.from_bytes(properties, "big"),
            expression,
            (pose[0], pose[1], pose[2]),
            (unsure[0], unsure[1], unsure[2]),
        ),
        colour_space=colours,
        sampling=sampling,
        processing=processing,
        cross_reference=cross,
        capture=capture,
    )


def write(pictures: tuple[FacePicture, ...]) -> bytes:
    """One record of at least one picture. Raises ValueError for numbers that do not fit."""
    written = [_write(one) for one in pictures]
    body = b"".join((_LENGTH + len(one)).to_bytes(_LENGTH, "big") + one for one in written)
    whole = len(MAGIC) + _LENGTH + _HEAD.size + len(body)
    return MAGIC + whole.to_bytes(_LENGTH, "big") + _HEAD.pack(len(pictures), 0, 0) + body


def _write(picture: FacePicture) -> bytes:
    subject = picture.subject
    facial = _FACIAL.pack(
        len(picture.points),
        subject.gender,
        subject.eye_colour,
        subject.hair_colour,
        subject.height_cm,
        subject.properties.to_bytes(3, "big"),
        subject.expression,
        bytes(subject.pose),
        bytes(subject.pose_uncertainty),
    )
    image = _IMAGE.pack(
        picture.image_type,
        picture.coding,
        picture.width,
        picture.height,
        picture.sampling,
        picture.processing,
        picture.cross_reference,
        picture.colour_space,
    )
    length = len(picture.image).to_bytes(_LENGTH, "big")
    return header.write(picture.capture) + facial + write_points(picture.points) + image + length + picture.image
