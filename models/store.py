"""Where installed packs lie and what is recorded about them.

A pack is a folder `$RENZHENG_HOME/packs/<pack>/` of network files named `<name>-<hash prefix>` and one
`manifest.json` that says which of them count. Files are never rewritten, and replacing the manifest (one rename) is
what installs a pack: whoever reads, at any moment and after any crash, sees the old pack or the new one, whole.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from . import catalogue
from .errors import PackDamaged, PackMissing
from .manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Iterator

MANIFEST = "manifest.json"


def home() -> Path:
    """The folder that holds everything of this installation.

    `RENZHENG_HOME` where it is set, else the user's data folder as the XDG base directory specification names it.
    """
    if configured := os.environ.get("RENZHENG_HOME"):
        return Path(configured).expanduser()
    base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "renzheng"


def pack_folder(pack: str, root: Path | None = None) -> Path:
    """The folder of an installed pack below `root` (default: `home()`)."""
    return (root or home()) / "packs" / pack


def read_manifest(pack: str, root: Path | None = None) -> Manifest:
    """The manifest of an installed pack. Raises PackMissing, PackDamaged."""
    path = pack_folder(pack, root) / MANIFEST
    try:
        return Manifest.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise PackMissing(f"The model pack '{pack}' is not installed. {catalogue.find(pack).remedy}") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(pack, f"its {MANIFEST} cannot be read ({type(error).__name__})") from error


def read_file(manifest: Manifest, name: str, root: Path | None = None) -> bytes:
    """The bytes of an installed network, checked against the manifest. Raises PackDamaged."""
    entry = manifest.files.get(name)
    if entry is None:
        raise _damaged(manifest.pack, f"its {MANIFEST} lists no file '{name}'")
    try:
        data = (pack_folder(manifest.pack, root) / entry.file).read_bytes()
    except OSError as error:
        raise _damaged(manifest.pack, f"{entry.file} cannot be read ({type(error).__name__})") from error
    if sha256(data) != entry.sha256:
        raise _damaged(manifest.pack, f"the SHA-256 of {entry.file} is not the recorded one")
    return data


def install(manifest: Manifest, contents: dict[str, bytes], root: Path | None = None) -> None:
    """Makes `contents` (name to bytes) the installed pack, durably and all at once; older files then go away."""
    folder = pack_folder(manifest.pack, root)
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in contents.items():
        write_durably(folder / manifest.files[name].file, data)
    write_durably(folder / MANIFEST, manifest.dumps().encode())
    keep = {MANIFEST, *(entry.file for entry in manifest.files.values())}
    for path in folder.iterdir():
        if path.name not in keep:
            path.unlink()


def write_durably(path: Path, data: bytes) -> None:
    """Writes beside, flushes to the disk, renames: a file of this name is there whole or as it was before."""
    handle, temporary = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextlib.contextmanager
def lock(pack: str, root: Path | None = None) -> Iterator[None]:
    """Lets one process at a time install a pack; the others wait. The system frees it when a process dies."""
    packs = pack_folder(pack, root).parent
    packs.mkdir(parents=True, exist_ok=True)
    with (packs / f".{pack}.lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def sha256(data: bytes) -> str:
    """Hex SHA-256 of `data`."""
    return hashlib.sha256(data).hexdigest()


def _damaged(pack: str, reason: str) -> PackDamaged:
    return PackDamaged(f"The model pack '{pack}' is damaged: {reason}. {catalogue.find(pack).remedy}")
