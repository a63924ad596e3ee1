"""`renzheng cards re-enrol`, with a recogniser of grey levels in the place of the real one."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from api.errors import entry
from api.institutions.roles import Role
from tests.api.bodies import new_card
from tests.api.cards.bulk.test_reenrolling import LINE, Grey, picture
from tests.api.cli.conftest import CommandLine

NOBODYS = "0c5f7a3e-6f0d-4f6e-9b0a-2f6f2f0d9a11"


@pytest.fixture
def line(as_role: Callable[[Role], CommandLine], home: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """The command line of an authority, on the shared service's home."""
    monkeypatch.setattr("biometrics.face.packs.open_engine", lambda *_, **__: Grey())
    monkeypatch.setattr("api.matching.calibrations.load", lambda *_: {Grey().engine: LINE})
    made = as_role(Role.AUTHORITY)
    made.environment |= {"RENZHENG_HOME": str(home), "RENZHENG_DATABASE_URL": None}
    return made


def of_a_file(line: CommandLine, *events: str) -> str:
    """A card that came from a file, and so without a face; gives its identifier."""
    card = new_card()
    assert line("cards", "import", line.file("cards.jsonl", json.dumps(card))).exit_code == 0
    (found,) = json.loads(line("cards", "find", "--number", card["number"], "--json").stdout)["items"]
    for event in events:
        assert line("cards", "report", found["id"], event).exit_code == 0
    return str(found["id"])


def test_first_faces_are_made_and_counted_in_both_languages(line: CommandLine, tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    picture(pictures / f"{of_a_file(line)}.png", 50)
    result = line("cards", "re-enrol", str(pictures), "--first")
    assert (result.exit_code, result.stdout) == (
        0,
        "grey-2：新建模板 1 张，已有 0 张，略过 0 张。"
        " 1 new template made, 0 cards had one already, 0 cards left out.\n",
    ), result.output
    again = line("cards", "re-enrol", str(pictures), "--first")
    assert "0 new templates made, 1 card had one already, 0 cards left out.\n" in again.stdout


def test_cards_that_are_left_out_are_named_and_their_codes_explained(line: CommandLine, tmp_path: Path) -> None:
    pictures, listed = tmp_path / "pictures", tmp_path / "faults.csv"
    lost = of_a_file(line, "reported_lost")
    for card in (lost, NOBODYS):
        picture(pictures / f"{card}.png", 50)
    result = line("cards", "re-enrol", str(pictures), "--first", "--faults", str(listed))
    assert result.exit_code == 1, result.output
    assert "0 new templates made, 0 cards had one already, 2 cards left out.\n" in result.stdout
    for card, code in ((lost, "card_not_valid"), (NOBODYS, "card_unknown")):
        text = entry(code).message
        assert f"{card}: {code}\n" in result.stderr
        assert f"{code} (1): {text.zh} {text.en}\n" in result.stderr
        assert f"{card},{code}" in listed.read_text().splitlines()
