"""Receipts as they go out: with the inclusion proof when the log has the leaf in time, as a promise otherwise.

What is stored with an act is the promise. The proof is added on the way out, always for the first checkpoint that
covers the leaf: the same request answered again gives the same receipt, byte by byte, once it was proven.
"""

import logging
import time
from typing import Any

from api.evidence import proofs
from api.evidence.proofs import Inclusion, ProofImpossible
from api.service import Service
from api.storage.errors import StorageError
from api.storage.idempotency import StoredAnswer

_log = logging.getLogger(__name__)


def completed(service: Service, given: StoredAnswer) -> StoredAnswer:
    """As `complete`, for an answer with its status code."""
    return StoredAnswer(given.status_code, complete(service, given.answer))


def complete(service: Service, answer: dict[str, Any]) -> dict[str, Any]:
    """The answer with its receipt's inclusion proof, waited for as long as the settings say; as it is without one.

    The act is committed by now, so nothing that fails here may take its answer away. Answers that were stored before
    they had receipts have none.
    """
    receipt = answer.get("receipt")
    if receipt is None:
        return answer
    try:
        found = _await_inclusion(service, bytes.fromhex(receipt["leaf_hash"]))
    except StorageError:
        return answer
    except Exception as error:  # noqa: BLE001
        _log.error("a receipt goes out without its proof: %s", type(error).__name__)
        return answer
    return answer if found is None else {**answer, "receipt": {**receipt, "inclusion": found.as_json()}}


def _await_inclusion(service: Service, digest: bytes) -> Inclusion | None:
    deadline = time.monotonic() + service.settings.receipt_wait_s
    while True:
        seen = service.sequencer.counts.growths
        try:
            with service.database.begin() as connection:
                return proofs.inclusion(connection, digest)
        except ProofImpossible:
            service.sequencer.wake()
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            return None
        service.sequencer.wait_for_growth(seen, remaining)
