"""The keyed hash by which the feed and the filters name a card instance, and nothing but it.

Standard library only: the service and the terminals share this file. Without the key a tag tells nothing. Who holds the
key can test a card that they already know.

What is hashed, by BLAKE2b (RFC 7693) with the deployment's feed key of 32 bytes, the personalisation
`renzheng card v1` and 16 bytes of output: four texts in UTF-8, each after its length in bytes (4 bytes, big-endian):

1. the number, 18 characters, X upper case;
2. the issuing authority, `canonical`;
3. the first day of validity, `YYYY-MM-DD`;
4. the last day of validity, `YYYY-MM-DD`, or nothing for a long-term card (长期).
"""

import unicodedata
from datetime import date
from hashlib import blake2b, sha256

KEY_BYTES = 32
TAG_BYTES = 16
_PERSON = b"renzheng card v1"


def key_id(feed_key: bytes) -> str:
    """Short public name of a feed key, 16 hexadecimal digits: tags under another key are another language."""
    return sha256(b"renzheng feed key id\0" + feed_key).hexdigest()[:16]


def canonical(text: str) -> str:
    """One form for texts that look alike: compatibility forms unified (NFKC), no white space, nothing invisible.

    Else a card could be registered twice under two spellings of its issuer, and a loss report would reach only one.
    """
    unified = unicodedata.normalize("NFKC", text)
    shown = "".join(one for one in unified if not one.isspace() and unicodedata.category(one) not in {"Cf", "Cc"})
    # What stood apart may stand side by side now, and be one character: the form of this form has to be itself.
    return unicodedata.normalize("NFKC", shown)


def card_tag(feed_key: bytes, number: str, issuer: str, valid_from: date, valid_to: date | None) -> bytes:
    """The tag (16 bytes) of a card instance. `valid_to` None is a long-term card.

    White space around the number, its case and the spelling of the issuer do not matter. Raises `ValueError` for a key
    that has not 32 bytes.
    """
    if len(feed_key) != KEY_BYTES:
        raise ValueError(f"a feed key has {KEY_BYTES} bytes")
    digest = blake2b(key=feed_key, digest_size=TAG_BYTES, person=_PERSON)
    last_day = "" if valid_to is None else valid_to.isoformat()
    for part in (number.strip().upper(), canonical(issuer), valid_from.isoformat(), last_day):
        raw = part.encode()
        digest.update(len(raw).to_bytes(4, "big") + raw)
    return digest.digest()
