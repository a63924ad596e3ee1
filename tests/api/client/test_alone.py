"""The client by itself: without the service's packages, and installed alone."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "api" / "client"

# What may be there: the standard library, what the declaration names with what that needs, and the package.
_ALONE = """
import sys
from importlib.abc import MetaPathFinder

THEIRS = {
    "annotated_types", "anyio", "certifi", "cffi", "_cffi_backend", "cryptography", "h11", "http_message_signatures",
    "http_sf", "httpcore", "httpx", "idna", "pycparser", "pydantic", "pydantic_core", "sniffio",
    "typing_extensions", "typing_inspection",
}
class Blocked(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        ours = name == "api" or name == "api.client" or name.startswith("api.client.")
        standard = top in sys.stdlib_module_names or top.startswith("_sysconfigdata")
        if not ours and not standard and top not in THEIRS:
            raise ModuleNotFoundError(f"{name} is not for callers", name=name)
        return None

sys.meta_path.insert(0, Blocked())
import pkgutil
import api.client
import api.client.simulator
for module in pkgutil.walk_packages(api.client.__path__, "api.client."):
    __import__(module.name)
try:
    import numpy
except ImportError:
    pass
else:
    raise SystemExit("the block does not hold")
try:
    import api.errors
except ImportError:
    pass
else:
    raise SystemExit("the block does not hold")
with api.client.Client("http://127.0.0.1:9", "a-key", retrying=api.client.NEVER) as client:
    try:
        client.me()
    except api.client.Unreachable as problem:
        print(problem.code)
"""


def test_it_runs_without_anything_of_ours() -> None:
    done = subprocess.run([sys.executable, "-c", _ALONE], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "unreachable\n", "")


def test_both_declarations_ask_for_the_same() -> None:
    own = tomllib.loads((PACKAGE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    whole = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert own["dependencies"] == whole["optional-dependencies"]["client"]
    assert set(own["dependencies"]) <= set(whole["dependencies"])
    assert own["license"] == whole["license"]


def test_every_folder_is_declared() -> None:
    declared = tomllib.loads((PACKAGE / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    folders = {file.parent.relative_to(PACKAGE) for file in PACKAGE.rglob("__init__.py")}
    assert set(declared) == {".".join(["renzheng_client", *folder.parts]) for folder in folders}


@pytest.mark.long
def test_it_installs_by_itself(tmp_path: Path) -> None:
    """From a copy of the folder alone, into an empty environment; only what it declares may come from the index."""
    copy = tmp_path / "client"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info"))
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    python = environment / "bin" / "python"
    declared = tomllib.loads((PACKAGE / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.run([*install, *declared], capture_output=True, check=False).returncode != 0:
        pytest.skip("no package index: what the client needs cannot be installed into an empty environment")
    subprocess.run([*install, "setuptools>=77"], check=True, capture_output=True)
    subprocess.run([*install, "--no-index", "--no-build-isolation", "--no-deps", str(copy)], check=True)
    program = "import renzheng_client, renzheng_client.simulator; print(renzheng_client.Client('https://x.example'))"
    done = subprocess.run([str(python), "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("<Client of https://x.example>\n", "")
