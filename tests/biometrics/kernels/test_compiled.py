"""Kept machine code: when it is dropped, and that no kernel takes what that would not notice."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest

import biometrics
from biometrics.kernels import compiled

ROOM = Path(biometrics.__file__).parent


def test_kept_machine_code_goes_when_a_source_is_newer(tmp_path: Path) -> None:
    (tmp_path / "__pycache__").mkdir()
    source, index = tmp_path / "stage.py", tmp_path / "__pycache__" / "stage.kernel.nbi"
    source.touch()
    index.touch()
    os.utime(source, ns=(1, 1))
    assert compiled.drop_stale(tmp_path) == 0
    os.utime(source, ns=(2**62, 2**62))
    assert compiled.drop_stale(tmp_path) == 1
    assert not index.exists()
    assert compiled.drop_stale(tmp_path) == 0


def test_kept_machine_code_goes_when_the_shared_room_is_newer(tmp_path: Path) -> None:
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "stage.py").touch()
    index = tmp_path / "__pycache__" / "stage.kernel.nbc"
    index.touch()
    os.utime(index, ns=(2**62, 2**62))
    assert compiled.drop_stale(tmp_path) == 0
    os.utime(tmp_path / "stage.py", ns=(1, 1))
    os.utime(index, ns=(2, 2))
    assert compiled.drop_stale(tmp_path) == 1


def _foreign_names(source: Path) -> list[str]:
    """What kernels of a file use of other folders than their own and the shared one."""
    tree = ast.parse(source.read_text())
    own = ".".join(["biometrics", *source.parent.relative_to(ROOM).parts])
    elsewhere = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("biometrics")
        for alias in node.names
        if node.level == 0 and node.module.rpartition(".")[0] not in {own, "biometrics.kernels"} and node.module != own
    }
    return [
        name.id
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        and any(isinstance(by, ast.Name) and by.id in {"kernel", "loose_kernel"} for by in function.decorator_list)
        for statement in function.body
        for name in ast.walk(statement)
        if isinstance(name, ast.Name) and name.id in elsewhere
    ]


SOURCES = [path for path in sorted(ROOM.rglob("*.py")) if "kernel\n" in path.read_text()]


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(ROOM)))
def test_kernels_take_nothing_of_other_folders(source: Path) -> None:
    assert _foreign_names(source) == []


def test_a_foreign_name_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    source = tmp_path / "here" / "stage.py"
    source.write_text(
        "from biometrics.there.parameters import FAR\nfrom biometrics.here.parameters import NEAR\n"
        "from biometrics.kernels.tiles import ROWS\n\n@kernel\ndef stage():\n    return FAR + NEAR + ROWS\n"
    )
    monkeypatch.setattr("tests.biometrics.kernels.test_compiled.ROOM", tmp_path)
    assert _foreign_names(source) == ["FAR"]
    assert len(SOURCES) > 15
