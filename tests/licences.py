"""The licences of everything that an installation brings, read from what is installed; `docs/licences.md` is made here.

`python -m tests.licences` writes the page.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "licences.md"

_GNU = re.compile(r"\b(A|L)?GPL|GNU|Affero", re.IGNORECASE)
_ALTERNATIVES = re.compile(r"\s+or\s+", re.IGNORECASE)
# How licence files begin, for those whose metadata name none.
_TEXTS = {
    "MIT": re.compile(r"MIT License|Permission is hereby granted, free of charge, to any person obtaining a copy"),
    "Apache-2.0": re.compile(r"Apache License\s+Version 2\.0"),
    "BSD": re.compile(r"Redistribution and use in source and binary forms"),
    "MPL-2.0": re.compile(r"Mozilla Public License Version 2\.0"),
}

JUDGED = {
    "psycopg": "LGPL-3.0-only: used unchanged, a library of its own that anybody can replace; nothing of it is copied",
    "psycopg-binary": "LGPL-3.0-only: the same library, compiled; it is loaded, not linked, and can be left out",
}
"""Weak copyleft that we may use as we use it, and why. GPL and AGPL are not judged: they are refused."""

STATED = {
    "insightface": "MIT, as its README says of the code; its networks are for research only, and never a default",
}
"""Those whose metadata and files say nothing."""


@dataclass(frozen=True)
class Licence:
    """What a distribution says of itself. `asked_by`: `dependencies`, one of our extras, or who needs it."""

    name: str
    licence: str
    asked_by: str

    @property
    def is_ours(self) -> bool:
        """Whether we declare it ourselves."""
        return self.asked_by == "dependencies" or self.asked_by.startswith("extra ")

    @property
    def is_refused(self) -> bool:
        """GPL in any form without an alternative, unless it was judged; and what says nothing."""
        bound = all(_GNU.search(one) for one in _ALTERNATIVES.split(self.licence))
        weak = "LGPL" in self.licence.upper() and self.name in JUDGED
        return not self.licence or (bound and not weak)


def declared() -> dict[str, list[Requirement]]:
    """Our own declarations: `dependencies`, and each extra by its name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    told = {"dependencies": project["dependencies"]}
    told |= {f"extra {name}": wanted for name, wanted in project["optional-dependencies"].items()}
    return {name: [Requirement(one) for one in wanted] for name, wanted in told.items()}


def installed() -> dict[str, Licence]:
    """Every distribution that our declarations lead to and that is installed, by name."""
    found: dict[str, Licence] = {}
    waiting = [(one, place) for place, wanted in declared().items() for one in wanted]
    while waiting:
        wanted, asker = waiting.pop(0)
        name = str(canonicalize_name(wanted.name))
        try:
            known = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # an extra of another platform, or one that is not installed here
        if name not in found:
            found[name] = Licence(name, licence_of(known), asker)
            waiting += [(one, name) for one in _required(known, wanted.extras)]
    return found


def _required(known: metadata.Distribution, extras: set[str]) -> Iterator[Requirement]:
    for line in known.requires or ():
        one = Requirement(line)
        if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield one


def licence_of(known: metadata.Distribution) -> str:
    """Its expression, else its classifiers, else a short field, else what its files are; empty where nothing says."""
    told = known.metadata
    if expression := _field(told, "License-Expression"):
        return expression
    names = [one.split(" :: ")[-1] for one in told.get_all("Classifier") or () if one.startswith("License :: OSI")]
    if any(one != "OSI Approved" for one in names):
        return " and ".join(one for one in names if one != "OSI Approved")
    short = _field(told, "License")
    if short and "\n" not in short and len(short) < 80:
        return short
    return _of_files(known) or STATED.get(str(canonicalize_name(told["Name"])), "").partition(",")[0]


def _field(told: metadata.PackageMetadata, name: str) -> str:
    return str((told.get_all(name) or [""])[0]).strip()


def _of_files(known: metadata.Distribution) -> str:
    texts = [
        Path(str(known.locate_file(one))).read_text(encoding="utf-8", errors="replace")
        for one in known.files or ()
        if ".dist-info" in one.parts[0] and re.match(r"(licen[cs]e|copying)", one.name, re.IGNORECASE)
    ]
    if any(_GNU.search(text[:400]) for text in texts):
        return "GPL"
    found = (name for name, begin in _TEXTS.items() if any(begin.search(text[:3000]) for text in texts))
    return next(found, "")


def page() -> str:
    """`docs/licences.md`."""
    found = installed().values()
    ours = sorted((one for one in found if one.is_ours), key=lambda one: one.name)
    others = sorted((one for one in found if not one.is_ours), key=lambda one: one.name)
    judged = "\n".join(f"- `{name}`: {why}." for name, why in (JUDGED | STATED).items())
    return f"""# Licences of what is installed

Made by `python -m tests.licences`; a test fails on GPL and AGPL, on LGPL that was not judged, on a distribution that
says nothing, and where the first table is not what is installed. Versions are those that the registry gives on the day.

This is what distributions say of themselves. Wheels bundle libraries under licences of their own, which their files
name: that of `opencv-python`, which `insightface` asks for, brings FFmpeg and Qt under the LGPL. The default path
imports neither of the two.

Judged one by one:

{judged}

## What we declare

| package | licence | where |
|---|---|---|
{_rows(ours)}

## What these bring with them

It varies with platform and day; a test looks at what is there.

| package | licence | asked for by |
|---|---|---|
{_rows(others)}
"""


def _rows(found: list[Licence]) -> str:
    return "\n".join(f"| {one.name} | {one.licence} | {one.asked_by} |" for one in found)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
