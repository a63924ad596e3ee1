"""Pictures as senders break them. None shows anybody."""

import struct
import zlib
from io import BytesIO

import numpy as np
from PIL import Image


def noise(height: int, width: int, channels: int = 3) -> np.ndarray:
    """Pixels that do not compress, uint8 (H, W, channels)."""
    return np.random.default_rng(7).integers(0, 256, (height, width, channels), dtype=np.uint8)


def written(picture: Image.Image, kind: str, **options: object) -> bytes:
    """The picture as a file."""
    file = BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def sound(kind: str = "PNG") -> bytes:
    """A small picture that is accepted."""
    return written(Image.fromarray(noise(64, 64)), kind)


def png_of(width: int, height: int, depth: int = 8, data: bytes = b"") -> bytes:
    """A PNG that claims a size, whatever its data."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def animated() -> bytes:
    """Two frames."""
    first, second = (Image.fromarray(noise(64, 64) // share) for share in (1, 2))
    return written(first, "PNG", save_all=True, append_images=[second])


BROKEN: dict[str, tuple[bytes, str]] = {
    "no bytes": (b"", "image_empty"),
    "words": (b"EchoMe, no picture", "image_not_an_image"),
    "a page": (b"<html>EchoMe</html>", "image_not_an_image"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "image_not_an_image"),
    "gif": (written(Image.fromarray(noise(64, 64)), "GIF"), "image_not_an_image"),
    "half a jpeg": (sound("JPEG")[: len(sound("JPEG")) // 2], "image_truncated"),
    "half a png": (sound("PNG")[:2000], "image_truncated"),
    "a signature": (b"\xff\xd8\xff", "image_truncated"),
    "damaged": (sound("PNG")[:100] + bytes(200) + sound("PNG")[300:], "image_truncated"),
    "bomb": (png_of(60_000, 60_000, data=bytes(1000)), "image_too_many_pixels"),
    "ribbon": (png_of(1_000_000, 32), "image_too_many_pixels"),
    "true bomb": (written(Image.new("1", (12_000, 12_000)), "PNG"), "image_too_many_pixels"),
    "zero-sized": (png_of(0, 0), "image_empty"),
    "zero wide": (png_of(0, 100), "image_empty"),
    "zero high": (sound("BMP")[:22] + bytes(4) + sound("BMP")[26:], "image_empty"),
    "tiny": (written(Image.fromarray(noise(8, 8)), "PNG"), "image_too_small"),
    "16-bit png": (written(Image.fromarray(np.zeros((64, 64), np.uint16)), "PNG"), "image_depth_unsupported"),
    "16-bit tiff": (written(Image.fromarray(np.zeros((64, 64), np.uint16)), "TIFF"), "image_depth_unsupported"),
    "cmyk": (written(Image.fromarray(noise(64, 64, 4), "CMYK"), "JPEG"), "image_colour_unsupported"),
    "animated": (animated(), "image_animated"),
    "pages": (
        written(Image.fromarray(noise(64, 64)), "TIFF", save_all=True, append_images=[Image.fromarray(noise(64, 64))]),
        "image_animated",
    ),
    "11 MB": (sound("BMP") + bytes(11 * 1024 * 1024), "image_too_large"),
}
