"""The templates of a folder of pictures as one file, for the comparison of every picture with every other.

Two halves of the people, each with statistics that were fitted on the other half: so a calibration fitted to these
scores speaks of people whom the statistics have not seen. Only pictures of the same half compare.
"""

from pathlib import Path

import numpy as np

from benchmarks.common.progress import say
from benchmarks.face.gallery import cached, pictures_below, templates
from benchmarks.face.statistics import held_out
from biometrics.face import FaceEngine


def run(images: Path, out: Path, cache: Path | None) -> None:
    """Write .npz: `names` (N,) relative to `images`, `vectors` (N, D) float32, `half` (N,) and `engine`.

    Failures are left out. Too few people for halves: the shipped statistics, and everybody in one half.
    """
    engine = FaceEngine.open()
    gallery = cached(engine, images, sorted(pictures_below(images)), cache)
    if not gallery.embedded:
        raise SystemExit(f"no picture with a face below {images}")
    made = held_out(engine, gallery) or templates(engine, gallery)
    names = sorted(made.of)
    half = np.array([0 if made.half is None else made.half[name] for name in names], np.int8)
    out.parent.mkdir(parents=True, exist_ok=True)
    vectors = np.stack([made.of[name].vector for name in names]).astype(np.float32)
    np.savez(out, names=np.array(names), vectors=vectors, half=half, engine=np.array(engine.engine))
    say(f"{len(names)} templates, {len(gallery.failures)} pictures without one")
