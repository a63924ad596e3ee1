"""Webhooks: in order, signed, sent until acknowledged, and no endpoint keeps another waiting."""

import base64
import ipaddress
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text, update
from starlette.testclient import TestClient

from api.feed import records
from api.feed.parameters import LEASE
from api.feed.webhooks import deliveries
from api.feed.webhooks.delivering import Deliverer
from api.institutions import principals
from api.institutions.roles import Role
from api.service import Service
from api.storage.tables import evidence, evidence_texts, webhooks
from tests.api.bodies import Json, fresh_key, register, report
from tests.api.conftest import NewClient
from tests.api.feed.receiver import Receiver, until
from tests.api.http.answers import assert_error

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
PATH = "/v1/feed/webhooks"


@pytest.fixture(autouse=True)
def deliverer(service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deliverer]:
    """One that may reach this machine; the shared service's own may not, and is kept from what these tests make."""
    monkeypatch.setattr(deliveries, "FIRST_PAUSE_S", 0.05)
    monkeypatch.setattr(deliveries, "LONGEST_PAUSE_S", 0.2)
    monkeypatch.setattr("api.feed.webhooks.delivering.POLL_S", 0.1)
    service.webhooks.stop()
    made = Deliverer(service.database, service.keys, LOOPBACK)
    made.start()
    yield made
    made.stop()
    with service.database.begin() as connection:
        connection.execute(update(webhooks).values(removed_at=webhooks.c.created_at))


def change(authority: TestClient, times: int) -> str:
    card_id, _ = register(authority)
    for turn in range(times):
        report(authority, card_id, "found" if turn % 2 else "reported_lost")
    return card_id


def head(service: Service) -> int:
    with service.database.begin() as connection:
        return records.head(connection).seq


def subscribe(client: TestClient, url: str, **fields: Any) -> Json:
    answer = client.post(PATH, json={"url": url, **fields})
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    return found


def state(client: TestClient, made: Json) -> Json:
    found: list[Json] = [one for one in client.get(PATH).json()["items"] if one["id"] == made["id"]]
    return found[0]


def test_messages_are_signed_and_in_order(
    service: Service, new_client: NewClient, authority: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "_CLAIM", small_messages(4))
    before = head(service)
    with Receiver() as receiver:
        supervisor = new_client(Role.SUPERVISOR)
        made = subscribe(supervisor, f"{receiver.url}/feed?from=renzheng")
        assert made["acknowledged_seq"] == before
        change(authority, 10)
        until(lambda: len(receiver.acknowledged) == 10)
        assert receiver.acknowledged == list(range(before + 1, before + 11))
        assert all(post.is_signed_with(made["key"]) for post in receiver.posts)
        assert {post.path for post in receiver.posts} == {"/feed?from=renzheng"}
        assert max(len(post.seqs) for post in receiver.posts) <= 4
        first = receiver.posts[0].json
        assert (first["type"], first["first"], first["last"]) == (
            "feed.events",
            first["events"][0]["seq"],
            receiver.posts[0].seqs[-1],
        )
        assert "card" not in first["events"][0]
        until(lambda: state(supervisor, made)["acknowledged_seq"] == before + 10)
        told = state(supervisor, made)
        assert (told["failures"], told["last_failure"], told["ended"]) == (0, None, False)
        assert "key" not in told


def small_messages(events: int) -> Any:
    return text(str(deliveries._CLAIM).replace("acknowledged_seq + 100", f"acknowledged_seq + {events}"))


def test_an_authority_is_told_its_own_cards(new_client: NewClient, authority: TestClient) -> None:
    own = new_client(Role.AUTHORITY)
    with Receiver() as receiver:
        made = subscribe(own, receiver.url)
        assert made["names_cards"] is True
        mine, _ = change(own, 1), change(authority, 1)
        until(lambda: len(receiver.acknowledged) == 2)
        told = [one for post in receiver.posts for one in post.json["events"]]
        assert [one.get("card", {}).get("id") for one in told] == [mine, None]


@pytest.mark.parametrize("wrong", [500, 404, 302, None])
def test_what_is_not_acknowledged_is_sent_again_unchanged(
    new_client: NewClient, authority: TestClient, wrong: int | None
) -> None:
    """More changes come meanwhile: the message stays the same until it is taken. A redirect leads nowhere."""
    answers = iter([wrong] * 3)
    with Receiver(lambda _: next(answers, 200)) as receiver:
        supervisor = new_client(Role.SUPERVISOR)
        made = subscribe(supervisor, receiver.url)
        change(authority, 1)
        until(lambda: len(receiver.posts) >= 1)
        change(authority, 3)
        until(lambda: len(receiver.acknowledged) == 4)
        first = receiver.posts[0]
        tries = receiver.posts[:4]
        assert {(one.headers["webhook-id"], one.body) for one in tries} == {(first.headers["webhook-id"], first.body)}
        assert all(one.is_signed_with(made["key"]) for one in tries)
        assert receiver.acknowledged == list(range(first.seqs[0], first.seqs[0] + 4)), "each once, in order"
        assert "/elsewhere" not in {post.path for post in receiver.posts}


@pytest.mark.parametrize(("wrong", "told_as"), [(503, "status_503"), (302, "status_302"), (None, "broken_off")])
def test_the_state_of_one_that_fails_is_seen(
    new_client: NewClient,
    authority: TestClient,
    wrong: int | None,
    told_as: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with Receiver(lambda _: wrong) as receiver:
        supervisor = new_client(Role.SUPERVISOR)
        made = subscribe(supervisor, receiver.url)
        change(authority, 1)
        until(lambda: bool(state(supervisor, made)["failures"] >= 3))
        told = state(supervisor, made)
        assert (told["last_failure"], told["acknowledged_seq"]) == (told_as, made["acknowledged_seq"])
        assert told["next_try_at"] > made["next_try_at"]
        until(lambda: bool(state(supervisor, made)["failures"] >= 5))
        logged = [one for one in caplog.messages if made["id"] in one]
        assert logged == [f"webhook {made['id']} keeps failing: {told_as}"], "once, and not where to"


def test_an_endpoint_that_hangs_delays_nobody(
    new_client: NewClient, authority: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.feed.webhooks.sending.ATTEMPT_TIMEOUT_S", 600.0)
    released = threading.Event()

    def hang(_: object) -> int:
        released.wait(120)
        return 200

    with Receiver(hang) as stuck, Receiver() as well:
        supervisors = [new_client(Role.SUPERVISOR) for _ in range(6)]
        for one in supervisors[:5]:
            subscribe(one, stuck.url)
        subscribe(supervisors[5], well.url)
        change(authority, 3)
        until(lambda: len(well.acknowledged) == 3)
        assert stuck.acknowledged == [], "they hang still"
        released.set()
        until(lambda: len(stuck.acknowledged) >= 15)


def test_an_endpoint_that_hangs_is_given_up(
    new_client: NewClient, authority: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.feed.webhooks.sending.ATTEMPT_TIMEOUT_S", 0.3)
    released = threading.Event()

    def hang(_: object) -> int:
        released.wait(120)
        return 200

    with Receiver(hang) as stuck:
        supervisor = new_client(Role.SUPERVISOR)
        made = subscribe(supervisor, stuck.url)
        change(authority, 1)
        until(lambda: state(supervisor, made)["last_failure"] == "timeout")
        released.set()


def test_two_replicas_deliver_each_message_once(
    service: Service, deliverer: Deliverer, new_client: NewClient, authority: TestClient
) -> None:
    second = Deliverer(service.database, service.keys, LOOPBACK)
    second.start()
    try:
        with Receiver(_after(0.05)) as receiver:
            subscribe(new_client(Role.SUPERVISOR), receiver.url)
            before = head(service)
            for _ in range(5):
                change(authority, 3)
            until(lambda: len(receiver.acknowledged) >= 15)
            time.sleep(0.3)
            assert receiver.acknowledged == list(range(before + 1, before + 16))
    finally:
        second.stop()


def _after(pause_s: float) -> Callable[[object], int]:
    def answer(_: object) -> int:
        time.sleep(pause_s)
        return 200

    return answer


def test_another_replica_goes_on_when_one_was_killed(
    service: Service, deliverer: Deliverer, new_client: NewClient, authority: TestClient
) -> None:
    """Whoever is killed in the middle of an attempt leaves its lease behind, and nothing else."""
    deliverer.stop()
    with Receiver() as receiver:
        supervisor = new_client(Role.SUPERVISOR)
        made = subscribe(supervisor, receiver.url)
        change(authority, 2)
        with service.database.begin() as connection:
            (taken,) = deliveries.claim(connection, service.keys)
        with service.database.begin() as connection:
            assert deliveries.claim(connection, service.keys) == [], "while the lease lasts nobody else takes it"
            past = webhooks.c.leased_until - LEASE
            connection.execute(update(webhooks).where(webhooks.c.id == UUID(made["id"])).values(leased_until=past))
        other = Deliverer(service.database, service.keys, LOOPBACK)
        other.start()
        until(lambda: len(receiver.acknowledged) == 2)
        until(lambda: state(supervisor, made)["acknowledged_seq"] == taken.last)
        other.stop()
        assert receiver.posts[0].headers["webhook-id"] == taken.message_id
        with service.database.begin() as connection:
            deliveries.fail(connection, taken, "timeout")
        assert state(supervisor, made)["failures"] == 0, "what comes too late changes nothing"


def test_what_was_missed_is_told_from_any_number_on(
    service: Service, new_client: NewClient, authority: TestClient
) -> None:
    before = head(service)
    change(authority, 3)
    with Receiver() as receiver:
        subscribe(new_client(Role.SUPERVISOR), receiver.url, after=before)
        until(lambda: receiver.acknowledged == [before + 1, before + 2, before + 3])
    ahead = new_client(Role.SUPERVISOR).post(PATH, json={"url": "https://a.example", "after": head(service) + 1})
    assert_error(ahead, 409, "feed_position_unknown")


def test_making_and_ending_leave_evidence(service: Service, new_client: NewClient, authority: TestClient) -> None:
    supervisor = new_client(Role.SUPERVISOR)
    with Receiver() as receiver:
        made = subscribe(supervisor, receiver.url)
        answer = supervisor.delete(f"{PATH}/{made['id']}")
        assert answer.status_code == 200, answer.text
        assert_error(supervisor.delete(f"{PATH}/{made['id']}"), 409, "already_revoked")
        change(authority, 1)
        time.sleep(0.5)
        assert receiver.posts == []
    assert supervisor.get(PATH).json()["items"] == []
    with service.database.begin() as connection:
        asked = select(evidence_texts.c.leaf).join(evidence, evidence.c.seq == evidence_texts.c.seq)
        leaves = [
            json.loads(one) for one in connection.execute(asked.where(evidence.c.kind == "administration")).scalars()
        ]
    told = [one for one in leaves if one["subject"] == made["id"]]
    assert [one["act"] for one in told] == ["webhook_added", "webhook_removed"]
    assert receiver.url not in json.dumps(told), "where to is nobody's affair"
    assert made["receipt"]["leaf"]
    assert answer.json()["receipt"]["leaf"]


def test_the_secret_is_shown_once_and_sealed(service: Service, new_client: NewClient) -> None:
    supervisor, key = new_client(Role.SUPERVISOR), fresh_key()
    made = supervisor.post(PATH, json={"url": "https://hooks.example"}, headers=key).json()
    assert made["key"].startswith("whsec_")
    again = supervisor.post(PATH, json={"url": "https://hooks.example"}, headers=key)
    assert again.json()["code"] == "key_shown_once"
    with service.database.begin() as connection:
        sealed = connection.execute(
            select(webhooks.c.secret_sealed).where(webhooks.c.id == UUID(made["id"]))
        ).scalar_one()
    assert base64.b64decode(made["key"].removeprefix("whsec_")) not in bytes(sealed)


def test_an_institution_has_a_bounded_number(new_client: NewClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.feed.webhooks.subscriptions.SUBSCRIPTIONS_EACH", 2)
    supervisor = new_client(Role.SUPERVISOR)
    for _ in range(2):
        subscribe(supervisor, "https://hooks.example")
    assert_error(supervisor.post(PATH, json={"url": "https://hooks.example"}), 409, "webhooks_too_many")


def test_it_ends_with_whoever_made_it(service: Service, new_client: NewClient, authority: TestClient) -> None:
    """A stolen key's webhook does not outlive the thief's being found out."""
    house = "webhooks end"
    thief, supervisor = new_client(Role.SUPERVISOR, house), new_client(Role.SUPERVISOR, house)
    with Receiver() as receiver:
        made = subscribe(thief, receiver.url)
        with service.database.begin() as connection:
            holder = UUID(thief.get("/v1/me").json()["id"])
            principals.end(connection, service.keys, holder, actor_id=None)
        change(authority, 1)
        time.sleep(0.5)
        assert receiver.posts == []
        assert state(supervisor, made)["ended"] is True
