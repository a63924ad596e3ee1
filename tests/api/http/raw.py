"""A real server, and requests written byte by byte: what no client of good will sends."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import uvicorn
from fastapi import FastAPI

from api.http.connections import BoundedProtocol

SMALL_HEAD_S = 0.5


class Hurried(BoundedProtocol):
    """As the service's, in little time."""

    head_s = SMALL_HEAD_S
    arrival_s = 2.0


@contextmanager
def served(app: FastAPI, protocol: type[BoundedProtocol] = BoundedProtocol) -> Iterator[int]:
    """Its port."""
    config = uvicorn.Config(app, port=0, log_config=None, access_log=False, lifespan="off", http=protocol, ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 60
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    yield int(server.servers[0].sockets[0].getsockname()[1])
    server.should_exit = server.force_exit = True
    thread.join(20)


def connected(port: int, timeout_s: float = 60) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout_s)


def rest(connection: socket.socket) -> bytes:
    """Everything until the other side closes; what comes after a reset is nothing."""
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def asked(port: int, raw: bytes) -> bytes:
    """Send and read: what the service answers, and what it adds to that soon after."""
    with connected(port) as connection:
        connection.sendall(raw)
        answer = b""
        with suppress(TimeoutError, ConnectionResetError):
            while part := connection.recv(65536):
                answer += part
                connection.settimeout(0.1)
        return answer


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0
