"""Routes that need no key: the error catalogue, the public signing keys, health."""

import base64
import json
from functools import cache
from typing import Annotated, Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field
from sqlalchemy import text

from api.errors import Entry, ServiceError, catalogue
from api.errors.catalogue import Text
from api.evidence.checkpoints import verifier_key
from api.evidence.parameters import ORIGIN
from api.http.signin import ServiceDep
from api.storage import migrate
from api.storage.errors import DatabaseUnavailable
from api.storage.keys import public_id

router = APIRouter(tags=["service"])

# A standby, or a server that was told to take nothing: every decision writes.
_ONLY_READS = text("SELECT current_setting('transaction_read_only') = 'on'")


class Health(BaseModel):
    """Whether the service is there."""

    status: str


class SigningKey(BaseModel):
    """A public key that receipts and checkpoints are signed with, or were."""

    key_id: str
    algorithm: str
    public_key: str
    pem: str
    verifier_key: str = Field(description="The key of checkpoints, in the one-line form of signed notes.")


class Texts(BaseModel):
    """What answers bear of a code."""

    message: Text
    operator: Text


@router.get("/v1/errors", response_model=dict[str, Entry] | dict[str, Texts], summary="Every code, with its texts")
def errors(
    brief: Annotated[bool, Query(description="Only the texts that answers bear: `message` and `operator`.")] = False,
) -> Any:
    """The catalogue: errors, document codes, reasons and advice, in Chinese and English."""
    return Response(_told(brief), media_type="application/json")


@cache
def _told(brief: bool) -> bytes:
    """The pages of weak machines load it when they open: a third of it is enough for them, and it never changes."""
    only = set(Texts.model_fields) if brief else None
    entries = {code: one.model_dump(include=only) for code, one in catalogue().items()}
    return json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode()


@router.get("/v1/keys", response_model=list[SigningKey], summary="The public keys that receipts are signed with")
def signing_keys(service: ServiceDep) -> Any:
    """To be kept by whoever keeps receipts: with them they are verified offline. The present key comes first."""
    return [_signing_key(key) for key in service.keys.trusted]


def _signing_key(key: Ed25519PublicKey) -> SigningKey:
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return SigningKey(
        key_id=public_id(key),
        algorithm="Ed25519",
        public_key=base64.b64encode(key.public_bytes_raw()).decode(),
        pem=pem.decode(),
        verifier_key=verifier_key(ORIGIN, key),
    )


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz", response_model=Health, summary="The process answers")
async def healthz() -> Health:
    """Says that this process is alive, nothing of what it depends on."""
    return Health(status="ok")


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", response_model=Health, summary="Verifications can be answered")
def readyz(service: ServiceDep) -> Health:
    """Says that this replica does not end; that the database answers, at the schema that this program knows, and takes
    what is written; and that the store of record keys answers."""
    if service.draining.begun:
        raise ServiceError("service_ending")
    with service.database.begin() as connection:
        at_head = migrate.current(connection) == migrate.head()
        if connection.execute(_ONLY_READS).scalar_one():
            raise DatabaseUnavailable("the database only reads")
    service.keys.of_records.database.check()
    if not at_head:
        raise ServiceError("schema_outdated")
    return Health(status="ok")
