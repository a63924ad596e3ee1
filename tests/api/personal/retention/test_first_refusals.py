"""First refusals after loss reports, of months whose decisions retention removed: what is not known is told as such."""

from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from api.accountability.scorecards.months import Month
from api.accountability.scorecards.proving import Proof, steps
from api.cards.parameters import TIMEZONE
from api.cli import scorecard as scorecard_command
from api.evidence.sequencer import drain
from tests.api.bodies import register, report, verify
from tests.api.personal.retention.conftest import Town
from tests.api.personal.retention.test_enforcing import DECISIONS

MONTH = datetime.now(UTC).astimezone(TIMEZONE).strftime("%Y-%m")


def lost_and_refused(town: Town) -> Any:
    card_id, card = register(town.authority)
    report(town.authority, card_id, "reported_lost")
    assert verify(town.terminal, card)["decision"] == "REFUSE"
    return card


def scorecard(supervisor: TestClient) -> tuple[dict[str, int], Any]:
    answer = supervisor.get("/v1/scorecards", params={"month": MONTH})
    assert answer.status_code == 200, answer.text
    (card,) = answer.json()["items"]
    return {one["figure"]: one["count"] for one in card["figures"]}, card


def proven(town: Town) -> Proof:
    proof = Proof()
    with town.service.database.begin() as connection:
        for _ in steps(connection, Month.of(MONTH), proof):
            pass
    return proof


def test_months_that_retention_emptied_say_what_is_not_known(town: Town) -> None:
    first = lost_and_refused(town)
    figures, card = scorecard(town.supervisor)
    assert (figures["losses.first_refusals"], card["first_refusals_not_known"]) == (1, 0)
    assert "losses.not_known" not in figures
    assert proven(town).not_known == []

    assert town.enforce(DECISIONS + 1)["verifications"] == 1
    figures, card = scorecard(town.supervisor)
    assert (figures["checks.REFUSE"], figures["losses.first_refusals"]) == (1, 0)
    assert (figures["losses.not_known"], card["first_refusals_not_known"], card["first_refusal_s"]) == (1, 1, None)

    # The same card once more is not taken for the first, and another card's refusal is what it is.
    assert verify(town.terminal, first)["decision"] == "REFUSE"
    lost_and_refused(town)
    figures, card = scorecard(town.supervisor)
    assert (figures["losses.first_refusals"], figures["losses.not_known"]) == (1, 2)
    assert 0 < card["first_refusal_s"]["longest"] < 3600

    proof = proven(town)
    assert (proof.holds, proof.differences) == (True, [])
    (told,) = proof.not_known
    assert "the tables know 1, the log 2; retention removed whose cards 2 refusals were of" in told

    asked = {"month": MONTH, "figure": "losses.not_known"}
    listed = town.supervisor.get("/v1/scorecards/evidence", params=asked).json()["items"]
    assert len({one["leaf_hash"] for one in listed}) == 2
    rows = town.supervisor.get("/v1/scorecards", params={"month": MONTH, "format": "csv"}).text.splitlines()
    assert [row.split(",")[6] for row in rows if ",losses.not_known," in row] == ["2"]


def prove(town: Town, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    """`renzheng scorecard prove`: its exit code, and what it says."""
    drain(town.service.database, town.service.keys)
    monkeypatch.setattr(scorecard_command, "registry", lambda: nullcontext(town.service))
    done = CliRunner().invoke(scorecard_command.app, [MONTH])
    return done.exit_code, done.output


def test_the_command_says_what_is_proven_and_what_is_not(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    lost_and_refused(town)
    code, said = prove(town, monkeypatch)
    assert (code, "Proven:" in said, "NOT PROVEN" in said) == (0, True, False)
    town.enforce(DECISIONS + 1)
    code, said = prove(town, monkeypatch)
    assert (code, "Proven:" in said) == (0, True)
    assert "无法证明" in said
    assert "NOT PROVEN for 1 terminal, and not contradicted: first refusals after loss reports" in said
    town.ask("UPDATE verifications SET decision = 'PASS'")
    code, said = prove(town, monkeypatch)
    assert (code, "Proven:" in said) == (1, False)


def test_what_is_not_known_hides_no_other_difference(town: Town) -> None:
    lost_and_refused(town)
    town.enforce(DECISIONS + 1)
    lost_and_refused(town)
    later = "UPDATE verifications SET decided_at = decided_at + interval '1 second' WHERE removed_at IS NULL"
    assert town.ask(later) == 1
    proof = proven(town)
    assert not proof.holds
    assert any("the times from loss reports" in one for one in proof.differences)
