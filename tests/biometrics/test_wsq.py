from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from biometrics.errors import InvalidImage
from biometrics.images import Image, decode

FILES = Path(__file__).parent / "wsq"
FINGERS = sorted(FILES.glob("finger_*.wsq"))
SMALLEST = (FILES / "finger_150x64.wsq").read_bytes()


def code_of(data: bytes) -> str:
    with pytest.raises(InvalidImage) as caught:
        decode(data)
    return caught.value.code


def segment(data: bytes, marker: int) -> tuple[int, int]:
    """Where the first segment of a marker begins and ends, in a file that is sound up to there."""
    position = 2
    while True:
        found, length = struct.unpack_from(">HH", data, position)
        if found == marker:
            return position, position + 2 + length
        position += 2 + length


@pytest.mark.parametrize("path", FINGERS, ids=lambda path: path.stem)
def test_pixels_are_those_of_the_reference_decoder(path: Path) -> None:
    """Up to rounding: NIST's decoder computes in single precision and in another order."""
    image = decode(path.read_bytes())
    reference = np.array(Pillow.open(path.with_suffix(".png")))
    assert image.format == "WSQ"
    assert image.grey.shape == reference.shape
    difference = np.abs(image.grey.astype(int) - reference)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.001


def test_there_are_reference_files() -> None:
    assert len(FINGERS) == 3


def test_the_resolution_comes_from_the_comment() -> None:
    assert decode(SMALLEST).dpi == 500
    assert decode(SMALLEST.replace(b"PPI 500", b"PPI 640")).dpi == 640
    assert decode(SMALLEST.replace(b"PPI 500", b"PPX 500")).dpi is None


def test_a_blank_picture_has_no_coded_subband_and_is_read() -> None:
    assert np.unique(decode((FILES / "blank_80x72.wsq").read_bytes()).grey).tolist() == [200]


def test_stretch_and_shift_of_the_grey_levels_are_applied() -> None:
    """The frame header's scale, doubled, doubles the distance of every pixel from the shift."""
    start, _ = segment(SMALLEST, 0xFFA2)
    shift, scale = (
        digits / 10**decimals
        for decimals, digits in (struct.unpack_from(">BH", SMALLEST, start + at) for at in (10, 13))
    )
    decimals, digits = struct.unpack_from(">BH", SMALLEST, start + 13)
    copy = bytearray(SMALLEST)
    struct.pack_into(">BH", copy, start + 13, decimals, digits // 2)
    halved = decode(bytes(copy)).grey.astype(float)
    expected = (decode(SMALLEST).grey - shift) * (digits // 2) / digits + shift
    assert scale > 0
    assert np.abs(halved - expected).max() <= 1


@pytest.mark.parametrize("marker", [0xFFA2, 0xFFA4, 0xFFA5, 0xFFA6])
def test_a_file_without_one_of_its_segments_is_refused(marker: int) -> None:
    start, end = segment(SMALLEST, marker)
    assert code_of(SMALLEST[:start] + SMALLEST[end:]) in {"image_truncated", "image_empty"}


@pytest.mark.parametrize("share", [0.01, 0.1, 0.3, 0.5, 0.8, 0.99])
def test_a_file_that_is_cut_off_is_refused(share: float) -> None:
    cut = SMALLEST[: int(share * len(SMALLEST))]
    assert code_of(cut) == "image_truncated"
    assert code_of(cut + b"\xff\xa1") == "image_truncated"


def test_an_unknown_marker_or_other_filters_are_refused() -> None:
    start, _ = segment(SMALLEST, 0xFFA4)
    assert code_of(SMALLEST[:start] + b"\xff\xb3" + SMALLEST[start + 2 :]) == "image_truncated"
    assert code_of(SMALLEST[: start + 4] + b"\x08\x08" + SMALLEST[start + 6 :]) == "image_not_an_image"


@given(data=st.data())
@settings(max_examples=400, deadline=None)
def test_a_damaged_file_gives_a_picture_or_a_code(data: st.DataObject) -> None:
    damaged = bytearray(SMALLEST)
    places = st.integers(2, len(damaged) - 1) | st.integers(2, 700)
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(places)] = data.draw(st.integers(0, 255))
    cut = data.draw(st.just(len(damaged)) | st.integers(3, len(damaged)))
    found: Image | str
    try:
        found = decode(bytes(damaged[:cut]))
    except InvalidImage as error:
        found = error.code
    assert found.grey.dtype == np.uint8 if isinstance(found, Image) else found.startswith("image_")
