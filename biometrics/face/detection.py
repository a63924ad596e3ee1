"""Finding faces with YuNet.

Wu, Peng, Yu: "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research 20 (2023).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from . import parameters
from .resampling import network_input

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

_OUTPUTS = [f"{kind}_{stride}" for stride in parameters.STRIDES for kind in ("cls", "obj", "bbox", "kps")]


@dataclass(frozen=True, eq=False)
class Face:
    """A detected face, in pixels of the picture; coordinates may lie outside it.

    `box` is (left, top, width, height), float32 (4,); `points` float32 (5, 2), x and y: the eye at the left of the
    picture, the other eye, nose tip, the mouth's corners in the same order. `confidence` is 0..1.
    """

    box: NDArray[np.float32]
    points: NDArray[np.float32]
    confidence: float

    @property
    def centre(self) -> NDArray[np.float32]:
        """Middle of the box, (x, y)."""
        return self.box[:2] + self.box[2:] / np.float32(2)

    @property
    def size(self) -> float:
        """Geometric mean of the box's width and height."""
        return float(np.sqrt(self.box[2] * self.box[3]))

    @property
    def eye_distance(self) -> float:
        """Between the middles of the eyes."""
        return float(np.hypot(*(self.points[1] - self.points[0])))


def detect(session: InferenceSession, rgb: NDArray[np.uint8], *, side: int = parameters.DETECTION_SIDE) -> list[Face]:
    """All faces of a picture, uint8 (H, W, 3), looked for at a longer side of `side` pixels; most confident first."""
    size = rgb.shape[1], rgb.shape[0]
    scale = side / max(size)
    width, height = (max(1, round(length * scale)) for length in size)
    blob = network_input(rgb, 0, 0, size, (width, height), parameters.STRIDES[-1])
    # Each axis by its own factor: rounding makes them differ a little in narrow pictures.
    return run(session, blob, np.array([size[0] / width, size[1] / height], np.float32))


def run(session: InferenceSession, blob: NDArray[np.float32], factors: NDArray[np.float32]) -> list[Face]:
    """The faces in the detector's input, float32 (1, 3, H, W), most confident first; coordinates times `factors` (2,).

    The network's input and outputs are called as in the file that the catalogue pins.
    """
    named = dict(zip(_OUTPUTS, session.run(_OUTPUTS, {"input": blob}), strict=True))
    scores, boxes, points = _candidates(named, blob.shape[3])
    kept = _suppress(scores, boxes)
    return [Face(boxes[i] * np.tile(factors, 2), points[i] * factors, float(scores[i])) for i in kept]


def _candidates(
    outputs: dict[str, NDArray[np.float32]], width: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Cells confident enough, most confident first: scores (n,), boxes (n, 4), points (n, 5, 2) of the resized picture.

    A cell's score is the geometric mean of its class and objectness outputs; offsets are in strides from its corner.
    """
    found = []
    for stride in parameters.STRIDES:
        likely = outputs[f"cls_{stride}"][0, :, 0].clip(0, 1) * outputs[f"obj_{stride}"][0, :, 0].clip(0, 1)
        cells = np.flatnonzero(likely > parameters.CONFIDENCE**2)
        if not cells.size:
            continue
        rows, columns = np.divmod(cells, width // stride)
        corner = np.stack([columns, rows], axis=1).astype(np.float32)
        offsets = outputs[f"bbox_{stride}"][0, cells]
        extent = np.exp(np.minimum(offsets[:, 2:], 10.0)) * stride
        middle = (corner + offsets[:, :2]) * stride
        points = (outputs[f"kps_{stride}"][0, cells].reshape(-1, 5, 2) + corner[:, None]) * stride
        found.append((np.sqrt(likely[cells]), np.concatenate([middle - extent / 2, extent], axis=1), points))
    if not found:
        return np.empty(0, np.float32), np.empty((0, 4), np.float32), np.empty((0, 5, 2), np.float32)
    scores, boxes, points = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.argsort(-scores, kind="stable")[: parameters.CANDIDATES]
    return scores[order], boxes[order], points[order]


def _suppress(scores: NDArray[np.float32], boxes: NDArray[np.float32]) -> list[int]:
    """Non-maximum suppression: indices of the boxes that no more confident one overlaps."""
    corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
    areas = boxes[:, 2] * boxes[:, 3]
    rest = np.arange(len(scores))
    kept = []
    while rest.size:
        best, rest = int(rest[0]), rest[1:]
        kept.append(best)
        sides = np.minimum(corners[best, 2:], corners[rest, 2:]) - np.maximum(corners[best, :2], corners[rest, :2])
        common = np.prod(np.maximum(sides, 0), axis=1)
        rest = rest[common <= parameters.OVERLAP * (areas[best] + areas[rest] - common)]
    return kept
