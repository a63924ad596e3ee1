"""The catalogue of findings is complete and holds nothing idle."""

import ast
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

import api.cli.doctor
from api.operations import doctor
from api.operations.doctor.findings import Words, found, words

FILES = [*sorted(Path(str(doctor.__file__)).parent.glob("*.py")), Path(str(api.cli.doctor.__file__))]


def made() -> Iterator[tuple[str, set[str] | None]]:
    """The code of every call of `found`, with the facts that it gives; None where they come out of a variable."""
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "found":
                code = node.args[0]
                assert isinstance(code, ast.Constant), f"{file.name}: a code is a literal, so that this test finds it"
                names = [one.arg for one in node.keywords]
                yield str(code.value), None if None in names else {str(name) for name in names}


def test_every_finding_has_words_and_no_words_are_idle() -> None:
    codes = {code for code, _ in made()}
    assert len(codes) > 50
    assert codes == set(words())


def test_the_facts_of_a_finding_are_those_of_its_words() -> None:
    for code, facts in made():
        if facts is not None:
            assert facts >= places(words()[code]), code


def places(told: Words) -> set[str]:
    texts = (told.meaning.zh, told.meaning.en, told.fix.zh, told.fix.en)
    return {name for text in texts for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("code", words())
def test_words_are_in_both_languages(code: str) -> None:
    told = words()[code]
    for text in (told.meaning, told.fix):
        assert any("\u4e00" <= character <= "\u9fff" for character in text.zh)
        assert text.zh.endswith("。")
        assert text.en.isascii()
        assert text.en.endswith(".")


def test_a_finding_names_its_facts() -> None:
    told = found("pack_missing", pack="sface")
    assert told.severity == "error"
    assert told.meaning.en == "The model pack sface is not installed."
    assert told.fix.en == "Run: renzheng models pull sface."
