"""What goes wrong: one fault after another at random moments, each undone after a while."""

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import psutil

from tests.faults.replicas.clock import STEP
from tests.faults.replicas.cluster import REPLICAS, Cluster
from tests.faults.replicas.proxy import WAYS

# Seconds between one fault and the next, in the mean; each is drawn from so much of it, and to.
PAUSE_S = 1.0
_PAUSE_SPREAD = (0.3, 1.7)
# How long a killed process stays dead, and a paused one paused. The longest is longer than the service waits for locks.
DEAD_S = (0.0, 0.8)
PAUSED_S = (0.05, 1.2)
LONG_PAUSE_S = 5.0
LONG_PAUSES = 0.05

KILLS = frozenset({"kill_replica", "kill_database", "kill_backend", "kill_everything"})
# Of all faults, how many are of a kind. A killed database is away for a second or two, and nothing happens meanwhile.
_SHARES = {
    "kill_replica": 20,
    "kill_database": 3,
    "kill_backend": 3,
    "kill_everything": 1,
    "pause_replica": 22,
    "pause_backend": 12,
    "pause_database": 3,
    "step_clock": 16,
    "cut_clients": 10,
    "cut_database": 10,
}


class Faults:
    """Does harm to a cluster between `start` and `stop`, with `pause_s` from one fault to the next in the mean. `done`
    counts faults by kind."""

    def __init__(self, cluster: Cluster, seed: str, pause_s: float = PAUSE_S) -> None:
        self.done: Counter[str] = Counter()
        self._cluster = cluster
        self._drawn = random.Random(seed)
        self._pause_s = pause_s
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, name="faults", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the fault in hand. Raises what went wrong with the harm itself."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            while not self._ended.wait(self._pause_s * self._drawn.uniform(*_PAUSE_SPREAD)):
                fault = self._drawn.choices(tuple(_SHARES), tuple(_SHARES.values()))[0]
                harm: Callable[[], bool] = getattr(self, fault)
                if harm():
                    self.done[fault] += 1
        except BaseException as error:  # noqa: BLE001 - told by `stop`
            self._error = error

    def kill_replica(self) -> bool:
        """SIGKILL, and a new process in its place."""
        number = self._drawn.randrange(REPLICAS)
        killed = self._cluster.kill(number)
        time.sleep(self._drawn.uniform(*DEAD_S))
        self._cluster.start(number)
        return killed

    def kill_database(self) -> bool:
        """SIGKILL to the server with all its processes, then crash recovery."""
        killed = self._cluster.server.kill() > 0
        time.sleep(self._drawn.uniform(*DEAD_S))
        self._cluster.start_server()
        return killed

    def kill_backend(self) -> bool:
        """SIGKILL to one process of the server, which makes it end all others and recover."""
        family = self._cluster.server.processes()
        if len(family) < 2:
            return False
        with suppress(psutil.NoSuchProcess):
            self._drawn.choice(family[1:]).send_signal(signal.SIGKILL)
        return True

    def kill_everything(self) -> bool:
        """All at once, as when the power fails; and sometimes the database again as soon as it is back."""
        for number in range(REPLICAS):
            self._cluster.kill(number)
        self._cluster.server.kill()
        if self._drawn.random() < 0.5:
            self._cluster.start_server()
            time.sleep(self._drawn.uniform(0, 0.2))
            self._cluster.server.kill()
        self._cluster.start_server()
        for number in range(REPLICAS):
            self._cluster.start(number)
        return True

    def pause_replica(self) -> bool:
        """SIGSTOP, perhaps with a card's lock held, and SIGCONT."""
        number = self._drawn.randrange(REPLICAS)
        self._cluster.signal(number, signal.SIGSTOP)
        self._ended.wait(self._pause())
        self._cluster.signal(number, signal.SIGCONT)
        return True

    def pause_backend(self) -> bool:
        """The same for one process of the server: perhaps between the write of a commit and its answer."""
        family = self._cluster.server.processes()
        return len(family) > 1 and self._pause_processes([self._drawn.choice(family[1:])])

    def pause_database(self) -> bool:
        """The whole server."""
        return self._pause_processes(self._cluster.server.processes())

    def step_clock(self) -> bool:
        """A replica's wall clock jumps, by hours or by a moment."""
        self._cluster.signal(self._drawn.randrange(REPLICAS), STEP)
        return True

    def cut_clients(self) -> bool:
        """Connections between clients and a replica."""
        return self._cut(self._cluster.proxied_ports[0])

    def cut_database(self) -> bool:
        """Connections between a replica and the database."""
        return self._cut(self._cluster.proxied_ports[1])

    def _cut(self, port: int) -> bool:
        self._cluster.proxy.disturb(self._drawn.choice(WAYS), port, self._drawn.choice((0.3, 1.0)))
        return True

    def _pause(self) -> float:
        return LONG_PAUSE_S if self._drawn.random() < LONG_PAUSES else self._drawn.uniform(*PAUSED_S)

    def _pause_processes(self, processes: list[psutil.Process]) -> bool:
        for what, wait_s in ((signal.SIGSTOP, self._pause()), (signal.SIGCONT, 0.0)):
            for process in processes:
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(what)
            self._ended.wait(wait_s)
        return bool(processes)
