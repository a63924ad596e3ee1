"""What binds an answer to its question: a hash of the request under a salt that only who asks chose.

The service, whose side is `api/http/signin.py`, and its clients share this file. The salt goes along as the header
`Answer-Salt`; the hash stands in the signed leaf as `asked`. Without the salt nobody finds a number by trying, though
the leaf is read by many; and a leaf of another request, whenever and by whomever it was made, has another hash.

The service does not store the salt, but it does the idempotency key: a salt made of that alone would open every short
request to whoever gets a copy of the database.
"""

import hashlib
import hmac

HEADER = "Answer-Salt"
FORM = "^[0-9a-f]{64}$"
_SALT_OF_KEYS = b"renzheng answer salt\n"


def salt_of(key: str, idempotency_key: str) -> str:
    """The salt of a request, 32 bytes in hex: the same whenever it is sent again under both keys.

    `key`: the caller's own, which the service keeps as a hash.
    """
    return hmac.new(key.encode(), _SALT_OF_KEYS + idempotency_key.encode(), hashlib.sha256).hexdigest()


def asked(salt: str, method: str, path: str, body: bytes) -> str:
    """What the leaf has to say: HMAC-SHA256 in hex over method, path and the SHA-256 of the body, `salt` the key.

    `path` is the service's own, such as `/v1/checks`, without what a proxy puts before it.
    """
    said = "\n".join(("renzheng request v1", method.upper(), path, hashlib.sha256(body).hexdigest()))
    return hmac.new(bytes.fromhex(salt), said.encode(), hashlib.sha256).hexdigest()
