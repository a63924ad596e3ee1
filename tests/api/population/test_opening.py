"""The other register that the settings name: its address guarded on the way, its key from a file."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from api.population.opening import RegisterKeyUnusable, open_register
from api.population.parameters import TIMEOUT_S
from api.settings import Settings


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "register.key"
    path.write_text("rz_secret\n")
    return path


def test_none_is_asked_unless_one_is_named(tmp_path: Path) -> None:
    assert open_register(Settings(home=tmp_path)) is None


def test_one_that_is_named_is_opened(tmp_path: Path, key_file: Path) -> None:
    register = open_register(
        Settings(home=tmp_path, register_url="https://register.example:8443", register_key_file=key_file)
    )
    assert register is not None
    assert register.name == "register.example:8443"
    register.close()


def test_the_time_out_is_the_adapters_own() -> None:
    assert Settings.model_fields["register_timeout_s"].default == TIMEOUT_S


@pytest.mark.parametrize("content", [b"", b"\n", b"two words", b"one\ntwo", "密钥".encode(), b"\xff\xfe"])
def test_a_file_that_holds_no_key(tmp_path: Path, key_file: Path, content: bytes) -> None:
    key_file.write_bytes(content)
    settings = Settings(home=tmp_path, register_url="https://register.example", register_key_file=key_file)
    with pytest.raises(RegisterKeyUnusable) as told:
        open_register(settings)
    assert str(key_file) in str(told.value)
    assert "two words" not in str(told.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, register_url="https://register.example", register_key_file=tmp_path / "none")
    with pytest.raises(RegisterKeyUnusable):
        open_register(settings)


@pytest.mark.parametrize(
    "url",
    [
        "http://register.example",
        "http://10.0.0.1:8470",
        "register.example",
        "ftp://register.example",
        "https://",
        "https://user:password@register.example",
        "https://register.example/?key=1",
        "https://register.example:no",
        "",
    ],
)
def test_an_address_to_which_no_persons_data_go(tmp_path: Path, key_file: Path, url: str) -> None:
    with pytest.raises(ValidationError) as told:
        Settings(home=tmp_path, register_url=url, register_key_file=key_file)
    assert {fault["loc"] for fault in told.value.errors()} == {("register_url",)}


@pytest.mark.parametrize("url", ["http://127.0.0.1:8470", "http://[::1]:8470", "http://localhost", "https://a.example"])
def test_addresses_that_are_taken(tmp_path: Path, key_file: Path, url: str) -> None:
    assert Settings(home=tmp_path, register_url=url, register_key_file=key_file).register_url == url


def test_an_address_needs_a_key_and_a_key_an_address(tmp_path: Path, key_file: Path) -> None:
    for given in ({"register_url": "https://a.example"}, {"register_key_file": key_file}):
        with pytest.raises(ValidationError) as told:
            Settings(home=tmp_path, **given)
        assert [fault["loc"] for fault in told.value.errors()] == [("register_key_file",)], "the command names it"
