"""What a search left behind that was broken off: people's vectors under the home, which nobody keeps for ever.

A search that ends takes its folder away. One that was killed leaves it, to go on with; after a day it is deleted, and
the search reads the people again when it is taken up. So whoever was erased meanwhile is gone from there too.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from api.duplicates import people, searches
from api.duplicates.parameters import LEFT_S
from api.duplicates.searches import SearchRunning
from api.storage.database import Database

_log = logging.getLogger(__name__)


def clear(database: Database, folder: Path) -> int:
    """Delete the folders in `folder` that lie there for a day, unless a search runs now; gives how many.

    Raises `DatabaseUnavailable`, OSError.
    """
    old = list(_old(folder))
    if not old:
        return 0
    try:
        with searches.alone(database):
            for one in old:
                people.forget(one)
    except SearchRunning:
        return 0
    _log.info("what searches for duplicates left behind was deleted: %d", len(old))
    return len(old)


def _old(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        return
    before = time.time() - LEFT_S
    for path in folder.iterdir():
        with suppress(FileNotFoundError):
            if path.is_dir() and not path.is_symlink() and path.stat().st_mtime < before:
                yield path
