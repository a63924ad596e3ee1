"""Settings: documented, read from the environment, refused when absurd."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from api.settings import Settings

DOCUMENT = Path(__file__).parents[2] / "docs" / "settings.md"


def test_every_setting_is_documented_and_nothing_else_is() -> None:
    documented = set(re.findall(r"^\| `RENZHENG_([A-Z_]+)` \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE))
    assert documented == {name.upper() for name in Settings.model_fields}


def test_defaults_in_the_document_are_the_real_ones() -> None:
    table = dict(
        re.findall(r"^\| `RENZHENG_([A-Z_]+)` \| `([^`]+)` \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert len(table) >= 7
    for name, default in table.items():
        assert str(Settings.model_fields[name.lower()].default) == default


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RENZHENG_HOME", str(tmp_path))
    monkeypatch.setenv("RENZHENG_PORT", "9000")
    settings = Settings()
    assert (settings.home, settings.port) == (tmp_path, 9000)
    assert settings.keys_dir == tmp_path / "keys"


@pytest.mark.parametrize(("name", "value"), [("PORT", "70000"), ("MAX_BODY_BYTES", "0"), ("DATABASE_TIMEOUT_S", "-1")])
def test_absurd_settings_are_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"RENZHENG_{name}", value)
    with pytest.raises(ValidationError):
        Settings()


def test_a_policy_in_the_home_folder_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RENZHENG_HOME", str(tmp_path))
    assert Settings().policy_path is None
    (tmp_path / "policy.toml").write_text("")
    assert Settings().policy_path == tmp_path / "policy.toml"
