"""A key management service as the master key: the transit engine of HashiCorp Vault and OpenBao, or what speaks alike.

The master key never leaves the service: record keys are sent there to be wrapped and unwrapped (`POST encrypt/NAME`,
`decrypt/NAME`, several in a batch), with their identifiers as associated data. The key has to be of the kind
`aes256-gcm96`. Versions of the key are the service's own: what an older version wrapped unwraps for as long as the
service keeps that version.
"""

import base64
from collections.abc import Sequence
from typing import Any

import httpx

from api.settings import Settings
from api.storage.errors import KeyUnavailable, MasterKeyUnavailable
from api.storage.recordkeys.wrapping import Wrapped

_BOUND = "renzheng record key v1 {}"
# A batch of which some parts fail is answered with this, and tells each part's fault.
_PARTLY = 400


class TransitMasterKey:
    """A `MasterKey` behind HTTP. `url` is that of the engine, as `https://vault.example:8200/v1/transit`."""

    def __init__(self, client: httpx.Client, url: str, name: str) -> None:
        self._client = client
        self._url = url.rstrip("/")
        self._name = name
        self.id = f"transit:{name}"

    @classmethod
    def open(cls, settings: Settings) -> "TransitMasterKey":
        """As the settings say. Raises `KeyUnavailable` when the file of the token cannot be read."""
        assert settings.transit_url is not None
        assert settings.transit_token_file is not None
        try:
            token = settings.transit_token_file.read_text(encoding="ascii").strip()
        except (OSError, ValueError) as error:
            raise KeyUnavailable("the token for the key management service cannot be read") from error
        client = httpx.Client(
            headers={"X-Vault-Token": token, "X-Vault-Request": "true"},
            timeout=settings.transit_timeout_s,
            follow_redirects=False,
        )
        return cls(client, settings.transit_url, settings.transit_key)

    def wrap(self, keys: Sequence[Wrapped]) -> list[bytes]:
        """See `MasterKey.wrap`."""
        told = self._ask("encrypt", "plaintext", [(key_id, base64.b64encode(key).decode()) for key_id, key in keys])
        made = [one.get("ciphertext") for one in told]
        if not all(isinstance(one, str) and one for one in made):
            raise MasterKeyUnavailable("the key management service does not wrap a key")
        return [str(one).encode("ascii") for one in made]

    def unwrap(self, wrapped: Sequence[Wrapped]) -> list[bytes | None]:
        """See `MasterKey.unwrap`."""
        told = self._ask("decrypt", "ciphertext", [(key_id, text.decode("ascii")) for key_id, text in wrapped])
        return [base64.b64decode(one["plaintext"]) if one.get("plaintext") else None for one in told]

    def _ask(self, what: str, field: str, given: Sequence[tuple[Any, str]]) -> list[dict[str, Any]]:
        batch = [
            {field: text, "associated_data": base64.b64encode(_BOUND.format(key_id).encode()).decode()}
            for key_id, text in given
        ]
        try:
            answer = self._client.post(f"{self._url}/{what}/{self._name}", json={"batch_input": batch})
            if answer.status_code != _PARTLY:
                answer.raise_for_status()
            told: list[dict[str, Any]] = answer.json()["data"]["batch_results"]
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            # Neither the address nor what was sent: an error's text may stand in a log.
            raise MasterKeyUnavailable(f"the key management service does not answer: {type(error).__name__}") from None
        if len(told) != len(given):
            raise MasterKeyUnavailable("the key management service answers another question")
        return told
