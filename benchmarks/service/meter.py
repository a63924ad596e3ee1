"""Who used the processors: the service, its database, the terminals of the measurement, and everybody else."""

import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.service.process import database_processes


@dataclass(frozen=True, slots=True)
class Reading:
    """Seconds of CPU used until `at_s` (monotonic clock); `machine` counts every process of the machine."""

    at_s: float
    service: float
    database: float
    client: float
    machine: float


def read(service: psutil.Process, home: Path) -> Reading:
    """Read the kernel's counters, which advance in steps of 10 ms."""
    return Reading(time.monotonic(), _own(service), database_seconds(home), time.process_time(), _machine())


def _own(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def database_seconds(home: Path) -> float:
    """CPU seconds of the embedded server; its first process counts ended ones too, so that none is lost."""
    first, *children = database_processes(home)
    times = first.cpu_times()
    total = _own(first) + times.children_user + times.children_system
    for child in children:
        try:
            total += _own(child)
        except psutil.NoSuchProcess:  # it ended meanwhile, and is counted by the next reading
            continue
    return float(total)


def _machine() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - times.iowait - times.guest - times.guest_nice - times.steal)
