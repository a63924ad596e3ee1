"""A rotation in small batches that says when each is done: a test kills it in between."""

import os
from pathlib import Path

from sqlalchemy import make_url

from api.storage.database import Database
from api.storage.recordkeys import RecordKeys
from api.storage.recordkeys.masters import MasterKeys
from api.storage.recordkeys.rotating import rotate
from api.storage.recordkeys.wrapping import LocalMasterKey


def main() -> None:
    """Rotate, as the environment says."""
    database = Database(make_url(os.environ["STORE"]), pool_size=2, timeout_s=5)
    known = MasterKeys([LocalMasterKey(bytes.fromhex(os.environ["OLD"]))], Path(os.environ["FOLDER"]))
    store, name = RecordKeys(database, known), os.environ["NAME"]
    rotate(store, name, lambda count: print(count, flush=True), rows_at_once=10)  # noqa: T201
    database.close()


if __name__ == "__main__":
    main()
