"""A picture judged for the person who took it: all components of its quality, and what to do better."""

from __future__ import annotations

from dataclasses import dataclass

from .quality import Quality


@dataclass(frozen=True)
class Assessment:
    """What can be said of a picture before anything is compared.

    `faces`: how many were found. `unified` 0..100, 0 where no template would be made of it, for the `reason`
    (`no_face`, `multiple_faces`, `low_quality`). `components`, `background` and `blockiness` (see `scene.py`) are those
    of the chosen face, None where there is none. `feedback` are codes of `feedback.py`, the most helpful first.
    """

    faces: int
    unified: int
    reason: str | None
    components: Quality | None
    background: float | None
    blockiness: float | None
    feedback: tuple[str, ...]
