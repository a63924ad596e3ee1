"""Another system as the population register: the reference adapter, over HTTP.

It speaks this service's own `POST /v1/checks`, so that one installation can be the register of another, and any other
register needs only a door of that form before it. Whatever goes wrong on the way is `RegisterUnavailable`: no answer is
never taken for a good one. After several failures in a row nobody asks for a while, and then one at a time until one is
answered (the circuit breaker of Nygard, Release It!, 2007).
"""

import base64
import secrets
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import Annotated, Any

import anyio
import httpx
from anyio.from_thread import start_blocking_portal
from circuitbreaker import STATE_HALF_OPEN, CircuitBreaker
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, ValidationError

from api.cards import text_block
from api.cards.lifecycle import Status
from api.population.findings import Answer, Finding, Question, QuestionRefused, RegisterUnavailable
from api.population.parameters import (
    AT_ONCE,
    FAILURES_TO_OPEN,
    MAX_ANSWER_BYTES,
    OPEN_S,
    PURPOSE,
    REFUSING_THE_QUESTION,
    TIMEOUT_S,
)

# Within a long life of now: nothing was said of a card in another time.
_YEARS = range(1900, 2200)
_STATUSES = frozenset({*Status, "not_yet_valid", "card_expired"})


def _of_our_times(told: datetime) -> datetime:
    # At the ends of the calendar there is no such time in another zone, and it is told in Beijing's.
    if told.year not in _YEARS:
        raise ValueError
    return told


_Time = Annotated[AwareDatetime, AfterValidator(_of_our_times)]


class _Told(BaseModel):
    """The register's answer. Fields that it has beside these are its own affair."""

    model_config = ConfigDict(hide_input_in_errors=True)

    number: Finding
    card: Finding | None = None
    status: str | None = None
    text: Finding | None = None
    text_fields: dict[str, Finding] = {}
    portrait: Finding | None = None
    since: _Time | None = None
    checked_at: _Time | None = None


class RemoteRegister:
    """The register at an address, asked with a bearer key. `close` ends its thread and its connections."""

    def __init__(
        self, url: str, key: str, *, timeout_s: float = TIMEOUT_S, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.name = httpx.URL(url).netloc.decode("ascii")
        self._timeout_s = timeout_s
        self._http = httpx.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {key}", "Accept-Encoding": "identity"},
            timeout=timeout_s,
            transport=transport,
            # A proxy of the environment would read what stays on this machine; what is encrypted may go through one.
            trust_env=httpx.URL(url).scheme == "https",
            # A redirect would send a person's data to wherever it says.
            follow_redirects=False,
        )
        self._breaker = CircuitBreaker(
            failure_threshold=FAILURES_TO_OPEN, recovery_timeout=OPEN_S, expected_exception=_is_its_failure
        )
        self._trial = threading.Lock()
        self._places = threading.BoundedSemaphore(AT_ONCE)
        # The client's own time-out is one for every read: an answer of a byte a second would never end. Cancelling is
        # what ends one, whatever it waits for, and only an event loop can.
        self._threads = ExitStack()
        self._portal = self._threads.enter_context(start_blocking_portal(name="population-register"))

    def check(self, question: Question) -> Answer:
        """Ask. Raises `RegisterUnavailable`, at once while the circuit is open."""
        with self._turn():
            told: _Told = self._breaker.call(self._ask, question)
        asked_text = question.card is not None and question.card.text is not None
        # What was not asked about is not listened to: it would be said of nothing that was shown.
        return Answer(
            told.number,
            told.card if question.card is not None else None,
            told.status if question.card is not None else None,
            told.text if asked_text else None,
            told.text_fields if asked_text else {},
            told.portrait if question.portrait is not None else None,
            told.since if question.card is not None else None,
            told.checked_at,
        )

    def close(self) -> None:
        """Close the connections and end the thread."""
        self._portal.call(self._http.aclose)
        self._threads.close()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise RegisterUnavailable("too many questions are under way")
        try:
            with self._in_order():
                yield
        finally:
            self._places.release()

    @contextmanager
    def _in_order(self) -> Iterator[None]:
        if self._breaker.opened:
            raise RegisterUnavailable("it failed several times and is left alone for a while")
        if self._breaker.state != STATE_HALF_OPEN:
            yield
        elif self._trial.acquire(blocking=False):
            try:
                yield
            finally:
                self._trial.release()
        else:
            raise RegisterUnavailable("another request is finding out whether it is back")

    def _ask(self, question: Question) -> _Told:
        try:
            told = _Told.model_validate_json(self._portal.call(self._exchange, _body(question)))
        except httpx.HTTPError as error:
            raise RegisterUnavailable(type(error).__name__) from None
        except TimeoutError:
            raise RegisterUnavailable("it takes too long") from None
        except ValidationError:
            raise RegisterUnavailable("its answer is not in the form that was agreed") from None
        _require_complete(question, told)
        return told

    async def _exchange(self, body: dict[str, Any]) -> bytes:
        key = {"Idempotency-Key": secrets.token_hex(16)}
        content = b""
        with anyio.fail_after(self._timeout_s):
            async with self._http.stream("POST", "/v1/checks", json=body, headers=key) as answer:
                if answer.status_code != 200:
                    refused = answer.status_code in REFUSING_THE_QUESTION
                    raise (QuestionRefused if refused else RegisterUnavailable)(f"it answered {answer.status_code}")
                async for part in answer.aiter_raw():
                    content += part
                    if len(content) > MAX_ANSWER_BYTES:
                        raise RegisterUnavailable("its answer is too long")
        return content


def _is_its_failure(kind: type[BaseException], _: BaseException) -> bool:
    """A card that it will not have is no sign that it is down: five such cards must not close it to everybody."""
    return not issubclass(kind, QuestionRefused)


def _body(question: Question) -> dict[str, Any]:
    body: dict[str, Any] = {"purpose": PURPOSE}
    if question.card is None:
        return {**body, "number": question.number}
    card = question.card
    body["card"] = {
        "number": card.number,
        "issuer": card.issuer,
        "valid_from": card.valid_from.isoformat(),
        "valid_to": None if card.valid_to is None else card.valid_to.isoformat(),
    }
    if card.serial is not None:
        body["card"]["serial"] = card.serial
    if card.text is not None:
        body["card"]["text"] = base64.b64encode(text_block.build(card.text)).decode()
    if question.portrait is not None:
        body["portrait"] = base64.b64encode(question.portrait).decode()
    return body


def _require_complete(question: Question, told: _Told) -> None:
    """An axis that was asked about and is left out must not read as "nothing against it", nor one that contradicts."""
    text = None if question.card is None else question.card.text
    asked = {"card": question.card, "text": text, "portrait": question.portrait}
    if any(value is not None and getattr(told, axis) is None for axis, value in asked.items()):
        raise RegisterUnavailable("its answer leaves out what was asked")
    if told.card is Finding.CONSISTENT and told.status is None:
        raise RegisterUnavailable("its answer leaves out the status")
    if told.status is not None and told.status not in _STATUSES:
        raise RegisterUnavailable("its answer names a status that is none")
    if told.card is Finding.CONSISTENT and told.number is not Finding.CONSISTENT:
        raise RegisterUnavailable("its answer contradicts itself")
