"""Scorecards: recounted by brute force over random histories, led down to their evidence, proven from the log."""

import csv
import io
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from sqlalchemy import insert, text
from starlette.testclient import TestClient

from api.accountability.scorecards.months import Month, MonthInvalid
from api.accountability.scorecards.proving import Proof, steps
from api.accountability.scorecards.tables import COLUMNS, safe
from api.cards.parameters import TIMEZONE
from api.evidence.sequencer import drain
from api.http.app import create_app
from api.institutions import principals
from api.institutions.roles import Role
from api.service import Service
from api.storage.tables import transactions
from tests.api.accountability.business import (
    decide_override,
    enter_override,
    open_dispute,
    report_many,
    resolve_dispute,
    transaction,
)
from tests.api.bodies import Json, register, report, verify
from tests.api.clients import KeyedClient
from tests.api.conftest import NewClient
from tests.api.databases import own_database
from tests.api.elsewhere import over
from tests.api.entries import new_key
from tests.api.http.answers import assert_error

MONTH = datetime.now(UTC).astimezone(TIMEZONE).strftime("%Y-%m")
TERMINALS = ("bank", "bank", "bank/branch", "other")


@dataclass
class History:
    """A month at three institutions, done over HTTP, and what was seen of it from outside."""

    service: Service
    app: FastAPI
    terminals: list[TestClient]
    houses: list[str]
    counted: dict[str, Counter[str]]

    def client(self, role: Role, house: str) -> TestClient:
        key = new_key(self.service.database, self.service.keys, role, house)
        return client(self.app, key)


def client(app: FastAPI, key: str) -> TestClient:
    return KeyedClient(app, headers={"Authorization": f"Bearer {key}"}, raise_server_exceptions=False)


@pytest.fixture(scope="module")
def history(service: Service, migrated: str) -> Iterator[History]:
    with own_database(service, migrated, pool_size=3, timeout_s=30) as database:
        made = over(service, database)
        app = create_app(made)
        clients = [client(app, new_key(database, made.keys, Role.TERMINAL, house)) for house in TERMINALS]
        found = History(made, app, clients, [one.get("/v1/me").json()["id"] for one in clients], {})
        live(found, random.Random(11))
        drain(database, made.keys)
        yield found


def live(history: History, chance: random.Random) -> None:
    """Random business; counted as it is answered, and not as the program counts."""
    authority = history.client(Role.AUTHORITY, "bureau")
    supervisors = {house: [history.client(Role.SUPERVISOR, house) for _ in range(2)] for house in set(TERMINALS)}
    cards = [register(authority, face="person:a", right_index="person:a") for _ in range(8)]
    lost: dict[tuple[str, str], bool] = {}
    for step in range(60):
        place = chance.randrange(len(history.terminals))
        terminal, mine = history.terminals[place], history.counted.setdefault(history.houses[place], Counter())
        card_id, card = chance.choice(cards)
        if step % 15 == 7 and (TERMINALS[place], card_id) not in lost:
            report(authority, card_id, "reported_lost")
            lost |= {(house, card_id): False for house in set(TERMINALS)}
            cards.append(register(authority, face="person:a", right_index="person:a"))
        decided = verify(
            terminal, card,
            face=chance.choice(["person:a", "person:a", "maybe:a", "person:b", "no_face", "low_quality", None]),
            fingers=chance.choice([{"right_index": "person:a"}, {"right_index": "no_finger"}]),
        )  # fmt: skip
        count_check(mine, decided)
        if decided["document"]["status"] == "card_reported_lost" and not lost[TERMINALS[place], card_id]:
            lost[TERMINALS[place], card_id] = True
            mine["losses.first_refusals"] += 1
        barred = decided["document"]["status"].startswith("card_r")
        if decided["decision"] != "PASS" and not barred and chance.random() < 0.5:
            first, second = supervisors[TERMINALS[place]]
            entered = enter_override(first, decided["id"])
            mine["overrides"] += 1
            what = chance.choice(["approve", "refuse", None])
            if what is not None:
                mine[f"overrides.{decide_override(second, entered, what)['state']}"] += 1
        if decided["decision"] == "PASS" and chance.random() < 0.4:
            dispute(mine, chance, terminal, decided["id"], supervisors[TERMINALS[place]][0])
        for done in business(chance, terminal, decided["id"]):
            count_business(mine, done)


def dispute(
    mine: Counter[str], chance: random.Random, terminal: TestClient, check: str, supervisor: TestClient
) -> None:
    opened = open_dispute(terminal, check, check)["id"]
    mine["disputes"] += 1
    outcome = chance.choice(["upheld", "rejected", None])
    if outcome is not None:
        resolve_dispute(supervisor, opened, outcome=outcome)
        mine.update({"disputes.resolved": 1, f"disputes.{outcome}": 1})


def business(chance: random.Random, terminal: TestClient, verification_id: str) -> list[Json]:
    entries = [
        transaction(
            kind=chance.choice(["account_opening", "transfer"]),
            verification=chance.choice([verification_id, verification_id, None, str(uuid4())]),
        )
        for _ in range(chance.randrange(3))
    ]
    return report_many(terminal, *entries) if entries else []


def count_check(mine: Counter[str], decided: Json) -> None:
    mine["checks"] += 1
    mine[f"checks.{decided['decision']}"] += 1
    mine["checks.not_passed"] += decided["decision"] != "PASS"
    if decided["decision"] == "REFUSE":
        status = decided["document"]["status"]
        mine[f"refusals.{status if status != 'valid' else decided['person']['reasons'][0]}"] += 1
    for one in decided["person"]["modalities"]:
        kind = "face" if one["modality"] == "face" else "fingers"
        bad = one.get("reason") in {"no_face", "low_quality", "no_finger"}
        if one["status"] == "assessed" or bad:
            mine[f"captures.{kind}"] += 1
            mine[f"captures.{kind}.failed"] += bad
        if bad and kind == "face":
            mine[f"captures.face.failed.{one['reason']}"] += 1


def count_business(mine: Counter[str], done: Json) -> None:
    mine["transactions"] += 1
    mine["transactions.required"] += done["check_required"]
    mine["transactions.covered"] += done["check_required"] and done["omission"] is None
    if done["omission"] is not None:
        mine["omissions"] += 1
        mine[f"omissions.{done['omission']}"] += 1


def figures(card: Json) -> dict[str, int]:
    return {one["figure"]: one["count"] for one in card["figures"] if one["count"]}


def read(reader: TestClient, **asked: Any) -> Json:
    answer = reader.get("/v1/scorecards", params={"month": MONTH, **asked})
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def seen(history: History, *places: int) -> dict[str, int]:
    total: Counter[str] = Counter()
    for place in places:
        total.update(history.counted.get(history.houses[place], Counter()))
    return {figure: count for figure, count in total.items() if count}


def test_every_terminal_is_counted_as_it_was_seen(history: History) -> None:
    cards = read(history.client(Role.REGULATOR, "state"), by="terminal")["items"]
    assert {card["terminal_id"]: figures(card) for card in cards} == {
        house: seen(history, place) for place, house in enumerate(history.houses)
    }
    assert sum(len(figures(card)) for card in cards) > 40, "the history has to be rich enough to say something"


def test_terminals_add_up_to_their_institutions(history: History) -> None:
    bank, branch, other = (history.client(Role.SUPERVISOR, house) for house in ("bank", "bank/branch", "other"))
    for reader, places in ((bank, (0, 1, 2)), (branch, (2,)), (other, (3,))):
        (card,) = read(reader)["items"]
        assert figures(card) == seen(history, *places)
    apart = read(bank, by="institution")["items"]
    assert sorted(sum(figures(card).values()) for card in apart) == sorted(
        sum(seen(history, *places).values()) for places in ((0, 1), (2,))
    )


def test_a_terminal_alone(history: History) -> None:
    (card,) = read(history.client(Role.SUPERVISOR, "bank"), terminal=history.houses[1])["items"]
    assert figures(card) == seen(history, 1)


def test_every_figure_leads_down_to_leaves_that_are_in_the_log(history: History) -> None:
    bank = history.client(Role.SUPERVISOR, "bank")
    looked_at = 0
    for card in (*read(bank, by="institution")["items"], *read(bank)["items"]):
        for figure in card["figures"]:
            items, path = [], figure["evidence"]
            while path is not None:
                page = bank.get(f"{path}&limit=37")
                assert page.status_code == 200, page.text
                items += page.json()["items"]
                following = page.json()["next"]
                path = None if following is None else f"{figure['evidence']}&after={following}"
            assert sum(one["amount"] for one in items) == figure["count"], figure
            assert len({one["id"] for one in items}) == len(items)
            looked_at += bool(items)
            for one in items[:1]:
                proof = bank.get(f"/v1/evidence/inclusion/{one['leaf_hash']}")
                assert proof.status_code == 200, (figure, proof.text)
    assert looked_at > 20


def test_shares_and_their_intervals(history: History) -> None:
    (card,) = read(history.client(Role.SUPERVISOR, "bank"))["items"]
    by_name = {one["figure"]: one for one in card["figures"]}
    covered = by_name["transactions.covered"]
    assert covered["of"] == "transactions.required"
    assert covered["total"] == by_name["transactions.required"]["count"]
    assert 0 <= covered["low"] < covered["share"] < covered["high"] <= 1
    assert covered["share"] == covered["count"] / covered["total"]
    assert by_name["checks"]["of"] is None
    times = card["first_refusal_s"]
    assert 0 < times["median"] <= times["p90"] <= times["longest"]


def test_what_is_beyond_reach_is_not_there(history: History) -> None:
    other = history.client(Role.SUPERVISOR, "other")
    place = history.terminals[0].get("/v1/me").json()["institution"]["id"]
    for path in ("/v1/scorecards", "/v1/scorecards/evidence"):
        for beyond in ({"institution": place}, {"terminal": history.houses[0]}, {"institution": str(uuid4())}):
            asked = {"month": MONTH, "figure": "checks", **beyond}
            assert_error(other.get(path, params=asked), 404, "not_found")


@pytest.mark.parametrize(
    "figure", ["", "x", "checks.x", "captures", "refusals", "overrides.x", "losses", "omissions.", "disputes.x"]
)
def test_figures_that_are_none(history: History, figure: str) -> None:
    asked = {"month": MONTH, "figure": figure}
    answer = history.client(Role.SUPERVISOR, "bank").get("/v1/scorecards/evidence", params=asked)
    assert_error(answer, 422, "figure_unknown")


def test_months() -> None:
    december = Month.of("2026-12")
    assert december.since.isoformat() == "2026-12-01T00:00:00+08:00"
    assert december.until.isoformat() == "2027-01-01T00:00:00+08:00"
    for wrong in ("2026-13", "2026-1", "2026-00", "1026-01", "2026-01-01", "２０２６-01"):
        with pytest.raises(MonthInvalid):
            Month.of(wrong)


def test_a_month_that_is_none(history: History) -> None:
    answer = history.client(Role.SUPERVISOR, "bank").get("/v1/scorecards", params={"month": "2026-13"})
    assert_error(answer, 422, "month_invalid")


def test_another_months_card_is_empty(history: History) -> None:
    (card,) = read(history.client(Role.SUPERVISOR, "bank"), month="2020-01")["items"]
    assert figures(card) == {}
    assert card["first_refusal_s"] is None


def test_as_csv(history: History) -> None:
    bank = history.client(Role.SUPERVISOR, "bank")
    asked = {"month": MONTH, "by": "terminal"}
    by_format = bank.get("/v1/scorecards", params={**asked, "format": "csv"})
    by_header = bank.get("/v1/scorecards", params=asked, headers={"Accept": "text/csv"})
    assert by_format.headers["content-type"].startswith("text/csv")
    assert by_format.text == by_header.text
    rows = list(csv.DictReader(io.StringIO(by_format.text)))
    assert tuple(rows[0]) == COLUMNS
    counted = {(row["terminal_id"], row["figure"]): int(row["count"]) for row in rows if row["count"] != "0"}
    assert counted == {
        (history.houses[place], figure): count for place in (0, 1, 2) for figure, count in seen(history, place).items()
    }


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@A1", " =1", "\t=1", "\uff1d1"])
def test_no_cell_is_a_formula(name: str) -> None:
    assert safe(name) == f"'{name}"
    assert safe("counter-7") == "counter-7"
    assert safe(-3) == -3


def test_a_name_like_a_formula_in_a_file(new_client: NewClient, service: Service) -> None:
    house = f"=HYPERLINK({uuid4()})"
    report_many(new_client(institution=house), transaction())
    supervisor = new_client(Role.SUPERVISOR, house)
    asked = {"month": MONTH, "by": "terminal", "format": "csv"}
    (first, *_) = csv.DictReader(io.StringIO(supervisor.get("/v1/scorecards", params=asked).text))
    assert first["institution"] == f"'{house}"


def test_a_terminal_that_stands_out(service: Service, new_client: NewClient) -> None:
    """Twenty terminals of one bank; one of them leaves out what the others do."""
    house = f"bank {uuid4()}"
    supervisor = new_client(Role.SUPERVISOR, house)
    with service.database.begin() as connection:
        added = [principals.add(connection, service.keys, house, str(one), Role.TERMINAL) for one in range(20)]
        rows = [
            row(terminal.institution_id, terminal.id, None if case >= (60 if place == 3 else 2) else "no_check")
            for place, terminal in enumerate(added)
            for case in range(100)
        ]
        connection.execute(insert(transactions), rows)
    patterns = read(supervisor)["patterns"]
    (group,) = (one for one in patterns["groups"] if one["rate"] == "omissions")
    unusual = [one for one in group["terminals"] if one["unusual"]]
    assert [one["terminal_id"] for one in unusual] == [str(added[3].id)]
    (one,) = unusual
    assert (one["cases"], one["trials"], one["peers"]) == (60, 100, 19)
    assert one["q"] <= patterns["false_discovery_rate"]
    assert one["limits_998"][1] < 60
    with service.database.begin() as connection:  # these have no leaves, and other tests read the whole log
        connection.execute(text("DELETE FROM transactions WHERE institution_id = :id"), {"id": added[0].institution_id})


def row(institution_id: UUID, terminal_id: UUID, cause: str | None) -> Json:
    return {
        "id": uuid4(), "institution_id": institution_id, "terminal_id": terminal_id, "reference_index": uuid4().bytes,
        "reference_sealed": b"", "kind": "account_opening", "done_at": datetime.now(UTC),
        "reported_at": datetime.now(UTC), "verification_id": uuid4(), "required": True, "cause": cause,
        "policy_version": "1", "leaf_hash": b"",
    }  # fmt: skip


def proven(history: History, damage: str | None = None) -> Proof:
    proof = Proof()
    with history.service.database.engine.connect() as connection:
        for statement in (damage or "").split(";"):
            if statement:
                assert connection.execute(text(statement)).rowcount > 0, statement
        for _ in steps(connection, Month.of(MONTH), proof):
            pass
        connection.rollback()
    return proof


def test_the_month_is_proven_from_the_log(history: History) -> None:
    proof = proven(history)
    assert proof.differences == []
    assert proof.holds
    assert proof.leaves > 100
    assert proof.figures >= sum(len(seen(history, place)) for place in range(4))


DAMAGE = {
    "an omission covered": ("UPDATE transactions SET cause = NULL WHERE cause = 'no_check'", "omissions.no_check is 0"),
    "a refusal that passed": (
        "UPDATE verifications SET decision = 'PASS' WHERE decision = 'REFUSE'",
        "checks.REFUSE is 0",
    ),
    "a bad camera made good": ("UPDATE verifications SET face_capture = 'acquired'", "captures.face.failed is"),
    "an override gone": ("DELETE FROM overrides WHERE state = 'approved'", "overrides.approved is 0"),
    "a dispute that was rejected": (
        "UPDATE check_disputes SET state = 'rejected' WHERE state = 'upheld'",
        "disputes.upheld is 0",
    ),
    "checks of another month": ("UPDATE verifications SET decided_at = decided_at - interval '40 days'", "checks is"),
    "a late report": (
        "UPDATE card_events SET recorded_at = recorded_at - interval '1 day' WHERE event = 'reported_lost'",
        "the times from loss reports",
    ),
    "a leaf that was written anew": (
        "UPDATE evidence_texts SET leaf = replace(leaf, 'no_check', 'check_used') WHERE leaf LIKE '%no_check%'",
        "its text is not what was hashed",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", DAMAGE)
def test_what_differs_from_the_log_is_told(history: History, what: str) -> None:
    damage, told = DAMAGE[what]
    proof = proven(history, damage)
    assert not proof.holds
    assert any(told in one for one in proof.differences), proof.differences


def test_leaves_that_are_not_at_hand_prove_nothing(history: History) -> None:
    proof = proven(history, "DELETE FROM evidence_texts WHERE leaf LIKE '%no_check%'")
    assert proof.unread > 0
    assert not proof.holds
