"""Captures live in memory alone: nothing of them is found afterwards in the databases, in files, in a log.

Captures here are words (see `tests/api/scripted.py`); what stands behind `#` is in no template. It is looked for as it
is, in base64 at all three offsets, and in hex; and what stands in front of it, of which templates are made, too.
"""

import base64
import logging
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, text
from starlette.testclient import TestClient

from api.institutions.roles import Role
from api.service import Service
from api.storage.database import Database
from tests.api.bodies import encoded, fresh_key, new_card, new_nonce, register, registration, verification
from tests.api.conftest import NewClient
from tests.api.screening.entries import in_days

PERSON, PIXELS = f"person:{secrets.token_hex(12)}", secrets.token_hex(24)
CAPTURE = f"{PERSON}#{PIXELS}"


def forms(word: str) -> set[bytes]:
    """A word as something may have kept it; of base64 what does not depend on its neighbours."""
    raw = word.encode()
    shifted = (base64.b64encode(bytes(shift) + raw)[4:-4] for shift in range(3))
    return {raw, raw.hex().encode(), raw.hex().upper().encode(), *shifted, word.encode("utf-16-le")}


FORMS = forms(PERSON) | forms(PIXELS)


def dump(database: Database) -> Iterator[tuple[str, bytes]]:
    """Every row of every table as text, bytes in hex and as they are."""
    with database.begin() as connection:
        for table in inspect(connection).get_table_names():
            for row in connection.execute(text(f"SELECT * FROM {table}")):
                for value in row:
                    given = bytes(value) if isinstance(value, memoryview | bytes) else str(value).encode()
                    yield table, given


def files(*folders: Path) -> Iterator[tuple[Path, bytes]]:
    for folder in folders:
        for path in folder.rglob("*"):
            # The server removes files of its own while they are read.
            with suppress(FileNotFoundError):
                if path.is_file() and not path.is_symlink():
                    yield path, path.read_bytes()


def held(content: bytes, wanted: set[bytes] = FORMS) -> set[bytes]:
    return {form for form in wanted if form in content}


def use(new_client: NewClient) -> None:
    """Captures through every route that takes them, taken and refused."""
    authority, terminal, supervisor = (new_client(one) for one in (Role.AUTHORITY, Role.TERMINAL, Role.SUPERVISOR))
    card_id, card = register(authority, face=CAPTURE, right_index=CAPTURE)
    bare_id, _ = register(authority, face=None, left_thumb=CAPTURE)
    given: list[tuple[TestClient, str, Any, int]] = [
        (authority, f"/v1/cards/{bare_id}/face", {"face": {"image": encoded(CAPTURE + "1")}}, 201),
        (authority, f"/v1/cards/{card_id}/face", {"face": {"image": encoded(CAPTURE + "2")}}, 409),
        (authority, f"/v1/cards/{card_id}/fingerprints", fingers("left_index"), 201),
        (authority, "/v1/cards", registration(card, face=CAPTURE + "3"), 409),
        (authority, "/v1/cards", registration(new_card(), face="low_quality"), 422),
        (terminal, "/v1/captures/guidance", {"image": encoded(CAPTURE)}, 200),
        (supervisor, "/v1/impostors", impostor(), 201),
    ]
    given += [
        (terminal, "/v1/verifications", verification(card, nonce=new_nonce(terminal), **changes), status)
        for changes, status in (
            ({"face": CAPTURE + "4", "fingers": {"right_index": CAPTURE + "5"}, "chip_photo": CAPTURE + "6"}, 200),
            ({"face": f"person:other#{PIXELS}", "channel": "counter"}, 200),
            ({"face": "multiple_faces"}, 200),
            ({"face": CAPTURE + "4"}, 409),
        )
    ]
    for client, path, body, status in given:
        answer = client.post(path, json=body, headers=fresh_key())
        assert answer.status_code == status, (path, answer.text)
        assert not held(answer.content), path


def fingers(position: str) -> Any:
    return {"fingers": [{"position": position, "image": encoded(CAPTURE + position)}]}


def impostor() -> Any:
    return {
        "captures": {"face": {"image": encoded(CAPTURE + "7")}},
        "ground": "card_of_another",
        "case_reference": "A-2026-1",
        "review_on": in_days(30),
        "expires_on": in_days(60),
    }


def test_nothing_of_a_capture_is_kept(
    service: Service,
    new_client: NewClient,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    caplog.set_level(logging.DEBUG)
    use(new_client)
    rows = 0
    for database in (service.database, service.keys.of_records.database):
        with database.begin() as connection:
            # What the server still holds in memory goes to its files.
            connection.execute(text("CHECKPOINT"))
        for table, value in dump(database):
            rows += 1
            assert not held(value), table
    assert rows > 500, "every column of every row"
    looked = 0
    for path, content in files(home, tmp_path):
        looked += 1
        assert not held(content), path.relative_to(home if home in path.parents else tmp_path)
    assert looked > 500, "the databases' files and their log among them"
    assert not list(tmp_path.iterdir())
    written = capfd.readouterr()
    assert not held(caplog.text.encode() + written.out.encode() + written.err.encode())


def test_the_search_would_find_it(service: Service, home: Path) -> None:
    """Otherwise the test above would say nothing. With another word: it stays in the server's files."""
    kept = secrets.token_hex(24)
    wanted = forms(kept)
    for content in (kept.encode(), b"x" + base64.b64encode(b"12" + kept.encode()), kept.encode().hex().encode()):
        assert held(b"before " + content + b" after", wanted)
    with service.database.begin() as connection:
        connection.execute(text("CREATE TABLE kept_by_mistake (image bytea, note text)"))
        values = {"image": kept.encode(), "note": base64.b64encode(kept.encode()).decode()}
        connection.execute(text("INSERT INTO kept_by_mistake VALUES (:image, :note)"), values)
    try:
        assert [table for table, value in dump(service.database) if held(value, wanted)] == ["kept_by_mistake"] * 2
        with service.database.begin() as connection:
            connection.execute(text("CHECKPOINT"))
        assert any(held(content, wanted) for _, content in files(home)), "in the server's files"
    finally:
        with service.database.begin() as connection:
            connection.execute(text("DROP TABLE kept_by_mistake"))
