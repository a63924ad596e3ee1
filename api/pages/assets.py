"""The pages' files, read once; they lie in the package, and in the wheel."""

import hashlib
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True)
class Asset:
    """A file as it is sent; `etag` names its content."""

    content: bytes = field(repr=False)
    media_type: str
    etag: str


def asset(content: bytes, name: str) -> Asset:
    """A file with its type, which its name's ending says."""
    ending = name[name.rindex(".") :]
    return Asset(content, MEDIA_TYPES[ending], f'"{hashlib.sha256(content).hexdigest()[:24]}"')


@cache
def files() -> dict[str, Asset]:
    """Every file below `static`, by its path there, such as `texts/zh.json`."""
    return dict(_below(resources.files(__package__) / "static", ""))


def _below(folder: Traversable, path: str) -> list[tuple[str, Asset]]:
    found: list[tuple[str, Asset]] = []
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if entry.is_dir():
            found.extend(_below(entry, f"{path}{entry.name}/"))
        else:
            found.append((path + entry.name, asset(entry.read_bytes(), entry.name)))
    return found
