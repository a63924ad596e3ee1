"""Terminals that hold a stream of the feed open, a thousand in one process: raw sockets, so that they cost little.

`python -m benchmarks.feed.terminals ORDER RECORDS`: ORDER is a JSON file with the replicas' addresses, the keys
and the number to begin after. Says `ready` when all streams are open, and for every line `count` how many events were
heard; ends with its input or another line, and writes RECORDS (npz): of every event `terminal`, `seq` and `received_ns`
(the machine's wall clock, taken when the bytes were at hand), and of every connection `opened_terminal`, `lost_ns` (0:
the first one) and `opened_ns`.
"""

import asyncio
import json
import os
import random
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import uvloop

# A connection that cannot be made is tried again so soon, in seconds, drawn evenly: not all at the same moment.
_PAUSE_S = (0.02, 0.2)
_OPENING_AT_ONCE = 50


@dataclass
class Records:
    """What was seen; columns of the file."""

    terminal: list[int] = field(default_factory=list)
    seq: list[int] = field(default_factory=list)
    received_ns: list[int] = field(default_factory=list)
    opened_terminal: list[int] = field(default_factory=list)
    lost_ns: list[int] = field(default_factory=list)
    opened_ns: list[int] = field(default_factory=list)

    def save(self, path: Path) -> None:
        """Write the columns."""
        columns: dict[str, Any] = {name: np.array(column, dtype=np.int64) for name, column in vars(self).items()}
        np.savez(path, **columns)


class Terminal(asyncio.Protocol):
    """One terminal: its connection of the moment, and the number that it heard last."""

    def __init__(self, number: int, key: str, after: int, replicas: list[tuple[str, int]], records: Records) -> None:
        """`replicas` are tried in turn, the terminals spread over them."""
        self._number, self._key, self._last, self._records = number, key, after, records
        self._replicas, self._at = replicas, number % len(replicas)
        self._rest = b""
        self._lost_ns = 0
        self._transport: asyncio.WriteTransport | None = None
        self.opened = asyncio.Event()
        self.done = False

    async def connect(self) -> None:
        """Connect, and again until it succeeds."""
        loop = asyncio.get_running_loop()
        while not self.done:
            host, port = self._replicas[self._at]
            try:
                await loop.create_connection(lambda: self, host, port)
            except OSError:
                self._at = (self._at + 1) % len(self._replicas)
                await asyncio.sleep(random.uniform(*_PAUSE_S))
            else:
                return

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask to go on after what was heard last."""
        self._transport, self._rest = cast(asyncio.WriteTransport, transport), b""
        self._transport.write(
            f"GET /v1/feed HTTP/1.1\r\nHost: feed\r\nAccept: text/event-stream\r\nAuthorization: Bearer {self._key}\r\n"
            f"Last-Event-ID: {self._last}\r\n\r\n".encode()
        )
        self._answered = False

    def data_received(self, data: bytes) -> None:
        """Note every event that begins here; frames are cut anywhere."""
        now = time.time_ns()
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            if line.startswith(b"id: "):
                self._last = int(line[4:])
                self._records.terminal.append(self._number)
                self._records.seq.append(self._last)
                self._records.received_ns.append(now)
            elif not self._answered:
                self._begin(line, now)

    def _begin(self, status: bytes, now: int) -> None:
        if not status.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(f"the stream was refused: {status.decode(errors='replace')}")
        self._answered = True
        self._records.opened_terminal.append(self._number)
        self._records.lost_ns.append(self._lost_ns)
        self._records.opened_ns.append(now)
        self.opened.set()

    def connection_lost(self, _: Exception | None) -> None:
        """Go to the next replica."""
        if not self.done:
            self._lost_ns = time.time_ns()
            self._at = (self._at + 1) % len(self._replicas)
            self._connecting = asyncio.get_running_loop().create_task(self.connect())

    def close(self) -> None:
        """End for good."""
        self.done = True
        if self._transport is not None:
            self._transport.close()


async def _follow(order: dict[str, object], path: Path) -> None:
    replicas = [(str(host), int(port)) for host, port in order["replicas"]]  # type: ignore[attr-defined]
    keys: list[str] = order["keys"]  # type: ignore[assignment]
    records, gate = Records(), asyncio.Semaphore(_OPENING_AT_ONCE)
    after = int(order["after"])  # type: ignore[call-overload]
    terminals = [Terminal(number, key, after, replicas, records) for number, key in enumerate(keys)]

    async def open_one(terminal: Terminal) -> None:
        async with gate:
            await terminal.connect()
            await terminal.opened.wait()

    asyncio.get_running_loop().set_exception_handler(_fail)
    await asyncio.gather(*map(open_one, terminals))
    _say("ready")
    while await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline) == "count\n":
        _say(str(len(records.seq)))
    for terminal in terminals:
        terminal.close()
    records.save(path)


def _say(what: str) -> None:
    sys.stdout.write(what + "\n")
    sys.stdout.flush()


def _fail(_: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    sys.stderr.write(f"a terminal failed: {context.get('exception')!r} {context['message']}\n")
    os._exit(3)


if __name__ == "__main__":
    uvloop.run(_follow(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2])))
