"""Every status of a card in the tellers' words, with its time and the holder's next step, wherever a status is told."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.cards.bulk import importing
from api.cards.parameters import TIMEZONE
from api.cards.words import since_words, status_words
from api.errors import entry
from api.institutions import principals
from api.institutions.roles import Role
from api.service import Service
from tests.api.bodies import Json, fresh_key, new_card, register, report, verify
from tests.api.entries import new_key

# What tellers say, by document code.
SAID = {
    "valid": "证件有效。",
    "not_yet_valid": "证件尚未生效。",
    "card_expired": "证件已过有效期。",
    "card_reported_lost": "证件已挂失。",
    "card_reported_stolen": "证件已挂失。",
    "card_reissued": "证件已失效。",
    "card_cancelled": "证件已失效。",
    "holder_deceased": "证件已失效。",
    "card_not_found": "库中无此证。",
}
REPORTED = {
    "card_reported_lost": "reported_lost",
    "card_reported_stolen": "reported_stolen",
    "card_reissued": "reissued",
    "card_cancelled": "cancelled",
    "holder_deceased": "holder_deceased",
}
NEXT = {
    "card_expired": ("换领", "renewal"),
    "card_reported_lost": ("登记找回", "it was found"),
    "card_reported_stolen": ("登记追回", "it came back"),
    "card_reissued": ("新证", "replaced"),
    "card_cancelled": ("签发机关", "issuing authority"),
    "holder_deceased": ("更正", "correct"),
    "card_not_found": ("签发机关", "issuing authority"),
}


def day(offset: int) -> str:
    return (datetime.now(TIMEZONE).date() + timedelta(days=offset)).isoformat()


def made(authority: TestClient, code: str) -> tuple[str | None, Json, datetime | None]:
    """A card at a status: its identifier, itself, and since when."""
    if code == "card_not_found":
        return None, new_card(), None
    dates = {"not_yet_valid": {"valid_from": day(2)}, "card_expired": {"valid_to": day(-3)}}
    card_id, card = register(authority, new_card(**dates.get(code, {})))
    if code in REPORTED:
        return card_id, card, datetime.fromisoformat(report(authority, card_id, REPORTED[code])["recorded_at"])
    if code == "card_expired":
        return card_id, card, datetime.fromisoformat(f"{day(-2)}T00:00:00+08:00")
    return card_id, card, None


def checked(terminal: TestClient, card: Json) -> Json:
    answer = terminal.post("/v1/checks", json={"purpose": "test", "card": card}, headers=fresh_key())
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


@pytest.mark.parametrize("code", SAID)
def test_a_status_is_told_alike_everywhere(authority: TestClient, terminal: TestClient, code: str) -> None:
    card_id, card, since = made(authority, code)
    words = verify(terminal, card)["words"]["document"]
    assert (words["code"], words["message"]["zh"]) == (code, SAID[code])
    # The card lies there: of one that was lost that is another case than of one that is away.
    holder = entry(code).shown or entry(code).holder
    assert holder is not None
    assert words["holder"] == holder.model_dump()
    for fragment, text in zip(NEXT.get(code, ("", "")), (holder.zh, holder.en), strict=True):
        assert fragment in text
    assert moment(words["since"]) == since
    assert (words["since_words"] is None) == (since is None)

    check = checked(terminal, card)
    if code == "card_not_found":
        assert "status" not in check
    else:
        assert check["words"]["status"] == words["message"]
    assert check["words"]["holder"] == words["holder"]
    assert check["words"].get("since_words") == words["since_words"]
    assert moment(check.get("since")) == since

    if card_id is not None:
        read = authority.get(f"/v1/cards/{card_id}").json()["words"]
        away = entry(code).holder
        assert away is not None
        assert read["holder"] == away.model_dump()
        own = {"since": None, "since_words": None, "holder": None}
        assert {**read, **own} == {**words, **own}
        if code not in {"valid", "not_yet_valid"}:
            assert (moment(read["since"]), read["since_words"]) == (since, words["since_words"])


def moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def test_the_time_is_that_of_the_status_and_not_of_the_last_event(authority: TestClient, terminal: TestClient) -> None:
    card_id, card = register(authority)
    registered_at = moment(authority.get(f"/v1/cards/{card_id}").json()["registered_at"])
    report(authority, card_id, "reported_lost")
    found = report(authority, card_id, "found")
    assert moment(authority.get(f"/v1/cards/{card_id}").json()["words"]["since"]) == moment(found["recorded_at"])
    lost = report(authority, card_id, "reported_lost")
    report(authority, card_id, "dispute_opened")
    assert moment(verify(terminal, card)["document"]["since"]) == moment(lost["recorded_at"])
    upheld = report(authority, card_id, "dispute_upheld")
    read = authority.get(f"/v1/cards/{card_id}").json()
    assert (read["status"], moment(read["words"]["since"])) == ("valid", moment(upheld["recorded_at"]))
    assert moment(read["registered_at"]) == registered_at


def test_a_good_card_is_good_since_its_registration(authority: TestClient) -> None:
    card_id, _ = register(authority)
    read = authority.get(f"/v1/cards/{card_id}").json()
    assert read["words"]["code"] == "valid"
    assert moment(read["words"]["since"]) == moment(read["registered_at"]) == moment(read["events"][0]["recorded_at"])


def test_times_are_said_in_beijing_time() -> None:
    assert since_words(datetime(2026, 11, 21, 16, 5, 59, tzinfo=UTC)) == {
        "zh": "自 2026-11-22 00:05 起（北京时间）。",
        "en": "Since 2026-11-22 00:05 (Beijing time).",
    }
    assert status_words("card_reported_lost", datetime(2026, 1, 1, tzinfo=UTC))["since"] == "2026-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    "code", ["text_mismatch", "serial_mismatch", "chip_photo_unconfirmed", "not_enrolled", "no_face"]
)
def test_only_what_a_card_can_be_has_such_words(code: str) -> None:
    with pytest.raises(ValueError, match=code):
        status_words(code, None)


def holder_of(code: str) -> Json:
    found = entry(code).shown or entry(code).holder
    assert found is not None
    return found.model_dump()


def of_a_file(service: Service, folder: Path) -> Json:
    """A card without any template."""
    key = new_key(service.database, service.keys, Role.AUTHORITY)
    with service.database.begin() as connection:
        caller = principals.authenticate(connection, key)
    assert caller is not None
    card, file = new_card(), folder / "cards.jsonl"
    file.write_text(json.dumps(card), encoding="utf-8")
    assert importing.load(service.database, service.keys, caller, file, lambda *_: None).registered == 1
    return card


def test_who_does_not_pass_with_a_good_card_does_not_hear_that_there_is_nothing_to_do(
    authority: TestClient, terminal: TestClient, service: Service, tmp_path: Path
) -> None:
    """The words are those of what stands in the way; the status stays what the tellers say."""
    _, card = register(authority)
    _, without = register(authority, face=None, right_index="person:a")
    _, marked = register(authority, new_card(serial="AB12"))
    cases: list[tuple[Json, Json, str]] = [
        (card, {"chip_photo": "person:b"}, "chip_photo_mismatch"),
        (without, {}, "not_enrolled"),
        (of_a_file(service, tmp_path), {"chip_photo": "person:a"}, "chip_photo_unconfirmed"),
        ({**marked, "serial": "CD34"}, {}, "serial_mismatch"),
    ]
    for shown, captures, code in cases:
        answer = verify(terminal, shown, **captures)
        assert answer["decision"] == "REVIEW", code
        assert code in answer["document"]["reasons"] + answer["person"]["reasons"]
        words = answer["words"]["document"]
        assert (words["code"], words["message"]["zh"]) == ("valid", "证件有效。")
        assert words["holder"] == holder_of(code) != holder_of("valid")
    passed = verify(terminal, card)
    assert passed["decision"] == "PASS"
    assert passed["words"]["document"]["holder"] == holder_of("valid")


def test_a_card_that_is_invalid_says_so_first(authority: TestClient, terminal: TestClient) -> None:
    card_id, card = register(authority)
    report(authority, card_id, "reported_lost")
    words = verify(terminal, card, chip_photo="person:b")["words"]["document"]
    assert words["holder"] == holder_of("card_reported_lost")


def test_a_check_says_what_a_verification_says(authority: TestClient, terminal: TestClient) -> None:
    _, card = register(authority, new_card(serial="AB12"))
    found = checked(terminal, {**card, "serial": "CD34"})
    assert found["words"]["holder"] == holder_of("serial_mismatch")
