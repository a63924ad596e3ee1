"""More cores, and memory by part: the figures of made-up runs, and the kernel's words that they rest on."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.common.report import Result
from benchmarks.service import memory, scaling


def test_scaling_is_of_the_first_number_of_cores() -> None:
    rounds = {1: [(5.0, 0.0), (7.0, 0.2)], 2: [(10.0, 0.0), (11.0, 0.0)]}
    found = {(one.set, one.metric): one for one in scaling.summarise("x", rounds)}
    assert found["x/cores_1", "decisions_per_s"].value == 6
    assert found["x/cores_1", "cores_of_others"].value == pytest.approx(0.1)
    ratio = found["x", "scaling_2"]
    assert (ratio.value, ratio.low, ratio.high) == pytest.approx((1.75, 11 / 7, 2.0))
    assert ("x", "scaling_1") not in found


def test_all_threads_of_a_process_are_bound() -> None:
    program = "import threading, time; threading.Thread(target=time.sleep, args=(60,)).start(); print(1, flush=True)"
    core = min(os.sched_getaffinity(0))
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as child:
        try:
            assert child.stdout is not None
            child.stdout.readline()
            scaling.bind([child.pid], [core])
            tasks = [int(task.name) for task in Path(f"/proc/{child.pid}/task").iterdir()]
            assert len(tasks) == 2
            assert [os.sched_getaffinity(task) for task in tasks] == [{core}] * 2
        finally:
            child.kill()

    scaling.bind([child.pid], [core])  # it is gone, and nobody is bound


def test_a_parts_memory_is_what_comes_on_top() -> None:
    found = memory.summarise({"libraries": [50.0, 40.0], "face": [90.0, 60.5]})
    assert found[2] == Result("face", "rss_mib", 40.0, None, None, "MiB", 1)
    assert {(one.set, one.metric): one.value for one in found}["all", "private_mib"] == 60.5


def test_memory_is_what_the_kernel_says() -> None:
    before = memory.held()
    more = bytearray(os.urandom(1 << 20)) * 64
    after = memory.held()
    assert after.rss - before.rss > 50
    assert after.private - before.private > 50
    assert len(more) == 64 << 20
