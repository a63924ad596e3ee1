"""A capture is its pixels: what files may do to it, and what makes it another."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from api.matching.digests import digest_of
from biometrics.images import decode
from tests.api.pictures import noise, written

PIXELS = noise(64, 48)
ORIGINAL = written(Image.fromarray(PIXELS), "PNG")


def with_text() -> bytes:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "another file")
    return written(Image.fromarray(PIXELS), "PNG", pnginfo=text)


def turned() -> bytes:
    """Stored lying, with EXIF that says how to look at it."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return written(Image.fromarray(np.rot90(PIXELS)), "PNG", exif=exif)


REWRAPPED = {
    "trailing bytes": ORIGINAL + b"\0 more",
    "metadata": with_text(),
    "resolution": written(Image.fromarray(PIXELS), "PNG", dpi=(300, 300)),
    "compression": written(Image.fromarray(PIXELS), "PNG", compress_level=0),
    "BMP": written(Image.fromarray(PIXELS), "BMP"),
    "TIFF": written(Image.fromarray(PIXELS), "TIFF", compression="tiff_lzw"),
    "JPEG 2000, lossless": written(Image.fromarray(PIXELS), "JPEG2000", irreversible=False),
    "opaque alpha": written(Image.fromarray(PIXELS).convert("RGBA"), "PNG"),
    "orientation": turned(),
}


@pytest.mark.parametrize("name", REWRAPPED)
def test_another_file_is_the_same_capture(name: str) -> None:
    assert REWRAPPED[name] != ORIGINAL
    assert digest_of(decode(REWRAPPED[name]).rgb) == digest_of(decode(ORIGINAL).rgb)


def test_a_jpeg_and_what_it_decodes_to_are_the_same_capture() -> None:
    jpeg = written(Image.fromarray(PIXELS), "JPEG")
    decoded = written(Image.open(BytesIO(jpeg)), "PNG")
    assert digest_of(decode(jpeg).rgb) == digest_of(decode(decoded).rgb)


def test_grey_in_colours_is_the_same_capture() -> None:
    grey = Image.fromarray(PIXELS[..., 0])
    plain, coloured = decode(written(grey, "PNG")), decode(written(grey.convert("RGB"), "PNG"))
    assert digest_of(plain.rgb) == digest_of(coloured.rgb)
    assert digest_of(plain.grey) == digest_of(coloured.grey)


def test_one_grey_level_is_another_capture() -> None:
    changed = PIXELS.copy()
    changed[10, 10, 1] ^= 1
    assert digest_of(changed) != digest_of(PIXELS)


def test_the_shape_counts() -> None:
    assert digest_of(PIXELS.reshape(48, 64, 3)) != digest_of(PIXELS)
    assert len(digest_of(PIXELS)) == 32
