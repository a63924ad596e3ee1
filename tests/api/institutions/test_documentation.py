"""`docs/institutions.md` says what the program does."""

import re
from pathlib import Path

from api.institutions.parameters import MOST_OVERLAP_S, OVERLAP_S, SIGNATURE_WINDOW_S
from api.institutions.roles import ENDS, MAKES, ROLE_SCOPES, Role

DOCUMENT = (Path(__file__).parents[3] / "docs" / "institutions.md").read_text(encoding="utf-8")
API = Path(__file__).parents[3] / "api"
CODE = re.compile(r"`([a-z_]+)`")


def test_the_table_of_roles_is_that_of_the_program() -> None:
    rows = [
        line.split("|")[1:-1] for line in DOCUMENT.splitlines() if re.match(r"\| `[a-z]+` \|.*\|.*\|.*\|.*\|", line)
    ]
    said = {CODE.findall(row[0])[0]: [CODE.findall(cell) for cell in row[2:]] for row in rows}
    assert list(said) == [role.value for role in Role]
    for role in Role:
        rights, makes, ends = said[role.value]
        assert rights == sorted(ROLE_SCOPES[role])
        assert makes == sorted(MAKES.get(role, []))
        everybody = ENDS.get(role) == frozenset(Role)
        assert ends == ([] if everybody else sorted(ENDS.get(role, [])))
        last = next(row for row in rows if CODE.findall(row[0]) == [role.value])[-1]
        assert ("everybody" in last) == everybody


def test_the_acts_are_those_that_are_recorded() -> None:
    paragraph = DOCUMENT[DOCUMENT.index("## What is recorded") :]
    said = set(CODE.findall(paragraph))
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (API / "institutions").glob("*.py"))
    recorded = set(re.findall(r'"((?:institution|principal|key|administrator)_[a-z]+ed)"', sources))
    assert len(recorded) > 5
    assert said == recorded


def test_the_figures_are_those_of_the_program() -> None:
    assert (OVERLAP_S, MOST_OVERLAP_S) == (86400, 7 * 86400)
    assert "a day unless said, at most seven days" in DOCUMENT
    assert f"within {SIGNATURE_WINDOW_S} seconds" in DOCUMENT
