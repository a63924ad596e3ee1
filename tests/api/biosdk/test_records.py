"""Records in MOSIP's JSON: bytes in all the forms that its versions send, and what is none of them."""

import base64
from typing import Any

import pytest

from api.biosdk import records
from api.biosdk.positions import position_of
from api.biosdk.statuses import OperationFailed, Status
from biometrics.finger.interchange import FingerPosition
from tests.api.biosdk.mosip import numbers, record, segment

DATA = bytes(range(256))


def read(bdb: Any) -> records.Segment:
    return records.read(record({**segment("FACE", b""), "bdb": bdb}), "sample").segments[0]


@pytest.mark.parametrize(
    "bdb",
    [
        pytest.param(numbers(DATA), id="signed, as Java's library writes them"),
        pytest.param(list(DATA), id="unsigned, as the collection of examples does"),
        pytest.param(base64.b64encode(DATA).decode(), id="base64, as its client does"),
        pytest.param(base64.urlsafe_b64encode(DATA).decode().rstrip("="), id="base64url without padding"),
    ],
)
def test_bytes_are_read(bdb: Any) -> None:
    found = read(bdb)
    assert found.data == DATA
    assert found.numbers is isinstance(bdb, list)


@pytest.mark.parametrize(
    "bdb",
    [
        5,
        {},
        True,
        [256],
        [-129],
        [1, "a"],
        [1.5],
        [True],
        [10**30],
        [None],
        [[1]],
        "a",
        "a*b=",
        "\u00e9\u00e9\u00e9\u00e9",
    ],
)
def test_what_are_no_bytes_is_refused(bdb: Any) -> None:
    with pytest.raises(OperationFailed) as caught:
        read(bdb)
    assert caught.value.status is Status.INVALID_INPUT


@pytest.mark.parametrize("bdb", [None, [], ""])
def test_a_segment_without_data_has_to_say_so(bdb: Any) -> None:
    with pytest.raises(OperationFailed) as caught:
        read(bdb)
    assert caught.value.status is Status.BIOMETRIC_NOT_FOUND
    absent = {**segment("FACE", b""), "bdb": bdb, "others": {"EXCEPTION": True}}
    assert records.read(record(absent), "sample").segments[0].excepted


@pytest.mark.parametrize(
    "change",
    [
        {"bdbInfo": None},
        {"bdbInfo": {}},
        {"bdbInfo": {"type": []}},
        {"bdbInfo": {"type": "FACE"}},
        {"bdbInfo": {"type": [1]}},
        {"bdbInfo": {"type": ["FACE"], "subtype": [None]}},
        {"bdbInfo": {"type": ["FACE"], "subtype": "Left"}},
    ],
)
def test_what_is_no_segment_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(OperationFailed) as caught:
        records.read(record({**segment("FACE", b"a"), **change}), "sample")
    assert caught.value.status is Status.INVALID_INPUT


def test_all_ten_fingers_have_their_words() -> None:
    fingers = ("Thumb", "IndexFinger", "MiddleFinger", "RingFinger", "LittleFinger")
    words = [f"{side} {one}" for side in ("Right", "Left") for one in fingers]
    assert [position_of(one) for one in words] == list(FingerPosition)[1:]
    for other in ("", "UNKNOWN", "Left", "Thumb", "Left Right Thumb"):
        assert position_of(other) is FingerPosition.UNKNOWN


def test_nothing_of_a_person_is_in_a_repr() -> None:
    found = records.read(record(segment("FACE", b"EchoMe")), "sample")
    assert "Echo" not in repr(found)
    assert str(numbers(b"Echo"))[1:-1] not in repr(found)
