"""Where a webhook may lead. Its address is given from outside, and the service could else be sent into its own network.

A name is resolved at every attempt, and the connection goes to the very address that was looked at: a name that is
answered otherwise a moment later changes nothing. Redirects are not followed.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any
from urllib.parse import urlsplit

from api.feed.parameters import ATTEMPTS_AT_ONCE

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_LONGEST = 2000
# Addresses that carry one of IPv4 within: what is behind them is not to be seen from them.
_CARRIERS = tuple(ipaddress.ip_network(one) for one in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"))

# What is assigned for public use at all (RFC 4291, 2.4).
_PUBLIC = ipaddress.ip_network("2000::/3")
# Threads of their own: a look-up cannot be broken off, and those that hang must not hold up what else has to be done.
_LOOKUPS = ThreadPoolExecutor(2 * ATTEMPTS_AT_ONCE, thread_name_prefix="webhook-name")


class AddressRefused(Exception):
    """The address is none that webhooks may reach; the text says what is wrong with it, for the operator."""


class NameUnknown(Exception):
    """The name has no address."""


def sound(url: str) -> str:
    """The address of a webhook, as it is kept. Raises `AddressRefused`."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise AddressRefused("no address") from error
    if len(url) > _LONGEST or not url.isascii() or any(one.isspace() or not one.isprintable() for one in url):
        raise AddressRefused("no address")
    if not parts.hostname or port == 0 or parts.username is not None or parts.password is not None or parts.fragment:
        raise AddressRefused("an address such as https://host/path is expected, without a password")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts.hostname)):
        raise AddressRefused("it has to be https, or this machine")
    return url


def is_allowed(address: Address, networks: Sequence[Network]) -> bool:
    """Whether an address is public, or in one of the networks that the operator allowed."""
    plain = address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
    if any(plain in network for network in networks):
        return True
    if plain.version == 6 and plain not in _PUBLIC:
        return False
    return plain.is_global and not plain.is_multicast and not any(plain in carrier for carrier in _CARRIERS)


async def resolve(host: str, port: int, networks: Sequence[Network]) -> Address:
    """An address of a host that may be reached. Raises `NameUnknown` and `AddressRefused`."""
    try:
        found = await asyncio.get_running_loop().run_in_executor(_LOOKUPS, _look_up, host, port)
    except (OSError, UnicodeError) as error:
        raise NameUnknown from error
    addresses = [ipaddress.ip_address(str(place[0]).partition("%")[0]) for *_, place in found]
    for address in addresses:
        if is_allowed(address, networks):
            return address
    raise AddressRefused("not a public address")


def _look_up(host: str, port: int) -> list[Any]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
