"""One attempt to deliver a message: to an address that was looked at, signed, bounded in time and in what is read."""

import asyncio
import ssl
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

import httpx

from api.feed.parameters import ATTEMPT_TIMEOUT_S, LARGEST_ANSWER_BYTES
from api.feed.webhooks import signing
from api.feed.webhooks.addresses import AddressRefused, NameUnknown, Network, resolve
from api.feed.webhooks.deliveries import Delivery

_PORTS = {"https": 443, "http": 80}


def open_client() -> httpx.AsyncClient:
    """A client without proxies, redirects or connections that outlive a message: two names of one address would else
    share one, and with it the certificate that was looked at for the other."""
    return httpx.AsyncClient(
        verify=ssl.create_default_context(),
        trust_env=False,
        follow_redirects=False,
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
        timeout=ATTEMPT_TIMEOUT_S,
    )


async def send(client: httpx.AsyncClient, delivery: Delivery, networks: Sequence[Network]) -> str | None:
    """Send it; None when it was acknowledged (2xx), else the class of the failure."""
    try:
        async with asyncio.timeout(ATTEMPT_TIMEOUT_S):
            status = await _post(client, delivery, networks)
    except (TimeoutError, httpx.TimeoutException):
        return "timeout"
    except NameUnknown:
        return "name_unknown"
    except AddressRefused:
        return "address_refused"
    except httpx.ConnectError as error:
        return "tls_failed" if isinstance(error.__cause__, ssl.SSLError) or "SSL" in str(error) else "not_reached"
    except (httpx.HTTPError, httpx.InvalidURL, OSError):
        return "broken_off"
    return None if 200 <= status < 300 else f"status_{status}"


async def _post(client: httpx.AsyncClient, delivery: Delivery, networks: Sequence[Network]) -> int:
    parts = urlsplit(delivery.url)
    host = parts.hostname or ""
    address = await resolve(host, parts.port or _PORTS[parts.scheme], networks)
    if parts.scheme == "http" and not address.is_loopback:
        raise AddressRefused("http leaves this machine")
    literal = f"[{address}]" if address.version == 6 else str(address)
    target = httpx.URL(delivery.url).copy_with(host=literal.strip("[]"))
    headers = {
        "Host": parts.netloc,
        "Content-Type": "application/json",
        "User-Agent": "renzheng-webhook/1",
        **signing.headers(delivery.secret, delivery.message_id, int(time.time()), delivery.body),
    }
    # The certificate has to be the name's, whatever address it has.
    asked = client.stream("POST", target, content=delivery.body, headers=headers, extensions={"sni_hostname": host})
    async with asked as answer:
        read = 0
        async for piece in answer.aiter_raw():
            read += len(piece)
            if read > LARGEST_ANSWER_BYTES:
                break
        return answer.status_code
