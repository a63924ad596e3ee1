"""A decoded picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow


@dataclass(frozen=True, eq=False)
class Image:
    """A still picture, upright and opaque, 8 bits a channel; its arrays are read-only.

    `pixels` is (H, W) for a grey picture and (H, W, 3), RGB, for a coloured one, uint8. `dpi` is the resolution that
    the file states, in pixels per inch of these pixels, None where it states none. `format` is one of "JPEG", "PNG",
    "BMP", "TIFF", "JPEG2000" and "WSQ".
    """

    pixels: NDArray[np.uint8] = field(repr=False)  # a capture must not get into a log
    dpi: float | None
    format: str

    def __post_init__(self) -> None:
        self.pixels.setflags(write=False)

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.pixels.shape[0])

    @cached_property
    def rgb(self) -> NDArray[np.uint8]:
        """Colours, uint8 (H, W, 3); a grey picture has three equal channels."""
        if self.pixels.ndim == 3:
            return self.pixels
        return np.broadcast_to(self.pixels[:, :, None], (*self.pixels.shape, 3))

    @cached_property
    def grey(self) -> NDArray[np.uint8]:
        """Luma after ITU-R BT.601, uint8 (H, W)."""
        if self.pixels.ndim == 2:
            return self.pixels
        luma = np.array(Pillow.fromarray(self.pixels).convert("L"))
        luma.setflags(write=False)
        return luma
