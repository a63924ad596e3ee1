"""A register to be searched against itself, as files that threads, processes and machines map into memory.

A folder holds `keys` (int64), `halves` (the vectors as templates hold them, float16), `codes` (the same rounded to
whole numbers, int8), `held` (a bit for each finger position that the record has a template of, uint16), and of the
first of these fingers a sketch: `sketched` (its place in POSITIONS, -1 for none, int8), `sketch_codes` and
`sketch_places` (see `sketch`). Each has a row for each record in the order of the keys. Last comes `manifest.json`:
without it the folder is no register.

The files hold vectors in the clear, and what is left of a finger in its sketch: the caller gives vectors that mean
nothing elsewhere (turned, as the galleries of the service are), a folder of its own, and takes it away in the end.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from biometrics.duplicates.parameters import BLOCK, CODE_LIMIT
from biometrics.errors import BiometricError
from biometrics.finger import FingerTemplate
from biometrics.finger.sketch import CODES, PLACES, Sketches, sketch

Floats = NDArray[np.float32]
Fingers = Mapping[str, FingerTemplate]
"""Templates of one record by position, in the words of ISO/IEC 19794-2 (`right_thumb`, ...)."""

POSITIONS: Final = tuple(
    f"{side}_{finger}" for finger in ("thumb", "index", "middle", "ring", "little") for side in ("right", "left")
)
"""The ten fingers, those first that cards hold most often; a position's place is its bit in `held`."""
STEP: Final = np.float32(CODE_LIMIT / 127)
_SKETCHED_TOGETHER = 256
_MANIFEST, _FORM = "manifest.json", 1
_BIT = {position: np.uint16(1 << place) for place, position in enumerate(POSITIONS)}


class Entries(NamedTuple):
    """Records to add: `keys` int64 (n,) growing from 0 on, `vectors` float32 (n, D) of length 1, and `fingers`.

    These are of each record the positions that it has a template of; where they are a mapping, to the template or to
    None. A sketch is made of the first position (in the order of POSITIONS) whose template is there. Without one a
    pair's fingers are compared only where the faces are very much alike: of a register of more than some hundred
    records give at least that one.
    """

    keys: NDArray[np.int64]
    vectors: Floats
    fingers: Sequence[Collection[str]]


class Part(NamedTuple):
    """Some records that follow each other, from the position `first` on: their rows of the register's files."""

    first: int
    halves: NDArray[np.float16]
    codes: NDArray[np.int8]
    held: NDArray[np.uint16]
    sketched: NDArray[np.int8]
    sketches: Sketches

    @property
    def size(self) -> int:
        """How many records."""
        return len(self.codes)

    def rows(self, first: int, last: int) -> Part:
        """Those of its records from the position `first` of the register to before `last`."""
        mine = slice(first - self.first, last - self.first)
        sketches = Sketches(self.sketches.codes[mine], self.sketches.places[mine])
        return Part(first, self.halves[mine], self.codes[mine], self.held[mine], self.sketched[mine], sketches)


class RegisterError(BiometricError):
    """No register that can be used: `register_missing`, `register_damaged`."""


@dataclass(frozen=True, eq=False)
class Register:
    """Records by position 0, 1, 2, ...; `engine` names the faces', `identity` this register among all ever built."""

    folder: Path
    engine: str
    identity: str
    keys: NDArray[np.int64] = field(repr=False)
    halves: NDArray[np.float16] = field(repr=False)
    codes: NDArray[np.int8] = field(repr=False)
    held: NDArray[np.uint16] = field(repr=False)
    sketched: NDArray[np.int8] = field(repr=False)
    sketch_codes: NDArray[np.uint64] = field(repr=False)
    sketch_places: NDArray[np.float32] = field(repr=False)

    @classmethod
    def build(
        cls,
        folder: Path,
        engine: str,
        blocks: Iterable[Entries],
        *,
        dimensions: int = 128,
        threads: int = 1,
        progress: Callable[[int], None] | None = None,
    ) -> Register:
        """Write `blocks` of records to `folder`, which is made where it is missing, and open it.

        `threads` make sketches; `progress` is told of so many records more. Raises ValueError for keys that do not
        grow, shapes, positions that there are none of; OSError.
        """
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / _MANIFEST).unlink(missing_ok=True)
        last = -1
        with ExitStack() as stack:
            pool = stack.enter_context(ThreadPoolExecutor(threads))
            files = {name: stack.enter_context((folder / name).open("wb")) for name in _columns(dimensions)}
            for block in blocks:
                last = _write(files, block, dimensions, last, pool)
                if progress is not None:
                    progress(len(block.keys))
            for file in files.values():
                os.fchmod(file.fileno(), 0o600)
                file.flush()
                os.fsync(file.fileno())
        count = (folder / "keys").stat().st_size // 8
        facts = {"form": _FORM, "engine": engine, "identity": uuid4().hex, "dimensions": dimensions, "records": count}
        fresh = folder / f"{_MANIFEST}.new"
        fresh.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        fresh.replace(folder / _MANIFEST)
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path) -> Register:
        """What `build` wrote. Raises RegisterError where it did not end, or files are not as long as they were."""
        try:
            facts: dict[str, Any] = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
            count, dimensions = int(facts["records"]), int(facts["dimensions"])
            if facts["form"] != _FORM:
                raise ValueError("another form")
            columns = {name: _mapped(folder / name, *how, count) for name, how in _columns(dimensions).items()}
            return cls(folder, str(facts["engine"]), str(facts["identity"]), **columns)
        except FileNotFoundError as error:
            raise RegisterError("register_missing", "no register was built to its end here") from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RegisterError("register_damaged", type(error).__name__) from error

    def __len__(self) -> int:
        """The number of records."""
        return len(self.keys)

    @property
    def nbytes(self) -> int:
        """Of all files."""
        return sum(getattr(self, name).nbytes for name in _columns(self.codes.shape[1]))

    def part(self, first: int, last: int) -> Part:
        """The records from one position to before another, as what is mapped, not read."""
        rows = slice(first, last)
        sketches = Sketches(self.sketch_codes[rows], self.sketch_places[rows])
        return Part(first, self.halves[rows], self.codes[rows], self.held[rows], self.sketched[rows], sketches)

    @property
    def jobs(self) -> int:
        """Into how many jobs a search of it is cut: one for each block of records."""
        return -(-len(self) // BLOCK)


def common(first: int, second: int) -> list[str]:
    """The positions that two records, by their `held`, both have a finger of."""
    both = first & second
    return [position for position, bit in _BIT.items() if both & int(bit)]


def _columns(dimensions: int) -> dict[str, tuple[type[Any], tuple[int, ...]]]:
    return {
        "keys": (np.int64, ()),
        "halves": (np.float16, (dimensions,)),
        "codes": (np.int8, (dimensions,)),
        "held": (np.uint16, ()),
        "sketched": (np.int8, ()),
        "sketch_codes": (np.uint64, CODES),
        "sketch_places": (np.float32, PLACES),
    }


def _write(files: Mapping[str, BinaryIO], block: Entries, dimensions: int, last: int, pool: ThreadPoolExecutor) -> int:
    keys = np.ascontiguousarray(block.keys, np.int64)
    vectors = np.ascontiguousarray(block.vectors, np.float32)
    if vectors.shape != (len(keys), dimensions) or len(block.fingers) != len(keys):
        raise ValueError(f"{len(keys)} keys, vectors {vectors.shape}, fingers of {len(block.fingers)}")
    if len(keys) == 0:
        return last
    if keys[0] <= last or (np.diff(keys) <= 0).any() or keys[0] < 0:
        raise ValueError("keys must grow, from 0 on")
    if not np.isfinite(vectors).all():
        raise ValueError("a vector is not finite")
    held = np.array([_held(fingers) for fingers in block.fingers], np.uint16)
    codes = np.clip(np.rint(vectors / STEP), -127, 127).astype(np.int8)
    sketched, *rows = _sketched(block.fingers, pool)
    columns = (keys, vectors.astype(np.float16), codes, held, sketched, *rows)
    for file, values in zip(files.values(), columns, strict=True):
        file.write(np.ascontiguousarray(values).data)
    return int(keys[-1])


def _held(fingers: Collection[str]) -> int:
    unknown = [position for position in fingers if position not in _BIT]
    if unknown:
        raise ValueError("a finger position that there is none of")
    return sum(int(_BIT[position]) for position in fingers)


def _sketched(
    fingers: Sequence[Collection[str]], pool: ThreadPoolExecutor
) -> tuple[NDArray[np.int8], NDArray[np.uint64], NDArray[np.float32]]:
    """Of each record the place of the position that is sketched, and its sketch."""
    first = np.full(len(fingers), -1, np.int8)
    codes, places = np.zeros((len(fingers), *CODES), np.uint64), np.zeros((len(fingers), *PLACES), np.float32)

    def fill(rows: range) -> None:
        for row in rows:
            mine = fingers[row]
            if not isinstance(mine, Mapping):
                continue
            for place, position in enumerate(POSITIONS):
                template = mine.get(position)
                if template is not None:
                    first[row] = place
                    codes[row], places[row] = sketch(template)
                    break

    starts = range(0, len(fingers), _SKETCHED_TOGETHER)
    list(pool.map(lambda start: fill(range(start, min(start + _SKETCHED_TOGETHER, len(fingers)))), starts))
    return first, codes, places


def _mapped(path: Path, kind: type[Any], shape: tuple[int, ...], count: int) -> NDArray[Any]:
    whole = (count, *shape)
    if path.stat().st_size != np.dtype(kind).itemsize * int(np.prod(whole)):
        raise ValueError("not as long as it was")
    # An empty file cannot be mapped. Compiled code takes plain arrays; this is one, of the same mapped file.
    return np.asarray(np.memmap(path, kind, "r", shape=whole)) if count else np.empty(whole, kind)
