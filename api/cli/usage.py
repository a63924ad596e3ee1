"""What a mistaken command is told: a code, Chinese and English, and then the parser's own remark. The exit code is 2.

The parser (typer's) speaks English alone. It raises what is wrong while it reads the words of a command, and commands
raise `typer.BadParameter` for what only they can know; both pass the outermost group.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from api.cli.failure import words_of

USAGE = 2
# Of `typer.BadParameter`, which is one of its kinds; the module that it stands in is private.
_WRONG: Any = typer.BadParameter.__mro__[1]
_VALUE = re.compile(r"Invalid value(?: for (?P<where>.+?))?: (?P<said>.*)", re.DOTALL)
# The parser's remarks on values, of the versions that are allowed.
_REMARKS = [
    (re.compile(remark, re.ASCII), told)
    for remark, told in (
        (r"not in the range|(?:less|greater) than", "超出允许范围"),
        (r"valid integer", "须为整数"),
        (r"valid (?:float|number)", "须为数值"),
        (r"valid boolean", "须为 true 或 false"),
        (r"is not one of|Input should be '", "须为下列之一"),
        (r"does not match the format|valid date", "日期或时间格式不对"),
        (r"does not exist|not point to a", "不存在"),
        (r"is a directory", "须为文件，而非目录"),
        (r"is a file", "须为目录，而非文件"),
    )
]


class Told(TyperGroup):
    """The outermost group of a command line."""

    def make_context(self, info_name: str | None, args: Any, parent: Any = None, **extra: Any) -> Any:
        """Read the options before the command."""
        with _told(None):
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: Any) -> Any:
        """Read the rest, and run the command."""
        with _told(ctx):
            return super().invoke(ctx)


@contextmanager
def _told(outermost: Any) -> Iterator[None]:
    try:
        yield
    except _WRONG as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # what it says is the whole help
            raise
        _tell(error, error.ctx or outermost)
        raise typer.Exit(USAGE) from None


def _tell(error: Any, context: Any) -> None:
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    if context is not None:
        console.print(context.get_usage(), markup=False)
    console.print(f"{_words(error)}\n  {_detail(error)}", style="red", markup=False)
    if context is not None:
        way = f"{context.command_path} --help"
        console.print(f"用法见 {way}。\nThe usage: {way}", markup=False)


def _words(error: Any) -> str:
    kind, text = type(error).__name__, error.format_message()
    if kind == "NoSuchOption" or text.startswith("No such command"):
        return words_of("usage_unknown")
    if kind in {"MissingParameter", "BadOptionUsage"} or text.startswith("Missing command"):
        return words_of("usage_missing")
    if kind == "BadParameter":
        return words_of("usage_value_invalid")
    return words_of("usage_too_much")


def _detail(error: Any) -> str:
    """The parser's remark, which names what it is about. What a command says itself has both languages."""
    text = str(error.format_message())
    found = _VALUE.fullmatch(text)
    if found is None:
        return text
    zh = next((told for remark, told in _REMARKS if remark.search(found["said"])), None)
    said = found["said"] if zh is None else f"{zh} / {found['said']}"
    return f"{found['where']}: {said}" if found["where"] else said
