"""Other recognisers than the default one: InsightFace's packs, and any ONNX embedder that a small TOML file describes.

A pack makes templates of its own kind: its name and version are the engine's id in every template, and templates of two
packs are never compared. The service takes a pack only with a calibration of its own (`renzheng calibrate`).

A TOML file, beside its network:

    name = "edgeface-xs"            # with the version the engine's id: edgeface-xs-1
    version = 1
    licence = "BSD-3-Clause"        # said in the log at every start
    research_only = true            # then a ResearchOnlyWarning as well
    file = "edgeface_xs.onnx"
    sha256 = "…"                    # of the network; another file is refused
    channels = "RGB"                # or "BGR"
    mean = 127.5                    # (value - mean) * scale is what the network is given, channels first, 112 x 112
    scale = 0.00784313725
    dimensions = 512                # of the embedding, a multiple of 32 up to 1024
    mirror = true                   # whether the mirror image is embedded as well
    statistics = "edgeface-xs-1.safetensors"    # optional: what `benchmarks face-statistics` wrote for it
"""

from __future__ import annotations

import hashlib
import logging
import tomllib
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnxruntime
from numpy.typing import NDArray

import models
from biometrics.errors import BiometricError
from models.sessions import session_options

from . import parameters
from .detection import Face
from .engine import FaceEngine
from .statistics import Statistics
from .template import possible

_log = logging.getLogger(__name__)
INSIGHTFACE = "insightface:"
_INSIGHTFACE_LICENCE = "InsightFace model licence: non-commercial research only"


class PackError(BiometricError):
    """A pack's description, network or folder cannot be used (`face_pack_unusable`)."""

    def __init__(self, detail: str) -> None:
        super().__init__("face_pack_unusable", detail)


@dataclass(frozen=True)
class Description:
    """What a TOML file says of an embedder; see the module's text."""

    name: str
    version: int
    licence: str
    file: str
    sha256: str
    dimensions: int
    channels: Literal["RGB", "BGR"] = "RGB"
    mean: float = 127.5
    scale: float = 1 / 127.5
    mirror: bool = True
    research_only: bool = False
    statistics: str | None = None

    @property
    def engine(self) -> str:
        """The engine's id."""
        return f"{self.name}-{self.version}"

    @classmethod
    def read(cls, path: Path) -> Description:
        """Raises PackError for anything but such a file."""
        try:
            made = cls(**tomllib.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise PackError(f"{path.name} is no description of an embedder ({type(error).__name__})") from error
        given = (made.name, made.licence, made.file, made.sha256, made.channels)
        if not all(isinstance(text, str) for text in given) or made.channels not in {"RGB", "BGR"}:
            raise PackError(f"{path.name}: name, licence, file and sha256 are texts, channels RGB or BGR")
        if not isinstance(made.version, int) or not made.engine.isascii() or len(made.engine) > 32:
            raise PackError(f"{path.name}: name and version make an id of at most 32 ASCII characters")
        if not isinstance(made.dimensions, int) or not possible(made.dimensions):
            raise PackError(f"{path.name}: dimensions are a multiple of 32 up to 1024")
        return made


class Embedder:
    """An ONNX network that makes an embedding of an aligned face, with its own preprocessing."""

    def __init__(self, session: onnxruntime.InferenceSession, description: Description) -> None:
        self._session = session
        self._input = session.get_inputs()[0].name
        self._description = description

    def __call__(self, crop: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Float32 (d,), of uint8 (112, 112, 3), RGB. Raises PackError when the network makes something else."""
        wanted = self._description
        channels = crop if wanted.channels == "RGB" else crop[:, :, ::-1]
        blob = (np.ascontiguousarray(channels.transpose(2, 0, 1)[None], np.float32) - wanted.mean) * wanted.scale
        made = np.asarray(self._session.run(None, {self._input: blob.astype(np.float32)})[0], np.float32).reshape(-1)
        if made.shape != (wanted.dimensions,):
            raise PackError(f"{wanted.engine} makes {made.size} numbers, not {wanted.dimensions}")
        return made


def open_engine(pack: str, home: Path | None = None, *, threads: int = 1, provider: str | None = None) -> FaceEngine:
    """The engine of a pack: `sface`, `insightface:NAME`, or the path of a TOML file.

    InsightFace's packs are looked for in `home`/models/NAME (the package's own place below the root that it is given)
    and are never fetched. `provider` is for `sface` (see `FaceEngine.open`). Raises PackError; for `sface` as
    `FaceEngine.open`.
    """
    if pack == "sface":
        return FaceEngine.open(home, threads=threads, provider=provider)
    if provider is not None:
        raise PackError(f"the pack {pack} runs in onnxruntime on the processor: it takes no provider")
    if pack.startswith(INSIGHTFACE):
        return InsightFaceEngine.of(pack.removeprefix(INSIGHTFACE), home or models.home(), threads=threads)
    return described(Path(pack), home, threads=threads)


def described(path: Path, home: Path | None = None, *, threads: int = 1) -> FaceEngine:
    """The default pipeline with the embedder that a TOML file describes. Raises PackError, PackMissing, PackDamaged."""
    wanted = Description.read(path)
    try:
        network = (path.parent / wanted.file).read_bytes()
        statistics = None if wanted.statistics is None else (path.parent / wanted.statistics).read_bytes()
    except OSError as error:
        raise PackError(f"{wanted.engine}: a file that it names cannot be read ({type(error).__name__})") from error
    if hashlib.sha256(network).hexdigest() != wanted.sha256.lower():
        raise PackError(f"{wanted.file} is not the file that {path.name} names (SHA-256)")
    session = _session(network, threads)
    _say(wanted.engine, wanted.licence, wanted.research_only)
    fitted = Statistics.neutral(wanted.engine, wanted.dimensions)
    if statistics is not None:
        fitted = Statistics.from_bytes(statistics, wanted.engine)
    detector = models.open_session("sface", "yunet", threads=threads, home=home)
    engine = FaceEngine(detector, Embedder(session, wanted), fitted, mirror=wanted.mirror)
    engine.lengths = None
    return engine


class InsightFaceEngine(FaceEngine):
    """SCRFD and ArcFace of one of InsightFace's packs, run by the package `insightface` itself."""

    def __init__(self, name: str, scrfd: Any, arcface: Any) -> None:
        self._scrfd = scrfd
        self._arcface = arcface
        statistics = Statistics.neutral(f"insightface-{name}-1", int(arcface.output_shape[-1]))
        super().__init__(scrfd, self._embedding, statistics, mirror=parameters.MIRROR)
        self.lengths = None

    @classmethod
    def of(cls, name: str, root: Path, *, threads: int = 1) -> InsightFaceEngine:
        """The pack in `root`/models/`name`. Raises PackError where it is not there, or holds no such networks."""
        folder = root / "models" / name
        if not folder.is_dir():
            raise PackError(
                f"there is no pack {name!r}: put its .onnx files into {folder.parent.name}/{name} below the root"
            )
        from insightface.app import FaceAnalysis

        try:
            app = FaceAnalysis(
                name=str(folder),
                allowed_modules=["detection", "recognition"],
                providers=["CPUExecutionProvider"],
                sess_options=session_options(threads),
            )
            app.prepare(ctx_id=-1, det_thresh=parameters.CONFIDENCE, det_size=_SCRFD_SIZE)
            scrfd, arcface = app.models["detection"], app.models["recognition"]
        except (AssertionError, KeyError, RuntimeError, ValueError) as error:
            raise PackError(f"the pack {name!r} holds no detector and recogniser ({type(error).__name__})") from error
        _say(f"insightface-{name}-1", _INSIGHTFACE_LICENCE, True)
        return cls(name, scrfd, arcface)

    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        """All faces of a picture, uint8 (H, W, 3), most confident first; a second, larger look where there is none."""
        bgr = np.ascontiguousarray(rgb[:, :, ::-1])
        boxes, points = self._scrfd.detect(bgr)
        if not len(boxes):
            boxes, points = self._scrfd.detect(bgr, input_size=_SCRFD_SEARCH_SIZE)
        order = np.argsort(-boxes[:, 4], kind="stable")
        return [
            Face(
                np.append(boxes[i, :2], boxes[i, 2:4] - boxes[i, :2]).astype(np.float32),
                np.asarray(points[i], np.float32),
                float(boxes[i, 4]),
            )
            for i in order
        ]

    def landmarks(self, rgb: NDArray[np.uint8], face: Face) -> NDArray[np.float32]:
        """As SCRFD found them."""
        del rgb
        return face.points

    def _embedding(self, crop: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.asarray(self._arcface.get_feat(np.ascontiguousarray(crop[:, :, ::-1])), np.float32).reshape(-1)


_SCRFD_SIZE = (320, 320)
_SCRFD_SEARCH_SIZE = (640, 640)
"""The face of a holder fills much of the picture; 640 takes four times as long, and finds the one of LFW's 6,274
pictures in which 320 finds nothing."""


def _session(network: bytes, threads: int) -> onnxruntime.InferenceSession:
    try:
        return onnxruntime.InferenceSession(network, session_options(threads), providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has a dozen exceptions of its own and no common base
        raise PackError(f"the network cannot be opened ({type(error).__name__})") from error


def _say(engine: str, licence: str, research_only: bool) -> None:
    """The licence, at every start; loudly where it is for research only."""
    _log.warning("faces are embedded by %s (%s)", engine, licence)
    if research_only:
        warnings.warn(
            f"The face pack {engine} may be used for research only ({licence}). Do not use it in a service.",
            models.ResearchOnlyWarning,
            stacklevel=4,
        )
