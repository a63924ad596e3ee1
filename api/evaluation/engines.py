"""The engines as an evaluation uses them: a template of a picture file, made ready once, compared often."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from api.evaluation.subjects import Modality


@dataclass(frozen=True)
class Engine:
    """`extract` raises InvalidImage and NotAssessable; `compare` takes a prepared probe and a prepared reference."""

    name: str
    extract: Callable[[bytes], Any]
    prepare: Callable[[Any], Any]
    compare: Callable[[Any, Any], float]


def open_engine(modality: Modality, home: Path, *, dpi: float | None = None) -> Engine:
    """The engine of a modality, with its networks open and its code compiled. Raises `ModelError`."""
    if modality == "face":
        from biometrics.face import FaceEngine

        face = FaceEngine.open(home)
        return Engine(face.engine, face.extract, _unchanged, face.compare)
    from biometrics.finger import FingerEngine

    finger = FingerEngine.open(home)
    finger.warm_up()
    return Engine(finger.engine, partial(finger.extract, dpi=dpi), finger.prepare, finger.compare)


def _unchanged(template: Any) -> Any:
    return template
