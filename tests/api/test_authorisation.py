"""Every route with every role, from the OpenAPI document: a route that is missing in the table below fails.

The table is written by hand, apart from `api/institutions/roles.py`: it says who is meant to reach what.
"""

import re
import secrets
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import func, select
from starlette.testclient import TestClient

from api.http.app import ROUTERS
from api.institutions import credentials, principals
from api.institutions.roles import ROLE_SCOPES, Role
from api.service import Service
from api.storage import tables
from tests.api.clients import KeyedClient
from tests.api.entries import new_key
from tests.api.http.answers import assert_error

T, A, O, S, R, E, M = (  # noqa: E741
    Role.TERMINAL, Role.AUTHORITY, Role.OPERATOR, Role.SUPERVISOR, Role.REGULATOR, Role.EVALUATOR, Role.ADMINISTRATOR,
)  # fmt: skip
# Who reaches a route: some roles; any key that lives; anybody at all.
ANY_KEY, ANYBODY = "any key", "anybody"

Route = tuple[str, str]
TABLE: dict[Route, set[Role] | str] = {
    ("POST", "/v1/captures"): {T},
    ("POST", "/v1/captures/guidance"): {T},
    ("POST", "/v1/verifications"): {T},
    ("GET", "/v1/verifications"): {O, S},
    ("GET", "/v1/verifications/{verification_id}"): {T, O, S},
    ("POST", "/v1/checks"): {T},
    ("GET", "/v1/checks/{check_id}"): {T},
    ("POST", "/v1/cards"): {A},
    ("POST", "/v1/cards/search"): {A},
    ("GET", "/v1/cards/{card_id}"): {A},
    ("POST", "/v1/cards/{card_id}/events"): {A},
    ("POST", "/v1/cards/{card_id}/face"): {A},
    ("POST", "/v1/cards/{card_id}/fingerprints"): {A},
    ("POST", "/v1/cards/{card_id}/erasure"): {A},
    ("POST", "/v1/holds"): {A, S, R},
    ("GET", "/v1/holds"): {A, S, R},
    ("GET", "/v1/holds/{hold_id}"): {A, S, R},
    ("POST", "/v1/holds/{hold_id}/lift"): {A, S, R},
    ("GET", "/v1/alerts"): {A, S},
    ("GET", "/v1/alerts/{alert_id}"): {A, S},
    ("POST", "/v1/alerts/{alert_id}/close"): {A, S},
    ("POST", "/v1/impostors"): {A, S},
    ("GET", "/v1/impostors"): {A, S},
    ("GET", "/v1/impostors/{impostor_id}"): {A, S},
    ("POST", "/v1/impostors/{impostor_id}/approve"): {A, S},
    ("POST", "/v1/impostors/{impostor_id}/refuse"): {A, S},
    ("POST", "/v1/impostors/{impostor_id}/remove"): {A, S},
    ("POST", "/v1/impostors/{impostor_id}/review"): {A, S},
    ("GET", "/v1/duplicates"): {A},
    ("GET", "/v1/duplicates/{duplicate_id}"): {A},
    ("POST", "/v1/duplicates/{duplicate_id}/decide"): {A},
    ("POST", "/v1/transactions"): {T},
    ("POST", "/v1/transactions/batch"): {T},
    ("GET", "/v1/transactions"): {S, R},
    ("GET", "/v1/transactions/{transaction_id}"): {T, S, R},
    ("POST", "/v1/verifications/{verification_id}/override"): {O, S},
    ("GET", "/v1/overrides"): {O, S, R},
    ("GET", "/v1/overrides/{override_id}"): {O, S, R},
    ("POST", "/v1/overrides/{override_id}/approve"): {S},
    ("POST", "/v1/overrides/{override_id}/refuse"): {S},
    ("GET", "/v1/scorecards"): {S, R},
    ("GET", "/v1/scorecards/evidence"): {S, R},
    ("POST", "/v1/holders/history"): {T},
    ("POST", "/v1/holders/disputes"): {T},
    ("GET", "/v1/disputes"): {S, R},
    ("GET", "/v1/disputes/{dispute_id}"): {S, R},
    ("POST", "/v1/disputes/{dispute_id}/resolve"): {S},
    ("GET", "/v1/me"): ANY_KEY,
    ("POST", "/v1/me/key"): ANY_KEY,
    ("GET", "/v1/institutions"): {S, M},
    ("POST", "/v1/institutions"): {M},
    ("POST", "/v1/institutions/{institution_id}/branches"): {S, M},
    ("GET", "/v1/principals"): {S, M},
    ("POST", "/v1/principals"): {S, M},
    ("GET", "/v1/principals/{principal_id}"): {S, M},
    ("DELETE", "/v1/principals/{principal_id}"): {S, M},
    ("GET", "/v1/principals/{principal_id}/keys"): {S, M},
    ("POST", "/v1/principals/{principal_id}/keys"): {S, M},
    ("DELETE", "/v1/principals/{principal_id}/keys/{key_id}"): {S, M},
    ("GET", "/v1/feed"): {T, A, R},
    ("GET", "/v1/feed/key"): {T, A, R},
    ("GET", "/v1/feed/snapshot"): {T, A, R},
    ("GET", "/v1/feed/webhooks"): {A, S},
    ("POST", "/v1/feed/webhooks"): {A, S},
    ("DELETE", "/v1/feed/webhooks/{webhook_id}"): {A, S},
    ("GET", "/v1/evidence/leaves"): {R, E},
    # The log's head and proofs hold hashes only: anybody may watch it.
    ("GET", "/v1/evidence/checkpoint"): ANYBODY,
    ("GET", "/v1/evidence/inclusion/{leaf_hash}"): ANYBODY,
    ("GET", "/v1/evidence/consistency"): ANYBODY,
    ("GET", "/v1/evidence/status"): ANYBODY,
    ("GET", "/v1/policy"): {A, S, R, E},
    ("GET", "/v1/standing"): {A, S, R, E},
    ("POST", "/v1/session"): {T},
    ("GET", "/v1/session"): {T},
    ("POST", "/v1/session/operator"): {T},
    ("POST", "/v1/session/console"): {A, S, R, E},
    # A page whose key was revoked signs out all the same.
    ("POST", "/v1/session/end"): ANYBODY,
    ("GET", "/v1/errors"): ANYBODY,
    ("GET", "/v1/keys"): ANYBODY,
    ("GET", "/healthz"): ANYBODY,
    ("GET", "/readyz"): ANYBODY,
}
KEYED = {route: who for route, who in TABLE.items() if who != ANYBODY}
UNKNOWN = "0c5f7a3e-6f0d-4f6e-9b0a-2f6f2f0d9a11"


def routes(app: FastAPI) -> dict[Route, dict[str, Any]]:
    paths = TestClient(app).get("/openapi.json").json()["paths"]
    return {(method.upper(), path): operation for path, item in paths.items() for method, operation in item.items()}


def ask(client: TestClient, route: Route) -> Any:
    """A request to a route, about nothing that is there."""
    method, path = route
    filled = path.replace("{leaf_hash}", "0" * 64)
    filled = re.sub(r"\{[a-z]+_id\}", UNKNOWN, filled)
    assert "{" not in filled
    return client.request(method, filled, json={} if method == "POST" else None)


@pytest.fixture(scope="module")
def clients(app: FastAPI, service: Service) -> dict[Any, TestClient]:
    """A client of every role, and of keys that may nothing."""
    made = {role: client(app, new_key(service.database, service.keys, role)) for role in Role}
    with service.database.begin() as connection:
        name = secrets.token_hex(8)
        holder = principals.add(connection, service.keys, name, "nobody", Role.SUPERVISOR, scopes=[])
        ended = principals.add(connection, service.keys, name, "revoked", Role.ADMINISTRATOR)
        credentials.revoke(connection, service.keys, ended.issued.id, ended.institution_id, actor_id=None)
        late = principals.add(connection, service.keys, name, "late", Role.ADMINISTRATOR, lifetime_s=-1)
        disabled = principals.add(connection, service.keys, name, "disabled", Role.ADMINISTRATOR)
        principals.end(connection, service.keys, disabled.id, actor_id=None)
    others = {"without rights": holder, "revoked": ended, "late": late, "disabled": disabled}
    return made | {kind: client(app, added.key) for kind, added in others.items()}


def client(app: FastAPI, key: str) -> TestClient:
    return KeyedClient(app, headers={"Authorization": f"Bearer {key}"}, raise_server_exceptions=False)


def test_the_table_names_every_route_and_no_other(app: FastAPI) -> None:
    assert set(routes(app)) == set(TABLE)
    served = {
        (method, route.path) for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)
        for method in route.methods or ()
    }  # fmt: skip
    # A health check may ask for the head alone of what anybody may get.
    heads = {("HEAD", path) for (method, path), roles in TABLE.items() if method == "GET" and roles == ANYBODY}
    assert served - heads == set(TABLE), "no route hides from the document"


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("route", KEYED, ids=" ".join)
def test_a_role_reaches_what_it_is_meant_to(clients: dict[Any, TestClient], route: Route, role: Role) -> None:
    answer = ask(clients[role], route)
    if KEYED[route] == ANY_KEY or role in KEYED[route]:
        assert answer.status_code not in {401, 403, 405, 500}, answer.text
    else:
        assert_error(answer, 403, "role_not_allowed")


@pytest.mark.parametrize("route", KEYED, ids=" ".join)
def test_a_key_without_rights_reaches_nothing(clients: dict[Any, TestClient], route: Route) -> None:
    answer = ask(clients["without rights"], route)
    if KEYED[route] == ANY_KEY:
        assert answer.is_success
    else:
        assert_error(answer, 403, "role_not_allowed")


@pytest.mark.parametrize("kind", ["revoked", "late", "disabled"])
@pytest.mark.parametrize("route", KEYED, ids=" ".join)
def test_an_ended_key_reaches_nothing(clients: dict[Any, TestClient], route: Route, kind: str) -> None:
    assert_error(ask(clients[kind], route), 401, "key_invalid")


@pytest.mark.parametrize("route", TABLE, ids=" ".join)
def test_without_a_key(anonymous: TestClient, route: Route) -> None:
    answer = ask(anonymous, route)
    if TABLE[route] == ANYBODY:
        assert answer.status_code not in {401, 403, 405, 500}, answer.text
    else:
        assert_error(answer, 401, "key_missing")


# What may be done twice: who is given two nonces uses one, and the other expires; a question changes nothing; a session
# is a cookie, of which nothing is stored.
REPEATABLE: set[Route] = {
    ("POST", "/v1/captures"),
    ("POST", "/v1/captures/guidance"),
    ("POST", "/v1/cards/search"),
    ("POST", "/v1/holders/history"),
    ("POST", "/v1/session"),
    ("POST", "/v1/session/operator"),
    ("POST", "/v1/session/console"),
    ("POST", "/v1/session/end"),
}


def test_every_write_needs_an_idempotency_key(app: FastAPI, clients: dict[Any, TestClient]) -> None:
    """From the document: a new route that changes something cannot forget it."""
    writes = {route for route in routes(app) if route[0] not in {"GET", "HEAD", "OPTIONS"}}
    assert writes > REPEATABLE
    assert len(writes) > 12
    for route in sorted(writes - REPEATABLE):
        who = TABLE[route]
        role = next(iter(who)) if isinstance(who, set) else Role.SUPERVISOR
        bare = TestClient(app, headers=dict(clients[role].headers), raise_server_exceptions=False)
        assert_error(ask(bare, route), 400, "idempotency_key_missing")
        parameters = {one["name"].lower(): one for one in routes(app)[route]["parameters"]}
        assert parameters["idempotency-key"]["description"].startswith("Required"), route


def test_the_document_says_the_rights(app: FastAPI) -> None:
    """A client can tell from it who reaches what, and it says what the table says."""
    for route, operation in routes(app).items():
        needed = operation.get("x-scopes")
        who = TABLE[route]
        assert (needed is None) == (who == ANYBODY), route
        assert (operation["security"] == []) == (who == ANYBODY), route
        assert (needed == []) == (who == ANY_KEY), route
        if isinstance(who, set):
            assert needed is not None
            assert {role for role in Role if ROLE_SCOPES[role] & set(needed)} == who, route
            assert {"401", "403"} <= set(operation["responses"]), route


def test_the_walk_did_nothing_to_others(clients: dict[Any, TestClient], service: Service) -> None:
    """Requests about nothing make nothing, but for the keys that everybody may rotate."""
    for role in Role:
        holder = UUID(clients[role].get("/v1/me").json()["id"])
        for route in KEYED:
            ask(clients[role], route)
        with service.database.begin() as connection:
            acted = select(func.distinct(tables.acts.c.act)).where(tables.acts.c.actor_id == holder)
            assert set(connection.execute(acted).scalars()) <= {"key_rotated"}, role
