"""Stands in for `benchmarks.service.timed`: the scripted service, and runs of networks as made up as its comparisons.

`python -m tests.benchmarks.scripted_service RUNS --port PORT`. Captures are real pictures; each counts as person a.
"""

import json
import signal
import sys
import time
from collections.abc import Collection
from dataclasses import asdict, replace
from pathlib import Path

import uvicorn

from api import service as services
from api.http.app import create_app
from api.matching.captures import Captures, FingerCapture, Modality, Reference
from api.matching.comparison import Enrolment, PersonResult
from api.settings import Settings
from benchmarks.service.timed import Run
from tests.api.scripted import ScriptedComparer

RUN_CPU_S = 0.002


class PictureComparer(ScriptedComparer):
    """Every picture is of person a."""

    def __init__(self, runs: list[Run]) -> None:
        super().__init__()
        self._runs = runs

    def enrol(self, captures: Captures) -> Enrolment:
        """See `ScriptedComparer.enrol`."""
        return super().enrol(_all_a(captures))

    def compare(
        self, captures: Captures, references: tuple[Reference, ...], searched: Collection[Modality] = ()
    ) -> PersonResult:
        """See `ScriptedComparer.compare`; notes a run of each network."""
        now = time.monotonic()
        self._runs.extend(Run(network, now, now + 0.001, RUN_CPU_S) for network in ("yunet", "sface", "leader"))
        return super().compare(_all_a(captures), references, searched)


def _all_a(captures: Captures) -> Captures:
    fingers = tuple(FingerCapture(finger.position, b"person:a") for finger in captures.fingers)
    return replace(captures, face=b"person:a" if captures.face else None, fingers=fingers)


if __name__ == "__main__":
    noted: list[Run] = []
    service = services.build(Settings(database_url=None), PictureComparer(noted))
    # uvicorn raises the signal again when it has ended in order, which would end this without its file.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        uvicorn.run(create_app(service), port=int(sys.argv[3]), access_log=False, log_level="warning")
    finally:
        Path(sys.argv[1]).write_text(json.dumps([asdict(run) for run in noted]), encoding="utf-8")
