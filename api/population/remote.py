"""Another system as the population register: the reference adapter, over HTTP.

It speaks this service's own `POST /v1/checks`, so that one installation can be the register of another, and any other
register needs only a door of that form before it. Whatever goes wrong on the way is `RegisterUnavailable`: no answer is
never taken for a good one. After several failures in a row nobody asks for a while (the circuit breaker of Nygard,
Release It!, 2007).
"""

import base64
import secrets
import time
from typing import Any

import httpx
from circuitbreaker import CircuitBreaker
from pydantic import BaseModel, ConfigDict, ValidationError

from api.cards import text_block
from api.population.findings import Answer, Finding, Question, RegisterUnavailable
from api.population.parameters import FAILURES_TO_OPEN, MAX_ANSWER_BYTES, OPEN_S, PURPOSE, TIMEOUT_S


class _Told(BaseModel):
    """The register's answer. Fields that it has beside these are its own affair."""

    model_config = ConfigDict(hide_input_in_errors=True)

    number: Finding
    card: Finding | None = None
    status: str | None = None
    text: Finding | None = None
    text_fields: dict[str, Finding] = {}
    portrait: Finding | None = None


class RemoteRegister:
    """The register at an address, asked with a bearer key."""

    def __init__(
        self, url: str, key: str, *, timeout_s: float = TIMEOUT_S, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._timeout_s = timeout_s
        self._http = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {key}", "Accept-Encoding": "identity"},
            timeout=timeout_s,
            transport=transport,
            # A redirect would send a person's data to wherever it says.
            follow_redirects=False,
        )
        self._breaker = CircuitBreaker(
            failure_threshold=FAILURES_TO_OPEN, recovery_timeout=OPEN_S, expected_exception=RegisterUnavailable
        )

    def check(self, question: Question) -> Answer:
        """Ask. Raises `RegisterUnavailable`, at once while the circuit is open."""
        if self._breaker.opened:
            raise RegisterUnavailable("it failed several times and is left alone for a while")
        told: _Told = self._breaker.call(self._ask, question)
        return Answer(told.number, told.card, told.status, told.text, told.text_fields, told.portrait)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _ask(self, question: Question) -> _Told:
        try:
            key = {"Idempotency-Key": secrets.token_hex(16)}
            with self._http.stream("POST", "/v1/checks", json=_body(question), headers=key) as answer:
                if answer.status_code != 200:
                    raise RegisterUnavailable(f"it answered {answer.status_code}")
                told = _Told.model_validate_json(self._limited(answer))
        except httpx.HTTPError as error:
            raise RegisterUnavailable(type(error).__name__) from None
        except ValidationError:
            raise RegisterUnavailable("its answer is not in the form that was agreed") from None
        _require_complete(question, told)
        return told

    def _limited(self, answer: httpx.Response) -> bytes:
        # The client's time-out is one for every read: an answer of a byte a second would never end.
        deadline = time.monotonic() + self._timeout_s
        content = b""
        for part in answer.iter_raw():
            content += part
            if len(content) > MAX_ANSWER_BYTES or time.monotonic() > deadline:
                raise RegisterUnavailable("its answer is too long, or takes too long")
        return content


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
    """An axis that was asked about and is left out must not read as "nothing against it"."""
    text = None if question.card is None else question.card.text
    asked = {"card": question.card, "text": text, "portrait": question.portrait}
    if any(value is not None and getattr(told, axis) is None for axis, value in asked.items()):
        raise RegisterUnavailable("its answer leaves out what was asked")
    if told.card is Finding.CONSISTENT and told.status is None:
        raise RegisterUnavailable("its answer leaves out the status")
