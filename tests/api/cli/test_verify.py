"""`renzheng verify` against a running service with scripted comparisons."""

import json
import re
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import pytest

from api.errors import entry
from api.institutions.roles import Role
from tests.api.bodies import new_card
from tests.api.cli.conftest import CommandLine


@pytest.fixture
def card(authority_line: CommandLine) -> str:
    """The file of a card that was registered for a, with a right index finger."""
    card = authority_line.file("card.json", json.dumps(new_card()))
    reference = authority_line.file("reference", "person:a")
    finger = f"right_index={reference}"
    assert authority_line("cards", "register", "--card", card, "--face", reference, "--finger", finger).exit_code == 0
    return card


def shown(line: CommandLine, card: str, face: str, finger: str = "person:a", *more: str) -> list[str]:
    """Arguments of a verification."""
    words = ["verify", "--card", card, "--face", line.file("face", face)]
    return [*words, "--finger", f"right_index={line.file('finger', finger)}", *more]


def test_the_holder_passes(terminal_line: CommandLine, card: str) -> None:
    result = terminal_line(*shown(terminal_line, card, "person:a"))
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == "PASS"
    assert "证件 card: 证件有效。 The card is valid. (valid)" in lines
    assert "人员 person: 人证一致。 The person is the card's holder. (match)" in lines
    assert "客户 customer: 核验通过。 The check is passed." in lines
    assert any(line.startswith("回执 receipt: ") for line in lines)


def test_people_see_no_score(terminal_line: CommandLine, card: str) -> None:
    words = shown(terminal_line, card, "person:a")
    figures = json.loads(terminal_line(*words, "--json").stdout)["person"]
    # As words: a time may hold any figure's digits.
    printed = re.split(r"[\s:(),]+", terminal_line(*words).stdout)
    for name in ("consistency", "llr", "fmr"):
        assert figures[name] is not None
        assert name not in printed
        assert str(figures[name]) not in printed


def test_another_person_is_refused(terminal_line: CommandLine, card: str) -> None:
    result = terminal_line(*shown(terminal_line, card, "person:b", "person:b"))
    assert result.exit_code == 1
    assert result.stdout.startswith("REFUSE\n")
    assert "(mismatch)" in result.stdout


def test_a_picture_without_a_face_goes_to_review(terminal_line: CommandLine, card: str) -> None:
    result = terminal_line(*shown(terminal_line, card, "no_face"))
    assert result.exit_code == 1
    assert result.stdout.startswith("REVIEW\n")
    assert "face: not assessed, 未检测到人脸" in result.stdout
    assert "finger right_index: assessed" in result.stdout


def test_a_kiosk_without_liveness_goes_to_review(terminal_line: CommandLine, card: str) -> None:
    result = terminal_line(*shown(terminal_line, card, "person:a", "person:a", "--channel", "kiosk"))
    assert result.exit_code == 1
    assert "(liveness_not_assessed)" in result.stdout


def test_the_chip_photograph_is_compared(terminal_line: CommandLine) -> None:
    unknown = terminal_line.file("unknown.json", json.dumps(new_card()))
    face, photo = terminal_line.file("face", "person:a"), terminal_line.file("photo", "person:a")
    result = terminal_line("verify", "--card", unknown, "--face", face, "--chip-photo", photo, "--json")
    answer = json.loads(result.stdout)
    assert result.exit_code == 1
    assert answer["decision"] == "REVIEW"
    assert answer["document"]["reasons"] == ["card_not_found"]
    assert answer["person"]["reasons"] == ["match"]


def test_a_card_reported_lost_is_refused_with_its_word(
    as_role: Callable[[Role], CommandLine], terminal_line: CommandLine
) -> None:
    authority = as_role(Role.AUTHORITY)
    card, face = authority.file("lost.json", json.dumps(new_card())), authority.file("face", "person:a")
    card_id = authority("cards", "register", "--card", card, "--face", face).stdout.strip()
    assert terminal_line("verify", "--card", card, "--face", face).exit_code == 0
    assert authority("cards", "report", card_id, "reported_lost").exit_code == 0
    result = terminal_line("verify", "--card", card, "--face", face)
    assert result.exit_code == 1
    assert "证件 card: 证件已挂失。 The card was reported lost. (card_reported_lost)" in result.stdout
    step = entry("card_reported_lost").shown  # the card is there
    assert step is not None
    assert f"持证人 holder: {step.zh} {step.en}\n" in result.stdout
    assert re.search(
        r"状态时间 since: 自 \d{4}-\d\d-\d\d \d\d:\d\d 起（北京时间）。 Since \d{4}-.* \(Beijing time\)\.\n",
        result.stdout,
    )
    assert "(match)" in result.stdout, "two axes: the person is the holder all the same"
    stranger = terminal_line("verify", "--card", card, "--face", authority.file("stranger", "person:b"))
    assert "(card_reported_lost)" in stranger.stdout
    assert "(suspected_fraud)" in stranger.stdout
    assert "持证人 holder" not in stranger.stdout, "what its holder does is nothing for somebody else"


def test_the_raw_answer_is_the_services(terminal_line: CommandLine, card: str) -> None:
    result = terminal_line(*shown(terminal_line, card, "person:a", "person:a", "--json", "--purpose", "loan"))
    answer = json.loads(result.stdout)
    UUID(answer["id"])
    assert datetime.fromisoformat(answer["decided_at"]).tzinfo is not None
    assert json.loads(answer["receipt"]["leaf"])["purpose"] == "loan"


def test_an_image_that_is_none(terminal_line: CommandLine, card: str) -> None:
    result = terminal_line(*shown(terminal_line, card, "image_truncated"))
    assert result.exit_code == 3
    assert "image_truncated" in result.stderr
    assert "face: image_truncated" in result.stderr
    assert "Traceback" not in result.output


def test_a_file_that_is_missing_is_usage(terminal_line: CommandLine, card: str) -> None:
    assert terminal_line("verify", "--card", card, "--face", "nowhere.jpg").exit_code == 2
