"""Terminals that post verifications one after another, all at once, each on a thread and with a key of its own.

The counters are those of the client (`api.client.simulator`); here they warm up, and show what the demonstration's
people show. The threads are the measuring program's own. What they cost is measured too (`service_meter`), since on a
machine that is full their time is missing elsewhere: the service and its clients share the cores here.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from api.client import NEVER, Captures, Client, Nonce
from api.client.answers.verifications import Channel
from api.client.simulator import Counters, Visit
from api.client.simulator import Shown as Presented
from api.demo.counter import Card, fingers
from api.demo.shots import another_shot

WARM_UP_S = 3.0
WARM_UP_ANSWERS = 2
_POLL_S = 0.05

Answered = Visit
"""One verification: when it was begun and answered (monotonic clock, s), and the decision or the error's code."""


@dataclass(frozen=True)
class Shown:
    """A card and what its holder shows at the counter."""

    card: Card
    face: bytes = field(repr=False)
    finger: bytes = field(repr=False)

    def take(self, _: Nonce) -> Captures:
        """What the person shows is taken anew, under every nonce."""
        return Captures(another_shot(self.face), fingers(another_shot(self.finger)))

    def presented(self) -> Presented:
        """The same for the counters."""
        return Presented(self.card.shown(), self.take)


class Terminals(Counters):
    """The load. It runs while the context is open."""

    def __init__(
        self,
        clients: Sequence[Client],
        shown: Sequence[Shown],
        *,
        presented: Sequence[Presented] = (),
        channel: Channel = "counter",
    ) -> None:
        """`presented`: people who show other captures than a face and a finger."""
        people = [*(one.presented() for one in shown), *presented]
        super().__init__(clients, people, purpose="benchmark", channel=channel)

    def await_warm(self, timeout_s: float = 120.0) -> None:
        """Wait until every terminal was answered some times. Raises TimeoutError, or what stopped a terminal."""
        began = time.monotonic()
        self.await_answers(WARM_UP_ANSWERS, timeout_s)
        time.sleep(max(0.0, began + WARM_UP_S - time.monotonic()))


@contextmanager
def clients(url: str, keys: Sequence[str]) -> Iterator[list[Client]]:
    """Terminals with these keys. What is refused or cut off counts: nothing is sent again."""
    with ExitStack() as stack:
        yield [stack.enter_context(Client(url, key, retrying=NEVER)) for key in keys]


def wait(seconds: float, progress: Callable[[float], None], *, every_s: float = 5.0) -> None:
    """Wait, and tell every few seconds how many have gone."""
    began = time.monotonic()
    due = every_s
    while (gone := time.monotonic() - began) < seconds:
        if gone >= due:
            progress(gone)
            due += every_s
        time.sleep(max(0.0, min(_POLL_S, seconds - gone)))
