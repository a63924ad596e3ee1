"""Liveness at the door: the challenge that comes with a nonce, the burst that answers it, and what is kept of it."""

from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from api.service import Service
from api.storage import tables
from biometrics.face.liveness import draw
from tests.api.bodies import encoded, fresh, fresh_key, new_card, register, verify
from tests.api.http.answers import assert_error
from tests.api.scripted import ScriptedComparer


def burst(word: str = "live", *later: int) -> dict[str, Any]:
    """Two frames or more, which the scripted comparer judges by the first one's word."""
    times = (0, *(later or (250,)))
    return {"frames": [{"at_ms": at, "image": encoded(word if at == 0 else f"frame {at}")} for at in times]}


def shown(terminal: TestClient, card: dict[str, Any], film: dict[str, Any] | None, channel: str) -> dict[str, Any]:
    body = fresh(terminal, card, channel=channel)
    if film is not None:
        body["captures"]["burst"] = film
    answer = terminal.post("/v1/verifications", json=body, headers=fresh_key())
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_nonce_comes_with_its_challenge(terminal: TestClient) -> None:
    given = terminal.post("/v1/captures").json()
    drawn = draw(given["nonce"])
    told = given["challenge"]
    assert [action["action"] for action in told["actions"]] == [action.value for action in drawn.actions]
    assert [action["at_ms"] / 1000 for action in told["actions"]] == pytest.approx(drawn.starts_s[:-1])
    assert told["end_ms"] / 1000 == pytest.approx(drawn.starts_s[-1])
    assert all(set(action["message"]) == {"zh", "en"} for action in told["actions"])


def test_the_challenge_of_a_burst_is_that_of_its_nonce(
    terminal: TestClient, authority: TestClient, service: Service
) -> None:
    _, card = register(authority)
    body = fresh(terminal, card)
    body["captures"]["burst"] = burst("live", 100, 350)
    assert terminal.post("/v1/verifications", json=body, headers=fresh_key()).status_code == 200
    assert isinstance(service.comparer, ScriptedComparer)
    taken = service.comparer.compared[-1].burst
    assert taken is not None
    assert taken.nonce == body["nonce"]
    assert [(frame.at_ms, frame.image) for frame in taken.frames] == [
        (0, b"live"),
        (100, b"frame 100"),
        (350, b"frame 350"),
    ]
    assert "frame 100" not in repr(taken)
    assert body["nonce"] not in repr(taken)


def test_at_a_kiosk_only_the_living_pass(terminal: TestClient, authority: TestClient) -> None:
    _, card = register(authority)
    without = shown(terminal, card, None, "kiosk")
    assert (without["decision"], without["person"]["reasons"]) == ("REVIEW", ["match", "liveness_not_assessed"])
    assert without["person"].get("liveness") is None
    living = shown(terminal, card, burst(), "kiosk")
    assert (living["decision"], living["person"]["reasons"]) == ("PASS", ["match"])
    assert living["person"]["liveness"] == {"outcome": "live", "reason": None, "judged_by": ["challenge"]}


@pytest.mark.parametrize("channel", ["counter", "kiosk"])
def test_an_attack_is_reviewed_with_words_and_kept_as_a_code(
    terminal: TestClient, authority: TestClient, service: Service, channel: str
) -> None:
    _, card = register(authority)
    answer = shown(terminal, card, burst("flat_face"), channel)
    assert (answer["decision"], answer["person"]["reasons"]) == ("REVIEW", ["match", "liveness_failed"])
    words = {reason["code"]: reason for reason in answer["words"]["reasons"]}
    assert words["liveness_failed"]["zh"]
    assert words["liveness_failed"]["en"]
    with service.database.begin() as connection:
        kept = connection.execute(
            select(tables.verifications.c.answer).where(tables.verifications.c.id == answer["id"])
        ).scalar_one()
    expected = {"outcome": "attack", "reason": "flat_face", "judged_by": ["challenge"]}
    assert answer["person"]["liveness"] == kept["person"]["liveness"] == expected


@pytest.mark.parametrize(
    "film",
    [
        {"frames": []},
        {"frames": burst()["frames"][:1]},
        {"frames": burst()["frames"] * 40},
        {"frames": [{"at_ms": -1, "image": encoded("live")}] * 2},
        {"frames": [{"at_ms": 30_001, "image": encoded("live")}] * 2},
        {"frames": [{"at_ms": 0, "image": "?"}] * 2},
        {"frames": burst()["frames"], "nonce": "chosen by the terminal"},
    ],
)
def test_a_burst_is_bounded_and_brings_no_challenge_of_its_own(terminal: TestClient, film: dict[str, Any]) -> None:
    body = fresh(terminal, new_card())
    body["captures"]["burst"] = film
    answer = terminal.post("/v1/verifications", json=body, headers=fresh_key())
    code = {"?": "base64_invalid"}.get(film["frames"][0]["image"] if film["frames"] else "")
    told = assert_error(answer, 422, code or "request_invalid")
    assert all(detail["field"].startswith("body.captures.burst") for detail in told["details"])


def test_a_counter_needs_no_burst(terminal: TestClient, authority: TestClient) -> None:
    _, card = register(authority)
    assert verify(terminal, card)["decision"] == "PASS"
