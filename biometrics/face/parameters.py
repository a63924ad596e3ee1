"""Every number of the face room, each with its reason. Lengths are pixels of the picture unless said otherwise."""

from __future__ import annotations

from typing import Final

ENGINE: Final = "sface-2"
"""Changes whenever templates made before could no longer be compared with new ones."""

# Decoding

SUFFICIENT_SIDE: Final = 1000
"""Longer side that a big JPEG keeps when it is decoded reduced, so that one of four megapixels costs half as much. A
face that is a tenth as wide as the picture, a holder's rather far from the camera, still has the 100 pixels that the
crop takes in."""

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

# Pictures of chips (cleaning.py)

SMALL_SIDE: Final = 160
"""Longer side up to which a picture is taken for one out of a chip (102 x 126, or 20 % larger each way at most)."""

COLOUR_BLUR: Final = 2.0
"""Standard deviation with which the colours of such a picture are smoothed: codecs keep them at half the resolution."""

# Statistics of embeddings (statistics.py, fitting.py)

MIRROR: Final = True
"""Whether the mirror image of the aligned face is embedded too and the two are averaged. It costs a second run of the
recogniser and takes out what depends on the side: on LFW TAR at FMR 1e-5 is half a point higher, at 1e-4 the same."""

MOST_PICTURES: Final = 10
LEAST_PEOPLE: Final = 50
"""As how many pictures one person counts at most in the statistics, and how many people with two pictures they need."""

SHRINKAGES: Final = (0.5, 0.3, 0.1)
WHITENINGS: Final = (0.35, 0.5, 0.7)
"""Strengths to choose from, the mildest first. On LFW TAR at 1e-4 differs by 0.2 points between the best and the worst
of them; full whitening, which fits the people and cameras at hand most closely, is left out beforehand."""

CHOICE_FMRS: Final = (1e-3, 1e-4)
CHOICE_MARGIN: Final = 0.1
"""Where the strengths are judged (at lower rates the label errors of public sets decide), and by what share of the best
one's FNMR a milder choice may be worse: half a dozen pairs of LFW."""

# Pose

FACE_MODEL_MM: Final = (
    (-31.5, -36.0, -30.0),
    (31.5, -36.0, -30.0),
    (0.0, 0.0, 0.0),
    (-26.0, 37.0, -24.0),
    (26.0, 37.0, -24.0),
)
"""The five landmarks of a face that looks into the camera: x to the right of the picture, y down, z to the camera.
The first two are ARCFACE_POINTS at 63 mm between the eyes, the average of adults; the depths are those of an average
head, rounded."""

# Quality. The bad ends lie where degrading the probes of 250 mated LFW pairs (mean TAR at FMR 1e-4 was 0.98) had
# cost a large part of the matches, the good ends where it cost next to nothing.

MIN_RESOLUTION: Final = 0.2
GOOD_RESOLUTION: Final = 0.7
"""Pixels of the picture for one of the crop, so 7 and 25 between the eyes: TAR 0.78 and 0.98. Chip photographs have
about 0.9."""

MIN_SHARPNESS: Final = 2.1
GOOD_SHARPNESS: Final = 4.5
"""Mean absolute Laplacian of the crop's middle in grey levels, at a contrast of 50: a Gaussian blur of 4 pixels of the
crop gives 2.2 (TAR 0.61), one of 2 pixels 3.8 (0.97)."""

MIN_CONTRAST: Final = 5.0
GOOD_CONTRAST: Final = 15.0
"""Standard deviation of the luma in the crop's middle: TAR 0.62 at 5.4, 0.96 at 11."""

MIN_LUMA: Final = 10.0
GOOD_LUMA: Final = 40.0
MAX_LUMA: Final = 240.0
BRIGHT_LUMA: Final = 200.0
"""Mean luma of the crop's middle: TAR 0.43 at 10 and 0.98 at 39; 0.86 at 219 and 0.41 at 239, burnt out."""

BLACK: Final = 16.0
WHITE: Final = 250.0
"""Grey levels below and above which a pixel shows no detail."""

CLEAR_EYES: Final = 0.42
COVERED_EYES: Final = 0.28
"""Luma of the brighter eye's surroundings over that of the cheek below. 2 % of LFW are below the first (most of them
wear sunglasses), 0.4 % below the second; with dark glasses painted on, 99 % are below the second."""

SKIN_TINT: Final = 0.17
CLOTH_TINT: Final = 0.25
SKIN_BRIGHT: Final = 1.15
CLOTH_BRIGHT: Final = 1.35
SKIN_DARK: Final = 0.45
CLOTH_DARK: Final = 0.25
"""The mouth's surroundings against the nose: distance in colour shares, and ratio of luma. 1 to 2 % of LFW are beyond
the first of each; of painted masks 95 % of the blue ones are beyond the first two, half of the white and black ones
beyond the others. A mask of the colour of skin is not noticed."""

MIN_LENGTH: Final = 6.5
GOOD_LENGTH: Final = 15.0
"""Length of the recogniser's embedding: below the least of LFW's 6,274 pictures (6.9), and their 99th percentile."""

# Feedback to the person

FRONTAL_YAW: Final = 20.0
FRONTAL_PITCH: Final = 20.0
UPRIGHT_ROLL: Final = 15.0
"""Degrees from frontal; ISO/IEC 19794-5 asks for 5 of a passport picture, a live capture may be off by more."""

UNEVEN: Final = 0.25
LOST_SHARE: Final = 0.2
WIDE_MOUTH: Final = 1.0
"""Difference of the halves over their sum; share of pixels without detail; width of the mouth over the eyes' distance
(0.83 in the average face, 1.0 in a broad smile)."""
