"""Findings and their words, in Chinese and English: `findings.json` is the catalogue of all of them."""

import json
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, TypeAdapter

from api.errors.catalogue import Text


class Severity(StrEnum):
    """`error`: the service does not start, or not as it should; `warning`: it will trouble you; `note`: to know."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Words(BaseModel):
    """One kind of finding: how bad, what it means, what to do. Texts have places for facts, as `{path}`."""

    model_config = ConfigDict(frozen=True)

    severity: Severity
    meaning: Text
    fix: Text


@cache
def words() -> dict[str, Words]:
    """Every code with its words."""
    raw = json.loads(files("api.operations.doctor").joinpath("findings.json").read_text(encoding="utf-8"))
    return TypeAdapter(dict[str, Words]).validate_python(raw)


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be. `facts` fill the texts' places: names, paths, numbers; never a secret."""

    code: str
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return words()[self.code].severity

    @property
    def meaning(self) -> Text:
        """What it means."""
        return _filled(words()[self.code].meaning, self.facts)

    @property
    def fix(self) -> Text:
        """What to do."""
        return _filled(words()[self.code].fix, self.facts)


def found(code: str, **facts: object) -> Finding:
    """A finding of the catalogue."""
    return Finding(code, {name: str(value) for name, value in facts.items()})


@dataclass(frozen=True)
class Outcome:
    """What one check came to: `skipped` says that what it looks at was not at hand."""

    check: str
    findings: tuple[Finding, ...]
    skipped: bool = False

    @property
    def sound(self) -> bool:
        """Whether there is no error among them."""
        return all(one.severity is not Severity.ERROR for one in self.findings)


def _filled(text: Text, facts: dict[str, str]) -> Text:
    return Text(zh=text.zh.format_map(facts), en=text.en.format_map(facts))
