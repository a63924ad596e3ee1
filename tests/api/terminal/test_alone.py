"""The terminal's client by itself: without the service's packages, and installed alone."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "api" / "terminal"

# What may be there: the standard library, cryptography with what it needs, and the package.
_ALONE = """
import sys
from importlib.abc import MetaPathFinder

class Blocked(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        allowed = top in sys.stdlib_module_names or top in {"cryptography", "cffi", "_cffi_backend", "pycparser"}
        if not allowed and name != "api" and name != "api.terminal" and not name.startswith("api.terminal."):
            raise ImportError(f"{name} is not for terminals")
        return None

sys.meta_path.insert(0, Blocked())
import pkgutil
import api.terminal
for module in pkgutil.iter_modules(api.terminal.__path__):
    if module.name != "__main__":
        __import__(f"api.terminal.{module.name}")
from api.terminal.__main__ import main
try:
    import numpy
except ImportError:
    pass
else:
    raise SystemExit("the block does not hold")
sys.exit(main(["status", "--folder", sys.argv[1], "--signer", sys.argv[2]]))
"""


@pytest.fixture
def signer(tmp_path: Path) -> Path:
    file = tmp_path / "signer"
    file.write_text("A" * 43 + "=\n", encoding="ascii")
    return file


def test_it_runs_without_anything_of_ours(tmp_path: Path, signer: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    command = [sys.executable, "-c", _ALONE, str(folder), str(signer)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert '"stale": true' in done.stdout


def test_both_declarations_ask_for_the_same() -> None:
    own = tomllib.loads((PACKAGE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    whole = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert own["dependencies"] == whole["optional-dependencies"]["terminal"]
    assert own["license"] == whole["license"]


@pytest.mark.long
def test_it_installs_by_itself(tmp_path: Path, signer: Path) -> None:
    """From a copy of the folder alone, into an empty environment; only `cryptography` may come from the index."""
    copy = tmp_path / "terminal"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info"))
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    python = environment / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.run([*install, "cryptography>=46"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no package index: cryptography cannot be installed into an empty environment")
    subprocess.run([*install, "setuptools>=77"], check=True, capture_output=True)
    subprocess.run([*install, "--no-index", "--no-build-isolation", "--no-deps", str(copy)], check=True)
    asked = [str(python), "-m", "pip", "list", "--format=freeze"]
    listed = subprocess.run(asked, capture_output=True, check=True, text=True)
    names = {line.partition("==")[0].lower() for line in listed.stdout.split()}
    assert names <= {"renzheng-terminal", "renzheng_terminal", "cryptography", "cffi", "pycparser", "pip", "setuptools"}
    folder = tmp_path / "folder"
    folder.mkdir()
    for command in ([str(environment / "bin" / "renzheng-terminal")], [str(python), "-m", "renzheng_terminal"]):
        asked = [*command, "status", "--folder", str(folder), "--signer", str(signer)]
        done = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (1, ""), done.stderr
