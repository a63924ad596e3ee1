"""Where webhooks may lead: to the public internet over https, and nowhere into the service's own network."""

import asyncio
import ipaddress
import socket
from typing import Any
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from api.feed.webhooks import addresses
from api.feed.webhooks.addresses import AddressRefused, NameUnknown, is_allowed, resolve
from api.feed.webhooks.deliveries import Delivery, pause_s
from api.feed.webhooks.sending import open_client, send
from api.institutions.roles import Role
from tests.api.conftest import NewClient
from tests.api.feed.receiver import Receiver
from tests.api.http.answers import assert_error


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/",
        "http://10.0.0.1/",
        "ftp://hooks.example/",
        "file:///etc/passwd",
        "https://",
        "https:///path",
        "https://user:word@hooks.example/",
        "https://hooks.example/#part",
        "https://hooks.example:0/",
        "https://hooks.example:99999/",
        "https://hooks.example/ two",
        "https://hooks.example/\r\nX: y",
        "https://钩.example/",
        "https://" + "a" * 2000 + ".example",
    ],
)
def test_addresses_of_another_form_are_refused(new_client: NewClient, url: str) -> None:
    answer = new_client(Role.SUPERVISOR).post("/v1/feed/webhooks", json={"url": url})
    assert answer.status_code == 422, answer.text
    with pytest.raises(AddressRefused):
        addresses.sound(url)


def test_the_refusal_says_what_is_asked_for(new_client: NewClient) -> None:
    supervisor: TestClient = new_client(Role.SUPERVISOR)
    answer = supervisor.post("/v1/feed/webhooks", json={"url": "http://hooks.example"})
    assert_error(answer, 422, "webhook_url_invalid")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "192.0.2.1", "::1", "::", "fe80::1", "fd00::1", "ff02::1", "::ffff:127.0.0.1",
        "::ffff:169.254.169.254", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::",
    ],
)  # fmt: skip
def test_what_is_not_public_is_refused(address: str) -> None:
    assert not is_allowed(ipaddress.ip_address(address), ())


@pytest.mark.parametrize("address", ["8.8.8.8", "223.5.5.5", "2400:3200::1", "::ffff:8.8.8.8"])
def test_what_is_public_is_not(address: str) -> None:
    assert is_allowed(ipaddress.ip_address(address), ())


def test_an_operator_allows_networks_of_their_own() -> None:
    allowed = (ipaddress.ip_network("10.1.0.0/16"), ipaddress.ip_network("fd00:1::/32"))
    assert is_allowed(ipaddress.ip_address("10.1.2.3"), allowed)
    assert is_allowed(ipaddress.ip_address("fd00:1::5"), allowed)
    assert not is_allowed(ipaddress.ip_address("10.2.0.1"), allowed)


def test_a_name_is_judged_by_its_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first that may be reached is taken, and connected to as it was looked at."""

    def answering(*found: str) -> Any:
        def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found]

        return getaddrinfo

    async def ask() -> str:
        return str(await resolve("rebinding.example", 443, ()))

    monkeypatch.setattr(socket, "getaddrinfo", answering("127.0.0.1", "8.8.8.8"))
    assert asyncio.run(ask()) == "8.8.8.8"
    monkeypatch.setattr(socket, "getaddrinfo", answering("127.0.0.1", "10.0.0.1"))
    with pytest.raises(AddressRefused):
        asyncio.run(ask())


def test_a_name_without_an_address_is_unknown() -> None:
    with pytest.raises(NameUnknown):
        asyncio.run(resolve("nobody.invalid", 443, ()))


def attempt(url: str, *networks: str) -> str | None:
    delivery = Delivery(uuid4(), uuid4(), url, bytes(32), "id", b'{"events": []}', 1, 0)

    async def once() -> str | None:
        async with open_client() as client:
            return await send(client, delivery, [ipaddress.ip_network(one) for one in networks])

    return asyncio.run(once())


def test_nothing_is_sent_into_the_own_network_unless_it_is_allowed() -> None:
    with Receiver() as receiver:
        assert attempt(receiver.url) == "address_refused"
        assert attempt(receiver.url.replace("127.0.0.1", "localhost")) == "address_refused"
        assert receiver.posts == []
        assert attempt(receiver.url, "127.0.0.0/8") is None
        assert receiver.posts[0].headers["host"] == receiver.url.removeprefix("http://")
        # A receiver without TLS, asked for it.
        assert attempt(receiver.url.replace("http:", "https:"), "127.0.0.0/8") == "tls_failed"
    assert attempt(receiver.url, "127.0.0.0/8") == "not_reached", "it is gone"


def test_pauses_double_and_differ() -> None:
    assert all(0.5 <= pause_s(0) <= 1 for _ in range(100))
    assert all(512 <= pause_s(10) <= 1024 for _ in range(100))
    assert all(1800 <= pause_s(10_000) <= 3600 for _ in range(100))
    assert len({pause_s(3) for _ in range(10)}) > 1
