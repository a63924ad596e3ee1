"""The OpenAPI document: complete enough to write a client from."""

from typing import Any

import jsonschema_rs
import pytest
from fastapi import FastAPI, Request
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.testclient import TestClient

from api.accountability.holders.schemas import DisputeBody, DisputeResolution, HistoryBody
from api.accountability.overrides.schemas import OverrideBody, OverrideDecision
from api.accountability.transactions.schemas import TransactionBody, TransactionsBody
from api.alerts.schemas import AlertClosing
from api.cards.schemas import CardEvent, CardRegistration, CardSearch, FaceAddition, FaceBody, FingerprintsBody
from api.duplicates.schemas import DuplicateDecision
from api.errors import catalogue, entry
from api.feed.webhooks.schemas import WebhookBody
from api.http import errors, public
from api.http.app import ROUTERS as ROUTERS_OF_THE_APPLICATION
from api.http.codes import OWN, codes
from api.institutions.schemas import InstitutionBody, KeyBody, PrincipalBody, RotationBody
from api.personal.holds.schemas import HoldBody, HoldLifting
from api.personal.schemas import ErasureBody
from api.screening.schemas import ImpostorApproval, ImpostorBody, ImpostorEnding, ImpostorReview
from api.verification.schemas import VerificationBody
from tests.api.bodies import new_card
from tests.api.conftest import unstated

BODIES: dict[str, type[BaseModel]] = {
    "/v1/cards": CardRegistration,
    "/v1/cards/{card_id}/events": CardEvent,
    "/v1/cards/search": CardSearch,
    "/v1/cards/{card_id}/face": FaceAddition,
    "/v1/cards/{card_id}/fingerprints": FingerprintsBody,
    "/v1/cards/{card_id}/erasure": ErasureBody,
    "/v1/holds": HoldBody,
    "/v1/holds/{hold_id}/lift": HoldLifting,
    "/v1/captures/guidance": FaceBody,
    "/v1/verifications": VerificationBody,
    "/v1/me/key": RotationBody,
    "/v1/institutions": InstitutionBody,
    "/v1/institutions/{institution_id}/branches": InstitutionBody,
    "/v1/principals": PrincipalBody,
    "/v1/principals/{principal_id}/keys": KeyBody,
    "/v1/alerts/{alert_id}/close": AlertClosing,
    "/v1/transactions": TransactionBody,
    "/v1/transactions/batch": TransactionsBody,
    "/v1/verifications/{verification_id}/override": OverrideBody,
    "/v1/overrides/{override_id}/approve": OverrideDecision,
    "/v1/overrides/{override_id}/refuse": OverrideDecision,
    "/v1/holders/history": HistoryBody,
    "/v1/holders/disputes": DisputeBody,
    "/v1/disputes/{dispute_id}/resolve": DisputeResolution,
    "/v1/feed/webhooks": WebhookBody,
    "/v1/impostors": ImpostorBody,
    "/v1/impostors/{impostor_id}/approve": ImpostorApproval,
    "/v1/impostors/{impostor_id}/refuse": ImpostorEnding,
    "/v1/impostors/{impostor_id}/remove": ImpostorEnding,
    "/v1/impostors/{impostor_id}/review": ImpostorReview,
    "/v1/duplicates/{duplicate_id}/decide": DuplicateDecision,
}


ROUTES = """\
post /v1/captures
post /v1/captures/guidance
post /v1/verifications
get /v1/verifications
get /v1/verifications/{verification_id}
post /v1/checks
get /v1/checks/{check_id}
post /v1/cards
post /v1/cards/search
get /v1/cards/{card_id}
post /v1/cards/{card_id}/events
post /v1/cards/{card_id}/face
post /v1/cards/{card_id}/fingerprints
post /v1/cards/{card_id}/erasure
get /v1/alerts
get /v1/alerts/{alert_id}
post /v1/alerts/{alert_id}/close
post /v1/impostors
get /v1/impostors
get /v1/impostors/{impostor_id}
post /v1/impostors/{impostor_id}/approve
post /v1/impostors/{impostor_id}/refuse
post /v1/impostors/{impostor_id}/remove
post /v1/impostors/{impostor_id}/review
get /v1/duplicates
get /v1/duplicates/{duplicate_id}
post /v1/duplicates/{duplicate_id}/decide
post /v1/transactions
post /v1/transactions/batch
get /v1/transactions
get /v1/transactions/{transaction_id}
post /v1/verifications/{verification_id}/override
post /v1/holds
get /v1/holds
get /v1/holds/{hold_id}
post /v1/holds/{hold_id}/lift
get /v1/overrides
get /v1/overrides/{override_id}
post /v1/overrides/{override_id}/approve
post /v1/overrides/{override_id}/refuse
get /v1/scorecards
get /v1/scorecards/evidence
post /v1/holders/history
post /v1/holders/disputes
get /v1/disputes
get /v1/disputes/{dispute_id}
post /v1/disputes/{dispute_id}/resolve
get /v1/me
post /v1/me/key
get /v1/institutions
post /v1/institutions
post /v1/institutions/{institution_id}/branches
get /v1/principals
post /v1/principals
get /v1/principals/{principal_id}
delete /v1/principals/{principal_id}
get /v1/principals/{principal_id}/keys
post /v1/principals/{principal_id}/keys
delete /v1/principals/{principal_id}/keys/{key_id}
get /v1/feed
get /v1/feed/key
get /v1/feed/webhooks
post /v1/feed/webhooks
delete /v1/feed/webhooks/{webhook_id}
get /v1/feed/snapshot
get /v1/evidence/checkpoint
get /v1/evidence/inclusion/{leaf_hash}
get /v1/evidence/consistency
get /v1/evidence/status
get /v1/evidence/leaves
post /v1/session
get /v1/session
post /v1/session/operator
post /v1/session/console
get /v1/policy
get /v1/standing
post /v1/session/end
get /v1/errors
get /v1/keys
get /healthz
get /readyz"""
# What everybody may read, and what needs a key.
OPEN = ("/v1/session/end", "/v1/errors", "/v1/keys", "/healthz", "/readyz", "/v1/evidence/")
KEYED = "/v1/evidence/leaves"


@pytest.fixture(scope="module")
def document(app: FastAPI) -> Any:
    return TestClient(app).get("/openapi.json").json()


def operations(document: Any) -> list[tuple[str, str, Any]]:
    return [(path, method, operation) for path, item in document["paths"].items() for method, operation in item.items()]


def test_the_documentation_is_served(anonymous: TestClient) -> None:
    answer = anonymous.get("/docs")
    assert answer.status_code == 200
    assert "text/html" in answer.headers["content-type"]
    assert "/openapi.json" in answer.text


def test_the_routes_are_those_of_the_contract(document: Any) -> None:
    assert {f"{method} {path}" for path, method, _ in operations(document)} == set(ROUTES.split("\n"))


def test_every_route_says_what_it_does(document: Any) -> None:
    for path, method, operation in operations(document):
        assert len(operation["summary"]) > 10, (method, path)
        assert operation["description"], (method, path)
        assert operation["tags"], (method, path)


def test_every_operation_has_a_name_of_its_own(document: Any) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names) == len(ROUTES.split("\n"))


def test_every_parameter_is_described(document: Any) -> None:
    assert [
        (path, parameter["name"])
        for path, _, operation in operations(document)
        for parameter in operation.get("parameters", ())
        if not parameter.get("description")
    ] == []


def test_tags_are_explained(document: Any) -> None:
    used = {tag for _, _, operation in operations(document) for tag in operation["tags"]}
    assert {tag["name"] for tag in document["tags"]} == used
    assert all(tag["description"] for tag in document["tags"])


def refusals(document: Any, operation: Any) -> dict[int, Any]:
    """By status; what several operations answer stands among the components."""
    answers = {int(status): answer for status, answer in operation["responses"].items() if int(status) >= 400}
    named = document["components"]["responses"]
    return {status: named[answer["$ref"].rpartition("/")[2]] if "$ref" in answer else answer
            for status, answer in answers.items()}  # fmt: skip


def test_every_refusal_is_stated_with_its_codes(document: Any) -> None:
    for path, _, operation in operations(document):
        stated = refusals(document, operation)
        for status, refusal in stated.items():
            content = refusal["content"]["application/json"]
            assert content["schema"] == {"$ref": "#/components/schemas/ErrorAnswer"}, (path, status)
            assert refusal["x-codes"]
            assert list(content["examples"]) == refusal["x-codes"]
            for code in refusal["x-codes"]:
                assert entry(code).http == status, (path, code)
        if "requestBody" in operation:
            assert {400, 413, 415, 422} <= stated.keys(), path
        if any(one["name"] == "idempotency-key" for one in operation.get("parameters", ())):
            assert "idempotency_key_missing" in stated[400]["x-codes"]
            assert "idempotency_key_reused" in stated[409]["x-codes"]
        if "{" in path:
            assert {404, 422, 503} <= stated.keys(), path
        assert (401 in stated) == needs_key(path), path
        assert ("role_not_allowed" in stated.get(403, {"x-codes": ()})["x-codes"]) or not operation.get("x-scopes")


def test_the_codes_that_are_stated_are_all_that_the_service_answers(document: Any) -> None:
    """That an operation answers no other is watched in every test: see `refusals_watched` in tests/api/conftest.py."""
    stated = {
        code
        for _, _, operation in operations(document)
        for refusal in refusals(document, operation).values()
        for code in refusal["x-codes"]
    }
    # Two stand in `details` alone; one is of another method at an operation's address, one is of none of them, and one
    # is the Bio-SDK service's, which has no document.
    elsewhere = {"field_missing", "field_unknown", "method_not_allowed", "internal", "too_much_at_once"}
    assert stated == {code for code, found in catalogue().items() if found.http is not None} - elsewhere
    assert set(OWN) <= {f"{method.upper()} {path}" for path, method, _ in operations(document)}


def test_the_watch_sees_a_code_that_is_not_stated() -> None:
    (keys,) = (route for route in public.router.routes if isinstance(route, APIRoute) and route.path == "/v1/keys")
    assert codes(keys) == {}
    request = Request({"type": "http", "method": "GET", "headers": [], "state": {}, "route": keys})
    assert errors.response(request, "card_exists").status_code == 409
    assert unstated == ["GET /v1/keys answers card_exists"]
    unstated.clear()


def test_successes_have_a_schema(document: Any) -> None:
    for path, method, operation in operations(document):
        (success,) = (answer for status, answer in operation["responses"].items() if status in {"200", "201"})
        for content in success["content"].values():
            assert content["schema"], (method, path)


def test_every_example_is_of_its_form(document: Any) -> None:
    """Of every request, answer and refusal; where there is none, because the answer is a file."""
    without, checked = [], 0
    for path, method, operation in operations(document):
        bodies = operation.get("requestBody", {}).get("content", {})
        sent = [(one, value["value"]) for one in bodies.values() for value in one["examples"].values()]
        answers = [answer for status, answer in operation["responses"].items() if status in {"200", "201"}]
        given = [(one, one["example"]) for answer in answers for one in answer["content"].values() if "example" in one]
        without += [] if given else [(method, path)]
        for content, value in sent + given:
            faults = [str(fault) for fault in validator(document, content["schema"]).iter_errors(value)]
            assert faults == [], (method, path, "examples are in api/http/answers.json and api/http/examples.py")
            checked += 1
    assert without == [("get", "/v1/feed/snapshot")]
    assert checked > 110
    error = validator(document, {"$ref": "#/components/schemas/ErrorAnswer"})
    for code, example in document["components"]["examples"].items():
        assert error.is_valid(example["value"])
        assert example["value"]["code"] == code
    assert not error.is_valid({"code": "card_exists"}), "it does look"


def validator(document: Any, schema: Any) -> Any:
    return jsonschema_rs.validator_for({**schema, "components": document["components"]}, validate_formats=True)


def test_it_is_made_once(app: FastAPI) -> None:
    assert app.openapi() is app.openapi()


@pytest.mark.parametrize("path", BODIES)
def test_requests_have_examples_that_are_taken(document: Any, path: str) -> None:
    """By the models themselves, which ask for more than the schemas say: a check digit, an order of days."""
    content = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    assert content["examples"]
    for example in content["examples"].values():
        assert example["summary"]
        BODIES[path].model_validate(example["value"])


def needs_key(path: str) -> bool:
    return path == KEYED or not path.startswith(OPEN)


def test_the_key_is_asked_for(document: Any) -> None:
    schemes = document["components"]["securitySchemes"]
    assert [scheme["scheme"] for scheme in schemes.values()] == ["bearer"]
    for path, _, operation in operations(document):
        assert (operation["security"] == []) == (not needs_key(path)), path


def test_the_idempotency_key_is_documented(document: Any) -> None:
    for path in BODIES.keys() - {"/v1/cards/search", "/v1/captures/guidance", "/v1/holders/history"}:
        # These change nothing.
        parameters = {one["name"].lower(): one for one in document["paths"][path]["post"]["parameters"]}
        assert "ASCII" in parameters["idempotency-key"]["description"]
        assert parameters["idempotency-key"]["required"], "without it a request is refused"


def test_the_schemas_state_what_is_enforced(document: Any) -> None:
    schemas = document["components"]["schemas"]
    assert set(schemas["CardBody"]["properties"]) == {*new_card(), "serial", "type", "text"}
    assert schemas["CardBody"]["additionalProperties"] is False
    assert "right_thumb" in schemas["FingerBody"]["properties"]["position"]["enum"]
    assert schemas["VerificationBody"]["properties"]["channel"]["enum"] == ["counter", "kiosk"]
    assert "registered" not in str(schemas["CardEvent"]["properties"]["event"])


def test_every_route_of_the_application_is_in_the_document(document: Any) -> None:
    routes = {
        route.path for router in ROUTERS_OF_THE_APPLICATION for route in router.routes if isinstance(route, APIRoute)
    }
    assert len(routes) > 20
    assert routes == set(document["paths"])
