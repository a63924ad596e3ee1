#!/usr/bin/env python3
"""An independent verifier of Renzheng's evidence: Python's standard library and `cryptography`, nothing of Renzheng.

    verify.py receipt RECEIPT.json --log LOGKEY              is this receipt the service's, and is it in its log?
    verify.py checkpoint NOTE --log LOGKEY                   is this signed tree head the log's?
    verify.py consistency OLD.note NEW.note PROOF.json --log LOGKEY    was nothing rewritten between the two?
    verify.py log LEAVES.jsonl... NOTE --log LOGKEY          are these the leaves, all of them, that the note signs?

LOGKEY is the line `verifier_key` of `GET /v1/keys` (repeat --log for keys that were replaced). Keep it outside the
service, and checkpoints with it. Exit code 0: it holds; 1: it does not; 2: usage, or a file or key that is none; 3: the
receipt is a promise only, signed and not proven. Formats: RFC 9162 (hashes and proofs), C2SP signed-note and
tlog-checkpoint.
"""

import argparse
import base64
import gzip
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LONGEST_LINE = 1 << 20
RECEIPT_FIELDS = {"algorithm", "key_id", "leaf", "leaf_hash", "include_by", "signature", "inclusion"}

# By which field a kind of answer is known: the first of these that it has.
TELLING = ("decision", "checked_at", "event", "registered_at", "closed_at", "ended_at", "credential", "signed_by")
KEY = "id=details/key scopes=details/scopes expires_at=details/expires_at signed_by=details/signed_by"
# What a leaf tells of (its kind, whether it registers a card, the act that was administered): the field by which an
# answer to that is known, and the fields that the leaf vouches for, with their place in it where that is another.
SAID = {
    "verification": (
        "decision",
        "id decision decided_at=at document person consent screening policy_version calibrations",
    ),
    "check": ("checked_at", "id checked_at=at number card status since text text_fields portrait"),
    "card_event": ("event", "id event status recorded_at=at"),
    # The answer's `id` is the card's here; leaves before version 3 know cards by keyed hashes only.
    "card_event registered": ("registered_at", "status registered_at=at"),
    "institution_added": ("parent_id", "id=subject parent_id=details/parent"),
    "principal_added": (
        "credential",
        "id=subject institution_id=institution role=details/role channel=details/channel",
    ),
    "principal_disabled": ("ended_at", "id=subject"),
    "key_issued": ("signed_by", KEY),
    "key_rotated": ("signed_by", KEY),
    "key_revoked": ("ended_at", "id=details/key"),
    "alert_closed": ("closed_at", "id=subject closed_by=actor lock_released=details/lock_released"),
}
# What leaves of version 3 on vouch for besides.
SAID_FROM_3 = {"card_event": "card_id superseded_by", "card_event registered": "id=card_id"}
ABSENT = object()


class Misused(Exception):
    """A file or a key that was named is none; nothing was verified."""


class Refuted(Exception):
    """The evidence does not hold; the text says which part."""


def read_json(text: str | bytes) -> dict[str, object]:
    """A JSON object. One that says a thing twice would say one to this program and the other to somebody else."""

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        if len(found := dict(pairs)) != len(pairs):
            raise Refuted("it says something twice")
        return found

    found = json.loads(text, object_pairs_hook=once)
    if not isinstance(found, dict):
        raise Refuted("it is no JSON object")
    return found


def hash_leaf(leaf: bytes) -> bytes:
    """RFC 9162, 2.1.1."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def hash_children(left: bytes, right: bytes) -> bytes:
    """RFC 9162, 2.1.1."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def decode(text: str) -> bytes:
    """Base64 in its one canonical form."""
    raw = base64.b64decode(text, validate=True)
    if base64.b64encode(raw).decode() != text:
        raise Refuted("there is base64 that is not canonical")
    return raw


class LogKey:
    """A log's public key, from its line `name+hash+base64`."""

    def __init__(self, line: str) -> None:
        try:
            self.name, self.id, encoded = line.split("+", 2)
            self.raw = decode(encoded)
        except (ValueError, Refuted):
            raise Misused("the log's key is no line NAME+HASH+KEY") from None
        if self.raw[:1] != b"\x01" or hashlib.sha256(self.name.encode() + b"\n" + self.raw).hexdigest()[:8] != self.id:
            raise Misused("the log's key line is damaged")
        self.receipt_id = hashlib.sha256(self.raw[1:]).hexdigest()[:16]

    def signed(self, signature: bytes, message: bytes) -> bool:
        """Whether the signature is this key's."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw[1:]).verify(signature, message)
        except InvalidSignature:
            return False
        return True


def root_of_inclusion(leaf_hash: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """The root that a path leads to: the recursive definition of RFC 9162, 2.1.3.1, read backwards."""
    if size == 1 or not path:
        if path or size != 1:
            raise Refuted("the inclusion proof has the wrong length")
        return leaf_hash
    split = 1 << ((size - 1).bit_length() - 1)
    if index < split:
        return hash_children(root_of_inclusion(leaf_hash, index, split, path[:-1]), path[-1])
    return hash_children(path[-1], root_of_inclusion(leaf_hash, index - split, size - split, path[:-1]))


def roots_of_consistency(old: int, new: int, path: list[bytes], old_root: bytes) -> tuple[bytes, bytes]:
    """The old and the new root that a consistency proof leads to (RFC 9162, 2.1.4.1, read backwards)."""

    def walk(old_size: int, new_size: int, rest: list[bytes], whole: bool) -> tuple[bytes, bytes]:
        if old_size == new_size:
            if len(rest) != (0 if whole else 1):
                raise Refuted("the consistency proof has the wrong length")
            return (old_root, old_root) if whole else (rest[0], rest[0])
        if not rest:
            raise Refuted("the consistency proof has the wrong length")
        split = 1 << ((new_size - 1).bit_length() - 1)
        if old_size <= split:
            older, newer = walk(old_size, split, rest[:-1], whole)
            return older, hash_children(newer, rest[-1])
        older, newer = walk(old_size - split, new_size - split, rest[:-1], False)
        return hash_children(rest[-1], older), hash_children(rest[-1], newer)

    return walk(old, new, path, True)


def open_checkpoint(note: str, keys: list[LogKey]) -> tuple[int, bytes]:
    """Size and root of a signed tree head."""
    text, separator, signatures = note.partition("\n\n")
    text += "\n"
    origin, size, root, *_ = [*text.split("\n"), "", "", ""]
    for line in signatures.split("\n") if separator and signatures.endswith("\n") else ():
        for key in keys:
            if line.startswith(f"\u2014 {key.name} "):
                blob = decode(line.rpartition(" ")[2])
                if blob[:4].hex() == key.id and key.signed(blob[4:], text.encode()):
                    if origin != key.name or not (size.isascii() and size.isdigit() and len(size) < 20):
                        raise Refuted("the checkpoint is of another log")
                    return int(size), decode(root)
    raise Refuted("the checkpoint bears no signature of the log")


def check_signature(leaf: dict[str, object], digest: bytes, keys: list[LogKey]) -> None:
    """That the service signed a leaf, with the time by which it promised it a place (none before there was a log)."""
    promised = leaf.get("include_by")
    context = b"renzheng receipt v1\n" if promised is None else f"renzheng receipt v2\n{promised}\n".encode()
    signature = decode(str(leaf["signature"]))
    if not any(key.receipt_id == leaf["key_id"] and key.signed(signature, context + digest) for key in keys):
        raise Refuted("the receipt's signature is not the service's")


def subject_of(leaf: dict[str, object]) -> str:
    """What a leaf tells of, as `SAID` calls it."""
    kind = str(leaf["kind"])
    if kind == "administration":
        return str(leaf["act"])
    return f"{kind} registered" if kind == "card_event" and leaf["event"] == "registered" else kind


def compare_answer(answer: dict[str, object], leaf: dict[str, object]) -> list[str]:
    """That an answer says what its leaf says; gives the answer's fields of which the leaf says nothing."""
    expected = next((name for name in TELLING if name in answer), "parent_id")
    subject = subject_of(leaf)
    telling, fields = SAID.get(subject, ("", ""))
    if int(str(leaf["v"])) >= 3:
        fields += " " + SAID_FROM_3.get(subject, "")
    if telling != expected:
        raise Refuted("the receipt is of something else than this answer")
    proven = {"receipt"}
    for field in fields.split():
        name, _, place = field.partition("=")
        said: object = leaf
        for step in (place or name).split("/"):
            said = said.get(step, ABSENT) if isinstance(said, dict) else ABSENT
        if answer.get(name, ABSENT) != said:
            raise Refuted(f"the answer's {name} is not what the signed leaf says")
        proven.add(name)
    return sorted(answer.keys() - proven)


def told(leaf: dict[str, object], unproven: list[str]) -> str:
    """What the leaf tells of, in its own words, and what stands beside it in the answer without proof."""
    named = ", ".join(str(leaf[name]) for name in ("decision", "act", "event", "status", "number") if leaf.get(name))
    beside = f"; not in the leaf, and so not proven: {', '.join(unproven)}" if unproven else ""
    return ascii(f"{leaf['kind']} {leaf['id']}: {named}{beside}")[1:-1]


def check_receipt(answer: dict[str, object], keys: list[LogKey]) -> tuple[int, str]:
    """Verify a receipt, or a whole answer that has one; gives the exit code and what was shown."""
    receipt = answer.get("receipt", answer)
    if not isinstance(receipt, dict) or receipt.get("algorithm") != "Ed25519":
        raise Refuted("there is no receipt that could be verified")
    if not receipt.keys() <= RECEIPT_FIELDS:
        raise Refuted("in the receipt stands what is none of its parts")
    leaf_hash = hash_leaf(str(receipt["leaf"]).encode())
    if leaf_hash.hex() != receipt["leaf_hash"]:
        raise Refuted("the leaf's hash is another")
    check_signature(receipt, leaf_hash, keys)
    leaf = read_json(str(receipt["leaf"]))
    shown = told(leaf, [] if receipt is answer else compare_answer(answer, leaf))
    inclusion = receipt.get("inclusion")
    if inclusion is None:
        return 3, f"signed; the log has promised it a place by {receipt.get('include_by')}; {shown}"
    size, root = open_checkpoint(inclusion["checkpoint"], keys)
    index = int(inclusion["index"])
    if size != inclusion["size"] or not 0 <= index < size:
        raise Refuted("the inclusion proof is for another tree")
    if root_of_inclusion(leaf_hash, index, size, [bytes.fromhex(node) for node in inclusion["proof"]]) != root:
        raise Refuted("the leaf is not in the tree that the checkpoint signs")
    return 0, f"signed, and leaf {index} of {size} in the log; {shown}"


def check_consistency(old_note: str, new_note: str, proof: dict[str, object], keys: list[LogKey]) -> str:
    """Verify that the older checkpoint's tree is a prefix of the newer's."""
    old, old_root = open_checkpoint(old_note, keys)
    new, new_root = open_checkpoint(new_note, keys)
    nodes = proof["proof"]
    if not isinstance(nodes, list) or not 0 < old <= new:
        raise Refuted("the newer checkpoint is the smaller: the log was cut")
    if roots_of_consistency(old, new, [bytes.fromhex(node) for node in nodes], old_root) != (old_root, new_root):
        raise Refuted("the log was rewritten between the two checkpoints")
    return f"the log of {new} leaves continues that of {old}"


def read_leaves(paths: list[Path]) -> Iterator[dict[str, object]]:
    """The leaves of JSON Lines files, one after the other; .gz as the service archives them."""
    for path in paths:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            while line := file.readline(LONGEST_LINE):
                yield read_json(line)


def check_leaf(leaf: dict[str, object], digest: bytes, keys: list[LogKey]) -> bool:
    """Check a leaf's text against its hash and its signature; True: it was given as a hash only."""
    withheld = leaf.get("withheld")
    if withheld in ("not_yours", "archived") and leaf.get("leaf") is None:
        return True
    if withheld is not None:
        raise Refuted(f"leaf {leaf['place']} is said to be withheld, and is not, or is lost")
    if hash_leaf(str(leaf["leaf"]).encode()) != digest:
        raise Refuted(f"leaf {leaf['place']} is not what was hashed")
    check_signature(leaf, digest, keys)
    return False


def check_log(paths: list[Path], note: str, keys: list[LogKey]) -> str:
    """Recompute the root from exported leaves; those that were given as hashes only are taken as such."""
    size, root = open_checkpoint(note, keys)
    subtrees: list[bytes] = []
    count = hidden = 0
    for leaf in read_leaves(paths):
        if count == size:
            break
        if leaf["place"] != count:
            raise Refuted(f"where leaf {count} belongs stands leaf {leaf['place']}")
        digest = bytes.fromhex(str(leaf["leaf_hash"]))
        hidden += check_leaf(leaf, digest, keys)
        count += 1
        subtrees.append(digest)
        for _ in range((count & -count).bit_length() - 1):
            right = subtrees.pop()
            subtrees.append(hash_children(subtrees.pop(), right))
    if count != size:
        raise Refuted(f"the checkpoint signs {size} leaves, here are {count}")
    found = subtrees.pop() if subtrees else hashlib.sha256(b"").digest()
    while subtrees:
        found = hash_children(subtrees.pop(), found)
    if found != root:
        raise Refuted("these are not the leaves that the checkpoint signs")
    return f"these are the {size} leaves that the checkpoint signs, {hidden} of them as hashes only"


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Verify Renzheng's evidence offline.")
    commands = parser.add_subparsers(dest="command", required=True)
    arguments = {"receipt": ("receipt",), "checkpoint": ("note",), "consistency": ("old", "new", "proof")}
    for name, files in arguments.items():
        command = commands.add_parser(name)
        for file in files:
            command.add_argument(file, type=Path)
    whole = commands.add_parser("log")
    whole.add_argument("leaves", type=Path, nargs="+")
    whole.add_argument("note", type=Path)
    for command in commands.choices.values():
        command.add_argument("--log", required=True, action="append", metavar="LOGKEY", help="the line `verifier_key`")
    return parser.parse_args()


def run(given: argparse.Namespace) -> tuple[int, str]:
    """Verify what is asked for; gives the exit code and what was shown."""

    def text(name: str) -> str:
        path: Path = getattr(given, name)
        return path.read_bytes().decode()

    keys = [LogKey(line) for lines in given.log for line in lines.split()]
    if given.command == "receipt":
        return check_receipt(read_json(text("receipt")), keys)
    if given.command == "checkpoint":
        size, root = open_checkpoint(text("note"), keys)
        return 0, f"the log had {size} leaves, root {root.hex()}"
    if given.command == "consistency":
        return 0, check_consistency(text("old"), text("new"), read_json(text("proof")), keys)
    return 0, check_log(given.leaves, text("note"), keys)


def main() -> int:
    """The command."""
    given = parsed()
    try:
        code, shown = run(given)
    except Refuted as error:
        print(f"DOES NOT HOLD: {error}")
        return 1
    except (Misused, FileNotFoundError, IsADirectoryError, PermissionError) as error:
        print(f"NOTHING WAS VERIFIED: {error}", file=sys.stderr)
        return 2
    except (
        OSError,
        EOFError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        ArithmeticError,
        RecursionError,
    ) as error:
        print(f"DOES NOT HOLD: it cannot be read ({type(error).__name__})")
        return 1
    print(f"{'holds' if code == 0 else 'PROMISED ONLY'}: {shown}")
    return code


if __name__ == "__main__":
    sys.exit(main())
