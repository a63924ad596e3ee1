"""Whose figures are counted, and of when."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, true

from api.accountability.scorecards.months import Month


@dataclass(frozen=True)
class Reach:
    """Whose figures: of institutions for which `institution` gives a condition on their column, and of one terminal
    where it is named."""

    institution: Callable[[ColumnElement[UUID]], ColumnElement[bool]]
    terminal_id: UUID | None = None

    def of(self, institution: ColumnElement[UUID], terminal: ColumnElement[UUID]) -> ColumnElement[bool]:
        """The condition on a table's columns."""
        own = true() if self.terminal_id is None else terminal == self.terminal_id
        return and_(self.institution(institution), own)


EVERYTHING = Reach(lambda _: true())


def in_month(month: Month, at: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a time lies in the month."""
    return and_(at >= month.since, at < month.until)
