"""Clients as they are in the field: each request has a key of its own and is sent again until it is answered."""

import contextlib
import random
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx

from tests.api.bodies import Json, new_card, registration, verification
from tests.faults.history import Answer, History, Kind, Operation
from tests.faults.site import Site

FINGER = "right_index"
# Of a hundred answers that do not come, how many clients give up: their requests' fate is unknown to them.
GIVE_UP_PERCENT = 40
RETRY_S = 0.1
TIMEOUT_S = 30.0
# Among this many cards lie a loss report and the verifications that race it.
ACTIVE_CARDS = 8


@dataclass
class Register:
    """The cards that clients know of, by number: the card as shown, and its identifier once it was told."""

    cards: dict[str, Json] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    reported: set[str] = field(default_factory=set)


class Client:
    """One bearer key."""

    def __init__(self, site: Site, number: int, key: str, history: History, stopping: threading.Event) -> None:
        self._site = site
        self._number = number
        self._http = httpx.Client(headers={"Authorization": f"Bearer {key}"}, timeout=TIMEOUT_S)
        self._history = history
        self.stopping = stopping
        self._random = random.Random(number)
        self.give_up_percent = GIVE_UP_PERCENT

    def verify(self, card: Json) -> Operation:
        """The holder shows a card, and the terminal takes new captures of a new nonce."""
        shot = f"person:a#{secrets.token_hex(8)}"
        body = verification(card, face=shot, fingers={FINGER: f"{shot}f"}, nonce=self._nonce())
        return self._do("verification", "/v1/verifications", body, card)

    def register(self, card: Json) -> Operation:
        """Register a card with a face and a finger."""
        body = registration(card, **{FINGER: "person:a"})
        return self._do("registration", "/v1/cards", body, card)

    def report_lost(self, card: Json, card_id: str) -> Operation:
        """Report a card lost."""
        return self._do("loss", f"/v1/cards/{card_id}/events", {"event": "reported_lost"}, card)

    def send(self, operation: Operation) -> Answer | None:
        """Send an operation once; None when no answer came."""
        try:
            answer = self._http.post(
                self._site.url + operation.path, json=operation.body, headers={"Idempotency-Key": operation.key}
            )
        except httpx.TransportError:
            return None
        return Answer(answer.status_code, answer.content)

    def read(self, verification_id: str) -> Answer:
        """A decision that was made before."""
        answer = self._http.get(f"{self._site.url}/v1/verifications/{verification_id}")
        return Answer(answer.status_code, answer.content)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _nonce(self) -> str:
        """A nonce, asked for until one is given; a client that is stopped before that goes on with none."""
        while not self.stopping.is_set():
            with contextlib.suppress(httpx.TransportError):
                answer = self._http.post(f"{self._site.url}/v1/captures")
                if answer.status_code == 201:
                    return str(answer.json()["nonce"])
                assert answer.status_code == 503, answer.text
            self.stopping.wait(RETRY_S)
        return secrets.token_urlsafe(32)

    def _do(self, kind: Kind, path: str, body: Json, card: Json) -> Operation:
        operation = Operation(kind, self._number, secrets.token_hex(8), path, body, card["number"], _now())
        self._history.add(operation)
        while not self.stopping.is_set():
            answer = self.send(operation)
            if answer is None:
                operation.cut += 1
                self.stopping.wait(RETRY_S)
                if self._random.randrange(100) < self.give_up_percent:
                    break
            elif answer.status == 503:
                operation.put_off.append(_retryable_code(answer))
            else:
                operation.answered_s, operation.answer = _now(), answer
                break
            self.stopping.wait(RETRY_S)
        return operation


class Crowd:
    """Terminals that verify and an authority that registers cards and reports them lost, until they are stopped."""

    def __init__(self, terminals: list[Client], authority: Client, cards: Register, seed: int) -> None:
        self._cards = cards
        self._work: list[Callable[[], None]] = [
            *(self._verifier(client, random.Random(f"{seed} {number}")) for number, client in enumerate(terminals)),
            self._registrar(authority, random.Random(f"{seed} authority")),
        ]

    def run(self, stopping: threading.Event, meanwhile: Callable[[], None]) -> None:
        """Keep all of them busy while `meanwhile` runs, then stop them."""
        with ThreadPoolExecutor(len(self._work)) as pool:
            running = [pool.submit(_repeat, work, stopping) for work in self._work]
            try:
                meanwhile()
            finally:
                stopping.set()
            for one in running:
                one.result()

    def _verifier(self, client: Client, choice: random.Random) -> Callable[[], None]:
        def work() -> None:
            # The newest cards, some of which are being reported at this moment.
            client.verify(self._cards.cards[choice.choice(list(self._cards.ids)[-ACTIVE_CARDS:])])

        return work

    def _registrar(self, client: Client, choice: random.Random) -> Callable[[], None]:
        def work() -> None:
            open_cards = [number for number in list(self._cards.ids) if number not in self._cards.reported]
            if len(open_cards) > ACTIVE_CARDS // 2:
                number = choice.choice(open_cards)
                self._cards.reported.add(number)
                client.report_lost(self._cards.cards[number], self._cards.ids[number])
            else:
                register(client, self._cards)

        return work


def register(client: Client, cards: Register) -> None:
    """Register a new card; the clients know of it when it is acknowledged."""
    card = new_card()
    cards.cards[card["number"]] = card
    operation = client.register(card)
    if operation.acknowledged and operation.answer is not None:
        cards.ids[card["number"]] = httpx.Response(201, content=operation.answer.content).json()["id"]


def _repeat(work: Callable[[], None], stopping: threading.Event) -> None:
    while not stopping.is_set():
        work()


def _retryable_code(answer: Answer) -> str:
    error = httpx.Response(answer.status, content=answer.content).json()
    return f"{error['code']}{'' if error['retryable'] else ' (said not to be retryable)'}"


def _now() -> float:
    return time.monotonic()
