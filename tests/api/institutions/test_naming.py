"""What names may look like, and that refusing one costs nothing."""

import unicodedata

import pytest
from pydantic import ValidationError

from api.institutions import naming
from api.institutions.naming import LONGEST, LONGEST_SENT, NameInvalid
from api.institutions.schemas import InstitutionBody, PrincipalBody

MARKS = "\u0301\u0316"
"""Of two classes, so that composing has to put them in order."""


@pytest.fixture
def composed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lengths of the texts that were composed."""
    lengths: list[int] = []
    normalize = unicodedata.normalize

    def counted(form: str, text: str) -> str:
        lengths.append(len(text))
        return normalize(form, text)  # type: ignore[arg-type]

    monkeypatch.setattr(unicodedata, "normalize", counted)
    return lengths


def test_a_name_of_many_marks_is_refused_before_it_is_composed(composed: list[int]) -> None:
    with pytest.raises(NameInvalid):
        naming.sound("a" + MARKS * (LONGEST_SENT // 2))
    with pytest.raises(NameInvalid):
        naming.split("bank/a" + MARKS * (LONGEST_SENT // 2))
    for schema, more in ((InstitutionBody, {}), (PrincipalBody, {"role": "terminal"})):
        with pytest.raises(ValidationError, match="at most"):
            schema.model_validate({"name": "a" + MARKS * (LONGEST_SENT // 2), **more})
    assert composed == [len("bank")]


def test_a_name_may_be_longer_before_it_is_composed(composed: list[int]) -> None:
    spread = "ǖ" * LONGEST  # a letter and two marks each, once they are taken apart
    apart = unicodedata.normalize("NFD", spread)
    composed.clear()
    assert len(apart) == 3 * LONGEST
    assert naming.sound(apart) == spread
    assert InstitutionBody(name=apart).name == spread
    with pytest.raises(NameInvalid):
        naming.sound(apart + "a")
    assert composed == [3 * LONGEST, 3 * LONGEST, 3 * LONGEST + 1]
