"""`renzheng cards` against a running service with scripted comparisons."""

import base64
import json
from uuid import UUID

import pytest

from tests.api.bodies import new_card
from tests.api.cli.conftest import CommandLine


def fields(card: dict[str, str]) -> list[str]:
    """The card as single options."""
    return [word for name, value in card.items() for word in (f"--{name.replace('_', '-')}", value)]


def registered(line: CommandLine, *captures: str) -> str:
    """Register a fresh card; gives its identifier."""
    card = line.file("card.json", json.dumps(new_card()))
    result = line("cards", "register", "--card", card, "--face", line.file("a.jpg", "person:a"), *captures)
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


def test_registering_prints_the_identifier_and_what_was_enrolled(authority_line: CommandLine) -> None:
    card = authority_line.file("card.json", json.dumps(new_card()))
    face, finger = authority_line.file("a.jpg", "person:a"), authority_line.file("b.png", "person:a")
    result = authority_line(
        "cards", "register", "--card", card, "--face", face, "--finger", f"left_ring={finger}", "--dpi", "500"
    )
    assert result.exit_code == 0, result.output
    assert str(UUID(result.stdout.strip())) == result.stdout.strip(), "nothing but the identifier, for a pipe"
    assert "face: scripted-1, quality 80" in result.stderr
    assert "finger left_ring: scripted-1, quality 80" in result.stderr


def test_a_long_term_card_by_its_fields(authority_line: CommandLine) -> None:
    card = new_card(valid_to="长期", serial="0A1B2C")
    result = authority_line("cards", "register", *fields(card), "--face", authority_line.file("a.jpg", "person:a"))
    assert result.exit_code == 0, result.output
    again = authority_line("cards", "register", *fields(card), "--face", authority_line.file("a.jpg", "person:a"))
    assert again.exit_code == 3
    assert "card_exists" in again.stderr


def test_a_card_from_the_standard_input(authority_line: CommandLine) -> None:
    face = authority_line.file("a.jpg", "person:a")
    result = authority_line("cards", "register", "--card", "-", "--face", face, stdin=json.dumps(new_card()))
    assert result.exit_code == 0, result.output


def test_the_raw_answer(authority_line: CommandLine) -> None:
    face = authority_line.file("a.jpg", "person:a")
    result = authority_line("cards", "register", *fields(new_card()), "--face", face, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["status"] == "valid"


def test_the_chip_text_is_sent_as_it_is(authority_line: CommandLine) -> None:
    text, face = authority_line.file("chip.txt", b"\0" * 256), authority_line.file("a.jpg", "person:a")
    result = authority_line("cards", "register", *fields(new_card()), "--text", text, "--face", face)
    assert result.exit_code == 3
    assert "card_text_invalid" in result.stderr, "256 zeros are no chip text, and the service said so"


def test_the_same_idempotency_key_registers_once(authority_line: CommandLine) -> None:
    words = ["cards", "register", *fields(new_card()), "--face", authority_line.file("a.jpg", "person:a")]
    first, second = (authority_line(*words, "--idempotency-key", "counter-7-0001") for _ in range(2))
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert first.stdout == second.stdout


def test_a_loss_is_reported(authority_line: CommandLine) -> None:
    result = authority_line("cards", "report", registered(authority_line), "reported_lost")
    assert result.exit_code == 0, result.output
    assert "card_reported_lost 证件已挂失。 The card was reported lost." in result.stdout


def test_a_death_tells_which_other_cards_it_made_invalid(authority_line: CommandLine) -> None:
    card, face = new_card(), authority_line.file("a.jpg", "person:a")
    made = [
        authority_line("cards", "register", *fields(one), "--face", face).stdout.strip()
        for one in (card, {**card, "valid_from": "2026-03-01", "valid_to": "2046-03-01"})
    ]
    result = authority_line("cards", "report", made[1], "holder_deceased")
    assert result.exit_code == 0, result.output
    first, *others = result.stdout.splitlines()
    assert first.startswith("holder_deceased ")
    assert others == [f"同一号码另有证件一并失效 also invalid now: {made[0]}"]


def test_a_card_for_the_dead_and_templates_for_a_card_that_is_not_valid(authority_line: CommandLine) -> None:
    card, face = new_card(), authority_line.file("a.jpg", "person:a")
    card_id = authority_line("cards", "register", *fields(card), "--face", face).stdout.strip()
    assert authority_line("cards", "report", card_id, "holder_deceased").exit_code == 0
    new = {**card, "valid_from": "2026-03-01", "valid_to": "2046-03-01"}
    refused = authority_line("cards", "register", *fields(new), "--face", face)
    assert refused.exit_code == 3
    for part in ("holder_recorded_deceased", "已登记死亡", "open and uphold a dispute"):
        assert part in refused.stderr
    enrolled = authority_line("cards", "enrol", card_id, "--finger", f"left_ring={face}")
    assert enrolled.exit_code == 3
    assert "card_not_valid" in enrolled.stderr


def test_a_card_file_with_a_day_that_is_none(authority_line: CommandLine) -> None:
    card = authority_line.file("card.json", json.dumps({**new_card(), "valid_to": "2046-11-31"}))
    result = authority_line("cards", "register", "--card", card, "--face", authority_line.file("a.jpg", "person:a"))
    assert result.exit_code == 3
    assert "card.valid_to: day_invalid 日期须为 YYYY-MM-DD 的有效日期。" in result.stderr
    assert "software" not in result.stderr


def test_a_replaced_card_names_the_new_one(authority_line: CommandLine) -> None:
    old, new = registered(authority_line), registered(authority_line)
    result = authority_line("cards", "report", old, "reissued", "--superseded-by", new, "--json")
    assert result.exit_code == 3, "a card of another number replaces nothing"
    assert json.loads(result.stdout)["code"] == "superseding_card_invalid"


@pytest.mark.parametrize(
    ("event", "code"), [("found", "event_not_possible"), ("cancelled", "card_unknown")], ids=["impossible", "unknown"]
)
def test_what_cannot_be_reported(authority_line: CommandLine, event: str, code: str) -> None:
    card = registered(authority_line) if event == "found" else "0c5f7a3e-6f0d-4f6e-9b0a-2f6f2f0d9a11"
    result = authority_line("cards", "report", card, event)
    assert result.exit_code == 3
    assert code in result.stderr


def test_an_error_is_told_in_both_languages_with_its_request(authority_line: CommandLine) -> None:
    card = new_card()
    wrong = card | {"number": card["number"][:17] + ("0" if card["number"][17] != "0" else "1")}
    result = authority_line("cards", "register", *fields(wrong), "--face", authority_line.file("a.jpg", "person:a"))
    assert result.exit_code == 3
    assert "number_check_digit" in result.stderr
    for part in ("身份号码", "check digit", "→", "request_id: "):
        assert part in result.stderr
    assert wrong["number"] not in result.output


def test_a_capture_without_a_template_is_named(authority_line: CommandLine) -> None:
    blank = authority_line.file("blank.jpg", "no_face")
    result = authority_line("cards", "register", *fields(new_card()), "--face", blank)
    assert result.exit_code == 3
    assert "enrolment_failed" in result.stderr
    assert "face: no_face 未检测到人脸" in result.stderr


def test_a_terminal_may_not_register(terminal_line: CommandLine) -> None:
    result = terminal_line("cards", "register", *fields(new_card()), "--face", terminal_line.file("a", "person:a"))
    assert result.exit_code == 3
    assert "role_not_allowed" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--number", "1"], "--issuer, --valid-from, --valid-to"),
        (["--card", "CARD", "--number", "1"], "not both"),
        (["--card", "CARD"], "--face or at least one --finger"),
        (["--card", "CARD", "--face", "nowhere.jpg"], "nowhere.jpg"),
        (["--card", "CARD", "--finger", "FACE"], "not a finger"),
        (["--card", "CARD", "--finger", "left_ring"], "write POSITION=FILE, such as left_ring=finger.png"),
        (["--card", "CARD", "--finger", "left_ring="], "请写作 指位=文件"),
        (["--card", "CARD", "--face", "FACE", "--supersedes-event", "renewed"], "goes with --supersedes CARD_ID"),
        (["--valid-from", "2046-11-31"], "a real day as YYYY-MM-DD"),
        (["--valid-from", "长期"], "日期须为 YYYY-MM-DD 的有效日期"),
        (["--valid-to", "2020/01/01"], "a real day as YYYY-MM-DD"),
        (["--valid-to", "2016-W01"], "a real day as YYYY-MM-DD"),
        (["--card", "CARD", "--finger", "toe=FACE"], "not a finger: toe"),
        (["--card", "CARD", "--finger", "left_thumb=nowhere.png"], "there is no file"),
        (["--card", "CARD", "--face", "FACE", "--dpi", "50"], "100"),
    ],
)
def test_mistaken_options_are_usage(authority_line: CommandLine, arguments: list[str], complaint: str) -> None:
    files = {"CARD": authority_line.file("card.json", "{}"), "FACE": authority_line.file("a.jpg", "person:a")}
    words = [word.replace("FACE", files["FACE"]).replace("CARD", files["CARD"]) for word in arguments]
    result = authority_line("cards", "register", *words)
    assert result.exit_code == 2
    assert "".join(complaint.split()) in "".join(result.stderr.replace("│", " ").split())


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ('{"number": 1', "line 1"),
        ("[1]", "one JSON object"),
        (b"\xff\xfe", "UTF-8"),
        ('{"colour": 1}', "request_invalid"),
    ],
)
def test_a_card_file_that_is_none(authority_line: CommandLine, content: str | bytes, complaint: str) -> None:
    card, face = authority_line.file("card.json", content), authority_line.file("a.jpg", "person:a")
    result = authority_line("cards", "register", "--card", card, "--face", face)
    assert result.exit_code == 3
    assert complaint in result.stderr
    assert "Traceback" not in result.output


def test_an_unknown_event_or_identifier_is_usage(authority_line: CommandLine) -> None:
    assert authority_line("cards", "report", "7", "reported_lost").exit_code == 2
    unknown = authority_line("cards", "report", "0c5f7a3e-6f0d-4f6e-9b0a-2f6f2f0d9a11", "registered")
    assert unknown.exit_code == 2
    assert "reported_stolen" in unknown.stderr


def test_images_travel_unchanged(authority_line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[dict[str, dict[str, dict[str, str]]]] = []

    def post(self: object, path: str, body: dict[str, dict[str, dict[str, str]]], key: str | None = None) -> object:
        sent.append(body)
        return {"id": "x", "enrolled": []}

    monkeypatch.setattr("api.cli.client.Client.post", post)
    picture = bytes(range(256))
    authority_line("cards", "register", *fields(new_card()), "--face", authority_line.file("a.jpg", picture))
    assert base64.b64decode(sent[0]["captures"]["face"]["image"]) == picture
