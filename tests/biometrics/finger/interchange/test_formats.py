"""Every format: golden files both ways, what they mean, and templates that come back as they went."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biometrics.errors import IncompatibleTemplates
from biometrics.finger import FingerEngine, FingerTemplate, MinutiaKind, PreparedFinger, matcher
from biometrics.finger.interchange import FingerPosition, Format, Impression, View, read, read_views, sniff, write
from biometrics.finger.parameters import ENGINE

from ..points import captured_again, random_finger
from .golden import CARDS, GOLDEN, RECORDS

SAME = FingerTemplate.of(
    ENGINE,
    300,
    400,
    x=[100, 30],
    y=[200, 40],
    direction=[math.pi / 2, math.pi * 5 / 4],
    kind=[MinutiaKind.ENDING, MinutiaKind.BIFURCATION],
    minutia_quality=[90, 70],
    quality=66,
)
# Half of the unit of angles, in radians, and of that of places, in pixels (with what a template rounds to itself).
ANGLE_STEP = {
    form: 2 * math.pi / turn / 2
    for form, turn in zip(Format, (65536, 256, 256, 256, 256, 64, 180, 180, 1), strict=True)
}
PLACE_STEP = dict.fromkeys(Format, 0.5) | {
    Format.OWN: 0.0,
    Format.ISO_CARD_NORMAL: 0.1 + 1 / 32,
    Format.ISO_CARD_COMPACT: 1.0 + 1 / 32,
}


@pytest.mark.parametrize("form", GOLDEN)
def test_a_golden_file_means_what_its_text_says(form: Format) -> None:
    (view,) = read_views(GOLDEN[form])
    template = view.template
    assert sniff(GOLDEN[form]) == form
    assert template.engine == f"import:{form}"
    # A pixel is 0.508 of the compact size's unit.
    np.testing.assert_allclose(template.x, [100, 30], atol=PLACE_STEP[form])
    np.testing.assert_allclose(template.y, [200, 40], atol=PLACE_STEP[form])
    np.testing.assert_allclose(template.direction, SAME.direction, atol=ANGLE_STEP[form] + 1e-3)
    assert template.kind.tolist() == [MinutiaKind.ENDING, MinutiaKind.BIFURCATION]
    if form in RECORDS:
        assert template.minutia_quality.tolist() == [90, 70]
        assert (view.position, view.impression) == (FingerPosition.RIGHT_INDEX, Impression.LIVE_PLAIN)
        assert (template.width, template.height, template.quality) == (300, 400, 66)
    else:
        assert template.minutia_quality.tolist() == [0, 0]
        assert (view.position, template.quality) == (FingerPosition.UNKNOWN, 0)
    if form is Format.SOURCEAFIS:
        assert (template.width, template.height) == (300, 400)


@pytest.mark.parametrize("form", [*RECORDS, *CARDS])
def test_what_is_written_is_the_golden_file(form: Format) -> None:
    assert write([View(SAME, FingerPosition.RIGHT_INDEX)], form).hex() == GOLDEN[form].hex()


def test_own_forms_are_read_too() -> None:
    for form in (Format.OWN, Format.OWN_COMPACT):
        data = write([SAME], form)
        (again,) = read(data)
        assert sniff(data) == form
        assert again.engine == ENGINE
        assert write([again], form) == data


places = st.tuples(st.integers(0, 16 * 387), st.integers(0, 16 * 373))
minutiae = st.lists(st.tuples(places, st.floats(0, 6.28), st.integers(1, 2), st.integers(0, 100)), max_size=100)


@st.composite
def templates(draw: st.DrawFn) -> FingerTemplate:
    rows = draw(minutiae)
    x, y = (np.array([place[axis] for place, *_ in rows]) / 16 for axis in (0, 1))
    direction, kind, quality = (np.array([row[field] for row in rows]) for field in (1, 2, 3))
    return FingerTemplate.of(
        ENGINE,
        388,
        374,
        x=x,
        y=y,
        direction=direction,
        kind=kind,
        minutia_quality=quality,
        quality=draw(st.integers(0, 100)),
    )


written = st.sampled_from([form for form in Format if form is not Format.SOURCEAFIS])


@given(templates(), written)
def test_a_template_comes_back_but_for_the_rounding(template: FingerTemplate, form: Format) -> None:
    data = write([template], form)
    if form in CARDS:
        (again,) = read(data, form)  # with few minutiae the size may be ambiguous
    else:
        (again,) = read(data)
    assert again.kind.tolist() == template.kind.tolist()
    for found, given_places, side in ((again.x, template.x, 388), (again.y, template.y, 374)):
        inside = np.minimum(given_places, side - 1) if form in RECORDS else given_places  # records count from 0
        np.testing.assert_allclose(found, inside, atol=PLACE_STEP[form])
    np.testing.assert_array_less(
        1.0 - np.cos(again.direction - template.direction), 1.0 - math.cos(ANGLE_STEP[form]) + 1e-6
    )
    if form not in CARDS:
        assert (again.width, again.height, again.quality) == (388, 374, template.quality)
        assert again.minutia_quality.tolist() == template.minutia_quality.tolist()
    assert write([again], form) == data, "what was rounded once isn't rounded again"


views = st.lists(
    st.builds(View, templates(), st.sampled_from(FingerPosition), st.sampled_from(list(Impression)[:9])),
    min_size=1,
    max_size=5,
)


@given(views, st.sampled_from(RECORDS))
def test_a_record_holds_several_views(given_views: list[View], form: Format) -> None:
    data = write(given_views, form)
    again = read_views(data)
    assert sniff(data) == form
    assert [(one.position, one.impression, len(one.template)) for one in again] == [
        (one.position, one.impression, len(one.template)) for one in given_views
    ]
    assert [one.template.quality for one in again] == [one.template.quality for one in given_views]
    assert write(again, form) == data


# Where the number of the first view stands, and how long a view of two minutiae is.
FIRST_VIEW = {
    Format.ISO_2005: (25, 18),
    Format.ANSI_2004: (27, 18),
    Format.ISO_2011: (40, 51),
    Format.ANSI_2009: (22, 31),
}


@pytest.mark.parametrize("form", RECORDS)
def test_views_of_a_finger_are_numbered(form: Format) -> None:
    data = write([View(SAME, FingerPosition.LEFT_THUMB), View(SAME, FingerPosition.LEFT_THUMB), SAME], form)
    place, length = FIRST_VIEW[form]
    numbers = [data[place + view * length] for view in range(3)]
    assert numbers == ([0x00, 0x10, 0x00] if form in {Format.ISO_2005, Format.ANSI_2004} else [0, 1, 0])
    with pytest.raises(ValueError, match="more than 16"):
        write([SAME] * 17, form)


@pytest.mark.parametrize("form", RECORDS)
def test_an_impression_that_the_format_cannot_say(form: Format) -> None:
    said = [read_views(write([View(SAME, impression=one)], form))[0].impression for one in Impression]
    if form in {Format.ISO_2011, Format.ANSI_2009}:
        assert said == list(Impression)
    else:
        assert said == [
            *list(Impression)[:9],
            Impression.LIVE_PLAIN,
            Impression.CONTACTLESS,
            Impression.LIVE_PLAIN,
            Impression.LIVE_PLAIN,
        ]


@pytest.mark.parametrize("form", [Format.OWN, Format.OWN_COMPACT, *CARDS])
def test_one_template_formats_refuse_two(form: Format) -> None:
    with pytest.raises(ValueError, match="holds one"):
        write([SAME, SAME], form)


def test_what_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="is not written"):
        write([SAME], Format.SOURCEAFIS)
    for nothing in ([], [SAME] * 256):
        with pytest.raises(ValueError, match="1 to 255"):
            write(nothing, Format.ISO_2005)


def test_a_long_capture_is_moved_into_a_compact_card() -> None:
    x, y = np.array([700.0, 900.0, 1000.0, 1250.0]), np.array([10.0, 20.0, 30.0, 40.0])
    tall = FingerTemplate.of(
        ENGINE, 1300, 600, x=x, y=y, direction=[0, 1, 2, 3], kind=[1, 2, 1, 2], minutia_quality=[9, 8, 7, 6], quality=50
    )
    (again,) = read(write([tall], Format.ISO_CARD_COMPACT), Format.ISO_CARD_COMPACT)
    np.testing.assert_allclose(again.x, x[:3] - 700, atol=1.1)  # 25.5 mm are 502 pixels
    np.testing.assert_allclose(again.y, y[:3], atol=1.1)
    (again,) = read(write([tall], Format.ISO_CARD_NORMAL), Format.ISO_CARD_NORMAL)
    np.testing.assert_allclose(again.x, x, atol=0.2)


def test_what_was_read_is_compared_only_when_asked_for() -> None:
    engine = FingerEngine.__new__(FingerEngine)  # comparing needs no network
    finger = random_finger(5)
    probe = captured_again(finger, turn=0.2, shift=(5, -3), jitter=1.0, seed=1)
    stranger = random_finger(6)
    for form in (*RECORDS, *CARDS):
        (imported,) = read(write([finger], form), form)
        with pytest.raises(IncompatibleTemplates):
            engine.compare(probe, imported)
        reference = engine.prepare_imported(imported)
        own = matcher.score(PreparedFinger.of(probe), PreparedFinger.of(finger))
        assert engine.compare(probe, reference) > 0.8 * own > 40, form
        assert engine.compare(stranger, reference) < 20, form
    older = FingerTemplate.of("leader-edges-0", 9, 9, x=[], y=[], direction=[], kind=[], minutia_quality=[], quality=0)
    with pytest.raises(IncompatibleTemplates):
        engine.prepare_imported(older)
    assert engine.prepare_imported(finger).template is finger
