"""Administering institutions, principals and keys over HTTP."""

import base64
import json
import secrets
from datetime import timedelta
from uuid import uuid4

import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, update
from starlette.testclient import TestClient

from api.evidence import leaves
from api.http.app import create_app
from api.institutions.roles import ENDS, MAKES, ROLE_SCOPES, Role
from api.service import Service
from api.storage import tables
from tests.api.bodies import Json, fresh_key
from tests.api.conftest import NewDatabase
from tests.api.elsewhere import over
from tests.api.entries import new_key
from tests.api.http.answers import assert_error
from tests.api.institutions.conftest import House, ids, made, me, signed_in

MANAGES: Json = {"scopes": ["manage_principals"]}


def assert_receipt(service: Service, answer: Json, act: str, subject: str) -> Json:
    """The receipt is the service's, tells of the act, and stands in the evidence; gives the leaf."""
    receipt = answer["receipt"]
    public = service.keys.signing.public_key().public_bytes_raw()
    signature = base64.b64decode(receipt["signature"])
    assert leaves.verify(public, receipt["leaf"], receipt["include_by"], signature)
    leaf: Json = json.loads(receipt["leaf"])
    assert (leaf["kind"], leaf["act"], leaf["subject"]) == ("administration", act, subject)
    with service.database.begin() as connection:
        kept = select(tables.evidence_texts.c.seq).where(tables.evidence_texts.c.leaf == receipt["leaf"])
        assert connection.execute(kept).first() is not None
    return leaf


def acting(client: TestClient) -> tuple[str, str]:
    """Who acts, and under which key."""
    found = me(client)
    return found["id"], found["key"]["id"]


def promised(answer: Json) -> Json:
    """An answer with its receipt as promised: the proof is there as soon as the log has the leaf."""
    return answer | {"receipt": {name: value for name, value in answer["receipt"].items() if name != "inclusion"}}


def test_a_key_tells_its_holder_what_it_is(bank: House) -> None:
    terminal = bank.client(Role.TERMINAL, channel="kiosk", lifetime_s=3600)
    found = me(terminal)
    assert (found["role"], found["channel"]) == ("terminal", "kiosk")
    assert found["scopes"] == ["follow_feed", "report_transactions", "serve_holders", "verify"]
    assert found["institution"]["name"] == bank.path
    assert found["key"]["expires_at"] is not None
    assert found["key"]["signed_by"] is None
    assert me(bank.client(Role.OPERATOR))["key"]["expires_at"] is None


def test_a_bank_is_set_up_from_nothing(administrator: TestClient, app: FastAPI, service: Service) -> None:
    """Administrator, bank, first supervisor, branch, terminal: each by the one before."""
    bank = made(administrator, "/v1/institutions", {"name": (name := f"银行 {secrets.token_hex(4)}")})
    leaf = assert_receipt(service, bank, "institution_added", bank["id"])
    assert name not in json.dumps(leaf, ensure_ascii=False), "no names in the evidence"
    first = made(
        administrator, "/v1/principals", {"institution_id": bank["id"], "name": "王经理", "role": "supervisor"}
    )
    leaf = assert_receipt(service, first, "principal_added", first["id"])
    assert "王经理" not in json.dumps(leaf, ensure_ascii=False)
    assert (leaf["actor"], leaf["actor_key"]) == acting(administrator)
    supervisor = signed_in(app, first["credential"]["key"])
    assert me(supervisor)["institution"]["id"] == bank["id"]
    branch = made(supervisor, f"/v1/institutions/{bank['id']}/branches", {"name": "浦东支行"})
    assert branch["parent_id"] == bank["id"]
    terminal = made(
        supervisor,
        "/v1/principals",
        {"institution_id": branch["id"], "name": "counter 1", "role": "terminal", "channel": "counter"},
    )
    assert me(signed_in(app, terminal["credential"]["key"]))["channel"] == "counter"
    assert ids(supervisor, "/v1/institutions") == [bank["id"], branch["id"]]
    assert ids(supervisor, "/v1/principals") == [first["id"], terminal["id"]]
    assert ids(supervisor, "/v1/principals", institution=branch["id"]) == [terminal["id"]]
    assert ids(supervisor, "/v1/principals", role="supervisor") == [first["id"]]


def test_lists_come_in_pages(supervisor: TestClient, bank: House) -> None:
    wanted = [me(supervisor)["id"], *(me(bank.client(Role.TERMINAL))["id"] for _ in range(7))]
    assert ids(supervisor, "/v1/principals") == wanted
    assert supervisor.get("/v1/principals", params={"after": str(uuid4())}).json() == {"items": [], "next": None}
    assert_error(supervisor.get("/v1/principals", params={"limit": 201}), 422, "request_invalid")


@pytest.mark.parametrize("giver", [Role.SUPERVISOR, Role.ADMINISTRATOR])
@pytest.mark.parametrize("role", Role)
def test_who_makes_and_ends_whom(bank: House, giver: Role, role: Role) -> None:
    asker = bank.client(giver)
    answer = asker.post("/v1/principals", json={"name": secrets.token_hex(8), "role": role.value})
    if role in MAKES[giver]:
        assert answer.status_code == 201, answer.text
    else:
        assert_error(answer, 403, "role_not_allowed")
    other = me(bank.client(role))
    path = f"/v1/principals/{other['id']}"
    answer = asker.post(f"{path}/keys", json={})
    assert answer.status_code == (201 if role in MAKES[giver] else 403)
    keys = asker.get(f"{path}/keys").json()
    for ended in (f"{path}/keys/{keys[-1]['id']}", path):
        answer = asker.delete(ended)
        assert answer.status_code == (200 if role in ENDS[giver] else 403), (ended, answer.text)


def test_supervisors_make_no_authorities_and_administrators_make_every_other_office() -> None:
    """What the two tables have to say, whoever edits them."""
    assert MAKES[Role.SUPERVISOR] == {Role.TERMINAL, Role.OPERATOR, Role.SUPERVISOR}
    assert MAKES[Role.ADMINISTRATOR] == {
        Role.AUTHORITY, Role.SUPERVISOR, Role.REGULATOR, Role.EVALUATOR, Role.ADMINISTRATOR,
    }  # fmt: skip
    assert set(MAKES) == set(ENDS) == {Role.SUPERVISOR, Role.ADMINISTRATOR}
    assert all(MAKES[role] <= ENDS[role] for role in MAKES)


def test_a_narrow_key_makes_no_wider_one(supervisor: TestClient, app: FastAPI) -> None:
    own = f"/v1/principals/{me(supervisor)['id']}/keys"
    narrow = signed_in(app, made(supervisor, own, {"scopes": ["manage_principals"]})["key"])
    assert me(narrow)["scopes"] == ["manage_principals"]
    assert_error(narrow.post(own, json={}), 403, "scopes_not_allowed")
    assert_error(narrow.post(own, json={"scopes": ["read_verifications"]}), 403, "scopes_not_allowed")
    operator = {"name": "teller", "role": "operator"}
    assert_error(narrow.post("/v1/principals", json=operator), 403, "scopes_not_allowed")
    assert made(narrow, own, {"scopes": ["manage_principals"]})["scopes"] == ["manage_principals"]
    made(narrow, "/v1/principals", {"name": "counter", "role": "terminal"})
    rotated = signed_in(app, made(narrow, "/v1/me/key", {})["key"])
    assert me(rotated)["scopes"] == ["manage_principals"]


def test_a_key_that_runs_out_makes_none_of_its_role_that_outlives_it(supervisor: TestClient, app: FastAPI) -> None:
    own = f"/v1/principals/{me(supervisor)['id']}/keys"
    given = made(supervisor, own, {"expires_in_s": 3600})
    short, end = signed_in(app, given["key"]), given["expires_at"]
    colleague = {"name": "colleague", "role": "supervisor", "key": {"expires_in_s": 7200}}
    assert end is not None
    for wish in ({}, {"expires_in_s": 7200}):
        assert made(short, own, wish)["expires_at"] == end
    assert made(short, "/v1/principals", colleague)["credential"]["expires_at"] == end
    assert made(short, own, {"expires_in_s": 600})["expires_at"] < end
    terminal = made(short, "/v1/principals", {"name": "counter", "role": "terminal"})
    assert terminal["credential"]["expires_at"] is None, "another role's keys are the house's"
    assert made(supervisor, own, {})["expires_at"] is None


@pytest.mark.parametrize("scope", ["manage_institutions", "read_evidence", "register_cards", "verify"])
def test_nobody_gives_rights_that_the_role_lacks(supervisor: TestClient, scope: str) -> None:
    body = {"name": "teller", "role": "operator", "key": {"scopes": [scope]}}
    assert_error(supervisor.post("/v1/principals", json=body), 403, "scopes_not_allowed")


def test_an_administrator_of_a_narrow_key_reaches_no_further_than_home(administrator: TestClient, bank: House) -> None:
    own = f"/v1/principals/{me(administrator)['id']}/keys"
    narrow = signed_in(bank.app, made(administrator, own, {"scopes": ["manage_principals"]})["key"])
    stranger = me(bank.client(Role.AUTHORITY))["id"]
    assert administrator.get(f"/v1/principals/{stranger}").status_code == 200
    assert_error(narrow.get(f"/v1/principals/{stranger}"), 404, "not_found")
    assert_error(narrow.post("/v1/institutions", json={"name": "another"}), 403, "role_not_allowed")


@pytest.mark.parametrize("role", sorted(MAKES[Role.ADMINISTRATOR]))
def test_an_administrator_of_a_narrow_key_makes_nobody_of_wider_reach(
    administrator: TestClient, app: FastAPI, bank: House, role: Role
) -> None:
    asker = me(administrator)
    narrow = signed_in(app, made(administrator, f"/v1/principals/{asker['id']}/keys", MANAGES)["key"])
    home = asker["institution"]["name"]
    there = me(House(app, bank.service, home).client(role))["id"]
    wide = role in {Role.AUTHORITY, Role.REGULATOR, Role.ADMINISTRATOR}
    wishes: list[list[str] | None] = [None, []]
    for scopes in wishes:
        key = {"scopes": scopes}
        body = {"name": secrets.token_hex(8), "role": role.value, "key": key}
        for answer in (
            narrow.post("/v1/principals", json=body),
            narrow.post(f"/v1/principals/{there}/keys", json=key),
        ):
            if wide:
                assert_error(answer, 403, "role_not_allowed")
            else:
                assert answer.status_code == 201, answer.text
    made(administrator, f"/v1/principals/{there}/keys", {})


def test_one_rotates_ones_own_key(bank: House, service: Service) -> None:
    terminal = bank.client(Role.TERMINAL)
    new = made(terminal, "/v1/me/key", {"overlap_s": 600})
    assert_receipt(service, new, "key_rotated", me(terminal)["id"])
    fresh = signed_in(bank.app, new["key"])
    assert me(fresh)["id"] == me(terminal)["id"]
    assert me(terminal)["key"]["expires_at"] is not None
    assert_error(terminal.post("/v1/me/key", json={}), 409, "key_rotated")
    made(fresh, "/v1/me/key", {"overlap_s": 0})
    assert_error(fresh.get("/v1/me"), 401, "key_invalid")
    for overlap in (-1, 7 * 86400 + 1, "soon"):
        assert_error(terminal.post("/v1/me/key", json={"overlap_s": overlap}), 422, "request_invalid")


def test_a_new_key_is_shown_once_and_stored_nowhere(supervisor: TestClient, service: Service) -> None:
    own = f"/v1/principals/{me(supervisor)['id']}/keys"
    for path, body in (
        ("/v1/principals", {"name": secrets.token_hex(8), "role": "terminal"}),
        (own, {}),
        ("/v1/me/key", {}),
    ):
        key = fresh_key()
        first = supervisor.post(path, json=body, headers=key)
        assert first.status_code == 201, first.text
        text = first.json().get("credential", first.json())["key"]
        again = supervisor.post(path, json=body, headers=key)
        assert_error(again, 409, "key_shown_once")
        with service.database.begin() as connection:
            stored = connection.execute(
                select(tables.idempotency.c.answer).where(tables.idempotency.c.key == key["Idempotency-Key"])
            ).scalar_one()
        assert text not in json.dumps(stored)
        assert stored == promised(first.json()) | (
            {"credential": first.json()["credential"] | {"key": None}} if "credential" in stored else {"key": None}
        )
    names = [item["name"] for item in supervisor.get("/v1/principals").json()["items"]]
    assert len(names) == len(set(names)) == 2, "asked again, nothing is done again"


def test_other_writes_are_repeated_as_they_were(supervisor: TestClient, administrator: TestClient, bank: House) -> None:
    key = fresh_key()
    body = {"name": secrets.token_hex(8)}
    first = administrator.post("/v1/institutions", json=body, headers=key)
    again = administrator.post("/v1/institutions", json=body, headers=key)
    assert (again.status_code, promised(again.json())) == (201, promised(first.json()))
    other = administrator.post("/v1/institutions", json={"name": "another"}, headers=key)
    assert_error(other, 409, "idempotency_key_reused")
    path = f"/v1/principals/{me(bank.client(Role.OPERATOR))['id']}"
    key = fresh_key()
    ended = supervisor.delete(path, headers=key)
    assert ended.status_code == 200
    again = supervisor.delete(path, headers=key)
    assert (again.status_code, promised(again.json())) == (200, promised(ended.json()))
    assert_error(supervisor.delete(path, headers=fresh_key()), 409, "already_revoked")


def test_ending_a_key_and_ending_its_holder(supervisor: TestClient, bank: House, service: Service) -> None:
    terminal = bank.client(Role.TERMINAL)
    mine = me(terminal)
    path = f"/v1/principals/{mine['id']}"
    other = signed_in(bank.app, made(supervisor, f"{path}/keys", {"expires_in_s": 3600})["key"])
    ended = supervisor.delete(f"{path}/keys/{mine['key']['id']}")
    leaf = assert_receipt(service, ended.json(), "key_revoked", mine["id"])
    assert leaf["details"] == {"key": mine["key"]["id"]}
    assert_error(terminal.get("/v1/me"), 401, "key_invalid")
    assert me(other)["id"] == mine["id"]
    states = supervisor.get(f"{path}/keys").json()
    assert [state["live"] for state in states] == [True, False]
    assert all("key" not in state for state in states)
    assert_receipt(service, supervisor.delete(path).json(), "principal_disabled", mine["id"])
    assert_error(other.get("/v1/me"), 401, "key_invalid")
    assert supervisor.get(path).json()["disabled_at"] is not None
    assert [state["live"] for state in supervisor.get(f"{path}/keys").json()] == [False, False]
    assert_error(supervisor.post(f"{path}/keys", json={}), 409, "already_revoked")
    assert_error(supervisor.delete(f"{path}/keys/{mine['key']['id']}"), 409, "already_revoked")
    assert_error(supervisor.delete(f"{path}/keys/{uuid4()}"), 404, "not_found")


def test_a_key_is_ended_only_under_its_own_holder(supervisor: TestClient, bank: House) -> None:
    one, other = me(bank.client(Role.TERMINAL)), me(bank.client(Role.TERMINAL))
    crossed = f"/v1/principals/{one['id']}/keys/{other['key']['id']}"
    assert_error(supervisor.delete(crossed), 404, "not_found")


def test_one_administrator_stays(service: Service, new_database: NewDatabase) -> None:
    """In a database of its own, where nobody else administers."""
    database = new_database(migrated=True)
    alone = over(service, database)
    app = create_app(alone)
    first = signed_in(app, new_key(database, alone.keys, Role.ADMINISTRATOR, "headquarters"))
    mine = me(first)
    path = f"/v1/principals/{mine['id']}"
    assert_error(first.delete(path), 409, "last_administrator")
    assert_error(first.delete(f"{path}/keys/{mine['key']['id']}"), 409, "last_administrator")
    narrow = made(
        first, "/v1/principals", {"name": "half", "role": "administrator", "key": {"scopes": ["manage_institutions"]}}
    )
    assert_error(first.delete(path), 409, "last_administrator")
    second = made(first, "/v1/principals", {"name": "second", "role": "administrator"})
    assert first.delete(path).status_code == 200
    assert_error(first.get("/v1/me"), 401, "key_invalid")
    successor = signed_in(app, second["credential"]["key"])
    assert successor.delete(f"/v1/principals/{narrow['id']}").status_code == 200
    new = made(successor, "/v1/me/key", {})
    assert_error(successor.delete(f"/v1/principals/{second['id']}/keys/{new['id']}"), 409, "last_administrator")


def test_a_key_that_runs_out_stands_in_for_no_lasting_administrator(
    service: Service, new_database: NewDatabase
) -> None:
    database = new_database(migrated=True)
    alone = over(service, database)
    app = create_app(alone)
    first = signed_in(app, new_key(database, alone.keys, Role.ADMINISTRATOR, "headquarters"))
    mine = me(first)
    own = f"/v1/principals/{mine['id']}"
    lasting = f"{own}/keys/{mine['key']['id']}"
    short = made(first, f"{own}/keys", {"expires_in_s": 3600})
    assert_error(first.delete(lasting), 409, "last_administrator")
    other = {"name": "other", "role": "administrator", "key": {"expires_in_s": 3600}}
    second = made(first, "/v1/principals", other)
    assert_error(first.delete(lasting), 409, "last_administrator")
    assert_error(first.delete(own), 409, "last_administrator")
    assert first.delete(f"{own}/keys/{short['id']}").status_code == 200, "a lasting one is left"
    with database.begin() as connection:
        connection.execute(
            update(tables.credentials)
            .where(tables.credentials.c.expires_at.is_(None))
            .values(expires_at=func.now() + timedelta(hours=1))
        )
    assert first.delete(f"/v1/principals/{second['id']}").status_code == 200, "where all run out, one is enough"
    assert_error(first.delete(own), 409, "last_administrator")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"name": "", "role": "terminal"}, "name_invalid"),
        ({"name": "a/b", "role": "terminal"}, "name_invalid"),
        ({"name": "a\nb", "role": "terminal"}, "name_invalid"),
        ({"name": "x" * 101, "role": "terminal"}, "name_invalid"),
        ({"name": "a\u200bb", "role": "terminal"}, "name_invalid"),
        ({"name": "a", "role": "king"}, "request_invalid"),
        ({"name": "a"}, "request_invalid"),
        ({"name": "a", "role": "operator", "channel": "kiosk"}, "channel_not_possible"),
        ({"name": "a", "role": "terminal", "channel": "moon"}, "request_invalid"),
        ({"name": "a", "role": "terminal", "key": {"expires_in_s": 1}}, "request_invalid"),
        ({"name": "a", "role": "terminal", "key": {"public_key": "AAAA"}}, "public_key_invalid"),
        ({"name": "a", "role": "terminal", "key": {"public_key": "?"}}, "base64_invalid"),
        ({"name": "a", "role": "terminal", "key": {"scopes": ["everything"]}}, "request_invalid"),
        ({"name": "a", "role": "terminal", "password": "EchoMe"}, "request_invalid"),
    ],
)
def test_bad_wishes_are_told(supervisor: TestClient, body: Json, code: str) -> None:
    assert_error(supervisor.post("/v1/principals", json=body), 422, code)


def test_names_are_taken_once(supervisor: TestClient, administrator: TestClient, bank: House) -> None:
    body = {"name": "Café", "role": "operator"}
    made(supervisor, "/v1/principals", body)
    for name in ("Café", " Cafe\u0301 "):
        assert_error(supervisor.post("/v1/principals", json=body | {"name": name}), 409, "principal_exists")
    assert_error(administrator.post("/v1/institutions", json={"name": bank.path}), 409, "institution_exists")
    parent = me(supervisor)["institution"]["id"]
    for _ in range(7):
        parent = made(supervisor, f"/v1/institutions/{parent}/branches", {"name": bank.path})["id"]
    deeper = supervisor.post(f"/v1/institutions/{parent}/branches", json={"name": "deeper"})
    assert_error(deeper, 409, "branches_too_deep")


def test_every_scope_belongs_to_somebody() -> None:
    assert set().union(*ROLE_SCOPES.values()) == set(type(next(iter(ROLE_SCOPES[Role.TERMINAL]))))
