"""With which codes an operation may refuse: those that come of what it depends on, and its own, in a table.

The OpenAPI document states them (`x-codes`). Every test of the service is held to it: an answer with a code that is not
stated for its operation fails the test that met it (`tests/api/conftest.py`).
"""

from collections.abc import Iterator

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from api.errors import entry
from api.http import limits, signin
from api.http.admitting import admitted
from api.http.sessions import Mark

_DATABASE = "database_unavailable service_busy"
_SEALED = "master_key_unavailable"
_BODY = "request_malformed body_incomplete body_too_large media_type_unsupported request_invalid"
_SIGNED_IN = (
    f"key_missing key_invalid signature_missing signature_invalid signature_expired signature_replayed {_DATABASE}"
)
_PAGE = f"session_invalid page_request_foreign {_SEALED}"

_IMAGE = (
    "base64_invalid image_empty image_not_an_image image_truncated image_too_large image_too_many_pixels"
    " image_too_small image_animated image_depth_unsupported image_colour_unsupported"
)
_FINGERS = "finger_position_unknown finger_duplicate dpi_invalid image_larger_than_finger"
_CAPTURES = f"{_IMAGE} {_FINGERS} capture_missing models_unavailable"
_CARD = (
    "number_invalid number_check_digit day_invalid valid_to_before_valid_from card_type_unsupported card_text_invalid"
    " card_text_inconsistent base64_invalid"
)
_NEW_KEY = "key_shown_once role_not_allowed scopes_not_allowed base64_invalid public_key_invalid"
_PERSON_ENDED = "not_found already_revoked last_administrator role_not_allowed"

OWN: dict[str, str] = {
    "POST /v1/captures/guidance": f"{_IMAGE} models_unavailable",
    "POST /v1/verifications": f"{_CARD} {_CAPTURES} purpose_invalid purpose_unknown basis_required "
    "face_declined_and_sent channel_not_allowed capture_duplicate capture_stale capture_from_future nonce_unknown "
    "nonce_reused nonce_expired",
    "GET /v1/verifications/{verification_id}": "not_found removed_by_retention",
    "POST /v1/verifications/{verification_id}/override": "not_found explanation_invalid override_not_needed "
    "override_not_possible override_too_late override_exists",
    "POST /v1/checks": f"{_CARD} {_IMAGE} check_question purpose_invalid models_unavailable",
    "GET /v1/checks/{check_id}": "not_found removed_by_retention",
    "POST /v1/cards": f"{_CARD} {_CAPTURES} enrolment_failed card_exists holder_recorded_deceased card_unknown "
    "event_unknown event_not_possible superseding_card_invalid feed_key_replaced",
    "POST /v1/cards/search": "number_invalid number_check_digit",
    "GET /v1/cards/{card_id}": "card_unknown",
    "POST /v1/cards/{card_id}/events": "card_unknown event_unknown event_not_possible superseding_card_invalid "
    "superseding_card_missing superseding_card_unknown feed_key_replaced",
    "POST /v1/cards/{card_id}/face": f"{_IMAGE} enrolment_failed card_unknown card_not_valid face_enrolled "
    "models_unavailable",
    "POST /v1/cards/{card_id}/fingerprints": f"{_IMAGE} {_FINGERS} enrolment_failed card_unknown card_not_valid "
    "finger_enrolled models_unavailable",
    "POST /v1/cards/{card_id}/erasure": "card_unknown data_held",
    "POST /v1/holds": "not_found explanation_invalid",
    "GET /v1/holds": _SEALED,
    "GET /v1/holds/{hold_id}": f"not_found {_SEALED}",
    "POST /v1/holds/{hold_id}/lift": "not_found hold_lifted second_person_needed",
    "GET /v1/alerts/{alert_id}": "not_found",
    "POST /v1/alerts/{alert_id}/close": "not_found alert_closed explanation_invalid",
    "POST /v1/transactions": "transaction_kind_unknown transaction_reference_invalid transaction_reference_reused "
    "transaction_time_invalid",
    "POST /v1/transactions/batch": "transaction_kind_unknown transaction_reference_invalid "
    "transaction_reference_reused transaction_time_invalid",
    "GET /v1/transactions": "transaction_kind_unknown",
    "GET /v1/transactions/{transaction_id}": "not_found",
    "GET /v1/overrides/{override_id}": "not_found",
    "POST /v1/overrides/{override_id}/approve": "not_found override_state second_person_needed override_not_possible "
    "override_too_late",
    "POST /v1/overrides/{override_id}/refuse": "not_found override_state",
    "GET /v1/scorecards": "not_found month_invalid",
    "GET /v1/scorecards/evidence": "not_found month_invalid figure_unknown",
    "POST /v1/holders/history": "not_found holder_not_identified",
    "POST /v1/holders/disputes": "not_found holder_not_identified dispute_open explanation_invalid",
    "GET /v1/disputes/{dispute_id}": "not_found",
    "POST /v1/disputes/{dispute_id}/resolve": "not_found dispute_resolved explanation_invalid",
    "POST /v1/impostors": f"{_CAPTURES} enrolment_failed case_reference_invalid day_invalid impostor_dates_invalid",
    "GET /v1/impostors/{impostor_id}": "not_found",
    "POST /v1/impostors/{impostor_id}/approve": "not_found impostor_state second_person_needed",
    "POST /v1/impostors/{impostor_id}/refuse": "not_found impostor_state explanation_invalid",
    "POST /v1/impostors/{impostor_id}/remove": "not_found impostor_state explanation_invalid",
    "POST /v1/impostors/{impostor_id}/review": "not_found impostor_state day_invalid impostor_dates_invalid",
    "GET /v1/duplicates/{duplicate_id}": "not_found",
    "POST /v1/duplicates/{duplicate_id}/decide": "not_found duplicate_changed duplicate_state "
    "duplicate_members_unknown second_person_needed explanation_invalid",
    "POST /v1/me/key": "key_rotated key_shown_once base64_invalid public_key_invalid",
    "POST /v1/institutions": "name_invalid institution_exists",
    "POST /v1/institutions/{institution_id}/branches": "not_found name_invalid institution_exists branches_too_deep",
    "POST /v1/principals": f"{_NEW_KEY} not_found name_invalid principal_exists channel_not_possible",
    "GET /v1/principals/{principal_id}": "not_found",
    "DELETE /v1/principals/{principal_id}": _PERSON_ENDED,
    "GET /v1/principals/{principal_id}/keys": "not_found",
    "POST /v1/principals/{principal_id}/keys": f"{_NEW_KEY} not_found already_revoked",
    "DELETE /v1/principals/{principal_id}/keys/{key_id}": _PERSON_ENDED,
    "GET /v1/feed": "feed_position_unknown service_busy",
    "POST /v1/feed/webhooks": "webhook_url_invalid webhooks_too_many feed_position_unknown key_shown_once",
    "DELETE /v1/feed/webhooks/{webhook_id}": "not_found already_revoked",
    "GET /v1/feed/snapshot": "snapshot_not_ready",
    "GET /v1/evidence/checkpoint": f"not_in_log {_DATABASE}",
    "GET /v1/evidence/inclusion/{leaf_hash}": f"not_in_log evidence_damaged {_DATABASE}",
    "GET /v1/evidence/consistency": f"not_in_log evidence_damaged {_DATABASE}",
    "GET /v1/evidence/status": _DATABASE,
    "POST /v1/session": _SEALED,
    "POST /v1/session/console": _SEALED,
    "POST /v1/session/end": "page_request_foreign",
    "GET /readyz": f"{_DATABASE} service_ending schema_outdated",
}
"""By method and address, what an operation refuses beyond what comes of its parameters and dependencies."""


def codes(route: APIRoute) -> dict[int, tuple[str, ...]]:
    """By HTTP status, the codes with which an operation may refuse, in the order of their names."""
    method = min(route.methods or {"GET"}, key=lambda name: name == "HEAD")
    named = set(OWN.get(f"{method} {route.path}", "").split()).union(*(part.split() for part in _depended(route)))
    statuses: dict[int, list[str]] = {}
    for code in sorted(named):
        statuses.setdefault(entry(code).http or 500, []).append(code)
    return {status: tuple(found) for status, found in sorted(statuses.items())}


def _depended(route: APIRoute) -> Iterator[str]:
    """What comes of a route's parameters, and of what it asks for before it begins."""
    asked = list(everything_below(route.dependant))
    calls = {dependant.call for dependant in asked}
    if route.body_field is not None:
        yield _BODY
    headers = [header.field_info.is_required() for one in asked for header in one.header_params]
    if any(headers) or any(one.path_params or one.query_params for one in asked):
        yield "request_invalid"
    if signin.get_caller in calls:
        yield _SIGNED_IN
    if any(isinstance(call, Mark) for call in calls):
        yield _PAGE
    if any(isinstance(call, signin.Holder) for call in calls):
        yield "role_not_allowed"
    if limits.mark in calls:
        yield "rate_limited"
    if signin.get_operator in calls:
        yield "operator_not_allowed"
    if admitted in calls:
        yield "service_overloaded"
    if signin.get_attempt in calls:
        # Whatever is written is sealed, or told of in a leaf.
        yield f"idempotency_key_missing idempotency_key_invalid idempotency_key_reused {_SEALED}"


def everything_below(dependant: Dependant) -> Iterator[Dependant]:
    """A dependency with all that it depends on."""
    yield dependant
    for inner in dependant.dependencies:
        yield from everything_below(inner)
