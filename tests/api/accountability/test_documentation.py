"""`docs/accountability.md` says what the program does."""

import re
from pathlib import Path

from api.accountability.parameters import CLOCK_SKEW_S, LATEST_REPORT_S, MOST_AT_ONCE
from api.accountability.transactions.judging import Cause
from api.errors import catalogue
from api.verification import policy

DOCUMENT = (Path(__file__).parents[3] / "docs" / "accountability.md").read_text(encoding="utf-8")
SPOKEN_OF = set(re.findall(r"`([a-z_]+)`", DOCUMENT))


def test_the_causes_are_those_of_the_program_in_their_order() -> None:
    table = DOCUMENT[DOCUMENT.index("| `omission` |") : DOCUMENT.index("The first that holds is told.")]
    assert re.findall(r"^\| `([a-z_]+)` \|", table, re.MULTILINE)[1:] == list(Cause)


def test_every_code_of_the_room_is_explained() -> None:
    codes = {code for code in catalogue() if code.startswith("transaction_")}
    assert len(codes) == 4
    assert codes <= SPOKEN_OF


def test_the_figures_are_those_of_the_program() -> None:
    rules = policy.load(None).transactions
    assert (rules.max_age_s, rules.unknown) == (1800, "refuse")
    assert "1800 seconds unless it does" in DOCUMENT
    assert LATEST_REPORT_S == 35 * 86400
    assert "more than 35 days back" in DOCUMENT
    assert f"up to {MOST_AT_ONCE} at once" in DOCUMENT
    assert f"clocks may differ by {CLOCK_SKEW_S} seconds" in DOCUMENT
