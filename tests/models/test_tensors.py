"""The file of named arrays: golden bytes, round trips, and what is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from models import tensors

GOLDEN = (
    (56).to_bytes(8, "little")
    + b'{"b":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}}'
    + bytes.fromhex("0000803f000000c0")
)


def test_a_file_is_a_length_a_header_and_the_numbers() -> None:
    data = {"b": np.array([[1.0], [-2.0]], np.float32)}
    assert tensors.dumps(data) == GOLDEN
    np.testing.assert_array_equal(tensors.loads(GOLDEN)["b"], data["b"])


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=8).filter(lambda name: name != "__metadata__"),
        arrays_of.arrays(np.float32, arrays_of.array_shapes(min_dims=0, max_dims=4, max_side=4)),
        max_size=5,
    )
)
def test_what_is_written_is_read(data: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]) -> None:
    again = tensors.loads(tensors.dumps(data))
    assert list(again) == sorted(data)
    for name, value in data.items():
        np.testing.assert_array_equal(again[name], value)
        assert again[name].shape == value.shape


def test_metadata_of_other_writers_is_passed_over() -> None:
    header = b'{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}'
    found = tensors.loads(len(header).to_bytes(8, "little") + header + b"\x00\x00\x80\x3f")
    assert {name: float(value) for name, value in found.items()} == {"a": 1.0}


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=8), min_size=1, max_size=4))
def test_texts_are_read_back_and_leave_the_arrays_as_they_are(texts: dict[str, str]) -> None:
    data = {"b": np.array([[1.0], [-2.0]], np.float32)}
    written = tensors.dumps(data, texts)
    assert tensors.metadata_of(written) == texts
    assert list(tensors.loads(written)) == ["b"]
    np.testing.assert_array_equal(tensors.loads(written)["b"], data["b"])
    assert written == tensors.dumps(data, dict(reversed(list(texts.items()))))


@pytest.mark.parametrize("data", [GOLDEN, b"", b"no tensors", tensors.dumps({}, {"a": "b"})[:-10]])
def test_a_file_without_texts_has_none_to_give(data: bytes) -> None:
    with pytest.raises(ValueError, match="no file of tensors with metadata"):
        tensors.metadata_of(data)


@given(st.binary(max_size=80))
def test_any_other_bytes_are_an_error(data: bytes) -> None:
    with pytest.raises(ValueError, match="no file of float32 tensors"):
        tensors.loads(b"\xff" + data)


@pytest.mark.parametrize(
    "header",
    [
        '{"b":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}',
        '{"b":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}',
        '{"b":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}',
        '{"b":{"dtype":"F32","shape":[2]}}',
        "[1]",
        "no json",
    ],
)
def test_a_header_that_does_not_fit_is_an_error(header: str) -> None:
    with pytest.raises(ValueError, match="no file of float32 tensors"):
        tensors.loads(len(header).to_bytes(8, "little") + header.encode() + bytes(8))


@given(st.integers(0, len(GOLDEN) - 1))
def test_a_cut_file_is_an_error(length: int) -> None:
    with pytest.raises(ValueError, match="no file of float32 tensors"):
        tensors.loads(GOLDEN[:length])
