"""The decision policy: read from a TOML file, named by its version and a digest in every decision."""

import hashlib
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.personal.consent import Basis

Channel = Literal["counter", "kiosk"]
Required = Literal["face", "finger", "liveness"]


class PolicyInvalid(Exception):
    """The policy file cannot be used; the text says why."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PurposePolicy(_Strict):
    """What a purpose asks otherwise than its channel; what is left out is as the channel has it."""

    pass_fmr: float | None = Field(default=None, gt=0, lt=1)
    review_fmr: float | None = Field(default=None, gt=0, lt=1)
    required: frozenset[Required] | None = None
    contrary_odds: float | None = Field(default=None, gt=1, allow_inf_nan=False)
    passive_liveness: bool | None = None


class ChannelPolicy(_Strict):
    """Rules of one channel; rates are fractions, times in seconds."""

    pass_fmr: float = Field(gt=0, lt=1)
    review_fmr: float = Field(gt=0, lt=1)
    required: frozenset[Required]
    max_attempts: int = Field(ge=1)
    attempt_window_s: int = Field(ge=1, le=30 * 86400)
    contrary_odds: float = Field(default=100, gt=1, allow_inf_nan=False)
    passive_liveness: bool = False
    purposes: dict[str, PurposePolicy] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.pass_fmr > self.review_fmr:
            raise ValueError("pass_fmr must not be above review_fmr")
        for purpose in self.purposes:
            if purpose != purpose.lower():
                raise ValueError(f"the purpose {purpose} must be written in small letters")
            self.of(purpose)
        return self

    def of(self, purpose: str) -> "ChannelPolicy":
        """The rules of a purpose: its own where it has them, else the channel's. Its attempts count with all others."""
        own = self.purposes.get(purpose.lower())
        if own is None:
            return self
        return ChannelPolicy(**{**dict(self), "purposes": {}, **own.model_dump(exclude_none=True)})

    def without_face(self) -> "ChannelPolicy":
        """The rules for a holder who declines the face: fingers stand in its place, where the card holds any. What else
        is required stays so: a kiosk asks for liveness, and so for a member of staff. Where a face and fingers are
        asked for, fingers alone are less than that: the face stays missing, which is for a member of staff too."""
        if "finger" in self.required:
            return self
        return self.model_copy(update={"required": (self.required - {"face"}) | {"finger"}})


class ChipPhotoPolicy(_Strict):
    """When the chip's photograph counts as another person's."""

    match_fmr: float = Field(gt=0, lt=1)


class GuessingPolicy(_Strict):
    """When a number is locked, after how many failures at all terminals together; times in seconds."""

    max_failures: int = Field(ge=1, le=1000)
    window_s: int = Field(ge=1, le=30 * 86400)
    lock_s: int = Field(ge=1, le=365 * 86400)


class ScreeningPolicy(_Strict):
    """How often a search of the impostor list may hit somebody who is not on it (FPIR, ISO/IEC 19795-1)."""

    fpir: float = Field(default=0.01, gt=0, lt=1)


class KindPolicy(_Strict):
    """Whether a kind of business transaction needs a check; `purposes`, in small letters: only one made for them."""

    check: Literal["required", "not_required"]
    max_age_s: int | None = Field(default=None, ge=1, le=86400)
    purposes: frozenset[str] | None = None

    @model_validator(mode="after")
    def _in_small_letters(self) -> Self:
        if self.purposes is not None and (not self.purposes or any(one != one.lower() for one in self.purposes)):
            raise ValueError("purposes of a transaction must be named, in small letters")
        return self


class TransactionsPolicy(_Strict):
    """Which business needs a check before it; `max_age_s`: how old that may be, where the kind says nothing else."""

    unknown: Literal["refuse", "required", "not_required"] = "refuse"
    max_age_s: int = Field(default=1800, ge=1, le=86400)
    kinds: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")], KindPolicy] = Field(default_factory=dict)


class PurposesPolicy(_Strict):
    """For which purposes checks are made, in small letters; `unknown`: what happens with others."""

    known: frozenset[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.:-]{0,63}$")]] = frozenset()
    unknown: Literal["record", "refuse"] = "record"

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.unknown == "refuse" and not self.known:
            raise ValueError("to refuse unknown purposes, the known ones must be named")
        return self


class GroundsPolicy(_Strict):
    """On which grounds captures are processed; `unstated`: what happens where a terminal states none."""

    taken: frozenset[Basis] = frozenset(Basis) - {Basis.NOT_STATED}
    unstated: Literal["record", "refuse"] = "record"

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if Basis.NOT_STATED in self.taken:
            raise ValueError("not_stated is no ground: whether none may be stated says `unstated`")
        if Basis.SEPARATE_CONSENT not in self.taken:
            raise ValueError("separate_consent must be taken: the kiosk asks for it and states it")
        return self


class _PolicyFile(_Strict):
    version: str = Field(min_length=1, max_length=64)
    channels: dict[Channel, ChannelPolicy]
    chip_photo: ChipPhotoPolicy
    guessing: GuessingPolicy
    screening: ScreeningPolicy = Field(default_factory=ScreeningPolicy)
    transactions: TransactionsPolicy = Field(default_factory=TransactionsPolicy)
    purposes: PurposesPolicy = Field(default_factory=PurposesPolicy)
    grounds: GroundsPolicy = Field(default_factory=GroundsPolicy)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if set(self.channels) != {"counter", "kiosk"}:
            raise ValueError("both channels, counter and kiosk, need rules")
        kiosk = self.channels["kiosk"]
        if any("liveness" not in rules.required for rules in (kiosk, *map(kiosk.of, kiosk.purposes))):
            raise ValueError("the kiosk must require liveness: nobody watches it")
        return self


class Policy(BaseModel):
    """The rules in force. `version` is the file's own version and the start of its SHA-256."""

    model_config = ConfigDict(frozen=True)

    version: str
    channels: dict[Channel, ChannelPolicy]
    chip_photo: ChipPhotoPolicy
    guessing: GuessingPolicy
    screening: ScreeningPolicy = ScreeningPolicy()
    transactions: TransactionsPolicy = TransactionsPolicy()
    purposes: PurposesPolicy = PurposesPolicy()
    grounds: GroundsPolicy = GroundsPolicy()

    def takes(self, purpose: str) -> bool:
        """Whether checks are made for a purpose: one that is known, or that a channel or a kind of business names."""
        if self.purposes.unknown == "record":
            return True
        named = {one for rules in self.channels.values() for one in rules.purposes}
        named.update(*(kind.purposes or () for kind in self.transactions.kinds.values()))
        return purpose.lower() in self.purposes.known | named

    def takes_ground(self, basis: Basis) -> bool:
        """Whether checks are made on a ground; `not_stated`: without one."""
        return self.grounds.unstated == "record" if basis is Basis.NOT_STATED else basis in self.grounds.taken


def load(path: Path | None) -> Policy:
    """Read a policy file, the built-in one for None. Raises `PolicyInvalid`."""
    try:
        raw = files("api.verification").joinpath("policy.toml").read_bytes() if path is None else path.read_bytes()
        parsed = _PolicyFile.model_validate(tomllib.loads(raw.decode()))
    # Not TOML's own error alone: a number of thousands of digits raises another.
    except (OSError, ValueError, RecursionError) as error:
        raise PolicyInvalid(f"policy {path or 'built in'}: {error}") from error
    digest = hashlib.sha256(raw).hexdigest()[:12]
    return Policy(
        version=f"{parsed.version}+{digest}",
        channels=dict(parsed.channels),
        chip_photo=parsed.chip_photo,
        guessing=parsed.guessing,
        screening=parsed.screening,
        transactions=parsed.transactions,
        purposes=parsed.purposes,
        grounds=parsed.grounds,
    )
