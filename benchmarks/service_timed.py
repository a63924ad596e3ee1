"""The service as `renzheng serve` runs it, except that every run of a network is timed.

`python -m benchmarks.service_timed RUNS --port PORT`: when the service ends, RUNS holds every run as JSON. A run costs
some microseconds more than without; everything else is the command itself.
"""

import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import models
from api.cli import main


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
        began_s, cpu_s = time.monotonic(), time.thread_time()
        try:
            return self._session.run(*arguments, **options)
        finally:
            spent_s = time.thread_time() - cpu_s
            self._runs.append(Run(self._network, began_s, time.monotonic(), spent_s))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


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

    try:
        with mock.patch.object(models, "open_session", timed), mock.patch.object(sys, "argv", ["renzheng", *arguments]):
            main()
    finally:
        path.write_text(json.dumps([asdict(run) for run in runs]), encoding="utf-8")


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), ["serve", *sys.argv[2:]])
