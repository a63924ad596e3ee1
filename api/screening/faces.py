"""The faces of a replica's gallery: vectors under the deployment's transform, each under its entry's number."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from api.screening.parameters import BLOCK, CANDIDATES, MARGIN, MOST_CANDIDATES
from biometrics.face import FaceTemplate, Transform
from biometrics.gallery import Entries, Gallery
from biometrics.gallery.gallery import Progress

_EPOCH = date(1970, 1, 1)


class ListedFace(NamedTuple):
    """A template on the list, its number, the last day on which it is found, and what turned it, if anything did."""

    key: int
    template: FaceTemplate
    expires_on: date
    transform: Transform | None = None


@dataclass(frozen=True)
class Faces:
    """A gallery and the transform of what is in it. The gallery is shared among threads."""

    gallery: Gallery
    transform: Transform = field(repr=False)

    @classmethod
    def of(cls, transform: Transform, engine: str, dimensions: int) -> "Faces":
        """A gallery of nobody."""
        return cls(Gallery.of(engine, dimensions=dimensions), transform)

    @classmethod
    def build(
        cls,
        transform: Transform,
        listed: Iterator[ListedFace],
        expected: int,
        dimensions: int,
        engine: str,
        progress: Progress | None = None,
    ) -> "Faces":
        """A gallery of all that are `listed`, in the order of their numbers, as they come."""
        blocks = (_entries(transform, block, dimensions) for block in iter(lambda: list(islice(listed, BLOCK)), []))
        return cls(Gallery.build(engine, blocks, expected, dimensions=dimensions, progress=progress), transform)

    def __len__(self) -> int:
        return len(self.gallery)

    def change(self, sequence: int, added: list[ListedFace], removed: Iterable[int], mark: str = "") -> None:
        """As `Gallery.change`."""
        entries = _entries(self.transform, added)
        vectors = entries.vectors if added else None
        self.gallery.change(
            sequence,
            keys=entries.keys,
            vectors=vectors,
            until=entries.until,
            removed=np.fromiter(removed, np.int64),
            mark=mark,
        )

    def candidates(self, probe: FaceTemplate, threshold: float, day: date) -> list[int]:
        """The numbers of those that may reach the threshold when they are compared as templates, best first."""
        vector, found = self.transform.turn(probe).vector[None], list[int]()
        for most in (CANDIDATES, MOST_CANDIDATES):
            hits = self.gallery.search(vector, most, day=_number(day))
            found = [int(key) for key in hits.keys[0][hits.scores[0] >= threshold - MARGIN] if key >= 0]
            if len(found) < most:
                break
        return found


def _entries(transform: Transform, listed: list[ListedFace], dimensions: int = 0) -> Entries:
    vectors = [_turned(transform, one) for one in listed]
    return Entries(
        np.array([one.key for one in listed], np.int64),
        np.stack(vectors) if vectors else np.empty((0, dimensions), np.float32),
        np.array([_number(one.expires_on) for one in listed], np.int32),
    )


def _turned(transform: Transform, listed: ListedFace) -> NDArray[np.float32]:
    """Its vector as the gallery has it: as it is stored, but for what a renewal has not come to yet."""
    template = listed.template
    if listed.transform is not None and listed.transform.name != transform.name:
        template = listed.transform.back(template)
    return transform.turn(template).vector


def _number(day: date) -> int:
    """Days since 1970."""
    return (day - _EPOCH).days
