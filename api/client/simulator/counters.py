"""Counters at work, each on a thread with a client of its own.

A counter begins with another customer than its neighbours and goes through all of them in turn. It either serves one
after another without a pause, which finds how much the service bears, or customers come by chance (`per_minute`, a
Poisson process), which finds how long they wait: then they queue before a counter that is slow, and the wait counts.
"""

import itertools
import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Self

from ..answers.verifications import Channel
from ..client import Client
from ..errors import RenzhengError
from .visits import Shown, Summary, Visit, summarise

_POLL_S = 0.02


class Counters:
    """The load. It runs while the context is open."""

    def __init__(
        self,
        clients: Sequence[Client],
        shown: Sequence[Shown],
        *,
        purpose: str = "simulation",
        per_minute: float | None = None,
        seed: int = 0,
        channel: Channel = "counter",
    ) -> None:
        """`clients`: one for each counter, closed by whoever made them. `per_minute`: customers at one counter.
        `channel`: "kiosk" where nobody attends; what is shown there has to hold a film of the face.

        Raises ValueError where there is no counter, nobody to serve, or no such rate.
        """
        if not clients or not shown or (per_minute is not None and not per_minute > 0):
            raise ValueError("counters, customers and how many of them come: none of these may be nothing")
        self._clients, self._shown, self._purpose = clients, shown, purpose
        self._per_minute, self._seed, self._channel = per_minute, seed, channel
        self._visits: list[list[Visit]] = [[] for _ in clients]
        self._stopping = threading.Event()
        self._began_s = self._ended_s = 0.0

    def __enter__(self) -> Self:
        self._pool = ThreadPoolExecutor(len(self._clients), thread_name_prefix="counter")
        self._began_s = time.monotonic()
        self._work = [self._pool.submit(self._serve, number) for number in range(len(self._clients))]
        return self

    def __exit__(self, *_: object) -> None:
        """Let every counter get its last answer."""
        self._stopping.set()
        self._pool.shutdown(wait=True)
        self._ended_s = time.monotonic()

    def await_answers(self, each: int, timeout_s: float = 120.0) -> None:
        """Wait until every counter had so many answers. Raises TimeoutError, or what stopped a counter."""
        began_s = time.monotonic()
        while min(map(len, self._visits)) < each:
            for work in self._work:
                if work.done():
                    work.result()
            if time.monotonic() - began_s > timeout_s:
                raise TimeoutError("the counters got no answers")
            time.sleep(_POLL_S)

    def visits(self, from_s: float = -float("inf"), to_s: float = float("inf")) -> list[Visit]:
        """What was answered between two times of the monotonic clock, in order."""
        within = [one for visits in self._visits for one in list(visits) if from_s <= one.ended_s < to_s]
        return sorted(within, key=lambda one: one.ended_s)

    def summary(self) -> Summary:
        """All that was answered so far, in figures."""
        return summarise(self.visits(), (self._ended_s or time.monotonic()) - self._began_s)

    def _serve(self, counter: int) -> None:
        chance, due_s = random.Random(f"{self._seed} {counter}"), time.monotonic()  # noqa: S311 - when customers come
        for turn in itertools.count(counter):
            if self._per_minute is not None:
                due_s += chance.expovariate(self._per_minute / 60.0)
            else:
                due_s = time.monotonic()
            if self._stopping.wait(max(0.0, due_s - time.monotonic())):
                return
            shown = self._shown[turn % len(self._shown)]
            self._visits[counter].append(self._served(self._clients[counter], shown, due_s))

    def _served(self, client: Client, shown: Shown, came_s: float) -> Visit:
        try:
            decided = client.attend(shown.card, shown.take, purpose=self._purpose, channel=self._channel)
        except RenzhengError as problem:
            return Visit(came_s, time.monotonic(), None, problem.code)
        return Visit(came_s, time.monotonic(), decided.decision)
