"""The command as a whole: on a sound installation, on none, on one whose database is away."""

import json
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest

import models
from api.operations.doctor import examining, network
from api.service import Service
from api.storage import keys
from benchmarks.service.process import free_port
from tests.api.cli.conftest import CommandLine


@pytest.fixture
def line(tmp_path: Path) -> CommandLine:
    """`renzheng` on a home of its own that is not there yet."""
    home = tmp_path / "home"
    return CommandLine(tmp_path, {"RENZHENG_HOME": str(home), "RENZHENG_PORT": str(free_port()), "NO_COLOR": "1"})


def told(line: CommandLine, *, status: int) -> dict[str, list[dict[str, Any]]]:
    """The findings of every check, by its name."""
    result = line("doctor", "--json")
    assert result.exit_code == status, result.output
    answer = json.loads(result.stdout)
    assert answer["sound"] is (status == 0)
    return {one["check"]: one["findings"] for one in answer["checks"]}


def errors(findings: dict[str, list[dict[str, Any]]]) -> set[str]:
    return {one["code"] for many in findings.values() for one in many if one["severity"] == "error"}


def test_a_sound_installation(line: CommandLine, service: Service) -> None:
    """The shared service's database and keys, in a home of its own."""
    home = line.folder / "home"
    shutil.copytree(service.settings.keys_dir, home / "keys")
    (home / "packs").symlink_to(models.home() / "packs", target_is_directory=True)
    line.environment["RENZHENG_DATABASE_URL"] = service.database.url.set(drivername="postgresql").render_as_string(
        hide_password=False
    )
    findings = told(line, status=0)
    wanted = sum(len(room.CHECKS) for room in examining.ROOMS) + 2
    assert len(findings) == wanted, "every check was made"
    human = line("doctor")
    assert human.exit_code == 0
    assert "ok       database.schema" in human.stdout
    assert f"{wanted} checks: 0 errors" in human.stdout


def test_nothing_is_made_where_nothing_is(line: CommandLine) -> None:
    findings = told(line, status=1)
    assert errors(findings) == {"pack_missing"}
    assert [one["code"] for one in findings["database.reachable"]] == ["database_not_made"]
    assert [one["code"] for one in findings["keys.there"]] == ["keys_not_made"]
    assert not (line.folder / "home").exists()


def test_a_database_that_is_away_hides_nothing_else(line: CommandLine) -> None:
    line.environment["RENZHENG_DATABASE_URL"] = f"postgresql://u:hidden@127.0.0.1:{free_port()}/d"
    keys.load(line.folder / "home" / "keys")
    (line.folder / "home" / "keys" / "master.key").chmod(0o640)
    result = line("doctor")
    assert result.exit_code == 1
    assert "error    database.reachable: database_unreachable" in result.stdout
    assert "Connection refused" in result.stdout, "the reason stands there"
    assert "skipped  database.schema" in result.stdout
    assert "error    keys.modes: key_open" in result.stdout
    assert "→ 运行：chmod 600" in result.stdout
    assert "hidden" not in result.output


def test_settings_that_are_none_and_that_cannot_be(line: CommandLine) -> None:
    line.environment |= {"RENZHENG_PROT": "1", "RENZHENG_PORT": "hidden", "RENZHENG_MASTER_KEYS": "hidden"}
    result = line("doctor", "--json")
    assert result.exit_code == 1
    assert "hidden" not in result.output
    findings = {one["check"]: one["findings"] for one in json.loads(result.stdout)["checks"]}
    assert findings["settings.known"][0]["facts"] == {"name": "RENZHENG_PROT", "nearest": "RENZHENG_PORT"}
    assert {one["facts"]["name"] for one in findings["settings.valid"]} == {"RENZHENG_PORT", "RENZHENG_MASTER_KEYS"}


def test_a_port_that_is_taken_by_us_and_by_others(line: CommandLine, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    line.environment["RENZHENG_PORT"] = url.rpartition(":")[2]
    with monkeypatch.context() as patient:
        patient.setattr(network, "_ASK_S", 60.0)
        assert [one["code"] for one in told(line, status=1)["network.port"]] == ["service_running"]
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        line.environment["RENZHENG_PORT"] = str(other.getsockname()[1])
        # It accepts and never answers.
        assert [one["code"] for one in told(line, status=1)["network.port"]] == ["port_taken"]


def test_a_check_that_fails_is_itself_a_finding(line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(examining.ROOMS[0], "CHECKS", (broken,))
    findings = told(line, status=1)
    assert findings["settings.broken"][0]["facts"] == {"check": "settings.broken", "kind": "RuntimeError"}
