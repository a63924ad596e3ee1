"""`renzheng cards find` and `enrol`, and cards registered in another's place."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from api.institutions.roles import Role
from tests.api.bodies import Json, new_card, new_number
from tests.api.cli.conftest import CommandLine


def register(line: CommandLine, card: Json, *more: str) -> str:
    result = line(
        "cards", "register", "--card", line.file("card.json", json.dumps(card)), "--face",
        line.file("a.jpg", "person:a"), *more,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


@pytest.fixture
def beside(as_role: Callable[[Role], CommandLine], home: Path) -> CommandLine:
    """An authority that reads files into the service's database too."""
    made = as_role(Role.AUTHORITY)
    made.environment |= {"RENZHENG_HOME": str(home), "RENZHENG_DATABASE_URL": None}
    return made


def test_cards_are_found_by_their_number(authority_line: CommandLine) -> None:
    card = new_card()
    old = register(authority_line, card)
    new = register(authority_line, {**card, "valid_from": "2026-03-01", "valid_to": "长期"}, "--supersedes", old)
    file = authority_line.file("number.json", json.dumps({"number": card["number"]}))
    result = authority_line("cards", "find", "--card", file)
    assert result.exit_code == 0, result.output
    heading, first, second = (line.split("\t") for line in result.stdout.strip().split("\n"))
    assert heading == ["id", "status", "valid_from", "valid_to", "issuer", "templates"]
    assert first == [new, "valid", "2026-03-01", "长期", card["issuer"], "face"]
    assert second[:2] == [old, "card_reissued"]
    assert authority_line("cards", "find", "--number", card["number"]).stdout == result.stdout
    assert card["number"] not in result.output
    raw = json.loads(authority_line("cards", "find", "--card", "-", "--json", stdin=json.dumps(card)).stdout)
    assert [one["id"] for one in raw["items"]] == [new, old]


def test_nothing_found_is_a_negative_answer(authority_line: CommandLine) -> None:
    assert authority_line("cards", "find", "--number", new_number()).exit_code == 1
    assert authority_line("cards", "find").exit_code == 2
    both = authority_line("cards", "find", "--number", new_number(), "--card", authority_line.file("c.json", "{}"))
    assert both.exit_code == 2
    none = authority_line("cards", "find", "--card", authority_line.file("c.json", "{}"))
    assert none.exit_code == 3
    assert "has no number" in none.stderr
    piped = authority_line("cards", "find", "--card", "-", stdin="{}")
    assert piped.stderr == "标准输入中没有 number。\nThe standard input has no number.\n"


def test_a_card_takes_anothers_place(authority_line: CommandLine) -> None:
    card = new_card()
    old = register(authority_line, card)
    file = authority_line.file("new.json", json.dumps({**card, "valid_from": "2026-03-01", "valid_to": "2046-03-01"}))
    words = ["cards", "register", "--card", file, "--face", authority_line.file("a.jpg", "person:a")]
    result = authority_line(*words, "--supersedes", old, "--supersedes-event", "renewed")
    assert result.exit_code == 0, result.output
    assert f"{old}: card_reissued 证件已失效。" in result.stderr
    assert "also valid" not in result.stderr
    assert authority_line(*words, "--supersedes", old, "--supersedes-event", "found").exit_code == 2


def test_older_cards_that_stay_good_are_told(authority_line: CommandLine) -> None:
    card = new_card()
    old = register(authority_line, card)
    file = authority_line.file("new.json", json.dumps({**card, "valid_from": "2026-03-01", "valid_to": "2046-03-01"}))
    result = authority_line("cards", "register", "--card", file, "--face", authority_line.file("a.jpg", "person:a"))
    assert result.exit_code == 0
    assert f"also valid, until it is reported: {old}" in result.stderr


def test_a_card_of_a_file_is_enrolled(beside: CommandLine) -> None:
    card = new_card()
    assert beside("cards", "import", beside.file("cards.jsonl", json.dumps(card))).exit_code == 0
    (found,) = json.loads(beside("cards", "find", "--number", card["number"], "--json").stdout)["items"]
    assert found["templates"] == []
    face, finger = beside.file("a.jpg", "person:a"), beside.file("f.png", "person:a")
    words = ["cards", "enrol", found["id"], "--face", face, "--more-face", beside.file("b.jpg", "person:a")]
    result = beside(*words, "--finger", f"left_ring={finger}", "--idempotency-key", found["id"])
    assert result.exit_code == 0, result.output
    assert "face: scripted-1, quality 80\nfinger left_ring: scripted-1, quality 80" in result.stderr
    assert beside(*words, "--finger", f"left_ring={finger}", "--idempotency-key", found["id"]).exit_code == 0
    again = beside(*words)
    assert again.exit_code == 3
    assert "face_enrolled" in again.stderr
    only = beside("cards", "enrol", found["id"], "--finger", f"left_thumb={finger}")
    assert only.exit_code == 0, only.output
    listed = beside("cards", "find", "--number", card["number"]).stdout
    assert listed.strip().endswith("face, finger left_ring, finger left_thumb")


@pytest.mark.parametrize(
    "arguments", [[], ["--more-face", "FACE"], ["--more-face", "FACE", "--finger", "left_ring=FACE"]]
)
def test_mistaken_captures_are_usage(authority_line: CommandLine, arguments: list[str]) -> None:
    file = authority_line.file("a.jpg", "person:a")
    words = [word.replace("FACE", file) for word in arguments]
    assert authority_line("cards", "enrol", "0c5f7a3e-6f0d-4f6e-9b0a-2f6f2f0d9a11", *words).exit_code == 2
