"""Terminals and their keys."""

import json
import secrets

import pytest
from sqlalchemy import select

from api.institutions import principals
from api.institutions.roles import Role
from api.service import Service
from api.storage import tables


def test_a_revoked_key_is_refused_at_once(service: Service) -> None:
    institution = secrets.token_hex(8)
    with service.database.begin() as connection:
        key = principals.add(connection, service.keys, institution, "counter 1", Role.TERMINAL).key
        other = principals.add(connection, service.keys, institution, "counter 2", Role.TERMINAL).key
    with service.database.begin() as connection:
        assert principals.disable(connection, service.keys, institution, "counter 1")
        assert not principals.disable(connection, service.keys, institution, "counter 1"), "once"
        assert not principals.disable(connection, service.keys, institution, "counter 3")
        assert principals.authenticate(connection, key) is None
        assert principals.authenticate(connection, other) is not None


def test_the_leaf_of_a_new_principal_tells_how_much_it_may_ask(service: Service) -> None:
    with service.database.begin() as connection:
        made = principals.add(
            connection, service.keys, secrets.token_hex(8), "counter", Role.TERMINAL, requests_per_minute=7
        )
    leaf = json.loads(made.receipt.leaf)
    assert leaf["details"] == {"role": "terminal", "channel": None, "requests_per_minute": 7}
    assert leaf["actor"] is leaf["actor_key"] is None


def test_keys_are_long_and_only_their_hashes_are_stored(service: Service) -> None:
    with service.database.begin() as connection:
        key = principals.add(connection, service.keys, secrets.token_hex(8), "counter", Role.TERMINAL).key
        assert len(key) >= 3 + 43
        rows = connection.execute(select(tables.credentials)).all()
    assert not [row for row in rows if key in str(tuple(row))]
    assert all(len(row.key_hash) == 32 for row in rows)


def test_names_are_unique_within_an_institution(service: Service) -> None:
    with service.database.begin() as connection:
        principals.add(connection, service.keys, "bank of names", "counter 1", Role.TERMINAL)
        principals.add(connection, service.keys, "another bank of names", "counter 1", Role.TERMINAL)
        with pytest.raises(principals.PrincipalExists):
            principals.add(connection, service.keys, "bank of names", "counter 1", Role.AUTHORITY)


def test_a_key_tells_who_asks(service: Service) -> None:
    institution = secrets.token_hex(8)
    with service.database.begin() as connection:
        keys = [principals.add(connection, service.keys, institution, str(role), role).key for role in Role]
        callers = [principals.authenticate(connection, key) for key in keys]
    assert [caller and caller.role for caller in callers] == list(Role)
    assert len({caller and caller.institution_id for caller in callers}) == 1
    assert len({caller and caller.principal_id for caller in callers}) == len(Role)


@pytest.mark.parametrize("key", ["", "rz_", "rz_unknown", "\0", "王伟"])
def test_an_unknown_key_is_nobodys(service: Service, key: str) -> None:
    with service.database.begin() as connection:
        assert principals.authenticate(connection, key) is None
