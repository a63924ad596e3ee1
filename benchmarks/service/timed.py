"""The service as `renzheng serve` runs it, except that every run of a network is timed.

`python -m benchmarks.service.timed RUNS --port PORT`: when the service ends, RUNS holds every run as JSON. A run costs
some microseconds more than without; everything else is the command itself.
"""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import models
from api.cli import main
from biometrics.face.sface.network import KernelNetwork as FaceNetwork
from biometrics.finger.leader.network import KernelNetwork as FingerNetwork


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a network: when it began and ended (the machine's monotonic clock) and its thread's CPU time, in s."""

    network: str
    began_s: float
    ended_s: float
    cpu_s: float


class TimedSession:
    """An onnxruntime session that notes each of its runs. It computes in the calling thread: threads=1."""

    def __init__(self, session: Any, network: str, runs: list[Run]) -> None:
        self._session = session
        self._network = network
        self._runs = runs

    def run(self, *arguments: Any, **options: Any) -> Any:
        """As the session's own."""
        with noted(self._network, self._runs):
            return self._session.run(*arguments, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


@contextmanager
def noted(network: str, runs: list[Run]) -> Iterator[None]:
    """Adds the run of a network that the block makes to `runs`, whether it fails or not."""
    began_s, cpu_s = time.monotonic(), time.thread_time()
    try:
        yield
    finally:
        spent_s = time.thread_time() - cpu_s
        runs.append(Run(network, began_s, time.monotonic(), spent_s))


def read_runs(path: Path) -> list[Run]:
    """The runs that a service wrote when it ended."""
    return [Run(**run) for run in json.loads(path.read_text(encoding="utf-8"))]


def _serve(path: Path, arguments: list[str]) -> None:
    runs: list[Run] = []
    plain = models.open_session

    def timed(pack: str, file: str, **options: Any) -> TimedSession:
        if options.get("threads", 1) != 1:
            raise ValueError("a run on several threads does not show in one thread's CPU time")
        return TimedSession(plain(pack, file, **options), file, runs)

    # Networks in kernels of our own have no session.
    finger, face = FingerNetwork.__call__, FaceNetwork.__call__

    def timed_finger(self: FingerNetwork, picture: Any, threshold: float) -> Any:
        with noted("leader", runs):
            return finger(self, picture, threshold)

    def timed_face(self: FaceNetwork, crop: Any) -> Any:
        with noted("sface", runs):
            return face(self, crop)

    try:
        with (
            mock.patch.object(models, "open_session", timed),
            mock.patch.object(FingerNetwork, "__call__", timed_finger),
            mock.patch.object(FaceNetwork, "__call__", timed_face),
            mock.patch.object(sys, "argv", ["renzheng", *arguments]),
        ):
            main()
    finally:
        path.write_text(json.dumps([asdict(run) for run in runs]), encoding="utf-8")


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), ["serve", *sys.argv[2:]])
