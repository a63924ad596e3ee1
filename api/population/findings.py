"""What is asked of a population register and what it answers, each axis apart."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from api.cards.identity import CardIdentity


class Finding(StrEnum):
    """What one axis says. The words of the trade: 一致, 不一致, 库无, 不能确定."""

    CONSISTENT = "consistent"
    INCONSISTENT = "inconsistent"
    NO_RECORD = "no_record"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True)
class Question:
    """A number alone, or a card, with its text where the reader gave it, and a portrait. Never logged."""

    number: str = field(repr=False)
    card: CardIdentity | None = field(default=None, repr=False)
    portrait: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Answer:
    """The findings; None where the axis was not asked about.

    `status` is a document code of the card instance, None unless that instance is in the register; `since` is from when
    on it holds, where that is known. `text_fields` tells which fields of the text block differ. `as_of` is the
    register's own time of its answer, None where it tells none.
    """

    number: Finding
    card: Finding | None = None
    status: str | None = None
    text: Finding | None = None
    text_fields: dict[str, Finding] = field(default_factory=dict)
    portrait: Finding | None = None
    since: datetime | None = None
    as_of: datetime | None = None


class RegisterUnavailable(Exception):
    """The register did not answer, or not in its form; nothing is known. The text names no person."""


class QuestionRefused(RegisterUnavailable):
    """The register is there and will not have this question; others it may answer."""


class PopulationRegister(Protocol):
    """A register behind whatever door. Safe to ask from several threads."""

    @property
    def name(self) -> str:
        """By what it is called in answers and evidence: no address with a password, no key."""

    def check(self, question: Question) -> Answer:
        """Answer in bounded time, or raise `RegisterUnavailable`. Nothing that was not asked is in the answer."""

    def close(self) -> None:
        """Let go of its connections."""
