"""One process writes a terminal's folder at a time."""

import os
import sys
from pathlib import Path

from .files import NOT_LINKS


class FolderInUse(Exception):
    """Another process keeps this folder fresh."""


class FolderLock:
    """Held until `release`, or until the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        """Raises `FolderInUse`."""
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | NOT_LINKS, 0o600)
        try:
            _lock(self._descriptor)
        except OSError as error:
            os.close(self._descriptor)
            raise FolderInUse("another process keeps this folder fresh") from error

    def release(self) -> None:
        """Let others write."""
        os.close(self._descriptor)


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
