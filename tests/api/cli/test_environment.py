"""Variables that are no settings, addresses that are no database's, and what stands in the service's log."""

import logging

import httpx
import pytest

from api.cli import environment
from api.errors import entry
from api.operations import logs
from api.settings import Settings
from tests.api.bodies import new_card
from tests.api.cli.conftest import CommandLine


@pytest.mark.parametrize("words", [("serve",), ("migrate",), ("fsck",), ("terminals", "list")], ids=" ".join)
def test_a_misspelt_setting_is_refused_with_the_one_that_was_meant(
    renzheng: CommandLine, words: tuple[str, ...]
) -> None:
    """Else the default is taken in silence: an embedded database instead of the one that was named."""
    renzheng.environment |= {
        "RENZHENG_HOME": str(renzheng.folder / "home"),
        "RENZHENG_DATABSE_URL": "postgresql://u:secret@h/d",
        "RENZHENG_COLOUR_OF_SKY": "secret",
    }
    result = renzheng(*words)
    assert result.exit_code == 3
    text = entry("setting_unknown")
    assert f"setting_unknown: {text.message.zh} {text.message.en}" in result.stderr
    assert "RENZHENG_DATABSE_URL：应为 RENZHENG_DATABASE_URL？ did you mean RENZHENG_DATABASE_URL?" in result.stderr
    assert "  RENZHENG_COLOUR_OF_SKY\n" in result.stderr, "there is nothing like it"
    assert "secret" not in result.output
    assert not (renzheng.folder / "home").exists(), "nothing was opened"


def test_a_command_that_asks_a_service_warns(authority_line: CommandLine) -> None:
    authority_line.environment["RENZHENG_PROT"] = "1"
    result = authority_line("cards", "find", "--number", new_card()["number"])
    assert result.exit_code == 1
    assert "以下环境变量未被使用" in result.stderr
    assert "did you mean RENZHENG_PORT?" in result.stderr


def test_settings_and_what_others_put_there_are_known() -> None:
    settings = [f"RENZHENG_{name.upper()}" for name in Settings.model_fields]
    others = ["PATH", "RENZHENGX", *environment.OF_CLIENTS, "renzheng_port"]
    kubernetes = [
        "RENZHENG_SERVICE_HOST", "RENZHENG_SERVICE_PORT", "RENZHENG_SERVICE_PORT_HTTP", "RENZHENG_PORT_8470_TCP",
        "RENZHENG_PORT_8470_TCP_ADDR", "RENZHENG_API_SERVICE_HOST",
    ]  # fmt: skip
    assert environment.unknown([*settings, *others, *kubernetes]) == {}
    assert environment.unknown(["RENZHENG_PORTS", "RENZHENG_URLS", "RENZHENG_"]) == {
        "RENZHENG_": None,
        "RENZHENG_PORTS": "RENZHENG_PORT",
        "RENZHENG_URLS": "RENZHENG_URL",
    }


@pytest.mark.parametrize("url", ["mysql://u:secret@h/d", "sqlite:///secret", "host=secret dbname=x", "secret"])
def test_an_address_of_no_postgresql_server_is_told(renzheng: CommandLine, url: str) -> None:
    renzheng.environment |= {"RENZHENG_HOME": str(renzheng.folder), "RENZHENG_DATABASE_URL": url}
    result = renzheng("migrate")
    assert result.exit_code == 3
    text = entry("database_url_invalid")
    assert f"{text.operator.zh} {text.operator.en}" in result.stderr
    assert "secret" not in result.output


@pytest.mark.usefixtures("logging_as_it_was")
def test_the_address_of_another_register_stands_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    def ask() -> str:
        caplog.clear()
        transport = httpx.MockTransport(lambda _: httpx.Response(200))
        with httpx.Client(transport=transport) as client:
            client.post("https://register.example/v1/checks")
        return caplog.text

    logging.getLogger("httpx").setLevel(logging.NOTSET)
    with caplog.at_level(logging.INFO):
        assert "register.example" in ask(), "as it would be"
        logs.set_up("text", "INFO")
        assert "register.example" not in ask()
