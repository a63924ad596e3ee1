"""Names of institutions, terminals and people: what they may look like, and institutions written as a path."""

import unicodedata

from api.institutions.errors import AdministrationError

LONGEST = 100
LONGEST_SENT = 4 * LONGEST
"""Marks that combine make a name longer before it is composed. Composing takes the square of how many there are."""
SEPARATOR = "/"


class NameInvalid(AdministrationError):
    """No name: empty, too long, or with characters that nobody sees or that part the names of a path."""

    text = (
        f"名称为 1 至 {LONGEST} 个可见字符，不含 {SEPARATOR}；路径写作 银行/支行。\n"
        f"A name has 1 to {LONGEST} visible characters and no {SEPARATOR}; a path is written Bank/Branch."
    )


def sound(name: str) -> str:
    """The name as stored, so that what looks the same is the same. Raises `NameInvalid`."""
    if len(name) > LONGEST_SENT:
        raise NameInvalid
    composed = unicodedata.normalize("NFC", name).strip()
    if not 1 <= len(composed) <= LONGEST or not composed.isprintable() or SEPARATOR in composed:
        raise NameInvalid
    return composed


def split(path: str) -> list[str]:
    """The names of a path such as `Bank/Branch`, uppermost first. Raises `NameInvalid`."""
    return [sound(part) for part in path.split(SEPARATOR)]
