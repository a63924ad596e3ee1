"""Every number of the face room, each with its reason. Lengths are pixels of the picture unless said otherwise."""

from __future__ import annotations

from typing import Final

ENGINE: Final = "sface-1"
"""Changes whenever templates made before could no longer be compared with new ones."""

# Decoding

SUFFICIENT_SIDE: Final = 1280
"""Longer side that a big JPEG keeps when it is decoded reduced. A face that detection at DETECTION_SIDE finds is at
least 16 of 256 pixels wide, so 80 here: about what the crop of 112 takes in."""

# Detection

DETECTION_SIDE: Final = 256
"""Longer side at which the holder's face is looked for; smaller pictures (a chip photograph has 126) are enlarged.
The holder stands before the camera and fills much of the picture, and YuNet then needs no more (peers: 0 of 13,233
LFW faces missed); 640 costs four times as much."""

SEARCH_SIDE: Final = 640
"""Second try where the first finds nothing: faces down to 2.5 % of the longer side."""

STRIDES: Final = (8, 16, 32)
"""Of YuNet's three output maps; the input is padded to a multiple of the last."""

CONFIDENCE: Final = 0.6
"""OpenCV's 0.9 misses 1.26 % of LFW, 0.6 none. What 0.6 lets in beside faces is small or off centre and loses to
the holder in the choice."""

OVERLAP: Final = 0.3
"""Intersection over union from which two boxes are one face (the default of YuNet's authors)."""

CANDIDATES: Final = 1000
"""Most confident cells that are looked at; a face lights up some ten."""

# Whose face is the holder's

SIZE_SHARE: Final = 0.6
"""A face smaller than this share of the largest central one belongs to somebody farther from the camera: at least
two thirds farther away."""

CENTRAL: Final = 0.25
"""A face is central while its middle is at most this far from the middle of the picture, both ways as shares of width
and height: the middle half."""

CLEAR_LEAD: Final = 0.1
"""By how much of the picture the holder's face has to be nearer the centre than any other plausible one. Terminals
show where to stand; two who press into the picture together stand left and right at about the same distance."""

# Alignment

REFINEMENT_MARGIN: Final = 2.0
REFINEMENT_SIDE: Final = 160
"""The second look takes in twice the face's box and has 160 pixels a side, so that the face has 80: well inside the
range of sizes that YuNet was trained on, at a third of the first look's cost."""

CROP: Final = 112
"""Side of the aligned picture that SFace takes."""

ARCFACE_POINTS: Final = (
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
)
"""Where the five landmarks have to lie in the crop (x, y): the template that ArcFace, and SFace after it, was trained
with. Order: the eye at the left of the picture, the other eye, nose tip, the mouth's corners."""

# Quality

MIN_RESOLUTION: Final = 0.3
GOOD_RESOLUTION: Final = 1.0
"""Pixels of the picture for one of the crop, so 11 and 35 between the eyes; chip photographs have 0.7 to 0.9."""

MIN_SHARPNESS: Final = 0.8
GOOD_SHARPNESS: Final = 4.0
"""Mean absolute Laplacian of the crop's middle in grey levels, at a contrast of 50 grey levels."""

MIN_CONTRAST: Final = 8.0
GOOD_CONTRAST: Final = 30.0
"""Standard deviation of the luma in the crop's middle."""

MIN_LUMA: Final = 20.0
GOOD_LUMA: Final = 60.0
MAX_LUMA: Final = 245.0
BRIGHT_LUMA: Final = 215.0
"""Mean luma of the crop's middle: black and burnt-out ends, and where the good range begins and ends."""
