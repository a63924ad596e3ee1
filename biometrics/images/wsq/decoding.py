"""Coefficients to pixels: dequantisation and the inverse wavelet transform."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from biometrics.errors import InvalidImage

from .huffman import DAMAGED, decode_block

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .container import Frame

# The decomposition: None is a subband, a tuple a region split into top left, top right, bottom left, bottom right.
# Read depth first it gives the subbands' numbers, 0 to 63; the last four (the finest diagonal) are never coded.
_Tree = tuple["_Tree | None", ...]
_FOUR: _Tree = (None, None, None, None)
_SIXTEEN: _Tree = (_FOUR, _FOUR, _FOUR, _FOUR)
_COARSE: _Tree = ((_FOUR, None, None, None), _FOUR, _FOUR, _FOUR)
_TREE: _Tree = ((_COARSE, _SIXTEEN, _SIXTEEN, None), _FOUR, _FOUR, _FOUR)
_CODED_SUBBANDS = 60


@dataclass(frozen=True)
class _Region:
    """A part of the plane of coefficients. A region right in its parent is mirrored in frequency horizontally, one
    at the bottom vertically: its high-pass half then comes first."""

    top: int
    left: int
    height: int
    width: int
    mirrored_rows: bool = False
    mirrored_columns: bool = False

    def quarters(self) -> tuple[_Region, ...]:
        """Top left, top right, bottom left, bottom right. Of an odd length the low-pass half has one more."""
        upper = self.height // 2 if self.mirrored_columns else self.height - self.height // 2
        leftmost = self.width // 2 if self.mirrored_rows else self.width - self.width // 2
        lower, right = self.height - upper, self.width - leftmost
        return (
            _Region(self.top, self.left, upper, leftmost),
            _Region(self.top, self.left + leftmost, upper, right, mirrored_rows=True),
            _Region(self.top + upper, self.left, lower, leftmost, mirrored_columns=True),
            _Region(self.top + upper, self.left + leftmost, lower, right, True, True),
        )

    def of(self, plane: NDArray[np.float32]) -> NDArray[np.float32]:
        """The region's part of the plane, as a view."""
        return plane[self.top : self.top + self.height, self.left : self.left + self.width]


def decode(frame: Frame) -> NDArray[np.uint8]:
    """The picture (H, W) of a frame whose size was found acceptable. Raises InvalidImage `image_truncated`."""
    plane = np.zeros((frame.height, frame.width), np.float32)
    whole = _Region(0, 0, frame.height, frame.width)
    # Damaged bin widths and taps may be as large as the format can write: what overflows is no picture.
    with np.errstate(over="ignore", invalid="ignore"):
        _dequantise(frame, plane, list(_subbands(_TREE, whole))[:_CODED_SUBBANDS])
        _synthesise(frame, plane, _TREE, whole)
        grey = plane * frame.scale + frame.shift + 0.5
    if not np.all(np.isfinite(grey)):
        raise InvalidImage("image_truncated", "the WSQ data is damaged")
    levels: NDArray[np.float32] = np.clip(grey, 0.0, 255.0)
    return levels.astype(np.uint8)


def _subbands(tree: _Tree, region: _Region) -> Iterator[_Region]:
    for branch, quarter in zip(tree, region.quarters(), strict=True):
        if branch is None:
            yield quarter
        else:
            yield from _subbands(branch, quarter)


def _dequantise(frame: Frame, plane: NDArray[np.float32], subbands: list[_Region]) -> None:
    """Puts the middle of each coefficient's bin in its place (section 2.4 of the specification)."""
    assert frame.bins is not None
    coded = [(band, *frame.bins[i]) for i, band in enumerate(subbands) if frame.bins[i, 0] > 0.0]
    coefficients = np.zeros(sum(band.height * band.width for band, _, _ in coded), np.int32)
    filled = 0
    for block in frame.blocks:
        filled = decode_block(block.data, block.table.lengths, block.table.symbols, coefficients, filled)
        if filled == DAMAGED:
            break
    if filled != coefficients.size:
        raise InvalidImage("image_truncated", "the WSQ data is cut off or damaged")
    at = 0
    for band, width, zero_width in coded:
        size = band.height * band.width
        bins = coefficients[at : at + size].reshape(band.height, band.width).astype(np.float32)
        middle = width * (np.abs(bins) - frame.bin_centre) + zero_width / 2.0
        band.of(plane)[...] = np.sign(bins) * middle
        at += size


def _synthesise(frame: Frame, plane: NDArray[np.float32], tree: _Tree, region: _Region) -> None:
    """Joins the four quarters of a region, the deepest first."""
    assert frame.low is not None
    assert frame.high is not None
    quarters = region.quarters()
    for branch, quarter in zip(tree, quarters, strict=True):
        if branch is not None and (quarter is not quarters[3] or tree is not _TREE):
            _synthesise(frame, plane, branch, quarter)
    part = region.of(plane)
    part[...] = _join(part, frame.low, frame.high, region.mirrored_columns)
    part[...] = _join(part.T, frame.low, frame.high, region.mirrored_rows).T


def _join(
    halves: NDArray[np.float32], low: NDArray[np.float64], high: NDArray[np.float64], high_first: bool
) -> NDArray[np.float32]:
    """Joins the low-pass and the high-pass half of the rows of `halves` (n, m) into a signal of n rows.

    Low-pass coefficients belong to even, high-pass ones to odd rows; beyond the ends the interleaved sequence is
    mirrored at its first and last row, which is the symmetric extension that goes with filters of odd length.
    """
    n = len(halves)
    split = n // 2 if high_first else n - n // 2
    first, second = halves[:split], halves[split:]
    reach = len(high) - 1
    woven = np.empty_like(halves)
    woven[0::2], woven[1::2] = (second, first) if high_first else (first, second)
    padded = np.pad(woven, ((reach, reach), (0, 0)), mode="reflect" if n > 1 else "edge")
    joined = np.zeros_like(halves)
    for parity in (0, 1):
        out = joined[parity::2]
        for step in range(-reach, reach + 1):
            taps = low if (parity + step) % 2 == 0 else high
            if abs(step) < len(taps):
                start = reach + parity + step
                out += np.float32(taps[abs(step)]) * padded[start : start + 2 * len(out) : 2]
    return joined
