"""The table of attacks in SECURITY.md: every test that it names is there, runs, and is long where it says so."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_ROW = re.compile(r"^\| (?P<attack>[^|]+) \| (?P<happens>[^|]+) \| (?P<shown>`[^|]+) \|$", re.MULTILINE)
_TEST = re.compile(r"`(?P<file>[a-z0-9_/]+\.py)::(?P<name>test_[a-z0-9_]+)`(?P<long> \*long\*)?")


def rows() -> list[tuple[str, str]]:
    """What is tried, and what shows it."""
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8").partition("## Attacks tried")[2].partition("\n## ")[0]
    return [(row["attack"], row["shown"]) for row in _ROW.finditer(text)]


@cache
def marks_in(file: str) -> dict[str, list[str]]:
    """The marks of every test function of a file, those of the whole file with them."""
    tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
    everywhere = [
        ast.unparse(one.value)
        for one in tree.body
        if isinstance(one, ast.Assign) and any(ast.unparse(target) == "pytestmark" for target in one.targets)
    ]
    return {
        one.name: [*everywhere, *map(ast.unparse, one.decorator_list)]
        for one in tree.body
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_there_is_a_table() -> None:
    assert len(rows()) > 30
    assert len({attack for attack, _ in rows()}) == len(rows())


@pytest.mark.parametrize(("attack", "shown"), rows())
def test_what_a_row_names_is_there_and_runs(attack: str, shown: str) -> None:
    named = list(_TEST.finditer(shown))
    assert named, attack
    assert _TEST.sub("", shown).strip(", ") == "", "nothing beside the names"
    for test in named:
        assert (ROOT / "tests" / test["file"]).is_file(), test["file"]
        marks = marks_in(test["file"]).get(test["name"])
        assert marks is not None, test[0]
        assert not [mark for mark in marks if "skip" in mark or "xfail" in mark], test[0]
        is_long = any("mark.long" in mark for mark in marks)
        assert is_long == (test["long"] is not None), f"{test[0]}: *long* where it is, and only there"
