"""A gallery on disk, so that a restart with millions of entries takes seconds.

A folder holds `manifest.json` and the files that it names, with their lengths and SHA-256: the vectors (mapped, not
read, when the gallery is opened), the keys, the days and the first stage's codes. New files get new names and the
manifest is replaced last, in one step: whoever dies while writing leaves the old snapshot whole.

The files hold vectors in the clear: the caller gives vectors that mean nothing elsewhere, and a folder of its own.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from biometrics.errors import BiometricError
from biometrics.gallery.codes import Codes
from biometrics.gallery.entries import Register
from biometrics.gallery.gallery import Gallery
from biometrics.gallery.parameters import BLOCK, EXACT_UP_TO, SCAN_BLOCK
from biometrics.gallery.rows import Precision, Rows, kind_of, width_of

MANIFEST = "manifest.json"
_FORM = 4
_PARTS = ("numbers", "scales", "keys", "until", "codes")


class SnapshotError(BiometricError):
    """No snapshot that can be used: `snapshot_missing`, `snapshot_damaged`, `snapshot_engine_mismatch`."""


def save(gallery: Gallery, folder: Path) -> None:
    """Write a snapshot to `folder`, which is made where it is missing; changes wait until the memory was copied out.

    Removed entries stay in the files, unfindable, until the gallery is rebuilt. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = uuid4().hex
    with gallery.held() as (rows, register, stage):
        facts = {
            "form": _FORM,
            "engine": gallery.engine,
            "sequence": gallery.sequence,
            "mark": gallery.mark,
            "dimensions": rows.dimensions,
            "precision": str(rows.precision),
            "entries": len(register),
        }
        _write_rows(folder, name, rows, len(register))
        _write(folder / f"{name}.keys", register.keys)
        _write(folder / f"{name}.until", register.until)
        _write(folder / f"{name}.codes", *(stage.blocks() if isinstance(stage, Codes) else ()))
    files = {part: _described(folder / f"{name}.{part}") for part in _PARTS}
    fresh = folder / f"{name}.manifest"
    fresh.write_text(json.dumps({**facts, "files": files}, indent=1) + "\n", encoding="utf-8")
    for path in (*folder.glob(f"{name}.*"),):
        path.chmod(0o600)
        _sync(path)
    fresh.replace(folder / MANIFEST)
    _sync(folder)
    _tidy(folder, name)


def load(folder: Path, engine: str) -> Gallery:
    """The gallery of the snapshot in `folder`; its vectors stay in the file until they are looked at.

    Raises SnapshotError where there is none, or it is another engine's, or any of its bytes is not what was written.
    """
    facts = _facts(folder)
    if facts["engine"] != engine:
        raise SnapshotError("snapshot_engine_mismatch", "it belongs to another engine")
    try:
        return _read(folder, facts)
    except (KeyError, TypeError, ValueError, OverflowError, OSError, RuntimeError) as error:
        raise SnapshotError("snapshot_damaged", type(error).__name__) from error


def _facts(folder: Path) -> dict[str, Any]:
    try:
        facts = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SnapshotError("snapshot_missing", "there is no manifest") from error
    except (OSError, ValueError, RecursionError) as error:
        raise SnapshotError("snapshot_damaged", "the manifest cannot be read") from error
    if not isinstance(facts, dict) or facts.get("form") != _FORM or not isinstance(facts.get("engine"), str):
        raise SnapshotError("snapshot_damaged", "the manifest is none of this form")
    return facts


def _read(folder: Path, facts: dict[str, Any]) -> Gallery:
    paths = {}
    for part in _PARTS:
        told = facts["files"][part]
        path = folder / Path(told["name"]).name
        if _described(path) != told:
            raise SnapshotError("snapshot_damaged", f"the file of {part} is not what was written")
        paths[part] = path
    count, dimensions, precision = int(facts["entries"]), int(facts["dimensions"]), Precision(facts["precision"])
    numbers = _mapped(paths["numbers"], kind_of(precision), (count, width_of(dimensions, precision)))
    rows = Rows(dimensions, precision, base=(numbers, np.fromfile(paths["scales"], np.float32)))
    register = Register(np.fromfile(paths["keys"], np.int64), np.fromfile(paths["until"], np.int32))
    stage = _codes(paths["codes"], dimensions, count) if count > EXACT_UP_TO else None
    if not len(rows) == len(register) == count:
        raise SnapshotError("snapshot_damaged", "the files do not fit together")
    sequence, mark = int(facts["sequence"]), str(facts["mark"])
    return Gallery(facts["engine"], rows, register, sequence=sequence, mark=mark, stage=stage)


def _codes(path: Path, dimensions: int, count: int) -> Codes | None:
    """The codes, None where the gallery was saved when it had none yet."""
    words = np.fromfile(path, np.uint64)
    if not len(words):
        return None
    codes = Codes(dimensions, (words.reshape(-1, *Codes(dimensions).shape), count))
    if sum(map(len, codes.blocks())) != -(-count // BLOCK):
        raise ValueError("the codes are not as many as the manifest says")
    return codes


def _mapped(path: Path, kind: type[Any], shape: tuple[int, int]) -> NDArray[Any]:
    if path.stat().st_size != np.dtype(kind).itemsize * shape[0] * shape[1]:
        raise ValueError("the vectors are not as many and as long as the manifest says")
    # An empty file cannot be mapped.
    return np.memmap(path, kind, "r", shape=shape) if shape[0] else np.empty(shape, kind)


def _write_rows(folder: Path, name: str, rows: Rows, count: int) -> None:
    with (folder / f"{name}.numbers").open("wb") as numbers, (folder / f"{name}.scales").open("wb") as scales:
        for first in range(0, count, SCAN_BLOCK):
            packed, factors = rows.packed(np.arange(first, min(first + SCAN_BLOCK, count), dtype=np.int64))
            numbers.write(np.ascontiguousarray(packed).data)
            scales.write(np.ascontiguousarray(factors).data)


def _write(path: Path, *arrays: NDArray[Any]) -> None:
    with path.open("wb") as file:
        for array in arrays:
            file.write(np.ascontiguousarray(array).data)


def _described(path: Path) -> dict[str, object]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": digest}


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _tidy(folder: Path, kept: str) -> None:
    # A gallery that still maps an old file keeps it until it lets go: the name goes, the bytes stay.
    for path in folder.iterdir():
        if path.name != MANIFEST and not path.name.startswith(kept):
            with suppress(OSError):
                path.unlink()
