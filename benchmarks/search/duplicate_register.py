"""A made-up register with duplicates and twins planted in it, of which is known who is who.

* Faces are drawn as real templates scatter (`gallery_vectors`); with `vectors` the people of that file who have two
  pictures are among those planted, with two real templates each, and the others of it are in the register with one.
* `planted` people have two records with fingers: a real finger's or two's different impressions where there are sets in
  `fingers`, else drawn fingers touched twice. Faces are a real pair's, or drawn mates at the distance of real pairs.
* `faces_only` people have two records, and no fingers in one of them.
* `twins` pairs have faces as alike as mates, and `kin` pairs of cosines between 0.30 and 0.60; each has fingers of
  their own. Of everybody else eight in ten have two drawn fingers, the others none.

Records of one person lie far apart. Everything follows from `seed`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.common.subjects import finger_of
from benchmarks.finger.interchange import extract
from benchmarks.finger.sets import find_sets
from benchmarks.search.drawn_fingers import drawn, seen_again
from benchmarks.search.gallery_vectors import Floats, Scatter
from biometrics.duplicates import Entries
from biometrics.finger import FingerEngine, FingerTemplate

SECTION = 20_000
POSITIONS = ("right_thumb", "left_thumb")
WITH_FINGERS = 0.8
_KIN = (0.30, 0.60)
_DRAWN = "drawn"
Impressions = Mapping[str, Sequence[Sequence[FingerTemplate]]]


@dataclass(frozen=True)
class Planted:
    """Two records, `first` < `second`, that were planted; `group` says as what, `fingers` of which set theirs are."""

    first: int
    second: int
    group: str
    fingers: str


@dataclass(frozen=True, eq=False)
class MadeRegister:
    """`size` records under the keys 0, 1, ...; `planted` of them, and their vectors and fingers by key."""

    scatter: Scatter
    size: int
    seed: int
    planted: tuple[Planted, ...]
    _vectors: Mapping[int, Floats] = field(repr=False)
    _fingers: Mapping[int, Mapping[str, FingerTemplate] | None] = field(repr=False)

    def entries(self) -> Iterator[Entries]:
        """The records in sections, each with its first finger, of which a sketch is made."""
        for first in range(0, self.size, SECTION):
            count = min(SECTION, self.size - first)
            vectors = self.scatter.persons_of(np.random.default_rng([self.seed, first]), count, 128)
            keys = np.arange(first, first + count)
            for key in range(first, first + count):
                if key in self._vectors:
                    vectors[key - first] = self._vectors[key]
            fingers = [self._held(key) for key in keys.tolist()]
            yield Entries(keys, vectors.astype(np.float16).astype(np.float32), fingers)

    def fetch(self, keys: Sequence[int]) -> dict[int, Mapping[str, FingerTemplate]]:
        """All fingers of some records."""
        return {key: self._all(key) for key in keys}

    def _held(self, key: int) -> Mapping[str, FingerTemplate | None]:
        if not self._has_fingers(key):
            return {}
        mine = self._fingers.get(key)
        first = drawn(self._number(key, 0)) if mine is None else mine[POSITIONS[0]]
        return {POSITIONS[0]: first, POSITIONS[1]: None}

    def _all(self, key: int) -> Mapping[str, FingerTemplate]:
        if not self._has_fingers(key):
            return {}
        mine = self._fingers.get(key)
        if mine is not None:
            return mine
        return {position: drawn(self._number(key, place)) for place, position in enumerate(POSITIONS)}

    def _has_fingers(self, key: int) -> bool:
        if key in self._fingers:
            return self._fingers[key] is not None
        # Of a number that has nothing to do with the key: a draw for each would take longer than the search.
        return (key * 2_654_435_761 + self.seed) % 2**32 < WITH_FINGERS * 2**32

    def _number(self, key: int, place: int) -> int:
        return (self.seed * 2**22 + 2 * key + place) % 2**32


def made(
    size: int, planted: int, seed: int, vectors: Path | None, fingers: Path | None, cache: Path | None
) -> MadeRegister:
    """The register; see the module's text. `cache` keeps the templates of real fingers from one run to the next."""
    scatter, draw = Scatter.load(), np.random.default_rng([seed, 2**32])
    counts = {"planted": planted, "faces_only": planted // 4, "twins": planted // 4, "kin": planted // 4}
    pairs, alone = _real_faces(vectors)
    total = 2 * sum(counts.values())
    keys = draw.permutation(size)[: total + len(alone)]
    if len(keys) < total + len(alone):
        raise ValueError(f"{total + len(alone)} people do not fit a register of {size}")
    impressions = _impressions(fingers, cache)
    found: list[Planted] = []
    faces: dict[int, Floats] = dict(zip(keys[total:].tolist(), alone, strict=True))
    held: dict[int, Mapping[str, FingerTemplate] | None] = {}
    rest = iter(keys[:total].reshape(-1, 2).tolist())
    for group, count in counts.items():
        for number in range(count):
            first, second = sorted(next(rest))
            real = pairs[number] if group == "planted" and number < len(pairs) else None
            faces[first], faces[second] = _drawn_pair(scatter, draw, group) if real is None else real
            kind, held[first], held[second] = _two_of(impressions, draw, group)
            found.append(Planted(first, second, group, kind))
    return MadeRegister(scatter, size, seed, tuple(found), faces, held)


def _drawn_pair(scatter: Scatter, draw: np.random.Generator, group: str) -> tuple[Floats, Floats]:
    person = scatter.persons_of(draw, 1, 128)
    cosine = draw.uniform(*_KIN, 1) if group == "kin" else scatter.cosines(draw, 1)
    return person[0], scatter.mates_of(draw, person, cosine)[0]


def _two_of(
    impressions: Impressions, draw: np.random.Generator, group: str
) -> tuple[str, Mapping[str, FingerTemplate] | None, Mapping[str, FingerTemplate] | None]:
    """The fingers of two records, and what they are of."""
    if group in {"twins", "kin"}:
        numbers = draw.integers(2**31, 2**32, 4).tolist()
        one, other = ({at: drawn(number) for at, number in zip(POSITIONS, two, strict=True)} for two in
                      (numbers[:2], numbers[2:]))  # fmt: skip
        return _DRAWN, one, other
    sizes = np.array([len(of) for of in impressions.values()], float)
    kind = str(draw.choice(list(impressions), p=sizes / sizes.sum())) if len(sizes) else _DRAWN
    first: dict[str, FingerTemplate] = {}
    second: dict[str, FingerTemplate] = {}
    if kind == _DRAWN:
        for position in POSITIONS:
            whole = drawn(int(draw.integers(2**31, 2**32)))
            first[position], second[position] = seen_again(whole, draw), seen_again(whole, draw)
    else:
        chosen = draw.choice(len(impressions[kind]), 2, replace=False)
        for position, finger in zip(POSITIONS, chosen.tolist(), strict=True):
            seen = impressions[kind][finger]
            one_time, another = draw.choice(len(seen), 2, replace=False).tolist()
            first[position], second[position] = seen[one_time], seen[another]
    return kind, first, None if group == "faces_only" else second


def _real_faces(vectors: Path | None) -> tuple[list[tuple[Floats, Floats]], list[Floats]]:
    """Of each person of a file of `vectors` two templates, or the only one."""
    if vectors is None:
        return [], []
    with np.load(vectors, allow_pickle=False) as file:
        rows = file["vectors"].astype(np.float32)
        people = [str(name).rsplit("/", 1)[0] for name in file["names"]]
    places: dict[str, list[int]] = {}
    for place, person in enumerate(people):
        places.setdefault(person, []).append(place)
    pairs = [(rows[of[0]], rows[of[1]]) for of in places.values() if len(of) > 1]
    return pairs, [rows[of[0]] for of in places.values() if len(of) == 1]


def _impressions(fingers: Path | None, cache: Path | None) -> Impressions:
    """The templates of each real finger with two impressions, by the set that it is of."""
    if fingers is None:
        return {}
    engine = FingerEngine.open()
    found: dict[str, list[list[FingerTemplate]]] = {}
    for captures in find_sets(fingers):
        of: dict[str, list[FingerTemplate]] = {}
        for name, template in extract(engine, captures, cache).items():
            of.setdefault(finger_of(name), []).append(template)
        found[captures.name] = [several for several in of.values() if len(several) > 1]
    return found
