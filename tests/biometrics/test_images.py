from __future__ import annotations

import io
import logging
import struct
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import ExifTags
from PIL import Image as Pillow

from biometrics.errors import InvalidImage
from biometrics.images import Image, decode, parameters
from tests.biometrics.pictures import FORMATS, LOSSLESS, encode, scene

CODES = {
    "image_empty",
    "image_too_large",
    "image_not_an_image",
    "image_truncated",
    "image_too_many_pixels",
    "image_too_small",
    "image_animated",
    "image_depth_unsupported",
    "image_colour_unsupported",
}


def code_of(data: bytes) -> str:
    with pytest.raises(InvalidImage) as caught:
        decode(data)
    assert caught.value.code in CODES
    return caught.value.code


def png(width: int, height: int, depth: int = 8, colour: int = 2, body: bytes = b"") -> bytes:
    """A PNG of any stated size."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")


def patched(data: bytes, offset: int, layout: str, *values: int) -> bytes:
    copy = bytearray(data)
    struct.pack_into(layout, copy, offset, *values)
    return bytes(copy)


def jpeg_claiming(width: int, height: int, precision: int = 8) -> bytes:
    data = encode(scene(), "JPEG")
    return patched(data, data.index(b"\xff\xc0") + 4, ">BHH", precision, height, width)


def jpeg2000_claiming(width: int, height: int, *, wrapper_too: bool) -> bytes:
    data = encode(scene(), "JPEG2000")
    data = patched(data, data.index(b"\xff\x4f\xff\x51") + 8, ">II", width, height)
    if wrapper_too:
        data = patched(data, data.index(b"ihdr") + 4, ">II", height, width)
    return data


def bombs() -> dict[str, bytes]:
    """A few bytes that claim billions of pixels, one for each way to say so."""
    bitmap, tiff = encode(scene(), "BMP"), encode(scene(), "TIFF")
    finger = (Path(__file__).parent / "wsq" / "finger_150x64.wsq").read_bytes()
    width_tag = tiff.index(struct.pack("<HHII", 256, 4, 1, 64))
    return {
        "png": png(60_000, 60_000),
        "jpeg": jpeg_claiming(65_500, 65_500),
        "jpeg of many scans": jpeg_claiming(4_000, 4_000) + 40 * b"\xff\xda",
        "bmp": patched(bitmap, 18, "<ii", 50_000, 50_000),
        "tiff": patched(tiff, width_tag, "<HHIIHHII", 256, 4, 1, 90_000, 257, 4, 1, 90_000),
        "jpeg 2000": jpeg2000_claiming(90_000, 90_000, wrapper_too=True),
        "jpeg 2000 in a small wrapper": jpeg2000_claiming(90_000, 90_000, wrapper_too=False),
        "wsq": patched(finger, finger.index(b"\xff\xa2") + 6, ">HH", 65_000, 65_000),
    }


# What is accepted


@pytest.mark.parametrize("kind", LOSSLESS)
def test_lossless_formats_give_the_very_pixels(kind: str) -> None:
    image = decode(encode(scene(), kind))
    assert image.format == kind
    assert (image.width, image.height) == (64, 48)
    np.testing.assert_array_equal(image.rgb, scene())


def test_a_jpeg_is_near_the_pixels() -> None:
    image = decode(encode(scene(), "JPEG", quality=95, subsampling=0))
    assert image.format == "JPEG"
    assert np.abs(image.rgb.astype(int) - scene()).mean() < 2


def test_a_bare_jpeg_2000_code_stream_is_read() -> None:
    wrapped = encode(scene(), "JPEG2000")
    assert np.array_equal(decode(wrapped[wrapped.index(b"\xff\x4f\xff\x51") :]).rgb, scene())


def test_grey_and_colour_convert_into_each_other() -> None:
    grey = decode(encode(Pillow.fromarray(scene()).convert("L")))
    assert grey.pixels.shape == (48, 64)
    assert grey.rgb.shape == (48, 64, 3)
    assert all(np.array_equal(grey.rgb[:, :, channel], grey.grey) for channel in range(3))
    luma = scene() @ np.array([0.299, 0.587, 0.114])
    assert np.abs(decode(encode(scene())).grey - luma).max() <= 1


@pytest.mark.parametrize("mode", ["1", "P", "LA", "RGBA", "RGBX", "YCbCr"])
def test_other_pixel_layouts_are_converted(mode: str) -> None:
    image = decode(encode(Pillow.fromarray(scene()).convert(mode), "TIFF"))
    assert image.rgb.shape == (48, 64, 3)
    expected = np.array(Pillow.fromarray(scene()).convert(mode).convert("RGB"))
    assert np.abs(image.rgb.astype(int) - expected).max() <= 2


def test_transparency_is_laid_over_white() -> None:
    alpha = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (48, 1))
    seen = decode(encode(np.dstack([scene(), alpha]))).rgb
    share = alpha[:, :, None] / 255
    assert np.abs(seen - (scene() * share + 255 * (1 - share))).max() <= 1


def test_a_transparent_palette_entry_is_white() -> None:
    picture = Pillow.new("P", (40, 40), 0)
    picture.putpalette([10, 20, 30, 200, 100, 50])
    picture.paste(1, (20, 0, 40, 40))
    image = decode(encode(picture, transparency=0))
    assert image.rgb[0, 0].tolist() == [255, 255, 255]
    assert image.rgb[0, 30].tolist() == [200, 100, 50]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_stated_orientation_is_applied(kind: str, orientation: int) -> None:
    """Stored as a camera held that way stores it, every picture comes out upright."""
    turned: dict[int, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: a.transpose(1, 0, 2)[::-1, ::-1],
        8: lambda a: np.rot90(a, -1),
    }
    exif = Pillow.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    data = encode(np.ascontiguousarray(turned[orientation](scene())), kind, exif=exif)
    image = decode(data)
    assert image.pixels.shape == scene().shape
    assert np.abs(image.rgb.astype(int) - scene()).mean() < 3


@pytest.mark.filterwarnings("ignore:::PIL")  # as in a service; pytest replaces the filter that decoding installs
def test_broken_exif_does_not_hurt_the_picture() -> None:
    data = encode(scene(), "JPEG", exif=b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\xff\xff\x01\x12\x00\x03")
    assert decode(data).pixels.shape == (48, 64, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "TIFF"])
def test_resolution_comes_from_the_file(kind: str) -> None:
    assert decode(encode(scene(), kind, dpi=(500, 500))).dpi == pytest.approx(500, rel=1e-3)
    assert decode(encode(scene(), kind, dpi=(500, 250))).dpi is None
    if kind != "BMP":  # a BMP header always states one
        assert decode(encode(scene(), kind)).dpi is None


def test_a_resolution_that_is_a_placeholder_is_not_reported() -> None:
    assert decode(encode(scene(), "JPEG", dpi=(1, 1))).dpi is None
    assert decode(encode(scene(), "TIFF", dpi=(0, 0))).dpi is None


def test_a_big_jpeg_may_be_decoded_reduced() -> None:
    data = encode(scene(1200, 1600), "JPEG", dpi=(600, 600))
    assert decode(data).pixels.shape == (1200, 1600, 3)
    image = decode(data, sufficient_side=700)
    assert image.pixels.shape == (600, 800, 3)
    assert image.dpi == pytest.approx(300)
    assert decode(encode(scene(1200, 1600), "PNG"), sufficient_side=700).pixels.shape == (1200, 1600, 3)
    assert decode(encode(scene(), "JPEG"), sufficient_side=700).pixels.shape == (48, 64, 3)


def test_pixels_are_read_only_and_kept_out_of_reprs() -> None:
    image = decode(encode(scene()))
    with pytest.raises(ValueError, match="read-only"):
        image.rgb[0, 0] = 0
    with pytest.raises(ValueError, match="read-only"):
        image.grey[0, 0] = 0
    assert repr(image) == "Image(dpi=None, format='PNG')"


def test_threads_do_not_disturb_each_other() -> None:
    files = {kind: encode(scene(200, 300), kind) for kind in FORMATS}
    expected = {kind: decode(data).rgb for kind, data in files.items()}
    wrong: list[str] = []

    def work(kind: str) -> None:
        wrong.extend(kind for _ in range(20) if not np.array_equal(decode(files[kind]).rgb, expected[kind]))

    threads = [threading.Thread(target=work, args=(kind,)) for kind in FORMATS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# What is refused


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "image_empty"),
        (b"\x00", "image_not_an_image"),
        (b"%PDF-1.7 and so on", "image_not_an_image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image_not_an_image"),
        (encode(scene(), "GIF"), "image_not_an_image"),
        (encode(scene(), "WEBP"), "image_not_an_image"),
        (b"\xff\xd8\xff" + bytes(20 * 1024 * 1024), "image_too_large"),
        (png(0, 40), "image_empty"),
        (png(31, 40), "image_too_small"),
        (png(40, 31), "image_too_small"),
        (png(20_000, 40), "image_too_many_pixels"),
        (png(40, 40, depth=16), "image_depth_unsupported"),
        (jpeg_claiming(64, 48, precision=12), "image_depth_unsupported"),
        (encode(Pillow.new("I;16", (40, 40)), "PNG"), "image_depth_unsupported"),
        (encode(Pillow.new("I;16", (40, 40)), "TIFF"), "image_depth_unsupported"),
        (encode(Pillow.new("F", (40, 40)), "TIFF"), "image_depth_unsupported"),
        (encode(Pillow.new("I;16", (40, 40)), "JPEG2000"), "image_depth_unsupported"),
        (encode(Pillow.new("CMYK", (40, 40)), "JPEG"), "image_colour_unsupported"),
        (encode(Pillow.new("CMYK", (40, 40)), "TIFF"), "image_colour_unsupported"),
        (encode(Pillow.new("LAB", (40, 40)), "TIFF"), "image_colour_unsupported"),
    ],
)
def test_what_is_no_acceptable_picture_is_refused_with_its_code(data: bytes, code: str) -> None:
    assert code_of(data) == code


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_several_frames_are_refused(kind: str) -> None:
    frames = [Pillow.fromarray(np.roll(scene(), step, axis=1)) for step in (0, 5, 9)]
    assert code_of(encode(frames[0], kind, save_all=True, append_images=frames[1:])) == "image_animated"


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_that_is_cut_off_is_refused(kind: str) -> None:
    data = encode(scene(), kind)
    for share in (0.1, 0.3, 0.6, 0.9):
        assert code_of(data[: int(share * len(data))]) == "image_truncated"


@pytest.mark.parametrize("name", bombs())
def test_a_bomb_is_refused_by_its_header(name: str) -> None:
    assert code_of(bombs()[name]) == "image_too_many_pixels"


def test_bombs_are_refused_in_little_memory() -> None:
    """In a process that may only take 300 MB more than it has: an attempt to decode would fail for want of memory."""
    script = """
import resource
from biometrics.images import decode
from biometrics.errors import InvalidImage
from tests.biometrics.test_images import bombs
files = bombs()
now = 1024 * next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmSize"))
resource.setrlimit(resource.RLIMIT_AS, (now + 300_000_000, now + 300_000_000))
for data in files.values():
    try:
        decode(data)
    except InvalidImage as error:
        print(error.code)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["image_too_many_pixels"] * len(bombs())


def test_the_limits_admit_what_they_promise() -> None:
    assert decode(encode(Pillow.new("L", (6000, 4000)), "PNG")).pixels.shape == (4000, 6000)
    assert 6000 * 4000 < parameters.MAX_PIXELS < 6000 * 4200
    assert decode(encode(Pillow.new("L", (32, 32)))).pixels.shape == (32, 32)


def test_errors_quote_nothing_from_the_file(caplog: pytest.LogCaptureFixture) -> None:
    exif = Pillow.Exif()
    exif[ExifTags.Base.ImageDescription] = "Zhang San 11010519491231002X"
    data = encode(scene(), "TIFF", exif=exif)
    with caplog.at_level(logging.DEBUG), pytest.raises(InvalidImage) as caught:
        decode(data[:-200])
    assert "Zhang" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert "Zhang" not in caplog.text


# Anything at all


def outcome(data: bytes) -> Image | str:
    """What becomes of the bytes; any other exception than InvalidImage ends the test."""
    try:
        image = decode(data)
    except InvalidImage as error:
        return error.code
    assert image.rgb.shape == (image.height, image.width, 3)
    assert image.rgb.dtype == image.grey.dtype == np.uint8
    assert image.width * image.height <= parameters.MAX_PIXELS
    return image


SIGNATURES = [encode(scene(), kind)[:12] for kind in FORMATS] + [b"\xff\xa0\xff", b"\xff\x4f\xff\x51", b"MM\x00*"]
SAMPLES = [encode(scene(), kind) for kind in FORMATS] + [
    encode(scene(), "JPEG", progressive=True, exif=Pillow.Exif()),
    encode(Pillow.fromarray(scene()).convert("P"), "PNG", transparency=3),
    encode(scene(), "TIFF", compression="tiff_lzw"),
    encode(scene(), "TIFF", compression="jpeg"),
    encode(Pillow.fromarray(scene()).convert("1"), "TIFF", compression="group4"),
    encode(Pillow.fromarray(scene()).convert("P"), "BMP"),
]


@given(head=st.sampled_from(SIGNATURES), tail=st.binary(max_size=400))
@example(head=b"", tail=b"")
@settings(max_examples=300, deadline=None)
def test_any_bytes_give_a_picture_or_a_code(head: bytes, tail: bytes) -> None:
    found = outcome(head + tail)
    assert isinstance(found, Image) or found in CODES


@given(data=st.data(), sample=st.sampled_from(SAMPLES))
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_damaged_picture_gives_a_picture_or_a_code(data: st.DataObject, sample: bytes) -> None:
    damaged = bytearray(sample)
    places = st.integers(0, len(sample) - 1) | st.integers(0, min(200, len(sample)) - 1)
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(places)] = data.draw(st.integers(0, 255))
    found = outcome(bytes(damaged[: data.draw(st.integers(1, len(damaged)) | st.just(len(damaged)))]))
    assert isinstance(found, Image) or found in CODES


def test_pillow_still_reads_what_we_hand_over() -> None:
    """The encodings that these tests start from are sound ones, not ones that fail for another reason."""
    for sample in SAMPLES:
        assert isinstance(outcome(sample), Image)
        Pillow.open(io.BytesIO(sample)).load()
