"""The template: rounded when made, read back as it was, and refused with a code when it is anything else."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from biometrics.errors import InvalidTemplate
from biometrics.finger import FingerTemplate, MinutiaKind
from biometrics.finger.parameters import ENGINE, MAX_MINUTIAE

from .points import random_finger

CODES = {"template_malformed", "template_version_unsupported"}
FIELDS = ("x", "y", "direction", "kind", "minutia_quality")


def assert_same(one: FingerTemplate, two: FingerTemplate) -> None:
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
        assert getattr(one, name).dtype == getattr(two, name).dtype
    assert (one.engine, one.width, one.height, one.quality) == (two.engine, two.width, two.height, two.quality)


minutiae = st.lists(
    st.tuples(st.floats(0, 388), st.floats(0, 374), st.floats(-10, 10), st.integers(1, 2), st.integers(0, 100)),
    max_size=MAX_MINUTIAE,
)


def template_of(rows: list[tuple[float, float, float, int, int]]) -> FingerTemplate:
    x, y, direction, kind, quality = np.array(rows).reshape(-1, 5).T
    return FingerTemplate.of(
        ENGINE, 388, 374, x=x, y=y, direction=direction, kind=kind, minutia_quality=quality, quality=61
    )


@given(minutiae)
def test_a_template_comes_back_as_it_was_stored(rows: list[tuple[float, float, float, int, int]]) -> None:
    template = template_of(rows)
    data = template.to_bytes()
    again = FingerTemplate.from_bytes(data)
    assert_same(template, again)
    assert again.to_bytes() == data
    assert len(data) == 12 + len(ENGINE) + 7 * len(rows)


@given(minutiae)
def test_rounding_moves_nothing_far(rows: list[tuple[float, float, float, int, int]]) -> None:
    template = template_of(rows)
    order = np.argsort([-row[4] for row in rows], kind="stable")
    x, y, direction, kind, quality = np.array(rows).reshape(-1, 5)[order].T
    np.testing.assert_allclose(template.x, x, atol=1 / 32 + 1e-4)
    np.testing.assert_allclose(template.y, y, atol=1 / 32 + 1e-4)
    np.testing.assert_allclose(np.cos(template.direction - direction), 1.0, atol=1e-7)
    assert np.all((template.direction >= 0) & (template.direction < 2 * math.pi))
    assert template.kind.tolist() == kind.tolist()
    assert template.minutia_quality.tolist() == quality.tolist()


def test_the_form_is_what_the_documentation_says() -> None:
    template = FingerTemplate.of(
        "e1", 300, 400, x=[10.5], y=[20.25], direction=[math.pi / 2], kind=[2], minutia_quality=[77], quality=42
    )
    head = b"RZMT" + bytes([1, 42]) + struct.pack("<HH", 300, 400) + bytes([1, 2]) + b"e1"
    assert template.to_bytes() == head + struct.pack("<HHHB", 168, 324, 16384, 0x80 | 77)


def test_only_the_surest_are_kept() -> None:
    count = MAX_MINUTIAE + 20
    template = FingerTemplate.of(
        ENGINE,
        300,
        300,
        x=np.arange(count),
        y=np.zeros(count),
        direction=np.zeros(count),
        kind=np.ones(count),
        minutia_quality=np.arange(count) % 101,
        quality=1,
    )
    assert len(template) == MAX_MINUTIAE
    assert template.minutia_quality.tolist() == sorted((np.arange(count) % 101).tolist(), reverse=True)[:MAX_MINUTIAE]


def test_arrays_cannot_be_changed_and_do_not_show_in_a_log() -> None:
    template = random_finger(1)
    with pytest.raises(ValueError, match="read-only"):
        template.x[0] = 1.0
    text = repr(template)
    assert text == f"FingerTemplate(engine='{ENGINE}', width=400, height=400, quality=80)"


@pytest.mark.parametrize(
    ("x", "direction", "quality"),
    [(-1.0, 0.0, 50), (301.0, 0.0, 50), (math.nan, 0.0, 50), (1.0, math.nan, 50), (1.0, 0.0, 101)],
)
def test_what_does_not_fit_is_no_template(x: float, direction: float, quality: int) -> None:
    with pytest.raises(ValueError, match="out of range"):
        FingerTemplate.of(
            ENGINE, 300, 300, x=[x], y=[1], direction=[direction], kind=[1], minutia_quality=[quality], quality=50
        )


def read(data: bytes) -> FingerTemplate | str:
    """The template, or the code that the bytes were refused with; any other exception is a failure."""
    try:
        return FingerTemplate.from_bytes(data)
    except InvalidTemplate as error:
        return error.code


GOOD = random_finger(2, 10).to_bytes()


@settings(max_examples=500)
@given(st.binary(max_size=200))
@example(b"")
@example(b"RZMT")
def test_arbitrary_bytes_are_a_template_or_refused(data: bytes) -> None:
    template = read(data)
    if isinstance(template, FingerTemplate):
        assert template.to_bytes() == data
    else:
        assert template in CODES


@settings(max_examples=1000)
@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255), st.integers(-3, 3))
def test_damaged_bytes_are_a_template_or_refused(place: int, value: int, extra: int) -> None:
    data = bytearray(GOOD)
    data[place] = value
    damaged = bytes(data[: len(data) + extra] + b"\0" * extra)
    template = read(damaged)
    if isinstance(template, FingerTemplate):
        assert template.to_bytes() == damaged
        assert np.all(template.x <= template.width)
        assert np.all(template.y <= template.height)
        assert set(template.kind.tolist()) <= {MinutiaKind.ENDING, MinutiaKind.BIFURCATION}
    else:
        assert template in CODES


@pytest.mark.parametrize("length", range(len(GOOD)))
def test_a_template_that_was_cut_off_is_malformed(length: int) -> None:
    with pytest.raises(InvalidTemplate) as raised:
        FingerTemplate.from_bytes(GOOD[:length])
    assert raised.value.code == "template_malformed"


@pytest.mark.parametrize(
    ("place", "value", "code"),
    [
        (0, b"X", "template_malformed"),
        (4, b"\x03", "template_version_unsupported"),
        (4, b"\x02", "template_malformed"),  # the other form has another length
        (5, b"\x65", "template_malformed"),  # quality 101
        (6, b"\0\0", "template_malformed"),  # no width
        (8, b"\xff\xff", "template_malformed"),  # a height beyond the stored form
        (10, b"\x0b", "template_malformed"),  # one minutia more than there is
        (11, b"\0", "template_malformed"),  # no engine
        (12, b"\x07", "template_malformed"),  # an engine that cannot be printed
        (12, b"\xe9", "template_malformed"),  # or is not ASCII
        (12 + len(ENGINE), b"\xff\xff", "template_malformed"),  # x beyond the width
        (18 + len(ENGINE), b"\x7f", "template_malformed"),  # a minutia's quality of 127
    ],
)
def test_each_field_is_checked(place: int, value: bytes, code: str) -> None:
    with pytest.raises(InvalidTemplate) as raised:
        FingerTemplate.from_bytes(GOOD[:place] + value + GOOD[place + len(value) :])
    assert raised.value.code == code
