"""`renzheng fsck` holds searches and cases against the acts."""

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from api.evidence import fsck
from api.service import Service
from tests.api.bodies import Json
from tests.api.duplicates.conftest import ONE_LOOK, County
from tests.api.duplicates.test_rules import ask, filed

SEARCHES = "searches for duplicates that are not as the acts say"
CASES = "cases of duplicates that are not as the acts say"
DAMAGE = {
    "a case that goes": (
        "DELETE FROM duplicate_pairs WHERE case_id = :id; DELETE FROM duplicate_members WHERE case_id = :id;"
        " DELETE FROM duplicate_cases WHERE id = :id",
        CASES,
    ),
    "a case that is rejected in silence": ("UPDATE duplicate_cases SET state = 'rejected' WHERE id = :id", CASES),
    "a score": ("UPDATE duplicate_pairs SET llr = llr - 1 WHERE case_id = :id", CASES),
    "the scores side by side": (
        """UPDATE duplicate_pairs SET scores = jsonb_set(scores, '{face,llr}', '0.5') WHERE case_id = :id""",
        CASES,
    ),
    "the rank": ("UPDATE duplicate_cases SET llr = 0 WHERE id = :id", CASES),
    "the kind": ("UPDATE duplicate_cases SET kind = 'kin_or_twins' WHERE id = :id", CASES),
    "a member": (
        "UPDATE duplicate_members SET number_index = sha256(number_index) WHERE case_id = :id",
        CASES,
    ),
    "who is taken for one person": ("UPDATE duplicate_members SET same = false WHERE case_id = :id", CASES),
    "who proposed it": (
        "UPDATE duplicate_cases SET proposed_by = (SELECT id FROM principals WHERE id <> proposed_by LIMIT 1)"
        " WHERE id = :id",
        CASES,
    ),
    "the search's purpose": ("UPDATE duplicate_searches SET purpose = 'other' WHERE id = :search", SEARCHES),
    "the search's case": (
        "UPDATE duplicate_searches SET case_index = sha256(case_index) WHERE id = :search",
        SEARCHES,
    ),
    "the search's rate": ("UPDATE duplicate_searches SET false_per_1000 = 9 WHERE id = :search", SEARCHES),
    "a search in silence": (
        "INSERT INTO duplicate_searches SELECT (jsonb_populate_record(s, jsonb_build_object("
        "'id', gen_random_uuid()))).* FROM duplicate_searches AS s WHERE id = :search",
        SEARCHES,
    ),
    "acts of one person": (
        "UPDATE acts SET actor_id = (SELECT proposed_by FROM duplicate_cases WHERE id = :id)"
        " WHERE subject_id = :id AND act = 'duplicate_confirmed'",
        "cases of duplicates that no second person confirmed",
    ),
    "an act that is gone": ("DELETE FROM acts WHERE subject_id = :id AND act = 'duplicate_confirmed'", CASES),
    "a search's end": (
        "DELETE FROM acts WHERE subject_id = :search AND act = 'duplicates_search_finished'",
        "cases of duplicates of searches that did not end",
    ),
}


@pytest.fixture(scope="module")
def county(alone: tuple[Service, FastAPI], tmp_path_factory: pytest.TempPathFactory) -> County:
    return County(*alone, tmp_path_factory.mktemp("fsck") / "duplicates")


@pytest.fixture(scope="module")
def confirmed(county: County) -> Json:
    """A case that two persons confirmed; what is damaged of it is rolled back."""
    case = filed(county)
    proposed = ask(county.new(), case, "confirmed").json()
    assert ask(county.new(), proposed, "confirmed").status_code == 200
    return case


def test_what_searches_and_people_do_is_sound(county: County, confirmed: Json) -> None:
    _, first, _ = county.twice()
    county.search()
    county.search()
    rejected = ask(county.new(), county.case(first), "rejected").json()
    ask(county.new(), rejected, "open")
    assert county.checked().findings == []


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_found(county: County, confirmed: Json, what: str) -> None:
    statements, finding = DAMAGE[what]
    named = {"id": confirmed["id"], "search": confirmed["found_in"]["id"]}
    with county.service.database.engine.connect() as connection:
        connection.execute(ONE_LOOK)
        for statement in statements.split(";"):
            wanted = {name: value for name, value in named.items() if f":{name}" in statement}
            assert connection.execute(text(statement), wanted).rowcount > 0, statement
        found = fsck.check(connection, county.service.keys)
        connection.rollback()
    assert [one for one in found.findings if one.startswith(finding)], found.findings
