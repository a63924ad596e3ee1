"""Finding faces with YuNet.

Wu, Peng, Yu: "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research 20 (2023).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from . import parameters
from .cells import confident, suppress
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
    outputs = session.run(_OUTPUTS, {"input": blob})
    each = zip(*(outputs[kind::4] for kind in range(4)), parameters.STRIDES, strict=True)
    found = np.concatenate(
        [
            confident(classes, objects, boxes, points, stride, blob.shape[3] // stride)
            for classes, objects, boxes, points, stride in each
        ]
    )
    found = found[np.argsort(-found[:, 0], kind="stable")[: parameters.CANDIDATES]]
    return [_face(found[place], factors) for place in suppress(found)]


def _face(row: NDArray[np.float32], factors: NDArray[np.float32]) -> Face:
    scaled = (row[1:].reshape(7, 2) * factors).astype(np.float32, copy=False)
    return Face(scaled[:2].reshape(4), scaled[2:], float(row[0]))
