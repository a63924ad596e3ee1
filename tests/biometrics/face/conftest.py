"""The engine, and real faces: those of the group photograph that the package insightface ships."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from biometrics.face import Face, FaceEngine
from biometrics.face.detection import detect
from biometrics.images import decode

LFW = Path(__file__).resolve().parents[4] / "shared" / "data" / "faces" / "lfw"


@dataclass(frozen=True)
class Group:
    """The photograph, uint8 (H, W, 3), and its six faces from left to right."""

    rgb: NDArray[np.uint8]
    faces: list[Face]

    def portrait(self, index: int, size: float = 2.2) -> NDArray[np.uint8]:
        """The square around a face, `size` times its box, black where the photograph ends."""
        face = self.faces[index]
        side = round(face.size * size)
        left, top = (round(float(value) - side / 2) for value in face.centre)
        height, width = self.rgb.shape[:2]
        square = np.zeros((side, side, 3), np.uint8)
        part = self.rgb[max(0, top) : min(height, top + side), max(0, left) : min(width, left + side)]
        square[max(0, -top) : max(0, -top) + part.shape[0], max(0, -left) : max(0, -left) + part.shape[1]] = part
        return square


@pytest.fixture(scope="session")
def engine() -> FaceEngine:
    return FaceEngine.open()


def group_photograph() -> bytes:
    """Found through the package's metadata, without importing it."""
    files = metadata.files("insightface") or []
    (path,) = [file for file in files if file.as_posix().endswith("data/images/t1.jpg")]
    return Path(str(path.locate())).read_bytes()


@pytest.fixture(scope="session")
def group(engine: FaceEngine) -> Group:
    rgb = decode(group_photograph()).rgb
    faces = detect(engine._detector, rgb, side=640)
    return Group(rgb, sorted(faces, key=lambda face: float(face.box[0])))


@pytest.fixture(scope="session")
def lfw() -> Path:
    if not (LFW / "pairs.csv").is_file():
        pytest.skip("the development data is not beside the checkout: no test on labelled photographs")
    return LFW
