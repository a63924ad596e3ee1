"""Nothing leaks: no number, name, address or capture in the database, on its disk, in a log or in an answer.

Values that are easy to recognise go in by every door; then everything that was written anywhere is searched for them,
in every form in which they could stand there.
"""

import base64
import hashlib
import io
import logging
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import inspect, text
from starlette.testclient import TestClient

from api.cards.text_block import CardText, build
from api.institutions.roles import Role
from api.personal import renewal
from api.personal.retention import enforcing
from api.service import Service
from api.storage.database import Database
from api.storage.recordkeys import backup
from tests.api.bodies import Json, fresh, fresh_key, new_nonce, registration, report, verification, verify
from tests.api.conftest import NewClient, NewDatabase
from tests.api.elsewhere import over
from tests.api.scripted import ScriptedComparer

NUMBER, NAME, ADDRESS, BIRTH = "11010519491231002X", "欧阳龘靐", "杏花岭胡同七十九号院", "19491231"
SERIAL = "5A17ED0CAFEBABE5"
ISSUER = "北京市公安局朝阳分局"
CAPTURES = ["person:liveFaceWord", "person:fingerWord", "person:chipPhotoWord"]
# What the service gives as a nonce here.
NONCE = "nonce-of-recognition"
SECRETS = [NUMBER, NAME, ADDRESS, SERIAL, NONCE, *CAPTURES]


def card() -> Json:
    block = build(CardText(NAME, "1", "01", BIRTH, ADDRESS, NUMBER, ISSUER, date(2016, 3, 1), date(2036, 3, 1)))
    return {
        "number": NUMBER,
        "issuer": ISSUER,
        "valid_from": "2016-03-01",
        "valid_to": "2036-03-01",
        "serial": SERIAL,
        "text": base64.b64encode(block).decode(),
    }


def forms(secret: str) -> Iterator[bytes]:
    """A value as bytes, as base64, as hexadecimal digits, in the chip's encoding, and hashed without a key."""
    for raw in (secret.encode(), secret.encode("utf-16-le"), secret.encode("utf-16-be")):
        yield raw
        # Base64 of the value wherever it stands in a longer text: three shifts, less the digits that neighbours change.
        # No more than those: four digits alone would be found by chance in some megabyte of other texts in base64.
        for shift in range(3):
            yield base64.b64encode(bytes(shift) + raw)[-(-shift * 8 // 6) : (shift + len(raw)) * 8 // 6]
        yield raw.hex().encode()
        yield raw.hex().upper().encode()
    yield secret.encode("unicode_escape")
    digest = hashlib.sha256(secret.encode()).digest()
    yield digest
    yield digest.hex().encode()


NEEDLES = {form: secret for secret in SECRETS for form in forms(secret)}
# What is shorter stands by chance in what is encrypted, hashed or random.
assert min(map(len, NEEDLES)) >= 8


def found(haystack: bytes) -> set[str]:
    return {secret for form, secret in NEEDLES.items() if form in haystack}


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that anything logs, from before the service is built."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s %(exc_info)s"))
    opened = [logging.getLogger(name) for name in (None, "sqlalchemy", "psycopg", "httpx2", "asyncio")]
    levels = [logger.level for logger in opened]
    opened[0].addHandler(handler)
    for logger in opened:
        logger.setLevel(logging.DEBUG)
    yield written
    for logger, level in zip(opened, levels, strict=True):
        logger.setLevel(level)
    opened[0].removeHandler(handler)


@pytest.fixture
def alone(service: Service, new_database: NewDatabase, log: io.StringIO) -> Service:
    """A service with a database of its own, opened while everything is logged."""
    database = new_database(migrated=True)
    return replace(over(service, database), comparer=ScriptedComparer())


@pytest.fixture
def begun(alone: Service) -> float:
    """When the service was there, and nobody had asked yet."""
    marker = alone.settings.home / "begun"
    marker.touch()
    return marker.stat().st_mtime


@pytest.fixture
def answers(begun: float, alone: Service, new_client: NewClient) -> list[str]:
    """Everything that can be done with a card, well and badly; all that was answered."""
    registrar, another = (new_client(Role.AUTHORITY, "a bureau of leaks", alone) for _ in range(2))
    terminal = new_client(service=alone)
    posted: list[str] = []

    def post(path: str, body: Json, status: int) -> Json:
        client = registrar if path.startswith("/v1/cards") else terminal
        answer = client.post(path, json=body, headers=fresh_key())
        assert answer.status_code == status, answer.text
        posted.append(answer.text)
        parsed: Json = answer.json()
        return parsed

    # Each shot is another one, and leaves its digest.
    shots = [f"{CAPTURES[0]}#{number}" for number in range(6)]
    face, finger, photo = shots[0], f"{CAPTURES[1]}#1", CAPTURES[2]
    made = post("/v1/cards", registration(card(), face=shots[1], right_index=f"{CAPTURES[1]}#2"), 201)
    post("/v1/cards", registration(card(), face=face), 409)
    post("/v1/cards", registration(card(), face="image_truncated", right_index=finger), 422)
    with pytest.MonkeyPatch.context() as known:
        known.setattr("api.verification.nonces.secrets.token_urlsafe", lambda _: NONCE)
        assert new_nonce(terminal) == NONCE
    shown = verification(card(), face=face, fingers={"right_index": finger}, chip_photo=photo, nonce=NONCE)
    post("/v1/verifications", shown, 200)
    post("/v1/verifications", verification(card(), face=face, nonce=NONCE), 409)
    post("/v1/verifications", fresh(terminal, card(), face="image_truncated", chip_photo=photo), 422)
    post("/v1/verifications", fresh(terminal, card() | {"valid_from": "2015-03-01"}, face=face), 422)
    post("/v1/verifications", fresh(terminal, card(), face=face) | {NUMBER: NAME, NAME: NUMBER}, 422)
    unread = {name: value for name, value in card().items() if name != "text"} | {"valid_from": "2010-01-01"}
    post("/v1/verifications", fresh(terminal, unread, face=shots[2], chip_photo=photo), 200)
    post("/v1/verifications", fresh(terminal, card(), face=shots[2]), 409)
    report(registrar, made["id"], "reported_lost", reason=f"{NAME}，{ADDRESS}")
    posted.append(str(verify(terminal, card(), face=shots[3])))
    assert post("/v1/verifications", fresh(terminal, card(), face=photo), 200)["decision"] == "REFUSE"
    broken(terminal, alone, posted)
    shown_again = f"{CAPTURES[0]}#7", f"{CAPTURES[1]}#3"
    cared_for(alone, terminal, (registrar, another), made["id"], *shown_again)
    return posted


def cared_for(
    alone: Service,
    terminal: TestClient,
    registrars: tuple[TestClient, TestClient],
    card_id: str,
    face: str,
    finger: str,
) -> None:
    """What is done with personal data afterwards: consent, the way without a face, holds, faces that are renewed, keys
    that are kept, what is over its time and who is erased. Nothing of it writes what it takes away somewhere else."""
    registrar, _ = registrars
    consented = fresh(terminal, card(), face=face) | {"basis": "separate_consent"}
    declined = fresh(terminal, card(), face=None, fingers={"right_index": finger})
    declined["captures"] |= {"face_declined": True}
    for body in (consented, declined | {"basis": "statutory_duty"}):
        answer = terminal.post("/v1/verifications", json=body, headers=fresh_key())
        assert answer.status_code == 200, answer.text
    held = {"subject": "person", "subject_id": card_id, "ground": "order", "reference": f"{NAME} {ADDRESS}"}
    placed = registrar.post("/v1/holds", json=held, headers=fresh_key())
    assert placed.status_code == 201, placed.text
    # The scripted faces are words, which no transform turns: what counts here is what a renewal writes besides.
    renewal.renew(alone.database, alone.keys)
    assert renewal.renew(alone.database, alone.keys).deleted == 1
    backup.backup(alone.keys, alone.settings.home / "kept keys", 7)
    path = f"/v1/holds/{placed.json()['id']}/lift"
    for client in registrars:
        assert client.post(path, json={}, headers=fresh_key()).is_success
    erased = registrar.post(f"/v1/cards/{card_id}/erasure", json={"ground": "order"}, headers=fresh_key())
    assert erased.status_code == 201, erased.text
    with alone.database.begin() as connection:
        later = connection.execute(text("SELECT now() + interval '11 years'")).scalar_one()
    removed = enforcing.enforce(alone.database, alone.keys, alone.settings, at=later, trusted=True)
    assert removed["verifications"] > 0


def broken(client: TestClient, alone: Service, posted: list[str]) -> None:
    """A failure that nobody foresaw, and the database's own: a table that is away."""
    with pytest.MonkeyPatch.context() as failing:
        failing.setattr(alone.comparer, "meanwhile", lambda: int(NUMBER))
        posted.append(client.post("/v1/verifications", json=fresh(client, card()), headers=fresh_key()).text)
    body = fresh(client, card())
    for statement in ("ALTER TABLE nonces RENAME TO away", "ALTER TABLE away RENAME TO nonces"):
        with alone.database.begin() as connection:
            connection.execute(text(statement))
        answer = client.post("/v1/verifications", json=body, headers=fresh_key())
        posted.append(answer.text)
        assert answer.status_code == (500 if statement.endswith("away") else 200)


def test_nothing_leaks(alone: Service, begun: float, answers: list[str], log: io.StringIO) -> None:
    assert len(answers) == 15
    assert not found("".join(answers).encode())
    assert not found(log.getvalue().encode())
    assert "sqlalchemy.engine" in log.getvalue(), "the log was open wide"
    assert "failed: ValueError" in log.getvalue()

    dump = dumped(alone.database)
    assert ISSUER.encode() in dump, "the dump shows what is there"
    assert not found(dump)
    keys = dumped(alone.keys.of_records.database)
    assert str(alone.keys.of_records.of_texts).encode() in keys, "the store of keys is read too"
    assert not found(keys)

    # What the server wrote since then: its write-ahead log, of which a checkpoint may remove what is no longer needed …
    written = [content for path, content in written_since(alone, begun) if path.parent.name == "pg_wal"]
    assert any(ISSUER.encode() in wal for wal in written)
    assert not found(b"".join(written))
    # … then its tables, indexes, and its own log.
    with alone.database.begin() as connection:
        connection.execute(text("CHECKPOINT"))
    files = written_since(alone, begun)
    assert len(files) > 20
    assert any(path.name.endswith(backup.SUFFIX) for path, _ in files), "the backup of the keys is among them"
    leaked = {path.name: secrets for path, content in files if (secrets := found(content))}
    assert not leaked


def written_since(service: Service, moment: float) -> list[tuple[Path, bytes]]:
    """The files in the service's home that changed after a moment (seconds since the epoch), and what they hold."""
    found: list[tuple[Path, bytes]] = []
    for path in service.settings.home.rglob("*"):
        # The server makes and removes files of its own all the while.
        with suppress(FileNotFoundError):
            if path.is_file() and path.stat().st_mtime >= moment:
                found.append((path, path.read_bytes()))
    return found


def dumped(database: Database) -> bytes:
    """Every row of every table, as text and with its bytes as they are."""
    parts: list[bytes] = []
    with database.begin() as connection:
        for table in inspect(connection).get_table_names():
            values = [value for row in connection.execute(text(f"SELECT * FROM {table}")) for value in row]
            parts.extend(value if isinstance(value, bytes) else str(value).encode() for value in values)
            parts.extend(row.encode() for row in connection.execute(text(f"SELECT t::text FROM {table} t")).scalars())
    return b"\n".join(parts)


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    """Otherwise the test above would say nothing."""
    for form, secret in NEEDLES.items():
        assert found(b"before " + form + b" after") >= {secret}
    for shift in range(3):
        text_with = b"x" * shift + NAME.encode() + b"yz"
        assert NAME in found(base64.b64encode(text_with))
