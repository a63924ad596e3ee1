"""What a snapshot of so many invalid cards weighs, how often it errs, and what it costs to build and to ask.

For each size, with three and with four cells a tag, in a process of its own; tags are drawn evenly, as the keyed hash
makes them.

- `size_bytes`, `bits_per_key`: the file with its head.
- `false_positive_rate`: of tags that are not held, by the compiled look-up; Wilson's interval.
- `false_negatives`: held tags that the filter misses: all by the compiled look-up, and up to a million by the one in
  Python, which is the terminals'. More than none is an error.
- `build_s`, `build_peak_mib`: CPU time from the tags to the checked filter, and the memory beyond the tags.
- `open_ms`: a terminal verifies the file. `lookup_us`, `tag_us`, `check_us`: a look-up of a tag, the hash of a card,
  and the whole answer, in Python on one thread, CPU time; the interval is the range over rounds. `guess_us`: the hash
  alone, as somebody computes it who has the key and tries many cards.
"""

import json
import math
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from hashlib import blake2b, sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import numpy as np
import psutil
import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.feed.snapshots import building, fuse
from api.feed.snapshots.building import Built
from api.feed.snapshots.fuse import Words
from api.terminal.answer import Verdict
from api.terminal.card import Card
from api.terminal.checking import check
from api.terminal.filter import Filter
from api.terminal.holding import Holding
from api.terminal.naming import card_tag, key_id
from api.terminal.snapshot import Head, open_snapshot, sign, signing_id
from benchmarks.common.machine import ROOT
from benchmarks.common.progress import say
from benchmarks.common.report import FRACTION, Result, print_table, write_json

ARITIES = (3, 4)
NOT_HELD = 10_000_000
IN_PYTHON = 1_000_000
ROUNDS, ASKED = 7, 20_000
Z = 1.959964
FEED_KEY = bytes(range(32))


def run(sizes: str, json_path: Path | None = None) -> list[Result]:
    """Measure, print the table, write the JSON. Exit code 1 where a held tag is missed."""
    results: list[Result] = []
    for size in [int(float(one)) for one in sizes.split(",")]:
        for arity in ARITIES:
            say(f"{size:,} tags, {arity} cells each")
            command = [sys.executable, "-m", "benchmarks.feed.snapshot", str(size), str(arity)]
            done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)  # noqa: S603
            results += [Result(**one) for one in json.loads(done.stdout)]
    print_table(results, title="Snapshots of the invalid cards")
    if json_path is not None:
        write_json(json_path, "snapshot", results)
    if any(one.metric == "false_negatives" and one.value for one in results):
        typer.echo("A TAG THAT IS HELD WAS MISSED", err=True)
        raise typer.Exit(1)
    return results


def measure(size: int, arity: int) -> list[dict[str, Any]]:
    """One size in this process."""
    building.build(np.arange(10, dtype=np.uint64), arity=arity)  # compiled code is loaded
    keys = drawn(size, 1)
    held = _reset_peak()
    began = time.process_time()
    built = building.build(keys, arity=arity)
    build_s, peak = time.process_time() - began, _peak() - held
    file = signed(built)
    name = f"{size:.0e}".replace("+0", "") + f"/{arity} cells"
    rows: list[tuple[str, float, float | None, float | None, str, int]] = [
        ("size_bytes", len(file), None, None, "bytes", size),
        ("size_mib", len(file) / 2**20, None, None, "MiB", size),
        ("bits_per_key", 8 * len(file) / size, None, None, "bits", size),
        ("false_positive_rate", *_false_positives(built), FRACTION, NOT_HELD),
        ("false_negatives", _missed(built, keys), None, None, "", size),
        ("build_s", build_s, None, None, "s", size),
        ("build_peak_mib", peak / 2**20, None, None, "MiB", size),
        *_asked(built, keys, file),
    ]
    columns = ("set", "metric", "value", "low", "high", "unit", "n")
    return [dict(zip(columns, (name, *row), strict=True)) for row in rows]


def drawn(count: int, seed: int) -> Words:
    """Keys as the keyed hash makes them: any."""
    return np.random.default_rng(seed).integers(0, 2**64, count, dtype=np.uint64)


def signed(built: Built) -> bytes:
    """The snapshot's file."""
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    head = Head(
        shape=built.shape,
        deployment=UUID(int=0),
        key_id=key_id(FEED_KEY),
        seq=1,
        as_of=datetime.now(UTC),
        count=built.count,
        body_sha256=sha256(built.body).digest(),
        signing_id=signing_id(key.public_key()),
    )
    return sign(head, key) + built.body


def _false_positives(built: Built) -> tuple[float, float, float]:
    """The rate of tags that are not held and are found all the same, with Wilson's interval."""
    rate = _held(built, drawn(NOT_HELD, 2)) / NOT_HELD
    middle = rate + Z**2 / (2 * NOT_HELD)
    half = Z * math.sqrt(rate * (1 - rate) / NOT_HELD + Z**2 / (4 * NOT_HELD**2))
    scale = 1 + Z**2 / NOT_HELD
    return rate, (middle - half) / scale, (middle + half) / scale


def _missed(built: Built, keys: Words) -> int:
    asked = built.filter()
    in_python = sum(tag not in asked for tag in _tags(keys[:IN_PYTHON]))
    return len(keys) - _held(built, keys) + in_python


def _held(built: Built, keys: Words) -> int:
    hashes = np.empty_like(keys)
    fuse.hash_keys(keys, np.uint64(built.shape.seed), hashes)
    body = np.frombuffer(built.body + b"\0\0", np.uint8)
    return int(fuse.count_held(hashes, built.shape.arity, built.shape.segment_length, built.shape.segments, body))


def _tags(keys: Words) -> Iterable[bytes]:
    raw = keys.astype("<u8").tobytes()
    return (raw[at : at + 8] for at in range(0, len(raw), 8))


def _asked(built: Built, keys: Words, file: bytes) -> Iterable[tuple[str, float, float, float, str, int]]:
    signer = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()
    half = ASKED // 2
    tags = [one for pair in zip(_tags(keys[:half]), _tags(drawn(half, 3)), strict=False) for one in pair]
    asked: Filter = built.filter()
    cards = [Card("11010519491231002X", f"第{number}公安局", date(2020, 1, 1), None) for number in range(ASKED // 10)]
    with TemporaryDirectory() as folder:
        holding = Holding(Path(folder), [signer], writing=True)
        holding.take(file, FEED_KEY)
        holding.confirm(1, datetime.now(UTC), holding.clock.ticks())
        told = [check(holding, one, stale_after_s=1e9).verdict for one in cards]
        if Verdict.NOT_LISTED not in told:
            raise RuntimeError("the terminal knows nothing")
        yield _timed("open_ms", 1e3, 1, lambda: open_snapshot(file, [signer]))
        yield _timed("lookup_us", 1e6, len(tags), lambda: [one in asked for one in tags])
        yield _timed(
            "tag_us",
            1e6,
            len(cards),
            lambda: [card_tag(FEED_KEY, one.number, one.issuer, one.valid_from, one.valid_to) for one in cards],
        )
        yield _timed("guess_us", 1e6, ASKED, _guesses)
        yield _timed("check_us", 1e6, len(cards), lambda: [check(holding, one, 1e9) for one in cards])
        holding.close()


def _guesses() -> None:
    """As somebody would who tries many: the key is hashed once, and the card is bytes already."""
    keyed = blake2b(key=FEED_KEY, digest_size=16)
    card = bytes(60)
    for number in range(ASKED):
        one = keyed.copy()
        one.update(card + number.to_bytes(4))
        one.digest()


def _timed(name: str, scale: float, count: int, act: Callable[[], object]) -> tuple[str, float, float, float, str, int]:
    times = []
    for _ in range(ROUNDS):
        began = time.process_time()
        act()
        times.append(scale * (time.process_time() - began) / count)
    return name, float(np.median(times)), min(times), max(times), name.rpartition("_")[2], ROUNDS * count


def _reset_peak() -> int:
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return int(psutil.Process().memory_info().rss)


def _peak() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return 1024 * next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(int(sys.argv[1]), int(sys.argv[2]))))
