"""What the demonstration shows: people with two different pictures and fingers with two different impressions.

With a data folder these are labelled photographs and prints; without one, the faces of the group photograph that ships
inside the `insightface` package (found through the package's metadata, never imported) and generated fingerprints.
"""

import io
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError
from importlib.metadata import files as package_files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from biometrics.face import FaceEngine
from biometrics.finger.synthesis import generate
from biometrics.images import decode

PEOPLE = 4
GROUP_PHOTOGRAPH = "t1.jpg"
# The photograph also shows a glass that a detector may take for a face, though not so surely.
SURE = 0.8
# A chip's picture, as readers decode it: 102 x 126 pixels, hard compressed.
CHIP_SIZE = (102, 126)
CHIP_JPEG_QUALITY = 60
PICTURE_ENDINGS = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff"}


class MaterialMissing(Exception):
    """The folder does not hold what the demonstration needs; the text says what."""


@dataclass(frozen=True)
class Person:
    """Encoded pictures: `reference` and `capture` of one face, two impressions of one finger."""

    reference: bytes = field(repr=False)
    capture: bytes = field(repr=False)
    finger_reference: bytes = field(repr=False)
    finger_capture: bytes = field(repr=False)


@dataclass(frozen=True)
class Material:
    """The people, a picture without a face, and in words where it all comes from."""

    people: list[Person]
    no_face: bytes = field(repr=False)
    faces_from: str
    fingers_from: str


def gather(data: Path | None, home: Path, progress: Callable[[str], None]) -> Material:
    """Material from a data folder, or from what every installation has. Raises `MaterialMissing`."""
    progress("reading faces" if data else "cutting faces out of the group photograph")
    faces, faces_from = _group_faces(home) if data is None else _labelled_faces(data / "faces" / "lfw")
    progress("reading fingerprints" if data else "generating fingerprints")
    fingers, fingers_from = _generated_fingers() if data is None else _labelled_fingers(data / "fingerprints")
    people = [Person(*face, *finger) for face, finger in zip(faces, fingers, strict=False)]
    if len(people) < PEOPLE:
        raise MaterialMissing(f"the demonstration needs {PEOPLE} people with two pictures, and as many fingers")
    return Material(people, _empty_room(), faces_from, fingers_from)


def _labelled_faces(folder: Path) -> tuple[list[tuple[bytes, bytes]], str]:
    """The first people, by name, of whom there are two pictures: no picture is chosen by its score."""
    pairs: list[tuple[bytes, bytes]] = []
    for person in sorted(folder.iterdir()) if folder.is_dir() else ():
        pictures = sorted(path for path in person.glob("*") if path.suffix.lower() in PICTURE_ENDINGS)
        if len(pictures) >= 2:
            pairs.append((pictures[0].read_bytes(), pictures[1].read_bytes()))
        if len(pairs) == PEOPLE:
            return pairs, f"labelled photographs, two of each person ({folder})"
    raise MaterialMissing(f"{folder} needs folders of people, {PEOPLE} of them with two pictures")


def _labelled_fingers(folder: Path) -> tuple[list[tuple[bytes, bytes]], str]:
    """The first fingers of the first set that has enough, two impressions of each."""
    for directory in sorted({path.parent for path in folder.rglob("*_*") if path.suffix.lower() in PICTURE_ENDINGS}):
        impressions: dict[str, list[Path]] = defaultdict(list)
        for path in sorted(directory.iterdir()):
            impressions[path.stem.rpartition("_")[0]].append(path)
        pairs = [(paths[0], paths[1]) for paths in impressions.values() if len(paths) >= 2]
        if len(pairs) >= PEOPLE:
            found = [(first.read_bytes(), second.read_bytes()) for first, second in pairs[:PEOPLE]]
            return found, f"labelled prints, two impressions of each finger ({directory})"
    raise MaterialMissing(f"{folder} needs a set with {PEOPLE} fingers of two impressions, <finger>_<impression>.png")


def _group_faces(home: Path) -> tuple[list[tuple[bytes, bytes]], str]:
    """Each face of the group photograph twice: as a chip's picture, and as a camera at a counter might see it."""
    rgb = decode(_group_photograph().read_bytes()).rgb
    picture = Image.fromarray(rgb)
    found = FaceEngine.open(home).detect(rgb)
    faces = sorted((face for face in found if face.confidence >= SURE), key=lambda face: float(face.centre[0]))
    pairs = [
        (_as_chip_picture(picture, face.centre, face.size), _as_live_capture(picture, face.centre, face.size, number))
        for number, face in enumerate(faces)
    ]
    return pairs, "the group photograph in the insightface package: one picture, each face derived twice"


def _group_photograph() -> Path:
    try:
        listed = package_files("insightface") or []
    except PackageNotFoundError as error:
        raise MaterialMissing("the insightface package is not installed") from error
    for entry in listed:
        if entry.name == GROUP_PHOTOGRAPH:
            return Path(str(entry.locate()))
    raise MaterialMissing(f"the insightface package holds no {GROUP_PHOTOGRAPH}")


def _as_chip_picture(picture: Image.Image, centre: NDArray[np.float32], size: float) -> bytes:
    width = size * 1.7
    height = width * CHIP_SIZE[1] / CHIP_SIZE[0]
    cut = picture.crop(_box(centre, width, height)).resize(CHIP_SIZE, Image.Resampling.LANCZOS)
    return _jpeg(cut, CHIP_JPEG_QUALITY)


def _as_live_capture(picture: Image.Image, centre: NDArray[np.float32], size: float, number: int) -> bytes:
    """Wider, turned a little, in other light and enlarged, as from another camera."""
    turned = picture.rotate(3 - 2 * (number % 4), Image.Resampling.BICUBIC, center=(float(centre[0]), float(centre[1])))
    cut = turned.crop(_box(centre, size * 1.9, size * 2.2)).resize((480, 556), Image.Resampling.BICUBIC)
    lit = ImageEnhance.Brightness(cut).enhance(0.85 + 0.1 * (number % 4))
    return _jpeg(lit, 88)


def _box(centre: NDArray[np.float32], width: float, height: float) -> tuple[int, int, int, int]:
    x, y = (float(value) for value in centre)
    return round(x - width / 2), round(y - height / 2), round(x + width / 2), round(y + height / 2)


def _generated_fingers() -> tuple[list[tuple[bytes, bytes]], str]:
    pairs = [(_png(generate(seed, 0)), _png(generate(seed, 1))) for seed in range(1, PEOPLE + 1)]
    return pairs, "the project's own generator: nobody's fingers"


def _empty_room() -> bytes:
    rows, columns = np.mgrid[0:480, 0:640].astype(np.float32)
    wall = 150 + 40 * np.sin(columns / 90) + 30 * (rows > 330)
    return _jpeg(Image.fromarray(np.repeat(wall.astype(np.uint8)[..., None], 3, axis=2)), 88)


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _png(grey: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(grey).save(buffer, "PNG", dpi=(500, 500))
    return buffer.getvalue()
