"""A refusal is an answer: kept under the request's key, so that no copy of the request is done after it.

Whoever gets no answer sends the request again. The copy that was held up on its way, by a process that was paused or a
full queue, may come long after the other was refused, when the card's state has become one that allows it: a late
`found` would then bring back a card that was lost once more. (Seen under faults, in the first 100,000 operations.)
"""

from collections.abc import Callable
from functools import update_wrapper
from typing import Concatenate, ParamSpec

from api.cards import lifecycle, register
from api.errors import ServiceError, entry
from api.institutions.caller import Caller
from api.service import Service
from api.storage import idempotency
from api.storage.idempotency import Attempt, StoredAnswer

CODES: dict[type[Exception], str] = {
    register.CardExists: "card_exists",
    register.HolderRecordedDeceased: "holder_recorded_deceased",
    register.CardUnknown: "card_unknown",
    register.SupersedingCardUnknown: "superseding_card_unknown",
    register.SupersedingCardMissing: "superseding_card_missing",
    register.SupersedingCardInvalid: "superseding_card_invalid",
    # Before the kind that it is of: the first that fits is told.
    lifecycle.CardNotValid: "card_not_valid",
    lifecycle.EventNotPossible: "event_not_possible",
}
"""The register's refusals and the codes they have at the door."""

_REFUSALS: tuple[type[Exception], ...] = (ServiceError, *CODES)
# What is refused for the state of the register may be possible later; a request of the wrong form never is.
_FOR_THE_STATE = (404, 409)

Asked = ParamSpec("Asked")
Act = Callable[Concatenate[Service, Caller, Attempt, Asked], StoredAnswer]


def kept(act: Act[Asked]) -> Act[Asked]:
    """Let an act keep its refusals under the request's key. It raises what it raised, and `RefusedBefore` then on."""

    def wrapped(
        service: Service, caller: Caller, attempt: Attempt, /, *args: Asked.args, **kwargs: Asked.kwargs
    ) -> StoredAnswer:
        try:
            return act(service, caller, attempt, *args, **kwargs)
        except _REFUSALS as error:
            code, details = _told(error)
            status = entry(code).http
            if status not in _FOR_THE_STATE:
                raise
            with service.database.begin() as connection:
                # Another copy of the request may have been done in between: then that is the answer, to this one too.
                given = idempotency.claim(connection, attempt)
                if given is None:
                    idempotency.refuse(connection, attempt, status, code, details)
            if given is None:
                raise
            return given

    update_wrapper(wrapped, act)
    return wrapped


def _told(error: Exception) -> tuple[str, list[dict[str, str]]]:
    if isinstance(error, ServiceError):
        return error.code, error.details
    return next(code for kind, code in CODES.items() if isinstance(error, kind)), []
