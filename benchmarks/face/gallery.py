"""What the face engine makes of the pictures of a folder, and who is on them."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
import typer

from benchmarks.common.progress import track
from biometrics.errors import InvalidImage, NotAssessable
from biometrics.face import Embedded, FaceEngine, FaceTemplate, Statistics

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".jp2"})
FAILED = -np.inf
NOT_DETECTED, NOT_ACQUIRED, NOT_ENROLLED = "ftd", "fta", "fte"

Degradation = Callable[[bytes, str], bytes]
"""Picture file and name to another picture file."""


@dataclass
class Gallery:
    """What became of the pictures: an embedding, or the kind of failure (a name is in one of the two).

    `several` are pictures in which the service would not choose between two faces; here the one nearer the centre is
    taken, since a benchmark's pictures are about one named person. `extract_ms` is the CPU time of each success.
    """

    embedded: dict[str, Embedded] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    several: set[str] = field(default_factory=set)
    extract_ms: list[float] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.embedded) + len(self.failures)


@dataclass(frozen=True)
class Templates:
    """A template of every picture that has one; only pictures of the same half (where halves are given) compare."""

    engine: FaceEngine
    of: dict[str, FaceTemplate]
    half: dict[str, int] | None = None

    def score(self, reference: str, probe: str) -> float:
        """The comparison score of two pictures, -inf where one has no template."""
        if reference not in self.of or probe not in self.of:
            return FAILED
        return self.engine.compare(self.of[probe], self.of[reference])


def pictures_below(images: Path) -> list[str]:
    """All pictures in the folders of subjects, as paths below `images`."""
    return [path.relative_to(images).as_posix() for path in images.glob("*/*") if path.suffix.lower() in PICTURES]


def subject_of(name: str) -> str:
    """The name of the picture's folder."""
    return PurePosixPath(name).parent.name


def extract(
    engine: FaceEngine, images: Path, names: Sequence[str], degrade: Degradation | None = None, what: str = "Pictures"
) -> Gallery:
    """Embeddings of all pictures, one thread; what is compiled on first use is not timed, nor is `degrade`."""
    gallery = Gallery()
    for number, name in enumerate(track(names, what)):
        data = (images / name).read_bytes()
        if degrade is not None:
            data = degrade(data, name)
        start = time.thread_time()
        try:
            found = _embedded(engine, data, name, gallery)
        except InvalidImage:
            gallery.failures[name] = NOT_ACQUIRED
        except NotAssessable as error:
            gallery.failures[name] = NOT_ENROLLED if error.reason == "low_quality" else NOT_DETECTED
        else:
            gallery.embedded[name] = found
            if number:
                gallery.extract_ms.append(1e3 * (time.thread_time() - start))
    return gallery


def cached(engine: FaceEngine, images: Path, names: Sequence[str], file: Path | None) -> Gallery:
    """As `extract`; where `file` is given, embeddings are read from it if it is there, and else written to it.

    Raises typer.BadParameter where the file is another engine's or lacks a picture: delete it then. Nothing notices
    that the code or the pictures have changed since.
    """
    if file is None:
        return extract(engine, images, names)
    if not file.is_file():
        gallery = extract(engine, images, names)
        _save(file, engine, gallery)
        return gallery
    gallery = _load(file, engine)
    if missing := set(names) - set(gallery.embedded) - set(gallery.failures):
        raise typer.BadParameter(f"{file} lacks {len(missing)} pictures; delete it, or ask for fewer")
    wanted = set(names)
    return Gallery(
        {name: face for name, face in gallery.embedded.items() if name in wanted},
        {name: kind for name, kind in gallery.failures.items() if name in wanted},
        gallery.several & wanted,
        gallery.extract_ms,
    )


def _save(file: Path, engine: FaceEngine, gallery: Gallery) -> None:
    names = list(gallery.embedded)
    facts = {
        "engine": engine.engine,
        "failures": gallery.failures,
        "several": sorted(gallery.several),
        "extract_ms": gallery.extract_ms,
        "quality": [gallery.embedded[name].quality for name in names],
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    vectors = np.stack([gallery.embedded[name].embedding for name in names])
    np.savez(file, names=np.array(names), vectors=vectors, facts=np.array(json.dumps(facts)))


def _load(file: Path, engine: FaceEngine) -> Gallery:
    with np.load(file, allow_pickle=False) as stored:
        facts = json.loads(str(stored["facts"]))
        names, vectors = [str(name) for name in stored["names"]], stored["vectors"]
    if facts["engine"] != engine.engine:
        raise typer.BadParameter(f"{file} is of the engine {facts['engine']}")
    embedded = {
        name: Embedded(vector, quality) for name, vector, quality in zip(names, vectors, facts["quality"], strict=True)
    }
    return Gallery(embedded, facts["failures"], set(facts["several"]), facts["extract_ms"])


def _embedded(engine: FaceEngine, data: bytes, name: str, gallery: Gallery) -> Embedded:
    try:
        return engine.embed(data)
    except NotAssessable as error:
        if error.reason != "multiple_faces":
            raise
    gallery.several.add(name)
    return engine.embed(data, choice="nearest")


def templates(engine: FaceEngine, gallery: Gallery) -> Templates:
    """With the statistics that ship."""
    return Templates(engine, {name: engine.template_of(face) for name, face in gallery.embedded.items()})


def held_out_templates(
    engine: FaceEngine, gallery: Gallery, half: dict[str, int], fitted: Sequence[Statistics]
) -> Templates:
    """Each picture's template with the statistics of the other half: `fitted[i]` comes from the pictures with half i.

    `half` is 0 or 1 for each picture.
    """
    made = {
        name: FaceTemplate.of(engine.engine, fitted[1 - half[name]].apply(face.embedding), face.quality)
        for name, face in gallery.embedded.items()
    }
    return Templates(engine, made, half)
