"""A renewal in small batches that says when each is done and waits to be told to go on: a test kills it in between."""

import os
import sys
from pathlib import Path

from sqlalchemy import make_url

from api.feed.snapshots.publishing import deployment_id
from api.personal.renewal import renew
from api.settings import Settings
from api.storage.database import Database
from api.storage.keys import load
from api.storage.recordkeys.opening import with_records


def main() -> None:
    """Renew, as the environment says."""
    address = os.environ["DATA"]
    database = Database(make_url(address), pool_size=2, timeout_s=30)
    settings = Settings(home=Path(os.environ["HOME_OF_KEYS"]), database_url=address)
    with database.begin() as connection:
        deployment = deployment_id(connection)
    keys = with_records(settings, database, load(settings.keys_dir), deployment)

    def wait(count: int) -> None:
        print(count, flush=True)  # noqa: T201
        sys.stdin.readline()

    renew(database, keys, wait, rows_at_once=10)
    keys.of_records.close()
    database.close()


if __name__ == "__main__":
    main()
