"""The answers of the scorecards' routes."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field


class FigureAnswer(BaseModel):
    """A count, what it is a share of, and where its evidence is."""

    figure: str
    count: int
    of: str | None = Field(description="The figure that it is a share of.")
    total: int | None
    share: float | None
    low: float | None = Field(description="Of the share's 95 % interval (Wilson 1927).")
    high: float | None
    evidence: str = Field(description="The path of the list of what was counted.")


class SecondsAnswer(BaseModel):
    """How long after a loss report an institution first refused the card, in seconds."""

    median: float
    p90: float
    longest: float


class ScorecardAnswer(BaseModel):
    """The figures of a terminal, of an institution, or of all that was asked for."""

    id: str
    institution_id: UUID | None
    institution: str | None
    terminal_id: UUID | None
    terminal: str | None
    figures: list[FigureAnswer]
    first_refusal_s: SecondsAnswer | None = Field(description="Of the first refusals that are known.")
    first_refusals_not_known: int = Field(
        description="Refusals of lost cards of which it is not known any more whether they were the first after a"
        " report: retention removed whose cards they were. Where it is not 0, first refusals are no fewer than their"
        " count says, and their times may be others."
    )


class PeerAnswer(BaseModel):
    """A terminal among its peers; without a judgement where there are too few."""

    terminal_id: UUID
    cases: int
    trials: int
    expected: float | None = Field(default=None, description="Cases, were it like its peers.")
    correlation: float | None = Field(default=None, description="How much its peers differ (intraclass correlation).")
    peers: int | None = None
    p: float | None = Field(default=None, description="The chance of so many cases or more, were it like its peers.")
    q: float | None = Field(default=None, description="The same, adjusted for all that were looked at.")
    unusual: bool | None = None
    limits_95: list[int] | None = Field(default=None, description="Of the funnel: the fewest and the most cases.")
    limits_998: list[int] | None = None


class PeersAnswer(BaseModel):
    """The terminals of a channel by one rate."""

    rate: str
    cases: str
    trials: str
    channel: Literal["counter", "kiosk", "either"]
    judged: bool
    terminals: list[PeerAnswer]


class PatternsAnswer(BaseModel):
    """Which terminals stand out, and by which test."""

    test: str
    false_discovery_rate: float
    least_peers: int
    groups: list[PeersAnswer]


class ScorecardsAnswer(BaseModel):
    """The scorecards of a month."""

    month: str
    since: datetime
    until: datetime
    as_of: datetime
    by: Literal["total", "institution", "terminal"]
    institution_id: UUID | None
    terminal_id: UUID | None
    items: list[ScorecardAnswer]
    patterns: PatternsAnswer


class EvidenceItem(BaseModel):
    """Something that was counted."""

    kind: str = Field(description="`verification`, `transaction`, `override` or `dispute`.")
    id: UUID
    at: datetime
    terminal_id: UUID
    amount: int = Field(description="How much of the figure it is: 1, or as many fingers.")
    leaf_hash: str = Field(description="`GET /v1/evidence/inclusion/{leaf_hash}` proves it.")


class EvidencePage(BaseModel):
    """What a figure counts, oldest first."""

    items: list[EvidenceItem]
    next: UUID | None = Field(description="To be sent as `after` for what follows; null at the end.")
