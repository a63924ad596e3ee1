"""Whatever bytes come in: a decoder gives what it makes, or raises what it says it raises, soon and in little memory.

A run that fails is told by its decoder and number: `damaged` gives the same bytes again. `make test-long` does
`FUZZ_RUNS` (10,000) for each decoder of a whole share.
"""

import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fuzz.conftest import COUNTED
from tests.fuzz.decoders import Decoder, decoders
from tests.fuzz.mutations import damaged

RUNS = int(os.environ.get("FUZZ_RUNS", "10000"))
MEMORY_BYTES = 1 << 30
LONGEST_S = 20.0
"""CPU time. The largest picture that is allowed takes half a second."""

_SHARES = 4


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Decoder]:
    return {one.name: one for one in decoders(tmp_path_factory.mktemp("decoders"))}


@contextmanager
def at_most(more_bytes: int) -> Iterator[None]:
    """Memory beyond what the process has now is refused to it; what asks for it then ends in MemoryError."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + more_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def run(decoder: Decoder, numbers: range) -> int:
    """How many files were taken as sound."""
    taken = 0
    for number in numbers:
        data = damaged(decoder.seeds, number, decoder.name)
        if decoder.mended is not None:
            data = decoder.mended(data)
        began = time.process_time()
        try:
            decoder.decode(data)
            taken += 1
        except decoder.refuses:
            pass
        except BaseException as error:
            error.add_note(f"{decoder.name}, run {number}: {len(data)} bytes, {data[:200]!r}")
            raise
        spent = time.process_time() - began
        assert spent < LONGEST_S, f"{decoder.name}, run {number}: {spent:.1f} s"
    return taken


def test_sound_files_are_taken(table: dict[str, Decoder]) -> None:
    for decoder in table.values():
        for seed in decoder.seeds:
            decoder.decode(seed)


def test_a_few_of_each(table: dict[str, Decoder]) -> None:
    """The same ones every time."""
    with at_most(MEMORY_BYTES):
        for decoder in table.values():
            run(decoder, range(10 * decoder.share))


# Each of these once took seconds, or raised what nobody foresaw.
DEEP, WIDE = b"[" * 100_000, b"1" + b"0" * 400
MET = {
    "a line of a checkpoint without an end": ("checkpoints", b"a\n1\nb\n\n" + b"x" * 1_000_000),
    "a calibration of lists in lists": ("calibrations", DEEP),
    "a number beyond floats": ("calibrations", b'{"form": 1, "engine": "sface-2", "knots": {"score": [%s]}}' % WIDE),
    "a message of lists in lists": ("messages of pages to the reader", DEEP),
    "a message of a kind that is a list": ("messages of pages to the reader", b'{"type": []}'),
    "a policy of a number of many digits": ("policies", b"version = " + b"9" * 5000),
    "a gallery of lists in lists": ("snapshots of galleries", DEEP),
    "a policy of lists in lists": ("policies", b"version = " + DEEP),
    "a header of lists in lists": ("tensors", len(DEEP).to_bytes(8, "little") + DEEP),
    "a manifest of lists in lists": ("manifests of packs", DEEP),
    "a leaf of lists in lists": ("leaves of a site", DEEP),
}


@pytest.mark.parametrize("what", MET)
def test_what_once_went_wrong(table: dict[str, Decoder], what: str) -> None:
    name, data = MET[what]
    with pytest.raises(table[name].refuses):
        table[name].decode(data)


def test_a_parquet_file_of_columns_that_are_no_text(table: dict[str, Decoder]) -> None:
    decoder = table["cards as Parquet"]
    (sound,) = decoder.seeds
    assert sound.count(b"valid_from") > 1
    with pytest.raises(decoder.refuses):
        decoder.decode(sound.replace(b"valid_from", b"valid\xfffrom"))


def test_a_gallery_of_endlessly_many(table: dict[str, Decoder]) -> None:
    decoder = table["snapshots of galleries"]
    (sound,) = decoder.seeds
    damaged_one = sound.replace(b'"entries": 5', b'"entries": Infinity')
    assert damaged_one != sound
    with pytest.raises(decoder.refuses):
        decoder.decode(damaged_one)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_many_of_each(table: dict[str, Decoder], request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    """Others every time."""
    start = int.from_bytes(os.urandom(4)) * RUNS
    for decoder in table.values():
        count = RUNS * decoder.share // _SHARES
        with subtests.test(decoder.name), at_most(MEMORY_BYTES):
            request.config.stash[COUNTED][decoder.name] = (count, run(decoder, range(start, start + count)))
