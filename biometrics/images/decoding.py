"""Bytes to pixels.

Pillow reads all formats but WSQ. Its plug-ins are called directly, each for the signature that it is for: so no other
format is tried, and Pillow's process-wide pixel limit with its warnings plays no part. The pixels of plain PNG and of
ordinary JPEG are decoded by others, twice as fast and to the bit the same; whatever these stumble over Pillow decides.
"""

from __future__ import annotations

import logging
import math
import warnings
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import simplejpeg
from PIL import (
    BmpImagePlugin,
    ExifTags,
    ImageFile,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
)
from PIL import Image as Pillow

from biometrics.errors import InvalidImage

from . import parameters, png, wsq
from .header import has_no_area, jpeg2000_size, jpeg_precision, jpeg_scans, png_depth, sniff
from .image import Image

if TYPE_CHECKING:
    from collections.abc import Callable

# Once for the process, because a filter set around each call is not safe among threads: Pillow's remarks on odd
# metadata are of no use here, and its debug log quotes metadata, which may hold a name.
warnings.filterwarnings("ignore", module=r"PIL\.")
logging.getLogger("PIL").setLevel(logging.INFO)

_OPENERS: dict[str, Callable[[BytesIO], ImageFile.ImageFile]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "JPEG2000": Jpeg2KImagePlugin.Jpeg2KImageFile,
}
_OPAQUE_MODES = frozenset({"1", "L", "P", "RGB", "RGBX", "YCbCr"})
_ALPHA_MODES = frozenset({"LA", "La", "PA", "RGBA", "RGBa"})
_COLOUR_MODES = frozenset({"CMYK", "LAB", "HSV"})
_UPRIGHT = {
    2: Pillow.Transpose.FLIP_LEFT_RIGHT,
    3: Pillow.Transpose.ROTATE_180,
    4: Pillow.Transpose.FLIP_TOP_BOTTOM,
    5: Pillow.Transpose.TRANSPOSE,
    6: Pillow.Transpose.ROTATE_270,
    7: Pillow.Transpose.TRANSVERSE,
    8: Pillow.Transpose.ROTATE_90,
}


def decode(data: bytes, *, sufficient_side: int | None = None) -> Image:
    """The picture in `data`: JPEG, PNG, BMP, TIFF, JPEG 2000 or WSQ; one frame, 8 bits a channel, grey or colour.

    The orientation that EXIF states is applied, transparency is laid over white. With `sufficient_side` a large JPEG
    may be decoded at a half, a quarter or an eighth of its size, as long as its longer side keeps that many pixels.

    Raises InvalidImage: `image_empty` (no bytes, no area), `image_too_large` (bytes), `image_not_an_image`,
    `image_truncated` (cut off or damaged), `image_too_many_pixels`, `image_too_small`, `image_animated` (several
    frames or pages), `image_depth_unsupported` (not 8 bits a channel), `image_colour_unsupported` (CMYK, Lab).
    """
    if not data:
        raise InvalidImage("image_empty", "no bytes")
    if len(data) > parameters.MAX_BYTES:
        raise InvalidImage("image_too_large", f"{len(data)} bytes, {parameters.MAX_BYTES} are allowed")
    kind = sniff(data)
    if kind is None:
        raise InvalidImage("image_not_an_image", "no signature of an accepted format")
    if kind == "WSQ":
        return _decode_wsq(data)
    plain = _decode_plain(data) if kind == "PNG" else None
    if plain is not None:
        return plain
    try:
        return _decode_pillow(data, kind, sufficient_side)
    except InvalidImage:
        raise
    except Exception:  # noqa: BLE001 - on damaged input decoders raise whatever their parsers stumble over
        # `from None`: a decoder's message may quote what the file holds.
        raise InvalidImage("image_truncated", f"the {kind} data is cut off or damaged") from None


def measure(data: bytes) -> tuple[int, float | None]:
    """Pixels and resolution (dpi) that a file states in its header, of which nothing is decoded.

    A small file can state much: who takes several bounds their sum by this before any work is done. A JPEG of more
    scans than encoders write counts as larger by as much. (0, None) for what `decode` refuses by its header too.
    """
    kind = sniff(data)
    if kind is None or len(data) > parameters.MAX_BYTES:
        return 0, None
    try:
        if kind == "WSQ":
            frame = wsq.read(data)
            return frame.width * frame.height, _dpi((frame.ppi, frame.ppi)) if frame.ppi else None
        picture = _OPENERS[kind](BytesIO(data))
        pixels = picture.width * picture.height
        if kind == "JPEG":
            pixels = max(pixels, pixels * jpeg_scans(data) // parameters.ORDINARY_SCANS)
        return pixels, _dpi(picture.info.get("dpi"))
    except Exception:  # noqa: BLE001 - as in `decode`, which then tells what is wrong
        return 0, None


def _decode_pillow(data: bytes, kind: str, sufficient_side: int | None) -> Image:
    _check_depth(data, kind)
    if has_no_area(data, kind):
        raise InvalidImage("image_empty", "no area")
    picture = _OPENERS[kind](BytesIO(data))
    width, height = picture.size
    _check_size(width, height, kind, jpeg_scans(data) if kind == "JPEG" else 1)
    _check_frames(picture, data, kind)
    _check_mode(picture)
    if sufficient_side is not None and kind == "JPEG":
        share = min(1.0, sufficient_side / max(width, height))
        picture.draft(None, (math.ceil(width * share), math.ceil(height * share)))
    reduction = max(width, height) / max(picture.size)
    dpi = _dpi(picture.info.get("dpi"))
    pixels = _jpeg_pixels(data, picture) if kind == "JPEG" and reduction == 1 and _turn(picture) is None else None
    if pixels is None:
        picture.load()
        pixels = _pixels(_upright(picture))
    return Image(pixels, None if dpi is None else dpi / reduction, kind)


def _jpeg_pixels(data: bytes, picture: ImageFile.ImageFile) -> np.ndarray[Any, np.dtype[np.uint8]] | None:
    """The pixels of a JPEG in grey or colour; None where there is anything to remark on."""
    colours = {"L": "GRAY", "RGB": "RGB"}.get(picture.mode)
    if colours is None:
        return None
    try:
        # Two readers of one header may come to two sizes, and only one of them was bounded.
        if simplejpeg.decode_jpeg_header(data)[:2] != (picture.height, picture.width):
            return None
        pixels: np.ndarray[Any, np.dtype[np.uint8]] = simplejpeg.decode_jpeg(data, colours)
    except ValueError:
        return None
    return pixels[:, :, 0] if picture.mode == "L" else pixels


def _decode_plain(data: bytes) -> Image | None:
    """A plain PNG without fault; None for any other, about which Pillow has to say what there is to say."""
    found = png.plain(data)
    if found is None or has_no_area(data, "PNG"):
        return None
    _check_size(found.width, found.height, "PNG", 1)
    pixels = found.pixels()
    return None if pixels is None else Image(pixels, _dpi(found.dpi), "PNG")


def _decode_wsq(data: bytes) -> Image:
    frame = wsq.read(data)
    _check_size(frame.width, frame.height, "WSQ", 1)
    return Image(wsq.decode(frame), _dpi((frame.ppi, frame.ppi)) if frame.ppi else None, "WSQ")


def _check_depth(data: bytes, kind: str) -> None:
    if kind == "JPEG" and (jpeg_precision(data) or 8) != 8:
        raise InvalidImage("image_depth_unsupported", "JPEG of more than 8 bits")
    if kind == "PNG" and png_depth(data) == 16:
        raise InvalidImage("image_depth_unsupported", "PNG of 16 bits")
    if kind == "JPEG2000":
        stream = jpeg2000_size(data)
        if stream is None:
            raise InvalidImage("image_truncated", "the JPEG 2000 header is cut off or damaged")
        width, height, components, depth = stream
        _check_size(width, height, kind, 1)
        if depth > 8:
            raise InvalidImage("image_depth_unsupported", f"JPEG 2000 of {depth} bits")
        if components > 4:
            raise InvalidImage("image_colour_unsupported", f"{components} components")


def _check_size(width: int, height: int, kind: str, passes: int) -> None:
    if width <= 0 or height <= 0:
        raise InvalidImage("image_empty", "no area")
    limit = parameters.MAX_PIXELS_WAVELET if kind in {"JPEG2000", "WSQ"} else parameters.MAX_PIXELS
    if width * height > limit or max(width, height) > parameters.MAX_SIDE:
        raise InvalidImage("image_too_many_pixels", f"{width} x {height}")
    if width * height * passes > parameters.MAX_PIXEL_PASSES:
        raise InvalidImage("image_too_many_pixels", f"{width} x {height} in {passes} scans")
    if min(width, height) < parameters.MIN_SIDE:
        raise InvalidImage("image_too_small", f"{width} x {height}, {parameters.MIN_SIDE} a side are needed")


def _check_frames(picture: ImageFile.ImageFile, data: bytes, kind: str) -> None:
    several = kind == "PNG" and getattr(picture, "is_animated", False)
    if kind == "TIFF":
        # Asked of a second reader, for going to a page disturbs the first; counting all pages could take long.
        try:
            _OPENERS[kind](BytesIO(data)).seek(1)
            several = True
        except EOFError:
            several = False
    if several:
        raise InvalidImage("image_animated", "more than one frame")


def _check_mode(picture: ImageFile.ImageFile) -> None:
    if isinstance(picture, TiffImagePlugin.TiffImageFile):
        bits = picture.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE, (8,))
        if max(bits if isinstance(bits, tuple) else (bits,)) > 8:
            raise InvalidImage("image_depth_unsupported", "TIFF of more than 8 bits")
    if picture.mode in _COLOUR_MODES:
        raise InvalidImage("image_colour_unsupported", picture.mode)
    if picture.mode not in _OPAQUE_MODES | _ALPHA_MODES:
        raise InvalidImage("image_depth_unsupported", picture.mode)


def _turn(picture: ImageFile.ImageFile) -> Pillow.Transpose | None:
    """How the picture has to be turned to be looked at (EXIF 2.3 orientation)."""
    try:
        orientation = picture.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # noqa: BLE001 - metadata may be broken in any way; the picture stands without it
        return None
    return _UPRIGHT.get(orientation) if isinstance(orientation, int) else None


def _upright(picture: ImageFile.ImageFile) -> Pillow.Image:
    """The loaded picture as it is to be looked at. Pillow itself turns TIFF pictures while loading."""
    method = _turn(picture)
    return picture if method is None else picture.transpose(method)


def _pixels(picture: Pillow.Image) -> np.ndarray[Any, np.dtype[np.uint8]]:
    if picture.mode in _ALPHA_MODES or "transparency" in picture.info:
        seen = picture.convert("RGBA")
        ground = Pillow.new("RGB", picture.size, "white")
        ground.paste(seen, mask=seen.getchannel("A"))
        return np.array(ground)
    # Not converted to what it is: that would be a copy, and `np.array` of the bytes another one.
    wanted = "L" if picture.mode in {"1", "L"} else "RGB"
    return np.asarray(picture if picture.mode == wanted else picture.convert(wanted))


def _dpi(stated: Any) -> float | None:
    """Pixels per inch, when both directions state about the same credible number."""
    try:
        horizontal, vertical = (float(value) for value in stated)
    except (TypeError, ValueError, ArithmeticError):
        return None
    if not (parameters.MIN_DPI <= horizontal <= parameters.MAX_DPI):  # also false for NaN
        return None
    return horizontal if abs(vertical - horizontal) <= parameters.DPI_TOLERANCE * horizontal else None
