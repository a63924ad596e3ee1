"""A process of `benchmarks.evidence.rate` that commits acts: one leaf a transaction, from several threads, for a time.

`python -m benchmarks.evidence.writer HOME SECONDS THREADS FORM` (`statement` or `transaction`) says `ready`, waits for
a line on its standard input, and writes JSON in the end: how many it committed, and its CPU time in between.
"""

import json
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

from api.evidence import leaves
from api.settings import Settings
from api.storage import database, embedded
from api.storage import keys as key_files
from api.storage.database import Database
from api.storage.keys import Keys

KIND = "verification"


def body(number: int) -> dict[str, object]:
    """What the leaf of a verification at a counter holds, face and one finger; about 1,100 bytes."""
    modality = {"status": "assessed", "llr": 11.83, "fmr": 1.137e-07, "extrapolated": True, "quality": 81.2}
    return {
        "decision": "PASS",
        "document": {"status": "valid", "reasons": ["valid"]},
        "person": {
            "consistency": 0.9999,
            "llr": 23.66,
            "fmr": 1.137e-09,
            "extrapolated": True,
            "modalities": [
                {"modality": "face", **modality},
                {"modality": "finger", "position": "left_thumb", **modality},
            ],
            "reasons": ["match"],
        },
        "policy_version": "2026-11-3+0123456789ab",
        "at": "2026-11-22T09:30:00.123456+00:00",
        "captured_at": "2026-11-22T17:29:58+08:00",
        "institution": str(UUID(int=1)),
        "terminal": str(UUID(int=number)),
        "operator": None,
        "key": str(UUID(int=number + 1)),
        "card": f"{number:064x}",
        "channel": "counter",
        "purpose": "account_opening",
        "engines": ["sface-2", "leader-edges-2"],
        "request": f"{number:064x}",
    }


def commit_one(opened: Database, keys: Keys, number: int) -> str:
    """One act: a transaction of its own that holds nothing but the leaf. Gives the leaf's hash."""
    with opened.begin() as connection:
        return leaves.append(connection, keys, KIND, uuid4(), datetime.now(UTC), body(number)).leaf_hash


def commit_statements(opened: Database, keys: Keys, deadline: float) -> int:
    """Acts that are nothing but their leaf: a statement is a transaction, committed by itself. Gives their number."""
    count = 0
    with opened.engine.connect() as connection:
        alone = connection.execution_options(isolation_level="AUTOCOMMIT")
        while time.monotonic() < deadline:
            leaves.append(alone, keys, KIND, uuid4(), datetime.now(UTC), body(count))
            count += 1
    return count


def commit_transactions(opened: Database, keys: Keys, deadline: float) -> int:
    """Acts as the service begins and ends them, with a connection of the pool, BEGIN and COMMIT around the leaf."""
    count = 0
    while time.monotonic() < deadline:
        commit_one(opened, keys, count)
        count += 1
    return count


FORMS = {"statement": commit_statements, "transaction": commit_transactions}


def write(opened: Database, keys: Keys, seconds: float, threads: int, form: str) -> int:
    """Commit acts from several threads until the time is over; gives their number."""
    counts = [0] * threads
    deadline = time.monotonic() + seconds

    def work(thread: int) -> None:
        counts[thread] = FORMS[form](opened, keys, deadline)

    workers = [threading.Thread(target=work, args=(thread,)) for thread in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(counts)


def main(home: Path, seconds: float, threads: int, form: str) -> None:
    """Connect, say so, wait for the word, write."""
    settings = Settings(home=home, database_url=None, database_pool_size=threads)
    keys = key_files.load(settings.keys_dir)
    opened = database.open_database(settings)
    try:
        commit_one(opened, keys, 0)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        began, cpu = time.monotonic(), time.process_time()
        committed = write(opened, keys, seconds, threads, form)
        told = {
            "committed": committed,
            "seconds": time.monotonic() - began,
            "cpu_s": time.process_time() - cpu,
        }
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
    finally:
        opened.close()
        embedded.stop(settings.database_dir)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
