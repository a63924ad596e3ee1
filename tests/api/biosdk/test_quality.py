"""`/check-quality`: the engines' own measures, the worst segment's, and 0 with the reason for what is not seen."""

from typing import Any

import pytest

from biometrics.finger.interchange import Format, write
from tests.api.biosdk.mosip import BLURRED, NOBODY, Mosip, face, finger, record, segment
from tests.biometrics.finger.points import random_finger


def scores(mosip: Mosip, *segments: dict[str, Any], kinds: Any = None) -> dict[str, Any]:
    found = mosip.done("check-quality", {"sample": record(*segments), "modalitiesToCheck": kinds, "flags": {}})
    assert set(found) == {"scores", "analyticsInfo"}
    assert all(set(one) == {"score", "errors", "analyticsInfo"} for one in found["scores"].values())
    told: dict[str, Any] = found["scores"]
    return told


def test_qualities_are_those_of_the_engines(mosip: Mosip) -> None:
    found = scores(mosip, face(50), finger(60, "Left", "Thumb"))
    assert {kind: (one["score"], one["errors"]) for kind, one in found.items()} == {
        "FACE": (50, []),
        "FINGER": (60, []),
    }
    assert set(scores(mosip, face(50), finger(60), kinds=["FINGER"])) == {"FINGER"}


def test_the_worst_finger_counts(mosip: Mosip) -> None:
    assert scores(mosip, finger(60), finger(40), finger(90))["FINGER"]["score"] == 40


@pytest.mark.parametrize(("shade", "reason"), [(NOBODY, "no_face"), (BLURRED, "low_quality")])
def test_what_is_not_seen_has_no_quality(mosip: Mosip, shade: int, reason: str) -> None:
    found = scores(mosip, face(shade))["FACE"]
    assert found["score"] == 0
    assert found["errors"][0].startswith(f"{reason}: ")
    assert scores(mosip, finger(60), finger(NOBODY))["FINGER"]["score"] == 0


def test_templates_tell_their_quality(mosip: Mosip) -> None:
    made = mosip.done("extract-template", {"sample": record(face(50), finger(60))})
    found = scores(mosip, *made["segments"])
    assert (found["FACE"]["score"], found["FINGER"]["score"]) == (50, 60)
    other = random_finger(1, 20)
    assert scores(mosip, segment("FINGER", write([other], Format.ISO_2005)))["FINGER"]["score"] == other.quality


def test_iris_and_what_is_not_there(mosip: Mosip) -> None:
    found = scores(mosip, face(50), segment("IRIS", b"a", "Left"), kinds=["IRIS", "FINGER"])
    assert found["IRIS"] == {"score": 0, "errors": ["Modality IRIS is not supported"], "analyticsInfo": {}}
    assert found["FINGER"] == {"score": 0, "errors": ["Biometrics not found in CBEFF"], "analyticsInfo": {}}


@pytest.mark.parametrize(
    ("inner", "status"),
    [
        ({}, 402),
        ({"sample": record()}, 402),
        ({"sample": record(segment("FACE", b"no picture"))}, 401),
        ({"sample": record(segment("FINGER", b"FMR\x00 20\0"))}, 401),
        ({"sample": record(face(50)), "modalitiesToCheck": [5]}, 401),
    ],
)
def test_what_is_no_question_has_a_status(mosip: Mosip, inner: Any, status: int) -> None:
    assert mosip.status("check-quality", inner) == status
