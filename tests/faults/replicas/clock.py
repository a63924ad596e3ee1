"""A wall clock that is wrong: this process's is shifted and stepped; the machine's and the database's are not.

Time-outs and waits go by the monotonic clock, which no operating system steps, and which stays as it is here too.
"""

import random
import signal
from datetime import UTC, datetime, timedelta
from types import FrameType

import time_machine

STEP = signal.SIGUSR1
FARTHEST = timedelta(hours=12)


class WrongClock:
    """Wrong from now on in this process, and stepped at every `STEP` signal; how far is drawn from `seed`."""

    def __init__(self, seed: str) -> None:
        self._drawn = random.Random(seed)
        travel = time_machine.travel(datetime.now(UTC) + self._offset(), tick=True)
        self._clock = travel.start()
        signal.signal(STEP, self._step)

    def _step(self, _: int, __: FrameType | None) -> None:
        self._clock.shift(self._offset())

    def _offset(self) -> timedelta:
        # Hours, so that it crosses midnight and every time limit; or less than a second, which nobody notices.
        far = FARTHEST if self._drawn.random() < 0.7 else timedelta(seconds=1)
        return self._drawn.uniform(-1, 1) * far
