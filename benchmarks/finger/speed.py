"""Extraction time beside `afis`, picture by picture in one run, so that the machine's load touches both alike.

`python -m benchmarks.finger.speed --data DIR --afis VENV/bin/python`: `afis` 1.2.7 runs in an interpreter of its
own (`python -m venv VENV; VENV/bin/pip install afis==1.2.7`); nothing of it is imported here. Both run on one processor
and see the same grey pixels at 500 dpi; its own quality measures are switched off, and its network gets one thread, as
ours has (left alone it takes one more, which spins and doubles the CPU time).

* `extract_ms`: our pixels to template. `afis_ms`: its `LeaderExtractor.extract_minutiae`. CPU time of the whole
  process, so that threads of libraries count, median.
* `times_faster`: the median over pictures of one divided by the other; the interval holds 95 % of the pictures' own
  ratios.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.common.progress import say, track
from benchmarks.common.report import Result, print_table, write_json
from benchmarks.finger.sets import find_sets
from biometrics.errors import NotAssessable
from biometrics.finger import FingerEngine
from biometrics.images import decode

PEER = """
import sys, time
import numpy as np
import onnxruntime
from afis import LeaderExtractor

session = onnxruntime.InferenceSession

def on_one_thread(path, **settings):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return session(path, options, **settings)

onnxruntime.InferenceSession = on_one_thread
extractor = LeaderExtractor(quality_mode="none")
extractor.extract_minutiae(np.full((96, 96), 255, np.uint8))
print("ready", flush=True)
for line in sys.stdin:
    grey = np.load(line.strip())
    began = time.process_time()
    extractor.extract_minutiae(grey)
    print(1e3 * (time.process_time() - began), flush=True)
"""
"""What the other interpreter runs: a path of a picture a line in, milliseconds a line out."""


class Peer:
    """The other interpreter."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def extract_ms(self, grey: Path) -> float:
        """CPU time of its extraction of a picture, a .npy file."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{grey}\n")
        self._process.stdin.flush()
        return float(self.answer())

    def answer(self) -> str:
        """Its next line. Raises RuntimeError when it has ended."""
        assert self._process.stdout is not None
        if line := self._process.stdout.readline():
            return line
        raise RuntimeError(f"afis ended with exit code {self._process.wait()}")


@contextmanager
def start_peer(python: Path) -> Iterator[Peer]:
    """Runs `afis` with the interpreter `python` until the block ends. Raises RuntimeError where it does not start."""
    with subprocess.Popen(  # noqa: S603 - the interpreter is the caller's choice
        [python, "-c", PEER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            peer = Peer(process)
            peer.answer()
            yield peer
        finally:
            process.kill()


def main(
    data: Annotated[
        Path, typer.Option(exists=True, file_okay=False, metavar="DIR", help="A set, or a parent of sets.")
    ],
    afis: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, metavar="PYTHON", help="The interpreter that has afis 1.2.7.")
    ],
    pictures: Annotated[int, typer.Option(min=1, help="How many of each set.")] = 20,
    json_path: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the figures here.")] = None,
) -> None:
    """Time our extraction beside afis' on the same pictures; see the module's text."""
    try:
        run(data, afis, pictures, json_path)
    except (ValueError, RuntimeError) as error:
        raise typer.BadParameter(str(error)) from error


def run(data: Path, afis: Path, pictures: int, json_path: Path | None) -> list[Result]:
    """Time both on up to `pictures` pictures of every set in `data`, print a table, write JSON where asked to.

    Raises ValueError where there is no set, RuntimeError where afis does not run.
    """
    sets = find_sets(data)
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})  # one processor for both: no thread can hide
    try:
        say("Loading and compiling ...")
        engine = FingerEngine.open()
        engine.warm_up()
        results: list[Result] = []
        ratios: list[float] = []
        with start_peer(afis) as peer:
            for captures in sets:
                files = list(captures.files.values())
                chosen = files[:: max(1, len(files) // pictures)][:pictures]
                ours, theirs = measure(engine, peer, track(chosen, captures.name, total=len(chosen)))
                results += _results(captures.name, ours, theirs)
                ratios += list(np.array(theirs) / np.array(ours))
    finally:
        os.sched_setaffinity(0, allowed)
    if len(sets) > 1:
        results.append(_ratio("all", ratios))
    print_table(results, title=f"{engine.engine} beside afis' LeaderExtractor: CPU time of one extraction")
    if json_path:
        write_json(json_path, "fingerprint-speed", results)
    return results


def measure(engine: FingerEngine, peer: Peer, files: Iterable[Path]) -> tuple[list[float], list[float]]:
    """CPU milliseconds of both for every picture, one after the other."""
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder:
        for file in files:
            grey = decode(file.read_bytes()).grey
            np.save(Path(folder) / "grey.npy", grey)
            ours.append(_own_ms(engine, grey))
            theirs.append(peer.extract_ms(Path(folder) / "grey.npy"))
    return ours, theirs


def _own_ms(engine: FingerEngine, grey: NDArray[np.uint8]) -> float:
    began = time.process_time()
    with suppress(NotAssessable):
        engine.extract_pixels(grey)
    return 1e3 * (time.process_time() - began)


def _results(name: str, ours: Sequence[float], theirs: Sequence[float]) -> list[Result]:
    times = [("extract_ms", ours), ("afis_ms", theirs)]
    rows = [Result(name, metric, float(np.median(found)), None, None, "ms", len(found)) for metric, found in times]
    return [*rows, _ratio(name, list(np.array(theirs) / np.array(ours)))]


def _ratio(name: str, ratios: Sequence[float]) -> Result:
    low, middle, high = np.quantile(ratios, (0.025, 0.5, 0.975))
    return Result(name, "times_faster", float(middle), float(low), float(high), "1", len(ratios))


if __name__ == "__main__":
    typer.run(main)
