"""Sessions of our own pages: what the cookie is, where it works, and what ends it."""

import time
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import text
from starlette.testclient import TestClient

from api.http import sessions
from api.http.app import ROUTERS
from api.institutions import principals
from api.institutions.roles import ROLE_SCOPES, Role, Scope
from api.service import Service
from tests.api.bodies import fresh_key, new_card, register, verification
from tests.api.entries import new_key
from tests.api.http.answers import assert_error

PAGE = {"Renzheng-Page": "counter"}
TERMINAL, OPERATOR = "__Host-renzheng-counter", "__Host-renzheng-operator"


def browser(app: FastAPI, **headers: str) -> TestClient:
    """A page of ours in a browser, which keeps secure cookies only over TLS."""
    return TestClient(app, base_url="https://bank.example", headers={**PAGE, **headers}, raise_server_exceptions=False)


@pytest.fixture
def key(service: Service) -> str:
    return new_key(service.database, service.keys, Role.TERMINAL, "a bank of sessions")


@pytest.fixture
def page(app: FastAPI, key: str) -> TestClient:
    """A page that was set up."""
    made = browser(app)
    assert made.post("/v1/session", headers={"Authorization": f"Bearer {key}"}).status_code == 201
    return made


def test_the_cookie_is_out_of_reach_and_does_not_hold_the_key(app: FastAPI, key: str) -> None:
    answer = browser(app).post("/v1/session", headers={"Authorization": f"Bearer {key}"})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{TERMINAL}=")
    assert {"Secure", "HttpOnly", "SameSite=strict", "Path=/", "Max-Age=31536000"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert '"' not in cookie
    assert key not in cookie
    assert key not in answer.text
    assert answer.headers["cache-control"] == "no-store"


def test_a_page_verifies_under_its_session(page: TestClient, authority: TestClient) -> None:
    _, card = register(authority)
    nonce = page.post("/v1/captures").json()["nonce"]
    body = verification(card, nonce=nonce)
    answer = page.post("/v1/verifications", json=body, headers=fresh_key())
    assert answer.status_code == 200, answer.text
    assert answer.json()["decision"] == "PASS"


def test_it_says_who_is_signed_in(page: TestClient) -> None:
    told = page.get("/v1/session").json()
    assert told["institution"] == "a bank of sessions"
    assert (told["channel"], told["operator"]) == (None, None)


OF_TERMINALS = {
    ("POST", "/v1/captures"), ("POST", "/v1/captures/guidance"), ("POST", "/v1/verifications"), ("GET", "/v1/session"),
    ("POST", "/v1/session/operator"), ("POST", "/v1/holders/history"), ("POST", "/v1/holders/disputes"),
}  # fmt: skip
OF_OPERATORS = {
    ("POST", "/v1/verifications/{verification_id}/override"), ("GET", "/v1/overrides"),
    ("GET", "/v1/overrides/{override_id}"),
}  # fmt: skip
OF_PEOPLE = {
    ("GET", "/v1/me"), ("GET", "/v1/verifications/{verification_id}"), ("GET", "/v1/feed"),
    ("POST", "/v1/cards/search"), ("GET", "/v1/cards/{card_id}"), ("POST", "/v1/cards/{card_id}/events"),
    ("GET", "/v1/alerts"), ("GET", "/v1/alerts/{alert_id}"), ("POST", "/v1/alerts/{alert_id}/close"),
    ("GET", "/v1/impostors"), ("GET", "/v1/impostors/{impostor_id}"),
    ("POST", "/v1/impostors/{impostor_id}/approve"), ("POST", "/v1/impostors/{impostor_id}/refuse"),
    ("POST", "/v1/impostors/{impostor_id}/remove"), ("POST", "/v1/impostors/{impostor_id}/review"),
    ("GET", "/v1/duplicates"), ("GET", "/v1/duplicates/{duplicate_id}"),
    ("POST", "/v1/duplicates/{duplicate_id}/decide"),
    ("GET", "/v1/overrides"), ("GET", "/v1/overrides/{override_id}"),
    ("POST", "/v1/overrides/{override_id}/approve"), ("POST", "/v1/overrides/{override_id}/refuse"),
    ("GET", "/v1/disputes"), ("GET", "/v1/disputes/{dispute_id}"), ("POST", "/v1/disputes/{dispute_id}/resolve"),
    ("GET", "/v1/scorecards"), ("GET", "/v1/scorecards/evidence"), ("GET", "/v1/evidence/leaves"),
    ("GET", "/v1/policy"), ("GET", "/v1/standing"),
}  # fmt: skip


def test_no_route_but_those_of_pages_looks_at_a_cookie(page: TestClient) -> None:
    """From the routes themselves: one that is added later is closed to sessions unless it is opened."""
    opened: dict[str, set[tuple[str, str]]] = {kind: set() for kind in sessions.SESSION_SCOPES}
    for router in ROUTERS:
        for route in router.routes:
            assert isinstance(route, APIRoute)
            for one in route.dependencies:
                if isinstance(one.dependency, sessions.Mark):
                    for kind in one.dependency.kinds:
                        opened[kind] |= {(method, route.path) for method in route.methods or ()}
    terminals = dict.fromkeys(("counter", "kiosk", "terminal"), OF_TERMINALS)
    assert opened == {**terminals, "operator": OF_OPERATORS, "person": OF_PEOPLE}
    for method, path in [("GET", "/v1/me"), ("POST", "/v1/me/key"), ("GET", "/v1/verifications"), ("GET", "/v1/feed")]:
        assert_error(page.request(method, path, json={} if method == "POST" else None), 401, "key_missing")


@pytest.mark.parametrize(
    "headers",
    [
        {"Renzheng-Page": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
    ],
    ids=str,
)
def test_another_sites_page_is_refused(page: TestClient, headers: dict[str, str]) -> None:
    assert_error(page.post("/v1/captures", headers=headers), 400, "page_request_foreign")
    assert_error(page.post("/v1/session/end", headers=headers), 400, "page_request_foreign")
    assert page.post("/v1/captures", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 201
    assert page.post("/v1/captures", headers={"Origin": "https://bank.example"}).status_code == 201


def test_a_revoked_key_ends_its_sessions_at_once(page: TestClient, service: Service) -> None:
    assert page.post("/v1/captures").status_code == 201
    terminal = page.get("/v1/session").json()["terminal"]
    with service.database.begin() as connection:
        principals.disable(connection, service.keys, "a bank of sessions", terminal)
    assert_error(page.post("/v1/captures"), 401, "key_invalid")


def test_a_session_ends_with_its_time(page: TestClient, service: Service, key: str) -> None:
    response: Any = Recorder()
    with service.database.begin() as connection:
        sessions.begin(connection, response, service.keys, "terminal", key, 0)
    time.sleep(0.01)
    assert_error(page.post("/v1/captures", headers={"Cookie": f"{TERMINAL}={response.value}"}), 401, "session_invalid")


class Recorder:
    """Takes a cookie as a response does."""

    def set_cookie(self, name: str, value: str, **attributes: object) -> None:
        del name, attributes
        self.value = value


@pytest.mark.parametrize("cookie", ["", "x", "AAAA", "A" * 200, "é"])
def test_a_cookie_that_is_none_of_ours(app: FastAPI, cookie: str) -> None:
    headers = {b"Cookie": f"{TERMINAL}={cookie}".encode("latin-1")}
    answer = browser(app).post("/v1/captures", headers=headers)
    assert_error(answer, 401, "session_invalid")


def test_one_kind_of_cookie_is_no_other_kind(page: TestClient, app: FastAPI) -> None:
    sealed = page.cookies[TERMINAL]
    swapped = browser(app, Cookie=f"{TERMINAL}={sealed}; {OPERATOR}={sealed}")
    assert_error(swapped.get("/v1/session"), 403, "operator_not_allowed")
    swapped = browser(app, Cookie=f"__Host-renzheng-kiosk={sealed}", **KIOSK)
    assert_error(swapped.get("/v1/session"), 401, "session_invalid")


@pytest.mark.parametrize("cookie", ["", "x", "A" * 200])
def test_a_tellers_cookie_that_does_not_open_leaves_the_counter_set_up(page: TestClient, cookie: str) -> None:
    """As after other master keys: the page takes the teller's cookie back, and goes on."""
    page.cookies.set(OPERATOR, cookie, domain="bank.example")
    assert_error(page.get("/v1/session"), 403, "operator_not_allowed")
    assert page.post("/v1/session/end?only=operator").status_code == 200
    assert page.get("/v1/session").json()["operator"] is None


def test_an_operator_attends_and_leaves(page: TestClient, service: Service, authority: TestClient) -> None:
    theirs = new_key(service.database, service.keys, Role.OPERATOR, "a bank of sessions")
    begun = page.post("/v1/session/operator", headers={"Operator-Key": theirs})
    assert begun.status_code == 201, begun.text
    assert theirs not in begun.headers["set-cookie"]
    told = page.get("/v1/session").json()
    assert told["operator"] == begun.json()["name"]
    _, card = register(authority)
    body = verification(card, nonce=page.post("/v1/captures").json()["nonce"])
    decided = page.post("/v1/verifications", json=body, headers=fresh_key()).json()
    with service.database.begin() as connection:
        asked = text("SELECT operator_id FROM verifications WHERE id = :id")
        found = connection.execute(asked, {"id": decided["id"]}).scalar_one()
    assert found is not None
    assert page.post("/v1/session/end?only=operator").json() == {"ended": True}
    assert page.get("/v1/session").json()["operator"] is None


def test_who_may_attend(page: TestClient, service: Service) -> None:
    stranger = new_key(service.database, service.keys, Role.OPERATOR)
    refused = page.post("/v1/session/operator", headers={"Operator-Key": stranger})
    assert_error(refused, 403, "operator_not_allowed")
    assert "set-cookie" not in refused.headers
    assert_error(page.post("/v1/session/operator"), 422, "request_invalid")


def test_signing_out_takes_the_cookies_back(page: TestClient) -> None:
    assert page.post("/v1/session/end").status_code == 200
    assert not page.cookies
    assert_error(page.get("/v1/session"), 401, "key_missing")


def test_only_terminals_sign_in(app: FastAPI, service: Service) -> None:
    supervisor = new_key(service.database, service.keys, Role.SUPERVISOR)
    refused = browser(app).post("/v1/session", headers={"Authorization": f"Bearer {supervisor}"})
    assert_error(refused, 403, "role_not_allowed")
    assert "set-cookie" not in refused.headers


def test_a_bearer_key_counts_before_a_cookie(page: TestClient, terminal: TestClient) -> None:
    """Whoever sends a key means it, and needs no header of ours."""
    bearer = {"Authorization": terminal.headers["authorization"], "Renzheng-Page": ""}
    assert page.post("/v1/captures", headers=bearer).status_code == 201


def test_what_a_session_may_do_does_not_grow_with_its_key(page: TestClient) -> None:
    assert {scope.value for scope in sessions.SESSION_SCOPES["counter"]} == {"verify", "serve_holders"}
    assert {scope.value for scope in sessions.SESSION_SCOPES["kiosk"]} == {"verify"}
    assert {scope.value for scope in sessions.SESSION_SCOPES["operator"]} == {"override", "read_verifications"}
    never = {Scope.MANAGE_PRINCIPALS, Scope.MANAGE_INSTITUTIONS, Scope.MANAGE_WEBHOOKS, Scope.REGISTER_CARDS}
    assert not sessions.SESSION_SCOPES["person"] & (never | {Scope.VERIFY, Scope.OVERRIDE, Scope.SEARCH_DUPLICATES})
    assert_error(page.post("/v1/verifications", json=verification(new_card())), 400, "idempotency_key_missing")


CONSOLE = {"Renzheng-Page": "console"}


@pytest.mark.parametrize("role", [Role.AUTHORITY, Role.SUPERVISOR, Role.REGULATOR, Role.EVALUATOR])
def test_people_sign_in_at_the_console(app: FastAPI, service: Service, role: Role) -> None:
    theirs = new_key(service.database, service.keys, role)
    console = browser(app, **CONSOLE)
    begun = console.post("/v1/session/console", headers={"Authorization": f"Bearer {theirs}"})
    assert begun.status_code == 201, begun.text
    assert begun.headers["set-cookie"].startswith("__Host-renzheng-person=")
    assert "Max-Age=1200" in begun.headers["set-cookie"]
    assert theirs not in begun.headers["set-cookie"] + begun.text
    told = console.get("/v1/me").json()
    assert told["role"] == role.value
    assert set(told["scopes"]) == {one.value for one in ROLE_SCOPES[role] & sessions.SESSION_SCOPES["person"]}
    assert console.post("/v1/session/end?only=console").status_code == 200
    assert_error(console.get("/v1/me"), 401, "key_missing")


def test_a_session_of_the_console_is_renewed_within_its_shift(app: FastAPI, service: Service) -> None:
    theirs = new_key(service.database, service.keys, Role.REGULATOR)
    key = {"Authorization": f"Bearer {theirs}"}
    console = browser(app, **CONSOLE)
    first = console.post("/v1/session/console", headers=key).headers["set-cookie"]
    again = console.get("/v1/me").headers["set-cookie"]
    assert again.split(";")[0] != first.split(";")[0]
    assert {"Secure", "HttpOnly", "SameSite=strict", "Path=/", "Max-Age=1200"} <= set(again.split("; "))
    assert "set-cookie" not in console.get("/v1/me", headers=key).headers, "a key is no session"
    assert "set-cookie" not in console.get("/v1/policy").headers, "what a page asks by itself keeps nobody signed in"
    response: Any = Recorder()
    with service.database.begin() as connection:
        sessions.begin(connection, response, service.keys, "person", theirs, 90)
    renewed = browser(app, **CONSOLE, Cookie=f"__Host-renzheng-person={response.value}").get("/v1/me")
    lasts = int(renewed.headers["set-cookie"].split("Max-Age=")[1].split(";")[0])
    assert 30 <= lasts <= 90, "and never past its end"


def test_a_stream_ends_with_its_session(app: FastAPI, service: Service) -> None:
    theirs = new_key(service.database, service.keys, Role.REGULATOR)
    response: Any = Recorder()
    with service.database.begin() as connection:
        sessions.begin(connection, response, service.keys, "person", theirs, 4)
    console = browser(app, **CONSOLE, Cookie=f"__Host-renzheng-person={response.value}")
    streamed = console.get("/v1/feed", headers={"Accept": "text/event-stream"})
    assert streamed.status_code == 200, streamed.text
    assert "event: head" in streamed.text
    assert_error(console.get("/v1/feed", headers={"Accept": "text/event-stream"}), 401, "session_invalid")


@pytest.mark.parametrize("role", [Role.TERMINAL, Role.OPERATOR, Role.ADMINISTRATOR])
def test_who_has_nothing_to_do_at_the_console_is_told(app: FastAPI, service: Service, role: Role) -> None:
    theirs = new_key(service.database, service.keys, role)
    refused = browser(app, **CONSOLE).post("/v1/session/console", headers={"Authorization": f"Bearer {theirs}"})
    assert_error(refused, 403, "role_not_allowed")
    assert "set-cookie" not in refused.headers


def test_each_page_uses_its_own_sessions(page: TestClient, service: Service) -> None:
    """Both may be open in one browser, which sends all of its cookies with every request."""
    operator = new_key(service.database, service.keys, Role.OPERATOR, "a bank of sessions")
    supervisor = new_key(service.database, service.keys, Role.SUPERVISOR, "a bank of sessions")
    assert page.post("/v1/session/operator", headers={"Operator-Key": operator}).status_code == 201
    begun = page.post("/v1/session/console", headers={**CONSOLE, "Authorization": f"Bearer {supervisor}"})
    assert begun.status_code == 201
    assert_error(page.get("/v1/me"), 401, "key_missing")
    assert page.get("/v1/me", headers=CONSOLE).json()["role"] == "supervisor"
    assert_error(page.post("/v1/captures", headers=CONSOLE), 401, "key_missing")
    nobodys = f"/v1/overrides/{UUID(int=0)}/approve"
    assert_error(page.post(nobodys, json={}, headers=fresh_key()), 401, "key_missing")
    assert_error(page.post(nobodys, json={}, headers={**CONSOLE, **fresh_key()}), 404, "not_found")
    entering = f"/v1/verifications/{UUID(int=0)}/override"
    body = {"reason": "other", "text": "looked twice"}
    assert_error(page.post(entering, json=body, headers=fresh_key()), 404, "not_found")
    assert_error(page.post(entering, json=body, headers={**CONSOLE, **fresh_key()}), 401, "key_missing")
    assert_error(page.get("/v1/overrides", headers={"Renzheng-Page": "other"}), 400, "page_request_foreign")


KIOSK = {"Renzheng-Page": "kiosk"}


def test_counter_and_kiosk_of_one_browser_keep_a_key_each(page: TestClient, service: Service) -> None:
    """Setting one up, and signing out at one, leaves the other as it is; and its teller is nobody at the other."""
    operator = new_key(service.database, service.keys, Role.OPERATOR, "a bank of sessions")
    assert page.post("/v1/session/operator", headers={"Operator-Key": operator}).status_code == 201
    counter = page.get("/v1/session").json()
    assert_error(page.get("/v1/session", headers=KIOSK), 401, "key_missing")
    another = new_key(service.database, service.keys, Role.TERMINAL, "a bank of kiosks")
    assert page.post("/v1/session", headers={**KIOSK, "Authorization": f"Bearer {another}"}).status_code == 201
    assert page.get("/v1/session").json() == counter
    kiosk = page.get("/v1/session", headers=KIOSK).json()
    assert (kiosk["institution"], kiosk["operator"]) == ("a bank of kiosks", None)
    for ends in ("/v1/session/end", "/v1/session/end?only=operator", "/v1/session/end?only=console"):
        assert page.post(ends, headers=KIOSK).status_code == 200
    assert_error(page.get("/v1/session", headers=KIOSK), 401, "key_missing")
    assert page.get("/v1/session").json() == counter


@pytest.mark.parametrize("channel", ["counter", "kiosk", None])
def test_a_terminal_of_before_each_page_had_its_own_key_stays_set_up(
    app: FastAPI, service: Service, channel: str | None
) -> None:
    with service.database.begin() as connection:
        added = principals.add(
            connection, service.keys, "an old bank", f"desk {channel}", Role.TERMINAL, channel=channel
        )
    old = browser(app, **{"Renzheng-Page": "1"})
    assert old.post("/v1/session", headers={"Authorization": f"Bearer {added.key}"}).status_code == 201
    assert list(old.cookies) == ["__Host-renzheng-terminal"]
    for asks in ("counter", "kiosk"):
        told = old.get("/v1/session", headers={"Renzheng-Page": asks})
        if channel in {None, asks}:
            assert told.json()["terminal"] == f"desk {channel}"
            assert "Max-Age=315" in told.headers["set-cookie"], "as long as it would have lasted"
            assert old.post("/v1/captures", headers={"Renzheng-Page": asks}).status_code == 201
        else:
            assert_error(told, 401, "session_invalid")
            assert "set-cookie" not in told.headers
    kept = {f"__Host-renzheng-{one}" for one in ([channel] if channel else ["counter", "kiosk"])}
    assert set(old.cookies) == {"__Host-renzheng-terminal", *kept}
    assert old.get("/v1/session").status_code == 200, "a page that is still open goes on"
