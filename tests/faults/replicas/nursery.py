"""Where replicas are born: a process that has everything imported forks one in a moment, as often as they die.

`python -m tests.faults.replicas.nursery` reads lines of JSON (`Birth`) and answers each with the process's number. When
its input ends, whoever ran it is gone: it kills what it forked, paused replicas too, and ends.
"""

import contextlib
import gc
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from types import FrameType

from benchmarks.common.machine import ROOT
from tests.faults.replicas.clock import STEP
from tests.faults.replicas.replica import Birth, serve

DEATH_TIMEOUT_S = 60.0


class Nursery:
    """The forking process, seen from outside."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.replicas.nursery"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # Settings are told, and not inherited; a control-C is for whoever runs this.
            env={key: value for key, value in os.environ.items() if not key.startswith("RENZHENG_")},
            start_new_session=True,
        )

    def bear(self, birth: Birth) -> int:
        """Fork a replica; gives its process's number."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asdict(birth)) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        """Kill all of them."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(DEATH_TIMEOUT_S)
        if self._process.stdout is not None:
            self._process.stdout.close()


def alive(number: int) -> bool:
    """Whether a forked process is there; the nursery buries the dead."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


def kill(number: int) -> None:
    """SIGKILL, and wait until it is gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(number, signal.SIGKILL)
    deadline = time.monotonic() + DEATH_TIMEOUT_S
    while alive(number):
        assert time.monotonic() < deadline, "a killed process does not go"
        time.sleep(0.005)


def main() -> None:
    """Fork on request."""
    born: set[int] = set()

    def bury(_: int, __: FrameType | None) -> None:
        with contextlib.suppress(ChildProcessError):
            while (number := os.waitpid(-1, os.WNOHANG)[0]) > 0:
                born.discard(number)

    signal.signal(signal.SIGCHLD, bury)
    # Until a replica listens to it, it must not end by it.
    signal.signal(STEP, signal.SIG_IGN)
    # What was imported stays: no replica has to look it through for garbage, or copies it by doing so.
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    while line := sys.stdin.readline():
        number = os.fork()
        if number == 0:
            _be_born(Birth(**json.loads(line)))
        born.add(number)
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
    for number in tuple(born):
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)


def _be_born(birth: Birth) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    # The end of the nursery's input is for the nursery.
    os.close(sys.stdin.fileno())
    try:
        serve(birth)
    finally:
        os._exit(1)


if __name__ == "__main__":
    main()
