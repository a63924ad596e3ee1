"""What is asked of a population register and what it answers, each axis apart."""

from dataclasses import dataclass, field
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

    `status` is a document code of the card instance, None unless that instance is in the register. `text_fields` tells
    which fields of the text block differ.
    """

    number: Finding
    card: Finding | None = None
    status: str | None = None
    text: Finding | None = None
    text_fields: dict[str, Finding] = field(default_factory=dict)
    portrait: Finding | None = None


class RegisterUnavailable(Exception):
    """The register did not answer, or not in its form; nothing is known. The text names no person."""


class PopulationRegister(Protocol):
    """A register behind whatever door. Safe to ask from several threads."""

    def check(self, question: Question) -> Answer:
        """Answer, or raise `RegisterUnavailable`."""
