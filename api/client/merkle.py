"""The Merkle tree of RFC 9162, as far as somebody needs it who verifies: hashes, and where proofs lead to.

Written by the RFC's definitions (2.1.1, 2.1.3.1, 2.1.4.1) read backwards, apart from the service's own: a client that
verified with the service's code would share its mistakes. Raises ValueError for a proof of another length.
"""

import hashlib
from collections.abc import Sequence


def leaf_hash(leaf: bytes) -> bytes:
    """SHA-256 over a zero byte and the leaf."""
    return hashlib.sha256(b"\0" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256 over a one byte and both children."""
    return hashlib.sha256(b"\1" + left + right).digest()


def root_of_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root of the tree of `size` leaves to which the path from leaf `index` leads."""
    if not 0 <= index < size:
        raise ValueError("the leaf is not in a tree of that size")
    if size == 1:
        if path:
            raise ValueError("the path is too long")
        return leaf
    if not path:
        raise ValueError("the path is too short")
    split = _split(size)
    if index < split:
        return node_hash(root_of_inclusion(leaf, index, split, path[:-1]), path[-1])
    return node_hash(path[-1], root_of_inclusion(leaf, index - split, size - split, path[:-1]))


def roots_of_consistency(old: int, new: int, path: Sequence[bytes], old_root: bytes) -> tuple[bytes, bytes]:
    """The roots of both trees to which a consistency proof leads; `old_root` stands for what it leaves out."""
    if not 0 < old <= new:
        raise ValueError("the newer tree is the smaller")
    return _roots(old, new, path, old_root, whole=True)


def _roots(old: int, new: int, path: Sequence[bytes], old_root: bytes, *, whole: bool) -> tuple[bytes, bytes]:
    if old == new:
        if len(path) != (0 if whole else 1):
            raise ValueError("the path has the wrong length")
        found = old_root if whole else path[0]
        return found, found
    if not path:
        raise ValueError("the path is too short")
    split = _split(new)
    if old <= split:
        older, newer = _roots(old, split, path[:-1], old_root, whole=whole)
        return older, node_hash(newer, path[-1])
    older, newer = _roots(old - split, new - split, path[:-1], old_root, whole=False)
    return node_hash(path[-1], older), node_hash(path[-1], newer)


def _split(count: int) -> int:
    """The largest power of two below `count`, which is 2 or more."""
    return 1 << ((count - 1).bit_length() - 1)
