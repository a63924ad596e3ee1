"""JPEG by another decoder than Pillow's: the very pixels, and Pillow's verdict on whatever is odd."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags
from PIL import Image as Pillow
from PIL.ImageFile import ImageFile

from biometrics.images import Image, decode, decoding
from tests.biometrics.pictures import encode, scene
from tests.biometrics.verdicts import outcome, same


def by_pillow(data: bytes) -> Image | str:
    """What `decode` says without the other decoder."""
    with pytest.MonkeyPatch.context() as without:
        without.setattr(decoding, "_jpeg_pixels", lambda *_: None)
        return outcome(data)


def picture(grey: bool, width: int = 197, height: int = 130) -> Pillow.Image:
    large = Pillow.fromarray(scene(height, width))
    return large.convert("L") if grey else large


def comment(data: bytes, content: bytes, marker: int = 0xFE) -> bytes:
    return data[:2] + bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content + data[2:]


@pytest.mark.parametrize("grey", [False, True], ids=["colour", "grey"])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("quality", [20, 75, 100])
def test_the_pixels_are_the_same_and_pillow_decodes_none(
    grey: bool, progressive: bool, subsampling: int, quality: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"quality": quality, "subsampling": subsampling, "progressive": progressive, "dpi": (300, 300)}
    data = encode(picture(grey), "JPEG", **options)
    expected = by_pillow(data)
    monkeypatch.setattr(ImageFile, "load", lambda *_: pytest.fail("Pillow decoded it"))
    image = decode(data)
    assert same(image, expected)
    assert image.dpi == 300
    assert image.pixels.shape == ((130, 197) if grey else (130, 197, 3))
    assert not image.pixels.flags.writeable


def odd() -> dict[str, bytes]:
    data = encode(picture(False), "JPEG", quality=80)
    scan = data.index(b"\xff\xda")
    frame = data.index(b"\xff\xc0")
    turned = Pillow.Exif()
    turned[ExifTags.Base.Orientation] = 6
    larger = data[frame : frame + 5] + struct.pack(">HH", 4000, 4000) + data[frame + 9 : frame + 19]
    return {
        "turned": encode(picture(False), "JPEG", exif=turned),
        "four colours": encode(picture(False).convert("CMYK"), "JPEG"),
        "red, green and blue as they are": encode(picture(False), "JPEG", keep_rgb=True),
        "restart intervals": encode(picture(False), "JPEG", restart_marker_blocks=3),
        "a comment": comment(data, b"of no use"),
        "a broken orientation": comment(data, b"Exif\x00\x00MM\x00*\xff\xff\xff\xff", 0xE1),
        "cut off": data[: scan + (len(data) - scan) // 2],
        "without its end": data[:-2],
        "more after the end": data + b"more",
        "rubbish in the scan": data[: scan + 90] + b"\xff\x00\xff\x01\xff\xc4" * 9 + data[scan + 144 :],
        "no tables": data[:2] + data[frame:],
        "two frames": data[:frame] + larger + data[frame:],
        "two frames, the larger last": data[:frame] + data[frame : frame + 19] + larger + data[frame + 19 :],
        "12 bits": data[: frame + 4] + b"\x0c" + data[frame + 5 :],
        "arithmetic coding": data.replace(b"\xff\xc0", b"\xff\xc9", 1),
        "rubbish before the scan": data[:scan] + bytes(7) + data[scan:],
        "two pictures": two_pictures(),
    }


def two_pictures() -> bytes:
    file = io.BytesIO()
    picture(False).save(file, "MPO", save_all=True, append_images=[picture(True).convert("RGB")])
    return file.getvalue()


@pytest.mark.parametrize("name", odd())
def test_what_is_odd_is_judged_as_pillow_judges_it(name: str) -> None:
    data = odd()[name]
    assert same(outcome(data), by_pillow(data))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damage_changes_no_verdict(data: st.DataObject) -> None:
    """A byte changed or the end cut off: the same picture or the same code, with and without the other decoder."""
    progressive, grey = data.draw(st.booleans()), data.draw(st.booleans())
    whole = encode(picture(grey, 57, 49), "JPEG", progressive=progressive)
    place = data.draw(st.integers(2, len(whole) - 1))
    damaged = whole[:place]
    if data.draw(st.booleans()):
        damaged += bytes([data.draw(st.integers(0, 255))]) + whole[place + 1 :]
    assert same(outcome(damaged), by_pillow(damaged))


def test_a_reduced_picture_keeps_its_reduction() -> None:
    data = encode(picture(False, 1200, 900), "JPEG", dpi=(400, 400))
    image = decode(data, sufficient_side=600)
    assert (image.width, image.height, image.dpi) == (600, 450, 200)
    assert np.abs(image.pixels.astype(int) - decode(data).pixels[::2, ::2]).mean() < 20
