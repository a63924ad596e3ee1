"""Nothing that is installed binds who uses this to the GPL, and the page of licences is as it is."""

import re
from email.message import Message
from importlib import metadata

import pytest

from tests import licences
from tests.licences import Licence


@pytest.fixture(scope="module")
def found() -> dict[str, Licence]:
    return licences.installed()


def test_no_licence_is_refused(found: dict[str, Licence]) -> None:
    assert len(found) > 60, "the walk leads through what our dependencies need"
    assert {one.name: one.licence for one in found.values() if one.is_refused} == {}


def test_what_was_judged_is_there(found: dict[str, Licence]) -> None:
    """An exception that nobody needs any more goes."""
    assert licences.JUDGED.keys() | licences.STATED.keys() <= found.keys()
    assert all("LGPL" in found[name].licence for name in licences.JUDGED)


@pytest.mark.parametrize(
    ("name", "licence", "refused"),
    [
        ("a", "GPL-3.0-only", True),
        ("a", "GNU General Public License v3 (GPLv3)", True),
        ("a", "AGPL-3.0-or-later", True),
        ("psycopg", "AGPL-3.0-or-later", True),
        ("psycopg", "GPL-2.0", True),
        ("a", "LGPL-3.0-only", True),
        ("psycopg", "LGPL-3.0-only", False),
        ("a", "GPL-2.0-only OR MIT", False),
        ("a", "GPL-2.0-only AND MIT", True),
        ("a", "", True),
        ("a", "MIT", False),
    ],
)
def test_what_is_refused(name: str, licence: str, refused: bool) -> None:
    assert Licence(name, licence, "dependencies").is_refused is refused


class Told(metadata.Distribution):
    """A distribution that only says so much of itself."""

    def __init__(self, **fields: str) -> None:
        self._fields = fields

    @property
    def metadata(self) -> Message:  # type: ignore[override]
        told = Message()
        for name, value in {"Name": "a", **self._fields}.items():
            told[name.replace("_", "-")] = value
        return told

    def read_text(self, filename: str) -> str | None:
        return None

    def locate_file(self, path: object) -> None:  # type: ignore[override]
        raise AssertionError


@pytest.mark.parametrize(
    ("fields", "licence"),
    [
        ({"License_Expression": "AGPL-3.0-only", "License": "MIT"}, "AGPL-3.0-only"),
        ({"Classifier": "License :: OSI Approved :: GNU Affero General Public License v3"},
         "GNU Affero General Public License v3"),
        ({"License": "GPLv2"}, "GPLv2"),
        ({}, ""),
    ],
)  # fmt: skip
def test_where_it_is_read_from(fields: dict[str, str], licence: str) -> None:
    assert licences.licence_of(Told(**fields)) == licence


def test_the_page_lists_what_we_declare(found: dict[str, Licence]) -> None:
    """Made anew by `python -m tests.licences`."""
    text = licences.PAGE.read_text(encoding="utf-8")
    listed = {row[0]: row[1] for row in re.findall(r"^\| (\S+) \| (.+?) \| .+ \|$", text, re.MULTILINE)}
    ours = {one.name: one.licence for one in found.values() if one.is_ours}
    assert {name: listed.get(name) for name in ours} == ours
    wanted = {re.sub(r"[-_.]+", "-", one.name).lower() for wanted in licences.declared().values() for one in wanted}
    missing = wanted - listed.keys()
    assert not missing, "declared and not on the page"
