"""Terminals and their keys."""

import secrets

import pytest
from sqlalchemy import select

from api.institutions import terminals
from api.institutions.terminals import Role
from api.service import Service
from api.storage import tables


def test_a_revoked_key_is_refused_at_once(service: Service) -> None:
    institution = secrets.token_hex(8)
    with service.database.begin() as connection:
        key = terminals.create(connection, institution, "counter 1", Role.TERMINAL)
        other = terminals.create(connection, institution, "counter 2", Role.TERMINAL)
    with service.database.begin() as connection:
        assert terminals.revoke(connection, institution, "counter 1")
        assert not terminals.revoke(connection, institution, "counter 1"), "once"
        assert not terminals.revoke(connection, institution, "counter 3")
        assert terminals.authenticate(connection, key) is None
        assert terminals.authenticate(connection, other) is not None


def test_keys_are_long_and_only_their_hashes_are_stored(service: Service) -> None:
    with service.database.begin() as connection:
        key = terminals.create(connection, secrets.token_hex(8), "counter", Role.TERMINAL)
        assert len(key) >= 3 + 43
        rows = connection.execute(select(tables.terminals)).all()
    assert not [row for row in rows if key in str(tuple(row))]
    assert all(len(row.key_hash) == 32 for row in rows)


def test_names_are_unique_within_an_institution(service: Service) -> None:
    with service.database.begin() as connection:
        terminals.create(connection, "bank of names", "counter 1", Role.TERMINAL)
        terminals.create(connection, "another bank of names", "counter 1", Role.TERMINAL)
        with pytest.raises(terminals.TerminalExists):
            terminals.create(connection, "bank of names", "counter 1", Role.AUTHORITY)


def test_a_key_tells_who_asks(service: Service) -> None:
    institution = secrets.token_hex(8)
    with service.database.begin() as connection:
        keys = [terminals.create(connection, institution, str(role), role) for role in Role]
        callers = [terminals.authenticate(connection, key) for key in keys]
    assert [caller and caller.role for caller in callers] == list(Role)
    assert len({caller and caller.institution_id for caller in callers}) == 1
    assert len({caller and caller.terminal_id for caller in callers}) == len(Role)


@pytest.mark.parametrize("key", ["", "rz_", "rz_unknown", "\0", "王伟"])
def test_an_unknown_key_is_nobodys(service: Service, key: str) -> None:
    with service.database.begin() as connection:
        assert terminals.authenticate(connection, key) is None
