"""Clients as terminals are: every write bears an idempotency key of its own, unless the test gives one."""

from typing import Any

from starlette.testclient import TestClient

from tests.api.bodies import fresh_key

WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class KeyedClient(TestClient):
    """A `TestClient` that adds the key. Use `TestClient` itself to leave it out."""

    def request(self, method: str, url: Any, **how: Any) -> Any:
        """As `TestClient.request`."""
        given = how.get("headers") or {}
        if method.upper() in WRITING and not any(_text(name) == "idempotency-key" for name in dict(given)):
            how["headers"] = {**fresh_key(), **given}
        return super().request(method, url, **how)


def _text(name: str | bytes) -> str:
    return (name.decode("latin-1") if isinstance(name, bytes) else name).lower()
