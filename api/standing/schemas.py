"""The answers of `/v1/policy` and `/v1/standing`."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from api.errors.catalogue import Text
from api.verification.policy import Policy


class CalibrationPoint(BaseModel):
    """What a comparison at a threshold stands for."""

    fmr: float = Field(description="The share of pairs of strangers at or above it.")
    llr: float = Field(description="Log-likelihood ratio there, natural logarithm: mated over non-mated.")


class CalibrationAnswer(BaseModel):
    """How the scores of an engine in use are read. The scores themselves stay in the service."""

    modality: Literal["face", "finger"]
    engine: str
    version: str = Field(description="As decisions name it.")
    measured_to: float = Field(description="The lowest FMR that was measured; below it, it is extrapolated.")
    fitted: str | None = Field(description="The day, as its file says.")
    mated: int | None = Field(description="Pairs of the same person that it was fitted on.")
    non_mated: int | None
    points: list[CalibrationPoint] = Field(description="From the lowest score to the highest; straight between them.")


class PolicyAnswer(BaseModel):
    """The rules in force on this replica, and what its engines' scores mean."""

    policy: Policy
    calibrations: list[CalibrationAnswer]


class PackFileAnswer(BaseModel):
    """A network of a pack."""

    name: str
    sha256: str | None = Field(description="As installed; null for one that is not.")


class PackAnswer(BaseModel):
    """A model pack that this version knows."""

    name: str
    version: str
    purpose: str = Field(description="In English.")
    purpose_words: Text = Field(description="The same in Chinese and English.")
    licence: str
    research_only: bool = Field(description="Not for commercial use; loaded only where somebody asked for it.")
    default: bool
    state: Literal["installed", "missing", "outdated", "damaged"] = Field(
        description="As its manifest says; its files' hashes are checked when they are opened."
    )
    source: str
    files: list[PackFileAnswer]


class FeedStanding(BaseModel):
    """The feed."""

    head: int = Field(description="The newest number in the database.")
    known: int = Field(description="That this replica gives to its streams.")
    streams: int
    most_streams: int


class ImpostorsStanding(BaseModel):
    """The list of known impostors."""

    sequence: int = Field(description="The number of its last change.")
    known: int = Field(description="That this replica searches by itself; -1: none yet. A search catches up first.")


class LogStanding(BaseModel):
    """The evidence log."""

    size: int
    waiting: int
    oldest_wait_s: float
    overdue: int
    sequencing: bool = Field(description="False while this replica's batches fail.")


class FacesStanding(BaseModel):
    """How many people's faces are stored, by this replica's last count of the hour."""

    people: int | None = Field(description="Null until it has counted.")
    counted_at: datetime | None = Field(description="When it did: what was stored since is not in it.")
    threshold: int = Field(description="At which the operator has to file.")
    reached: bool
    filing: Text = Field(description="What has to be done then.")


class StandingAnswer(BaseModel):
    """How the replica that answers stands."""

    replica: str = Field(description="The machine and the process.")
    version: str
    started_at: datetime = Field(description="By this machine's clock.")
    as_of: datetime = Field(description="By the database's clock.")
    schema_: str | None = Field(alias="schema", description="Of the database.")
    schema_known: str = Field(description="By this version.")
    feed: FeedStanding
    impostors: ImpostorsStanding
    log: LogStanding
    faces: FacesStanding
    packs: list[PackAnswer]
