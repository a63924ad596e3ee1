"""Every error as it leaves the service, through the real handlers: status, headers and body are the catalogue's."""

from collections.abc import Callable

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.errors import ServiceError, catalogue
from api.http import errors
from api.http.envelope import Envelope
from api.matching.comparison import CaptureInvalid
from api.storage.idempotency import RefusedBefore

_ROOMS = {kind.__name__: kind for kind in errors._CODES}
AT_THE_DOOR = [code for code, found in catalogue().items() if found.http is not None]


@pytest.fixture(scope="module")
def client() -> TestClient:
    app = FastAPI()
    errors.install(app)
    app.add_middleware(Envelope)

    @app.get("/raise/{kind}/{code}")
    def _(kind: str, code: str) -> None:
        raise RAISED[kind](code)

    return TestClient(app, raise_server_exceptions=False)


RAISED: dict[str, Callable[[str], Exception]] = {
    "service": ServiceError,
    "capture": lambda code: CaptureInvalid(code, "face"),
    "again": lambda code: RefusedBefore(code, []),
    "room": lambda name: _ROOMS[name].__new__(_ROOMS[name]),  # some want arguments, which are never told
    "unforeseen": RuntimeError,
}


def told(client: TestClient, kind: str, raised: str, code: str) -> None:
    answer = client.get(f"/raise/{kind}/{raised}")
    found = catalogue()[code]
    body = answer.json()
    assert (answer.status_code, body["code"]) == (found.http, code)
    assert (body["retryable"], body["message"], body["operator"]) == (
        found.retryable, found.message.model_dump(), found.operator.model_dump(),
    )  # fmt: skip
    assert set(body) - {"details"} == {"code", "message", "operator", "retryable", "request_id"}, "no causes in answers"
    assert ("retry-after" in answer.headers) == (found.http == 503 and found.retryable)
    assert ("www-authenticate" in answer.headers) == (found.http == 401)


def test_errors_are_answered_as_the_catalogue_has_them(client: TestClient) -> None:
    for code in AT_THE_DOOR:
        told(client, "service", code, code)


def test_a_refusal_of_before_and_a_capture_are_too(client: TestClient) -> None:
    for code in ("image_truncated", "capture_duplicate"):
        told(client, "capture", code, code)
    for code in ("card_exists", "card_unknown"):
        told(client, "again", code, code)


def test_what_a_room_raises_has_its_code(client: TestClient) -> None:
    for name, kind in _ROOMS.items():
        told(client, "room", name, errors._CODES[kind])


def test_what_nobody_foresaw_is_internal(client: TestClient) -> None:
    told(client, "unforeseen", "anything", "internal")


def test_what_may_be_tried_again_is_what_passes_by_itself() -> None:
    """The same bytes sent again: of 4xx these may pass, of 5xx all but what somebody has to mend."""
    again = {code for code in AT_THE_DOOR if catalogue()[code].retryable}
    failures = {code for code in AT_THE_DOOR if (catalogue()[code].http or 0) >= 500}
    assert again - failures == {"body_incomplete", "not_in_log", "rate_limited"}
    assert failures - again == {"models_unavailable", "evidence_damaged"}


def test_what_only_the_database_or_the_keys_bring_about(client: TestClient) -> None:
    for kind, status, code in (
        ("LogDamaged", 500, "evidence_damaged"),
        ("MasterKeyUnavailable", 503, "master_key_unavailable"),
        ("ModelError", 503, "models_unavailable"),
    ):
        answer = client.get(f"/raise/room/{kind}")
        assert (answer.status_code, answer.json()["code"]) == (status, code)
