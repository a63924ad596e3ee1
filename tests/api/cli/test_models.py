"""`renzheng models` as a person at a console meets it: texts, and the exit codes 0, 1, 2 and 3."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from api.cli import models as command
from models import ResearchOnlyWarning, catalogue, install, store
from models.catalogue import Pack
from models.conversion import CONVERTER_VERSION
from models.errors import FetchFailed
from models.manifest import InstalledFile, Manifest

NETWORK = b"not looked into: research-only packs are kept as they are"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RENZHENG_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(command._out, "width", 160)
    return tmp_path / "home"


@pytest.fixture
def buffalo(tmp_path: Path) -> Path:
    """A directory with the files of a research-only pack."""
    directory = tmp_path / "buffalo"
    directory.mkdir()
    for name in ("det_500m.onnx", "w600k_mbf.onnx"):
        (directory / name).write_bytes(NETWORK + name.encode())
    return directory


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command.app, list(arguments))


def test_the_list_names_every_pack_with_licence_and_state() -> None:
    result = run("list")
    assert result.exit_code == 0
    for pack in catalogue.packs():
        assert pack.name in result.stdout
    assert "Apache-2.0" in result.stdout
    assert "not installed" in result.stdout
    assert "research only" in result.stdout


def test_verifying_what_is_not_installed_is_a_negative_answer() -> None:
    result = run("verify")
    assert result.exit_code == 1
    for pack in catalogue.default_packs():
        assert f"renzheng models pull {pack.name}" in result.stderr


def test_adding_a_research_only_pack_prints_a_notice(buffalo: Path) -> None:
    result = run("add", str(buffalo))
    assert result.exit_code == 0
    assert "buffalo_sc 1: installed" in result.stdout
    assert "NOTICE" in result.stderr
    assert "may be used for research only" in result.stderr
    assert run("verify", "buffalo_sc").exit_code == 0
    assert "installed, verified" in run("list").stdout


def test_a_damaged_pack_is_reported(buffalo: Path, home: Path) -> None:
    run("add", str(buffalo))
    next((home / "packs" / "buffalo_sc").glob("detector-*.onnx")).write_bytes(b"rot")
    result = run("verify", "buffalo_sc")
    assert result.exit_code == 1
    assert "SHA-256" in result.stderr
    assert "damaged" in run("list").stdout


@pytest.mark.parametrize("arguments", [("pull", "nothing"), ("verify", "nothing"), ("add", "/nowhere"), ("frob",)])
def test_a_mistaken_command_is_usage(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2


def test_an_unknown_directory_is_a_failure(tmp_path: Path) -> None:
    result = run("add", str(tmp_path))
    assert result.exit_code == 3
    assert "directory_unknown" in result.stderr


def test_a_pack_without_an_index_cannot_be_pulled() -> None:
    result = run("pull", "minifasnet")
    assert result.exit_code == 3
    assert "renzheng models add DIR" in result.stderr


def test_a_failed_fetch_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> install.Outcome:
        raise FetchFailed("the network is away [for good]")

    monkeypatch.setattr(install, "pull", fail)
    result = run("pull")
    assert result.exit_code == 3
    assert "error (fetch_failed): the network is away [for good]" in result.stderr


def test_pulling_fetches_the_default_packs_and_shows_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def pull(name: str, root: Path | None = None, progress: object = None) -> install.Outcome:
        assert callable(progress)
        progress("downloading", 1, 2)
        progress("downloading", 2, 2)
        asked.append(name)
        return install.Outcome(catalogue.find(name), manifest_of(catalogue.find(name)), changed=name == "sface")

    monkeypatch.setattr(install, "pull", pull)
    result = run("pull")
    assert result.exit_code == 0
    assert asked == ["sface", "leader"]
    assert result.stderr.split() == ["downloading"], "one line a step where there is no terminal"
    assert "sface 1.1.1: installed (1.5 kB)" in result.stdout
    assert "leader 1.2.7: already installed and sound, nothing to do" in result.stdout


def manifest_of(pack: Pack) -> Manifest:
    files = {"net": InstalledFile("net.onnx", "0" * 64, 1500)}
    return Manifest(pack.name, pack.version, pack.licence, str(pack.source), None, CONVERTER_VERSION, files)


def test_the_notice_is_not_shown_twice_nor_to_others(buffalo: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResearchOnlyWarning)
        install.add(buffalo)
    assert store.read_manifest("buffalo_sc").files.keys() == {"detector", "recogniser"}
    assert "NOTICE" not in run("verify", "buffalo_sc").stderr
