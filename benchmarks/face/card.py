"""The card photograph protocol: the reference as a chip holds it, the probe as a cheap camera sees it.

Both are made of the pictures at hand, seeded by their names, so that every run has the same ones:

* reference: the head takes up 58 % of the width, as GA 461 wants it of identity photographs, give or take a little;
  what is neither head nor shoulders becomes a plain light ground; 102 x 126 pixels; 2,048 bytes of JPEG 2000, decoded
  and handed over as a reader does. (The chip has 1,024 bytes of a licensed wavelet codec that is made for portraits;
  JPEG 2000, which is not, spends much of that on tables and on the edges that cutting out the head leaves.)
* probe: a little turned, lit from one side, with a colour cast, out of focus, noisy, and a JPEG of low quality.

Real chip photographs are years old as well, which nothing here imitates. Every reference is compared with every probe
of all other people among the listed pairs. `plain` is the same comparison with the pictures as they are, `reference`
and `probe` with one side made worse, `card` with both. `/subjects`: with statistics of the other half, fitted
to pictures as they are; `/subjects/own`: fitted to references and probes made in this way too, of the other half.
`cllr`, `fmr_at_stated_*` and the like: what the shipped calibration, of pictures as they are, says of such scores.
"""

import hashlib
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageFilter

from benchmarks.common.report import FRACTION, Result, ScoreRow, print_table, write_json
from benchmarks.face.accuracy import Pairs, read_pairs
from benchmarks.face.gallery import (
    FAILED,
    Gallery,
    Templates,
    cached,
    extract,
    held_out_templates,
    subject_of,
)
from benchmarks.face.statistics import halves_of
from benchmarks.scores.held_out import held_out_results
from benchmarks.scores.rates import TAR_METRICS, rate_results, supported_metrics
from biometrics.errors import NotAssessable
from biometrics.face import Face, FaceEngine, Statistics
from biometrics.face.choice import choose
from biometrics.face.fitting import fit
from biometrics.images import decode
from biometrics.scoring.bootstrap import Comparisons
from biometrics.scoring.calibration import Calibration
from biometrics.scoring.fit import ScoreSet
from biometrics.scoring.held_out import judge

CONDITIONS = {
    "plain": ("plain reference", "plain probe"),
    "reference": ("reference", "plain probe"),
    "probe": ("plain reference", "probe"),
    "card": ("reference", "probe"),
}
WIDTH, HEIGHT, BYTES = 102, 126, 2048
HEAD_SHARE = 0.58
HEAD_TO_BOX = 1.25
"""The head with ears and hair is so much wider than the detector's box."""
GROUND = 235.0
CAMERA_NOISE = (3.0, 8.0)
CAMERA_BLUR = (0.6, 1.4)
"""Grey levels, and pixels at 250 a side: a fixed-focus camera a little off its distance."""


def run(images: Path, pairs: Path, cache: Path | None, json_path: Path | None) -> list[Result]:
    """Measure, print a table, and write JSON where asked to; see the module's text."""
    listed = [pair for pair in read_pairs(pairs) if pair[2]]
    engine = FaceEngine.open()
    calibration = Calibration.load(engine.engine)
    sides = _galleries(engine, images, listed, cache)
    half = halves_of(sorted({name for side in sides.values() for name in _names(side)}), [pair[:2] for pair in listed])
    plain = _fitted(engine, half, [gallery for name, gallery in sides.items() if name.startswith("plain")])
    own = _fitted(engine, half, list(sides.values()))
    results = []
    for name, (reference, probe) in CONDITIONS.items():
        for suffix, fitted in (("subjects", plain), ("subjects/own", own)):
            made = [held_out_templates(engine, sides[side], half, fitted) for side in (reference, probe)]
            found = _found(made[0], made[1], listed)
            results += _rates(f"{name}/{suffix}", found)
            if suffix == "subjects":
                results += held_out_results([judge(calibration, ScoreSet(name, found, 1.0))], suffix)
    for side, gallery in sides.items():
        share = len(gallery.failures) / len(gallery)
        results.append(Result(side, "failed", share, None, None, FRACTION, len(gallery)))
    print_table(results, title=f"{engine.engine}: the card photograph protocol")
    if json_path:
        write_json(json_path, "face-card", results)
    return results


def _galleries(engine: FaceEngine, images: Path, listed: Pairs, cache: Path | None) -> dict[str, Gallery]:
    cards = Cards(engine)
    wanted = {"reference": (0, cards.reference), "probe": (1, cards.probe)}
    sides = {}
    for what, (side, degrade) in wanted.items():
        names = sorted({str(pair[side]) for pair in listed})
        sides[f"plain {what}"] = cached(engine, images, names, cache)
        sides[what] = extract(engine, images, names, degrade, what=f"Pictures as {what}s")
    return sides


def _names(gallery: Gallery) -> list[str]:
    return [*gallery.embedded, *gallery.failures]


def _fitted(engine: FaceEngine, half: dict[str, int], galleries: list[Gallery]) -> list[Statistics]:
    """For each half the statistics of all its pictures in all the galleries."""
    found = []
    for side in (0, 1):
        rows = [
            (one.embedded[name].embedding, name) for one in galleries for name in one.embedded if half[name] == side
        ]
        found.append(fit(engine.engine, np.stack([row for row, _ in rows]), [subject_of(name) for _, name in rows]))
    return found


def _found(references: Templates, probes: Templates, listed: Pairs) -> Comparisons:
    rows = [ScoreRow(a, b, mated, compared(references, probes, a, b)) for a, b, mated in listed]
    return comparisons(references, probes, rows)


def _rates(name: str, found: Comparisons) -> list[Result]:
    tars = [metric for metric in supported_metrics(len(found.non_mated)) if metric in TAR_METRICS]
    return rate_results(name, found, metrics=["eer", *tars])


def compared(references: Templates, probes: Templates, reference: str, probe: str) -> float:
    """The comparison score of a reference of one gallery with a probe of another, -inf where one has no template."""
    if reference not in references.of or probe not in probes.of:
        return FAILED
    return references.engine.compare(probes.of[probe], references.of[reference])


class Cards:
    """Makes references and probes of pictures; the engine's detector says where the head is."""

    def __init__(self, engine: FaceEngine) -> None:
        self._engine = engine

    def reference(self, data: bytes, name: str) -> bytes:
        """The picture as a reader gives it out of a chip: PNG, 102 x 126. The picture itself where it has no face."""
        rgb = decode(data).rgb
        try:
            face = choose(self._engine.detect(rgb), rgb.shape[1], rgb.shape[0], "nearest")
        except NotAssessable:
            return data
        random = _random("reference", name)
        head = HEAD_TO_BOX * float(face.box[2])
        width = head / (HEAD_SHARE * random.uniform(0.95, 1.05))
        height = width * HEIGHT / WIDTH
        left = float(face.centre[0]) - width / 2 + width * random.uniform(-0.03, 0.03)
        top = float(face.centre[1]) - 0.47 * height + height * random.uniform(-0.03, 0.03)
        box = (left, top, left + width, top + height)
        plain = Pillow.fromarray(_on_plain_ground(rgb, face))
        portrait = _crop(plain, box).resize((WIDTH, HEIGHT), Pillow.Resampling.LANCZOS)
        return _png(_as_in_a_chip(portrait))

    def probe(self, data: bytes, name: str) -> bytes:
        """The picture as a cheap camera would have taken it: JPEG of the same size."""
        random = _random("probe", name)
        picture = Pillow.fromarray(decode(data).rgb)
        turned = picture.rotate(random.uniform(-6, 6), Pillow.Resampling.BICUBIC, fillcolor=(90, 90, 90))
        soft = turned.filter(ImageFilter.GaussianBlur(random.uniform(*CAMERA_BLUR) * max(picture.size) / 250))
        light = np.asarray(soft, np.float32) / 255
        across = np.linspace(-1, 1, light.shape[1], dtype=np.float32)[None, :, None]
        gains = random.uniform(0.9, 1.1, 3).astype(np.float32) * np.float32(random.uniform(0.65, 1.1))
        seen = light ** np.float32(random.uniform(0.8, 1.3)) * gains * (1 + random.uniform(-0.35, 0.35) * across)
        noisy = 255 * seen + random.normal(0, random.uniform(*CAMERA_NOISE), light.shape)
        stream = BytesIO()
        quality = int(random.integers(35, 65))
        Pillow.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(stream, "JPEG", quality=quality)
        return stream.getvalue()


def comparisons(references: Templates, probes: Templates, rows: list[ScoreRow]) -> Comparisons:
    """The mated `rows` against every reference with every probe of other people (of the same half)."""
    names = [sorted(made.of) for made in (references, probes)]
    people = sorted({subject_of(name) for side in names for name in side} | {subject_of(row.reference) for row in rows})
    number = {person: index for index, person in enumerate(people)}
    first, second = (np.array([number[subject_of(name)] for name in side], np.int32) for side in names)
    vectors = [
        np.stack([made.of[name].vector for name in side])
        for made, side in zip((references, probes), names, strict=True)
    ]
    unit = [some / np.linalg.norm(some, axis=1, keepdims=True) for some in vectors]
    others = first[:, None] != second[None, :]
    if references.half is not None:
        left, right = (np.array([references.half[name] for name in side]) for side in names)
        others &= left[:, None] == right[None, :]
    row, column = np.nonzero(others)
    mated = [one for one in rows if one.mated]
    return Comparisons(
        np.array([one.score for one in mated], np.float32),
        (unit[0] @ unit[1].T)[row, column].astype(np.float32),
        np.array([number[subject_of(one.reference)] for one in mated], np.int32),
        np.stack([first[row], second[column]], axis=1),
    )


def _random(what: str, name: str) -> np.random.Generator:
    return np.random.default_rng(int.from_bytes(hashlib.sha256(f"{what} {name}".encode()).digest()[:8], "big"))


def _on_plain_ground(rgb: NDArray[np.uint8], face: Face) -> NDArray[np.uint8]:
    """The picture with all but an ellipse around the head, and what is below the chin, turned into a light ground."""
    height, width = rgb.shape[:2]
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    x = (columns - face.centre[0]) / (0.85 * face.box[2])
    y = (rows - face.centre[1] + 0.12 * face.box[3]) / (0.85 * face.box[3])
    head = np.clip((1.15 - np.hypot(x, y)) * 5, 0, 1)
    shoulders = np.clip((rows - face.centre[1] - 0.55 * face.box[3]) / 6, 0, 1) * (np.abs(x) < 1.6)
    kept = np.maximum(head, shoulders)[:, :, None]
    return np.asarray(rgb * kept + GROUND * (1 - kept), np.float32).astype(np.uint8)


def _crop(picture: Pillow.Image, box: tuple[float, float, float, float]) -> Pillow.Image:
    """The part of a picture, light ground where it ends."""
    left, top, right, bottom = (round(edge) for edge in box)
    part = Pillow.new("RGB", (right - left, bottom - top), (int(GROUND),) * 3)
    part.paste(picture, (-left, -top))
    return part


def _as_in_a_chip(portrait: Pillow.Image) -> Pillow.Image:
    stream = BytesIO()
    rate = portrait.width * portrait.height * 3 / BYTES
    portrait.save(stream, "JPEG2000", quality_mode="rates", quality_layers=[rate], irreversible=True, no_jp2=True)
    return Pillow.open(BytesIO(stream.getvalue())).convert("RGB")


def _png(picture: Pillow.Image) -> bytes:
    stream = BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()
