"""The pages, their fenced blocks, and the commands in them."""

import re
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
# What figures were made with: checked and not walked, for it takes hours.
FIGURES = "benchmarks/RESULTS.md"
PAGES = (
    "README.md",
    "SECURITY.md",
    FIGURES,
    *sorted(str(path.relative_to(ROOT)) for folder in ("docs", "deploy") for path in (ROOT / folder).rglob("*.md")),
)
SHELL = "sh"
LANGUAGES = {SHELL, "python", "json", "http", "signature-base", "text", "csv", "ini", "yaml", "xml"}
_FENCE = re.compile(r"^( *)```([^\n`]*)\n(.*?)^\1```[ ]*$", re.DOTALL | re.MULTILINE)
_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


@dataclass(frozen=True)
class Block:
    """What stands between two fences; `line` is its first one's number."""

    page: str
    line: int
    language: str
    text: str


@cache
def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


@cache
def blocks(page: str) -> tuple[Block, ...]:
    """Every fenced block of a page."""
    text = text_of(page)
    return tuple(
        Block(page, text.count("\n", 0, one.start()) + 2, one[2].strip(), _undented(one[3], len(one[1])))
        for one in _FENCE.finditer(text)
    )


def outside(page: str) -> str:
    """A page without its fenced blocks; lines keep their numbers."""
    return _FENCE.sub(lambda one: "\n" * one[0].count("\n"), text_of(page))


def spans(page: str) -> list[str]:
    """What stands in a page's text between single backquotes."""
    return _SPAN.findall(outside(page))


@cache
def statements(page: str) -> tuple[str, ...]:
    """The commands of a page's shell blocks, each as a shell takes it: with the lines that it goes on in."""
    return tuple(one for block in blocks(page) if block.language == SHELL for one in split(block.text))


def split(block: str) -> list[str]:
    """A block's commands. Raises `ValueError` where the last one is not complete."""
    found: list[str] = []
    begun = ""
    for line in block.splitlines():
        begun = f"{begun}\n{line}" if begun else line
        if not begun.strip() or begun.lstrip().startswith("#"):
            begun = ""
        elif _complete(begun):
            found.append(begun)
            begun = ""
    if begun:
        raise ValueError(f"not complete: {begun}")
    return found


def _complete(text: str) -> bool:
    if text.endswith("\\"):
        return False
    read = subprocess.run(["bash", "-n"], input=text.encode(), capture_output=True, check=False)
    return read.returncode == 0 and not read.stderr  # of a here-document without its end it only warns


def _undented(text: str, columns: int) -> str:
    return "\n".join(line[columns:] if not line[:columns].strip() else line for line in text.splitlines())
