"""MiniFASNet: two small networks that look at one picture for what a print or a screen leaves in it.

minivision-ai, Silent-Face-Anti-Spoofing, 2020 (Apache-2.0). The pack is in no registry: `renzheng models add DIR`. Each
network sees a part of the picture 2.7 or 4 times as large as the face's box, 80 x 80 pixels, raw 0..255, blue first;
the middle one of its three answers is the living face, and the two networks' probabilities are averaged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

import models

from . import parameters
from .verdict import Outcome, Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from onnxruntime import InferenceSession

    from biometrics.face.detection import Face

SIDE, LIVE = 80, 1
SCALES = {"v2": 2.7, "v1se": 4.0}


class PassiveDetector:
    """Both networks; safe among threads."""

    def __init__(self, sessions: dict[str, InferenceSession]) -> None:
        self._sessions = sessions

    @classmethod
    def open(cls, home: Path | None = None, *, threads: int = 1) -> PassiveDetector:
        """Opens the installed pack. Raises models.errors.PackMissing or PackDamaged."""
        return cls({name: models.open_session("minifasnet", name, threads=threads, home=home) for name in SCALES})

    def judge(self, rgb: NDArray[np.uint8], face: Face) -> Verdict:
        """`attack` (`passive_attack`) or `live` for a face in a picture, uint8 (H, W, 3), with the probability.

        `live` here means only that these networks see nothing wrong; see `verdict.assess`.
        """
        score = self.score(rgb, face)
        if score < parameters.PASSIVE_LIVE:
            return Verdict(Outcome.ATTACK, "passive_attack", score)
        return Verdict(Outcome.LIVE, None, score)

    def score(self, rgb: NDArray[np.uint8], face: Face) -> float:
        """Mean probability, 0..1, that the face is a living one."""
        answers = []
        for name, session in self._sessions.items():
            blob = np.ascontiguousarray(
                cut(rgb, face.box, SCALES[name])[:, :, ::-1].transpose(2, 0, 1)[None], np.float32
            )
            (logits,) = session.run(None, {session.get_inputs()[0].name: blob})
            raised = np.exp(np.asarray(logits, np.float64).ravel() - np.max(logits))
            answers.append(raised[LIVE] / raised.sum())
        return float(np.mean(answers))


def cut(rgb: NDArray[np.uint8], box: NDArray[np.float32], scale: float) -> NDArray[np.uint8]:
    """The surroundings of a box (left, top, width, height), `scale` times as large, as uint8 (80, 80, 3).

    As the networks were trained: a part that would leave the picture is moved into it, and made smaller where the
    picture is too small; and a pixel is made of the four around its place however much smaller the part becomes, which
    keeps the grain that averaging takes out (faces without it pass for prints twice as often).
    """
    height, width = rgb.shape[:2]
    left, top, across, down = (float(edge) for edge in box)
    scale = min(scale, (height - 1) / max(down, 1.0), (width - 1) / max(across, 1.0))
    size = np.array([across, down]) * scale
    corner = np.clip(np.array([left + across / 2, top + down / 2]) - size / 2, 0, np.array([width, height]) - 1 - size)
    edges = (*corner, *(corner + size + 1))
    first_x, first_y, last_x, last_y = (max(0, int(edge)) for edge in edges)
    part = Pillow.fromarray(rgb[first_y : max(last_y, first_y + 1), first_x : max(last_x, first_x + 1)])
    whole = (0, 0, part.width, part.height)
    return np.asarray(
        part.transform((SIDE, SIDE), Pillow.Transform.EXTENT, whole, Pillow.Resampling.BILINEAR), np.uint8
    )
