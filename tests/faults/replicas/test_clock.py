"""A wrong clock is wrong for all that a program can ask, but for the monotonic one."""

import subprocess
import sys
import time

from benchmarks.common.machine import ROOT

_PROGRAM = """
import os, time
from datetime import UTC, datetime
from tests.faults.replicas.clock import STEP, WrongClock

def offsets():
    return time.time(), datetime.now(UTC).timestamp(), time.time_ns() / 1e9

before = time.time()
monotonic = time.monotonic()
WrongClock("seed 4")
print(*(one - before for one in offsets()))
os.kill(os.getpid(), STEP)
print(*(one - before for one in offsets()))
print(time.monotonic() - monotonic)
"""


def test_the_wall_clock_is_shifted_and_stepped() -> None:
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", _PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True)
    took = time.monotonic() - began
    first, second, (monotonic,) = ([float(one) for one in line.split()] for line in done.stdout.splitlines())
    for offsets in (first, second):
        assert max(offsets) - min(offsets) < took, "all wall clocks agree"
    assert abs(first[0]) > 60
    assert abs(second[0] - first[0]) > 60
    assert 0 <= monotonic < took
