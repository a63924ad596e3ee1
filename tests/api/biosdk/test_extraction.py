"""`/extract-template`: records that engines of others read, with all else as MOSIP sent it."""

import base64
from typing import Any

import numpy as np
import pytest

from api.biosdk.engines import Engines
from biometrics.face import FaceTemplate
from biometrics.finger.interchange import FingerPosition, Format, embedding, read_views, sniff
from tests.api.biosdk.mosip import BLURRED, NOBODY, Mosip, face, finger, record, segment, square


def bytes_of(numbers: list[int]) -> bytes:
    assert min(numbers) < 0 or max(numbers) < 128, "Java's bytes are signed"
    return np.array(numbers, np.int8).tobytes()


def test_a_finger_becomes_a_record_of_the_standard(mosip: Mosip, engines: Engines) -> None:
    sent = record(finger(60, "Left", "IndexFinger"))
    (found,) = mosip.done("extract-template", {"sample": sent, "modalitiesToExtract": ["FINGER"]})["segments"]
    data = bytes_of(found["bdb"])
    assert sniff(data) is Format.ISO_2005
    (view,) = read_views(data)
    assert (view.position, len(view.template)) == (FingerPosition.LEFT_INDEX, 10)
    own = embedding.read(data)
    assert own is not None
    assert (own.engine, own.quality) == (engines.finger.engine, 60)
    assert found["bdbInfo"]["format"] == {"organization": "257", "type": "2"}
    assert found["bdbInfo"]["level"] == "PROCESSED"
    assert found["bdbInfo"]["quality"]["score"] == 60


def test_a_face_becomes_a_template_of_ours_that_says_so(mosip: Mosip, engines: Engines) -> None:
    (found,) = mosip.done("extract-template", {"sample": record(face(50))})["segments"]
    template = FaceTemplate.from_bytes(bytes_of(found["bdb"]))
    assert (template.engine, template.quality) == (engines.face.engine, 50)
    assert found["bdbInfo"]["format"] == {"organization": "Renzheng", "type": engines.face.engine}


def test_everything_else_comes_back_as_it_was_sent(mosip: Mosip) -> None:
    sent = record({**face(50), "somebody": {"knows": 1}}, finger(60, "Left", "IndexFinger"))
    found = mosip.done("extract-template", {"sample": sent})
    assert {**found, "segments": None} == {**sent, "segments": None}
    changed = {"format", "level", "quality"}
    for before, after in zip(sent["segments"], found["segments"], strict=True):
        assert {**after, "bdb": None, "bdbInfo": None} == {**before, "bdb": None, "bdbInfo": None}
        for name in before["bdbInfo"]:
            assert (after["bdbInfo"][name] == before["bdbInfo"][name]) is (name not in changed), name


def test_bytes_go_back_in_the_form_in_which_they_came(mosip: Mosip) -> None:
    sent = record(segment("FACE", square(50), as_text=True))
    (found,) = mosip.done("extract-template", {"sample": sent})["segments"]
    assert FaceTemplate.from_bytes(base64.b64decode(found["bdb"], validate=True)).quality == 50


def test_templates_and_what_says_that_there_is_none_come_back_as_they_are(mosip: Mosip) -> None:
    absent = {**finger(60, "Right", "Thumb"), "bdb": None, "others": {"EXCEPTION": "true"}}
    made = mosip.done("extract-template", {"sample": record(face(50), absent)})
    assert made["segments"][1] == absent
    assert mosip.done("extract-template", {"sample": made}) == made


@pytest.mark.parametrize(
    ("inner", "status"),
    [
        ({}, 402),
        ({"sample": record()}, 402),
        ({"sample": record(face(NOBODY))}, 406),
        ({"sample": record(face(50), finger(BLURRED))}, 406),
        ({"sample": record(segment("FACE", b"no picture"))}, 401),
        ({"sample": record(segment("IRIS", b"a", "Left"))}, 401),
        ({"sample": record(face(50)), "modalitiesToExtract": ["IRIS"]}, 401),
        ({"sample": record(face(50)), "modalitiesToExtract": ["FINGER"]}, 404),
        ({"sample": record(segment("FINGER", b"", "Left", "Thumb"))}, 404),
    ],
)
def test_what_cannot_be_extracted_has_a_status(mosip: Mosip, inner: Any, status: int) -> None:
    assert mosip.status("extract-template", inner) == status


@pytest.mark.parametrize(("kind", "data"), [("FINGER", b"FMR\0garbage"), ("FACE", b"RZFTgarbage")])
def test_what_only_begins_like_a_template_is_not_given_back_as_one(mosip: Mosip, kind: str, data: bytes) -> None:
    assert mosip.status("extract-template", {"sample": record(segment(kind, data, "Left", "Thumb"))}) == 401
