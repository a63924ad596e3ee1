"""`docs/duplicates.md` says what the program does."""

import re
from pathlib import Path

from fastapi.routing import APIRoute
from typer.main import get_command

from api.cli.main import app as command_line
from api.duplicates.parameters import FALSE_PER_1000
from api.duplicates.routes import router
from api.duplicates.words import CaseKind, Outcome, State
from api.errors import catalogue
from biometrics.duplicates import Kind
from biometrics.finger.sketch import MINUTIAE

ROOT = Path(__file__).parents[3]
DOCUMENT = (ROOT / "docs" / "duplicates.md").read_text(encoding="utf-8")
SPOKEN_OF = set(re.findall(r"`([a-z_]+)`", DOCUMENT))


def test_the_acts_are_those_that_are_recorded() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "api" / "duplicates").glob("*.py"))
    recorded = set(re.findall(r'"((?:duplicates_search|duplicate)_(?:case|case_[a-z]+|[a-z]+ed|begun))"', sources))
    recorded -= set(catalogue())
    assert len(recorded) == 10
    told = DOCUMENT[DOCUMENT.index("## What is recorded") :]
    assert set(re.findall(r"`(duplicates?_[a-z_]+)`", told)) == recorded


def test_the_words_and_codes_are_there() -> None:
    assert {*CaseKind, *State, *Outcome, Kind.FACE_ALIKE_FINGERS_UNCLEAR} <= SPOKEN_OF
    codes = {"duplicate_state", "duplicate_changed", "duplicate_members_unknown", "second_person_needed"}
    assert codes | {"case_reference_invalid"} <= SPOKEN_OF & set(catalogue())


def test_every_route_is_told_of() -> None:
    said = set(re.findall(r"`(GET|POST) (/v1/duplicates[a-z/{}]*)`", DOCUMENT))
    routes = [route for route in router.routes if isinstance(route, APIRoute)]
    there = {(method, one.path.replace("{duplicate_id}", "{id}")) for one in routes for method in one.methods or ()}
    assert said == there


def test_the_options_are_those_of_the_command() -> None:
    command = get_command(command_line).commands["deduplicate"]  # type: ignore[attr-defined]
    there = {option for one in command.params for option in one.opts} - {"--key-file", "--help"}
    assert set(re.findall(r"^\| `(--[a-z0-9-]+)`", DOCUMENT, re.MULTILINE)) == there


def test_the_figures_are_those_of_the_program() -> None:
    assert FALSE_PER_1000 == 1.0
    assert "1 unless said. Fewer miss more" in DOCUMENT
    assert MINUTIAE == 16
    assert "sixteen minutiae" in DOCUMENT
