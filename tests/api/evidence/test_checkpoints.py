"""Checkpoints: the C2SP forms, and every way in which a note is not the log's."""

import base64
import hashlib
import itertools
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.evidence.checkpoints import Checkpoint, CheckpointInvalid, open_note, sign, verifier_key

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
CHECKPOINT = Checkpoint("log.example/evidence", 12345, hashlib.sha256(b"root").digest(), 12000)


def test_the_form_is_that_of_signed_notes() -> None:
    note = sign(CHECKPOINT, KEY)
    body, signature = note.split("\n\n")
    assert body.split("\n") == [
        "log.example/evidence",
        "12345",
        base64.b64encode(CHECKPOINT.root).decode(),
        "previous 12000",
    ]
    assert signature.startswith("\u2014 log.example/evidence ")
    assert note.endswith("\n")
    blob = base64.b64decode(signature.split(" ")[2])
    raw = KEY.public_key().public_bytes_raw()
    assert blob[:4] == hashlib.sha256(b"log.example/evidence\n\x01" + raw).digest()[:4]
    KEY.public_key().verify(blob[4:], (body + "\n").encode())


def test_a_note_opens_with_its_key_and_among_other_signatures() -> None:
    note = sign(CHECKPOINT, KEY)
    assert open_note(note, CHECKPOINT.origin, [KEY.public_key()]) == CHECKPOINT
    witnessed = note + "\u2014 witness.example AAAAAAAA\n"
    assert open_note(witnessed, CHECKPOINT.origin, [KEY.public_key()]) == CHECKPOINT


def test_every_flipped_bit_closes_it() -> None:
    note = sign(CHECKPOINT, KEY).encode()
    for place, bit in itertools.product(range(len(note)), range(8)):
        damaged = bytearray(note)
        damaged[place] ^= 1 << bit
        with pytest.raises((CheckpointInvalid, UnicodeDecodeError)):
            open_note(damaged.decode(), CHECKPOINT.origin, [KEY.public_key()])


def test_everything_added_or_cut_off_is_seen_where_the_note_stands_alone() -> None:
    note = sign(CHECKPOINT, KEY)
    assert open_note(note, CHECKPOINT.origin, [KEY.public_key()], alone=True) == CHECKPOINT
    changed = [note[:end] for end in range(len(note))]
    changed += [note + more for more in (" ", "\n", "x", "\u2014 witness.example AAAAAAAA\n", note)]
    changed += [" " + note, "\n" + note, note.replace("\n", "\r\n")]
    for other in changed:
        with pytest.raises(CheckpointInvalid):
            open_note(other, CHECKPOINT.origin, [KEY.public_key()], alone=True)


def test_a_key_that_was_replaced_still_opens_what_it_signed() -> None:
    newer = Ed25519PrivateKey.generate()
    assert open_note(sign(CHECKPOINT, KEY), CHECKPOINT.origin, [newer.public_key(), KEY.public_key()]) == CHECKPOINT


@pytest.mark.parametrize("size", [10**19, 10**4000])
def test_a_size_that_no_log_has_is_refused_though_it_be_signed(size: int) -> None:
    """Python gives up on numbers of more than 4,300 digits, and not as a caller expects it."""
    with pytest.raises(CheckpointInvalid):
        open_note(sign(replace(CHECKPOINT, size=size), KEY), CHECKPOINT.origin, [KEY.public_key()])


@pytest.mark.parametrize("note", ["", "\n", "a\n\n", "log.example/evidence\n-1\nAAAA\n\n", "x" * 100])
def test_what_is_no_note_is_refused(note: str) -> None:
    with pytest.raises(CheckpointInvalid):
        open_note(note, CHECKPOINT.origin, [KEY.public_key()])


def test_anothers_key_and_anothers_log_are_refused() -> None:
    note = sign(CHECKPOINT, KEY)
    with pytest.raises(CheckpointInvalid):
        open_note(note, CHECKPOINT.origin, [Ed25519PrivateKey.generate().public_key()])
    with pytest.raises(CheckpointInvalid):
        open_note(note, "other.example", [KEY.public_key()])


def test_the_verifier_key_is_one_line() -> None:
    name, short, encoded = verifier_key("log.example", KEY.public_key()).split("+", 2)
    raw = base64.b64decode(encoded)
    assert (name, raw[0]) == ("log.example", 1)
    assert short == hashlib.sha256(b"log.example\n" + raw).digest()[:4].hex()
