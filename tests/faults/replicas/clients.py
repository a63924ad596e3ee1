"""Terminals and authorities: threads that call, and call again elsewhere under the same key when no answer came."""

import json
import random
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.api.bodies import Json, registration, verification
from tests.faults.replicas.calls import Call, Calls
from tests.faults.replicas.deck import Card, Deck
from tests.faults.replicas.wire import Wire

TIMEOUT_S = 4.0
RETRY_S = 0.05
# A replica that did not answer is left alone for so long, as a load balancer would.
AVOIDED_S = 0.5
# After a try without an answer so many of a hundred clients give up: what became of their request they never learn.
GIVE_UP_PERCENT = 10
PATIENCE_S = 30.0
# Of a hundred first tries so many end by the client's own hanging up.
HANG_UP_PERCENT = 1
# Terminals' clocks are wrong as well.
_STAMP_OFF_S = 6 * 3600


@dataclass(frozen=True)
class Keys:
    """Bearer keys, one a client: of the terminals and of the authorities."""

    terminals: Sequence[str]
    authorities: Sequence[str]


class Balance:
    """Which replica a call goes to: any, but for those that failed a moment ago."""

    def __init__(self, ports: Sequence[int]) -> None:
        self.ports = tuple(ports)
        self._avoided = dict.fromkeys(self.ports, 0.0)

    def choose(self, drawn: random.Random) -> int:
        """A port."""
        now = time.monotonic()
        good = [port for port in self.ports if self._avoided[port] <= now]
        return drawn.choice(good or self.ports)

    def failed(self, port: int) -> None:
        """It did not answer."""
        self._avoided[port] = time.monotonic() + AVOIDED_S


class Client:
    """One thread's: a terminal's key or an authority's, and a connection to every replica."""

    def __init__(self, bearer: str, balance: Balance, calls: Calls, seed: str) -> None:
        self._balance = balance
        self._calls = calls
        self._wires = {port: Wire(port, bearer, TIMEOUT_S) for port in balance.ports}
        self.drawn = random.Random(seed)

    def verify(self, key: str, card: Card, nonce: str) -> Call:
        """The holder shows the card."""
        off = timedelta(seconds=self.drawn.uniform(-1, 1) * _STAMP_OFF_S)
        stamp = (datetime.now(UTC) + off).isoformat()
        body = verification(card.shown, face="person:a", nonce=nonce, captured_at=stamp)
        call = Call("verification", key, "", card.id, time.monotonic())
        return self._do(call, "/v1/verifications", body)

    def report(self, key: str, card: Card, event: str) -> Call:
        """Report an event of a card."""
        call = Call("event", key, event, card.id, time.monotonic())
        return self._do(call, f"/v1/cards/{card.id}/events", {"event": event})

    def register(self, key: str, shown: Json) -> Call:
        """Register a card."""
        return self._do(Call("registration", key, "registered", "", time.monotonic()), "/v1/cards", registration(shown))

    def close(self) -> None:
        """Break all connections."""
        for wire in self._wires.values():
            wire.close()

    def _do(self, call: Call, path: str, body: Json) -> Call:
        self._calls.note(call)
        sent = json.dumps(body, ensure_ascii=False).encode()
        while time.monotonic() < call.started_s + PATIENCE_S:
            call.tries += 1
            port = self._balance.choose(self.drawn)
            try:
                if call.tries == 1 and self.drawn.randrange(100) < HANG_UP_PERCENT:
                    self._wires[port].post_and_hang_up(path, sent, call.key)
                    continue
                status, content = self._wires[port].post(path, sent, call.key)
            except OSError:
                self._balance.failed(port)
                if self.drawn.randrange(100) < GIVE_UP_PERCENT:
                    break
            else:
                if status != 503:
                    _note_answer(call, status, content)
                    break
                call.put_off.append(json.loads(content)["code"])
            time.sleep(RETRY_S)
        return call


def _note_answer(call: Call, status: int, content: bytes) -> None:
    call.answered_s = time.monotonic()
    call.status = status
    told = json.loads(content)
    if call.acknowledged:
        call.told_id = told["id"]
        call.told = told["decision"] if call.kind == "verification" else told["status"]
    else:
        call.code = told.get("code", "")


class Crowd:
    """All clients of a chunk. `nonces` gives every terminal its own, by its key; idempotency keys begin with `name`."""

    def __init__(
        self,
        keys: Keys,
        ports: Sequence[int],
        deck: Deck,
        calls: Calls,
        nonces: dict[str, list[str]],
        name: str,
        seed: str,
    ) -> None:
        self._deck = deck
        self._calls = calls
        self._name = name
        balance = Balance(ports)
        self._work: list[tuple[Client, Callable[[Client, str], None]]] = [
            (Client(bearer, balance, calls, f"{seed} terminal {number}"), self._verifying(iter(nonces[bearer])))
            for number, bearer in enumerate(keys.terminals)
        ]
        self._work.extend(
            (Client(bearer, balance, calls, f"{seed} authority {number}"), self._report)
            for number, bearer in enumerate(keys.authorities)
        )

    def run(self) -> Generator[int, None, None]:
        """Keep all of them calling until enough calls were made; yields, now and then, how many were begun."""
        failed: list[BaseException] = []
        ended = threading.Event()

        def work(client: Client, act: Callable[[Client, str], None]) -> None:
            try:
                while not ended.is_set() and (number := self._calls.begin()) is not None:
                    act(client, f"{self._name}-{number}")
            except BaseException as error:  # noqa: BLE001 - told to whoever waits
                failed.append(error)
                ended.set()
            finally:
                client.close()

        threads = [threading.Thread(target=work, args=one, daemon=True) for one in self._work]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                while thread.is_alive():
                    thread.join(0.2)
                    yield self._calls.begun
        finally:
            ended.set()
        if failed:
            raise failed[0]

    def _verifying(self, nonces: Iterator[str]) -> Callable[[Client, str], None]:
        def act(client: Client, key: str) -> None:
            card = self._deck.to_verify(client.drawn)
            nonce = next(nonces, None)
            if card is None or nonce is None:
                self._calls.give_back()
                time.sleep(RETRY_S)
            else:
                client.verify(key, card, nonce)

        return act

    def _report(self, client: Client, key: str) -> None:
        chosen = self._deck.to_report(client.drawn)
        if isinstance(chosen, dict):
            call = client.register(key, chosen)
            if call.acknowledged:
                self._deck.registered(chosen, call.told_id)
            return
        card, event = chosen
        call = client.report(key, card, event)
        if call.acknowledged:
            self._deck.told(card, call.told)
        else:
            self._deck.doubted(card, client.drawn)
