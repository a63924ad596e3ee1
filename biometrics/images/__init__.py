"""Pictures at the door: bytes of any sender in, upright 8-bit pixels out, or InvalidImage and nothing else."""

from .decoding import decode, measure
from .image import Image

__all__ = ["Image", "decode", "measure"]
