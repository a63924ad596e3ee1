"""What a face template costs: CPU time of one thread from the picture file to the template, and where it goes.

Captures are made of the pictures below a folder: each enlarged to the height of a camera's picture, with the ground
beside it grey. `capture` is 640 x 480, `4_megapixels` 2,272 x 1,704. All figures are medians over the captures, taken
in turns in one run: with the mirror image and without it, and by onnxruntime in place of the kernels. `networks_ms` is
spent in the networks, `rest_ms` is what remains: decoding, resizing, alignment, quality, arithmetic. `rss_mib`: what
one engine and a first pass over the captures add to the process.
"""

import time
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image as Pillow

from benchmarks.common.progress import track
from benchmarks.common.report import Result, print_table, write_json
from benchmarks.face.gallery import pictures_below
from biometrics.errors import NotAssessable
from biometrics.face import FaceEngine

SIZES = {"capture": (640, 480), "4_megapixels": (2272, 1704)}
CAPTURES, ROUNDS = 25, 3
QUALITY = 88


class Clocked:
    """A network whose CPU time is added up, whether it is called or run."""

    def __init__(self, network: Any) -> None:
        self._network = network
        self.seconds = 0.0

    def __call__(self, *given: Any) -> Any:
        """The network's answer."""
        return self._timed(self._network, *given)

    def run(self, *given: Any) -> Any:
        """The session's answer."""
        return self._timed(self._network.run, *given)

    def _timed(self, what: Callable[..., Any], *given: Any) -> Any:
        start = time.thread_time()
        answer = what(*given)
        self.seconds += time.thread_time() - start
        return answer


class Candidate:
    """An engine with clocks on its networks, and what was measured: seconds in all and in the networks."""

    def __init__(self, **options: Any) -> None:
        self.engine = FaceEngine.open(**options)
        self._clocks = [Clocked(getattr(self.engine, name)) for name in ("_detector", "_recogniser")]
        self.engine._detector, self.engine._recogniser = self._clocks  # type: ignore[assignment]  # noqa: SLF001
        self.times: dict[str, list[tuple[float, float]]] = {name: [] for name in SIZES}

    def measure(self, size: str, data: bytes) -> None:
        """One extraction."""
        before = sum(clock.seconds for clock in self._clocks)
        start = time.thread_time()
        self.engine.extract(data)
        whole = time.thread_time() - start
        self.times[size].append((whole, sum(clock.seconds for clock in self._clocks) - before))


def run(images: Path, json_path: Path | None) -> list[Result]:
    """Measure, print a table, and write JSON where asked to; see the module's text."""
    memory = psutil.Process().memory_info().rss
    candidates = {"no_mirror": Candidate(mirror=False)}
    files = captures(candidates["no_mirror"].engine, images)
    memory = psutil.Process().memory_info().rss - memory
    candidates["mirror"] = Candidate(mirror=True)
    candidates["no_mirror/onnxruntime"] = Candidate(mirror=False, provider="CPUExecutionProvider")
    rounds = [(size, data) for _ in range(ROUNDS) for size, some in files.items() for data in some]
    for candidate in candidates.values():  # what is compiled on first use is not timed
        for size in SIZES:
            candidate.measure(size, files[size][0])
            candidate.times[size].clear()
    for size, data in track(rounds, "Extractions"):
        for candidate in candidates.values():
            candidate.measure(size, data)
    results = [row for name, one in candidates.items() for row in summary(name, one)]
    results.append(Result("engine", "rss_mib", memory / 2**20, None, None, "MiB", 1))
    print_table(results, title="A template's cost")
    if json_path:
        write_json(json_path, "face-speed", results)
    return results


def captures(engine: FaceEngine, images: Path) -> dict[str, list[bytes]]:
    """For each size the same pictures as JPEG files; those with a template only."""
    files: dict[str, list[bytes]] = {size: [] for size in SIZES}
    names = sorted(pictures_below(images))
    for name in names[:: max(1, len(names) // (2 * CAPTURES))]:
        made = {size: _capture(Pillow.open(images / name).convert("RGB"), *SIZES[size]) for size in SIZES}
        try:
            for data in made.values():
                engine.extract(data)
        except NotAssessable:
            continue
        for size, data in made.items():
            files[size].append(data)
        if len(files["capture"]) == CAPTURES:
            break
    return files


def summary(name: str, candidate: Candidate) -> list[Result]:
    """Medians in ms."""
    rows = []
    for size, times in candidate.times.items():
        whole, networks = 1e3 * np.array(times).T
        figures: Sequence[tuple[str, Any]] = (
            ("extract_ms", whole),
            ("networks_ms", networks),
            ("rest_ms", whole - networks),
        )
        rows += [
            Result(f"{size}/{name}", metric, float(np.median(values)), None, None, "ms", len(times))
            for metric, values in figures
        ]
    return rows


def _capture(picture: Pillow.Image, width: int, height: int) -> bytes:
    share = height / picture.height
    enlarged = picture.resize((round(picture.width * share), height), Pillow.Resampling.BICUBIC)
    ground = Pillow.new("RGB", (width, height), (128, 126, 120))
    ground.paste(enlarged, ((width - enlarged.width) // 2, 0))
    stream = BytesIO()
    ground.save(stream, "JPEG", quality=QUALITY)
    return stream.getvalue()
