"""What is sent, what is sent again, and how answers are read: the whole client but for the sending.

Operations are generators over a `Core`; shells (`shells.py`) carry out their steps, with threads or asyncio.
"""

import itertools
import json
import secrets
from collections.abc import Hashable, Iterator, Mapping
from functools import cache
from typing import Any, cast
from urllib.parse import urlsplit

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import TypeAdapter, ValidationError

from . import asking
from .answers import Evident, Told, TransactionReported
from .answers.base import read_json
from .calls import Call, Pause, Send, Steps, T
from .clock import Clock
from .errors import AnswerUnusable, Refused, RenzhengError, Unreachable, refused
from .parameters import CONNECT_TIMEOUT_S, IDEMPOTENCY_KEY_CHARACTERS, TIMEOUT_S, VERSION
from .receipts import Verifier
from .retrying import PASSING, Retrying, asked_to_wait_s, http_date
from .signing import sign

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
# No use in trying again: the request never left, and never will.
_HOPELESS = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)
_EXPIRED = "signature_expired"


class Core:
    """One key of one service. It holds no connections and may be shared by threads."""

    def __init__(
        self,
        url: str,
        key: str | None,
        *,
        signing_key: Ed25519PrivateKey | None = None,
        verifier: Verifier | None = None,
        retrying: Retrying | None = None,
        timeout_s: float = TIMEOUT_S,
        clock: Clock | None = None,
    ) -> None:
        """Raises ValueError for what is no address or no key; the text repeats neither."""
        self.url = _sound_url(url)
        self._key = None if key is None else _sound_key(key)
        self._signing_key = signing_key
        self.verifier = verifier
        self.retrying = retrying or Retrying()
        self.clock = clock or Clock()
        self._timeout = httpx.Timeout(timeout_s, connect=min(timeout_s, CONNECT_TIMEOUT_S)).as_dict()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.url}>"

    def ask(self, call: Call[T]) -> Steps[T]:
        """Send a call until it is answered. Raises `RenzhengError`; ValueError for what is no path or no key."""
        key = (_sound_idempotency_key(call.key) or secrets.token_hex(16)) if call.writes else None
        if not call.path.startswith("/"):
            # Behind the address it could name another host, which would be given the key.
            raise ValueError("a path of the service begins with /")
        content = b"" if call.body is None else json.dumps(call.body, ensure_ascii=False).encode()
        try:
            response = yield from self._answered(call, key, content)
            answer = self._read(call, response)
            self._verify(answer, call.vouched, None if key is None else self._asked(call, key, content))
            for name in () if call.amiss is None else call.amiss(answer):
                raise AnswerUnusable(f"to another request: {name}", response.status_code)
        except RenzhengError as problem:
            problem.idempotency_key = key
            raise
        return answer

    def _answered(self, call: Call[Any], key: str | None, content: bytes) -> Steps[httpx.Response]:
        began, set_right = self.clock.ticks(), False
        for attempt in itertools.count(1):
            problem: RenzhengError
            try:
                response: httpx.Response = yield Send(self._request(call, key, content))
            except (httpx.TransportError, httpx.DecodingError) as error:
                problem = Unreachable(type(error).__name__, retryable=not isinstance(error, _HOPELESS))
            else:
                if response.is_success:
                    return response
                problem = _problem(response)
                # The terminal's clock is wrong: the answer says what time it is.
                if not set_right and self._sets_clock(problem, response):
                    set_right = True
                    continue
            pause_s = self.retrying.pause_s(problem, attempt, self.clock.ticks() - began)
            if pause_s is None:
                raise problem
            yield Pause(pause_s)
        raise AssertionError("unreachable")

    def _request(self, call: Call[Any], key: str | None, content: bytes) -> httpx.Request:
        """The request, signed anew each time: a signature is good once."""
        headers = {"Accept": "application/json", "User-Agent": f"renzheng-client/{VERSION}"}
        optional = {
            "Authorization": None if self._key is None else f"Bearer {self._key}",
            "Idempotency-Key": key,
            asking.HEADER: None if key is None else self._salt(key),
            "Operator-Key": None if call.operator_key is None else _sound_key(call.operator_key),
            "Content-Type": "application/json" if content else None,
        }
        headers |= {name: value for name, value in optional.items() if value is not None}
        query = {name: _queried(value) for name, value in call.query.items() if value is not None}
        url = httpx.URL(self.url + call.path, params=query) if query else httpx.URL(self.url + call.path)
        if self._signing_key is not None:
            target = url.raw_path.decode("ascii")
            created = self.clock.service_time()
            headers |= sign(self._signing_key, call.method, target, headers, content, created=created)
        timeouts = {"timeout": self._timeout}
        return httpx.Request(call.method, url, headers=headers, content=content, extensions=timeouts)

    def _salt(self, key: str) -> str:
        # Nobody writes without a key: such an answer is a refusal, which has no leaf.
        return asking.salt_of(self._key or "", key)

    def _asked(self, call: Call[Any], key: str, content: bytes) -> str:
        return asking.asked(self._salt(key), call.method, call.path, content)

    def _sets_clock(self, problem: RenzhengError, response: httpx.Response) -> bool:
        told = http_date(response.headers.get("date"))
        if problem.code != _EXPIRED or told is None:
            return False
        try:
            self.clock.heard(told)
        except ValueError:
            return False
        return True

    def _read(self, call: Call[T], response: httpx.Response) -> T:
        if call.answer is str:
            return response.text  # type: ignore[return-value]
        try:
            read: T = _adapter(cast("Hashable", call.answer)).validate_python(read_json(response.content))
            return read
        except ValidationError as error:
            faults = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['type']}" for one in error.errors()[:3])
            raise AnswerUnusable(f"not in the form of {call.path}: {faults}", response.status_code) from None
        except ValueError:
            raise AnswerUnusable("no JSON", response.status_code) from None

    def _verify(self, answer: object, vouched: Mapping[str, Any], asked: str | None) -> None:
        """Every receipt of an answer, where keys are pinned: each of this request, and the answer's own says what it
        asked for."""
        if self.verifier is None:
            return
        for one in _with_receipts(answer):
            told = dict(vouched if one is answer else {})
            # What was reported before has the leaf of the request that reported it.
            if asked is not None and not (isinstance(one, TransactionReported) and one.reported_before):
                told["asked"] = asked
            self.verifier.verify(one, vouched=told)


@cache
def _adapter(answer: Any) -> TypeAdapter[Any]:
    # Making one costs more than the whole request does.
    return TypeAdapter(answer)


def _with_receipts(answer: object) -> Iterator[Evident | TransactionReported]:
    """The answer and what stands in it, as far as they have receipts."""
    if isinstance(answer, list):
        for one in answer:
            yield from _with_receipts(one)
    elif isinstance(answer, Told):
        # A transaction that was reported before may have its receipt in an archive; a new one has its own.
        archived = isinstance(answer, TransactionReported) and answer.reported_before and answer.receipt is None
        if isinstance(answer, Evident | TransactionReported) and not archived:
            yield answer
        for _, part in answer:
            yield from _with_receipts(part)


def _problem(response: httpx.Response) -> RenzhengError:
    try:
        told = read_json(response.content)
    except ValueError:
        told = None
    passing = response.status_code in PASSING
    if not isinstance(told, dict) or "code" not in told:
        return AnswerUnusable("an answer of something else", response.status_code, retryable=passing)
    wait_s = asked_to_wait_s(response.headers.get("retry-after"), response.headers.get("date"))
    return refused(response.status_code, told, wait_s)


def is_code(problem: RenzhengError, *codes: str) -> bool:
    """Whether the service answered one of these codes."""
    return isinstance(problem, Refused) and problem.code in codes


def _queried(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)


def _sound_url(url: str) -> str:
    """The key goes there: https, or this machine."""
    parts = urlsplit(url)
    if not parts.hostname or parts.username is not None or parts.query or parts.fragment:
        raise ValueError("an address such as https://renzheng.example is expected")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise ValueError("the key goes there: it has to be https, or this machine")
    return url.rstrip("/")


def _sound_idempotency_key(key: str | None) -> str | None:
    if key is not None and not (
        0 < len(key) <= IDEMPOTENCY_KEY_CHARACTERS and key.isascii() and key.isprintable() and " " not in key
    ):
        raise ValueError("an idempotency key is 1 to 128 visible ASCII characters")
    return key


def _sound_key(key: str) -> str:
    if not (key.strip() and key.strip().isascii() and key.strip().isprintable()):
        raise ValueError("that is no key")
    return key.strip()
