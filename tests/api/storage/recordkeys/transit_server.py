"""What HashiCorp Vault's transit engine answers, as far as its documentation says: batches, with associated data."""

import base64
import json
import os
from dataclasses import dataclass, field
from typing import Any

import httpx
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PREFIX = "vault:v1:"


@dataclass
class FakeTransit:
    """One key called `renzheng`; `trouble` is what goes wrong, `seen` the bodies that came."""

    token: str
    trouble: str = ""
    seen: list[bytes] = field(default_factory=list)
    cipher: AESGCM = field(default_factory=lambda: AESGCM(AESGCM.generate_key(256)))

    def answer(self, request: httpx.Request) -> httpx.Response:
        """For `httpx.MockTransport`."""
        self.seen.append(request.content)
        match self.trouble:
            case "sealed":
                return httpx.Response(503, json={"errors": ["Vault is sealed"]})
            case "silent":
                raise httpx.ReadTimeout("nothing comes", request=request)
            case "nonsense":
                return httpx.Response(200, text="<html>")
            case "short":
                return httpx.Response(200, json={"data": {"batch_results": []}})
        if self.trouble == "forbidden" or request.headers["X-Vault-Token"] != self.token:
            return httpx.Response(403, json={"errors": ["permission denied"]})
        make = {"encrypt": self._encrypt, "decrypt": self._decrypt}[request.url.path.split("/")[-2]]
        results = [make(one) for one in json.loads(request.content)["batch_input"]]
        failed = any("error" in one for one in results)
        return httpx.Response(400 if failed else 200, json={"data": {"batch_results": results}})

    def _encrypt(self, one: dict[str, str]) -> dict[str, Any]:
        nonce = os.urandom(12)
        plain, bound = base64.b64decode(one["plaintext"]), base64.b64decode(one["associated_data"])
        made = nonce + self.cipher.encrypt(nonce, plain, bound)
        return {"ciphertext": PREFIX + base64.b64encode(made).decode(), "key_version": 1}

    def _decrypt(self, one: dict[str, str]) -> dict[str, Any]:
        raw = base64.b64decode(one["ciphertext"].removeprefix(PREFIX))
        try:
            plain = self.cipher.decrypt(raw[:12], raw[12:], base64.b64decode(one["associated_data"]))
        except InvalidTag:
            return {"error": "cipher: message authentication failed"}
        return {"plaintext": base64.b64encode(plain).decode()}
