"""Cores, the threads that work on them, and what the process may open."""

import math
import os
import resource
from collections.abc import Iterator
from pathlib import Path

from api.operations.doctor.findings import Finding, found
from api.operations.doctor.parameters import DESCRIPTORS_BESIDE
from api.operations.doctor.subject import Subject

CGROUP = Path("/sys/fs/cgroup/cpu.max")


def openmp(_: Subject) -> Iterator[Finding]:
    """One OpenMP thread a worker: with two on busy cores searches were 260 times slower. The service sets that where it
    can; what a library reads at its start it cannot set."""
    told = os.environ.get("OMP_NUM_THREADS")
    if told != "1":
        yield found("openmp_threads", value=told or "unset")


def libraries(_: Subject) -> Iterator[Finding]:
    """Threads of libraries below ours. (Sessions of onnxruntime are opened with one thread each, whatever is set.)"""
    for name in ("MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        if os.environ.get(name, "1") != "1":
            yield found("library_threads", name=name, value=os.environ[name])


def cores(examined: Subject) -> Iterator[Finding]:
    """As many threads compare as there are cores."""
    threads, here = examined.settings.compute_threads, len(os.sched_getaffinity(0))
    if threads > here:
        yield found("threads_over_cores", threads=threads, cores=here)
    quota = quota_cores(CGROUP)
    if quota is not None and threads > math.ceil(quota):
        yield found("threads_over_quota", threads=threads, quota=f"{quota:g}")


def quota_cores(path: Path) -> float | None:
    """Cores that the container may use by its quota (cgroup v2), None without one."""
    try:
        quota, period = path.read_text(encoding="ascii").split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        return None


def descriptors(examined: Subject) -> Iterator[Finding]:
    """Each stream of the feed takes a file descriptor."""
    wanted = examined.settings.feed_streams + DESCRIPTORS_BESIDE
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard not in {resource.RLIM_INFINITY, -1} and hard < wanted:
        yield found("descriptors_few", limit=hard, wanted=wanted)


CHECKS = (openmp, libraries, cores, descriptors)
