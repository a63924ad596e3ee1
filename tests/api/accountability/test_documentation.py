"""`docs/accountability.md` says what the program does."""

import re
from pathlib import Path

from fastapi.routing import APIRoute

from api.accountability.holders import disputes, history
from api.accountability.holders import routes as holder_routes
from api.accountability.overrides import routes as override_routes
from api.accountability.overrides.rules import ACTS, Reason
from api.accountability.parameters import CLOCK_SKEW_S, IDENTIFIED_S, LATEST_REPORT_S, MOST_AT_ONCE, OVERRIDE_WINDOW_S
from api.accountability.scorecards.figures import ALWAYS
from api.accountability.scorecards.parameters import FALSE_DISCOVERY_RATE, LEAST_PEERS
from api.accountability.scorecards.patterns import RATES
from api.accountability.transactions import routes as transaction_routes
from api.accountability.transactions.judging import Cause
from api.errors import catalogue
from api.verification import policy
from api.verification.presented import FACE_FAILURES, FINGER_FAILURES

DOCUMENT = (Path(__file__).parents[3] / "docs" / "accountability.md").read_text(encoding="utf-8")
SPOKEN_OF = set(re.findall(r"`([a-z_]+)`", DOCUMENT))


def test_the_causes_are_those_of_the_program_in_their_order() -> None:
    table = DOCUMENT[DOCUMENT.index("| `omission` |") : DOCUMENT.index("The first that holds is told.")]
    assert re.findall(r"^\| `([a-z_]+)` \|", table, re.MULTILINE)[1:] == list(Cause)


def test_every_code_of_the_room_is_explained() -> None:
    codes = {code for code in catalogue() if code.startswith("transaction_")}
    codes |= {
        code
        for code in catalogue()
        if code.startswith(("override_", "explanation_", "holder_not_", "dispute_o", "dispute_r"))
    }
    assert len(codes) == 13
    assert codes <= SPOKEN_OF


def test_the_acts_and_the_reasons_are_those_of_the_program() -> None:
    told = DOCUMENT[DOCUMENT.index("## What is recorded") :]
    assert set(re.findall(r"`((?:override|check_dispute|history)[a-z_]*)`", told)) == {
        *ACTS.values(), *disputes.ACTS.values(), history.ACT,
    }  # fmt: skip
    assert {*Reason, *disputes.Reason} <= SPOKEN_OF


def test_the_figures_of_a_scorecard_and_the_rates_are_explained() -> None:
    section = DOCUMENT[DOCUMENT.index("## Scorecards") : DOCUMENT.index("## What is recorded")]
    for figure in ALWAYS:
        head, _, tail = figure.rpartition(".")
        assert f"`{figure}`" in section or (f"`.{tail}`" in section and head in section), figure
    assert set(RATES) <= SPOKEN_OF
    assert FACE_FAILURES | FINGER_FAILURES <= SPOKEN_OF


def test_every_step_is_a_route() -> None:
    said = set(re.findall(r"`POST (/v1/[a-z/{}]*)`", DOCUMENT.replace("\n", " ")))
    routes = [
        *transaction_routes.router.routes, *override_routes.router.routes, *holder_routes.router.routes
    ]  # fmt: skip
    there = {
        re.sub(r"\{[a-z]+_id\}", "{id}", route.path)
        for route in routes
        if isinstance(route, APIRoute) and "POST" in (route.methods or ())
    }
    assert said == there


def test_the_figures_are_those_of_the_program() -> None:
    rules = policy.load(None).transactions
    assert (rules.max_age_s, rules.unknown) == (1800, "refuse")
    assert "1800 seconds unless it does" in DOCUMENT
    assert LATEST_REPORT_S == 35 * 86400
    assert "more than 35 days back" in DOCUMENT
    assert f"up to {MOST_AT_ONCE} at once" in DOCUMENT
    assert (FALSE_DISCOVERY_RATE, LEAST_PEERS) == (0.05, 15)
    assert "`q` up to 0.05" in DOCUMENT
    assert "With fewer than 15 others" in DOCUMENT
    assert IDENTIFIED_S == 10 * 60
    assert "within the last\nten minutes" in DOCUMENT
    assert OVERRIDE_WINDOW_S == 24 * 3600
    assert "within 24 hours after the decision" in DOCUMENT
    assert f"clocks may differ by {CLOCK_SKEW_S} seconds" in DOCUMENT
