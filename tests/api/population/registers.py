"""A population register in a thread of its own, that answers as it is told to, or fails in a way of its own."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Behaviour = Callable[[BaseHTTPRequestHandler, dict[str, Any]], None]


@dataclass
class Simulated:
    """A running register; `behave` may be changed while it runs, `asked` holds the bodies it got."""

    url: str
    behave: Behaviour
    asked: list[dict[str, Any]] = field(default_factory=list)


def answering(http: int = 200, **fields: Any) -> Behaviour:
    """Answers with JSON."""
    return sending(json.dumps(fields).encode(), http)


def sending(content: bytes, http: int = 200, headers: dict[str, str] | None = None) -> Behaviour:
    """Answers with bytes as they are."""

    def behave(handler: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
        handler.send_response(http)
        handler.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)

    return behave


def silent_for(ended: threading.Event) -> Behaviour:
    """Takes the request and says nothing until the test is over."""

    def behave(_: BaseHTTPRequestHandler, __: dict[str, Any]) -> None:
        ended.wait(300)

    return behave


def dripping(ended: threading.Event) -> Behaviour:
    """Sends a byte now and then, so that no single read takes long."""

    def behave(handler: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        while not ended.wait(0.02):
            handler.wfile.write(b" ")
            handler.wfile.flush()

    return behave


def dripping_headers(ended: threading.Event) -> Behaviour:
    """Never comes to the end of its headers."""

    def behave(handler: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not ended.wait(0.02):
            handler.wfile.write(b"a")
            handler.wfile.flush()

    return behave


def slowly(ended: threading.Event, then: Behaviour) -> Behaviour:
    """Answers when the test says so."""

    def behave(handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        ended.wait(300)
        then(handler, body)

    return behave


def breaking_off(handler: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
    """Half an answer."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(b'{"number": ')


@contextmanager
def simulated(behave: Behaviour) -> Iterator[Simulated]:
    """Run a register."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 0

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            register.asked.append({"path": self.path, "authorization": self.headers["Authorization"], **body})
            self.close_connection = True
            with suppress(OSError):  # who asked may have gone
                register.behave(self, body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    register = Simulated(f"http://127.0.0.1:{server.server_address[1]}", behave)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield register
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
