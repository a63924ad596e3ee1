"""Opening installed networks with onnxruntime, with explicit thread counts; and weights without a network."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import onnxruntime

from . import catalogue, store, tensors
from .errors import PackOutdated

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray


class ResearchOnlyWarning(UserWarning):
    """A network whose licence forbids commercial use is being installed or opened."""


CPU = "CPUExecutionProvider"


def open_session(
    pack: str, file: str, *, threads: int = 1, home: Path | None = None, provider: str = CPU
) -> onnxruntime.InferenceSession:
    """A session on an installed network, from bytes whose SHA-256 was checked just before.

    `pack` and `file` are the catalogue's names, `threads` the number of threads of one run, `home` the folder to use
    instead of `store.home()`, `provider` what computes: one of `onnxruntime.get_available_providers()` (CUDA and
    OpenVINO come with other builds of onnxruntime). Raises UnknownPack, PackMissing, PackDamaged, PackOutdated;
    ValueError for `threads` < 1 and for a provider that this build lacks. Warns with ResearchOnlyWarning when the
    licence is for research only.
    """
    if threads < 1:
        raise ValueError("threads has to be at least 1")
    if provider not in onnxruntime.get_available_providers():
        raise ValueError(
            f"this onnxruntime has no {provider}; it has {', '.join(onnxruntime.get_available_providers())}"
        )
    data = _checked(pack, file, home)
    return onnxruntime.InferenceSession(data, session_options(threads), providers=list(dict.fromkeys([provider, CPU])))


def read_network(pack: str, file: str, *, home: Path | None = None) -> bytes:
    """The bytes of an installed network, checked as those of a session are, for another runtime than onnxruntime.

    Raises UnknownPack, PackMissing, PackDamaged, PackOutdated. Warns with ResearchOnlyWarning as `open_session` does.
    """
    return _checked(pack, file, home)


def open_weights(pack: str, file: str, *, home: Path | None = None) -> dict[str, NDArray[np.float32]]:
    """Installed weights without a network, float32 by name, read-only, checked as those of a session are.

    Raises UnknownPack, PackMissing, PackDamaged, PackOutdated. Warns with ResearchOnlyWarning as `open_session` does.
    """
    return tensors.loads(_checked(pack, file, home))


def _checked(pack: str, file: str, home: Path | None) -> bytes:
    entry = catalogue.find(pack)
    wanted = entry.file(file)
    manifest = store.read_manifest(pack, home)
    fewer = file not in manifest.files and manifest.is_of_fewer(known.name for known in entry.files)
    data = b"" if fewer else store.read_file(manifest, file, home)
    if fewer or (wanted.sha256 is not None and manifest.files[file].sha256 != wanted.sha256):
        raise PackOutdated(f"The model pack '{pack}' was installed by another version of Renzheng. {entry.remedy}")
    warn_research_only(entry, levels=4)
    return data


def session_options(threads: int = 1) -> onnxruntime.SessionOptions:
    """Options of every session: `threads` threads that do not spin while they wait, operators one after another.

    Spinning doubles the CPU time on busy cores, and a parallel executor gains nothing on these chains of layers.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    return options


def warn_research_only(pack: catalogue.Pack, *, levels: int = 3) -> None:
    """Says loudly that a pack may be used for research only; says nothing about any other.

    `levels` is how many calls above this one the warning points.
    """
    if pack.research_only:
        warnings.warn(
            f"The model pack '{pack.name}' may be used for research only ({pack.licence}). "
            "Do not use it in a service; the default packs are free for commercial use.",
            ResearchOnlyWarning,
            stacklevel=levels,
        )
