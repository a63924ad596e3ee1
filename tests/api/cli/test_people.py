"""`renzheng people`, `institutions`, `bootstrap`, and what `terminals` has beside `add` and `revoke`."""

import base64
import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from api.cli import registry
from api.cli.registry import Registry
from api.institutions.caller import Caller
from api.institutions.principals import authenticate
from api.institutions.roles import Role, Scope
from api.service import Service
from api.storage import tables
from api.storage.database import Database
from tests.api.bodies import new_card
from tests.api.cli.conftest import CommandLine
from tests.api.conftest import NewDatabase


@pytest.fixture
def bank() -> str:
    return f"银行 {secrets.token_hex(6)}"


def caller(database: Database, key: str) -> Caller | None:
    with database.begin() as connection:
        return authenticate(connection, key.strip())


def listed(line: CommandLine, *words: str) -> list[dict[str, Any]]:
    result = line(*words, "--json")
    assert result.exit_code == 0, result.output
    rows: list[dict[str, Any]] = json.loads(result.stdout)
    return rows


@pytest.mark.parametrize("role", ["operator", "supervisor", "regulator", "evaluator", "administrator"])
def test_people_get_keys_of_their_role(line: CommandLine, service: Service, bank: str, role: str) -> None:
    result = line("people", "add", bank, "王敏", "--role", role)
    assert result.exit_code == 0, result.output
    found = caller(service.database, result.stdout)
    assert found is not None
    assert found.role is Role(role)
    again = line("people", "add", bank, "王敏", "--role", role)
    assert again.exit_code == 3
    assert "has a terminal or a person of that name" in again.stderr
    assert line("people", "add", bank, "李雷", "--role", "terminal").exit_code == 2


def test_a_branch_is_written_as_a_path(line: CommandLine, service: Service, bank: str) -> None:
    branch = line("institutions", "add", "浦东支行", "--branch-of", bank)
    assert branch.exit_code == 1, "there is no such bank yet"
    assert line("institutions", "add", bank).exit_code == 0
    branch = line("institutions", "add", "浦东支行", "--branch-of", bank)
    assert branch.exit_code == 0, branch.output
    key = line("terminals", "add", f"{bank}/浦东支行", "counter 1").stdout
    found = caller(service.database, key)
    assert found is not None
    assert str(found.institution_id) == branch.stdout.strip()
    # What is new on the way is made.
    assert line("people", "add", f"{bank}/浦西支行/二部", "赵", "--role", "operator").exit_code == 0
    paths = [row["path"] for row in listed(line, "institutions", "list")]
    assert [path for path in paths if path.startswith(bank)] == [
        bank, f"{bank}/浦东支行", f"{bank}/浦西支行", f"{bank}/浦西支行/二部",
    ]  # fmt: skip
    assert line("institutions", "add", "浦东支行", "--branch-of", bank).exit_code == 3
    for wrong in ("", "a//b", "/a", "a\nb"):
        result = line("terminals", "add", wrong, "counter 1")
        assert result.exit_code == 3, wrong
        assert "1 to 100 visible characters" in result.stderr


def test_terminals_are_listed_with_the_state_of_their_keys(line: CommandLine, bank: str) -> None:
    line("terminals", "add", bank, "counter 1", "--channel", "counter", "--days", "30")
    line("terminals", "add", f"{bank}/支行", "counter 2")
    line("people", "add", bank, "王敏", "--role", "supervisor")
    line("terminals", "revoke", f"{bank}/支行", "counter 2")
    rows = listed(line, "terminals", "list", bank)
    assert [(row["institution"], row["name"], row["channel"], row["state"], row["keys"]) for row in rows] == [
        (bank, "counter 1", "counter", "live", 1),
        (f"{bank}/支行", "counter 2", None, "disabled", 0),
    ]
    assert rows[0]["next_expiry"] is not None
    assert [row["name"] for row in listed(line, "people", "list", bank)] == ["王敏"]
    plain = line("terminals", "list", f"{bank}/支行")
    assert plain.stdout.splitlines()[0].split("\t")[:2] == ["institution", "name"]
    assert len(plain.stdout.splitlines()) == 2
    assert line("terminals", "list", "nobody's bank").exit_code == 1


def test_a_key_is_rotated_with_overlap(line: CommandLine, service: Service, bank: str) -> None:
    old = line("terminals", "add", bank, "counter 1").stdout
    result = line("terminals", "rotate", bank, "counter 1", "--overlap-hours", "1")
    assert result.exit_code == 0, result.output
    one, other = caller(service.database, old), caller(service.database, result.stdout)
    assert one is not None
    assert other is not None
    assert one.principal_id == other.principal_id
    newest = line("terminals", "rotate", bank, "counter 1", "--overlap-hours", "0").stdout
    assert caller(service.database, result.stdout) is None
    assert caller(service.database, newest) is not None
    states = [row["state"] for row in listed(line, "terminals", "list", bank, "--keys")]
    assert sorted(states) == ["ended", "live", "live"]
    assert line("terminals", "rotate", bank, "counter 2").exit_code == 1
    assert line("people", "rotate", bank, "counter 1").exit_code == 1, "a terminal is no person"


def test_one_key_is_revoked_and_replaced(line: CommandLine, service: Service, bank: str) -> None:
    old = line("terminals", "add", bank, "counter 1").stdout
    (state,) = listed(line, "terminals", "list", bank, "--keys")
    assert line("terminals", "revoke", bank, "counter 1", "--key", state["key"]).exit_code == 0
    assert caller(service.database, old) is None
    assert line("terminals", "revoke", bank, "counter 1", "--key", state["key"]).exit_code == 1
    new = line("terminals", "rotate", bank, "counter 1").stdout
    assert caller(service.database, new) is not None, "without a live key it is simply given one"
    assert line("terminals", "revoke", bank, "counter 1").exit_code == 0
    assert line("terminals", "rotate", bank, "counter 1").exit_code == 3
    assert line("people", "revoke", bank, "counter 1").exit_code == 1


def test_a_key_may_hold_less(line: CommandLine, service: Service, bank: str) -> None:
    result = line("people", "add", bank, "王敏", "--role", "supervisor", "--scope", "handle_alerts")
    found = caller(service.database, result.stdout)
    assert found is not None
    assert found.scopes == {Scope.HANDLE_ALERTS}
    wrong = line("people", "add", bank, "李雷", "--role", "supervisor", "--scope", "register_cards")
    assert wrong.exit_code == 2
    assert line("terminals", "add", bank, "a", "--role", "authority", "--channel", "kiosk").exit_code == 2


def test_requests_of_the_command_line_are_signed(
    line: CommandLine, service: Service, url: str, bank: str, tmp_path: Path
) -> None:
    file = tmp_path / "registry.pem"
    made = line("signing-key", str(file))
    assert made.exit_code == 0, made.output
    assert file.stat().st_mode & 0o777 == 0o600
    assert line("signing-key", str(file)).exit_code == 3, "a key in use is not written over"
    public = made.stdout.strip()
    key = line("terminals", "add", bank, "registry", "--role", "authority", "--public-key", public).stdout.strip()
    found = caller(service.database, key)
    assert found is not None
    assert found.public_key == base64.b64decode(public)
    line.environment |= {"RENZHENG_KEY": key, "RENZHENG_URL": url, "RENZHENG_SIGNING_KEY": None}
    card, face = line.file("card.json", json.dumps(new_card())), line.file("face.jpg", b"person:a")
    words = ("cards", "register", "--card", card, "--face", face)
    unsigned = line(*words)
    assert unsigned.exit_code == 3
    assert "signature_missing" in unsigned.stderr
    line.environment["RENZHENG_SIGNING_KEY"] = str(file)
    signed = line(*words)
    assert signed.exit_code == 0, signed.output
    other = tmp_path / "other.pem"
    line("signing-key", str(other))
    line.environment["RENZHENG_SIGNING_KEY"] = str(other)
    assert "signature_invalid" in line(*words).stderr
    line.environment["RENZHENG_SIGNING_KEY"] = line.file("no.pem", b"no key")
    assert "no.pem holds no Ed25519 private key" in line(*words).stderr
    for wrong in ("AAAA", "?", base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()).decode() + "AAAA"):
        assert line("terminals", "add", bank, "other", "--public-key", wrong).exit_code == 2


@pytest.fixture
def empty(
    service: Service, new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch, renzheng: CommandLine
) -> Database:
    """A deployment where nobody is yet; the command line works on it."""
    from contextlib import contextmanager

    database = new_database(migrated=True)

    @contextmanager
    def opened() -> Iterator[Registry]:
        yield Registry(service.settings, database, service.keys)

    for module in ("holders", "institutions"):
        monkeypatch.setattr(f"api.cli.{module}.registry", opened)
    assert registry.registry is not opened
    return database


def test_the_first_administrator(renzheng: CommandLine, empty: Database, service: Service) -> None:
    first = renzheng("bootstrap", "总部")
    assert first.exit_code == 0, first.output
    found = caller(empty, first.stdout)
    assert found is not None
    assert found.role is Role.ADMINISTRATOR
    assert found.scopes >= {Scope.MANAGE_INSTITUTIONS, Scope.MANAGE_PRINCIPALS}
    again = renzheng("bootstrap", "总部")
    assert again.exit_code == 3
    assert "--recover" in again.stderr
    last = renzheng("people", "revoke", "总部", "administrator")
    assert last.exit_code == 3
    assert "last administrator" in last.stderr
    assert caller(empty, first.stdout) is not None
    second = renzheng("bootstrap", "总部", "--recover")
    assert second.exit_code == 0, second.output
    assert caller(empty, second.stdout) is not None
    assert renzheng("people", "revoke", "总部", "administrator").exit_code == 0
    assert caller(empty, first.stdout) is None
    with empty.begin() as connection:
        acts = list(connection.execute(select(tables.acts.c.act).order_by(tables.acts.c.at)).scalars())
        leaves = list(connection.execute(select(tables.evidence_texts.c.leaf)).scalars())
    assert acts.count("administrator_bootstrapped") == acts.count("administrator_recovered") == 1
    assert len(leaves) == len(acts)
    assert not [leaf for leaf in leaves if "总部" in leaf or "administrator 2" in leaf], "no names in the evidence"
    keys = [first.stdout.strip(), second.stdout.strip()]
    assert not [leaf for leaf in leaves if any(key in leaf for key in keys)]
