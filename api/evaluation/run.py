"""Runs an engine over listed pairs: each image once to a template, then every pair; failures are told apart."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from api.evaluation.engines import Engine
from api.evaluation.files import FAILED, Pair, Scored
from api.evaluation.kept import Kept
from biometrics.errors import InvalidImage, NotAssessable

Item = TypeVar("Item")
# Wraps what is worked off, with its description and number of steps, in a progress line.
Progress = Callable[[Iterable[Item], str, int], Iterator[Item]]

_PREPARED = 1024


class ImagesMissing(Exception):
    """Listed samples have no image; the text says how many and names the first."""


@dataclass(frozen=True)
class Failed:
    """Why an image gave no template, as a code of the catalogue."""

    reason: str

    @property
    def rate(self) -> str:
        """`fte` for a face or finger that was there and too poor for a template, else `fta`."""
        return "fte" if self.reason == "low_quality" else "fta"


@dataclass(frozen=True)
class Run:
    """The scores in the pairs' order, what became of the images, and the qualities of their templates by name."""

    scored: list[Scored]
    images: int
    failures: Counter[Failed]
    quality: dict[str, float] = field(default_factory=dict)

    def failed(self, rate: str) -> int:
        """How many images count to `fta` or `fte`."""
        return sum(count for failure, count in self.failures.items() if failure.rate == rate)


def find_images(pairs: Sequence[Pair], folder: Path) -> dict[str, Path]:
    """The image of every sample: the file of that name, or the only one of that name with some ending.

    Raises `ImagesMissing`.
    """
    names = dict.fromkeys(name for pair in pairs for name in (pair.reference, pair.probe))
    found = {name: _image(folder / name) for name in names}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        raise ImagesMissing(
            f"{len(missing)} of {len(names)} listed images are not in {folder}, the first: {missing[0]}"
        )
    return {name: path for name, path in found.items() if path is not None}


def score_pairs(
    engine: Engine,
    pairs: Sequence[Pair],
    folder: Path,
    *,
    threads: int,
    progress: Progress[Any],
    kept: Kept | None = None,
) -> Run:
    """Compare every pair on a pool of threads; images that `kept` has are not worked off again.

    A pair with an image that gave no template has the score -inf: it is rejected at every threshold. Raises
    `ImagesMissing`, OSError. What was not begun when an exception (an interrupt) comes is not begun any more.
    """
    images = find_images(pairs, folder)
    pool = ThreadPoolExecutor(threads, thread_name_prefix="evaluate")
    try:
        made = pool.map(lambda path: _template(engine, path, kept), images.values())
        templates = dict(zip(images, progress(made, "Images", len(images)), strict=True))
        scores = _compare_all(engine, pairs, templates, pool, progress)
    finally:
        pool.shutdown(cancel_futures=True)
    failures = Counter(template for template in templates.values() if isinstance(template, Failed))
    quality = {name: float(template.quality) for name, template in templates.items() if hasattr(template, "quality")}
    scored = [Scored(pair, score) for pair, score in zip(pairs, scores, strict=True)]
    return Run(scored, len(images), failures, quality)


def _compare_all(
    engine: Engine, pairs: Sequence[Pair], templates: dict[str, Any], pool: ThreadPoolExecutor, progress: Progress[Any]
) -> list[float]:
    """The scores in the pairs' order; probe by probe, so that each is prepared once."""
    of_probe: dict[str, list[int]] = defaultdict(list)
    for number, pair in enumerate(pairs):
        if not (isinstance(templates[pair.probe], Failed) or isinstance(templates[pair.reference], Failed)):
            of_probe[pair.probe].append(number)

    @lru_cache(_PREPARED)
    def prepared(name: str) -> Any:
        return engine.prepare(templates[name])

    def compare(probe: str) -> list[tuple[int, float]]:
        ready = prepared(probe)
        return [(number, engine.compare(ready, prepared(pairs[number].reference))) for number in of_probe[probe]]

    scores = [FAILED] * len(pairs)
    for compared in progress(pool.map(compare, of_probe), "Probes", len(of_probe)):
        for number, score in compared:
            scores[number] = score
    return scores


def _image(path: Path) -> Path | None:
    if path.is_file():
        return path
    others = [other for other in path.parent.glob(f"{_literal(path.name)}.*") if other.stem == path.name]
    return others[0] if len(others) == 1 else None


def _literal(name: str) -> str:
    """A name with the characters that mean something in a pattern taken literally."""
    return "".join(f"[{character}]" if character in "*?[" else character for character in name)


def _template(engine: Engine, path: Path, kept: Kept | None) -> Any:
    image = path.read_bytes()
    known = None if kept is None else kept.find(image)
    if known is not None:
        return Failed(known) if isinstance(known, str) else known
    try:
        template = engine.extract(image)
    except (InvalidImage, NotAssessable) as error:
        template = Failed(error.code)
    if kept is not None:
        kept.keep(image, template.reason if isinstance(template, Failed) else template)
    return template
