"""What a figure was measured on: the machine and the versions of what computed it."""

import importlib.metadata
import os
import platform
import shutil
import subprocess
from pathlib import Path

from models.catalogue import find

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("numpy", "onnxruntime", "numba", "renzheng")


def describe_machine() -> dict[str, str | int | float]:
    """The processor's model, the cores this process may use, and the memory in GiB."""
    return {
        "cpu": _cpu_model(),
        "cores": _usable_cores(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
    }


def describe_versions() -> dict[str, str]:
    """Versions of Python and of the packages that compute; `commit` where the checkout is a git one."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    commit = _commit()
    if commit:
        versions["commit"] = commit
    return versions


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu_model() -> str:
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def _commit() -> str | None:
    """The short commit of the checkout, with `-dirty` behind it when files differ from it."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        return None
    done = subprocess.run(  # noqa: S603 - fixed arguments, the program found on PATH
        [git, "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude=*"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or None


def describe_pack(name: str) -> dict[str, str | None]:
    """A model pack's name and version, and the hashes of its files, as the catalogue has them."""
    pack = find(name)
    return {"name": pack.name, "version": pack.version, **{file.name: file.sha256 for file in pack.files}}
