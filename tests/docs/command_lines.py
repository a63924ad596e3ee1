"""The programs that a shell command calls, and whether they take what they are given."""

import argparse
import re
import shlex
from collections.abc import Iterator
from functools import cache
from typing import Any

import typer

from api.cli.main import app as renzheng
from api.terminal.__main__ import _parser as terminal_parser
from benchmarks.commands import app as benchmarks
from tests.docs.pages import ROOT

# Stands for a value that the reader has to put in: no value is held against what the option takes.
_OPEN = re.compile(r"…|\$|^[A-Z][A-Z_]*$|[A-Z]{3,}")
_SEPARATORS = set("();|&") | {"&&", "||", ";;", "))", "(("}
# What parsers of Typer raise: a usage error, whichever copy of Click it bears.
USAGE: type[Exception] = typer.BadParameter.__mro__[1]
PROGRAM, BENCHMARKS = typer.main.get_command(renzheng), typer.main.get_command(benchmarks)
_ASSIGNMENT = re.compile(r"^[A-Za-z_]\w*=")


def calls(command: str) -> Iterator[list[str]]:
    """The words of every program that a command calls, without assignments, redirections and comments."""
    lexer = shlex.shlex(command.replace("\\\n", " "), posix=True, punctuation_chars=True)
    lexer.commenters = "#"
    lexer.whitespace_split = True
    words: list[str] = []
    skipping = False
    for token in lexer:
        if skipping:
            skipping = False
        elif token in _SEPARATORS or (token and set(token) <= set("();|&")):
            if words:
                yield words
            words = []
        elif set(token) <= set("<>&") and token:
            skipping = True
        elif words or not _ASSIGNMENT.match(token):
            words.append(token)
    if words:
        yield words


def trouble(words: list[str], *, whole: bool) -> str | None:
    """What is wrong with a call of one of our programs; None where nothing is, or where it is no program of ours.

    A `whole` call has all that the program needs; another one is a mention, such as `renzheng cards report`.
    """
    program, *rest = words
    name = program.rpartition("/")[2]
    if name == "renzheng":
        return _of_typer(PROGRAM, rest, whole=whole)
    if name in {"python", "python3"} and rest[:2] == ["-m", "benchmarks"]:
        return _of_typer(BENCHMARKS, rest[2:], whole=whole)
    if name in {"python", "python3"} and rest[:1] == ["-m"]:
        path = ROOT / rest[1].replace(".", "/")
        return None if path.with_suffix(".py").is_file() or (path / "__main__.py").is_file() else f"no {rest[1]}"
    if name == "renzheng-terminal" and whole:
        return _of_argparse(rest)
    if name == "make":
        missing = {one for one in rest if re.fullmatch(r"[a-z-]+", one)} - targets()
        return f"no target {missing}" if missing else None
    return None


@cache
def targets() -> frozenset[str]:
    """What `make` makes, as `make help` lists it."""
    return frozenset(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def _of_typer(command: Any, words: list[str], *, whole: bool) -> str | None:
    told: list[str] = []
    while hasattr(command, "commands"):
        if not words:
            return f"{' '.join(told)} needs one of its commands" if whole else None
        if words[0].startswith("-"):
            break
        if words[0] not in command.commands:
            return f"no command {' '.join((*told, words[0]))}"
        told.append(words[0])
        command, words = command.commands[words[0]], words[1:]
    try:
        context = command.context_class(command, info_name=" ".join(told))
        given, left, _ = command.make_parser(context).parse_args(list(words))
    except USAGE as error:
        # "needs an argument" of an option that is only named.
        return None if not whole and words[-1].startswith("-") and "requires" in str(error) else f"{told}: {error}"
    if left:
        return f"{told} takes no {left}"
    for parameter in command.params:
        value = given.get(parameter.name)
        if whole and parameter.required and not value and parameter.nargs == 1:
            return f"{told} needs {parameter.name}"
        wrong = _refused(parameter, value, context)
        if wrong:
            return f"{told}: {wrong}"
    return None


def _refused(parameter: Any, value: Any, context: Any) -> str | None:
    """Words, numbers and days are held against what the option takes; files need not be here."""
    given = value if isinstance(value, list | tuple) else [value]
    literal = all(isinstance(one, str) and not _OPEN.search(one) for one in given)
    if not given or not literal or "Path" in str(parameter.type_descriptor.annotation):
        return None
    try:
        parameter.process_value(context, value)
    except USAGE as error:
        return f"{parameter.name}: {error}"
    return None


def _of_argparse(words: list[str]) -> str | None:
    try:
        parser = terminal_parser()
        parser.exit_on_error = False
        parser.parse_args(words)
    except (argparse.ArgumentError, SystemExit) as error:
        return str(error)
    return None
