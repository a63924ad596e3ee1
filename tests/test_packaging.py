"""Everything that the packages read at run time is installed with them: setuptools leaves out what no glob names."""

from __future__ import annotations

import subprocess
import tomllib
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = {"benchmarks/RESULTS.md"}
"""Read by people in the repository, by no code."""


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    """Files of the packages that git tracks."""
    asked = ["git", "ls-files", "-z", "--", *packages()]
    try:
        listed = subprocess.run(asked, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is no git checkout: nothing says which files belong to the packages")
    return [name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def settings() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    return found


def packages() -> list[str]:
    return [pattern.removesuffix("*") for pattern in settings()["packages"]["find"]["include"]]


def globs() -> list[str]:
    return list(settings()["package-data"]["*"])


def test_every_tracked_data_file_is_named_by_a_glob(tracked: list[str]) -> None:
    data = [name for name in tracked if not name.endswith(".py") and name not in DOCUMENTS]
    some = {"biometrics/face/data/feedback.json", "models/catalogue.toml", "benchmarks/scores/lists/lfw.csv"}
    assert some <= set(data)
    left_out = [name for name in data if not any(fnmatch(PurePosixPath(name).name, glob) for glob in globs())]
    assert not left_out, "pyproject.toml, package-data"


def test_every_glob_names_a_file(tracked: list[str]) -> None:
    names = [PurePosixPath(name).name for name in tracked]
    assert not [glob for glob in globs() if not any(fnmatch(name, glob) for name in names)]


def test_data_are_json_text_or_safetensors_and_never_pickles(tracked: list[str]) -> None:
    """Reading a pickle, or a numpy archive that holds one, runs what it says."""
    found = {PurePosixPath(name).suffix for name in tracked} | {PurePosixPath(glob).suffix for glob in globs()}
    assert not found & {".npy", ".npz", ".pkl", ".pickle", ".pt", ".pth", ".joblib"}


def test_every_folder_of_the_packages_is_found_by_setuptools(tracked: list[str]) -> None:
    """Python files in a folder without `__init__.py` are in the checkout and not in the wheel."""
    folders = {PurePosixPath(name).parent for name in tracked if name.endswith(".py")}
    bare = sorted(str(folder) for folder in folders if not (ROOT / folder / "__init__.py").is_file())
    assert not bare
