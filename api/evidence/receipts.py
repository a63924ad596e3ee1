"""Receipts as they go out: with the inclusion proof when the log has the leaf in time, as a promise otherwise.

What is stored with an act is the promise. The proof is added on the way out, always for the first checkpoint that
covers the leaf: the same request answered again gives the same receipt, byte by byte, once it was proven.
"""

import logging
import time
from typing import Any

from api.evidence import proofs
from api.evidence.parameters import BATCH_INTERVAL_S
from api.evidence.proofs import Inclusion, ProofImpossible
from api.service import Service
from api.storage.errors import StorageError
from api.storage.idempotency import StoredAnswer

_log = logging.getLogger(__name__)

_NEW_WAIT_S = 2 * BATCH_INTERVAL_S


def completed(service: Service, given: StoredAnswer) -> StoredAnswer:
    """As `complete`, for an answer with its status code."""
    return StoredAnswer(given.status_code, complete(service, given.answer, new=given.new))


def complete(service: Service, answer: dict[str, Any], *, new: bool = False) -> dict[str, Any]:
    """The answer with its receipt's inclusion proof, waited for as long as the settings say; as it is without one.

    The act is committed by now, so nothing that fails here may take its answer away. Answers that were stored before
    they had receipts have none. `new`: committed a moment ago.
    """
    receipt = answer.get("receipt")
    if receipt is None:
        return answer
    try:
        found = _await_inclusion(service, bytes.fromhex(receipt["leaf_hash"]), new=new)
    except StorageError:
        return answer
    except Exception as error:  # noqa: BLE001
        _log.error("a receipt goes out without its proof: %s", type(error).__name__)
        return answer
    return answer if found is None else {**answer, "receipt": {**receipt, "inclusion": found.as_json()}}


def _await_inclusion(service: Service, digest: bytes, *, new: bool) -> Inclusion | None:
    deadline = time.monotonic() + service.settings.receipt_wait_s
    sequencer = service.sequencer
    while True:
        seen = sequencer.counts.growths
        growth = sequencer.growth_with(digest)
        if growth is not None:
            return proofs.inclusion_in(growth, digest)
        # A new leaf is hardly placed yet.
        found = None if new else _look_up(service, digest)
        if found is not None:
            return found
        sequencer.wake()
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            return None
        # Where another replica placed it before all this, the log need not grow any more.
        sequencer.wait_for_growth(seen, min(remaining, _NEW_WAIT_S) if new else remaining)
        new = False


def _look_up(service: Service, digest: bytes) -> Inclusion | None:
    # A proof that is not there ends no transaction with an error: the driver forgets its statements at a rollback.
    with service.database.begin() as connection:
        try:
            return proofs.inclusion(connection, digest)
        except ProofImpossible:
            return None
