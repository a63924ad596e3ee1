"""Building the filter that `api/terminal/filter.py` reads: compiled: ten million tags take seconds.

After Graf and Lemire (2022): every key names a few cells; a cell that one key alone names can wait until all others are
placed, so that key is taken away, which leaves other cells to one key, until none is left; then the cells are filled in
the reverse order. Keys are sorted by their hash first: the first cell grows with the hash, so that the passes over the
cells go from front to back, and equal keys lie side by side. Two tags that begin with the same eight bytes are one key.

The constants stand here again: compiled code takes them from no other folder. A test holds the two together.
"""

from __future__ import annotations

import numpy as np
from numba import uint64
from numpy.typing import NDArray

from biometrics.kernels.compiled import kernel

_FIRST_FACTOR, _SECOND_FACTOR = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_BITS = 11
_CELL = np.uint64(0x7FF)
_FULL = 255

Words = NDArray[np.uint64]


@kernel
def hash_keys(keys: Words, seed: np.uint64, hashes: Words) -> None:
    """The hash of every key."""
    for number in range(len(keys)):
        word = keys[number] + seed
        word = (word ^ (word >> uint64(33))) * _FIRST_FACTOR
        word = (word ^ (word >> uint64(33))) * _SECOND_FACTOR
        hashes[number] = word ^ (word >> uint64(33))


@kernel
def _cell(hashed: np.uint64, which: int | np.int64, length: int, segments: int) -> np.int64:
    """The cell that a hash names in the segment `which` of its own."""
    first = ((hashed >> uint64(32)) * uint64(segments * length)) >> uint64(32)
    if which == 0:
        return np.int64(first)
    place = (hashed * _SPREAD) >> uint64(64 - 18 * which)
    return np.int64((first + uint64(which * length)) ^ (place & uint64(length - 1)))


@kernel
def gather(hashes: Words, arity: int, length: int, segments: int, sums: Words, degrees: NDArray[np.uint8]) -> int:
    """XOR every hash into its cells, and count; `hashes` ascend. Gives how many different ones, -1 where a cell is
    named too often to count."""
    different = 0
    for number in range(len(hashes)):
        hashed = hashes[number]
        if number > 0 and hashed == hashes[number - 1]:
            continue
        different += 1
        for which in range(arity):
            cell = _cell(hashed, which, length, segments)
            if degrees[cell] == _FULL:
                return -1
            sums[cell] ^= hashed
            degrees[cell] += 1
    return different


@kernel
def peel(
    arity: int,
    length: int,
    segments: int,
    sums: Words,
    degrees: NDArray[np.uint8],
    stack: NDArray[np.uint32],
    order: Words,
    chosen: NDArray[np.uint8],
) -> int:
    """Take keys away one by one; writes their hashes in this order and which of its cells each was alone in.

    Gives how many were taken: fewer than there are where the rest hold each other.
    """
    taken = 0
    for start in range(len(sums)):
        if degrees[start] != 1:
            continue
        stack[0], waiting = start, 1
        while waiting:
            waiting -= 1
            alone = np.int64(stack[waiting])
            if degrees[alone] != 1:
                continue
            hashed = sums[alone]
            order[taken] = hashed
            for which in range(arity):
                cell = _cell(hashed, which, length, segments)
                if cell == alone:
                    chosen[taken] = which
                sums[cell] ^= hashed
                degrees[cell] -= 1
                if degrees[cell] == 1:
                    stack[waiting] = cell
                    waiting += 1
            taken += 1
    return taken


@kernel
def place(
    order: Words, chosen: NDArray[np.uint8], arity: int, length: int, segments: int, cells: NDArray[np.uint16]
) -> None:
    """Fill the cells, the key that was taken last first: `cells` become fingerprints of 11 bits."""
    for back in range(len(order)):
        number = len(order) - 1 - back
        hashed = order[number]
        value = np.uint16(hashed & _CELL)
        for which in range(arity):
            if which != chosen[number]:
                value ^= cells[_cell(hashed, which, length, segments)]
        cells[_cell(hashed, np.int64(chosen[number]), length, segments)] = value


@kernel
def pack(cells: NDArray[np.uint16], body: NDArray[np.uint8]) -> None:
    """Write 11 bits of each cell, one after the other, from the lowest bit of the first byte on."""
    held, bits, written = uint64(0), 0, 0
    for number in range(len(cells)):
        held |= uint64(cells[number]) << uint64(bits)
        bits += _BITS
        while bits >= 8:
            body[written] = np.uint8(held & uint64(255))
            written += 1
            held >>= uint64(8)
            bits -= 8
    if bits:
        body[written] = np.uint8(held)


@kernel
def count_held(hashes: Words, arity: int, length: int, segments: int, body: NDArray[np.uint8]) -> int:
    """How many of the hashes a packed filter holds. `body` has two bytes more than the filter."""
    held = 0
    for number in range(len(hashes)):
        hashed = hashes[number]
        found = hashed
        for which in range(arity):
            bit = _cell(hashed, which, length, segments) * _BITS
            at = bit >> 3
            word = uint64(body[at]) | uint64(body[at + 1]) << uint64(8) | uint64(body[at + 2]) << uint64(16)
            found ^= word >> uint64(bit & 7)
        held += (found & _CELL) == 0
    return held
