"""A follower of the feed, as a terminal's program is one: server-sent events read one after the other."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx

Json = dict[str, Any]


@dataclass(frozen=True)
class Message:
    """A message of a stream: its name (`message` where it has none), identifier and data."""

    event: str
    id: int | None
    data: Json


class Ended(Exception):
    """The stream came to its end."""


@dataclass
class Follower:
    """An open stream. `head` is that of the last heartbeat, `retry_ms` as the stream said."""

    answer: httpx.Response
    head: Json = field(default_factory=dict)
    retry_ms: int | None = None

    def __post_init__(self) -> None:
        self._lines = self.answer.iter_lines()

    def next(self) -> Message:
        """The next message of any kind. Raises `Ended`."""
        name, number, data = "message", None, ""
        for line in self._lines:
            key, _, value = line.partition(": ")
            if key == "event":
                name = value
            elif key == "id":
                number = int(value)
            elif key == "data":
                data += value
            elif key == "retry":
                self.retry_ms = int(value)
            elif not line and data:
                return Message(name, number, json.loads(data))
        raise Ended

    def event(self) -> Json:
        """The next change of status; its identifier is its number."""
        while (message := self.next()).event == "head":
            self.head = message.data
        assert message.id == message.data["seq"]
        return message.data

    def events(self, count: int) -> list[Json]:
        return [self.event() for _ in range(count)]


@contextmanager
def following(url: str, key: str, after: int | None = None, last_event_id: int | None = None) -> Iterator[Follower]:
    """Open a stream."""
    headers = {"Authorization": f"Bearer {key}", "Accept": "text/event-stream"}
    if last_event_id is not None:
        headers["Last-Event-ID"] = str(last_event_id)
    parameters = {} if after is None else {"after": after}
    deadline = time.monotonic() + 60
    while True:
        with httpx.stream("GET", f"{url}/v1/feed", params=parameters, headers=headers, timeout=60) as answer:
            if answer.status_code != 200:
                answer.read()
            if answer.status_code == 503 and time.monotonic() < deadline:
                # As it says, it is to be asked again: a test before this one may have taken its key away for a moment.
                time.sleep(0.1)
                continue
            assert answer.status_code == 200, answer.text
            assert answer.headers["content-type"].startswith("text/event-stream")
            follower = Follower(answer)
            first = follower.next()
            assert first.event == "head"
            follower.head = first.data
            yield follower
            return


class Closing:
    """Several streams, closed in the end."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._open: list[Any] = []

    def follow(self, key: str, **how: Any) -> Follower:
        context = following(self._url, key, **how)
        follower = context.__enter__()
        self._open.append(context)
        return follower

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for context in self._open:
            context.__exit__(None, None, None)
