"""Keys: narrower ones, those that run out, rotation with overlap, and revocation in the middle of a request."""

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, func, select, text, update

from api.http.app import create_app
from api.institutions import credentials, principals, rotation
from api.institutions.caller import Caller
from api.institutions.credentials import AlreadyRevoked, Issued, KeyRevoked
from api.institutions.principals import Added
from api.institutions.roles import Role, Scope
from api.institutions.rotation import KeyRotated
from api.service import Service
from api.storage import tables
from tests.api.bodies import fresh, fresh_key, new_card, registration
from tests.api.clients import KeyedClient
from tests.api.http.answers import assert_error
from tests.api.scripted import ScriptedComparer


def added(connection: Connection, service: Service, role: Role = Role.TERMINAL) -> Added:
    return principals.add(connection, service.keys, secrets.token_hex(8), "counter", role)


def caller_of(connection: Connection, key: str) -> Caller:
    caller = principals.authenticate(connection, key)
    assert caller is not None
    return caller


def rotated(connection: Connection, service: Service, caller: Caller, **how: Any) -> Issued:
    return rotation.rotate(
        connection, service.keys, caller.key_id, caller.institution_id, actor_id=caller.principal_id, **how
    )


def leaf_of(connection: Connection, act: str, subject: UUID) -> str:
    """The leaf of the newest such act; it is there, or this fails."""
    found = (
        select(tables.evidence_texts.c.leaf)
        .join(tables.evidence, tables.evidence.c.seq == tables.evidence_texts.c.seq)
        .join(tables.acts, tables.acts.c.id == tables.evidence.c.subject_id)
        .where(tables.acts.c.act == act, tables.acts.c.subject_id == subject)
        .order_by(tables.evidence.c.seq.desc())
    )
    leaf: str = connection.execute(found.limit(1)).scalar_one()
    return leaf


def test_a_key_may_hold_less_than_its_role_and_never_more(service: Service) -> None:
    with service.database.begin() as connection:
        person = added(connection, service, Role.SUPERVISOR)
        made = credentials.issue(
            connection,
            service.keys,
            person.id,
            person.institution_id,
            actor_id=None,
            scopes={Scope.HANDLE_ALERTS, Scope.REGISTER_CARDS},
        )
        assert caller_of(connection, made.text).scopes == {Scope.HANDLE_ALERTS}
        assert caller_of(connection, person.key).scopes > {Scope.HANDLE_ALERTS}


def test_a_key_ends_when_its_time_is_over(service: Service) -> None:
    with service.database.begin() as connection:
        terminal = added(connection, service)
        made = credentials.issue(
            connection, service.keys, terminal.id, terminal.institution_id, actor_id=None, lifetime_s=3600
        )
        caller = caller_of(connection, made.text)
        credentials.hold(connection, caller)
        assert made.expires_at is not None
        now = connection.execute(select(func.now())).scalar_one()
        assert made.expires_at - now == timedelta(hours=1)
        with _run_out(connection, made.id):
            assert principals.authenticate(connection, made.text) is None
            with pytest.raises(KeyRevoked):
                credentials.hold(connection, caller)
            assert principals.authenticate(connection, terminal.key) is not None


@contextmanager
def _run_out(connection: Connection, key_id: UUID) -> Iterator[None]:
    """A key whose time is over meanwhile; the shared books say when it ends."""
    with connection.begin_nested() as meanwhile:
        connection.execute(
            update(tables.credentials)
            .where(tables.credentials.c.id == key_id)
            .values(expires_at=func.now() - timedelta(seconds=1))
        )
        yield
        meanwhile.rollback()


def test_both_keys_work_until_the_overlap_is_over(service: Service) -> None:
    with service.database.begin() as connection:
        terminal = added(connection, service)
        old = caller_of(connection, terminal.key)
        new = rotated(connection, service, old, overlap_s=7200)
        assert caller_of(connection, new.text).principal_id == terminal.id
        assert caller_of(connection, terminal.key).key_id == old.key_id
        first, second = credentials.of_principal(connection, terminal.id)
        ends = {state.id: state.expires_at for state in (first, second)}
        now = connection.execute(select(func.clock_timestamp())).scalar_one()
        assert ends[new.id] is None
        assert timedelta(seconds=7190) < ends[old.key_id] - now <= timedelta(seconds=7200)
        leaf = leaf_of(connection, "key_rotated", terminal.id)
        assert str(new.id) in leaf
        assert str(old.key_id) in leaf
        with _run_out(connection, old.key_id):
            assert principals.authenticate(connection, terminal.key) is None
            assert principals.authenticate(connection, new.text) is not None


def test_without_overlap_the_old_key_ends_at_once(service: Service) -> None:
    with service.database.begin() as connection:
        terminal = added(connection, service)
        rotated(connection, service, caller_of(connection, terminal.key), overlap_s=0)
        assert principals.authenticate(connection, terminal.key) is None


def test_a_rotated_key_keeps_rights_lifetime_and_signatures(service: Service) -> None:
    with service.database.begin() as connection:
        person = added(connection, service, Role.SUPERVISOR)
        public = secrets.token_bytes(32)
        made = credentials.issue(
            connection,
            service.keys,
            person.id,
            person.institution_id,
            actor_id=None,
            scopes={Scope.READ_VERIFICATIONS},
            lifetime_s=900,
            public_key=public,
        )
        new = rotated(connection, service, caller_of(connection, made.text))
        caller = caller_of(connection, new.text)
        assert caller.scopes == {Scope.READ_VERIFICATIONS}
        assert caller.public_key == public
        assert new.expires_at is not None
        assert made.expires_at is not None
        assert abs(new.expires_at - made.expires_at) < timedelta(seconds=5)
        other = secrets.token_bytes(32)
        again = rotated(connection, service, caller, public_key=other)
        assert caller_of(connection, again.text).public_key == other


def test_a_lost_answer_is_made_good_while_nobody_used_the_new_key(service: Service) -> None:
    with service.database.begin() as connection:
        terminal = added(connection, service)
        old = caller_of(connection, terminal.key)
        lost = rotated(connection, service, old)
        new = rotated(connection, service, old)
        assert principals.authenticate(connection, lost.text) is None
        assert principals.authenticate(connection, new.text) is not None
        with pytest.raises(KeyRotated):
            rotated(connection, service, old)
        assert principals.authenticate(connection, new.text) is not None


def test_a_second_rotation_never_prolongs_the_overlap(service: Service) -> None:
    with service.database.begin() as connection:
        terminal = added(connection, service)
        old = caller_of(connection, terminal.key)
        rotated(connection, service, old, overlap_s=60)
        ends = {state.id: state.expires_at for state in credentials.of_principal(connection, terminal.id)}
        rotated(connection, service, old, overlap_s=7200)
        again = {state.id: state.expires_at for state in credentials.of_principal(connection, terminal.id)}
        assert again[old.key_id] == ends[old.key_id] is not None


def test_a_revocation_is_an_act_and_happens_once(service: Service) -> None:
    with service.database.begin() as connection:
        terminal = added(connection, service)
        caller = caller_of(connection, terminal.key)
        ended = credentials.revoke(
            connection, service.keys, caller.key_id, caller.institution_id, actor_id=caller.principal_id
        )
        assert ended.receipt.leaf == leaf_of(connection, "key_revoked", terminal.id)
        with pytest.raises(AlreadyRevoked):
            credentials.revoke(connection, service.keys, caller.key_id, caller.institution_id, actor_id=None)


@pytest.mark.parametrize("how", ["key", "principal"])
@pytest.mark.parametrize("room", ["verification", "registration"])
def test_a_request_in_flight_decides_nothing_after_a_revocation(service: Service, how: str, room: str) -> None:
    """The key is good when the request comes in; it is revoked while the captures are looked at."""
    with service.database.begin() as connection:
        role = Role.TERMINAL if room == "verification" else Role.AUTHORITY
        holder = added(connection, service, role)
        caller = caller_of(connection, holder.key)

    def end() -> None:
        with service.database.begin() as connection:
            if how == "key":
                credentials.revoke(connection, service.keys, caller.key_id, caller.institution_id, actor_id=None)
            else:
                connection.execute(
                    update(tables.principals)
                    .where(tables.principals.c.id == holder.id)
                    .values(disabled_at=func.clock_timestamp())
                )

    comparer = EndingComparer(meanwhile=end)
    asked = KeyedClient(
        create_app(replace(service, comparer=comparer)), headers={"Authorization": f"Bearer {holder.key}"}
    )
    card = new_card()
    if room == "verification":
        answer = asked.post("/v1/verifications", json=fresh(asked, card), headers=fresh_key())
    else:
        answer = asked.post("/v1/cards", json=registration(card), headers=fresh_key())
    assert_error(answer, 401, "key_invalid")
    with service.database.begin() as connection:
        written = select(func.count()).where(tables.verifications.c.terminal_id == holder.id)
        assert connection.execute(written).scalar_one() == 0
        written = select(func.count()).where(tables.cards.c.registered_by == holder.id)
        assert connection.execute(written).scalar_one() == 0


def test_a_revoked_operator_stops_the_decision_and_says_so(service: Service) -> None:
    """Another code than for the terminal's own key: the terminal goes on with another operator."""
    with service.database.begin() as connection:
        bank = secrets.token_hex(8)
        counter = principals.add(connection, service.keys, bank, "counter", Role.TERMINAL)
        teller = principals.add(connection, service.keys, bank, "teller", Role.OPERATOR)

    def end() -> None:
        with service.database.begin() as connection:
            principals.end(connection, service.keys, teller.id, actor_id=None)

    comparer = EndingComparer(meanwhile=end)
    asked = KeyedClient(
        create_app(replace(service, comparer=comparer)),
        headers={"Authorization": f"Bearer {counter.key}", "Operator-Key": teller.key},
    )
    body = fresh(asked, new_card())
    assert_error(asked.post("/v1/verifications", json=body, headers=fresh_key()), 403, "operator_not_allowed")
    del asked.headers["Operator-Key"]
    comparer.meanwhile = lambda: None
    assert asked.post("/v1/verifications", json=body, headers=fresh_key()).status_code == 200, "the nonce is unused"


class EndingComparer(ScriptedComparer):
    """Calls `meanwhile` in enrolments too."""

    def enrol(self, captures: Any) -> Any:
        self.meanwhile()
        return super().enrol(captures)


def test_a_revocation_waits_for_what_is_being_decided(service: Service) -> None:
    with service.database.begin() as connection:
        caller = caller_of(connection, added(connection, service).key)

    def revoke() -> None:
        with service.database.begin() as connection:
            credentials.revoke(connection, service.keys, caller.key_id, caller.institution_id, actor_id=None)

    with ThreadPoolExecutor(1) as pool:
        with service.database.begin() as connection:
            credentials.hold(connection, caller)
            revoked = pool.submit(revoke)
            _await_a_waiter(service)
            assert not revoked.done()
        revoked.result(10)
    with service.database.begin() as connection, pytest.raises(KeyRevoked):
        credentials.hold(connection, caller)


def _await_a_waiter(service: Service) -> None:
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    for _ in range(500):
        with service.database.begin() as connection:
            if connection.execute(waiting).scalar_one() == 1:
                return
            connection.execute(text("SELECT pg_sleep(0.01)"))
    pytest.fail("nobody waits for a lock")


def test_two_decisions_hold_one_key_side_by_side(service: Service) -> None:
    with service.database.begin() as connection:
        caller = caller_of(connection, added(connection, service).key)
    with service.database.begin() as one, service.database.begin() as other:
        credentials.hold(one, caller)
        credentials.hold(other, caller)
