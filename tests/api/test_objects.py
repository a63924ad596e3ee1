"""Whose objects whom: two banks, one with a branch, and two authorities, one with a branch; everything of everybody.

What belongs to others is not found, by its identifier and in lists; a house sees its branches', a branch not its
house's. Every route with an object in its path and every list has to be in the tables below.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from sqlalchemy import func, insert
from starlette.testclient import TestClient

from api.institutions import institutions as places
from api.institutions import principals
from api.institutions.principals import Added
from api.institutions.roles import Role
from api.service import Service
from api.storage import tables
from tests.api.accountability.business import OVERRIDE, RESOLUTION, enter_override, open_dispute, report_business
from tests.api.bodies import Json, encoded, fresh_key, new_card, new_number, register, verify
from tests.api.duplicates.filed import file_case
from tests.api.http.answers import assert_error
from tests.api.institutions.conftest import signed_in
from tests.api.screening.entries import approve, in_days, propose
from tests.api.test_authorisation import KEYED, Route, routes

BANK, BRANCH, OTHER = "bank", "bank/branch", "other bank"
BUREAU, OFFICE, STRANGER = "bureau", "bureau/office", "other bureau"
HOUSES = (BANK, BRANCH, OTHER, BUREAU, OFFICE, STRANGER)
BANKS, AUTHORITIES = (BANK, BRANCH, OTHER), (BUREAU, OFFICE, STRANGER)

OWN_AND_BRANCHES = {
    **{house: {house} for house in HOUSES},
    BANK: {BANK, BRANCH},
    BUREAU: {BUREAU, OFFICE},
}
OWN = {house: {house} for house in HOUSES}
EVERYTHING = {house: set(HOUSES) for house in HOUSES}

# (kind of object, role of who asks): whose objects each house's people of that role see.
SEEN: dict[tuple[str, Role], dict[str, set[str]]] = {
    ("verification", Role.TERMINAL): OWN,
    ("verification", Role.OPERATOR): OWN,
    ("verification", Role.SUPERVISOR): OWN_AND_BRANCHES,
    ("check", Role.TERMINAL): OWN,
    ("card", Role.AUTHORITY): OWN_AND_BRANCHES,
    ("alert", Role.SUPERVISOR): OWN_AND_BRANCHES,
    ("alert", Role.AUTHORITY): OWN_AND_BRANCHES,
    ("webhook", Role.SUPERVISOR): OWN_AND_BRANCHES,
    ("webhook", Role.AUTHORITY): OWN_AND_BRANCHES,
    ("transaction", Role.TERMINAL): OWN,
    ("transaction", Role.SUPERVISOR): OWN_AND_BRANCHES,
    ("transaction", Role.REGULATOR): EVERYTHING,
    ("override", Role.OPERATOR): OWN,
    ("override", Role.SUPERVISOR): OWN_AND_BRANCHES,
    ("override", Role.REGULATOR): EVERYTHING,
    ("dispute", Role.SUPERVISOR): OWN_AND_BRANCHES,
    ("dispute", Role.REGULATOR): EVERYTHING,
    ("hold", Role.SUPERVISOR): OWN_AND_BRANCHES,
    ("hold", Role.AUTHORITY): OWN_AND_BRANCHES,
    ("hold", Role.REGULATOR): OWN_AND_BRANCHES,
    ("impostor", Role.SUPERVISOR): OWN_AND_BRANCHES,
    ("impostor", Role.AUTHORITY): EVERYTHING,
    ("duplicate", Role.AUTHORITY): OWN_AND_BRANCHES,
    ("listed_impostor", Role.SUPERVISOR): OWN_AND_BRANCHES,
    ("listed_impostor", Role.AUTHORITY): EVERYTHING,
    ("institution", Role.SUPERVISOR): OWN_AND_BRANCHES,
    ("institution", Role.ADMINISTRATOR): EVERYTHING,
    ("principal", Role.SUPERVISOR): OWN_AND_BRANCHES,
    ("principal", Role.ADMINISTRATOR): EVERYTHING,
}
FACE: Json = {"face": {"image": encoded("person:a")}}
FINGER: Json = {"fingers": [{"position": "left_thumb", "image": encoded("person:a")}]}
REJECTION: Json = {"outcome": "rejected", "reason": "different people", "revision": 1}
# The kind of object in each path, what is sent, and the code of those that are not there.
OBJECTS: dict[Route, tuple[str, Json | None, str]] = {
    ("GET", "/v1/verifications/{verification_id}"): ("verification", None, "not_found"),
    ("GET", "/v1/checks/{check_id}"): ("check", None, "not_found"),
    ("GET", "/v1/cards/{card_id}"): ("card", None, "card_unknown"),
    ("POST", "/v1/cards/{card_id}/events"): ("card", {"event": "reported_lost"}, "card_unknown"),
    ("POST", "/v1/cards/{card_id}/face"): ("card", FACE, "card_unknown"),
    ("POST", "/v1/cards/{card_id}/fingerprints"): ("card", FINGER, "card_unknown"),
    ("POST", "/v1/cards/{card_id}/erasure"): ("card", {"ground": "order"}, "card_unknown"),
    ("GET", "/v1/holds/{hold_id}"): ("hold", None, "not_found"),
    ("POST", "/v1/holds/{hold_id}/lift"): ("hold", {}, "not_found"),
    ("GET", "/v1/alerts/{alert_id}"): ("alert", None, "not_found"),
    ("POST", "/v1/alerts/{alert_id}/close"): ("alert", {"note": "looked into"}, "not_found"),
    ("GET", "/v1/transactions/{transaction_id}"): ("transaction", None, "not_found"),
    ("POST", "/v1/verifications/{verification_id}/override"): ("verification", OVERRIDE, "not_found"),
    ("GET", "/v1/overrides/{override_id}"): ("override", None, "not_found"),
    ("POST", "/v1/overrides/{override_id}/approve"): ("override", {}, "not_found"),
    ("POST", "/v1/overrides/{override_id}/refuse"): ("override", {}, "not_found"),
    ("GET", "/v1/disputes/{dispute_id}"): ("dispute", None, "not_found"),
    ("POST", "/v1/disputes/{dispute_id}/resolve"): ("dispute", RESOLUTION, "not_found"),
    ("DELETE", "/v1/feed/webhooks/{webhook_id}"): ("webhook", None, "not_found"),
    ("GET", "/v1/impostors/{impostor_id}"): ("impostor", None, "not_found"),
    ("POST", "/v1/impostors/{impostor_id}/approve"): ("impostor", {}, "not_found"),
    ("POST", "/v1/impostors/{impostor_id}/refuse"): ("impostor", {"reason": "a mistake"}, "not_found"),
    ("POST", "/v1/impostors/{impostor_id}/remove"): ("listed_impostor", {"reason": "a mistake"}, "not_found"),
    ("POST", "/v1/impostors/{impostor_id}/review"): ("listed_impostor", {"review_on": in_days(20)}, "not_found"),
    ("GET", "/v1/duplicates/{duplicate_id}"): ("duplicate", None, "not_found"),
    ("POST", "/v1/duplicates/{duplicate_id}/decide"): ("duplicate", REJECTION, "not_found"),
    ("POST", "/v1/institutions/{institution_id}/branches"): ("institution", {"name": "NEW"}, "not_found"),
    ("GET", "/v1/principals/{principal_id}"): ("principal", None, "not_found"),
    ("DELETE", "/v1/principals/{principal_id}"): ("principal", None, "not_found"),
    ("GET", "/v1/principals/{principal_id}/keys"): ("principal", None, "not_found"),
    ("POST", "/v1/principals/{principal_id}/keys"): ("principal", {}, "not_found"),
    ("DELETE", "/v1/principals/{principal_id}/keys/{key_id}"): ("principal", None, "not_found"),
}
LISTS: dict[Route, str] = {
    ("GET", "/v1/verifications"): "verification",
    ("GET", "/v1/holds"): "hold",
    ("GET", "/v1/alerts"): "alert",
    ("GET", "/v1/transactions"): "transaction",
    ("GET", "/v1/overrides"): "override",
    ("GET", "/v1/disputes"): "dispute",
    ("GET", "/v1/feed/webhooks"): "webhook",
    ("GET", "/v1/impostors"): "impostor",
    ("GET", "/v1/duplicates"): "duplicate",
    ("GET", "/v1/institutions"): "institution",
    ("GET", "/v1/principals"): "principal",
}
# Keyed routes that show or change nothing but the asker's own, or what their body names; each is looked at elsewhere.
WITHOUT_OBJECT: set[Route] = {
    ("POST", "/v1/captures"),
    ("POST", "/v1/captures/guidance"),  # about the picture that is sent
    ("POST", "/v1/session"),  # the asker's own
    ("GET", "/v1/session"),
    ("POST", "/v1/session/operator"),  # tests/api/http/test_sessions.py
    ("POST", "/v1/session/console"),
    ("GET", "/v1/policy"),  # the deployment's, and nobody's
    ("GET", "/v1/standing"),
    ("POST", "/v1/verifications"),
    ("POST", "/v1/checks"),
    ("POST", "/v1/cards"),
    ("POST", "/v1/cards/search"),  # below: test_a_number_finds_the_cards_that_the_asker_sees
    ("GET", "/v1/me"),
    ("POST", "/v1/me/key"),
    ("POST", "/v1/transactions"),  # tests/api/accountability/test_transactions.py
    ("POST", "/v1/transactions/batch"),
    ("GET", "/v1/scorecards"),  # tests/api/accountability/test_scorecards.py
    ("GET", "/v1/scorecards/evidence"),
    ("POST", "/v1/holders/history"),  # tests/api/accountability/test_holders.py
    ("POST", "/v1/holders/disputes"),
    ("POST", "/v1/holds"),  # tests/api/personal/test_holds.py
    ("POST", "/v1/impostors"),
    ("POST", "/v1/institutions"),
    ("POST", "/v1/principals"),  # below: test_nobody_is_added_to_another_house
    ("GET", "/v1/feed"),  # tests/api/feed/test_pages.py
    ("GET", "/v1/feed/key"),
    ("POST", "/v1/feed/webhooks"),
    ("GET", "/v1/feed/snapshot"),  # the same for everybody
    ("GET", "/v1/evidence/leaves"),  # below: test_an_evaluator_reads_their_own_houses_leaves
}


@dataclass
class World:
    """The houses, and makers of everything that they can own."""

    app: FastAPI
    service: Service
    mark: str = field(default_factory=lambda: secrets.token_hex(4))
    held: dict[tuple[str, Role], Added] = field(default_factory=dict)
    shown: dict[tuple[str, str], str] = field(default_factory=dict)

    def standing(self, kind: str, house: str) -> str:
        """One of a house's that is only looked at, and so is made once. (A house has one webhook: the latest made.)"""
        if kind == "webhook":
            return self.webhook(house)
        if (kind, house) not in self.shown:
            make: Callable[[str], str] = getattr(self, kind)
            self.shown[kind, house] = make(house)
        return self.shown[kind, house]

    def path(self, house: str) -> str:
        return "/".join(f"{part} {self.mark}" for part in house.split("/"))

    def add(self, house: str, role: Role) -> Added:
        with self.service.database.begin() as connection:
            return principals.add(
                connection, self.service.keys, self.path(house), secrets.token_hex(6), role, requests_per_minute=10_000
            )

    def holder(self, house: str, role: Role) -> Added:
        """The one member of a house and role who does everything."""
        if (house, role) not in self.held:
            self.held[house, role] = self.add(house, role)
        return self.held[house, role]

    def client(self, house: str, role: Role) -> TestClient:
        return signed_in(self.app, self.holder(house, role).key)

    def institution(self, house: str) -> str:
        return str(self.holder(house, Role.SUPERVISOR).institution_id)

    def principal(self, house: str) -> str:
        return str(self.add(house, Role.OPERATOR).id)

    def verification(self, house: str) -> str:
        return str(verify(self.client(house, Role.TERMINAL), new_card())["id"])

    def check(self, house: str) -> str:
        body = {"number": new_number(), "purpose": "test"}
        answer = self.client(house, Role.TERMINAL).post("/v1/checks", json=body, headers=fresh_key())
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    def transaction(self, house: str) -> str:
        return str(report_business(self.client(house, Role.TERMINAL))["id"])

    def override(self, house: str) -> str:
        return enter_override(self.client(house, Role.OPERATOR), self.verification(house))

    def dispute(self, house: str) -> str:
        terminal = self.client(house, Role.TERMINAL)
        passed = verify(terminal, register(self.client(BUREAU, Role.AUTHORITY))[1])["id"]
        return str(open_dispute(terminal, passed, passed)["id"])

    def card(self, house: str) -> str:
        # Without a face, so that one can be added.
        return register(self.client(house, Role.AUTHORITY), face=None, right_index="person:a")[0]

    def alert(self, house: str) -> str:
        alert_id = uuid4()
        with self.service.database.begin() as connection:
            connection.execute(
                insert(tables.alerts).values(
                    id=alert_id,
                    kind="card_guessing",
                    institution_id=UUID(self.institution(house)),
                    details={},
                    # From before what raises alerts was in the log, which the shared books must agree with.
                    raised_at=func.clock_timestamp() - timedelta(days=3650),
                )
            )
        return str(alert_id)

    def webhook(self, house: str) -> str:
        """Of an institution that has none beside it: each may have twenty."""
        with self.service.database.begin() as connection:
            own = tables.webhooks.c.institution_id == UUID(self.institution(house))
            ended = tables.webhooks.update().where(own, tables.webhooks.c.removed_at.is_(None))
            connection.execute(ended.values(removed_at=func.clock_timestamp()))
        body = {"url": "https://hooks.example/feed"}
        answer = self.client(house, Role.SUPERVISOR).post("/v1/feed/webhooks", json=body, headers=fresh_key())
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def hold(self, house: str) -> str:
        body = {"subject": "institution", "subject_id": self.institution(house), "ground": "audit", "reference": "A 1"}
        answer = self.client(house, Role.SUPERVISOR).post("/v1/holds", json=body, headers=fresh_key())
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def impostor(self, house: str) -> str:
        # By somebody else than who approves.
        return propose(signed_in(self.app, self.add(house, Role.SUPERVISOR).key))

    def listed_impostor(self, house: str) -> str:
        return approve(self.client(house, Role.SUPERVISOR), self.impostor(house))

    def duplicate(self, house: str) -> str:
        authority = self.client(house, Role.AUTHORITY)
        cards = [register(authority, face=None, right_index="person:a")[0] for _ in range(2)]
        return file_case(self.service, self.holder(house, Role.AUTHORITY).key, *cards)

    def key_of(self, principal_id: str) -> str:
        with self.service.database.begin() as connection:
            found = connection.execute(
                tables.credentials.select().where(tables.credentials.c.principal_id == UUID(principal_id))
            ).first()
        assert found is not None
        return str(found.id)


@pytest.fixture(scope="module")
def world(app: FastAPI, service: Service) -> World:
    return World(app, service)


def test_every_keyed_route_is_looked_at(app: FastAPI) -> None:
    keyed = {route for route in routes(app) if route in KEYED}
    assert keyed == OBJECTS.keys() | LISTS.keys() | WITHOUT_OBJECT
    assert {route for route in keyed if "{" in route[1]} == set(OBJECTS)
    reached = {(kind, role) for route, (kind, _, _) in OBJECTS.items() for role in KEYED[route]}
    assert {(kind, Role(role)) for kind, role in reached} == set(SEEN), "every role that reaches an object is asked"


def owners(kind: str) -> tuple[str, ...]:
    of_banks = dict.fromkeys(("verification", "check", "transaction", "override", "dispute"), BANKS)
    of_authorities = dict.fromkeys(("card", "duplicate"), AUTHORITIES)
    return (of_banks | of_authorities).get(kind, HOUSES)


CASES = [
    pytest.param(route, role, asker, id=f"{' '.join(route)} {role} of {asker}")
    for route, (kind, _, _) in OBJECTS.items()
    for (of, role) in SEEN
    if of == kind and role in KEYED[route]
    for asker in (AUTHORITIES if role is Role.AUTHORITY else BANKS)
]


@pytest.mark.parametrize(("route", "role", "asker"), CASES)
def test_others_objects_are_not_found(world: World, route: Route, role: Role, asker: str) -> None:
    method, path = route
    kind, body, code = OBJECTS[route]
    for owner in owners(kind):
        changes = method != "GET" and owner in SEEN[kind, role][asker]
        identifier: str = getattr(world, kind)(owner) if changes else world.standing(kind, owner)
        filled = path.replace(f"{{{kind.removeprefix('listed_')}_id}}", identifier)
        if "{key_id}" in filled:
            filled = filled.replace("{key_id}", world.key_of(identifier))
        sent = {"name": secrets.token_hex(6)} if body == {"name": "NEW"} else body
        answer = world.client(asker, role).request(method, filled, json=sent)
        if owner not in SEEN[kind, role][asker]:
            assert_error(answer, 404, code)
        elif (method, path) == ("POST", "/v1/principals/{principal_id}/keys") and role is Role.ADMINISTRATOR:
            assert_error(answer, 403, "role_not_allowed")  # seen, but operators' keys are the supervisor's affair
        else:
            assert answer.is_success, (owner, answer.text)


@pytest.mark.parametrize("kind", ["verification", "card", "alert", "impostor", "duplicate", "principal", "institution"])
def test_what_is_not_there_is_answered_as_what_is_others(world: World, kind: str) -> None:
    """Nobody can tell from an answer whether an identifier is somebody's."""
    of_authorities = kind in {"card", "duplicate"}
    role = Role.AUTHORITY if of_authorities else Role.SUPERVISOR
    asker, owner = (STRANGER, BUREAU) if of_authorities else (OTHER, BANK)
    client = world.client(asker, role)
    for (method, path), (of, body, _) in OBJECTS.items():
        if of != kind:
            continue
        answers = []
        for identifier in (world.standing(kind, owner), str(uuid4())):
            filled = path.replace(f"{{{kind}_id}}", identifier).replace("{key_id}", str(uuid4()))
            answer = client.request(method, filled, json=body)
            said = answer.json()
            del said["request_id"]
            answers.append((answer.status_code, said, sorted(set(answer.headers))))
        assert answers[0] == answers[1], (method, path)


LIST_CASES = [
    pytest.param(route, role, asker, id=f"{' '.join(route)} {role} of {asker}")
    for route, kind in LISTS.items()
    for (of, role) in SEEN
    if of == kind and role in KEYED[route]
    for asker in (AUTHORITIES if role is Role.AUTHORITY else BANKS)
]


@pytest.mark.parametrize(("route", "role", "asker"), LIST_CASES)
def test_lists_hold_what_the_asker_sees(world: World, route: Route, role: Role, asker: str) -> None:
    kind = LISTS[route]
    made = {owner: world.standing(kind, owner) for owner in owners(kind)}
    listed = everything(world.client(asker, role), route[1])
    assert len(listed) == len(set(listed))
    assert {owner for owner, identifier in made.items() if identifier in listed} == SEEN[kind, role][asker] & set(made)


def everything(client: TestClient, path: str) -> list[str]:
    """A whole list, in pages of the largest size and, when that is short, in small ones too, which has to agree."""
    whole = pages(client, path, 200)
    if len(whole) <= 40:
        assert pages(client, path, 3) == whole
    return whole


def pages(client: TestClient, path: str, limit: int) -> list[str]:
    found: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = client.get(path, params={"limit": limit, **after})
        assert page.status_code == 200, page.text
        found.extend(item["id"] for item in page.json()["items"])
        if page.json()["next"] is None:
            return found
        after = {"after": page.json()["next"]}


@pytest.mark.parametrize("path", [path for _, path in LISTS])
def test_anothers_place_in_a_list_tells_nothing(world: World, path: str) -> None:
    """A list that begins after another's object is empty, not one of what came after it."""
    kind = next(kind for route, kind in LISTS.items() if route[1] == path)
    asker, other, role = (BUREAU, STRANGER, Role.AUTHORITY) if kind == "duplicate" else (BANK, OTHER, Role.SUPERVISOR)
    others = world.standing(kind, other)
    world.standing(kind, asker)
    page = world.client(asker, role).get(path, params={"after": others})
    assert page.status_code == 200, page.text
    assert page.json() == {"items": [], "next": None}


def test_filters_open_no_other_house(world: World) -> None:
    supervisor = world.client(BANK, Role.SUPERVISOR)
    world.verification(OTHER)
    terminal = world.holder(OTHER, Role.TERMINAL).id
    assert supervisor.get("/v1/verifications", params={"terminal": str(terminal)}).json()["items"] == []
    asked = {"institution": world.institution(OTHER)}
    assert supervisor.get("/v1/principals", params=asked).json()["items"] == []
    branch = world.client(BRANCH, Role.SUPERVISOR)
    assert branch.get("/v1/principals", params={"institution": world.institution(BANK)}).json()["items"] == []
    (own, *_) = branch.get("/v1/institutions").json()["items"]
    assert own["id"] == world.institution(BRANCH)
    assert own["parent_id"] is None, "whose branch it is lies beyond its sight"


def test_two_terminals_of_a_house_see_their_own(world: World) -> None:
    other = signed_in(world.app, world.add(BANK, Role.TERMINAL).key)
    assert_error(other.get(f"/v1/verifications/{world.verification(BANK)}"), 404, "not_found")


@pytest.mark.parametrize("asker", BANKS)
def test_nobody_is_added_to_another_house(world: World, asker: str) -> None:
    for house in BANKS:
        body = {"institution_id": world.institution(house), "name": secrets.token_hex(6), "role": "terminal"}
        answer = world.client(asker, Role.SUPERVISOR).post("/v1/principals", json=body)
        if house in OWN_AND_BRANCHES[asker]:
            assert answer.status_code == 201, answer.text
        else:
            assert_error(answer, 404, "not_found")


def test_an_operator_attends_in_the_line_of_the_house(world: World) -> None:
    """At terminals of the own institution, of those above and of those below; not beside."""
    with world.service.database.begin() as connection:
        for house in BANKS:
            terminal = principals.authenticate(connection, world.holder(house, Role.TERMINAL).key)
            assert terminal is not None
            attending = {
                owner for owner in BANKS
                if principals.attending(connection, world.holder(owner, Role.OPERATOR).key, terminal) is not None
            }  # fmt: skip
            assert attending == ({OTHER} if house == OTHER else {BANK, BRANCH})
            assert principals.attending(connection, world.holder(house, Role.SUPERVISOR).key, terminal) is None
        sibling = places.at(connection, world.service.keys, world.path("bank/sibling"), actor_id=None)
        beside = principals.add_to(connection, world.service.keys, sibling, "teller", Role.OPERATOR)
        terminal = principals.authenticate(connection, world.holder(BRANCH, Role.TERMINAL).key)
        assert terminal is not None
        assert principals.attending(connection, beside.key, terminal) is None


def test_an_evaluator_reads_their_own_houses_leaves(world: World) -> None:
    """Which leaves there are is everybody's to know; what stands in them is not."""
    terminals = {house: str(world.holder(house, Role.TERMINAL).id) for house in BANKS}
    for house in BANKS:
        decided = verify(world.client(house, Role.TERMINAL), new_card())
        await_place(world, decided["receipt"]["leaf_hash"])
    for house in BANKS:
        text = whole_log(world.client(house, Role.EVALUATOR))
        assert {owner for owner in BANKS if f'\\"terminal\\":\\"{terminals[owner]}' in text} <= OWN_AND_BRANCHES[house]
        assert f'\\"terminal\\":\\"{terminals[house]}' in text
    text = whole_log(world.client(OTHER, Role.REGULATOR))
    assert all(f'\\"terminal\\":\\"{terminals[owner]}' in text for owner in BANKS)


def await_place(world: World, leaf_hash: str) -> None:
    """Until the log has the leaf: what a receipt promises, the sequencer keeps in its own time."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if world.client(BANK, Role.TERMINAL).get(f"/v1/evidence/inclusion/{leaf_hash}").status_code == 200:
            return
        world.service.sequencer.wake()
        time.sleep(0.01)
    pytest.fail("the leaf got no place")


def whole_log(client: TestClient) -> str:
    """Every leaf that the log has a place for, as answered."""
    parts: list[str] = []
    start = 0
    while True:
        page = client.get("/v1/evidence/leaves", params={"start": start})
        assert page.status_code == 200, page.text
        if not page.json()["leaves"]:
            return "".join(parts)
        parts.append(page.text)
        start += len(page.json()["leaves"])


@pytest.mark.parametrize("asker", AUTHORITIES)
def test_a_number_finds_the_cards_that_the_asker_sees(world: World, asker: str) -> None:
    card = new_card()
    made = {house: register(world.client(house, Role.AUTHORITY), {**card, "issuer": house})[0] for house in AUTHORITIES}
    answer = world.client(asker, Role.AUTHORITY).post("/v1/cards/search", json={"number": card["number"]})
    assert answer.status_code == 200, answer.text
    assert {one["id"] for one in answer.json()["items"]} == {made[house] for house in OWN_AND_BRANCHES[asker]}
