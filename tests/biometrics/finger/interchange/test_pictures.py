"""Records of finger pictures: what hand-made ones say, and what becomes of damaged ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biometrics.errors import InvalidImage, InvalidRecord
from biometrics.finger.interchange import FingerPosition, Impression
from biometrics.finger.interchange.pictures import Coding, FingerPicture, Format, read, sniff
from biometrics.finger.interchange.pictures.pictures import dpi_of
from biometrics.interchange.header import Judgement
from biometrics.interchange.parameters import MAX_PICTURES, MAX_RECORD_BYTES
from tests.biometrics.pictures import encode, scene

from .golden_pictures import GOLDEN, ISO_2005, ISO_2011

CODES = {"record_format_unknown", "record_malformed", "record_too_large", "record_version_unsupported"}


def test_the_record_of_2005_means_what_its_text_says() -> None:
    assert sniff(ISO_2005) is Format.ISO_2005
    first, second = read(ISO_2005)
    assert (first.position, first.impression, first.quality) == (FingerPosition.LEFT_INDEX, Impression.LIVE_PLAIN, 80)
    assert (first.image, first.coding, first.width, first.height) == (b"\xff\xa0\xff\xa1", Coding.WSQ, 400, 500)
    assert (first.depth, first.capture.device) == (8, 0x1234)
    assert first.dpi == pytest.approx(500.38)
    assert (second.image, second.quality, second.impression) == (b"\xff\xa0\xff\xa2", None, Impression.CONTACTLESS)


def test_the_record_of_2011_means_what_its_text_says() -> None:
    assert sniff(ISO_2011) is Format.ISO_2011
    (found,) = read(ISO_2011)
    assert (found.position, found.impression, found.quality) == (FingerPosition.RIGHT_MIDDLE, Impression.UNKNOWN, 48)
    assert (found.image, found.coding) == (b"\xff\xd8\xff\xd9", Coding.JPEG2000_LOSSLESS)
    assert (found.width, found.height, found.depth, found.dpi) == (238, 357, 8, 500)
    assert found.capture.qualities == (Judgement(48, 0x40, 0x0F),)
    assert found.capture.at is not None
    assert found.capture.at.isoformat() == "2022-12-28T12:32:44.036000+00:00"


def made(file: bytes, coding: Coding, width: int = 64, height: int = 48, depth: int = 8) -> FingerPicture:
    return FingerPicture(file, coding, width, height, depth, 500)


@pytest.mark.parametrize(("kind", "coding"), [("PNG", Coding.PNG), ("JPEG2000", Coding.JPEG2000_LOSSLESS)])
def test_a_picture_file_is_decoded(kind: str, coding: Coding) -> None:
    grey, dpi = made(encode(scene(), kind), coding).grey()
    assert (grey.shape, dpi) == ((48, 64), 500)
    assert grey.dtype == np.uint8


def test_bare_samples_are_the_picture() -> None:
    samples = np.arange(48 * 64, dtype=np.uint8).reshape(48, 64)
    for coding in (Coding.RAW, Coding.RAW_PACKED):
        grey, dpi = made(samples.tobytes(), coding).grey()
        np.testing.assert_array_equal(grey, samples)
        assert dpi == 500


@pytest.mark.parametrize(
    ("picture", "code"),
    [
        (made(bytes(48 * 64 - 1), Coding.RAW), "image_truncated"),
        (made(bytes(48 * 64), Coding.RAW, depth=12), "image_depth_unsupported"),
        (made(bytes(64), Coding.RAW, 64, 1), "image_too_small"),
        (made(bytes(64), Coding.RAW, 0xFFFF, 0xFFFF), "image_too_many_pixels"),
        (made(b"no picture", Coding.WSQ), "image_not_an_image"),
    ],
)
def test_what_is_no_picture_has_a_code(picture: FingerPicture, code: str) -> None:
    with pytest.raises(InvalidImage) as caught:
        picture.grey()
    assert caught.value.code == code


def test_resolutions() -> None:
    assert dpi_of(1, 500, 500) == 500
    assert dpi_of(2, 197, 197) == pytest.approx(500.38)
    for scale, across, down in ((1, 0, 0), (1, 500, 1000), (0, 500, 500), (9, 500, 500)):
        assert dpi_of(scale, across, down) is None
    picture = FingerPicture(encode(scene(), dpi=(1000, 1000)), Coding.PNG, 64, 48, 8, None)
    assert picture.grey()[1] == pytest.approx(1000, abs=1), "the file's own is taken where the record says none"


def code_of(data: bytes) -> str:
    with pytest.raises(InvalidRecord) as caught:
        read(data)
    return caught.value.code


@pytest.mark.parametrize("form", list(Format))
def test_damage_has_a_code(form: Format) -> None:
    whole = GOLDEN[form].removesuffix(bytes(2)) if form is Format.ISO_2005 else GOLDEN[form]
    assert {code_of(whole[:length]) for length in range(8, len(whole))} == {"record_malformed"}
    assert code_of(b"FIR\x00040\0" + whole[8:]) == "record_version_unsupported"
    assert code_of(b"FAC\x00010\0") == "record_format_unknown"
    assert code_of(whole + bytes(MAX_RECORD_BYTES)) == "record_too_large"


def test_more_pictures_than_anybody_has_are_refused() -> None:
    one = ISO_2005[32:50]
    many = ISO_2005[:32] + one * (MAX_PICTURES + 1)
    assert code_of(many[:8] + len(many).to_bytes(6, "big") + many[14:]) == "record_malformed"
    assert code_of(ISO_2011[:12] + b"\xff\xff" + ISO_2011[14:]) == "record_malformed"


def test_fewer_pictures_than_fingers_are_a_record_cut_off() -> None:
    assert code_of(ISO_2005[:18] + b"\x03" + ISO_2005[19:]) == "record_malformed"


@settings(max_examples=200)
@given(
    st.sampled_from(list(GOLDEN.values())),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=4),
    st.integers(0, 40),
    st.binary(max_size=8),
)
def test_damaged_records(data: bytes, changes: list[tuple[float, int]], cut: int, added: bytes) -> None:
    damaged = bytearray(data)
    for where, value in changes:
        damaged[round(where * (len(damaged) - 1))] = value
    try:
        found = read(bytes(damaged[: len(damaged) - cut]) + added)
    except InvalidRecord as error:
        code, found = error.code, ()
    else:
        code = ""
    assert (code in CODES) != bool(found)
    assert all(one.image for one in found)
