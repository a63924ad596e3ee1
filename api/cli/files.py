"""Text from a file that an option names, or from the standard input for `-`."""

import sys
from pathlib import Path

import typer

from api.cli.failure import CommandFailed

_STANDARD_INPUT = "-"


def read_text(path: Path) -> str:
    """UTF-8 text. Raises `typer.BadParameter` for a file that is not there, `CommandFailed` for one that is no text."""
    try:
        if str(path) == _STANDARD_INPUT:
            return sys.stdin.buffer.read().decode()
        if not path.is_file():
            raise typer.BadParameter(f"没有文件 {path} / there is no file {path}")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise CommandFailed(said_of(path, "不是 UTF-8 文本。", "is not UTF-8 text.")) from error


def said_of(path: Path, zh: str, en: str) -> str:
    """Something about the file, or the standard input, in both languages."""
    if str(path) == _STANDARD_INPUT:
        return f"标准输入{zh}\nThe standard input {en}"
    return f"{path} {zh}\n{path} {en}"
