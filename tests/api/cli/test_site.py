"""`renzheng evaluate --evidence` over a running service: what it did, read with a key, without one biometric."""

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from api.evaluation import site
from api.evidence.sequencer import drain
from api.institutions.roles import Role
from api.service import Service
from api.storage.tables import evidence, evidence_texts
from tests.api.bodies import new_card
from tests.api.cli.conftest import CommandLine

AsRole = Callable[[Role], CommandLine]


@pytest.fixture
def decided(as_role: AsRole, authority_line: CommandLine, service: Service) -> list[dict[str, Any]]:
    """The leaves of all verifications so far, among them three of one new terminal: PASS, REVIEW and REFUSE."""
    card = authority_line.file("card.json", json.dumps(new_card()))
    reference = authority_line.file("reference", "person:a")
    assert authority_line("cards", "register", "--card", card, "--face", reference).exit_code == 0
    terminal = as_role(Role.TERMINAL)
    for word, outcome in (("person:a", "PASS"), ("no_face", "REVIEW"), ("person:b", "REFUSE")):
        result = terminal("verify", "--card", card, "--face", terminal.file("face", word))
        assert result.stdout.startswith(outcome)
    drain(service.database, service.keys)
    with service.database.begin() as connection:
        texts = connection.execute(
            select(evidence_texts.c.leaf)
            .join(evidence, evidence.c.seq == evidence_texts.c.seq)
            .where(evidence.c.kind == "verification")
            .order_by(evidence.c.seq)
        ).scalars()
        return [json.loads(text) for text in texts]


def test_the_page_tells_what_the_service_did(
    as_role: AsRole, url: str, decided: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The busiest alone are shown else, and busier ones may be there from other tests.
    monkeypatch.setattr(site, "PLACES_SHOWN", len(decided))
    line = as_role(Role.REGULATOR)
    out = line.folder / "site"
    result = line("evaluate", "--evidence", url, "--report", str(out))
    assert result.exit_code == 0, result.output
    page = (out / "report.html").read_text(encoding="utf-8")
    assert f"{len(decided):,} verifications" in result.stderr
    terminal = decided[-1]["terminal"]
    own = [leaf for leaf in decided if leaf["terminal"] == terminal]
    assert [leaf["decision"] for leaf in own] == ["PASS", "REVIEW", "REFUSE"]
    row = re.search(rf"<tr><td[^>]*>{terminal}</td>(.*?)</tr>", page)
    assert row is not None
    cells = re.findall(r"<td[^>]*>(.*?)</td>", row.group(1))
    assert cells[0] == "3"
    assert [cell.partition("<")[0] for cell in cells[1:4]] == ["33.33"] * 3
    failures = Counter(
        part["reason"] for leaf in decided for part in leaf["person"]["modalities"] if part["status"] != "assessed"
    )
    assert re.search(rf"no_face</td><td[^>]*>{failures['no_face']}</td>", page)
    for word in ("By institution", "By terminal", "By channel", "By purpose", decided[-1]["policy_version"]):
        assert word in page
    assert (out / "stated.png").is_file()


def test_an_evaluator_is_told_how_much_is_withheld(as_role: AsRole, url: str, decided: list[dict[str, Any]]) -> None:
    """Of another institution nothing is shown."""
    line = as_role(Role.EVALUATOR)
    result = line("evaluate", "--evidence", url, "--report", str(line.folder / "site"))
    assert decided
    if result.exit_code == 0:
        page = (line.folder / "site" / "report.html").read_text(encoding="utf-8")
        assert "leaves withheld: not_yours" in page
    else:
        assert (result.exit_code, "withheld (not_yours)" in result.stderr) == (3, True)
        assert "a regulator those of all" in result.stderr


@pytest.mark.parametrize(("role", "code"), [(Role.TERMINAL, "role_not_allowed"), (None, "key")])
def test_without_the_right_there_is_no_page(as_role: AsRole, url: str, role: Role | None, code: str) -> None:
    line = as_role(role or Role.TERMINAL)
    if role is None:
        line.environment["RENZHENG_KEY"] = None
    result = line("evaluate", "--evidence", url, "--report", str(line.folder / "site"))
    assert result.exit_code == 3
    assert code in result.stderr
    assert not (line.folder / "site").exists()


def test_a_service_that_is_not_there_is_said(renzheng: CommandLine) -> None:
    renzheng.environment["RENZHENG_KEY"] = "x" * 40
    result = renzheng("evaluate", "--evidence", "http://127.0.0.1:9", "--report", str(renzheng.folder / "site"))
    assert result.exit_code == 3
    assert "does not answer" in result.stderr
