"""`renzheng terminals`, on the database of the shared service."""

import shlex

import pytest
from sqlalchemy import Connection, text

from api.institutions import principals
from api.institutions.principals import authenticate
from api.institutions.roles import Role
from api.service import Service
from tests.api.cli.conftest import CommandLine


@pytest.mark.parametrize("role", [Role.TERMINAL, Role.AUTHORITY])
def test_a_key_is_printed_once_and_works(line: CommandLine, service: Service, role: Role) -> None:
    result = line("terminals", "add", "示范银行", f"counter {role}", "--role", role)
    assert result.exit_code == 0, result.output
    with service.database.begin() as connection:
        caller = authenticate(connection, result.stdout.strip())
    assert caller is not None
    assert caller.role is role
    again = line("terminals", "add", "示范银行", f"counter {role}")
    assert again.exit_code == 3
    assert "has a terminal or a person of that name" in again.stderr
    way_on = f"renzheng terminals rotate '示范银行' 'counter {role}'"
    assert way_on in again.stderr
    replaced = line(*shlex.split(way_on)[1:])
    assert replaced.exit_code == 0, "what it says can be done"
    assert replaced.stdout.strip() != result.stdout.strip()


def test_a_name_that_was_revoked_says_that_it_stays_taken(line: CommandLine) -> None:
    assert line("terminals", "add", "示范银行", "counter gone").exit_code == 0
    assert line("terminals", "revoke", "示范银行", "counter gone").exit_code == 0
    again = line("terminals", "add", "示范银行", "counter gone")
    assert again.exit_code == 3
    assert "choose another name" in again.stderr
    assert "rotate" not in again.stderr, "nobody rotates the key of one that ended"


def test_a_revoked_key_works_no_more(line: CommandLine, service: Service) -> None:
    key = line("terminals", "add", "示范银行", "counter 8").stdout.strip()
    assert line("terminals", "revoke", "示范银行", "counter 8").exit_code == 0
    with service.database.begin() as connection:
        assert authenticate(connection, key) is None
    again = line("terminals", "revoke", "示范银行", "counter 8")
    assert again.exit_code == 1, "a negative answer, no failure"
    assert "no such terminal" in again.stderr


def test_an_unknown_role_is_usage(line: CommandLine) -> None:
    assert line("terminals", "add", "示范银行", "counter 9", "--role", "king").exit_code == 2


@pytest.mark.parametrize("address", ["postgresql://somebody:secret@127.0.0.1:9/renzheng", "secret"])
def test_a_database_that_is_away_is_a_failure(renzheng: CommandLine, address: str) -> None:
    renzheng.environment |= {
        "RENZHENG_HOME": str(renzheng.folder),
        "RENZHENG_DATABASE_URL": address,
        "RENZHENG_DATABASE_TIMEOUT_S": "2",
    }
    for words in (("terminals", "add", "a", "b"), ("migrate",)):
        result = renzheng(*words)
        assert result.exit_code == 3
        assert "secret" not in result.output
        assert isinstance(result.exception, SystemExit)


def test_a_refusal_of_the_database_is_told_without_its_statement(
    line: CommandLine, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def create(connection: Connection, *_: object, **__: object) -> str:
        connection.execute(text("SELECT 'a name' FROM nowhere"))
        return "key"

    monkeypatch.setattr(principals, "add", create)
    result = line("terminals", "add", "a", "b")
    assert result.exit_code == 3
    assert "The database refuses: UndefinedTable." in result.stderr
    assert "nowhere" not in result.output
