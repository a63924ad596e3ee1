"""Building a service: what cannot work is said before anything is opened."""

from pathlib import Path

import pytest

from api import service as services
from api.service import Service
from api.settings import Settings
from api.storage.errors import DatabaseUnavailable, KeyUnavailable
from api.verification import policy
from api.verification.policy import PolicyInvalid
from tests.api.scripted import ScriptedComparer


def build(home: Path, **settings: object) -> None:
    services.build(Settings.model_validate({"home": home, "database_url": None, **settings}), ScriptedComparer())


def test_a_bad_policy_stops_the_start(tmp_path: Path) -> None:
    bad = tmp_path / "policy.toml"
    bad.write_text("version = 1", encoding="utf-8")
    with pytest.raises(PolicyInvalid, match=r"policy\.toml"):
        build(tmp_path / "home", policy_file=bad)
    (tmp_path / "home" / "policy.toml").write_text("", encoding="utf-8")
    with pytest.raises(PolicyInvalid, match=r"home/policy\.toml"):
        build(tmp_path / "home")
    with pytest.raises(PolicyInvalid, match="nowhere"):
        build(tmp_path / "home", policy_file="/nowhere/policy.toml")
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["policy.toml"], "no key, no database was made"


def test_a_bad_key_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "master.key").write_bytes(b"short")
    with pytest.raises(KeyUnavailable, match="5 bytes instead of 32"):
        build(tmp_path)
    assert not (tmp_path / "database").exists()


def test_a_server_that_is_away_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable):
        build(tmp_path, database_url="postgresql://nobody@/nothing?host=/nowhere", database_timeout_s=1)


def test_a_policy_in_the_home_is_in_force(tmp_path: Path, service: Service) -> None:
    built_in = Settings(home=tmp_path).policy_path
    assert built_in is None
    (tmp_path / "policy.toml").write_text("", encoding="utf-8")
    assert Settings(home=tmp_path).policy_path == tmp_path / "policy.toml"
    assert service.policy == policy.load(None)
