"""The real comparer with engines that recognise grey squares: which comparisons are made, and what each failure says.

A square of shade n is person n. The engines themselves are tested where they live.
"""

import logging
from dataclasses import replace
from typing import cast

import numpy as np
import pytest
from PIL import Image

from api.matching.captures import Captures, FingerCapture, FingerPosition, Reference
from api.matching.comparison import CaptureInvalid, ModalityResult, PersonResult
from api.matching.digests import digest_of
from api.matching.engines import BiometricComparer
from biometrics.errors import NotAssessable
from biometrics.face import FaceEngine, FaceTemplate, Transform
from biometrics.finger import FingerEngine, FingerTemplate
from biometrics.images import decode
from biometrics.scoring.calibration import Calibration
from tests.api.pictures import BROKEN, written

NOBODY, BLURRED, BREAKS, SCORELESS = 0, 1, 2, 3
RIGHT, LEFT, THUMB = FingerPosition.RIGHT_INDEX, FingerPosition.LEFT_INDEX, FingerPosition.RIGHT_THUMB


def square(shade: int) -> bytes:
    return written(Image.new("L", (64, 64), shade), "PNG")


def photograph(shade: int) -> bytes:
    """Of person n as well, but another picture."""
    return written(Image.new("L", (48, 64), shade), "PNG")


def shade_of(pixels: np.ndarray, nobody: str) -> int:
    shade = int(pixels.flat[0])
    if shade == NOBODY:
        raise NotAssessable(nobody)
    if shade == BLURRED:
        raise NotAssessable("low_quality")
    if shade == BREAKS:
        raise RuntimeError("11010519491231002X")
    return shade


class Faces:
    """Shade n is the n-th direction."""

    engine = FaceEngine.engine

    def extract(self, image: bytes) -> FaceTemplate:
        return self.extract_pixels(decode(image).rgb)

    def extract_pixels(self, rgb: np.ndarray) -> FaceTemplate:
        shade = shade_of(rgb, "no_face")
        return FaceTemplate.of(self.engine, np.eye(128)[shade % 128], min(shade, 100))

    consolidate = FaceEngine.consolidate

    def compare(self, probe: FaceTemplate, reference: FaceTemplate) -> float:
        if probe.vector[SCORELESS] == 1:
            return float("nan")
        return FaceEngine.compare(cast(FaceEngine, self), probe, reference)


class Fingers:
    """Shade n is a finger of width 100 + n."""

    engine = FingerEngine.engine

    def __init__(self) -> None:
        self.dpi: list[float] = []

    def extract_pixels(self, grey: np.ndarray, *, dpi: float) -> FingerTemplate:
        self.dpi.append(dpi)
        shade = shade_of(grey, "no_finger")
        none = np.zeros(0)
        return FingerTemplate.of(
            self.engine, 100 + shade, 100, x=none, y=none, direction=none, kind=none, minutia_quality=none, quality=70
        )

    def compare(self, probe: FingerTemplate, reference: FingerTemplate) -> float:
        return 60.0 if probe.width == reference.width else 0.0


@pytest.fixture(scope="module")
def fingers() -> Fingers:
    return Fingers()


@pytest.fixture(scope="module")
def comparer(fingers: Fingers) -> BiometricComparer:
    return BiometricComparer(cast(FaceEngine, Faces()), cast(FingerEngine, fingers), threads=2)


def finger(position: FingerPosition, shade: int) -> FingerCapture:
    return FingerCapture(position, square(shade))


def enrolled(comparer: BiometricComparer, face: int | None = 9, **held: int) -> tuple[Reference, ...]:
    """What a card of person 9 holds."""
    captures = Captures(
        None if face is None else square(face), tuple(finger(FingerPosition(name), n) for name, n in held.items())
    )
    made = comparer.enrol(captures)
    assert not made.failures
    return tuple(Reference(one.modality, one.position, one.engine, one.template) for one in made.templates)


def told(result: PersonResult) -> list[tuple[str, FingerPosition | None, str | None]]:
    return [(one.modality, one.position, one.reason) for one in result.modalities]


def test_enrolment_makes_templates_in_the_order_of_the_captures(comparer: BiometricComparer) -> None:
    made = comparer.enrol(Captures(square(9), (finger(RIGHT, 9), finger(THUMB, 8))))
    assert [(one.modality, one.position, one.engine, one.quality) for one in made.templates] == [
        ("face", None, FaceEngine.engine, 9.0),
        ("finger", RIGHT, FingerEngine.engine, 70.0),
        ("finger", THUMB, FingerEngine.engine, 70.0),
    ]
    assert FaceTemplate.from_bytes(made.templates[0].template).quality == 9
    assert FingerTemplate.from_bytes(made.templates[1].template).width == 109


def test_several_pictures_of_a_face_make_one_template(comparer: BiometricComparer) -> None:
    both = comparer.enrol(Captures(square(9), more_faces=(photograph(9),)))
    (made,) = both.templates
    assert not both.failures
    assert FaceTemplate.from_bytes(made.template).vector[9] == pytest.approx(1)
    assert both.capture_digests == (digest_of(decode(square(9)).rgb), digest_of(decode(photograph(9)).rgb))
    (failure,) = comparer.enrol(Captures(square(9), more_faces=(photograph(10),))).failures
    assert (failure.modality, failure.reason) == ("face", "pictures_disagree")
    (failure,) = comparer.enrol(Captures(square(9), more_faces=(photograph(NOBODY),))).failures
    assert failure.reason == "no_face"


def test_enrolment_says_which_capture_failed(comparer: BiometricComparer) -> None:
    made = comparer.enrol(Captures(square(NOBODY), (finger(RIGHT, 9), finger(LEFT, BLURRED))))
    assert [one.position for one in made.templates] == [RIGHT]
    assert made.failures == (
        ModalityResult("face", None, "no_face"),
        ModalityResult("finger", LEFT, "low_quality"),
    )


@pytest.mark.parametrize("name", ["words", "half a jpeg", "bomb"])
def test_what_is_no_image_is_told_with_its_place(comparer: BiometricComparer, name: str) -> None:
    picture, code = BROKEN[name]
    references = enrolled(comparer, right_index=9)
    right = FingerCapture(RIGHT, picture)
    cases: list[tuple[Captures, tuple[Reference, ...], str]] = [
        (Captures(picture), references, "face"),
        (Captures(picture), (), "face"),
        (Captures(square(9), (right,)), references, "right_index"),
        (Captures(square(9), (right,)), (), "right_index"),
        (Captures(square(9), (), picture), references, "chip_photo"),
        (Captures(square(9), (), picture), (), "chip_photo"),
        (Captures(square(9), (), picture), enrolled(comparer, None, right_index=9), "chip_photo"),
    ]
    for captures, held, place in cases:
        with pytest.raises(CaptureInvalid) as refused:
            comparer.compare(captures, held)
        assert (refused.value.code, refused.value.field) == (code, place)
    for captures, place in ((Captures(picture), "face"), (Captures(None, (right,)), "right_index")):
        with pytest.raises(CaptureInvalid) as refused:
            comparer.enrol(captures)
        assert (refused.value.code, refused.value.field) == (code, place)


def test_the_holder_is_assessed_by_every_modality(comparer: BiometricComparer) -> None:
    result = comparer.compare(
        Captures(square(9), (finger(RIGHT, 9), finger(LEFT, 9))), enrolled(comparer, right_index=9, left_index=9)
    )
    assert told(result) == [("face", None, None), ("finger", RIGHT, None), ("finger", LEFT, None)]
    face, right, left = result.modalities
    expected = [
        Calibration.load(FaceEngine.engine).assess(1.0),
        *[Calibration.load(FingerEngine.engine).assess(60.0)] * 2,
    ]
    assert [(one.llr, one.fmr) for one in (face, right, left)] == [(one.llr, one.fmr) for one in expected]
    assert result.llr == pytest.approx(sum(one.llr for one in expected))
    assert result.fmr is not None
    assert result.fmr < 1e-6
    assert result.consistency is not None
    assert result.consistency > 0.999
    assert result.engines == (FaceEngine.engine, FingerEngine.engine)


def test_another_person_is_assessed_and_does_not_match(comparer: BiometricComparer) -> None:
    result = comparer.compare(Captures(square(8), (finger(RIGHT, 8),)), enrolled(comparer, right_index=9))
    assert all(one.assessed for one in result.modalities)
    assert result.fmr is not None
    assert result.fmr > 0.1
    assert result.consistency is not None
    assert result.consistency < 0.01


def test_fingers_are_compared_with_the_same_position_only(comparer: BiometricComparer) -> None:
    result = comparer.compare(Captures(square(9), (finger(LEFT, 9),)), enrolled(comparer, right_index=9))
    assert told(result) == [
        ("face", None, None),
        ("finger", LEFT, "not_enrolled"),
        ("finger", RIGHT, "not_captured"),
    ], "the finger that the card does not hold excuses none that it holds"


def test_one_held_finger_of_those_captured_is_enough(comparer: BiometricComparer) -> None:
    captures = Captures(square(9), (finger(RIGHT, 9), finger(THUMB, 9)))
    result = comparer.compare(captures, enrolled(comparer, right_index=9, left_index=9))
    assert told(result) == [("face", None, None), ("finger", RIGHT, None), ("finger", THUMB, "not_enrolled")]


def test_a_card_without_fingers_says_so(comparer: BiometricComparer) -> None:
    assert told(comparer.compare(Captures(square(9)), enrolled(comparer)))[1:] == [("finger", None, "not_enrolled")]
    captured = comparer.compare(Captures(square(9), (finger(RIGHT, 9),)), enrolled(comparer))
    assert told(captured)[1:] == [("finger", RIGHT, "not_enrolled")]


def test_what_was_not_captured_is_not_assessed(comparer: BiometricComparer) -> None:
    result = comparer.compare(Captures(None, (finger(RIGHT, 9),)), enrolled(comparer, right_index=9))
    assert told(result) == [("face", None, "not_captured"), ("finger", RIGHT, None)]
    nothing = comparer.compare(Captures(square(NOBODY)), enrolled(comparer, right_index=9))
    assert told(nothing) == [("face", None, "no_face"), ("finger", RIGHT, "not_captured")]
    assert (nothing.consistency, nothing.llr, nothing.fmr) == (None, None, None)


@pytest.mark.parametrize(
    ("shade", "reason"),
    [(NOBODY, "no_face"), (BLURRED, "low_quality"), (BREAKS, "engine_failed"), (SCORELESS, "engine_failed")],
)
def test_a_face_that_gives_no_score_leaves_the_finger_to_speak(
    comparer: BiometricComparer, shade: int, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    captures = Captures(square(shade), (finger(RIGHT, 9),))
    with caplog.at_level(logging.DEBUG):
        result = comparer.compare(captures, enrolled(comparer, right_index=9))
    assert told(result) == [("face", None, reason), ("finger", RIGHT, None)]
    assert (result.modalities[0].llr, result.modalities[0].fmr) == (None, None)
    assert result.llr == result.modalities[1].llr
    assert (reason == "engine_failed") == ("failed" in caplog.text)
    assert "11010519491231002X" not in caplog.text


@pytest.mark.parametrize(
    ("engine", "template", "reason"),
    [
        (FaceEngine.engine, None, "template_damaged"),
        (FaceEngine.engine, b"", "template_damaged"),
        (FaceEngine.engine, b"RZFT\x01nonsense", "template_damaged"),
        ("sface-0", b"whatever", "engine_mismatch"),
        (FingerEngine.engine, b"", "template_damaged"),
    ],
)
def test_a_reference_that_cannot_be_used(
    comparer: BiometricComparer, engine: str, template: bytes | None, reason: str
) -> None:
    result = comparer.compare(Captures(square(9)), (Reference("face", None, engine, template),))
    assert told(result)[0] == ("face", None, reason)
    assert result.fmr is None


@pytest.mark.parametrize("shade", [9, 8])
def test_a_turned_reference_scores_as_it_did(comparer: BiometricComparer, shade: int) -> None:
    """The person and the chip's photograph are turned as it is."""
    captures, transform = Captures(square(shade), (), photograph(9)), Transform("one", b"t" * 32)
    (plain,) = enrolled(comparer)
    assert plain.template is not None
    stored = transform.turn(FaceTemplate.from_bytes(plain.template)).to_bytes()
    before, after = (
        comparer.compare(captures, (one,)) for one in (plain, replace(plain, template=stored, transform=transform))
    )
    assert before.llr is not None
    assert after.llr == pytest.approx(before.llr, abs=1e-4)
    assert before.chip_photo is not None
    assert after.chip_photo is not None
    assert after.chip_photo.llr == pytest.approx(before.chip_photo.llr, abs=1e-4)
    without = comparer.compare(captures, (replace(plain, template=stored),))
    assert told(without)[0] == ("face", None, "engine_mismatch"), "never a match, nor a comparison"


class TestChipPhotograph:
    """It tells of the card where the register holds a face, and of the person where it holds nothing."""

    def test_is_compared_with_the_registered_face(self, comparer: BiometricComparer) -> None:
        for shade, same in ((9, True), (8, False)):
            result = comparer.compare(Captures(square(9), (), photograph(shade)), enrolled(comparer))
            assert not result.by_chip_photo
            assert result.chip_photo is not None
            assert result.chip_photo.fmr is not None
            assert (result.chip_photo.fmr < 1e-3) is same
            assert result.modalities[0].fmr is not None
            assert result.modalities[0].fmr < 1e-4, "the person is compared with the register, not with the chip"

    def test_is_the_reference_of_an_unknown_card(self, comparer: BiometricComparer) -> None:
        for shade, same in ((9, True), (8, False)):
            result = comparer.compare(Captures(square(9), (), photograph(shade)), ())
            assert result.by_chip_photo
            assert result.chip_photo is None
            assert result.fmr is not None
            assert (result.fmr < 1e-4) is same

    def test_without_a_face_is_no_reference(self, comparer: BiometricComparer) -> None:
        result = comparer.compare(Captures(square(9), (), photograph(NOBODY)), ())
        assert told(result)[0] == ("face", None, "no_reference")
        assert result.fmr is None

    def test_of_a_card_registered_with_fingers_only_is_compared_with_nothing(self, comparer: BiometricComparer) -> None:
        result = comparer.compare(Captures(square(9), (), photograph(9)), enrolled(comparer, None, right_index=9))
        assert told(result)[0] == ("face", None, "not_enrolled")
        assert result.chip_photo is not None
        assert result.chip_photo.reason == "not_enrolled"

    def test_that_was_not_sent_is_not_spoken_of(self, comparer: BiometricComparer) -> None:
        assert comparer.compare(Captures(square(9)), enrolled(comparer)).chip_photo is None
        unknown = comparer.compare(Captures(square(9)), ())
        assert not unknown.by_chip_photo
        assert told(unknown)[0] == ("face", None, "not_enrolled")


def test_the_scanners_resolution_is_passed_on(comparer: BiometricComparer, fingers: Fingers) -> None:
    references = enrolled(comparer, right_index=9)
    fingers.dpi.clear()
    stated = written(Image.new("L", (64, 64), 9), "PNG", dpi=(1000, 1000))
    for capture in (
        FingerCapture(RIGHT, square(9), 800.0),
        FingerCapture(RIGHT, square(9)),
        FingerCapture(RIGHT, stated),
        FingerCapture(RIGHT, stated, 800.0),
    ):
        comparer.compare(Captures(square(9), (capture,)), references)
    assert fingers.dpi == pytest.approx([800.0, 500.0, 1000.0, 800.0], abs=0.1), "the file's own, else 500"


class TestDigests:
    """Of every live capture that was assessed, so that it is known when it comes again."""

    def test_of_what_was_assessed(self, comparer: BiometricComparer) -> None:
        captures = Captures(square(9), (finger(RIGHT, 8), finger(THUMB, 7)), photograph(9))
        result = comparer.compare(captures, enrolled(comparer, right_index=9))
        assert result.capture_digests == (digest_of(decode(square(9)).rgb), digest_of(decode(square(8)).grey)), (
            "the thumb is not enrolled, and the chip's photograph is no live capture"
        )
        assert "digest" not in repr(result)

    def test_of_the_person_compared_with_the_photograph(self, comparer: BiometricComparer) -> None:
        result = comparer.compare(Captures(square(8), (), photograph(9)), ())
        assert result.capture_digests == (digest_of(decode(square(8)).rgb),)

    @pytest.mark.parametrize("shade", [NOBODY, BLURRED, BREAKS])
    def test_none_of_what_was_not(self, comparer: BiometricComparer, shade: int) -> None:
        assert comparer.compare(Captures(square(shade)), enrolled(comparer)).capture_digests == ()

    def test_of_what_was_enrolled(self, comparer: BiometricComparer) -> None:
        made = comparer.enrol(Captures(square(9), (finger(RIGHT, 8), finger(LEFT, BLURRED))))
        assert made.capture_digests == (digest_of(decode(square(9)).rgb), digest_of(decode(square(8)).grey))

    @pytest.mark.parametrize("known", [True, False])
    def test_the_photograph_is_not_the_person(self, comparer: BiometricComparer, known: bool) -> None:
        """Whoever holds the card holds its photograph, too; here in another file."""
        live = written(Image.new("RGB", (48, 64), (9, 9, 9)), "BMP")
        with pytest.raises(CaptureInvalid) as refused:
            comparer.compare(Captures(live, (), photograph(9)), enrolled(comparer) if known else ())
        assert (refused.value.code, refused.value.field) == ("capture_duplicate", "face")


def test_captures_and_templates_are_not_in_any_repr() -> None:
    captures = Captures(b"face", (FingerCapture(RIGHT, b"finger", 500.0),), b"photo")
    reference = Reference("face", None, FaceEngine.engine, b"template")
    for shown in (repr(captures), repr(reference)):
        assert not [word for word in ("b'face'", "finger'", "photo'", "template'") if word in shown]


def probes(result: PersonResult) -> list[tuple[str, FingerPosition | None]]:
    return [(one.modality, one.position) for one in result.probes]


def test_what_was_compared_is_a_probe(comparer: BiometricComparer) -> None:
    result = comparer.compare(Captures(square(9), (finger(RIGHT, 7),)), enrolled(comparer, right_index=9))
    assert probes(result) == [("face", None), ("finger", RIGHT)], "a mismatch is one too"
    face, held = result.probes
    assert isinstance(face.template, FaceTemplate)
    assert isinstance(held.template, FingerTemplate)
    assert (int(face.template.vector.argmax()), held.template.width) == (9, 107)
    assert "vector" not in repr(result), "nothing biometric gets into a log"


def test_what_the_card_does_not_hold_is_a_probe_where_it_is_searched_for(comparer: BiometricComparer) -> None:
    captures = Captures(square(9), (finger(RIGHT, 9),))
    assert probes(comparer.compare(captures, ())) == []
    assert probes(comparer.compare(captures, (), {"face"})) == [("face", None)]
    result = comparer.compare(captures, (), {"face", "finger"})
    assert probes(result) == [("face", None), ("finger", RIGHT)]
    assert told(result) == [("face", None, "not_enrolled"), ("finger", RIGHT, "not_enrolled")]
    assert result.fmr is None


def test_a_damaged_reference_takes_no_probe_away(comparer: BiometricComparer) -> None:
    broken = Reference("face", None, FaceEngine.engine, None)
    result = comparer.compare(Captures(square(9)), (broken,))
    assert (told(result)[0], probes(result)) == (("face", None, "template_damaged"), [("face", None)])


@pytest.mark.parametrize(("shade", "reason"), [(NOBODY, "not_enrolled"), (BREAKS, "engine_failed")])
def test_a_probe_that_cannot_be_made(comparer: BiometricComparer, shade: int, reason: str) -> None:
    """A fault of the engine is told from a capture's: the list was not searched, and should have been."""
    result = comparer.compare(Captures(square(shade)), (), {"face"})
    assert (told(result)[0], probes(result)) == (("face", None, reason), [])


def test_a_probe_that_is_no_image_is_refused(comparer: BiometricComparer) -> None:
    with pytest.raises(CaptureInvalid):
        comparer.compare(Captures(b"no image"), (), {"face"})
