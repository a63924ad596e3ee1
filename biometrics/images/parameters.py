"""Bounds of what is accepted as a picture, each with its reason. All sizes are pixels unless the name says bytes."""

from __future__ import annotations

MAX_BYTES = 10 * 1024 * 1024
"""A 12-megapixel camera JPEG has 3 to 6 MB, a 500 dpi bitmap of a whole hand 4 MB; larger is no capture of ours."""

MAX_PIXELS = 25_000_000
"""A 24-megapixel camera (6000 x 4000) passes. Decoding that takes some 200 MB, which a worker can spare; a small file
can claim 4 gigapixels, so this is checked on the header, before anything of that size is set aside."""

MAX_PIXELS_WAVELET = 10_000_000
"""Of JPEG 2000 and WSQ, whose decoders keep 32-bit coefficients (and a record per code block): several times the memory
of other formats. Ten megapixels hold a 1000 dpi four-finger slap or any travel-document portrait."""

ORDINARY_SCANS = 20
MAX_PIXEL_PASSES = ORDINARY_SCANS * MAX_PIXELS
"""Pixels times scans of a progressive JPEG. Encoders write about ten scans; thousands of nearly empty ones fit into a
small file and each of them costs a pass over the whole picture."""

MAX_SIDE = 16_384
"""No camera or scanner has a longer side; ribbons of a million by 32 pixels only serve to upset resizing."""

MIN_SIDE = 32
"""Less holds neither a face nor a finger; the smallest real input is the 102 x 126 chip photograph."""

MIN_DPI, MAX_DPI = 10.0, 5_000.0
"""Statements of resolution outside this are placeholders (JFIF files often state 0 or 1)."""

DPI_TOLERANCE = 0.02
"""Horizontal and vertical resolution may differ by this share (formats round); beyond it none is reported."""
