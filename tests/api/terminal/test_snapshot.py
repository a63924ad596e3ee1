"""Snapshots as files: what is not whole, not signed, or out of bounds is refused, and with which word."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.storage.keys import public_id
from api.terminal.snapshot import HEAD_BYTES, SnapshotRefused, open_snapshot, read_head, signing_id
from tests.api.terminal.worlds import World


@pytest.fixture(scope="module")
def world() -> World:
    made = World()
    for number in range(5):
        made.change(number, True)
    return made


@pytest.fixture(scope="module")
def raw(world: World) -> bytes:
    return world.snapshot()


def refused(raw: bytes, world: World) -> str:
    with pytest.raises(SnapshotRefused) as caught:
        open_snapshot(raw, world.signers)
    return caught.value.reason


def test_a_sound_one(world: World, raw: bytes) -> None:
    opened = open_snapshot(raw, world.signers)
    assert (opened.head.seq, opened.head.as_of, opened.head.count) == (5, world.time, 5)
    assert (opened.head.deployment, len(raw)) == (world.deployment, HEAD_BYTES + opened.head.shape.body_bytes)
    assert all(world.tag(number) in opened.filter for number in range(5))


def test_every_byte_counts(world: World, raw: bytes) -> None:
    for at in range(len(raw)):
        assert refused(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :], world)


def test_every_length_counts(world: World, raw: bytes) -> None:
    for length in range(len(raw)):
        assert refused(raw[:length], world) == "truncated"
    assert refused(raw + b"\0", world) == "malformed"


def test_reasons(world: World, raw: bytes) -> None:
    body = raw[:-1] + bytes([raw[-1] ^ 0x80])
    assert refused(body, world) == "corrupted"
    head = raw[:30] + bytes([raw[30] ^ 1]) + raw[31:]
    assert refused(head, world) == "forged"
    assert refused(b"PNG" + raw[3:], world) == "malformed"
    assert refused(raw[:9] + b"\2" + raw[10:], world) == "version"
    with pytest.raises(SnapshotRefused) as caught:
        open_snapshot(raw, [Ed25519PrivateKey.generate().public_key()])
    assert caught.value.reason == "unknown_signer"


def test_who_signs_as_another_is_found_out(world: World) -> None:
    """The head names the trusted key, and another one signed."""
    forger = World(world.feed_key, deployment=world.deployment, changes=world.changes)
    assert refused(forger.snapshot(signing_id=signing_id(world.signers[0])), world) == "forged"


@pytest.mark.parametrize(
    "changed",
    [
        {"seq": 2**63},
        {"count": 10**6},
        {"as_of": datetime(2019, 1, 1, tzinfo=UTC)},
        {"as_of": datetime(2300, 1, 1, tzinfo=UTC)},
    ],
)
def test_signed_heads_out_of_bounds(world: World, changed: dict[str, object]) -> None:
    assert refused(world.snapshot(**changed), world) == "malformed"


def test_signed_shapes_out_of_bounds(world: World) -> None:
    """Before anything is computed with them: such a head could ask for terabytes."""
    shape = open_snapshot(world.snapshot(), world.signers).head.shape
    for changed in ({"segments": 2**31}, {"segment_length": 2**20}, {"arity": 200}, {"segment_length": 5}):
        assert refused(world.snapshot(shape=replace(shape, **changed)), world) == "malformed"
    assert refused(world.snapshot(shape=replace(shape, segments=shape.segments + 1)), world) == "truncated"


def test_a_head_is_read_as_it_was_written(world: World, raw: bytes) -> None:
    head = read_head(raw)
    assert head.packed() == raw[: HEAD_BYTES - 64]
    assert replace(head, as_of=head.as_of + timedelta(microseconds=1)).packed() != head.packed()


def test_keys_have_one_name(world: World) -> None:
    (key,) = world.signers
    assert signing_id(key) == public_id(key)
