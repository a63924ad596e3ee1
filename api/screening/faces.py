"""The faces of a replica's gallery: vectors turned by the deployment's rotation, each under its entry's number."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import NamedTuple

import numpy as np

from api.screening.parameters import BLOCK, CANDIDATES, MARGIN
from api.screening.transform import Rotation, rotation
from api.storage.keys import Keys
from biometrics.face import FaceTemplate
from biometrics.gallery import Entries, Gallery
from biometrics.gallery.gallery import Progress

_EPOCH = date(1970, 1, 1)


class ListedFace(NamedTuple):
    """A template on the list, its number, and the last day on which it is found."""

    key: int
    template: FaceTemplate
    expires_on: date


@dataclass(frozen=True)
class Faces:
    """A gallery and the rotation of what is in it. The gallery is shared among threads."""

    gallery: Gallery
    rotation: Rotation = field(repr=False)

    @classmethod
    def of(cls, keys: Keys, engine: str, dimensions: int) -> "Faces":
        """A gallery of nobody."""
        return cls(Gallery.of(engine, dimensions=dimensions), rotation(keys, engine, dimensions))

    @classmethod
    def build(
        cls,
        keys: Keys,
        listed: Iterator[ListedFace],
        expected: int,
        dimensions: int,
        engine: str,
        progress: Progress | None = None,
    ) -> "Faces":
        """A gallery of all that are `listed`, in the order of their numbers, as they come."""
        turned = rotation(keys, engine, dimensions)
        blocks = (_entries(turned, block) for block in iter(lambda: list(islice(listed, BLOCK)), []))
        return cls(Gallery.build(engine, blocks, expected, dimensions=dimensions, progress=progress), turned)

    def __len__(self) -> int:
        return len(self.gallery)

    def change(self, sequence: int, added: list[ListedFace], removed: Iterable[int]) -> None:
        """As `Gallery.change`."""
        entries = _entries(self.rotation, added)
        vectors = entries.vectors if added else None
        self.gallery.change(
            sequence, keys=entries.keys, vectors=vectors, until=entries.until, removed=np.fromiter(removed, np.int64)
        )

    def candidates(self, probe: FaceTemplate, threshold: float, day: date) -> list[int]:
        """The numbers of those that may reach the threshold when they are compared as templates, best first."""
        hits = self.gallery.search(self.rotation.apply(probe.vector[None]), CANDIDATES, day=_number(day))
        return [int(key) for key in hits.keys[0][hits.scores[0] >= threshold - MARGIN] if key >= 0]


def similarity(probe: FaceTemplate, reference: FaceTemplate) -> float:
    """The comparison score of two templates of one engine, -1..1: the cosine of the angle between their vectors, as
    `FaceEngine.compare` gives it."""
    lengths = np.linalg.norm(probe.vector) * np.linalg.norm(reference.vector)
    return float(np.clip(np.dot(probe.vector, reference.vector) / lengths, -1.0, 1.0))


def _entries(turned: Rotation, listed: list[ListedFace]) -> Entries:
    vectors = np.stack([one.template.vector for one in listed]) if listed else np.empty((0, len(turned.matrix)))
    return Entries(
        np.array([one.key for one in listed], np.int64),
        turned.apply(vectors),
        np.array([_number(one.expires_on) for one in listed], np.int32),
    )


def _number(day: date) -> int:
    """Days since 1970."""
    return (day - _EPOCH).days
