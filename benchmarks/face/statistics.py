"""Fitting what the face engine ships of statistics, and the halves of people on which they are judged.

`python -m benchmarks face-statistics --images DIR` writes the file that ships, fitted on everybody in the folder.
Whoever measures with pictures of the same people has to use `held_out`: two halves of the people, each tested with
statistics that were fitted on the other, strengths and all.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.common.machine import describe_pack, describe_versions
from benchmarks.common.progress import say
from benchmarks.common.report import command_line
from benchmarks.face.gallery import Gallery, Templates, cached, held_out_templates, pictures_below, subject_of
from biometrics.face import FaceEngine, Statistics
from biometrics.face.fitting import fit, halves
from biometrics.face.template import DIMENSIONS


def run(images: Path, out: Path, cache: Path | None) -> None:
    """Write the statistics of all people below `images` to `out`."""
    engine = FaceEngine.open(statistics=Statistics.neutral(FaceEngine.engine, DIMENSIONS))
    gallery = cached(engine, images, sorted(pictures_below(images)), cache)
    provenance = {
        "data": images.resolve().name,
        "when": datetime.now(UTC).date().isoformat(),
        "command": command_line(),
        "versions": describe_versions(),
        "pack": describe_pack("sface"),
    }
    fitted = fit(engine.engine, *_rows(gallery, gallery.embedded), provenance)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(fitted.to_bytes())
    facts = fitted.provenance
    strengths = f"shrinkage {facts['shrinkage']}, whitening {facts['whitening']}"
    say(f"{facts['people']} people, {facts['pictures']} pictures; {strengths}")


def held_out(engine: FaceEngine, gallery: Gallery, joined: Iterable[tuple[str, str]] = ()) -> Templates | None:
    """Templates of every picture with statistics of people of the other half; None where the people are too few.

    People whose pictures are listed together in `joined` are in the same half, so that every listed pair can be
    compared; apart from that the hash of the name decides.
    """
    half = halves_of([*gallery.embedded, *gallery.failures], joined)
    sides = [[name for name in gallery.embedded if half[name] == side] for side in (0, 1)]
    try:
        fitted = [fit(engine.engine, *_rows(gallery, side)) for side in sides]
    except ValueError:
        return None
    return held_out_templates(engine, gallery, half, fitted)


def halves_of(names: Sequence[str], joined: Iterable[tuple[str, str]]) -> dict[str, int]:
    """0 or 1 for each picture: a hash of the alphabetically first of the people whom the pairs join with its own."""
    root: dict[str, str] = {}

    def find(person: str) -> str:
        while root.setdefault(person, person) != person:
            person = root[person]
        return person

    for first, second in joined:
        low, high = sorted((find(subject_of(first)), find(subject_of(second))))
        root[high] = low
    sides = halves([find(subject_of(name)) for name in names])
    return dict(zip(names, sides.tolist(), strict=True))


def _rows(gallery: Gallery, names: Iterable[str]) -> tuple[NDArray[np.float32], list[str]]:
    chosen = sorted(names)
    vectors = np.array([gallery.embedded[name].embedding for name in chosen], np.float32)
    return vectors.reshape(len(chosen), -1), [subject_of(name) for name in chosen]
