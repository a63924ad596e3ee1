"""A lean HTTP/1.1 connection that is kept: a request costs its client a twentieth of what httpx takes.

It also does what a network does: the connection breaks after the request went out, and nobody hears the answer.
"""

import socket
import struct

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"\ncontent-length:"
_READ = 65536


class Wire:
    """One connection, made when it is needed. Every failure is an OSError, after which it starts anew."""

    def __init__(self, port: int, bearer: str, timeout_s: float) -> None:
        self._port = port
        self._timeout_s = timeout_s
        self._head = f" HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {bearer}\r\n"
        self._socket: socket.socket | None = None

    def post(self, path: str, body: bytes, key: str) -> tuple[int, bytes]:
        """Post JSON under an idempotency key; gives the answer's status and body. Raises OSError."""
        try:
            self._send(path, body, key)
            return self._receive()
        except OSError:
            self.close()
            raise

    def post_and_hang_up(self, path: str, body: bytes, key: str) -> None:
        """Post, and break the connection before any answer can come. Raises OSError."""
        try:
            self._send(path, body, key)
            if self._socket is not None:
                # With nothing to linger for, the close is a reset.
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        finally:
            self.close()

    def close(self) -> None:
        """Break the connection, if there is one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, path: str, body: bytes, key: str) -> None:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), self._timeout_s)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        head = f"POST {path}{self._head}Content-Type: application/json\r\nIdempotency-Key: {key}\r\n"
        self._socket.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    def _receive(self) -> tuple[int, bytes]:
        received = b""
        while (end := received.find(_HEAD_END)) < 0:
            received += self._more()
        head, content = received[:end].lower(), received[end + len(_HEAD_END) :]
        at = head.find(_LENGTH)
        if at < 0:
            raise ConnectionError("an answer without its length")
        length = int(head[at + len(_LENGTH) :].split(b"\r\n", 1)[0])
        while len(content) < length:
            content += self._more()
        return int(head.split(b" ", 2)[1]), content

    def _more(self) -> bytes:
        got = b"" if self._socket is None else self._socket.recv(_READ)
        if not got:
            raise ConnectionError("the connection was closed")
        return got
