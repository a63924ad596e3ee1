"""Plain PNG: the very pixels that Pillow gives, whatever the filters, and Pillow's verdict on all that is not plain."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image as Pillow

from biometrics.images import Image, decode, decoding, png
from tests.biometrics.pictures import encode, scene
from tests.biometrics.verdicts import outcome, same

Pixels = NDArray[np.uint8]
Chunk = tuple[bytes, bytes]
RESOLUTION = struct.pack(">2IB", 19_685, 19_685, 1)


def filtered(pixels: Pixels, ways: Iterable[int]) -> bytes:
    """The standard's filters by their definitions, a line a way."""
    height, width = pixels.shape[:2]
    step = pixels[0, 0].size
    now = pixels.reshape(height, -1).astype(int)
    up = np.vstack([np.zeros((1, width * step), int), now[:-1]])
    left = np.hstack([np.zeros((height, step), int), now[:, :-step]])
    corner = np.vstack([np.zeros((1, width * step), int), left[:-1]])
    distances = np.abs(np.stack([left, up, corner]) - (left + up - corner))
    paeth = np.choose(distances.argmin(axis=0), [left, up, corner])
    foretold = [np.zeros_like(now), left, up, (left + up) // 2, paeth]
    lines = [bytes([way, *((now[y] - foretold[way][y]) % 256)]) for y, way in enumerate(ways)]
    return b"".join(lines)


def written(chunks: Iterable[Chunk]) -> bytes:
    def whole(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    return b"\x89PNG\r\n\x1a\n" + b"".join(whole(*chunk) for chunk in chunks)


def chunks_of(pixels: Pixels, stream: bytes | None = None, interlace: int = 0) -> list[Chunk]:
    height, width = pixels.shape[:2]
    colour = 2 if pixels.ndim == 3 else 0
    data = zlib.compress(filtered(pixels, [y % 5 for y in range(height)])) if stream is None else stream
    return [
        (b"IHDR", struct.pack(">2I5B", width, height, 8, colour, 0, 0, interlace)),
        (b"pHYs", RESOLUTION),
        (b"IDAT", data[:40]),
        (b"IDAT", data[40:]),
        (b"IEND", b""),
    ]


def grey() -> Pixels:
    return np.ascontiguousarray(scene()[:, :, 0])


def by_pillow(data: bytes, monkeypatch: pytest.MonkeyPatch) -> Image | str:
    """What `decode` says without the reader of plain pictures."""
    with monkeypatch.context() as without:
        without.setattr(png, "plain", lambda _: None)
        return outcome(data)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.booleans(), st.integers(32, 70), st.integers(32, 40))
def test_every_filter_is_undone(seed: int, colour: bool, width: int, height: int) -> None:
    random = np.random.default_rng(seed)
    # Few levels make ties between the three that the last filter chooses from; many make sums that go round.
    levels = random.choice([3, 256])
    pixels = random.integers(0, levels, (height, width, 3) if colour else (height, width), np.uint8)
    ways = random.integers(0, 5, height).tolist()
    chunks = chunks_of(pixels, zlib.compress(filtered(pixels, ways)))
    found = png.plain(written(chunks))
    assert found is not None
    read = found.pixels()
    assert read is not None
    np.testing.assert_array_equal(read, pixels)
    np.testing.assert_array_equal(np.asarray(Pillow.open(io.BytesIO(written(chunks)))), pixels)


@pytest.mark.parametrize("picture", [scene(), grey()], ids=["colour", "grey"])
def test_a_plain_picture_does_not_go_to_pillow(picture: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    data = encode(Pillow.fromarray(picture), dpi=(500, 500))
    expected = by_pillow(data, monkeypatch)
    monkeypatch.delitem(decoding._OPENERS, "PNG")
    image = decode(data)
    assert same(image, expected)
    assert image.dpi == pytest.approx(500, abs=0.01)
    assert not image.pixels.flags.writeable


def altered() -> dict[str, bytes]:
    """Pictures that are not plain, or that are damaged."""
    start, size, first, second, end = chunks_of(grey())
    data = first[1] + second[1]
    lines = filtered(grey(), [0] * 48)
    whole = written([start, size, first, second, end])
    strange = bytes([7]) + lines[1:]
    return {
        "interlaced": encode(Pillow.fromarray(scene()), interlace=True),
        "palette": encode(Pillow.fromarray(scene()).convert("P")),
        "one bit": encode(Pillow.fromarray(grey()).convert("1")),
        "transparent colour": written([start, (b"tRNS", b"\x00\x05"), first, second, end]),
        "text": written([start, (b"tEXt", b"Raw profile type exif\x00x"), first, second, end]),
        "claims interlace": written([*chunks_of(grey(), interlace=1)]),
        "too little": written([start, (b"IDAT", zlib.compress(lines[:-1])), end]),
        "too much": written([start, (b"IDAT", zlib.compress(lines + b"more")), end]),
        "no filter of this name": written([start, (b"IDAT", zlib.compress(strange)), end]),
        "wrong sum": written([start, (b"IDAT", data[:-1] + bytes([data[-1] ^ 1])), end]),
        "rest after the stream": written([start, (b"IDAT", data + b"rest"), end]),
        "chunk in between": written([start, first, (b"tIME", bytes(7)), second, end]),
        "resolution afterwards": written([start, first, second, size, end]),
        "resolution of another length": written([start, (b"pHYs", RESOLUTION[:-1]), first, second, end]),
        "no unit": written([start, (b"pHYs", RESOLUTION[:-1] + b"\x00"), first, second, end]),
        "two headers": written([start, start, first, second, end]),
        "no header": written([size, first, second, end]),
        "no end": written([start, first, second]),
        "no picture": written([start, end]),
        "header's sum": whole[:29] + bytes([whole[29] ^ 1]) + whole[30:],
        "a picture's sum": whole[:-20] + bytes([whole[-14] ^ 1]) + whole[-19:],
        "movement": written([start, (b"acTL", struct.pack(">2I", 2, 0)), first, second, end]),
        "known by others": written([start, (b"gAMA", struct.pack(">I", 45_455)), first, second, end]),
        "lower": written([(b"IHDR", struct.pack(">2I5B", 64, 20, 8, 0, 0, 0, 0)), first, second, end]),
        "no area": written([(b"IHDR", struct.pack(">2I5B", 0, 48, 8, 0, 0, 0, 0)), first, second, end]),
        "too large": written([(b"IHDR", struct.pack(">2I5B", 60_000, 60_000, 8, 0, 0, 0, 0)), first, second, end]),
    }


@pytest.mark.parametrize("name", altered())
def test_what_is_odd_is_judged_as_pillow_judges_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = altered()[name]
    assert same(outcome(data), by_pillow(data, monkeypatch))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damage_changes_no_verdict(data: st.DataObject) -> None:
    """A byte changed or the end cut off: the same picture or the same code, with and without this reader."""
    whole = written(chunks_of(grey()[:34, :34]))
    place = data.draw(st.integers(8, len(whole) - 1))
    if data.draw(st.booleans()):
        damaged = whole[:place]
    else:
        damaged = whole[:place] + bytes([data.draw(st.integers(0, 255))]) + whole[place + 1 :]
    with pytest.MonkeyPatch.context() as monkeypatch:
        assert same(outcome(damaged), by_pillow(damaged, monkeypatch))
