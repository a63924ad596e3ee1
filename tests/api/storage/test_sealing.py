"""Envelopes open for their record under their key and in no other way; look-up hashes are keyed."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.storage.errors import SealBroken
from api.storage.sealing import keyed_hash, seal, unseal

MASTER, OTHER = bytes(range(32)), bytes(range(1, 33))
VALUE = b"a template of a person"
ENVELOPE = seal(MASTER, VALUE, "template:1")


@given(st.binary(max_size=2000), st.text(max_size=50))
def test_what_is_sealed_opens(value: bytes, context: str) -> None:
    envelope = seal(MASTER, value, context)
    assert unseal(MASTER, envelope, context) == value
    assert len(envelope) == 1 + 12 + 48 + 12 + len(value) + 16


@pytest.mark.parametrize("place", range(len(ENVELOPE)))
def test_every_byte_counts(place: int) -> None:
    """Version, nonces, wrapped key, ciphertext, tag: each byte, and each of its bits at one place of every region."""
    for bit in range(8) if place % 16 == 0 else (0,):
        broken = bytearray(ENVELOPE)
        broken[place] ^= 1 << bit
        with pytest.raises(SealBroken):
            unseal(MASTER, bytes(broken), "template:1")


@pytest.mark.parametrize("length", [0, 1, 60, 72, 73, 88, len(ENVELOPE) - 1])
def test_cut_off_it_does_not_open(length: int) -> None:
    with pytest.raises(SealBroken):
        unseal(MASTER, ENVELOPE[:length], "template:1")


def test_with_something_behind_it_does_not_open() -> None:
    with pytest.raises(SealBroken):
        unseal(MASTER, ENVELOPE + b"\0", "template:1")


def test_moved_to_another_record_it_does_not_open() -> None:
    with pytest.raises(SealBroken):
        unseal(MASTER, ENVELOPE, "template:2")


def test_under_another_key_it_does_not_open() -> None:
    with pytest.raises(SealBroken):
        unseal(OTHER, ENVELOPE, "template:1")


def test_parts_of_two_envelopes_do_not_make_a_third() -> None:
    other = seal(MASTER, b"a template of another.", "template:1")
    with pytest.raises(SealBroken):
        unseal(MASTER, ENVELOPE[:61] + other[61:], "template:1")


def test_equal_values_look_different() -> None:
    first, second = (seal(MASTER, VALUE, "template:1") for _ in range(2))
    assert first[1:13] != second[1:13]
    assert first[61:73] != second[61:73]
    assert first[73:] != second[73:]
    assert VALUE not in first


def test_the_error_says_nothing_of_the_content() -> None:
    with pytest.raises(SealBroken) as broken:
        unseal(OTHER, ENVELOPE, "template:1")
    assert "template:1" not in str(broken.value)


def test_the_hash_is_the_standards() -> None:
    """HMAC-SHA-256 (RFC 2104) over the parts, each with its length before it."""
    message = b"".join(len(part).to_bytes(8, "big") + part for part in (b"number", "京".encode(), b"\0"))
    assert keyed_hash(MASTER, "number", "京", b"\0") == hmac.new(MASTER, message, hashlib.sha256).digest()


@given(st.lists(st.text(max_size=6), max_size=4), st.lists(st.text(max_size=6), max_size=4))
def test_other_parts_other_hash(one: list[str], other: list[str]) -> None:
    assert (keyed_hash(MASTER, "p", *one) == keyed_hash(MASTER, "p", *other)) == (one == other)


def test_purpose_and_key_part_the_hashes() -> None:
    assert len({keyed_hash(key, purpose, "x") for key in (MASTER, OTHER) for purpose in ("number", "serial")}) == 4
