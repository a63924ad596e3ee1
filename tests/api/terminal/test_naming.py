"""The tag of a card: the written encoding, one tag for one card, another for every other."""

import hashlib
from datetime import date
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from api.terminal import naming

KEY = bytes(range(32))
CARD: dict[str, Any] = {
    "number": "11010519491231002X",
    "issuer": "北京市公安局朝阳分局",
    "valid_from": date(2016, 3, 1),
    "valid_to": date(2036, 3, 1),
}


def tag(key: bytes = KEY, **changes: Any) -> bytes:
    return naming.card_tag(key, **{**CARD, **changes})


def test_a_worked_example() -> None:
    """What another implementation has to give; made here from the description, byte by byte."""
    issuer = "北京市公安局朝阳分局".encode()
    message = b"\x00\x00\x00\x1211010519491231002X" + b"\x00\x00\x00\x1e" + issuer
    message += b"\x00\x00\x00\x0a2016-03-01" + b"\x00\x00\x00\x0a2036-03-01"
    made = hashlib.blake2b(message, key=KEY, digest_size=16, person=b"renzheng card v1").digest()
    assert tag() == made == bytes.fromhex("c5de7d28cfdfb146f2335a223d31492b")
    assert naming.key_id(KEY) == "70afca30150ec73d"


def test_a_long_term_card_has_no_last_day() -> None:
    message = b"\x00\x00\x00\x010" + b"\x00\x00\x00\x01i" + b"\x00\x00\x00\x0a2016-03-01" + bytes(4)
    made = hashlib.blake2b(message, key=KEY, digest_size=16, person=b"renzheng card v1").digest()
    assert naming.card_tag(KEY, "0", "i", date(2016, 3, 1), None) == made


@pytest.mark.parametrize(
    "changes",
    [
        {"number": "11010519491231002x"},
        {"number": " 11010519491231002X\n"},
        {"issuer": "北京市公安局 朝阳分局"},
        {"issuer": "\ufeff北京市公安局朝阳分局\u200b"},
    ],
)
def test_spellings_of_the_same_card_have_one_tag(changes: dict[str, Any]) -> None:
    assert tag(**changes) == tag()


@pytest.mark.parametrize(
    "changes",
    [
        {"number": "440524188001010014"},
        {"issuer": "北京市公安局海淀分局"},
        {"valid_from": date(2016, 3, 2)},
        {"valid_to": date(2036, 3, 2)},
        {"valid_to": None},
        {"key": bytes(32)},
    ],
)
def test_another_card_or_key_has_another_tag(changes: dict[str, Any]) -> None:
    assert tag(**changes) != tag()


def test_a_part_does_not_flow_into_the_next() -> None:
    days = (date(2016, 3, 1), None)
    assert naming.card_tag(KEY, "12", "3", *days) != naming.card_tag(KEY, "1", "23", *days)


@hypothesis.given(
    st.text(st.sampled_from("eか北市公局ｱ\u0301\u0304\u3099\u200b\u200d\ufeff \t\u1100\u1161\u11a8ﾞ\u2126"), max_size=8)
)
@hypothesis.example("か\u200b\u3099公安局")
@hypothesis.example("e\u200d\u0301")
def test_the_form_of_a_form_is_itself(text: str) -> None:
    """The service names the form that it keeps, a terminal what the card says: both have to be one card."""
    once = naming.canonical(text)
    assert naming.canonical(once) == once
    assert tag(issuer=once) == tag(issuer=text)


@pytest.mark.parametrize("length", [0, 16, 31, 33, 64])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        tag(key=bytes(length))
