"""`docs/captures.md` says what the program does."""

import re
from pathlib import Path

import pytest

from api.errors import catalogue, entry
from api.verification import policy

DOCUMENT = (Path(__file__).parents[3] / "docs" / "captures.md").read_text(encoding="utf-8")


def test_the_table_of_codes_is_the_catalogues() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| (\d{3}) \|", DOCUMENT, re.MULTILINE)
    fresh = {code for code in catalogue() if re.match(r"(nonce|capture)_", code)} - {"capture_missing"}
    assert {code for code, _ in rows} == fresh
    for code, status in rows:
        assert entry(code).http == int(status)


def test_the_figures_are_those_of_the_program() -> None:
    guessing = policy.load(None).guessing
    assert (guessing.max_failures, guessing.window_s, guessing.lock_s) == (10, 86400, 86400), (
        "the tenth within 24 hours"
    )
    assert "At the tenth failure within 24 hours" in DOCUMENT


@pytest.mark.parametrize(
    "code", ["channel_not_allowed", "rate_limited", "card_locked", "other_document", "modalities_disagree"]
)
def test_codes_that_are_spoken_of_are_there(code: str) -> None:
    assert f"`{code}`" in DOCUMENT
    assert code in catalogue()
