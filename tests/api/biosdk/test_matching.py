"""`/match`: who matches whom, which finger is compared with which, and what cannot be compared."""

from typing import Any

import numpy as np
import pytest

from api.biosdk.engines import Engines
from api.biosdk.matching import Best, Finger, _evidence, _fingers
from api.biosdk.parameters import MAX_GALLERY, MAX_SEGMENTS
from biometrics.face import FaceTemplate
from biometrics.face.interchange import Coding, FacePicture, Format, write
from biometrics.finger import FingerEngine
from biometrics.finger.interchange import FingerPosition
from biometrics.finger.interchange import Format as Minutiae
from biometrics.finger.interchange import write as write_minutiae
from biometrics.scoring.calibration import Calibration
from biometrics.scoring.fusion import combine
from tests.api.biosdk.mosip import BLURRED, BREAKS, NOBODY, SECRET, Mosip, face, finger, record, segment, square
from tests.biometrics.finger.interchange.golden_pictures import ISO_2011
from tests.biometrics.finger.points import random_finger

LEFT_INDEX = ("Left", "IndexFinger")


def test_the_person_matches_and_others_do_not(mosip: Mosip) -> None:
    sample = record(face(50), finger(60, *LEFT_INDEX))
    found = mosip.match(sample, record(face(50), finger(60, *LEFT_INDEX)), record(face(51), finger(61, *LEFT_INDEX)))
    assert found == [{"FACE": "MATCHED", "FINGER": "MATCHED"}, {"FACE": "NOT_MATCHED", "FINGER": "NOT_MATCHED"}]


def test_a_decision_says_what_it_rests_on(mosip: Mosip, engines: Engines) -> None:
    (found,) = mosip.done("match", {"sample": record(face(50)), "gallery": [record(face(50))]})
    decision = found["decisions"]["FACE"]
    assert decision["errors"] == []
    told = decision["analyticsInfo"]
    assert all(isinstance(value, str) for value in told.values()), "MOSIP's maps hold texts"
    calibration = engines.calibrations[engines.face.engine]
    assert float(told["fmr"]) == pytest.approx(calibration.assess(1.0).fmr, rel=0.01)
    assert float(told["matchFmr"]) == engines.match_fmr
    assert (told["comparisons"], told["calibration"]) == ("1", calibration.version)


def test_only_the_modalities_asked_for_are_decided(mosip: Mosip) -> None:
    both = record(face(50), finger(60, *LEFT_INDEX))
    assert mosip.match(both, both, kinds=["FACE"]) == [{"FACE": "MATCHED"}]
    assert mosip.match(both, both, kinds=["finger"]) == [{"FINGER": "MATCHED"}]
    assert mosip.match(both, both, kinds=[]) == [{"FACE": "MATCHED", "FINGER": "MATCHED"}]


def test_iris_is_answered_and_never_matches(mosip: Mosip) -> None:
    eyes = record(segment("IRIS", b"IIR\x00020\0", "Left"))
    (found,) = mosip.done("match", {"sample": eyes, "gallery": [eyes], "modalitiesToMatch": ["IRIS"]})
    assert found["decisions"] == {
        "IRIS": {"match": "ERROR", "errors": ["Modality IRIS is not supported."], "analyticsInfo": {}}
    }
    mixed = record(face(50), segment("IRIS", b"IIR\x00020\0", "Left"))
    assert mosip.match(mixed, mixed) == [{"FACE": "MATCHED", "IRIS": "ERROR"}]


@pytest.mark.parametrize(
    "words", [("Left", "IndexFinger"), ("Left IndexFinger",), ("IndexFinger", "Left"), ("left indexfinger",)]
)
def test_a_finger_is_compared_with_the_same_finger(mosip: Mosip, words: tuple[str, ...]) -> None:
    gallery = record(finger(60, *LEFT_INDEX), finger(70, "Right", "Thumb"))
    assert mosip.match(record(finger(60, *words)), gallery) == [{"FINGER": "MATCHED"}]
    assert mosip.match(record(finger(70, *words)), gallery) == [{"FINGER": "NOT_MATCHED"}], "it is another finger's"


def test_an_unknown_finger_is_compared_with_all(mosip: Mosip) -> None:
    gallery = record(finger(60, *LEFT_INDEX), finger(70, "Right", "Thumb"), finger(80))
    for words in ((), ("UNKNOWN",), ("Left",)):
        (found,) = mosip.done("match", {"sample": record(finger(70, *words)), "gallery": [gallery]})
        decision = found["decisions"]["FINGER"]
        assert decision["match"] == "MATCHED"
        assert decision["analyticsInfo"]["comparisons"] == "3"
        assert "llr" not in decision["analyticsInfo"]


def test_a_finger_that_the_record_has_not_is_no_match(mosip: Mosip) -> None:
    (found,) = mosip.done(
        "match", {"sample": record(finger(60, *LEFT_INDEX)), "gallery": [record(finger(60, "Right", "Thumb"))]}
    )
    assert found["decisions"]["FINGER"]["match"] == "NOT_MATCHED"
    assert found["decisions"]["FINGER"]["errors"][0].startswith("not_enrolled")


def test_a_position_in_the_record_counts_where_the_segment_says_none(mosip: Mosip) -> None:
    samples = bytearray(ISO_2011[:78])
    place = ISO_2011.index(bytes.fromhex("00000004 ffd8ffd9"))
    picture = square(60)
    body = bytes(samples[16 + 4 : place]) + len(picture).to_bytes(4, "big") + picture
    made = bytes(samples[:8]) + (16 + 4 + len(body)).to_bytes(4, "big") + bytes(samples[12:16])
    made += (4 + len(body)).to_bytes(4, "big") + body
    sample = record(segment("FINGER", made))
    assert mosip.match(sample, record(finger(60, "Right", "MiddleFinger"))) == [{"FINGER": "MATCHED"}]
    (found,) = mosip.done("match", {"sample": sample, "gallery": [record(finger(60, *LEFT_INDEX))]})
    assert found["decisions"]["FINGER"]["match"] == "NOT_MATCHED"


@pytest.mark.parametrize("form", list(Format))
def test_records_of_faces_are_opened(mosip: Mosip, form: Format) -> None:
    coding = Coding.JPEG  # what it says of itself is not believed: it holds a PNG
    sample = record(segment("FACE", write([FacePicture(square(50), coding, 64, 64)], form)))
    assert mosip.match(sample, record(face(50)), record(face(51))) == [{"FACE": "MATCHED"}, {"FACE": "NOT_MATCHED"}]


def test_templates_match_as_pictures_do(mosip: Mosip) -> None:
    person = record(face(50), finger(60, *LEFT_INDEX))
    made = mosip.done("extract-template", {"sample": person})
    assert mosip.match(person, made) == [{"FACE": "MATCHED", "FINGER": "MATCHED"}]
    assert mosip.match(made, person, made) == [{"FACE": "MATCHED", "FINGER": "MATCHED"}] * 2
    assert mosip.match(record(face(51), finger(61, *LEFT_INDEX)), made) == [
        {"FACE": "NOT_MATCHED", "FINGER": "NOT_MATCHED"}
    ]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(write_minutiae([random_finger(1, 20)], Minutiae.ISO_2005), id="minutiae of others"),
        pytest.param(
            random_finger(1, 20).to_bytes().replace(b"leader-edges-2", b"leader-edges-1"), id="another version"
        ),
    ],
)
def test_templates_that_no_calibration_is_for_are_not_compared(mosip: Mosip, data: bytes) -> None:
    other = record(segment("FINGER", data, *LEFT_INDEX))
    for sample, gallery in ((record(finger(60, *LEFT_INDEX)), other), (other, record(finger(60, *LEFT_INDEX)))):
        (found,) = mosip.done("match", {"sample": sample, "gallery": [gallery]})
        assert found["decisions"]["FINGER"]["match"] == "ERROR"
        assert found["decisions"]["FINGER"]["errors"][0].startswith("template_engine_mismatch")


def test_a_face_of_another_engine_is_not_compared(mosip: Mosip) -> None:
    other = FaceTemplate.of("arcface-1", np.eye(128)[50], 50).to_bytes()
    assert mosip.match(record(face(50)), record(segment("FACE", other))) == [{"FACE": "ERROR"}]


@pytest.mark.parametrize(("shade", "reason"), [(NOBODY, "no_face"), (BLURRED, "low_quality")])
def test_who_is_not_seen_is_never_a_match(mosip: Mosip, shade: int, reason: str) -> None:
    for sample, gallery in ((face(shade), face(50)), (face(50), face(shade)), (face(shade), face(shade))):
        (found,) = mosip.done("match", {"sample": record(sample), "gallery": [record(gallery)]})
        assert found["decisions"]["FACE"]["match"] == "ERROR"
        assert found["decisions"]["FACE"]["errors"][0].startswith(f"{reason}: ")


def test_one_finger_that_is_not_seen_does_not_take_the_others_with_it(mosip: Mosip) -> None:
    gallery = record(finger(60, *LEFT_INDEX), finger(70, "Right", "Thumb"))
    sample = record(finger(NOBODY, *LEFT_INDEX), finger(70, "Right", "Thumb"))
    (found,) = mosip.done("match", {"sample": sample, "gallery": [gallery]})
    assert found["decisions"]["FINGER"]["match"] == "MATCHED"
    assert found["decisions"]["FINGER"]["errors"][0].startswith("no_finger")


def test_a_damaged_entry_of_the_gallery_is_its_own_error(mosip: Mosip) -> None:
    damaged = record(segment("FACE", b"FAC\x00030\0\xff"))
    found = mosip.match(record(face(50)), damaged, record(face(50)))
    assert found == [{"FACE": "ERROR"}, {"FACE": "MATCHED"}]


def test_an_engine_that_breaks_is_told_without_its_words(mosip: Mosip, caplog: pytest.LogCaptureFixture) -> None:
    found = mosip.done("match", {"sample": record(face(50)), "gallery": [record(face(BREAKS)), record(face(50))]})
    assert [one["decisions"]["FACE"]["match"] for one in found] == ["ERROR", "MATCHED"]
    assert SECRET not in str(found) + caplog.text
    assert "RuntimeError" in caplog.text
    assert mosip.status("match", {"sample": record(face(BREAKS)), "gallery": [record(face(50))]}) == 500
    assert SECRET not in caplog.text


def test_what_is_missing_on_one_side(mosip: Mosip) -> None:
    only_face, only_finger = record(face(50)), record(finger(60, *LEFT_INDEX))
    assert mosip.match(only_face, only_finger) == [{"FACE": "NOT_MATCHED"}]
    assert mosip.match(only_face, only_face, kinds=["FACE", "FINGER"]) == [{"FACE": "MATCHED", "FINGER": "ERROR"}]
    absent = {**finger(60, *LEFT_INDEX), "bdb": None, "others": {"EXCEPTION": "true"}}
    assert mosip.match(only_finger, record(face(50), absent)) == [{"FINGER": "NOT_MATCHED"}]


@pytest.mark.parametrize(
    ("inner", "status"),
    [
        ({}, 402),
        ({"sample": record(face(50))}, 402),
        ({"sample": record(face(50)), "gallery": []}, 402),
        ({"sample": record(), "gallery": [record(face(50))]}, 402),
        ({"sample": "EchoMe", "gallery": [record(face(50))]}, 401),
        ({"sample": record(face(50)), "gallery": "EchoMe"}, 401),
        ({"sample": record(face(50)), "gallery": [None]}, 402),
        ({"sample": record(face(50)), "gallery": [record(face(50))], "modalitiesToMatch": "FACE"}, 401),
        ({"sample": record(face(50)), "gallery": [record(face(50))], "modalitiesToMatch": ["NOSE"]}, 401),
        ({"sample": record(segment("FACE", b"")), "gallery": [record(face(50))]}, 404),
        ({"sample": record(segment("FACE", b"EchoMe")), "gallery": [record(face(50))]}, 401),
        ({"sample": record(segment("FACE", ISO_2011)), "gallery": [record(face(50))]}, 401),
        ({"sample": record(segment("FACE", b"FAC\x00030\0\xff")), "gallery": [record(face(50))]}, 401),
        ({"sample": record(segment("NOSE", b"a")), "gallery": [record(face(50))]}, 401),
        ({"sample": record(*[face(50)] * (MAX_SEGMENTS + 1)), "gallery": [record(face(50))]}, 401),
        ({"sample": record(face(50)), "gallery": [None] * (MAX_GALLERY + 1)}, 401),
    ],
)
def test_what_is_no_question_has_a_status(mosip: Mosip, inner: Any, status: int) -> None:
    told = mosip.ask("match", inner)
    assert told["response"]["statusCode"] == status
    assert told["response"]["response"] is None
    assert "EchoMe" not in str(told)


@pytest.mark.parametrize("copies", [2, 5, 10])
def test_copies_of_one_print_that_say_they_are_several_fingers_are_no_better_than_one(
    engines: Engines, monkeypatch: pytest.MonkeyPatch, copies: int
) -> None:
    """They were fused as independent where the reference did not say which finger it is: ten weak ones matched."""
    calibration = engines.calibrations[engines.finger.engine]
    weak = float(np.interp(np.log(1e-3), calibration.ln_fmr[::-1], calibration.score[::-1]))
    monkeypatch.setattr(type(engines.finger), "compare", lambda *_: weak)
    template = engines.finger.prepare(random_finger(5))
    probes = tuple(Finger(template, position) for position in list(FingerPosition)[1 : 1 + copies])
    fmr, llr = _evidence(calibration, _fingers(engines, probes, (Finger(template, FingerPosition.UNKNOWN),)))
    assert fmr == pytest.approx(copies * calibration.assess(weak).fmr)
    assert llr is None


def test_a_sample_without_anything_is_not_all_matched(mosip: Mosip) -> None:
    excepted = record(segment("FINGER", b"", "Left", "Thumb", EXCEPTION="true"))
    for what in ("match", "check-quality"):
        assert mosip.status(what, {"sample": excepted, "gallery": [excepted]}) == 404


def test_the_fmr_of_several_comparisons() -> None:
    calibration = Calibration.load(FingerEngine.engine)
    weak = float(np.interp(np.log(1e-3), calibration.ln_fmr[::-1], calibration.score[::-1]))
    alone = calibration.assess(weak)
    thumb, index = FingerPosition.LEFT_THUMB, FingerPosition.LEFT_INDEX
    assert _evidence(calibration, [Best(weak, 1, thumb)]) == (alone.fmr, alone.llr)
    assert _evidence(calibration, [Best(weak, 4)]) == (4 * alone.fmr, None)
    fused = combine([(calibration, weak)] * 2)
    assert fused is not None
    assert _evidence(calibration, [Best(weak, 1, thumb), Best(weak, 1, index)]) == (fused.fmr, fused.llr)
    assert fused.fmr < alone.fmr, "two fingers say more than one"
    for dependent in ([Best(weak, 1, thumb)] * 2, [Best(weak, 1, thumb), Best(weak, 1)]):
        assert _evidence(calibration, dependent) == (2 * alone.fmr, None)
    assert _evidence(calibration, [Best(0.0, 3)]) == (1.0, None)
