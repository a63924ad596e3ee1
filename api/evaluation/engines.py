"""The engines as an evaluation uses them: a template of a picture file, made ready once, compared often."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from api.evaluation.subjects import Modality


@dataclass(frozen=True)
class Engine:
    """`extract` raises InvalidImage and NotAssessable; `compare` takes a prepared probe and a prepared reference.

    `dump` and `load` turn a template into bytes and back, where an interrupted run is to be taken up again; `made_by`
    says what templates depend on besides the image, where that is more than the engine's name.
    """

    name: str
    extract: Callable[[bytes], Any]
    prepare: Callable[[Any], Any]
    compare: Callable[[Any, Any], float]
    dump: Callable[[Any], bytes] | None = None
    load: Callable[[bytes], Any] | None = None
    made_by: str = ""


def open_engine(modality: Modality, home: Path, *, dpi: float | None = None) -> Engine:
    """The engine of a modality, with its networks open and its code compiled. Raises `ModelError`."""
    if modality == "face":
        from biometrics.face import FaceEngine, FaceTemplate

        face = FaceEngine.open(home)
        return Engine(
            face.engine, face.extract, _unchanged, face.compare, FaceTemplate.to_bytes, FaceTemplate.from_bytes
        )
    from biometrics.finger import FingerEngine, FingerTemplate

    finger = FingerEngine.open(home)
    finger.warm_up()
    # The resolution is a part of what a kept template was made by.
    return Engine(
        finger.engine,
        partial(finger.extract, dpi=dpi),
        finger.prepare,
        finger.compare,
        FingerTemplate.to_bytes,
        FingerTemplate.from_bytes,
        made_by=f"{finger.engine} at {dpi} dpi",
    )


def modality_of(engine: str | None) -> Modality | None:
    """What an engine of this project, of whatever version, compares; None for others."""
    from biometrics.face import FaceEngine
    from biometrics.finger import FingerEngine

    families: dict[str, Modality] = {_family(FaceEngine.engine): "face", _family(FingerEngine.engine): "finger"}
    return None if engine is None else families.get(_family(engine))


def _family(engine: str) -> str:
    """The id without the version at its end."""
    return engine.rpartition("-")[0] or engine


def _unchanged(template: Any) -> Any:
    return template
