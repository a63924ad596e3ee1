"""The failing network fails as it says."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from benchmarks.service.process import free_port
from tests.faults.replicas.proxy import Proxy

TIMEOUT_S = 60.0
# Long enough for a busy machine to say something meanwhile.
UNTOLD_S = 3.0


@pytest.fixture(scope="module")
def heard() -> list[bytes]:
    """What the server heard, until a new connection is made."""
    return []


@pytest.fixture(scope="module")
def proxy(heard: list[bytes]) -> Iterator[tuple[Proxy, int]]:
    """A proxy before a server that answers what it hears in capitals; the port to come in at."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer(connection: socket.socket) -> None:
            with connection:
                while data := _receive(connection):
                    heard.append(data)
                    connection.sendall(data.upper())

        def accept() -> None:
            while True:
                try:
                    connection = listener.accept()[0]
                except OSError:
                    return
                heard.clear()
                threading.Thread(target=answer, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        port = free_port()
        made = Proxy([(port, listener.getsockname()[1])])
        yield made, port
        made.close()
        listener.shutdown(socket.SHUT_RDWR)


def _receive(connection: socket.socket) -> bytes:
    try:
        return connection.recv(100)
    except ConnectionError:
        return b""


def connected(port: int) -> socket.socket:
    """A connection over which something was said already."""
    connection = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
    connection.sendall(b"hello")
    assert connection.recv(100) == b"HELLO"
    return connection


def test_a_reset_is_told_at_once(proxy: tuple[Proxy, int]) -> None:
    with connected(proxy[1]) as connection:
        proxy[0].disturb("reset", proxy[1], 1.0)
        assert _receive(connection) == b""
    connected(proxy[1]).close()


def test_an_answer_is_lost_but_not_the_question(proxy: tuple[Proxy, int], heard: list[bytes]) -> None:
    with connected(proxy[1]) as connection:
        proxy[0].disturb("answers_lost", proxy[1], 1.0, untold_s=UNTOLD_S)
        connection.sendall(b"pay")
        assert _receive(connection) == b""
        assert heard == [b"hello", b"pay"]


def test_silence_is_told_late(proxy: tuple[Proxy, int], heard: list[bytes]) -> None:
    with connected(proxy[1]) as connection:
        began = time.monotonic()
        proxy[0].disturb("silence", proxy[1], 1.0, untold_s=UNTOLD_S)
        connection.sendall(b"anybody?")
        assert _receive(connection) == b""
        assert time.monotonic() - began > UNTOLD_S / 2
        assert heard == [b"hello"]


def test_who_was_not_drawn_is_left_alone(proxy: tuple[Proxy, int]) -> None:
    with connected(proxy[1]) as connection:
        proxy[0].disturb("reset", proxy[1], 0.0)
        connection.sendall(b"still")
        assert connection.recv(100) == b"STILL"
