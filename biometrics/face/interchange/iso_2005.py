"""ISO/IEC 19794-5:2005, the record of face pictures. Numbers have the most significant byte first.

| bytes | what |
|---|---|
| 4 | `FAC`, 0 |
| 4 | `010`, 0 |
| 4 | length of the whole record |
| 2 | number of pictures |

and each picture:

| bytes | what |
|---|---|
| 4 | its length, with these four |
| 2 | number of landmarks |
| 1, 1, 1 | gender, colour of the eyes, colour of the hair |
| 3 | properties, a bit each (bit 0: the others say something) |
| 2 | expression |
| 3, 3 | yaw, pitch, roll, and how unsure each is |
| 8 each | the landmarks (see `points`) |
| 1 | image type |
| 1 | coding: 0 JPEG, 1 JPEG 2000 |
| 2, 2 | width and height, pixels |
| 1, 1 | colour space, source |
| 2 | device, by its maker's numbers |
| 2 | quality, which that year leaves undefined |
| the rest | the picture |
"""

from __future__ import annotations

import struct

from biometrics.errors import InvalidRecord
from biometrics.face.interchange.pictures import Coding, FacePicture, Subject
from biometrics.face.interchange.points import SIZE, read_points, write_points
from biometrics.interchange.header import Capture
from biometrics.interchange.parameters import MAX_PICTURES
from biometrics.interchange.reader import MALFORMED, Reader

MAGIC = b"FAC\x00010\0"
_LENGTH = 4
_COUNT = 2
_FACIAL = struct.Struct(">HBBB3sH3s3s")
_IMAGE = struct.Struct(">BBHHBBHH")
_CODINGS = (Coding.JPEG, Coding.JPEG2000)


def read(data: bytes) -> tuple[FacePicture, ...]:
    """All pictures of a record. Raises InvalidRecord (`record_malformed`)."""
    reader = Reader(data)
    reader.take(len(MAGIC))
    reader.end_after(reader.number(_LENGTH))
    count = reader.number(_COUNT)
    if count > MAX_PICTURES:
        raise InvalidRecord(MALFORMED, f"{count} pictures")
    return tuple(_read(Reader(reader.take(reader.number(_LENGTH) - _LENGTH))) for _ in range(count))


def _read(reader: Reader) -> FacePicture:
    points, gender, eyes, hair, properties, expression, pose, unsure = _FACIAL.unpack(reader.take(_FACIAL.size))
    landmarks = read_points(reader, points)
    kind, coding, width, height, colours, source, device, _ = _IMAGE.unpack(reader.take(_IMAGE.size))
    if coding >= len(_CODINGS):
        raise InvalidRecord(MALFORMED, f"coding {coding}")
    if not reader.left:
        raise InvalidRecord(MALFORMED, "there is no picture")
    return FacePicture(
        reader.take(reader.left),
        _CODINGS[coding],
        width,
        height,
        image_type=kind,
        points=landmarks,
        subject=Subject(
            gender,
            eyes,
            hair,
            properties=int.from_bytes(properties, "big"),
            expression=expression,
            pose=(pose[0], pose[1], pose[2]),
            pose_uncertainty=(unsure[0], unsure[1], unsure[2]),
        ),
        colour_space=colours,
        source=source,
        capture=Capture(device=device),
    )


def write(pictures: tuple[FacePicture, ...]) -> bytes:
    """One record of at least one picture. Raises ValueError for PNG, which that year does not know, and for numbers
    that do not fit."""
    body = b"".join(_write(one) for one in pictures)
    whole = len(MAGIC) + _LENGTH + _COUNT + len(body)
    return MAGIC + whole.to_bytes(_LENGTH, "big") + len(pictures).to_bytes(_COUNT, "big") + body


def _write(picture: FacePicture) -> bytes:
    subject = picture.subject
    if picture.coding is Coding.PNG:
        raise ValueError("ISO/IEC 19794-5:2005 holds JPEG and JPEG 2000")
    facial = _FACIAL.pack(
        len(picture.points),
        subject.gender,
        subject.eye_colour,
        subject.hair_colour,
        subject.properties.to_bytes(3, "big"),
        subject.expression,
        bytes(subject.pose),
        bytes(subject.pose_uncertainty),
    )
    image = _IMAGE.pack(
        picture.image_type,
        min(picture.coding, Coding.JPEG2000),
        picture.width,
        picture.height,
        picture.colour_space,
        picture.source,
        picture.capture.device,
        0,
    )
    length = _LENGTH + _FACIAL.size + SIZE * len(picture.points) + _IMAGE.size + len(picture.image)
    return length.to_bytes(_LENGTH, "big") + facial + write_points(picture.points) + image + picture.image
