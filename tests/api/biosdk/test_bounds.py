"""What one request may ask for at once: small files that state large pictures, and many of them."""

import struct
import zlib
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from api.biosdk import bounds
from api.biosdk.engines import Engines
from api.biosdk.parameters import MAX_COMPARISONS, MAX_EXTRACTIONS, MAX_PIXELS_AT_ONCE, MAX_SEGMENTS
from api.errors import ServiceError
from biometrics.face.interchange import Coding, FacePicture
from biometrics.face.interchange import write as write_faces
from biometrics.images import decode, measure
from tests.api.biosdk.mosip import Mosip, face, finger, record, segment
from tests.biometrics.finger.interchange.golden_pictures import ISO_2011
from tests.biometrics.pictures import encode

OPERATIONS = ("match", "check-quality", "extract-template")


def bomb(width: int, height: int, dpi: int | None = None) -> bytes:
    """A black picture of one bit a pixel, which is a thousandth of its pixels in bytes, or less."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = zlib.compress(bytes(((width + 7) // 8 + 1) * height), 9)
    physical = b"" if dpi is None else chunk(b"pHYs", struct.pack(">IIB", *[round(dpi / 0.0254)] * 2, 1))
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    return start + physical + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def in_a_record(file: bytes) -> bytes:
    """The golden record of one picture, with another file in it."""
    place = ISO_2011.index(bytes.fromhex("00000004 ffd8ffd9"))
    body = ISO_2011[20:place] + struct.pack(">I", len(file)) + file
    view = struct.pack(">I", 4 + len(body)) + body
    return ISO_2011[:8] + struct.pack(">I", 16 + len(view)) + ISO_2011[12:16] + view


@pytest.fixture(autouse=True)
def _nothing_is_begun(request: pytest.FixtureRequest, engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    def begun(*_: Any, **__: Any) -> Any:
        pytest.fail("a picture was decoded")

    if "sound" not in request.node.name:
        for engine in (engines.face, engines.finger):
            for name in ("extract", "extract_pixels", "assess"):
                monkeypatch.setattr(type(engine), name, begun, raising=False)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("kind", ["FACE", "FINGER"])
def test_small_files_that_state_large_pictures_are_refused_together(mosip: Mosip, operation: str, kind: str) -> None:
    """Each is under the limit for one."""
    one = bomb(5000, 5000)
    assert len(one) < 5000
    assert 3 * measure(one)[0] > MAX_PIXELS_AT_ONCE > measure(one)[0]
    sample = record(*[segment(kind, one) for _ in range(3)])
    mosip.refused(operation, {"sample": sample, "gallery": [record(face(50))]}, 413, "too_much_at_once")


def test_a_gallery_counts_too(mosip: Mosip) -> None:
    large = record(segment("FACE", bomb(5000, 5000)))
    mosip.refused("match", {"sample": record(face(50)), "gallery": [large] * 3}, 413, "too_much_at_once")


def test_pictures_in_records_count(mosip: Mosip) -> None:
    """Of the record the first picture is read, however it is framed."""
    picture = write_faces([FacePicture(bomb(5000, 5000), Coding.JPEG, 640, 480)])
    mosip.refused("check-quality", {"sample": record(*[segment("FACE", picture)] * 3)}, 413, "too_much_at_once")
    framed = segment("FINGER", in_a_record(bomb(1100, 1100)))
    bounds.bound(_segments(*[framed] * 41))
    mosip.refused("check-quality", {"sample": record(*[framed] * 42)}, 413, "too_much_at_once")


def test_a_jpeg_of_many_scans_counts_as_the_work_that_it_is(mosip: Mosip) -> None:
    """Of nearly empty scans a thousand fit into 14 kB, and each is a pass over the whole picture."""
    file = BytesIO()
    Image.fromarray(np.zeros((624, 624), np.uint8)).save(file, "JPEG", progressive=True)
    plain = file.getvalue()
    many = plain[:-2] + plain[plain.rindex(b"\xff\xda") : -2] * 1000 + plain[-2:]
    assert decode(many).pixels.shape[:2] == (624, 624)
    assert measure(plain)[0] == 624**2
    sample = record(*[segment("FACE", many)] * 3)
    mosip.refused("check-quality", {"sample": sample}, 413, "too_much_at_once")


@pytest.mark.parametrize("dpi", [250, 300])
def test_pictures_of_a_low_resolution_count_as_what_they_are_enlarged_to(mosip: Mosip, dpi: int) -> None:
    """The largest print of 250 dpi is four times as much work as its pixels say."""
    side = round(1090 * dpi / 500)
    sample = record(*[segment("FINGER", bomb(side, side, dpi))] * MAX_SEGMENTS)
    assert MAX_SEGMENTS * side * side < MAX_PIXELS_AT_ONCE
    mosip.refused("extract-template", {"sample": sample}, 413, "too_much_at_once")


def test_too_many_pictures_and_comparisons(mosip: Mosip) -> None:
    mosip.refused(
        "match", {"sample": record(face(50)), "gallery": [record(face(50))] * MAX_EXTRACTIONS}, 413, "too_much_at_once"
    )
    unnamed = record(*[segment("FINGER", b"RZFT") for _ in range(MAX_SEGMENTS)])
    assert MAX_SEGMENTS**2 * 5 > MAX_COMPARISONS
    mosip.refused("match", {"sample": unnamed, "gallery": [unnamed] * 5}, 413, "too_much_at_once")
    # Faces are compared whatever finger they say they are.
    left, right = (record(*[segment("FACE", b"RZFT", side, "Thumb")] * MAX_SEGMENTS) for side in ("Left", "Right"))
    mosip.refused("match", {"sample": left, "gallery": [right] * 5}, 413, "too_much_at_once")


def test_what_is_sound_and_many_is_done(mosip: Mosip) -> None:
    """As many prints of an ordinary size as may be sent, and what nobody asked about."""
    prints = [finger(60, "Left", "Thumb")] * (MAX_EXTRACTIONS - 1)
    gallery = [record(*prints[:64]), record(*prints[64:])]
    assert len(mosip.match(record(finger(60, "Left", "Thumb")), *gallery)) == 2
    large = [segment("FACE", bomb(5000, 5000))] * 3
    sample = {"sample": record(finger(60), *large), "modalitiesToCheck": ["FINGER"], "modalitiesToExtract": ["FINGER"]}
    mosip.done("check-quality", sample)
    mosip.done("extract-template", sample)


@pytest.mark.parametrize(
    "data", [b"", b"no picture", b"FAC\x00030\0", b"FIR\x00020\0", b"\x89PNG\r\n\x1a\n", b"II*\0\xff"]
)
def test_what_cannot_be_read_is_worth_nothing_and_refused_where_it_is_read(data: bytes) -> None:
    bounds.bound(_segments(*[segment(kind, data + b"a") for kind in ("FACE", "FINGER") for _ in range(32)]))


def test_the_bound_itself() -> None:
    one = encode(np.zeros((2500, 2500), np.uint8))
    within = MAX_PIXELS_AT_ONCE // 2500**2
    bounds.bound(_segments(*[segment("FACE", one)] * within))
    with pytest.raises(ServiceError, match="too_much_at_once"):
        bounds.bound(_segments(*[segment("FACE", one)] * within, segment("FACE", encode(np.zeros((64, 64), np.uint8)))))


def _segments(*raw: dict[str, Any]) -> list[Any]:
    from api.biosdk import records

    return list(records.read(record(*raw), "sample").segments)
