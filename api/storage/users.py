"""Which processes use the embedded server: locks on two files beside its data folder.

The kernel lets go of a lock however its process ends. So, unlike in a list of process numbers, a kill -9 leaves nobody
behind who is not there, and nobody is taken for a later process of the same number.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


class ServerUsers:
    """The users of the server of one data folder. This process may join several times and leaves as often."""

    def __init__(self, folder: Path) -> None:
        self._turn = folder.with_name(f"{folder.name}.lock")
        self._users = folder.with_name(f"{folder.name}.users")
        self._joined = 0
        self._lock: IO[bytes] | None = None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for whoever starts or stops the server, and keep others, threads too, from doing so meanwhile."""
        with _open(self._turn) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @property
    def joined(self) -> bool:
        """Whether this process is a user."""
        return self._joined > 0

    def join(self) -> None:
        """Count among the users, in one's turn."""
        if self._lock is None:
            self._lock = _open(self._users)
            # Waits for nobody: the file is locked alone only for a moment, in somebody's turn.
            fcntl.flock(self._lock, fcntl.LOCK_SH)
        self._joined += 1

    def leave(self, *, altogether: bool = False) -> bool:
        """Leave once, or for good, in one's turn; True when no user is left, in this process or another."""
        if self._lock is None:
            return False
        self._joined = 0 if altogether else self._joined - 1
        if self._joined > 0:
            return False
        self._lock.close()
        self._lock = None
        with _open(self._users) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        return True


def _open(path: Path) -> IO[bytes]:
    """For this user alone: another could otherwise hold the lock and keep the service from starting."""
    descriptor = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    return os.fdopen(descriptor, "ab")
