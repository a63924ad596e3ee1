"""Damage: sound files changed at random, in the ways that find faults of decoders.

Own code and not a library's: every run has a number, and the same number gives the same bytes on every machine, so that
one that failed is told by its number and tried again alone. Hypothesis, which the rooms' own tests use, draws better
counterexamples, and takes some milliseconds for each.
"""

import random
from collections.abc import Callable, Sequence

LONGEST = 1 << 17
_MOST_CHANGES = 5  # twice as many with every further one
_WIDTHS = (1, 2, 4, 8)
# What breaks readers of texts: depth, numbers beyond floats and integers, halves of characters, ends of lines.
_TOKENS = (
    b"[" * 100_000, b'{"a":' * 20_000, b"9" * 5_000, b"1e999", b"-1e999", b"1" + b"0" * 400, b"NaN", b"-Infinity",
    b"null", b"true", b"{}", b"[]", b'""', b"-1", b"0", b"0.1", b'"\\ud800"', b'"\\u0000"', b"\x00", b"\xff\xfe",
    b"\xef\xbb\xbf", b"\r\n", b"\n\n", b'"', b"'", b",", b"=", b"]", b"}", b"\\", b"%00", b"../", b"\xe2\x80\xae",
)  # fmt: skip


def damaged(seeds: Sequence[bytes], number: int, name: str) -> bytes:
    """The bytes of a run, at most `LONGEST`: one of the seeds, changed in one to sixteen places."""
    drawn = random.Random(f"{name} {number}")
    if (kind := drawn.random()) < 0.04:
        return drawn.choice(_TOKENS) if kind < 0.02 else drawn.randbytes(drawn.randrange(600))
    data = bytearray(drawn.choice(seeds))
    for _ in range(1 << drawn.randrange(_MOST_CHANGES)):
        drawn.choice(_CHANGES)(data, seeds, drawn)
    return bytes(data[:LONGEST])


def _place(data: bytearray, drawn: random.Random) -> int:
    """Anywhere; every second time near the start, where most files say what follows."""
    size = len(data) if drawn.random() < 0.5 else min(len(data), 64)
    return drawn.randrange(size + 1)


def _flip(data: bytearray, _: Sequence[bytes], drawn: random.Random) -> None:
    if data:
        data[min(_place(data, drawn), len(data) - 1)] ^= 1 << drawn.randrange(8)


def _set(data: bytearray, _: Sequence[bytes], drawn: random.Random) -> None:
    if data:
        data[min(_place(data, drawn), len(data) - 1)] = drawn.choice((0, 1, 0x7F, 0x80, 0xFF, drawn.randrange(256)))


def _number(data: bytearray, _: Sequence[bytes], drawn: random.Random) -> None:
    """A number of one to eight bytes at the edge of what such a number can say."""
    width = drawn.choice(_WIDTHS)
    edge = drawn.choice((0, 1, 1 << (8 * width - 1), 1 << drawn.randrange(8 * width))) + drawn.randrange(-2, 3)
    raw = (edge % (1 << (8 * width))).to_bytes(width, drawn.choice(("big", "little")))
    at = _place(data, drawn)
    data[at : at + width] = raw


def _remove(data: bytearray, _: Sequence[bytes], drawn: random.Random) -> None:
    at = _place(data, drawn)
    del data[at : at + drawn.choice((1, 2, 4, drawn.randrange(1, 300)))]


def _cut(data: bytearray, _: Sequence[bytes], drawn: random.Random) -> None:
    if drawn.random() < 0.3:
        del data[_place(data, drawn) :]


def _insert(data: bytearray, _: Sequence[bytes], drawn: random.Random) -> None:
    at = _place(data, drawn)
    data[at:at] = drawn.randbytes(drawn.choice((1, 2, 4, drawn.randrange(1, 100))))


def _token(data: bytearray, _: Sequence[bytes], drawn: random.Random) -> None:
    at = _place(data, drawn)
    data[at : at + drawn.choice((0, 0, 1, 4))] = drawn.choice(_TOKENS)


def _value(data: bytearray, _: Sequence[bytes], drawn: random.Random) -> None:
    """Another value behind a colon, a comma or an equals sign: what a name in a text stands for."""
    places = [at + 1 for at, byte in enumerate(data) if byte in b":,="]
    if places:
        at = drawn.choice(places)
        end = min((found for mark in b",}\n" if (found := data.find(mark, at)) >= 0), default=len(data))
        data[at:end] = drawn.choice(_TOKENS)


def _repeat(data: bytearray, _: Sequence[bytes], drawn: random.Random) -> None:
    at = _place(data, drawn)
    part = data[at : at + drawn.choice((1, 4, 80, 400))]
    data[at:at] = part * drawn.choice((1, 2, 30))


def _splice(data: bytearray, seeds: Sequence[bytes], drawn: random.Random) -> None:
    """A part of another sound file."""
    other = drawn.choice(seeds)
    start, at = drawn.randrange(len(other) + 1), _place(data, drawn)
    part = other[start : start + drawn.randrange(1, 400)]
    data[at : at + (len(part) if drawn.random() < 0.5 else 0)] = part


_CHANGES: tuple[Callable[[bytearray, Sequence[bytes], random.Random], None], ...] = (
    _flip, _flip, _set, _set, _number, _number, _remove, _cut, _insert, _token, _value, _repeat, _splice,
)  # fmt: skip
