"""The face pipeline: detect, choose, refine, align, judge, embed, compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

import models
from biometrics.errors import IncompatibleTemplates, NotAssessable
from biometrics.images import decode

from . import parameters
from .alignment import align, placement, resolution
from .choice import choose
from .detection import Face, detect
from .embedding import embed
from .quality import measure
from .refinement import refine
from .template import FaceTemplate

if TYPE_CHECKING:
    from pathlib import Path

    from onnxruntime import InferenceSession


class FaceEngine:
    """YuNet and SFace (Zhong et al., "SFace: Sigmoid-Constrained Hypersphere Loss", TIP 2021); safe among threads."""

    engine = parameters.ENGINE

    def __init__(self, detector: InferenceSession, recogniser: InferenceSession) -> None:
        self._detector = detector
        self._recogniser = recogniser

    @classmethod
    def open(cls, home: Path | None = None, *, threads: int = 1) -> FaceEngine:
        """Opens the installed pack under `home`. Raises models.errors.PackMissing or PackDamaged."""
        return cls(
            models.open_session("sface", "yunet", threads=threads, home=home),
            models.open_session("sface", "sface", threads=threads, home=home),
        )

    def extract(self, image: bytes) -> FaceTemplate:
        """The template of the holder's face in a picture file.

        Raises InvalidImage (see `biometrics.images.decode`) and NotAssessable (see `extract_pixels`).
        """
        return self.extract_pixels(decode(image, sufficient_side=parameters.SUFFICIENT_SIDE).rgb)

    def extract_pixels(self, rgb: NDArray[np.uint8]) -> FaceTemplate:
        """The template of the holder's face in an upright picture, uint8 (H, W, 3).

        Raises NotAssessable: `no_face`; `multiple_faces`, when two are large and central; `low_quality`, when the
        face is too small, blurred, flat, dark or burnt out.
        """
        face = choose(self.detect(rgb), rgb.shape[1], rgb.shape[0])
        matrix = placement(refine(self._detector, rgb, face))
        crop = align(rgb, matrix)
        quality = measure(crop, resolution(matrix)).value
        if quality == 0:
            raise NotAssessable("low_quality")
        return FaceTemplate.of(self.engine, embed(self._recogniser, crop), quality)

    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        """All faces of a picture, uint8 (H, W, 3), most confident first; small ones only where there is no larger."""
        faces = detect(self._detector, rgb, side=parameters.DETECTION_SIDE)
        if faces or max(rgb.shape[:2]) <= parameters.DETECTION_SIDE:
            return faces
        return detect(self._detector, rgb, side=parameters.SEARCH_SIDE)

    def compare(self, probe: FaceTemplate, reference: FaceTemplate) -> float:
        """Cosine of the angle between two templates, -1..1, the higher the more alike; symmetric.

        Raises IncompatibleTemplates when one is of another engine.
        """
        for template in (probe, reference):
            if template.engine != self.engine:
                raise IncompatibleTemplates(f"{template.engine} with {self.engine}")
        lengths = np.linalg.norm(probe.vector) * np.linalg.norm(reference.vector)
        return float(np.clip(np.dot(probe.vector, reference.vector) / lengths, -1.0, 1.0))
