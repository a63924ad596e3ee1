"""The Merkle tree of RFC 9162: hashes, proofs and their verification. Pure computation over complete subtrees.

A subtree is named by (level, index): level 0 are the leaves, and (level, index) covers the 2^level leaves from
index * 2^level on. Everything below needs only hashes of *complete* subtrees, which never change once they are known;
the ragged right edge of the tree is computed from them.
"""

import hashlib
from collections.abc import Callable, Sequence

Lookup = Callable[[int, int], bytes]
"""Gives the hash of the complete subtree (level, index)."""

EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(leaf: bytes) -> bytes:
    """SHA-256 over 0x00 and the leaf (2.1.1)."""
    return hashlib.sha256(b"\0" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256 over 0x01 and both children (2.1.1)."""
    return hashlib.sha256(b"\1" + left + right).digest()


class Frontier:
    """The right edge of a growing tree: the hashes of its complete subtrees, largest first; one a level at most."""

    def __init__(self) -> None:
        self.size = 0
        self._subtrees: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """Add a leaf's hash."""
        self._subtrees.append(leaf)
        self.size += 1
        size = self.size
        while size & 1 == 0:
            right = self._subtrees.pop()
            self._subtrees[-1] = node_hash(self._subtrees[-1], right)
            size >>= 1

    def root(self) -> bytes:
        """The root over everything added."""
        if not self._subtrees:
            return EMPTY_ROOT
        found = self._subtrees[-1]
        for left in reversed(self._subtrees[:-1]):
            found = node_hash(left, found)
        return found


def root(size: int, lookup: Lookup) -> bytes:
    """The root of the tree of the first `size` leaves."""
    return EMPTY_ROOT if size == 0 else _range_hash(0, size, lookup)


def inclusion_proof(index: int, size: int, lookup: Lookup) -> list[bytes]:
    """The path from leaf `index` to the root of the tree of `size` leaves (2.1.3.1). Raises ValueError outside it."""
    if not 0 <= index < size:
        raise ValueError("the leaf is not in a tree of that size")
    start, end = 0, size
    path: list[bytes] = []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range_hash(middle, end, lookup))
            end = middle
        else:
            path.append(_range_hash(start, middle, lookup))
            start = middle
    return path[::-1]


def consistency_proof(old: int, new: int, lookup: Lookup) -> list[bytes]:
    """That the tree of `old` leaves is a prefix of that of `new` (2.1.4.1). Raises ValueError unless 0 < old <= new."""
    if not 0 < old <= new:
        raise ValueError("a consistency proof leads from a tree with leaves to one as large or larger")
    start, end = 0, new
    path: list[bytes] = []
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_range_hash(middle, end, lookup))
            end = middle
        else:
            path.append(_range_hash(start, middle, lookup))
            start = middle
    if start != 0:
        path.append(_range_hash(start, old, lookup))
    return path[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root_hash: bytes) -> bool:
    """Whether `proof` leads from a leaf's hash to the root (2.1.3.2)."""
    if not 0 <= index < size:
        return False
    fn, sn, found = index, size - 1, leaf
    for sibling in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            found = node_hash(sibling, found)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            found = node_hash(found, sibling)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and found == root_hash


def verify_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Whether `proof` shows that the older tree is a prefix of the newer (2.1.4.2)."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    nodes = list(proof) if old & (old - 1) else [old_root, *proof]
    if not nodes:
        return False
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    older = newer = nodes[0]
    for node in nodes[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            older, newer = node_hash(node, older), node_hash(node, newer)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            newer = node_hash(newer, node)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and older == old_root and newer == new_root


def _split(count: int) -> int:
    """The largest power of two below `count` (2 or more)."""
    return 1 << ((count - 1).bit_length() - 1)


def _range_hash(start: int, end: int, lookup: Lookup) -> bytes:
    """The hash over leaves start..end, where start is a multiple of the power of two at or above their number."""
    count = end - start
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return lookup(level, start >> level)
    middle = start + _split(count)
    return node_hash(_range_hash(start, middle, lookup), _range_hash(middle, end, lookup))
