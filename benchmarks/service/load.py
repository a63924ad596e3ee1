"""Terminals that post verifications one after another, all at once, each on a thread and with a key of its own.

The threads are the measuring program's own. What they cost is measured too (`service_meter`), since on a machine that
is full their time is missing elsewhere: the service and its clients share the cores here.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count

import httpx

from api.demo.counter import Caller, Card, Refused

WARM_UP_S = 3.0
WARM_UP_ANSWERS = 2
_POLL_S = 0.05


@dataclass(frozen=True)
class Shown:
    """A card and what its holder shows at the counter."""

    card: Card
    face: bytes = field(repr=False)
    finger: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answered:
    """One verification: when it was posted and answered (monotonic clock, s), and the decision or the error."""

    began_s: float
    ended_s: float
    decision: str | None
    error: str | None = None


class Terminals:
    """The load. It runs while the context is open."""

    def __init__(self, callers: Sequence[Caller], shown: Sequence[Shown]) -> None:
        self._callers = callers
        self._shown = shown
        self._answers: list[list[Answered]] = [[] for _ in callers]
        self._stopping = threading.Event()
        self._pool = ThreadPoolExecutor(len(callers), thread_name_prefix="terminal")

    def __enter__(self) -> "Terminals":
        self._work = [self._pool.submit(self._post, number) for number in range(len(self._callers))]
        return self

    def __exit__(self, *_: object) -> None:
        """Let every terminal get its last answer."""
        self._stopping.set()
        self._pool.shutdown(wait=True)

    def await_warm(self, timeout_s: float = 120.0) -> None:
        """Wait until every terminal was answered some times. Raises TimeoutError, or what stopped a terminal."""
        began = time.monotonic()
        while time.monotonic() < began + WARM_UP_S or min(map(len, self._answers)) < WARM_UP_ANSWERS:
            for work in self._work:
                if work.done():
                    work.result()
            if time.monotonic() > began + timeout_s:
                raise TimeoutError("the terminals got no answers")
            time.sleep(_POLL_S)

    def answers(self, from_s: float, to_s: float) -> list[Answered]:
        """What was answered between two times, in order."""
        within = [one for answers in self._answers for one in answers if from_s <= one.ended_s < to_s]
        return sorted(within, key=lambda one: one.ended_s)

    def _post(self, terminal: int) -> None:
        for turn in count(terminal):
            if self._stopping.is_set():
                return
            shown = self._shown[turn % len(self._shown)]
            self._answers[terminal].append(_asked(self._callers[terminal], shown))


def _asked(caller: Caller, shown: Shown) -> Answered:
    began_s = time.monotonic()
    try:
        decision = caller.verify(shown.card, shown.face, shown.finger)["decision"]
    except Refused as error:
        return Answered(began_s, time.monotonic(), None, str(error))
    except httpx.TransportError as error:
        return Answered(began_s, time.monotonic(), None, type(error).__name__)
    return Answered(began_s, time.monotonic(), decision)


def wait(seconds: float, progress: Callable[[float], None], *, every_s: float = 5.0) -> None:
    """Wait, and tell every few seconds how many have gone."""
    began = time.monotonic()
    due = every_s
    while (gone := time.monotonic() - began) < seconds:
        if gone >= due:
            progress(gone)
            due += every_s
        time.sleep(max(0.0, min(_POLL_S, seconds - gone)))
