"""SIMULATED films of still pictures: a head that turns, and a print of one that is turned, moved or bent.

Every pixel of a portrait is given a place in space, moved, and seen again by a camera with perspective. What tells a
head from a print is the third coordinate: of a head, an ellipsoid with a nose on it, before a ground behind it; of a
print, a plane or a cylinder. A head so made has no other side: it is turned by 25 degrees at most, which the challenge
allows. No figure from such films says how people, prints or screens behave before a real camera.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from benchmarks.face.liveness import DISTANCE_MM, Movement, rotation
from biometrics.face import Face
from biometrics.face.liveness import Challenge

EYES_MM = 63.0
HEAD_MM = (78.0, 108.0, 88.0)
"""Half axes of the ellipsoid: across, down, towards the camera."""
NOSE_MM, NOSE_WIDTH_MM = 20.0, 13.0
MOST_TURN = 25.0
FRAMES_PER_S = 6.0
_ROUNDS = 6
"""Of finding where in the still a pixel of the frame comes from."""

Pixels = NDArray[np.uint8]
Depth = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]


def solid(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Towards the camera in mm, of places in mm from the nose's tip."""
    inside = np.clip(1 - (x / HEAD_MM[0]) ** 2 - ((y + 12) / HEAD_MM[1]) ** 2, 0, 1)
    nose = NOSE_MM * np.exp(-(x**2 + (y / 1.3) ** 2) / (2 * NOSE_WIDTH_MM**2))
    return np.asarray(HEAD_MM[2] * (np.sqrt(inside) - 1) + nose)


def flat(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """A print."""
    del y
    return np.zeros_like(x)


def bent(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """A print around an upright cylinder of a head's radius and a third."""
    del y
    radius = 100.0
    return np.asarray(np.sqrt(np.clip(radius**2 - x**2, (0.3 * radius) ** 2, None)) - radius)


def film(
    rgb: Pixels, face: Face, moves: Movement, challenge: Challenge, depth: Depth
) -> tuple[list[float], list[Pixels]]:
    """Times in seconds from the first frame, and frames of the size of the still `rgb`, uint8 (H, W, 3)."""
    times = [float(at) for at in np.arange(0, challenge.starts_s[-1] + 0.1, 1 / FRAMES_PER_S)]
    return times, [frame(rgb, face, moves(at), depth) for at in times]


def frame(rgb: Pixels, face: Face, pose: tuple[float, float, float], depth: Depth) -> Pixels:
    """The still as it looks when what it shows is turned by (yaw, pitch) degrees and brought nearer."""
    yaw, pitch, near = pose
    millimetres = EYES_MM / face.eye_distance
    turned = rotation(np.radians(np.clip(yaw, -MOST_TURN, MOST_TURN)), np.radians(pitch), 0.0)
    rows, columns = np.mgrid[: rgb.shape[0], : rgb.shape[1]].astype(np.float64)
    wanted = (np.stack([columns, rows]) - face.points[2][:, None, None]) * millimetres
    source = wanted.copy()
    for _ in range(_ROUNDS):
        source += wanted - _seen(source, depth, turned, near)
    places = source / millimetres + face.points[2][:, None, None]
    return _sampled(rgb, places)


def _seen(places: NDArray[np.float64], depth: Depth, turned: NDArray[np.float64], near: float) -> NDArray[np.float64]:
    """Where places of the still, (2, H, W) in mm, are seen, in mm of the plane of the nose's tip at first."""
    x, y = places
    z = depth(x, y)
    # The still itself was seen in perspective: what is behind is larger in space than in the picture.
    behind = (DISTANCE_MM - z) / DISTANCE_MM
    moved = np.tensordot(turned, np.stack([x * behind, y * behind, z]), axes=1)
    return np.asarray(moved[:2] * (DISTANCE_MM / (DISTANCE_MM / near - moved[2])))


def _sampled(rgb: Pixels, places: NDArray[np.float64]) -> Pixels:
    """Bilinear, the still's edge repeated."""
    x = np.clip(places[0], 0, rgb.shape[1] - 1.001)
    y = np.clip(places[1], 0, rgb.shape[0] - 1.001)
    left, top = x.astype(int), y.astype(int)
    across, down = (x - left)[..., None], (y - top)[..., None]
    upper = rgb[top, left] * (1 - across) + rgb[top, left + 1] * across
    lower = rgb[top + 1, left] * (1 - across) + rgb[top + 1, left + 1] * across
    return np.asarray(upper * (1 - down) + lower * down + 0.5).astype(np.uint8)


def printed(rgb: Pixels, random: np.random.Generator) -> Pixels:
    """A simulated print, held into the camera: fewer colours, a raster, blur, gloss, and its edges before a room."""
    height, width = rgb.shape[:2]
    soft = Pillow.fromarray(rgb).resize((width // 2, height // 2), Pillow.Resampling.BILINEAR)
    paper = np.asarray(soft.resize((width, height), Pillow.Resampling.BICUBIC), np.float64)
    paper = 30 + 0.8 * paper + 6 * np.sin(np.arange(width) * random.uniform(1.2, 2.4))[None, :, None]
    paper += random.uniform(0, 40) * np.linspace(0, 1, height)[:, None, None]
    room = np.full((round(1.6 * height), round(1.6 * width), 3), random.integers(60, 200, 3), np.float64)
    room += random.normal(0, 6, room.shape)
    top, left = (room.shape[0] - height) // 2, (room.shape[1] - width) // 2
    room[top : top + height, left : left + width] = paper
    return np.clip(room, 0, 255).astype(np.uint8)


def replayed(rgb: Pixels, random: np.random.Generator) -> Pixels:
    """A simulated screen held into the camera: its raster of red, green and blue, its glow, its frame."""
    height, width = rgb.shape[:2]
    big = np.asarray(Pillow.fromarray(rgb).resize((2 * width, 2 * height), Pillow.Resampling.BICUBIC), np.float64)
    raster = np.full(big.shape, 0.75)
    for channel in range(3):
        raster[:, channel::3, channel] = 1.25
    glowing = np.clip(big * raster + (0, 4, 14), 0, 255)
    case = np.full((round(2.6 * height), round(2.6 * width), 3), random.integers(5, 60), np.float64)
    top, left = (case.shape[0] - 2 * height) // 2, (case.shape[1] - 2 * width) // 2
    case[top : top + 2 * height, left : left + 2 * width] = glowing
    size = round(1.6 * width), round(1.6 * height)
    return np.asarray(Pillow.fromarray(case.astype(np.uint8)).resize(size, Pillow.Resampling.BILINEAR))
