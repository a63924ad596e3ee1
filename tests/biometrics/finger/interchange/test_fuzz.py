"""Nothing but a template or InvalidTemplate comes out, whatever goes in, and no memory is taken for nothing."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from biometrics.errors import InvalidTemplate
from biometrics.finger import FingerTemplate, PreparedFinger, matcher
from biometrics.finger.interchange import Format, read, sniff, write
from biometrics.finger.parameters import MAX_MINUTIAE, MAX_RECORD_BYTES, MAX_SIDE

from ..points import random_finger
from .golden import CARDS, GOLDEN, RECORDS

CODES = {
    "template_malformed",
    "template_out_of_range",
    "template_too_large",
    "template_format_unknown",
    "template_format_ambiguous",
    "template_version_unsupported",
}
FINGER = random_finger(2, 20)
BEGINNINGS = [b"", *sorted({data[:size] for data in GOLDEN.values() for size in (3, 8, 12, 24, 30)})]
FILES = [
    *GOLDEN.values(),
    *(write([FINGER, FINGER], form) for form in RECORDS),
    *(write([FINGER], form) for form in (*CARDS, Format.OWN, Format.OWN_COMPACT)),
]


def checked(data: bytes, form: Format | None = None) -> tuple[FingerTemplate, ...]:
    """What was read, none where it was refused; every template has to be one that can be stored and compared."""
    try:
        found = read(data, form)
    except InvalidTemplate as error:
        code = error.code
        found = ()
    else:
        code = ""
    assert (code in CODES) != bool(found)
    for template in found:
        again = FingerTemplate.from_bytes(template.to_bytes())
        np.testing.assert_array_equal(again.direction, template.direction)
        assert len(template) <= MAX_MINUTIAE
        assert 1 <= min(template.width, template.height) <= max(template.width, template.height) <= MAX_SIDE
        assert np.all((template.x >= 0) & (template.x <= template.width))
        assert np.all((template.y >= 0) & (template.y <= template.height))
    return found


@settings(max_examples=1500)
@given(st.sampled_from(BEGINNINGS), st.binary(max_size=300))
@example(b"", b"")
@example(b"\xbf", b"\x9f" * 300)
@example(b"", b"\x7f\x2e\x82\xff\xff\x81\x82\xff\xff")
def test_arbitrary_bytes(beginning: bytes, rest: bytes) -> None:
    checked(beginning + rest)


@settings(max_examples=700)
@given(st.sampled_from(list(Format)), st.sampled_from(BEGINNINGS), st.binary(max_size=200))
def test_arbitrary_bytes_of_a_stated_format(form: Format, beginning: bytes, rest: bytes) -> None:
    checked(beginning + rest, form)


@settings(max_examples=2500)
@given(
    st.sampled_from(FILES),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=4),
    st.integers(0, 40),
    st.binary(max_size=8),
)
def test_damaged_files(data: bytes, changes: list[tuple[float, int]], cut: int, added: bytes) -> None:
    damaged = bytearray(data)
    for where, value in changes:
        damaged[round(where * (len(damaged) - 1))] = value
    checked(bytes(damaged[: len(damaged) - cut]) + added)


@settings(max_examples=300)
@given(st.sampled_from(FILES), st.floats(0, 1), st.floats(0, 1), st.binary(max_size=30))
def test_files_with_a_part_replaced(data: bytes, start: float, end: float, part: bytes) -> None:
    first, last = sorted((round(start * len(data)), round(end * len(data))))
    checked(data[:first] + part + data[last:])


@settings(max_examples=100)
@given(st.binary(min_size=6 * 8, max_size=6 * 40), st.sampled_from(RECORDS))
def test_what_was_read_can_be_compared(minutiae: bytes, form: Format) -> None:
    """Minutiae at random places, many of them alike, go through the matcher without harm."""
    (template,) = read(write([FINGER], form))
    start = write([FINGER], form).index(b"\x14") + 1
    data = bytearray(write([FINGER], form))
    data[start : start + min(len(minutiae), 120)] = minutiae[:120]
    for found in checked(bytes(data)):
        score = matcher.score(PreparedFinger.of(found), PreparedFinger.of(template))
        assert 0.0 <= score < 1e4


@pytest.mark.parametrize(
    "beginning",
    [
        bytes.fromhex("464d5200 30333000 00080000 ffff 01") + (bytes.fromhex("00000023") + bytes(31)) * 14_000,
        bytes.fromhex("464d5200 20323000 00080000 0000 012c 0190 00c5 00c5 ff 00") + b"\x00\x00\x42\xff" * 131_000,
        bytes.fromhex("464d5200 20323000 ffff 0103 0000 0000 012c 0190 00c5 00c5 ff 00")
        + b"\x00\x00\x42\x00\x00\x00" * 11_000,
        b"\xbf" + b"\x61a\x9f" + b"\x00" * 524_000,
        b"\xb8\xff" + b"\x61\xc3" * 100,
        b"\xa1\x61a\x9b\x00\x00\x00\xff\xff\xff\xff\xff",
        b"\xa1\x61a\x5b\x00\x00\x00\xff\xff\xff\xff\xff",
        b"\xa1\x61a" + b"\x81" * 500_000,
        b"\x7f\x2e\x84\xff\xff\xff\xff",
        b"\x7f\x2e\x82\xff\xff\xa1\x82\xff\xff" + b"\xa1\x00" * 30_000,
        b"\x7f\x2e\x82\xfd\xe8\x81\x82\xfd\xe4" + b"\x40\x00\x00" * 21_668,
        FINGER.to_bytes()[:10] + b"\xff" * 500_000,
    ],
)
def test_memory_is_bounded_by_what_is_there(beginning: bytes) -> None:
    data = beginning[:MAX_RECORD_BYTES]
    tracemalloc.start()
    try:
        checked(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 32 * 2**20


def test_sniffing_gives_a_format_or_a_code() -> None:
    for data in FILES:
        for length in range(0, len(data), 3):
            try:
                found: str = sniff(data[:length])
            except InvalidTemplate as error:
                found = error.code
            assert found in CODES | set(Format)
