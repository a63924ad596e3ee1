"""The feed over HTTP, with the standard library alone. TLS is verified, redirects are not followed.

A redirect would send the key wherever a header says. Plain HTTP is for the same machine only.
"""

import base64
import binascii
import http.client
import json
import re
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from . import files
from .clock import sound_time
from .journal import Delta
from .naming import KEY_BYTES, TAG_BYTES, key_id
from .parameters import (
    BLOCK_BYTES,
    LARGEST_ANSWER_BYTES,
    LARGEST_EVENT_CHARACTERS,
    LARGEST_LINE_BYTES,
    LARGEST_SNAPSHOT_BYTES,
    STREAM_SILENCE_S,
    TIMEOUT_S,
)
from .snapshot import HEAD_BYTES

Judge = Callable[[bytes], None]
"""Raises for a snapshot's head that is not wanted."""

_CODE = re.compile(r"[a-z0-9_]{1,64}", re.ASCII)
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class RemoteFailed(Exception):
    """The service did not answer as it should; the text is for people and holds no key.

    `code` is the service's own, `unreachable` or `malformed`; `retry_after_s` what it asked to wait for.
    """

    def __init__(self, code: str, text: str, retry_after_s: float | None = None) -> None:
        super().__init__(text)
        self.code, self.retry_after_s = code, retry_after_s


@dataclass(frozen=True)
class Told:
    """What a page or a heartbeat says: the newest number, when it was that, under which key tags are made."""

    deltas: list[Delta]
    head: int
    as_of: datetime | None
    key_id: str
    more: bool = False


class Remote:
    """One terminal's key at one service. Every call is a connection of its own."""

    def __init__(self, url: str, key: str, *, ca_file: str | Path | None = None, timeout_s: float = TIMEOUT_S) -> None:
        """`url` as `https://host[:port]`; `key` as it was shown, or as it lies in a file, with white space around it.

        Raises ValueError for another address, and for what is no key.
        """
        key = key.strip()
        parts = urlsplit(url)
        if not parts.hostname or parts.username is not None or parts.query or parts.fragment:
            raise ValueError("an address such as https://renzheng.example is expected")
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise ValueError("the key goes there: it has to be https, or this machine")
        if not (key.isascii() and key.isprintable() and key):
            raise ValueError("that is no key")
        self._host, self._port, self._prefix = parts.hostname, parts.port, parts.path.rstrip("/")
        self._tls = ssl.create_default_context(cafile=ca_file) if parts.scheme == "https" else None
        self._key, self._timeout_s = key, timeout_s

    def feed_key(self) -> bytes:
        """The key of the tags (32 bytes). Raises `RemoteFailed`, as everything here."""
        answer = self._json("/v1/feed/key")
        try:
            key = base64.b64decode(answer["key"], validate=True)
            sound = len(key) == KEY_BYTES and answer["key_id"] == key_id(key)
        except (KeyError, TypeError, binascii.Error, ValueError) as error:
            raise _malformed("the key of the feed") from error
        if not sound:
            raise _malformed("the key of the feed")
        return key

    def page(self, after: int, limit: int) -> Told:
        """The changes that follow a number."""
        return _told(self._json(f"/v1/feed?after={after}&limit={limit}"))

    def snapshot(self, part: Path, etag: str | None = None, judge: Judge | None = None) -> tuple[bytes, str] | None:
        """The newest snapshot, unverified, and its tag; None where it is still the one of `etag`.

        A download that broke off lies in `part`, its tag in the first line, and is gone on with. `judge` is called with
        the head as soon as it is there, and what it raises ends the download: the rest is not fetched.
        """
        headers = {} if etag is None else {"If-None-Match": etag}
        begun_tag, begun = _begun(part)
        if begun_tag:
            headers |= {"Range": f"bytes={len(begun)}-", "If-Range": begun_tag}
        with self._open("/v1/feed/snapshot", headers) as answer:
            if answer.status == http.client.NOT_MODIFIED:
                return None
            tag = answer.headers.get("ETag", "")
            if answer.status == http.client.PARTIAL_CONTENT:
                if tag != begun_tag or not _goes_on(answer.headers.get("Content-Range", ""), len(begun)):
                    part.unlink(missing_ok=True)
                    raise _malformed("a part of the snapshot that was not asked for")
            else:
                _require_ok(answer)
                begun = b""
            raw = begun + _received(answer, part, tag, begun, judge)
        part.unlink(missing_ok=True)
        return raw, tag

    def stream(self, after: int) -> Iterator[Told]:
        """Changes and heartbeats as they come, until the connection ends; each has one change or none."""
        headers = {"Accept": "text/event-stream"}
        with self._open(f"/v1/feed?after={after}", headers, max(STREAM_SILENCE_S, self._timeout_s)) as answer:
            _require_ok(answer)
            if not answer.headers.get("Content-Type", "").startswith("text/event-stream"):
                raise _malformed("no stream where one was asked for")
            kind, data = "message", ""
            for line in _lines(answer):
                name, _, value = line.partition(":")
                value = value.removeprefix(" ")
                if name == "event":
                    kind = value
                elif name == "data":
                    data += value
                    if len(data) > LARGEST_EVENT_CHARACTERS:
                        raise _malformed("an event larger than any can be")
                elif not line and data:
                    told = _parsed(data)
                    yield _told({**told, "events": []}) if kind == "head" else Told([_delta(told)], -1, None, "")
                    kind, data = "message", ""

    def _json(self, path: str) -> dict[str, Any]:
        with self._open(path, {}) as answer:
            _require_ok(answer)
            try:
                return _parsed(_bounded(answer))
            except (OSError, http.client.HTTPException) as error:
                raise _unreachable(error) from error

    def _open(self, path: str, headers: dict[str, str], timeout_s: float | None = None) -> "_Opened":
        return _Opened(self._connection(timeout_s or self._timeout_s), self._prefix + path, self._headers(headers))

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        return {"Accept-Encoding": "identity", "Authorization": f"Bearer {self._key}", **more}

    def _connection(self, timeout_s: float) -> http.client.HTTPConnection:
        if self._tls is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=timeout_s)
        return http.client.HTTPSConnection(self._host, self._port, timeout=timeout_s, context=self._tls)


class _Opened:
    """A request that was sent, with its answer; the connection is closed on leaving."""

    def __init__(self, connection: http.client.HTTPConnection, target: str, headers: dict[str, str]) -> None:
        self._connection, self._target, self._headers = connection, target, headers
        self._answer: http.client.HTTPResponse | None = None

    def __enter__(self) -> http.client.HTTPResponse:
        try:
            self._connection.request("GET", self._target, headers=self._headers)
            self._answer = self._connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise _unreachable(error) from error
        return self._answer

    def __exit__(self, *_: object) -> None:
        # An answer that was not read to its end holds the connection open by itself.
        if self._answer is not None:
            self._answer.close()
        self._connection.close()


def _received(answer: http.client.HTTPResponse, part: Path, tag: str, begun: bytes, judge: Judge | None) -> bytes:
    """The body; what came before the connection broke is kept in `part`, so that it is not sent twice."""
    blocks: list[bytes] = []
    room = LARGEST_SNAPSHOT_BYTES - len(begun)
    expected = answer.length
    try:
        first = answer.read(max(0, HEAD_BYTES - len(begun)))
        blocks.append(first)
        if judge is not None and len(begun) + len(first) >= HEAD_BYTES:
            _judge(judge, (begun + first)[:HEAD_BYTES], part)
        while block := answer.read(BLOCK_BYTES):
            blocks.append(block)
            room -= len(block)
            if room < 0:
                raise _malformed("a snapshot larger than any can be")
        if expected is not None and sum(map(len, blocks)) != expected:
            raise http.client.IncompleteRead(b"")
    except (OSError, http.client.HTTPException) as error:
        if tag.startswith('"') and any(blocks):
            files.write_anew(part, tag.encode("latin-1") + b"\n" + begun + b"".join(blocks))
        raise _unreachable(error) from error
    return b"".join(blocks)


def _judge(judge: Judge, head: bytes, part: Path) -> None:
    try:
        judge(head)
    except Exception:
        part.unlink(missing_ok=True)
        raise


def _begun(part: Path) -> tuple[str, bytes]:
    try:
        tag, _, begun = part.read_bytes().partition(b"\n")
    except OSError:
        return "", b""
    return (tag.decode("latin-1"), begun) if begun and tag.startswith(b'"') else ("", b"")


def _goes_on(content_range: str, begun: int) -> bool:
    return content_range.startswith(f"bytes {begun}-")


def _require_ok(answer: http.client.HTTPResponse) -> None:
    if answer.status == http.client.OK:
        return
    code, seconds = f"status_{answer.status}", answer.headers.get("Retry-After", "")
    try:
        told = json.loads(_bounded(answer))
        said = told.get("code") if isinstance(told, dict) else None
        # It goes to the log and to people: one word, and nothing that breaks a line.
        code = said if isinstance(said, str) and _CODE.fullmatch(said) is not None else code
    except (ValueError, RecursionError, OSError, http.client.HTTPException):
        pass
    wait_s = float(seconds) if seconds.isascii() and seconds.isdigit() and len(seconds) < 6 else None
    raise RemoteFailed(code, f"the service answers {answer.status}, {code}", wait_s)


def _bounded(answer: http.client.HTTPResponse) -> bytes:
    raw = answer.read(LARGEST_ANSWER_BYTES + 1)
    if len(raw) > LARGEST_ANSWER_BYTES:
        raise _malformed("an answer larger than any can be")
    return raw


def _lines(answer: http.client.HTTPResponse) -> Iterator[str]:
    try:
        while raw := answer.readline(LARGEST_LINE_BYTES + 1):
            if len(raw) > LARGEST_LINE_BYTES:
                raise _malformed("a line longer than any can be")
            yield raw.decode("utf-8", "replace").rstrip("\r\n")
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(error) from error


def _parsed(raw: bytes | str) -> dict[str, Any]:
    try:
        told = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise _malformed("no JSON") from error
    if not isinstance(told, dict):
        raise _malformed("no object")
    return told


def _told(answer: dict[str, Any]) -> Told:
    try:
        as_of = None if answer["as_of"] is None else sound_time(answer["as_of"])
        head = answer["head"]
        if type(head) is not int or not 0 <= head < 2**63:
            raise ValueError("out of bounds")
        deltas = [_delta(one) for one in answer["events"]]
        return Told(deltas, head, as_of, str(answer["key_id"]), bool(answer.get("more", False)))
    except (KeyError, TypeError, ValueError) as error:
        raise _malformed("not in the form of the feed") from error


def _delta(told: dict[str, Any]) -> Delta:
    try:
        tag, seq, invalid = bytes.fromhex(told["tag"]), told["seq"], told["invalid"]
        if len(tag) != TAG_BYTES or type(seq) is not int or not 0 < seq < 2**63 or type(invalid) is not bool:
            raise ValueError("out of bounds")
        return Delta(seq, tag, invalid, str(told["status"]))
    except (KeyError, TypeError, ValueError) as error:
        raise _malformed("an event not in the form of the feed") from error


def _malformed(what: str) -> RemoteFailed:
    return RemoteFailed("malformed", f"the service's answer cannot be used: {what}")


def _unreachable(error: BaseException) -> RemoteFailed:
    return RemoteFailed("unreachable", f"the service does not answer: {type(error).__name__}")
