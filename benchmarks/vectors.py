"""The templates of a folder of pictures as one file, for the comparison of every picture with every other."""

from pathlib import Path

import numpy as np

from benchmarks.face import extract, pictures_below
from benchmarks.progress import say
from biometrics.face import FaceEngine


def run(images: Path, out: Path) -> None:
    """Write .npz: `names` (N,) relative to `images`, `vectors` (N, D) float32, and `engine`; failures are left out."""
    gallery = extract(FaceEngine.open(), images, sorted(pictures_below(images)))
    if not gallery.templates:
        raise SystemExit(f"no picture with a face below {images}")
    names = sorted(gallery.templates)
    out.parent.mkdir(parents=True, exist_ok=True)
    vectors = np.stack([gallery.templates[name].vector for name in names]).astype(np.float32)
    np.savez(out, names=np.array(names), vectors=vectors, engine=np.array(FaceEngine.engine))
    say(f"{len(names)} templates, {len(gallery.failures)} pictures without one")
