"""Key files: made once, whole, readable by their owner only, and never replaced."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from api.storage import keys
from api.storage.errors import KeyUnavailable


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_keys_are_made_once_and_stay(tmp_path: Path) -> None:
    first = keys.load(tmp_path / "keys")
    second = keys.load(tmp_path / "keys")
    assert (first.master, first.index, first.feed) == (second.master, second.index, second.feed)
    assert first.signing.private_bytes_raw() == second.signing.private_bytes_raw()
    assert (first.master_id, first.signing_id) == (second.master_id, second.signing_id)
    assert len({first.master, first.index, first.feed, first.signing.private_bytes_raw()}) == 4


def test_nobody_else_reads_them(tmp_path: Path) -> None:
    made = keys.load(tmp_path / "keys")
    assert mode(tmp_path / "keys") == 0o700
    files = sorted((tmp_path / "keys").iterdir())
    names = ["feed.key", "index.key", "master.key", f"signing-{made.signing_id}.pub", "signing.key"]
    assert [file.name for file in files] == names, "and no left-overs"
    assert {mode(file) for file in files} == {0o600}


def test_two_deployments_share_nothing(tmp_path: Path) -> None:
    one, other = keys.load(tmp_path / "one"), keys.load(tmp_path / "other")
    assert one.master != other.master
    assert one.master_id != other.master_id
    assert one.signing_id != other.signing_id


def test_names_of_keys_do_not_tell_the_keys(tmp_path: Path) -> None:
    made = keys.load(tmp_path)
    assert made.master.hex()[:16] != made.master_id
    assert len(made.master_id) == len(made.signing_id) == 16


def test_starting_together_they_agree(tmp_path: Path) -> None:
    for turn in range(20):
        path = tmp_path / str(turn) / "master.key"
        with ThreadPoolExecutor(8) as pool:
            found = set(pool.map(keys.secret_file, [path] * 8))
        assert found == {path.read_bytes()}
        assert [file.name for file in path.parent.iterdir()] == ["master.key"]


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_key_of_another_length_is_refused_and_kept(tmp_path: Path, length: int) -> None:
    (tmp_path / "master.key").write_bytes(b"k" * length)
    with pytest.raises(KeyUnavailable, match=rf"master\.key has {length} bytes instead of 32"):
        keys.load(tmp_path)
    assert (tmp_path / "master.key").read_bytes() == b"k" * length, "what it sealed may still need it"


def test_a_place_that_cannot_hold_keys_is_named(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("a file, not a folder")
    with pytest.raises(KeyUnavailable, match=r"master\.key cannot be read or made"):
        keys.load(tmp_path / "keys")
    (tmp_path / "folder" / "master.key").mkdir(parents=True)
    with pytest.raises(KeyUnavailable, match=r"master\.key cannot be read"):
        keys.load(tmp_path / "folder")
