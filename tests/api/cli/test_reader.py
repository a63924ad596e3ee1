"""`renzheng reader-simulator`: its cards are registered as it says, and its words are played."""

import socket
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.cli import reader
from tests.api.bodies import verify
from tests.api.cli.conftest import CommandLine
from tests.api.pictures import sound

QUICK = ("reader-simulator", "--port", "0", "--pause", "0", "--play")


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[Any]]]:
    """The words that were played, each with the cards, and no engine to make pictures for them."""
    words: list[tuple[str, list[Any]]] = []
    really = reader.act

    def act(simulator: Any, cards: list[Any], word: str) -> bool:
        words.append((word, cards))
        return really(simulator, cards, word)

    monkeypatch.setattr(reader, "act", act)
    monkeypatch.setattr(reader, "_material", lambda _: (b"person:a", b"person:a", sound("PNG")))
    monkeypatch.setattr(reader, "_chip_photo", lambda picture: picture)
    return words


def test_with_a_key_the_cards_are_what_they_are_called(
    authority_line: CommandLine, terminal: TestClient, played: list[tuple[str, list[Any]]]
) -> None:
    result = authority_line(*QUICK, "1 r garbled q 2")
    assert result.exit_code == 0, result.output
    assert [word for word, _ in played] == ["1", "r", "garbled"], "it ends with q"
    found = [told(terminal, card) for card in played[0][1]]
    assert found == ["valid", "card_reported_lost", "card_expired", "card_not_found"]
    for card in played[0][1]:
        assert card.title in result.stderr


def told(terminal: TestClient, card: Any) -> str:
    text = card.text
    shown = {
        "number": text.number,
        "issuer": text.issuer,
        "valid_from": text.valid_from.isoformat(),
        "valid_to": text.valid_to.isoformat(),
    }
    return str(verify(terminal, shown)["document"]["status"])


def test_without_a_key_no_register_knows_them(
    renzheng: CommandLine, terminal: TestClient, played: list[tuple[str, list[Any]]]
) -> None:
    result = renzheng(*QUICK, "1 nonsense")
    assert result.exit_code == 0, result.output
    assert "no register knows" in result.stderr
    assert "wrong-type" in result.stderr, "the words are told to who says another one"
    assert {told(terminal, card) for card in played[0][1]} == {"card_not_found"}


def test_a_port_in_use_is_told(renzheng: CommandLine, played: list[tuple[str, list[Any]]]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = renzheng("reader-simulator", "--port", port, "--play", "1")
    assert result.exit_code == 3
    assert port in result.stderr
    assert not played
