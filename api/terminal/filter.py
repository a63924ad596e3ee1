"""The filter: whether a tag may be among those that it was built of. It never misses one, and errs in one of 2,048.

A binary fuse filter (T. M. Graf, D. Lemire: "Binary Fuse Filters: Fast and Smaller Than Xor Filters", ACM JEA 27, 2022)
with fingerprints of 11 bits, packed. A tag's hash names `arity` cells, one in each of so many segments that follow each
other, and the XOR of the cells of a tag that is held is its fingerprint.

The first eight bytes of a tag, as a number (little-endian), are its key, and everything is computed of it modulo 2^64:

    h = mix(key + seed)                        mix: `mix` below
    first cell     = (h >> 32) * (segments * segment_length) >> 32
    i-th cell      = first cell + i * segment_length, XOR (h * SPREAD >> 64 - 18 * i) mod segment_length in its low bits
    fingerprint    = h mod 2048

Cell c is the 11 bits from bit 11 * c on, bit b being bit b mod 8 of byte b // 8.
"""

from dataclasses import dataclass

FINGERPRINT_BITS = 11
ARITIES = (3, 4)
SHORTEST_SEGMENT = 4
LONGEST_SEGMENT = 1 << 18
"""Eighteen bits of the spread hash choose a place in a segment."""
MOST_CELLS = 1 << 28

FIRST_FACTOR, SECOND_FACTOR = 0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53
SPREAD = 0x9E3779B97F4A7C15
_WORD = (1 << 64) - 1
_CELL = (1 << FINGERPRINT_BITS) - 1


class FilterMalformed(ValueError):
    """The parameters are out of bounds, or the bytes are not as many as they say."""


@dataclass(frozen=True)
class Shape:
    """What a filter is made of: `segments` places for the first of `arity` segments of `segment_length` cells, and the
    seed of its hash."""

    arity: int
    segment_length: int
    segments: int
    seed: int

    @property
    def cells(self) -> int:
        """How many cells it has."""
        return (self.segments + self.arity - 1) * self.segment_length

    @property
    def body_bytes(self) -> int:
        """How many bytes they take."""
        return (self.cells * FINGERPRINT_BITS + 7) // 8

    def check(self) -> None:
        """Raises `FilterMalformed` unless every parameter is in its bounds, which keep all arithmetic in its words."""
        length = self.segment_length
        sound = (
            self.arity in ARITIES
            and SHORTEST_SEGMENT <= length <= LONGEST_SEGMENT
            and length & (length - 1) == 0
            and self.segments >= 1
            and self.cells <= MOST_CELLS
            and 0 <= self.seed <= _WORD
        )
        if not sound:
            raise FilterMalformed("the filter's parameters are out of bounds")


class Filter:
    """A filter over bytes that are held elsewhere: what `bytes`, `memoryview` or `mmap` can slice."""

    def __init__(self, shape: Shape, body: bytes | memoryview) -> None:
        """Raises `FilterMalformed`."""
        shape.check()
        if len(body) != shape.body_bytes:
            raise FilterMalformed("the filter has not as many bytes as its parameters say")
        self.shape = shape
        self._body = body
        self._seed = shape.seed
        self._span = shape.segments * shape.segment_length
        self._length = shape.segment_length
        self._mask = shape.segment_length - 1
        self._shifts = tuple(64 - 18 * number for number in range(1, shape.arity))

    def __contains__(self, tag: bytes) -> bool:
        """Whether a tag (at least 8 bytes) may be one of those that it holds."""
        # Written out, as a call for each step would double its time.
        hashed = (int.from_bytes(tag[:8], "little") + self._seed) & _WORD
        hashed = (hashed ^ hashed >> 33) * FIRST_FACTOR & _WORD
        hashed = (hashed ^ hashed >> 33) * SECOND_FACTOR & _WORD
        hashed ^= hashed >> 33
        spread = hashed * SPREAD & _WORD
        body, mask = self._body, self._mask
        cell = (hashed >> 32) * self._span >> 32
        bit = cell * FINGERPRINT_BITS
        found = int.from_bytes(body[bit >> 3 : (bit >> 3) + 3], "little") >> (bit & 7)
        for shift in self._shifts:
            cell += self._length
            bit = (cell ^ spread >> shift & mask) * FINGERPRINT_BITS
            found ^= int.from_bytes(body[bit >> 3 : (bit >> 3) + 3], "little") >> (bit & 7)
        return (found ^ hashed) & _CELL == 0


def mix(word: int) -> int:
    """The finaliser of MurmurHash3 (A. Appleby, public domain): every bit of a 64-bit word changes half of them."""
    word = (word ^ word >> 33) * FIRST_FACTOR & _WORD
    word = (word ^ word >> 33) * SECOND_FACTOR & _WORD
    return word ^ word >> 33
