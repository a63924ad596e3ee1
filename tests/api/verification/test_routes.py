"""Verifications over HTTP, from a request to an answer with evidence, with scripted comparisons."""

from fastapi.testclient import TestClient

from tests.api.conftest import fresh_key, register, verification


def post(terminal: TestClient, body: object, key: dict[str, str] | None = None) -> dict[str, object]:
    answer = terminal.post("/v1/verifications", json=body, headers=key or fresh_key())
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


def test_holder_on_a_valid_card_passes(authority: TestClient, terminal: TestClient) -> None:
    _, card = register(authority, right_index="person:a")
    answer = terminal.post(
        "/v1/verifications", json=verification(card, fingers={"right_index": "person:a"}), headers=fresh_key()
    ).json()
    assert answer["decision"] == "PASS"
    assert answer["document"] == {"status": "valid", "reasons": ["valid"]}
    assert answer["person"]["reasons"] == ["match"]
    assert [result["status"] for result in answer["person"]["modalities"]] == ["assessed", "assessed"]
    assert answer["words"]["reasons"][0]["zh"] == "证件有效。"
