"""Files that are there whole or not at all, whatever dies in between."""

import os
import secrets
from pathlib import Path

NOT_LINKS = getattr(os, "O_NOFOLLOW", 0)
"""For `os.open`: fail at a link, where the system can."""


def replace(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Write beside, put on the disk, rename: a reader finds the old content or the new one."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.part")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_anew(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Write a file that did not exist: what lay there goes, and a link that was put there is not followed."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NOT_LINKS, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def others_can_write(folder: Path) -> bool:
    """Whether somebody else than the folder's owner can put files there. Windows says so otherwise: False there."""
    return os.name == "posix" and bool(folder.stat().st_mode & 0o022)


def sync_folder(folder: Path) -> None:
    """Put a folder's names on the disk, where the system can."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folders, and keeps names in its journal.
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
