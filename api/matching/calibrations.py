"""Which calibration each engine's scores are read by: an operator's own, else the shipped one. None is guessed at."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

import models
from biometrics.face import FaceEngine
from biometrics.finger import FingerEngine
from biometrics.scoring.calibration import Calibration
from biometrics.scoring.errors import CalibrationError

# The pack whose networks an engine runs. Its scores change with them, also where the engine's code stays.
PACKS: Mapping[str, str] = MappingProxyType({FaceEngine.engine: "sface", FingerEngine.engine: "leader"})


def load(engines: Iterable[str], folder: Path | None) -> dict[str, Calibration]:
    """The calibration of every engine: of `folder` where a file (`<anything>.json`) is of it, else the shipped one.

    Every file of the folder has to be of an engine in use and of its installed pack: one that is not would be passed
    over in silence otherwise, and the operator believe in it. Raises CalibrationError (`calibration_engine_mismatch`,
    `calibration_pack_mismatch`, `calibration_repeated`, `calibration_damaged`, `calibration_missing`), OSError.
    """
    wanted = list(engines)
    own: dict[str, Calibration] = {}
    for path in [] if folder is None else _files(folder):
        calibration = _read(path, wanted)
        if calibration.engine in own:
            raise CalibrationError("calibration_repeated", f"{path} is a second one of {calibration.engine}")
        own[calibration.engine] = calibration
    return {engine: own.get(engine) or Calibration.load(engine) for engine in wanted}


def pack_facts(name: str) -> dict[str, str | None]:
    """A pack's version and the hashes of its files, as a calibration notes them. Raises `ModelError` for none."""
    pack = models.catalogue.find(name)
    return {"name": pack.name, "version": pack.version, **{file.name: file.sha256 for file in pack.files}}


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise CalibrationError("calibration_missing", f"there is no folder {folder}")
    return sorted(folder.glob("*.json"))


def _read(path: Path, engines: list[str]) -> Calibration:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise CalibrationError("calibration_damaged", f"{path} is no calibration file") from error
    named = Calibration.engine_named(text, str(path))
    if named not in engines:
        raise CalibrationError(
            "calibration_engine_mismatch",
            f"{path} is of the engine {named!r}; in use are {', '.join(engines)}. Fit it again with their scores.",
        )
    calibration = Calibration.from_json(text, named)
    installed = pack_facts(PACKS[named]) if named in PACKS else None
    if calibration.provenance.get("pack") != installed:
        raise CalibrationError(
            "calibration_pack_mismatch",
            f"{path} was not fitted with the pack that {named} runs ({PACKS.get(named, 'none')}), or does not say so."
            " Fit it again: renzheng calibrate --pack.",
        )
    return calibration
