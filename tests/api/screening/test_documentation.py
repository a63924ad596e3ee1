"""`docs/screening.md` says what the program does."""

import re
from pathlib import Path

from api.errors import catalogue
from api.screening.parameters import EXPIRE_S, LOOK_S, MOST_DAYS, SNAPSHOT_PAUSE_S
from api.screening.routes import router
from api.screening.words import Ground
from api.verification import policy
from biometrics.gallery.parameters import DEAD_SHARE, EXACT_UP_TO

ROOT = Path(__file__).parents[3]
DOCUMENT = (ROOT / "docs" / "screening.md").read_text(encoding="utf-8")
SPOKEN_OF = set(re.findall(r"`([a-z_]+)`", DOCUMENT))


def test_the_acts_are_those_that_are_recorded() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "api" / "screening").glob("*.py"))
    recorded = set(re.findall(r'"(impostor_(?:[a-z]+ed|hit))"', sources))
    assert len(recorded) == 7
    told = DOCUMENT[DOCUMENT.index("## What is recorded") :]
    assert set(re.findall(r"`(impostor_[a-z]+)`", told)) == recorded


def test_the_grounds_and_the_codes_are_there() -> None:
    assert set(Ground) <= SPOKEN_OF
    codes = {"second_person_needed", "case_reference_invalid", "screening_hit", "screening_unavailable"}
    assert codes <= SPOKEN_OF & set(catalogue())


def test_every_step_is_a_route() -> None:
    said = set(re.findall(r"`POST (/v1/impostors[a-z/{}]*)`", DOCUMENT))
    there = {route.path.replace("{impostor_id}", "{id}") for route in router.routes if "POST" in route.methods}  # type: ignore[attr-defined]
    assert said == there


def test_the_figures_are_those_of_the_program() -> None:
    assert policy.load(None).screening.fpir == 0.01
    assert "0.01 unless changed" in DOCUMENT
    assert MOST_DAYS == 5 * 365 + 2
    assert "within five years" in re.sub(r"\s+", " ", DOCUMENT)
    assert EXACT_UP_TO == 40_000
    assert DEAD_SHARE == 0.2
    assert DOCUMENT.count("40,000") == 2
    assert max(EXPIRE_S, LOOK_S + SNAPSHOT_PAUSE_S) <= 61, "within a minute"
