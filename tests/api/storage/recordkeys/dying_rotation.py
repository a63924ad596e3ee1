"""A rotation in small batches that says when each is done and waits: a test kills it in between."""

import os
import sys
from pathlib import Path

from sqlalchemy import make_url

from api.storage.database import Database
from api.storage.recordkeys import RecordKeys
from api.storage.recordkeys.masters import MasterKeys
from api.storage.recordkeys.rotating import rotate
from api.storage.recordkeys.wrapping import LocalMasterKey


def main() -> None:
    """Rotate, as the environment says."""
    database = Database(make_url(os.environ["STORE"]), pool_size=2, timeout_s=60)
    known = MasterKeys([LocalMasterKey(bytes.fromhex(os.environ["OLD"]))], Path(os.environ["FOLDER"]))
    store, name = RecordKeys(database, known), os.environ["NAME"]
    rotate(store, name, told, rows_at_once=10)
    database.close()


def told(count: int) -> None:
    """Say that a batch is done, and wait for a line or for the end of the lines."""
    print(count, flush=True)  # noqa: T201
    sys.stdin.readline()


if __name__ == "__main__":
    main()
