"""What institutions, their people and their keys are asked for and answered with over HTTP."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import AfterValidator, BaseModel, Field, WithJsonSchema, model_validator

from api.cards.schemas import Strict
from api.evidence.schemas import ReceiptAnswer
from api.http.fields import Base64, bad_value
from api.institutions import naming
from api.institutions.parameters import LEAST_LIFETIME_S, MOST_LIFETIME_S, MOST_OVERLAP_S, OVERLAP_S
from api.institutions.roles import Role, Scope

Channel = Literal["counter", "kiosk"]


def _name(value: str) -> str:
    try:
        return naming.sound(value)
    except naming.NameInvalid as error:
        raise bad_value("name_invalid") from error


def _public_key(value: bytes) -> bytes:
    try:
        return Ed25519PublicKey.from_public_bytes(value).public_bytes_raw()
    except ValueError as error:
        raise bad_value("public_key_invalid") from error


Name = Annotated[
    str,
    Field(max_length=naming.LONGEST_SENT),
    AfterValidator(_name),
    WithJsonSchema(
        {"type": "string", "minLength": 1, "maxLength": naming.LONGEST, "description": "Visible characters, no slash."}
    ),
]
PublicKey = Annotated[
    Base64,
    AfterValidator(_public_key),
    WithJsonSchema(
        {"type": "string", "format": "byte", "description": "Ed25519, 32 bytes, base64; requests are signed then."}
    ),
]


class InstitutionBody(Strict):
    """A new institution or branch."""

    name: Name


class KeyBody(Strict):
    """What a new key may do, and for how long."""

    scopes: list[Scope] | None = Field(default=None, max_length=32, description="Fewer rights than the role's.")
    expires_in_s: int | None = Field(
        default=None,
        ge=LEAST_LIFETIME_S,
        le=MOST_LIFETIME_S,
        strict=True,
        description="Absent: until it is revoked.",
    )
    public_key: PublicKey | None = None


class PrincipalBody(Strict):
    """A new terminal or member of staff, with a first key."""

    institution_id: UUID | None = Field(default=None, description="Absent: the caller's own.")
    name: Name
    role: Role
    channel: Channel | None = Field(default=None, description="Binds a terminal to one channel.")
    key: KeyBody = KeyBody()

    @model_validator(mode="after")
    def _only_terminals_stand_somewhere(self) -> Self:
        if self.channel is not None and self.role is not Role.TERMINAL:
            raise bad_value("channel_not_possible")
        return self


class RotationBody(Strict):
    """How the key in use makes room for a new one."""

    overlap_s: int = Field(
        default=OVERLAP_S, ge=0, le=MOST_OVERLAP_S, strict=True, description="How long the old key lives on."
    )
    public_key: PublicKey | None = None


class InstitutionAnswer(BaseModel):
    """An institution; the caller's own shows no institution above it."""

    id: UUID
    name: str
    parent_id: UUID | None
    created_at: datetime


class InstitutionAdded(InstitutionAnswer):
    """A new institution."""

    receipt: ReceiptAnswer


class KeyAdded(BaseModel):
    """A new key, shown this once."""

    id: UUID
    key: str
    scopes: list[Scope] | None = Field(description="Null: all of the role's.")
    signed_by: str | None = Field(description="`keyid` of the signatures that every request needs; null: none.")
    expires_at: datetime | None
    receipt: ReceiptAnswer


class KeyAnswer(BaseModel):
    """A key, without the key."""

    id: UUID
    live: bool
    scopes: list[Scope] | None
    signed_by: str | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    used_at: datetime | None = Field(description="Of the first request under it.")
    replaced_by: UUID | None


class PrincipalAnswer(BaseModel):
    """A terminal or a member of staff."""

    id: UUID
    institution_id: UUID
    name: str
    role: Role
    channel: Channel | None
    created_at: datetime
    disabled_at: datetime | None = None


class PrincipalAdded(PrincipalAnswer):
    """A new principal with its first key."""

    receipt: ReceiptAnswer
    credential: KeyAdded


class EndedAnswer(BaseModel):
    """What was ended, and when."""

    id: UUID
    ended_at: datetime
    receipt: ReceiptAnswer


class InstitutionPage(BaseModel):
    """Institutions, oldest first."""

    items: list[InstitutionAnswer]
    next: UUID | None = Field(description="To be given as `after` for the next page; null: there is none.")


class PrincipalPage(BaseModel):
    """Principals, oldest first."""

    items: list[PrincipalAnswer]
    next: UUID | None = Field(description="To be given as `after` for the next page; null: there is none.")


class OwnKey(BaseModel):
    """The key in use."""

    id: UUID
    expires_at: datetime | None
    signed_by: str | None


class Me(BaseModel):
    """Who is asking."""

    id: UUID
    name: str
    role: Role
    channel: Channel | None
    institution: InstitutionAnswer
    scopes: list[Scope] = Field(description="What this key may do.")
    key: OwnKey
