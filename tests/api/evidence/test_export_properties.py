"""Every flipped bit, deletion, reordering, truncation and forked history of what was exported and kept is found.

By the independent verifier. The fast tests draw examples; the long ones flip every bit that there is.
"""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import api
from api.evidence import leaves, merkle
from api.evidence.checkpoints import Checkpoint, sign, verifier_key
from api.evidence.parameters import ORIGIN
from api.storage.keys import public_id
from tests.api.evidence.flipping import flipped

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@pytest.fixture(scope="module")
def verifier() -> ModuleType:
    """The program's functions, asked thousands of times without a process each."""
    path = Path(api.__file__).parents[1] / "deploy" / "verifier" / "verify.py"
    module = ModuleType("verify")
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), module.__dict__)
    return module


def exported(count: int, history: str = "") -> list[dict[str, Any]]:
    """Leaves as they are read over HTTP."""
    found: list[dict[str, Any]] = []
    for place in range(count):
        leaf = f'{{"id":"{UUID(int=place)}","kind":"card_event","more":"存证{history}{place}","v":2}}'
        digest = leaves.leaf_hash(leaf)
        include_by = "2026-03-01T08:00:00+00:00"
        signature = KEY.sign(leaves.signed_message(digest, include_by))
        found.append(
            {
                "place": place,
                "leaf_hash": digest.hex(),
                "leaf": leaf,
                "include_by": include_by,
                "signature": base64.b64encode(signature).decode(),
                "key_id": public_id(KEY.public_key()),
            }
        )
    return found


def frontier(lines: list[dict[str, Any]]) -> merkle.Frontier:
    made = merkle.Frontier()
    for leaf in lines:
        made.add(bytes.fromhex(leaf["leaf_hash"]))
    return made


def note_over(lines: list[dict[str, Any]]) -> str:
    return sign(Checkpoint(ORIGIN, len(lines), frontier(lines).root(), 0), KEY)


@pytest.fixture
def holds(verifier: ModuleType, tmp_path: Path) -> Callable[[bytes, str], bool]:
    """Whether the verifier takes exported leaves for those that a note signs."""
    keys = [verifier.LogKey(verifier_key(ORIGIN, KEY.public_key()))]
    path = tmp_path / "leaves.jsonl"

    def run(content: bytes, note: str) -> bool:
        path.write_bytes(content)
        try:
            verifier.check_log([path], note, keys)
        except (verifier.Refuted, OSError, ValueError, LookupError, TypeError, AttributeError):
            return False
        return True

    return run


def as_lines(lines: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(leaf, ensure_ascii=False) + "\n" for leaf in lines).encode()


on_exports = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])


Holds = Callable[[bytes, str], bool]


EXPORTED = exported(19)


def says_the_same(content: bytes, sizes: int) -> bool:
    """Whether a damaged file still reads as the same leaves: a letter of a hash in capitals."""
    try:
        read = [json.loads(line) for line in content.split(b"\n") if line]
        normal = [{**leaf, "leaf_hash": bytes.fromhex(leaf["leaf_hash"]).hex()} for leaf in read]
    except (ValueError, KeyError, TypeError):
        return False
    return normal == EXPORTED[:sizes]


@on_exports
@given(size=st.integers(1, 19), bit=st.integers(0, 1 << 20))
def test_a_flipped_bit_in_an_export_is_found(holds: Holds, size: int, bit: int) -> None:
    content = as_lines(EXPORTED[:size])
    assert holds(content, note_over(EXPORTED[:size]))
    damaged = flipped(content, bit)
    assert not holds(damaged, note_over(EXPORTED[:size])) or says_the_same(damaged, size)


@pytest.mark.long
def test_every_flipped_bit_in_an_export_is_found(holds: Holds) -> None:
    content, note = as_lines(EXPORTED[:3]), note_over(EXPORTED[:3])
    harmless = 0
    for bit in range(8 * len(content)):
        damaged = flipped(content, bit)
        if holds(damaged, note):
            assert says_the_same(damaged, 3), bit
            harmless += 1
    assert harmless < len(content) / 10, "capitals in three hashes, and little else"


@on_exports
@given(size=st.integers(2, 19), data=st.data())
def test_another_selection_or_order_of_leaves_is_found(holds: Holds, size: int, data: st.DataObject) -> None:
    """Deletions, repetitions, reorderings and truncations, with the places as they were or numbered anew."""
    chosen = data.draw(st.lists(st.integers(0, size - 1), max_size=size + 3))
    assume(chosen[:size] != list(range(size)))
    lines = [dict(EXPORTED[number]) for number in chosen]
    if data.draw(st.booleans()):
        lines = [{**leaf, "place": place} for place, leaf in enumerate(lines)]
    assert not holds(as_lines(lines), note_over(EXPORTED[:size]))


@on_exports
@given(size=st.integers(1, 19), place=st.integers(0, 18))
def test_a_leaf_of_another_history_is_found(holds: Holds, size: int, place: int) -> None:
    assume(place < size)
    lines = [*EXPORTED[:place], exported(place + 1, "other")[place], *EXPORTED[place + 1 : size]]
    assert holds(as_lines(lines), note_over(lines)), "well signed, and in its own tree"
    assert not holds(as_lines(lines), note_over(EXPORTED[:size]))


@on_exports
@given(size=st.integers(1, 19), bit=st.integers(0, 1 << 16))
def test_a_flipped_bit_in_a_note_is_found(verifier: ModuleType, size: int, bit: int) -> None:
    keys = [verifier.LogKey(verifier_key(ORIGIN, KEY.public_key()))]
    note = note_over(EXPORTED[:size])
    assert verifier.open_checkpoint(note, keys) == (size, frontier(EXPORTED[:size]).root())
    with pytest.raises((verifier.Refuted, ValueError)):
        verifier.open_checkpoint(flipped(note.encode(), bit).decode(), keys)


def proof_between(lines: list[dict[str, Any]], old: int) -> list[str]:
    def subtree(level: int, index: int) -> bytes:
        return frontier(lines[index << level : (index + 1) << level]).root()

    return [node.hex() for node in merkle.consistency_proof(old, len(lines), subtree)]


@on_exports
@given(old=st.integers(1, 12), more=st.integers(0, 7), forked_at=st.integers(0, 11), bit=st.integers(0, 1 << 14))
def test_kept_checkpoints_find_every_fork(verifier: ModuleType, old: int, more: int, forked_at: int, bit: int) -> None:
    """No proof joins a kept checkpoint with a history that differs before it: not its own, not the true one's."""
    keys = [verifier.LogKey(verifier_key(ORIGIN, KEY.public_key()))]
    true, size = EXPORTED[: old + more], old + more
    kept, newest = note_over(true[:old]), note_over(true)
    proof = proof_between(true, old)
    assert verifier.check_consistency(kept, newest, {"proof": proof}, keys)
    if proof:
        node, *rest = proof
        damaged = [flipped(bytes.fromhex(node), bit).hex(), *rest]
        with pytest.raises(verifier.Refuted):
            verifier.check_consistency(kept, newest, {"proof": damaged}, keys)
        with pytest.raises(verifier.Refuted):
            verifier.check_consistency(kept, newest, {"proof": rest}, keys)
    with pytest.raises(verifier.Refuted):
        verifier.check_consistency(kept, newest, {"proof": [*proof, "00" * 32]}, keys)
    assume(forked_at < old)
    fork = true[:forked_at] + exported(size, "other")[forked_at:]
    for forged in (proof, proof_between(fork, old)):
        with pytest.raises(verifier.Refuted):
            verifier.check_consistency(kept, note_over(fork), {"proof": forged}, keys)


@on_exports
@given(size=st.integers(1, 19), index=st.integers(0, 18), bit=st.integers(0, 1 << 20))
def test_a_flipped_bit_in_a_receipt_is_found(verifier: ModuleType, size: int, index: int, bit: int) -> None:
    """In the text that was kept; what still reads as the same receipt may hold."""
    assume(index < size)
    keys = [verifier.LogKey(verifier_key(ORIGIN, KEY.public_key()))]

    def subtree(level: int, at: int) -> bytes:
        return frontier(EXPORTED[at << level : (at + 1) << level]).root()

    path = merkle.inclusion_proof(index, size, subtree)
    leaf = {name: value for name, value in EXPORTED[index].items() if name != "place"}
    shown = {"index": index, "size": size, "proof": [node.hex() for node in path]}
    receipt = {"algorithm": "Ed25519", **leaf, "inclusion": {**shown, "checkpoint": note_over(EXPORTED[:size])}}
    text = json.dumps(receipt, ensure_ascii=False)
    assert verifier.check_receipt(json.loads(text), keys)[0] == 0
    try:
        damaged = json.loads(flipped(text.encode(), bit))
        code, _ = verifier.check_receipt(damaged, keys)
    except (verifier.Refuted, ValueError, LookupError, TypeError, AttributeError):
        return
    if code == 0:
        damaged["inclusion"]["proof"] = [bytes.fromhex(node).hex() for node in damaged["inclusion"]["proof"]]
        assert damaged == receipt
    else:
        assert "inclusion" not in damaged, "a promise, and told as such"
