"""Asking another register about a card that was shown: before the decision's transaction, never in one."""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from api.population.findings import Answer, Question, RegisterUnavailable
from api.population.parameters import MAX_CLOCK_OFF_S
from api.service import Service

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Word:
    """What another register said; `answer` None: it could not be asked, or what came was no answer.

    `asked_at` is the database's clock before it was asked: the answer is no older. `is_authority`: without its good
    word nobody passes, also with a card that our own register holds.
    """

    register: str
    asked_at: datetime
    answer: Answer | None
    is_authority: bool

    @property
    def holds_card(self) -> bool:
        """Whether it knows the card that was shown."""
        return self.answer is not None and self.answer.status is not None

    def as_json(self) -> dict[str, Any]:
        """As it stands in answers and evidence: axis by axis, with no field of the person's."""
        told: dict[str, Any] = {
            "name": self.register,
            "asked_at": self.asked_at.isoformat(),
            "answered": self.answer is not None,
        }
        if self.answer is None:
            return told
        axes = {axis: getattr(self.answer, axis) for axis in ("number", "card", "text", "portrait")}
        told |= {axis: finding.value for axis, finding in axes.items() if finding is not None}
        if self.answer.status is not None:
            told["status"] = str(self.answer.status)
        times = {"since": self.answer.since, "as_of": self.answer.as_of}
        return told | {name: time.isoformat() for name, time in times.items() if time is not None}


def ask(service: Service, question: Question) -> Word | None:
    """The other register's word; None where none is configured. Raises `DatabaseUnavailable`."""
    register = service.register
    if register is None:
        return None
    with service.database.begin() as connection:
        asked_at = connection.execute(select(func.clock_timestamp())).scalar_one()
    try:
        answer: Answer | None = register.check(question)
        if answer is not None and answer.as_of is not None:
            _require_recent(answer.as_of, asked_at)
    except RegisterUnavailable as error:
        _log.warning("the population register %s did not answer: %s", register.name, error)
        answer = None
    return Word(register.name, asked_at, answer, service.settings.register_is_authority)


def _require_recent(as_of: datetime, asked_at: datetime) -> None:
    if abs((as_of - asked_at).total_seconds()) > MAX_CLOCK_OFF_S:
        raise RegisterUnavailable("its answer is of another time than the question")
