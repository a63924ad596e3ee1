"""The face pipeline: detect, choose, refine, align, judge, embed, compare."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

import models
from biometrics.errors import IncompatibleTemplates, NotAssessable
from biometrics.images import decode

from . import parameters
from .alignment import align, placement, resolution
from .assessment import Assessment
from .choice import Choice, choose
from .cleaning import cleaned, small
from .detection import Face, detect
from .embedding import averaged, embed_views
from .feedback import feedback
from .quality import SFACE_LENGTHS, Lengths, measure, unified
from .refinement import refine
from .scene import background, blockiness
from .sface import Network, open_network
from .statistics import Statistics
from .template import FaceTemplate, similarity

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from onnxruntime import InferenceSession


@dataclass(frozen=True, eq=False)
class Embedded:
    """A face as the recogniser saw it: `embedding` float32 (128,), mean direction of its views; `quality` 0..100."""

    embedding: NDArray[np.float32] = field(repr=False)  # biometric data must not get into a log
    quality: int


class FaceEngine:
    """YuNet and SFace (Zhong et al., "SFace: Sigmoid-Constrained Hypersphere Loss", TIP 2021); safe among threads."""

    engine: str = parameters.ENGINE

    def __init__(
        self,
        detector: InferenceSession,
        recogniser: Network,
        statistics: Statistics,
        *,
        mirror: bool = parameters.MIRROR,
    ) -> None:
        self.engine = statistics.engine
        self._detector = detector
        self._recogniser = recogniser
        self._statistics = statistics
        self._mirror = mirror
        self.lengths: Lengths | None = SFACE_LENGTHS

    @classmethod
    def open(
        cls,
        home: Path | None = None,
        *,
        threads: int = 1,
        mirror: bool = parameters.MIRROR,
        statistics: Statistics | None = None,
        provider: str | None = None,
    ) -> FaceEngine:
        """Opens the installed pack under `home`, with the shipped statistics where no others are given.

        A `provider` of onnxruntime (`CPUExecutionProvider`, or CUDA or OpenVINO where this build has it) computes the
        recogniser in place of the kernels: the same comparison scores to 0.01. CUDA was never tried.

        Without `mirror` a template costs one run of the recogniser instead of two and is a little less sure; both
        kinds compare with one another. Raises models.errors.PackMissing or PackDamaged, StatisticsError.
        """
        return cls(
            models.open_session("sface", "yunet", threads=threads, home=home),
            open_network(home, threads=threads, provider=provider),
            statistics or Statistics.load(cls.engine),
            mirror=mirror,
        )

    def warm_up(self) -> None:
        """Load or compile everything that the first picture waits for (half a minute on a new installation)."""
        rgb = np.full((900, 1200, 3), 128, np.uint8)
        self.detect(rgb)
        points = np.array([[420, 400], [580, 400], [500, 480], [440, 570], [560, 570]], np.float32)
        matrix = placement(points)
        crop = align(rgb, matrix)
        measure(crop, resolution(matrix), points)
        embed_views(self._recogniser, crop, mirror=self._mirror)

    def extract(self, image: bytes) -> FaceTemplate:
        """The template of the holder's face in a picture file.

        Raises InvalidImage (see `biometrics.images.decode`) and NotAssessable (see `embed_pixels`).
        """
        return self.extract_pixels(decode(image, sufficient_side=parameters.SUFFICIENT_SIDE).rgb)

    def extract_pixels(self, rgb: NDArray[np.uint8]) -> FaceTemplate:
        """The template of the holder's face in an upright picture, uint8 (H, W, 3). Raises as `embed_pixels`."""
        return self.template_of(self.embed_pixels(rgb))

    def embed(self, image: bytes, *, choice: Choice = "clear") -> Embedded:
        """What a template is made of, before the statistics. Raises as `extract`."""
        return self.embed_pixels(decode(image, sufficient_side=parameters.SUFFICIENT_SIDE).rgb, choice=choice)

    def embed_pixels(self, rgb: NDArray[np.uint8], *, choice: Choice = "clear") -> Embedded:
        """The holder's face in an upright picture, uint8 (H, W, 3).

        Raises NotAssessable: `no_face`; `multiple_faces`, when two are large and central and the choice is "clear";
        `low_quality`, when the face is too small, blurred, flat, dark or burnt out, or looks like none to the network.
        """
        face = choose(self.detect(rgb), rgb.shape[1], rgb.shape[0], choice)
        points = self.landmarks(rgb, face)
        matrix = placement(points)
        crop = align(rgb, matrix)
        quality = measure(crop, resolution(matrix), points)
        if quality.usability <= 0:
            raise NotAssessable("low_quality")
        views = embed_views(self._recogniser, crop, mirror=self._mirror)
        length = float(np.linalg.norm(views, axis=1).mean())
        value = unified(quality, length, self.lengths)
        if value == 0:
            raise NotAssessable("low_quality")
        if small(rgb):
            views = np.concatenate([views, *(self._cleaned_views(one, face) for one in cleaned(rgb))])
        return Embedded(averaged(views), value)

    def _cleaned_views(self, rgb: NDArray[np.uint8], face: Face) -> NDArray[np.float32]:
        """Embeddings of a face where a cleaned view of its picture shows it."""
        crop = align(rgb, placement(self.landmarks(rgb, face)))
        return embed_views(self._recogniser, crop, mirror=self._mirror)

    def assess(self, image: bytes) -> Assessment:
        """Quality and advice for a picture file; never NotAssessable, which becomes the reason. Raises InvalidImage."""
        rgb = decode(image, sufficient_side=parameters.SUFFICIENT_SIDE).rgb
        faces = self.detect(rgb)
        try:
            face = choose(faces, rgb.shape[1], rgb.shape[0])
        except NotAssessable as error:
            code = "no_face_seen" if error.reason == "no_face" else "one_person_only"
            return Assessment(len(faces), 0, error.reason, None, None, None, (code,))
        points = self.landmarks(rgb, face)
        matrix = placement(points)
        crop = align(rgb, matrix)
        quality = measure(crop, resolution(matrix), points)
        views = embed_views(self._recogniser, crop, mirror=self._mirror)
        value = unified(quality, float(np.linalg.norm(views, axis=1).mean()), self.lengths)
        return Assessment(
            faces=len(faces),
            unified=value,
            reason=None if value else "low_quality",
            components=quality,
            background=background(rgb, matrix),
            blockiness=blockiness(rgb, face.box),
            feedback=feedback(quality, face, rgb.shape[1], rgb.shape[0]),
        )

    def template_of(self, face: Embedded) -> FaceTemplate:
        """The template of an embedded face."""
        return FaceTemplate.of(self.engine, self._statistics.apply(face.embedding), face.quality)

    def consolidate(self, templates: Sequence[FaceTemplate]) -> FaceTemplate:
        """One template of several pictures of a person: the mean direction, each weighted by its quality.

        Its quality is that of the best. Whether they are of one person is the caller's to ask beforehand. Raises
        ValueError for none, IncompatibleTemplates when one is of another engine.
        """
        if not templates:
            raise ValueError("no template to consolidate")
        for template in templates:
            if template.engine != self.engine:
                raise IncompatibleTemplates(f"{template.engine} with {self.engine}")
        weights = np.array([max(template.quality, 1) for template in templates], np.float64)
        mean = weights @ np.stack([template.vector for template in templates])
        return FaceTemplate.of(self.engine, mean, max(template.quality for template in templates))

    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        """All faces of a picture, uint8 (H, W, 3), most confident first; small ones only where there is no larger."""
        faces = detect(self._detector, rgb, side=parameters.DETECTION_SIDE)
        if faces or max(rgb.shape[:2]) <= parameters.DETECTION_SIDE:
            return faces
        return detect(self._detector, rgb, side=parameters.SEARCH_SIDE)

    def landmarks(self, rgb: NDArray[np.uint8], face: Face) -> NDArray[np.float32]:
        """The chosen face's landmarks, float32 (5, 2), as exactly as this pack finds them."""
        return refine(self._detector, rgb, face)

    def vector_at(self, rgb: NDArray[np.uint8], points: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """A template's vector, float32 (D,), of the face with landmarks `points` (5, 2), by one look of the network.

        None where the face is too poor for a template. For frames of a film: it costs half of a template.
        """
        matrix = placement(points)
        crop = align(rgb, matrix)
        if measure(crop, resolution(matrix), points).usability <= 0:
            return None
        views = embed_views(self._recogniser, crop, mirror=False)
        return FaceTemplate.of(self.engine, self._statistics.apply(averaged(views)), 1).vector

    def compare(self, probe: FaceTemplate, reference: FaceTemplate) -> float:
        """Cosine of the angle between two templates, -1..1, the higher the more alike; symmetric.

        Raises IncompatibleTemplates when one is of another engine, or both are not under one transform.
        """
        for template in (probe, reference):
            if template.engine != self.engine:
                raise IncompatibleTemplates(f"{template.engine} with {self.engine}")
        if probe.transform != reference.transform:
            raise IncompatibleTemplates("templates under two transforms")
        return similarity(probe, reference)
