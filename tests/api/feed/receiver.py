"""A receiver of webhooks: keeps what it is sent, and answers as a test has it answer."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Json = dict[str, Any]
WAIT_S = 60.0


@dataclass
class Post:
    """A message as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def seqs(self) -> list[int]:
        return [one["seq"] for one in self.json["events"]]

    @property
    def json(self) -> Json:
        found: Json = json.loads(self.body)
        return found

    def is_signed_with(self, secret: str) -> bool:
        """As a receiver checks it, by the book."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + self.body
        made = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        recent = abs(time.time() - int(self.headers["webhook-timestamp"])) < 60
        return recent and hmac.compare_digest(made, self.headers["webhook-signature"])


@dataclass
class Receiver:
    """Answers with what `answer` gives for a post: a status, or None to hang up in the middle."""

    answer: Callable[[Post], int | None] = lambda _: 204
    posts: list[Post] = field(default_factory=list)
    acknowledged: list[int] = field(default_factory=list)

    def __enter__(self) -> Self:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                post = Post(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
                receiver.posts.append(post)
                status = receiver.answer(post)
                if status is None:
                    self.close_connection = True
                    return
                if 200 <= status < 300:
                    receiver.acknowledged += post.seqs
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", f"{receiver.url}/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
