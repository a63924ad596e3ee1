"""A network that fails: TCP connections led through here are cut, lose their answers, or fall silent.

`python -m tests.faults.replicas.proxy` reads one line of JSON, `[[port, target port], …]`, listens, says `ready`, and
then obeys lines of JSON: `{"way": "reset", "port": P, "share": 0.5}`.

- `reset`: both ends are told at once.
- `answers_lost`: what the target says from now on is thrown away; after a while both ends are told. So the request, or
  the COMMIT, went through, and nobody heard of it.
- `silence`: nothing passes either way, and nobody is told anything for a while: a connection that is half open.
"""

import asyncio
import json
import random
import subprocess
import sys
from collections.abc import Sequence
from typing import Literal, cast

import uvloop

from benchmarks.common.machine import ROOT

Way = Literal["reset", "answers_lost", "silence"]
WAYS: tuple[Way, ...] = ("reset", "answers_lost", "silence")
UNTOLD_S = {"answers_lost": 0.5, "silence": 3.0}
_END_TIMEOUT_S = 60.0


class Proxy:
    """The process, seen from outside; `routes` are pairs of a port to listen on and the port it leads to."""

    def __init__(self, routes: Sequence[tuple[int, int]]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.replicas.proxy"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._say(routes)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def disturb(self, way: Way, port: int, share: float, *, untold_s: float | None = None) -> None:
        """Do something to a share of the connections that came in at a port; it is done when this returns. `untold_s`:
        when both ends are told, instead of after `UNTOLD_S`."""
        self._say({"way": way, "port": port, "share": share, "untold_s": untold_s})
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "done\n"

    def close(self) -> None:
        """End it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(_END_TIMEOUT_S)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _say(self, told: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()


class _End(asyncio.Protocol):
    """One end of a connection: what it hears goes to the other end."""

    def __init__(self, link: "_Link", *, target: bool) -> None:
        self._link = link
        self._target = target
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none by inheritance.
        self.transport = cast(asyncio.Transport, transport)
        self._link.made(self, target=self._target)

    def data_received(self, data: bytes) -> None:
        self._link.pass_on(data, target=self._target)

    def connection_lost(self, _: Exception | None) -> None:
        self._link.abort()


class _Link:
    """Two ends. What comes in before the target is there waits."""

    def __init__(self, target_port: int, links: set["_Link"]) -> None:
        self._target_port = target_port
        self._links = links
        self._near: _End | None = None
        self._far: _End | None = None
        self._waiting: list[bytes] = []
        self._way: Way | None = None
        self._task: asyncio.Task[object] | None = None

    def made(self, end: _End, *, target: bool) -> None:
        if target:
            self._far = end
            for data in self._waiting:
                self._write(end, data)
            self._waiting.clear()
        else:
            self._near = end
            self._links.add(self)
            self._task = asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: _End(self, target=True), "127.0.0.1", self._target_port)
        except OSError:
            self.abort()

    def pass_on(self, data: bytes, *, target: bool) -> None:
        if self._way == "silence" or (target and self._way == "answers_lost"):
            return
        receiver = self._near if target else self._far
        if receiver is None:
            self._waiting.append(data)
        else:
            self._write(receiver, data)

    def disturb(self, way: Way, untold_s: float | None) -> None:
        self._way = way
        if way == "reset":
            self.abort()
        else:
            asyncio.get_running_loop().call_later(UNTOLD_S[way] if untold_s is None else untold_s, self.abort)

    def abort(self) -> None:
        self._links.discard(self)
        for end in (self._near, self._far):
            if end is not None and end.transport is not None:
                end.transport.abort()

    @staticmethod
    def _write(end: _End, data: bytes) -> None:
        if end.transport is not None and not end.transport.is_closing():
            end.transport.write(data)


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    links: dict[int, set[_Link]] = {}
    for port, target_port in json.loads(await asyncio.to_thread(sys.stdin.readline)):
        own = links[port] = set()

        def end(target_port: int = target_port, own: set[_Link] = own) -> _End:
            return _End(_Link(target_port, own), target=False)

        await loop.create_server(end, "127.0.0.1", port)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    drawn = random.Random(1)
    while line := await asyncio.to_thread(sys.stdin.readline):
        told = json.loads(line)
        for link in tuple(links[told["port"]]):
            if drawn.random() < told["share"]:
                link.disturb(told["way"], told["untold_s"])
        sys.stdout.write("done\n")
        sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(_serve())
