"""Scorecards as they are answered: the figures of a terminal, of an institution by itself, or of all together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode
from uuid import UUID

import numpy as np
from sqlalchemy import Connection, func, select, text

from api.accountability.scorecards import patterns
from api.accountability.scorecards.counting import tallies
from api.accountability.scorecards.figures import ALWAYS, NOT_KNOWN, Place, Tally, whole_of
from api.accountability.scorecards.months import Month
from api.accountability.scorecards.reach import Reach
from api.storage.tables import institutions, principals
from biometrics.scoring.support import share_interval

# A month of millions takes longer to count than a request of a counter may take.
_PATIENCE = text("SET LOCAL statement_timeout = '60s'")

By = Literal["total", "institution", "terminal"]


@dataclass(frozen=True)
class Asked:
    """What is asked for: the month, whose figures, how they are divided; the names that stood in the request."""

    month: Month
    by: By
    reach: Reach
    institution_id: UUID | None
    terminal_id: UUID | None


def compose(connection: Connection, asked: Asked) -> dict[str, Any]:
    """All cards that were asked for, in the order of their identifiers, and what stands out among the terminals."""
    connection.execute(_PATIENCE)
    as_of = connection.execute(select(func.clock_timestamp())).scalar_one()
    counted = tallies(connection, asked.month, asked.reach)
    names = _names(connection, counted)
    cards = _cards(asked, counted)
    return {
        "month": asked.month.name,
        "since": asked.month.since.isoformat(),
        "until": asked.month.until.isoformat(),
        "as_of": as_of.isoformat(),
        "by": asked.by,
        "institution_id": _text(asked.institution_id),
        "terminal_id": _text(asked.terminal_id),
        "items": [_card(asked, where, tally, names) for where, tally in cards],
        "patterns": patterns.found(counted, _channels(connection, counted)),
    }


def _cards(asked: Asked, counted: Mapping[Place, Tally]) -> list[tuple[tuple[UUID | None, UUID | None], Tally]]:
    """The cards by institution and terminal; None where that is not told apart."""
    cards: dict[tuple[UUID | None, UUID | None], Tally] = {}
    if asked.by == "total":
        cards[asked.institution_id, asked.terminal_id] = Tally()
    for (institution_id, terminal_id), tally in counted.items():
        where: dict[str, tuple[UUID | None, UUID | None]] = {
            "total": (asked.institution_id, asked.terminal_id),
            "institution": (institution_id, None),
            "terminal": (institution_id, terminal_id),
        }
        cards.setdefault(where[asked.by], Tally()).add(tally)
    return sorted(cards.items(), key=lambda entry: (str(entry[0][1]), str(entry[0][0])))


def _card(
    asked: Asked, where: tuple[UUID | None, UUID | None], tally: Tally, names: Mapping[UUID, str]
) -> dict[str, Any]:
    institution_id, terminal_id = where
    shown = sorted({*ALWAYS, *(figure for figure, count in tally.figures.items() if count)})
    return {
        "id": str(terminal_id or institution_id or "total"),
        "institution_id": _text(institution_id),
        "institution": None if institution_id is None else names.get(institution_id),
        "terminal_id": _text(terminal_id),
        "terminal": None if terminal_id is None else names.get(terminal_id),
        "figures": [_figure(asked, where, figure, tally) for figure in shown],
        "first_refusal_s": _seconds(tally.losses),
        "first_refusals_not_known": tally.figures[NOT_KNOWN],
    }


def _figure(asked: Asked, where: tuple[UUID | None, UUID | None], figure: str, tally: Tally) -> dict[str, Any]:
    count, whole = tally.figures[figure], whole_of(figure)
    total = None if whole is None else tally.figures[whole]
    low, high = share_interval(count, total) if total else (None, None)
    institution_id, terminal_id = where
    # A card of one institution by itself leads to that one's evidence, without its branches'.
    own = {"alone": "true"} if asked.by == "institution" else {}
    named = {"institution": institution_id, "terminal": terminal_id}
    query = {name: str(value) for name, value in named.items() if value is not None} | own
    return {
        "figure": figure,
        "count": count,
        "of": whole,
        "total": total,
        "share": None if not total else count / total,
        "low": low,
        "high": high,
        "evidence": "/v1/scorecards/evidence?" + urlencode({"month": asked.month.name, "figure": figure, **query}),
    }


def _seconds(losses: list[float]) -> dict[str, float] | None:
    """How long after a loss report the card was first refused; None where none was."""
    if not losses:
        return None
    median, most, longest = np.quantile(losses, [0.5, 0.9, 1.0])
    return {"median": round(float(median), 3), "p90": round(float(most), 3), "longest": round(float(longest), 3)}


def _names(connection: Connection, counted: Mapping[Place, Tally]) -> dict[UUID, str]:
    places = {one for one, _ in counted}
    terminals = {one for _, one in counted}
    named = select(institutions.c.id, institutions.c.name).where(institutions.c.id.in_(places))
    devices = select(principals.c.id, principals.c.name).where(principals.c.id.in_(terminals))
    return {row.id: row.name for row in connection.execute(named.union_all(devices))}


def _channels(connection: Connection, counted: Mapping[Place, Tally]) -> dict[UUID, str | None]:
    terminals = {one for _, one in counted}
    wanted = select(principals.c.id, principals.c.channel).where(principals.c.id.in_(terminals))
    return {row.id: row.channel for row in connection.execute(wanted)}


def _text(identifier: UUID | None) -> str | None:
    return None if identifier is None else str(identifier)
