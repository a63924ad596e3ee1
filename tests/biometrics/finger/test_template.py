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


@given(minutiae)
def test_the_compact_form_rounds_to_a_pixel_and_a_256th_of_a_turn(
    rows: list[tuple[float, float, float, int, int]],
) -> None:
    template = template_of(rows)
    data = template.to_compact_bytes()
    again = FingerTemplate.from_bytes(data)
    kept = min(len(rows), (512 - 12 - len(ENGINE)) // 5)
    assert len(data) == 12 + len(ENGINE) + 5 * kept <= 512
    assert len(again) == kept
    np.testing.assert_allclose(again.x, template.x[:kept], atol=0.5)
    np.testing.assert_allclose(again.y, template.y[:kept], atol=0.5)
    turned = np.cos(again.direction - template.direction[:kept])
    assert np.all(turned >= math.cos(math.pi / 256) - 1e-6)
    np.testing.assert_array_equal(again.kind, template.kind[:kept])
    np.testing.assert_array_equal(again.minutia_quality, template.minutia_quality[:kept])
    assert (again.engine, again.width, again.height, again.quality) == (ENGINE, 388, 374, 61)
    assert again.to_compact_bytes() == data, "what was rounded once isn't rounded again"


def test_the_compact_form_is_what_the_documentation_says() -> None:
    template = FingerTemplate.of(
        "e1", 300, 400, x=[10.4], y=[20.5], direction=[math.pi / 2], kind=[2], minutia_quality=[77], quality=42
    )
    head = b"RZMT" + bytes([2, 42]) + struct.pack("<HH", 300, 400) + bytes([1, 2]) + b"e1"
    bits = 10 | 21 << 12 | 64 << 24 | 77 << 32 | 1 << 39
    assert template.to_compact_bytes() == head + bits.to_bytes(5, "little")


@pytest.mark.parametrize(("limit", "kept"), [(512, 97), (510, 96), (100, 14), (31, 1), (30, 0), (26, 0)])
def test_the_compact_form_keeps_the_surest_that_fit(limit: int, kept: int) -> None:
    template = random_finger(7, 100)
    grades = np.arange(100)
    graded = FingerTemplate.of(
        ENGINE,
        400,
        400,
        x=template.x,
        y=template.y,
        direction=template.direction,
        kind=template.kind,
        minutia_quality=grades,
        quality=80,
    )
    data = graded.to_compact_bytes(limit)
    assert len(data) <= limit
    assert FingerTemplate.from_bytes(data).minutia_quality.tolist() == grades[::-1][:kept].tolist()


def test_no_slot_is_too_small_in_silence() -> None:
    with pytest.raises(ValueError, match="25 bytes hold no template"):
        random_finger(1).to_compact_bytes(25)


def test_a_place_at_the_far_edge_stays_within_the_capture() -> None:
    template = FingerTemplate.of(
        ENGINE, 4095, 1, x=[4095], y=[1], direction=[6.28], kind=[1], minutia_quality=[1], quality=1
    )
    again = FingerTemplate.from_bytes(template.to_compact_bytes())
    assert (again.x.tolist(), again.y.tolist(), again.direction.tolist()) == ([4095], [1], [0])


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
COMPACT = random_finger(2, 10).to_compact_bytes()


def written_again(template: FingerTemplate, data: bytes) -> bytes:
    """In the form that the bytes have."""
    return template.to_compact_bytes() if data[4] == 2 else template.to_bytes()


@settings(max_examples=500)
@given(st.binary(max_size=200))
@example(b"")
@example(b"RZMT")
def test_arbitrary_bytes_are_a_template_or_refused(data: bytes) -> None:
    template = read(data)
    if isinstance(template, FingerTemplate):
        assert written_again(template, data) == data
    else:
        assert template in CODES


@settings(max_examples=1000)
@given(st.sampled_from([GOOD, COMPACT]), st.integers(0, len(COMPACT) - 1), st.integers(0, 255), st.integers(-3, 3))
def test_damaged_bytes_are_a_template_or_refused(good: bytes, place: int, value: int, extra: int) -> None:
    data = bytearray(good)
    data[place] = value
    damaged = bytes(data[: len(data) + extra] + b"\0" * extra)
    template = read(damaged)
    if isinstance(template, FingerTemplate):
        assert written_again(template, damaged) == damaged
        assert np.all(template.x <= template.width)
        assert np.all(template.y <= template.height)
        assert set(template.kind.tolist()) <= {MinutiaKind.ENDING, MinutiaKind.BIFURCATION}
    else:
        assert template in CODES


@pytest.mark.parametrize("good", [GOOD, COMPACT])
def test_a_template_that_was_cut_off_is_malformed(good: bytes) -> None:
    for length in range(len(good)):
        with pytest.raises(InvalidTemplate) as raised:
            FingerTemplate.from_bytes(good[:length])
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
