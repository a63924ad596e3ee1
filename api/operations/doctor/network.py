"""Who can reach the service, and what reads along."""

import os
import socket
from collections.abc import Iterator

import httpx

from api.operations.doctor.findings import Finding, found
from api.operations.doctor.parameters import PRIVILEGED_PORTS
from api.operations.doctor.settings import is_loopback
from api.operations.doctor.subject import Subject
from api.storage import database
from api.storage.errors import DatabaseAddressInvalid

_VERIFIED = "verify-full"
_ASK_S = 2.0


def bound(examined: Subject) -> Iterator[Finding]:
    """The service speaks plain HTTP: captures and keys pass."""
    given = examined.settings
    if not is_loopback(given.host):
        yield found("bound_without_tls", host=given.host, port=given.port)


def port(examined: Subject) -> Iterator[Finding]:
    """Whether `renzheng serve` could listen."""
    given = examined.settings
    if 0 < given.port < PRIVILEGED_PORTS and os.geteuid() != 0:
        yield found("port_privileged", port=given.port)
    if given.port == 0:
        return
    family = socket.AF_INET6 if ":" in given.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((given.host, given.port))
        except PermissionError:
            return  # told above
        except OSError as error:
            if _is_ours(given.host, given.port):
                yield found("service_running", host=given.host, port=given.port)
            else:
                yield found("port_taken", host=given.host, port=given.port, why=error.strerror)


def _is_ours(host: str, number: int) -> bool:
    """Whether what listens there is this service, which says so at `/healthz`."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    named = f"[{reached}]" if ":" in reached else reached
    try:
        answer = httpx.get(f"http://{named}:{number}/healthz", timeout=_ASK_S)
        return answer.status_code == 200 and "x-request-id" in answer.headers
    except httpx.HTTPError:
        return False


def database_encrypted(examined: Subject) -> Iterator[Finding]:
    """A database over a network has to show who it is: a password goes there, and sealed templates come back."""
    for setting, dsn in (
        ("RENZHENG_DATABASE_URL", examined.settings.database_url),
        ("RENZHENG_KEY_STORE_URL", examined.settings.key_store_url),
    ):
        if dsn is None:
            continue
        try:
            url = database.url_of(dsn, setting)
        except DatabaseAddressInvalid:
            continue  # told where it is opened
        mode = url.query.get("sslmode", os.environ.get("PGSSLMODE", ""))
        if url.host is not None and not is_loopback(url.host) and mode != _VERIFIED:
            yield found("database_without_tls", setting=setting)


CHECKS = (bound, port, database_encrypted)
