"""What answers have in common: they are read-only, keep the words in which they came, and pass unknown fields over."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar, Generic, Literal, Self, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

from ..given import Json

T = TypeVar("T")


class Told(BaseModel):
    """An answer, or a part of one. A newer service may say more: `as_told` has all of it."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, populate_by_name=True, defer_build=True
    )
    _told: Json = PrivateAttr(default_factory=dict)

    @model_validator(mode="wrap")
    @classmethod
    def _keeps(cls, value: Any, read: Callable[[Any], Self]) -> Self:
        made = read(value)
        if isinstance(value, dict):
            made._told = value  # noqa: SLF001 - one of its own
        return made

    @property
    def as_told(self) -> Json:
        """As it came: what receipts are verified against, and what to keep of a decision."""
        return self._told

    @classmethod
    def kept(cls, text: str | bytes) -> Self:
        """An answer that was kept as JSON. Raises ValueError, which repeats nothing of it."""
        told = read_json(text)
        if not isinstance(told, dict):
            raise ValueError("no object")
        try:
            return cls.model_validate(told)
        except ValidationError as error:
            raise ValueError(f"no {cls.__name__}: {error.error_count()} fields are not as they should be") from None


def read_json(text: str | bytes) -> Any:
    """JSON. What says a thing twice would say one to this program and the other to somebody else: ValueError."""

    def once(pairs: list[tuple[str, Any]]) -> Json:
        if len(found := dict(pairs)) != len(pairs):
            raise ValueError("it says something twice")
        return found

    try:
        return json.loads(text, object_pairs_hook=once)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


class Text(Told):
    """A text for people, in Chinese and English."""

    zh: str
    en: str


class Inclusion(Told):
    """The path (hex, RFC 9162) from the leaf to the root that the checkpoint signs."""

    index: int
    size: int
    proof: list[str]
    checkpoint: str


class Receipt(Told):
    """The signed evidence of an act. Without `inclusion` it is a promise: the leaf is in the log by `include_by`."""

    algorithm: Literal["Ed25519"]
    key_id: str
    leaf: str
    leaf_hash: str
    include_by: datetime | None = None
    signature: str
    inclusion: Inclusion | None = None


class Evident(Told):
    """An answer with a receipt.

    `LEAF`: the kinds of leaf, or the administrative acts, that it may rest on. `SAYS`: the fields for which the leaf
    vouches, with their place in it where that is another (`field=place`); `SAYS_FROM_3`: leaves of version 3 or later.
    """

    LEAF: ClassVar[frozenset[str]] = frozenset()
    SAYS: ClassVar[tuple[str, ...]] = ()
    SAYS_FROM_3: ClassVar[tuple[str, ...]] = ()

    receipt: Receipt


class Page(Told, Generic[T]):
    """Some of a list; `next` asks for those that follow, None at its end."""

    items: list[T]
    next: UUID | None


class Items(Told, Generic[T]):
    """A whole list."""

    items: list[T] = Field(default_factory=list)
