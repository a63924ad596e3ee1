"""The tree against RFC 9162's own recursive definitions, and every proof against every change of it."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.evidence import merkle, tiles
from api.evidence.parameters import TILE_WIDTH

SIZES = range(1, 40)


def defined_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 9162, 2.1.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return hashlib.sha256(b"\1" + defined_root(leaves[:k]) + defined_root(leaves[k:])).digest()


LEAVES = [f"leaf {number}".encode() for number in range(SIZES[-1])]
ROOTS = {size: defined_root(LEAVES[:size]) for size in (0, *SIZES)}


def subtree(level: int, index: int) -> bytes:
    return defined_root(LEAVES[index << level : (index + 1) << level])


def test_roots_are_those_of_the_definition() -> None:
    for size in (0, *SIZES):
        assert merkle.root(size, subtree) == ROOTS[size]


@pytest.mark.parametrize("size", SIZES)
def test_every_inclusion_proof_holds_for_its_leaf_and_place_alone(size: int) -> None:
    for index in range(size):
        proof = merkle.inclusion_proof(index, size, subtree)
        leaf = merkle.leaf_hash(LEAVES[index])
        assert merkle.verify_inclusion(leaf, index, size, proof, ROOTS[size])
        assert not merkle.verify_inclusion(merkle.leaf_hash(b"another"), index, size, proof, ROOTS[size])
        assert not merkle.verify_inclusion(leaf, index, size, [*proof, ROOTS[1]], ROOTS[size])
        assert not merkle.verify_inclusion(leaf, index, size, proof, ROOTS[size - 1])
        if proof:
            assert not merkle.verify_inclusion(leaf, index, size, proof[:-1], ROOTS[size])
            assert not merkle.verify_inclusion(leaf, index ^ 1, size, proof, ROOTS[size])


@pytest.mark.parametrize("new", SIZES)
def test_every_consistency_proof_holds_for_its_trees_alone(new: int) -> None:
    for old in range(1, new + 1):
        proof = merkle.consistency_proof(old, new, subtree)
        assert merkle.verify_consistency(old, new, proof, ROOTS[old], ROOTS[new])
        forked = defined_root([*LEAVES[: old - 1], b"rewritten"])
        assert not merkle.verify_consistency(old, new, proof, forked, ROOTS[new])
        rewritten = defined_root([b"rewritten", *LEAVES[1:new]])
        assert not merkle.verify_consistency(old, new, proof, ROOTS[old], rewritten)
        assert not merkle.verify_consistency(old, new, [*proof, ROOTS[1]], ROOTS[old], ROOTS[new])


def test_a_frontier_has_the_same_roots() -> None:
    frontier = merkle.Frontier()
    for size in (0, *SIZES):
        assert (frontier.size, frontier.root()) == (size, ROOTS[size])
        if size < len(LEAVES):
            frontier.add(merkle.leaf_hash(LEAVES[size]))


@given(st.integers(1, SIZES[-1]), st.data())
def test_a_flipped_bit_anywhere_in_a_proof_is_found(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(index, size, subtree)
    if not proof:
        return
    node, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
    damaged = bytearray(proof[node])
    damaged[bit // 8] ^= 1 << bit % 8
    proof[node] = bytes(damaged)
    assert not merkle.verify_inclusion(merkle.leaf_hash(LEAVES[index]), index, size, proof, ROOTS[size])


def test_what_cannot_be_proven_is_refused() -> None:
    with pytest.raises(ValueError, match="not in a tree"):
        merkle.inclusion_proof(5, 5, subtree)
    for old, new in ((0, 3), (4, 3)):
        with pytest.raises(ValueError, match="consistency"):
            merkle.consistency_proof(old, new, subtree)
        assert not merkle.verify_consistency(old, new, [], ROOTS[old], ROOTS[new])
    assert not merkle.verify_inclusion(ROOTS[1], 1, 1, [], ROOTS[1])


@given(st.lists(st.integers(1, 3 * TILE_WIDTH), min_size=1, max_size=5))
def test_tiles_grown_in_any_batches_hold_the_same_tree(batches: list[int]) -> None:
    stored: dict[tuple[int, int], bytes] = {}

    def read(level: int, index: int) -> bytes:
        return stored.get((level, index), b"")

    hashes: list[bytes] = []
    for count in batches:
        more = [merkle.leaf_hash(str(number).encode()) for number in range(len(hashes), len(hashes) + count)]
        stored.update(tiles.append(len(hashes), more, read))
        hashes.extend(more)
    leaves = [str(number).encode() for number in range(len(hashes))]
    found = merkle.root(len(hashes), lambda level, index: tiles.subtree_hash(level, index, read))
    assert found == defined_root(leaves)
    assert all(len(content) <= 32 * TILE_WIDTH for content in stored.values())
    with pytest.raises(LookupError):
        tiles.subtree_hash(0, len(hashes), read)


def test_a_tile_of_the_third_level_is_made_of_full_tiles() -> None:
    stored: dict[tuple[int, int], bytes] = {}
    hashes = [merkle.leaf_hash(str(number).encode()) for number in range(TILE_WIDTH**2 + 3)]
    stored.update(tiles.append(0, hashes, lambda level, index: stored.get((level, index), b"")))
    assert {level for level, _ in stored} == {0, 1, 2}
    whole = tiles.subtree_hash(16, 0, lambda level, index: stored.get((level, index), b""))
    assert whole == tiles.fold(b"".join(hashes[: TILE_WIDTH**2]))
