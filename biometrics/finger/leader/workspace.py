"""The memory that the network computes in, kept between pictures.

A picture of 384 x 384 pixels takes 50 MB of maps. Fresh memory is handed out by the system page by page, each filled
with zeros first, which takes as long as a tenth of the whole network.
"""

from __future__ import annotations

import math

import numpy as np

from biometrics.finger.leader.layers import CHUNK, MARGIN, clear_frame
from biometrics.kernels.packing import Floats, padded
from biometrics.kernels.tiles import ROWS


class Workspace:
    """Arrays by name, for one picture at a time. What it hands out lies in what it handed out before by that name."""

    def __init__(self) -> None:
        self._buffers: dict[str, Floats] = {}
        self._framed: dict[str, tuple[int, int, int]] = {}

    @property
    def size(self) -> int:
        """Bytes that are kept."""
        return sum(buffer.nbytes for buffer in self._buffers.values())

    def map(self, name: str, height: int, width: int, channels: int) -> Floats:
        """A map (see `layers`) whose margins and surplus channels are 0; the rest is anything."""
        wide = width + 2 * MARGIN + ROWS + CHUNK
        # One line more, for a tile computes two and an odd height ends in the middle of one.
        shape = height + 2 * MARGIN + 1, wide, padded(channels)
        found = self._array(name, shape)
        if self._framed.get(name) != shape:  # nobody writes into the frame, so it stays clear for pictures of a size
            clear_frame(found, height, width, channels)
            self._framed[name] = shape
        return found

    def plain(self, name: str, height: int, width: int, channels: int) -> Floats:
        """An array of whole chunks of pixels without margins, its content anything."""
        return self._array(name, (height, padded(width, CHUNK), channels))

    def _array(self, name: str, shape: tuple[int, int, int]) -> Floats:
        size = math.prod(shape)
        if name not in self._buffers or self._buffers[name].size < size:
            self._buffers[name] = np.zeros(size, np.float32)
        return self._buffers[name][:size].reshape(shape)
