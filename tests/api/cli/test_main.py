"""The command line as a whole: its version, its help, its exit codes for mistakes."""

import re
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import pytest
import typer

from api.cli.main import app
from tests.api.cli.conftest import CommandLine


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, with its words."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


COMMANDS = dict(commands(typer.main.get_command(app)))


def test_the_version(renzheng: CommandLine) -> None:
    result = renzheng("--version")
    assert result.exit_code == 0
    assert result.stdout == f"renzheng {version('renzheng')}\n"


def test_there_are_the_commands_that_the_project_promises() -> None:
    assert {words[0] for words in COMMANDS} == {
        "archive", "bootstrap", "calibrate", "cards", "demo", "evaluate", "explain", "fsck", "institutions",
        "migrate", "models", "people", "serve", "signing-key", "terminals", "verify",
    }  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_and_option_is_explained(words: tuple[str, ...], renzheng: CommandLine) -> None:
    command = COMMANDS[words]
    assert command.help
    assert "Example" in (command.epilog or ""), "an example stands below the options"
    assert f"renzheng {' '.join(words)}" in command.epilog
    for parameter in command.params:
        if parameter.param_type_name == "option" and parameter.name != "help":
            assert parameter.help, parameter.name
    assert renzheng(*words, "--help").exit_code == 0


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_examples_use_real_options(words: tuple[str, ...]) -> None:
    known = {name for parameter in COMMANDS[words].params for name in parameter.opts}
    assert set(re.findall(r"--[a-z-]+", COMMANDS[words].epilog)) <= known


@pytest.mark.parametrize("arguments", [["frob"], ["serve", "--port", "70000"], ["cards"], ["verify"], ["--frob"]])
def test_a_mistaken_command_is_usage(renzheng: CommandLine, arguments: list[str]) -> None:
    assert renzheng(*arguments).exit_code == 2


def test_a_setting_that_cannot_be_is_a_failure_without_its_value(renzheng: CommandLine) -> None:
    renzheng.environment |= {"RENZHENG_DATABASE_POOL_SIZE": "secret", "RENZHENG_PORT": "70000"}
    result = renzheng("migrate")
    assert result.exit_code == 3
    assert "RENZHENG_DATABASE_POOL_SIZE: " in result.stderr
    assert "RENZHENG_PORT: " in result.stderr
    assert "secret" not in result.output
