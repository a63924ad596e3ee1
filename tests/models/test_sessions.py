"""The installed default packs, opened. `make test` pulls them first; without them these tests fail and say so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

import models
from models import catalogue, install, store
from models.errors import PackMissing, PackOutdated, UnknownPack
from models.sessions import session_options

NETWORKS = [("sface", "yunet"), ("sface", "sface"), ("leader", "leader")]


@pytest.mark.parametrize(("pack", "file"), NETWORKS)
def test_an_installed_network_takes_what_its_contract_says(pack: str, file: str) -> None:
    contract = catalogue.find(pack).file(file).input
    assert contract is not None
    (given,) = models.open_session(pack, file).get_inputs()
    assert given.name == contract.name
    assert given.type == "tensor(float)"
    fixed = [n if isinstance(n, int) else None for n in contract.shape]
    assert [n if isinstance(n, int) else None for n in given.shape] == fixed


def test_leader_gives_a_map_of_four_channels() -> None:
    session = models.open_session("leader", "leader")
    output = session.run(None, {"input": np.full((1, 64, 96, 1), 255, dtype=np.float32)})[0]
    assert output.ndim == 4
    assert (output.shape[0], output.shape[-1]) == (1, 4)
    assert np.isfinite(output).all()


@pytest.mark.parametrize("threads", [1, 2])
def test_a_session_has_the_threads_that_were_asked_for_and_none_of_them_spins(threads: int) -> None:
    options = models.open_session("sface", "yunet", threads=threads).get_session_options()
    assert options.intra_op_num_threads == threads
    assert options.inter_op_num_threads == 1
    assert options.execution_mode == onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"


def test_one_thread_is_the_default() -> None:
    assert models.open_session("sface", "yunet").get_session_options().intra_op_num_threads == 1
    assert session_options().intra_op_num_threads == 1


@pytest.mark.parametrize("threads", [0, -1])
def test_no_thread_at_all_is_refused(threads: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        models.open_session("sface", "yunet", threads=threads)


def test_only_the_processor_computes() -> None:
    assert models.open_session("sface", "yunet").get_providers() == ["CPUExecutionProvider"]


def test_a_provider_that_this_build_lacks_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"no TeapotExecutionProvider; it has .*CPUExecutionProvider"):
        models.open_session("sface", "yunet", provider="TeapotExecutionProvider")


def test_a_missing_pack_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(PackMissing, match=r"'sface' is not installed\. Fetch it: renzheng models pull sface"):
        models.open_session("sface", "yunet", home=tmp_path)
    with pytest.raises(PackMissing, match="renzheng models add DIR"):
        models.open_session("minifasnet", "v2", home=tmp_path)


def test_weights_are_opened_as_sessions_are(tmp_path: Path) -> None:
    weights = models.open_weights("leader", "weights")
    assert weights["gate.weight"].shape == (32, 48)
    with pytest.raises(ValueError, match="read-only"):
        weights["gate.weight"][0, 0] = 1.0
    with pytest.raises(PackMissing, match="renzheng models pull leader"):
        models.open_weights("leader", "weights", home=tmp_path)


def test_a_pack_of_a_version_that_had_fewer_files_is_outdated(tmp_path: Path) -> None:
    manifest = store.read_manifest("leader")
    older = replace(manifest, files={"leader": manifest.files["leader"]})
    store.install(older, {"leader": store.read_file(manifest, "leader")}, tmp_path)
    with pytest.raises(PackOutdated, match="renzheng models pull leader"):
        models.open_weights("leader", "weights", home=tmp_path)
    with pytest.raises(PackOutdated, match="renzheng models pull leader"):
        install.verify("leader", tmp_path)
    assert install.state("leader", tmp_path) == "outdated"


def test_an_unknown_name_is_a_clear_error() -> None:
    with pytest.raises(UnknownPack):
        models.open_session("arcface", "net")
    with pytest.raises(UnknownPack):
        models.open_session("sface", "net")


def test_the_home_is_what_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RENZHENG_HOME", str(tmp_path / "here"))
    assert models.home() == tmp_path / "here"
    monkeypatch.delenv("RENZHENG_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert models.home() == tmp_path / "renzheng"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert models.home() == tmp_path / ".local" / "share" / "renzheng"
