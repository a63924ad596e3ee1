"""Attacks that once worked: each test is one of them, and what happens now."""

import os
import stat
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.settings import Settings
from api.storage import database, embedded
from api.storage.errors import DatabaseAddressInvalid
from api.terminal.naming import canonical
from tests.api.bodies import fresh, fresh_key, new_card, register, registration, report, verify
from tests.api.http.answers import assert_error
from tests.folders import open_to_all

DISGUISES = [
    "北京市 公安局朝阳分局",
    "北京市\u200b公安局朝阳分局",
    "\ufeff北京市公安局朝阳分局",
    "\uf963京市公安局朝阳分局",
]


@pytest.mark.parametrize("issuer", DISGUISES)
def test_a_card_is_one_card_however_its_issuer_is_spelt(
    authority: TestClient, terminal: TestClient, issuer: str
) -> None:
    card_id, card = register(authority, new_card(issuer="北京市公安局朝阳分局"))
    again = authority.post("/v1/cards", json=registration({**card, "issuer": issuer}), headers=fresh_key())
    assert_error(again, 409, "card_exists")
    report(authority, card_id, "reported_lost")
    assert verify(terminal, {**card, "issuer": issuer})["document"]["status"] == "card_reported_lost"


def test_an_issuer_of_nothing_visible_is_none(authority: TestClient) -> None:
    assert canonical("\u200b\u3000") == ""
    answer = authority.post("/v1/cards", json=registration(new_card(issuer="\u200b")), headers=fresh_key())
    assert_error(answer, 422, "request_invalid")


def test_a_found_card_stays_lost_when_another_was_registered_since(authority: TestClient) -> None:
    lost, card = register(authority)
    report(authority, lost, "reported_lost")
    register(authority, {**card, "valid_to": "2037-03-01"})
    found = authority.post(f"/v1/cards/{lost}/events", json={"event": "found"}, headers=fresh_key())
    assert_error(found, 409, "event_not_possible")


def test_a_card_that_is_no_good_replaces_none(authority: TestClient, terminal: TestClient) -> None:
    old_id, old = register(authority)
    new_id, new = register(authority, {**old, "valid_from": "2020-03-01"})
    report(authority, old_id, "reissued", superseded_by=new_id)
    back = {"event": "reissued", "superseded_by": old_id}
    answer = authority.post(f"/v1/cards/{new_id}/events", json=back, headers=fresh_key())
    assert_error(answer, 422, "superseding_card_invalid")
    assert verify(terminal, new)["decision"] == "PASS"


@pytest.mark.parametrize("content", [b"[" + b"[]," * 3_000_000 + b"[]]", b'{"a":' + b'{"b":1},' * 500_000])
def test_a_body_of_very_many_parts_is_refused_before_it_is_parsed(anonymous: TestClient, content: bytes) -> None:
    answer = anonymous.post("/v1/verifications", content=content, headers={"Content-Type": "application/json"})
    assert_error(answer, 400, "request_malformed")


def test_another_persons_face_does_not_pass_with_the_holders_finger(
    authority: TestClient, terminal: TestClient
) -> None:
    _, card = register(authority, right_index="person:a")
    answer = verify(terminal, card, face="person:b", fingers={"right_index": "person:a"})
    assert answer["decision"] == "REVIEW"
    assert "modalities_disagree" in answer["person"]["reasons"]


def test_another_persons_finger_bars_a_pass_though_it_is_not_required(
    authority: TestClient, terminal: TestClient
) -> None:
    _, card = register(authority, right_index="person:a")
    answer = verify(terminal, card, fingers={"right_index": "person:b"})
    assert (answer["decision"], answer["person"]["reasons"]) == ("REVIEW", ["match", "modalities_disagree"])


def test_settings_that_no_clock_can_add_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RENZHENG_CAPTURE_MAX_AGE_S", "1e300")
    with pytest.raises(ValueError, match="less than or equal"):
        Settings()


def test_an_address_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(DatabaseAddressInvalid, match="RENZHENG_DATABASE_URL"):
        database.open_database(Settings(home=tmp_path, database_url="postgresql://u:p@[::1"))


def test_the_database_opens_no_folder_to_readers(tmp_path: Path) -> None:
    """As root the library would; as anybody else nothing is to be changed."""
    private = open_to_all(tmp_path) / "private"
    private.mkdir(mode=0o700)
    try:
        embedded.start(private / "database", private / "keys" / "database.key")
        mode = stat.S_IMODE(private.stat().st_mode)
        assert mode == (0o711 if os.geteuid() == 0 else 0o700)
        for name in ("database.lock", "database.users"):
            assert stat.S_IMODE((private / name).stat().st_mode) == 0o600
    finally:
        embedded.stop(private / "database")


def test_the_nonce_of_another_request_is_of_no_use(authority: TestClient, terminal: TestClient) -> None:
    _, card = register(authority)
    body = fresh(terminal, card)
    assert terminal.post("/v1/verifications", json=body, headers=fresh_key()).status_code == 200
    assert_error(terminal.post("/v1/verifications", json=body, headers=fresh_key()), 409, "nonce_reused")
