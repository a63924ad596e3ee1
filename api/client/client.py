"""The clients: one for threads, one for asyncio. Both have the methods of `Operations`."""

import ssl
from collections.abc import Sequence
from functools import cache
from typing import TypedDict

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from .clock import Clock
from .core import Core
from .operations import Operations
from .parameters import TIMEOUT_S
from .receipts import Verifier
from .retrying import Retrying
from .shells import AsyncShell, SyncShell


class Client(Operations, SyncShell):
    """A terminal, an authority or a supervisor, by its key. May be shared by threads."""

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        log_keys: str | Sequence[str] | None = None,
        signing_key: Ed25519PrivateKey | None = None,
        retrying: Retrying | None = None,
        timeout_s: float = TIMEOUT_S,
        tls: ssl.SSLContext | None = None,
        transport: httpx.BaseTransport | None = None,
        clock: Clock | None = None,
    ) -> None:
        """`url` as `https://host[:port]`; `key` as it was shown; without one, what is open to everybody.

        `log_keys`: the lines `verifier_key` of `GET /v1/keys`, compared on a second way: with them every receipt is
        verified before its answer is given. `signing_key`: where the key's requests are signed. `timeout_s`: for the
        answer to one attempt. `tls`: for an authority of certificates of your own, or a certificate of the terminal's.
        Raises ValueError for what is no address or no key.
        """
        verifier = None if log_keys is None else Verifier(log_keys)
        core = Core(
            url,
            key,
            signing_key=signing_key,
            verifier=verifier,
            retrying=retrying,
            timeout_s=timeout_s,
            clock=clock,
        )
        super().__init__(core, httpx.Client(transport=transport, **_connected(core.url, tls)))


class AsyncClient(Operations, AsyncShell):
    """The same for asyncio."""

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        log_keys: str | Sequence[str] | None = None,
        signing_key: Ed25519PrivateKey | None = None,
        retrying: Retrying | None = None,
        timeout_s: float = TIMEOUT_S,
        tls: ssl.SSLContext | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Clock | None = None,
    ) -> None:
        """See `Client`."""
        verifier = None if log_keys is None else Verifier(log_keys)
        core = Core(
            url,
            key,
            signing_key=signing_key,
            verifier=verifier,
            retrying=retrying,
            timeout_s=timeout_s,
            clock=clock,
        )
        super().__init__(core, httpx.AsyncClient(transport=transport, **_connected(core.url, tls)))


class _Connected(TypedDict):
    verify: ssl.SSLContext
    trust_env: bool


def _connected(url: str, tls: ssl.SSLContext | None) -> _Connected:
    """How httpx connects. A proxy that the environment names would read what goes to this machine in the clear."""
    return {"verify": tls or _usual_tls(), "trust_env": url.startswith("https:")}


@cache
def _usual_tls() -> ssl.SSLContext:
    # Reading the authorities takes longer than a request does: clients share them.
    return httpx.create_ssl_context()
