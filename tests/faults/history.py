"""What clients did and what they were told: the only thing that promises can be held against."""

import threading
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["verification", "registration", "loss"]


@dataclass(frozen=True)
class Answer:
    """An HTTP answer: its status and its body, byte for byte."""

    status: int
    content: bytes


@dataclass
class Operation:
    """One request under one idempotency key, tried again until it was answered or given up.

    `card` is the card's number, `started_s` the first try, `answered_s` when the answer was there (one clock of this
    process); no answer: nobody was told anything. `put_off` holds the codes of answers that asked to try again, `cut`
    counts the tries that ended without an answer.
    """

    kind: Kind
    client: int
    key: str
    path: str
    body: dict[str, Any]
    card: str
    started_s: float
    answered_s: float | None = None
    answer: Answer | None = None
    put_off: list[str] = field(default_factory=list)
    cut: int = 0

    @property
    def acknowledged(self) -> bool:
        """Whether the client was told that it is done."""
        return self.answer is not None and self.answer.status in {200, 201}


class History:
    """All operations of all clients."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._operations: list[Operation] = []

    def add(self, operation: Operation) -> Operation:
        """Note an operation before its first try."""
        with self._lock:
            self._operations.append(operation)
        return operation

    @property
    def operations(self) -> list[Operation]:
        """All until now."""
        with self._lock:
            return list(self._operations)
