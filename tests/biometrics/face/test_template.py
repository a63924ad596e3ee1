from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biometrics.errors import InvalidTemplate
from biometrics.face import FaceTemplate


def template(seed: int = 0, quality: int = 77, engine: str = "sface-2") -> FaceTemplate:
    return FaceTemplate.of(engine, np.random.default_rng(seed).normal(size=128) * 9, quality)


def code_of(data: bytes) -> str:
    with pytest.raises(InvalidTemplate) as caught:
        FaceTemplate.from_bytes(data)
    return caught.value.code


@given(seed=st.integers(0, 2**32), quality=st.integers(0, 100))
@settings(deadline=None)
def test_storing_loses_nothing(seed: int, quality: int) -> None:
    made = template(seed, quality)
    read = FaceTemplate.from_bytes(made.to_bytes())
    assert (read.engine, read.quality) == ("sface-2", quality)
    np.testing.assert_array_equal(read.vector, made.vector)
    assert read.to_bytes() == made.to_bytes()


def test_the_vector_has_length_one_and_keeps_the_direction() -> None:
    raw = np.random.default_rng(5).normal(size=128) * 1e-3
    made = FaceTemplate.of("sface-2", raw, 50)
    assert made.vector.dtype == np.float32
    assert np.linalg.norm(made.vector) == pytest.approx(1, abs=1e-3)
    assert raw @ made.vector / np.linalg.norm(raw) / np.linalg.norm(made.vector) > 1 - 1e-6


def test_the_stored_form_is_as_documented() -> None:
    data = template().to_bytes()
    assert len(data) == 272
    assert data[:7] == b"RZFT" + bytes([1, 77, 7])
    assert data[7:14] == b"sface-2"
    assert struct.unpack_from("<H", data, 14) == (128,)
    np.testing.assert_array_equal(np.frombuffer(data, "<f2", 128, 16).astype(np.float32), template().vector)


def test_an_embedding_without_direction_is_refused() -> None:
    for raw in (np.zeros(128), np.full(128, np.nan), np.full(128, np.inf), np.ones(127), np.ones((2, 64))):
        with pytest.raises(ValueError, match="no embedding"):
            FaceTemplate.of("sface-2", raw, 50)


def test_damaged_forms_are_refused_with_their_codes() -> None:
    data = template().to_bytes()
    assert code_of(b"") == "template_malformed"
    assert code_of(b"RZFX" + data[4:]) == "template_malformed"
    assert code_of(data[:4] + b"\x03" + data[5:]) == "template_version_unsupported"
    assert code_of(data[:5] + b"\x65" + data[6:]) == "template_malformed"  # a quality of 101
    assert code_of(data[:6] + b"\x00" + data[14:]) == "template_malformed"
    assert code_of(data[:7] + b"sface\xe91" + data[14:]) == "template_malformed"
    assert code_of(data[:14] + b"\x7f\x00" + data[16:]) == "template_malformed"
    assert code_of(data[:16] + bytes(256)) == "template_malformed"
    assert code_of(data[:-2] + b"\x00\x7e") == "template_malformed"  # not a number
    assert code_of(data[:-2] + b"\x00\x7c") == "template_malformed"  # infinite


def test_the_turned_form_is_as_documented() -> None:
    plain = template()
    turned = FaceTemplate(plain.engine, plain.vector, plain.quality, "abc")
    data = turned.to_bytes()
    assert data[:7] == b"RZFT" + bytes([2, 77, 7])
    assert data[7:18] == b"sface-2" + bytes([3]) + b"abc"
    assert struct.unpack_from("<H", data, 18) == (128,)
    np.testing.assert_array_equal(np.frombuffer(data, "<f4", 128, 20), plain.vector)
    read = FaceTemplate.from_bytes(data)
    assert (read.transform, read.to_bytes()) == ("abc", data)
    assert code_of(data[:14] + b"\x00" + data[18:]) == "template_malformed"  # a name of no length
    assert code_of(data[:14] + b"\x21" + data[15:]) == "template_malformed"  # one of 33
    assert code_of(data[:15] + b"\xe9" + data[16:]) == "template_malformed"
    for size in range(len(data)):
        assert code_of(data[:size]) == "template_malformed"
    assert code_of(data[:4] + b"\x01" + data[5:]) == "template_malformed"


@given(size=st.integers(0, 271))
def test_a_form_that_is_cut_off_or_too_long_is_refused(size: int) -> None:
    data = template().to_bytes()
    assert code_of(data[:size]) == "template_malformed"
    assert code_of(data + bytes(size + 1)) == "template_malformed"


@given(
    data=st.binary(max_size=400)
    | st.binary(max_size=300).map(lambda tail: b"RZFT\x01" + tail)
    | st.binary(max_size=300).map(lambda tail: b"RZFT\x02\x32\x07sface-2" + tail)
)
def test_any_bytes_give_a_template_or_a_code(data: bytes) -> None:
    assert code_of(data).startswith("template_")


@given(place=st.integers(0, 271), value=st.integers(0, 255))
@settings(max_examples=300)
def test_a_damaged_form_is_refused_or_still_a_unit_vector(place: int, value: int) -> None:
    data = bytearray(template().to_bytes())
    data[place] = value
    try:
        read = FaceTemplate.from_bytes(bytes(data))
    except InvalidTemplate as error:
        problem = error.code
    else:
        problem = "" if abs(np.linalg.norm(read.vector) - 1) <= 0.011 and 0 <= read.quality <= 100 else "unsound"
    assert problem in {"", "template_malformed", "template_version_unsupported"}


def test_the_vector_is_read_only_and_kept_out_of_reprs() -> None:
    made = template()
    with pytest.raises(ValueError, match="read-only"):
        made.vector[0] = 1
    assert repr(made) == "FaceTemplate(engine='sface-2', quality=77, transform='')"
