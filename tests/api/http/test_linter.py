"""The OpenAPI document as a linter reads it: no error and no warning, by the rules in `redocly.yaml`."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

# MIT, one package without dependencies; it wants a Node that is not among what this project installs.
LINTER = "@redocly/cli@2.77.0"
RULES = Path(__file__).with_name("redocly.yaml")
QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}


@pytest.fixture(scope="module")
def lint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Any], set[str]]:
    """Gives the rules that a document breaks."""
    folder = tmp_path_factory.mktemp("linter")
    linter = shutil.which("redocly") or _fetched(folder)

    def run(document: Any) -> set[str]:
        file = folder / "openapi.json"
        file.write_text(json.dumps(document), encoding="utf-8")
        asked = [linter, "lint", str(file), "--config", str(RULES), "--format", "json"]
        done = subprocess.run(asked, capture_output=True, text=True, check=False, env=os.environ | QUIET)
        assert done.stdout.startswith("{"), done.stderr
        assert "Unused rules" not in done.stderr, "a rule of redocly.yaml is none"
        broken = {problem["ruleId"] for problem in json.loads(done.stdout)["problems"]}
        assert (done.returncode == 0) == (not broken), done.stdout
        return broken

    return run


def _fetched(folder: Path) -> str:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed: the OpenAPI document is NOT linted")
    asked = [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--ignore-scripts", LINTER]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"{LINTER} could not be fetched: the OpenAPI document is NOT linted")
    return str(folder / "node_modules" / ".bin" / "redocly")


@pytest.mark.long
def test_the_linter_finds_nothing(app: FastAPI, lint: Callable[[Any], set[str]]) -> None:
    assert lint(app.openapi()) == set()


@pytest.mark.long
def test_it_does_look(app: FastAPI, lint: Callable[[Any], set[str]]) -> None:
    bad = deepcopy(app.openapi())
    del bad["paths"]["/v1/cards"]["post"]["summary"]
    del bad["paths"]["/v1/captures"]["post"]["security"]
    bad["paths"]["/v1/captures"]["post"]["responses"]["201"]["content"]["application/json"]["example"] = {"nonce": 7}
    bad["components"]["schemas"]["Nobody"] = {"type": "object"}
    assert lint(bad) == {
        "operation-summary", "security-defined", "no-invalid-media-type-examples", "no-unused-components",
    }  # fmt: skip
