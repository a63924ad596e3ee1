"""What clients asked, and what they were told: one half of what the promise is held against."""

import threading
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["verification", "registration", "event"]


@dataclass
class Call:
    """One request under one idempotency key, sent again until it was answered or given up.

    `event` is the card event asked for (`registered` for a registration, empty for a verification). `card_id` is the
    card's identifier; empty for a registration, whose answer gives it. `started_s` is before the first byte of the
    first try, `answered_s` after the last byte of the answer, both by the machine's monotonic clock, which all clients
    share. `status` is the answer's, 0 without one; `told_id` and `told` are the act's identifier and the decision, or
    the card's status after the event; `code` is an error's.
    """

    kind: Kind
    key: str
    event: str
    card_id: str
    started_s: float
    answered_s: float | None = None
    status: int = 0
    told_id: str = ""
    told: str = ""
    code: str = ""
    tries: int = 0
    put_off: list[str] = field(default_factory=list)

    @property
    def acknowledged(self) -> bool:
        """Whether the client was told that it is done."""
        return self.status in {200, 201}

    @property
    def answered(self) -> bool:
        """Whether the client was told what became of it."""
        return self.answered_s is not None


class Calls:
    """The calls of one chunk; `begin` counts them out, so that exactly as many are made as were asked for."""

    def __init__(self, wanted: int) -> None:
        self._lock = threading.Lock()
        self._wanted = wanted
        self._made: list[Call] = []
        self._numbers = 0
        self.begun = 0

    def begin(self) -> int | None:
        """The number of the next call, which no other one gets; None when enough were begun."""
        with self._lock:
            if self.begun >= self._wanted:
                return None
            self.begun += 1
            self._numbers += 1
            return self._numbers

    def note(self, call: Call) -> None:
        """Keep a call, before its first try."""
        with self._lock:
            self._made.append(call)

    def give_back(self) -> None:
        """A call that was counted out was not made after all; its number is not given again: others may be out."""
        with self._lock:
            self.begun -= 1

    @property
    def made(self) -> list[Call]:
        """All until now."""
        with self._lock:
            return list(self._made)
