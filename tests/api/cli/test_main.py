"""The command line as a whole: its version, its help, its exit codes for mistakes."""

import ast
import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import typer

import api
from api.cli.main import app
from api.institutions import bootstrap, credentials, institutions, naming, principals, rotation
from api.institutions.errors import AdministrationError
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
        "archive", "biosdk", "bootstrap", "calibrate", "cards", "deduplicate", "demo", "doctor", "duplicates", "errors",
        "evaluate", "explain", "fsck", "holds", "impostors", "institutions", "keys", "migrate", "models", "people",
        "reader-simulator", "retention", "scorecard", "serve", "signing-key", "terminals", "verify",
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


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (["frob"], "usage_unknown", "'frob'"),
        (["cards", "frob"], "usage_unknown", "'frob'"),
        (["--frob"], "usage_unknown", "--frob"),
        (["serve", "--prot", "1"], "usage_unknown", "--port"),
        (["serve", "--port", "70000"], "usage_value_invalid", "超出允许范围"),
        (["serve", "--port", "x"], "usage_value_invalid", "'--port': 须为整数"),
        (["serve", "--port"], "usage_missing", "--port"),
        (["institutions", "add"], "usage_missing", "Missing argument"),
        (["serve", "x"], "usage_too_much", "(x)"),
        (["verify", "--face", "/nowhere"], "usage_value_invalid", "'--face': 不存在"),
        (["cards", "register"], "usage_value_invalid", "须给出 --card"),
    ],
    ids=str,
)
def test_a_mistake_is_told_with_a_code_in_both_languages(
    renzheng: CommandLine, arguments: list[str], code: str, named: str
) -> None:
    result = renzheng(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    told, (line, *_) = result.stderr, [one for one in result.stderr.splitlines() if one.startswith("usage_")]
    assert line.startswith(f"{code}: ")
    assert CHINESE.search(line)
    assert ENGLISH.search(line)
    assert named in told
    assert "--help" in told
    assert "Usage: " in told


def test_what_a_command_ends_with_is_left_alone(renzheng: CommandLine) -> None:
    """Only mistakes are told so: the help that stands for no command, and failures, stay what they are."""
    assert "usage_" not in renzheng("cards").output
    assert renzheng("cards").exit_code == 2
    assert renzheng("errors", "nonce_expired").exit_code == 0
    assert renzheng("errors", "no_such_code").exit_code == 1


def test_a_setting_that_cannot_be_is_a_failure_without_its_value(renzheng: CommandLine) -> None:
    renzheng.environment |= {"RENZHENG_DATABASE_POOL_SIZE": "secret", "RENZHENG_PORT": "70000"}
    result = renzheng("migrate")
    assert result.exit_code == 3
    assert "RENZHENG_DATABASE_POOL_SIZE: " in result.stderr
    assert "RENZHENG_PORT: " in result.stderr
    assert "secret" not in result.output


ROOT = Path(api.__file__).parent
# What tells a user of a command that it cannot do its work, in words of its own.
REFUSING = {"CommandFailed", "fail", "FileUnusable", "ImportMoved", "ArchivingRefused", "BadParameter"}
CHINESE, ENGLISH = re.compile("[\u4e00-\u9fff]"), re.compile("[A-Za-z]{2,} [A-Za-z]+")


def refusals() -> Iterator[tuple[str, str]]:
    """Where a refusal is written, and its words as far as they stand there."""
    for path in [*ROOT.glob("cli/*.py"), *ROOT.glob("cards/bulk/*.py"), ROOT / "evidence" / "archiving.py"]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(node.func, "id", getattr(node.func, "attr", "")) if isinstance(node, ast.Call) else ""
            if isinstance(node, ast.Call) and name in REFUSING and node.args:
                parts = [
                    one.value for one in ast.walk(node.args[0])
                    if isinstance(one, ast.Constant) and isinstance(one.value, str)
                ]  # fmt: skip
                text = "".join(parts)
                if CHINESE.search(text) or ENGLISH.search(text):  # else the words are another place's
                    yield f"{path.name}:{node.lineno}", text


def test_every_refusal_is_told_in_both_languages() -> None:
    found = dict(refusals())
    assert len(found) > 30
    assert [place for place, text in found.items() if not (CHINESE.search(text) and ENGLISH.search(text))] == []


def test_every_refusal_of_administration_is_told_in_both_languages() -> None:
    modules = (bootstrap, credentials, institutions, naming, principals, rotation)
    kinds = {
        kind for module in modules for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, AdministrationError)
    }  # fmt: skip
    assert len(kinds) > 6
    for kind in kinds:
        assert CHINESE.search(str(kind())), kind
        assert ENGLISH.search(str(kind())), kind
