"""The pages' files: headers, sizes, types, and nothing that a strict browser would refuse."""

import posixpath
import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from pydantic import ValidationError
from starlette.testclient import TestClient

from api.cards.parameters import TEXT_FIELDS
from api.pages.assets import MEDIA_TYPES, files
from api.pages.routes import PAGES
from api.settings import Settings

FIRST_LOAD_BYTES = 200_000
ROOT = Path(__file__).parents[3]
DOCUMENT = ROOT / "docs" / "pages.md"
SOURCES = {name: one.content.decode() for name, one in files().items()}


@pytest.mark.parametrize("path", [*PAGES, *(f"/pages/{name}" for name in files()), "/pages/config.json"])
def test_every_file_is_served_under_strict_headers(anonymous: TestClient, path: str) -> None:
    answer = anonymous.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] in MEDIA_TYPES.values()
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["connect-src"] == "'self' ws://127.0.0.1:8471"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["permissions-policy"].startswith("camera=(self), microphone=()")
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-cache"
    assert "set-cookie" not in answer.headers


def test_what_did_not_change_is_not_sent_again(anonymous: TestClient) -> None:
    first = anonymous.get("/kiosk")
    again = anonymous.get("/kiosk", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert anonymous.get("/kiosk", headers={"If-None-Match": '"other"'}).content == first.content


@pytest.mark.parametrize(
    "path", ["/pages/", "/pages/x.js", "/pages/../kiosk.html", "/pages/%2e%2e/settings.py", "/kiosk/"]
)
def test_there_are_no_other_files(anonymous: TestClient, path: str) -> None:
    answer = anonymous.get(path)
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


def test_pages_are_read_and_not_written(anonymous: TestClient) -> None:
    assert anonymous.post("/kiosk", json={}).json()["code"] == "method_not_allowed"
    head = anonymous.head("/kiosk")
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize("page", PAGES.values())
def test_a_first_load_is_small(page: str, anonymous: TestClient) -> None:
    """All that a page loads, uncompressed: its document, what that names, every module, both languages, the code of the
    section that is looked at first, whichever it is, and the texts of all codes."""
    loaded = needed(page)
    codes = len(anonymous.get("/v1/errors?brief=true").content)
    assert codes > 10_000
    assert {page, "style.css", "texts/zh.json", "texts/en.json"} < loaded
    for section in sections() if page == "console.html" else [page]:
        size = codes + sum(len(files()[name].content) for name in loaded | closure([section]))
        assert size < FIRST_LOAD_BYTES, section


def needed(page: str) -> set[str]:
    """The files that a page loads at once."""
    waiting = [page, "texts/zh.json", "texts/en.json"]
    for own in re.findall(r'open\(\w+, "(\w+)"\)', SOURCES[page.replace(".html", ".js")]):
        waiting += [f"texts/{own}.zh.json", f"texts/{own}.en.json"]
    return closure(waiting)


def closure(names: list[str]) -> set[str]:
    """Files, and those that they load at once."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += re.findall(r'"/pages/([^"$`]+)"', SOURCES[name]) if name.endswith(".html") else imports(name)
    return found


def imports(name: str, form: str = r'from "(\.[^"]+)"') -> list[str]:
    """The modules that a module names, as the pages' files are named."""
    asked = re.findall(form, SOURCES[name]) if name.endswith(".js") else []
    return [posixpath.normpath(posixpath.join(posixpath.dirname(name), one)) for one in asked]


def sections() -> list[str]:
    """The modules of the console that come when they are looked at."""
    found = imports("console.js", r'import\("(\.[^"]+)"\)')
    assert len(found) > 5, "the scan has to find what is there"
    return found


def test_nothing_is_inline_and_nothing_comes_from_elsewhere() -> None:
    for name, source in SOURCES.items():
        addresses = set(re.findall(r"(?:https?|wss?)://[^\s\"'`)]+", source)) - {"http://www.w3.org/2000/svg"}
        assert not addresses, name
        if name.endswith(".html"):
            assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]* src=)", source), name
        if name.endswith(".js"):
            assert not re.search(
                r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", source
            ), name
            assert "localStorage" not in source, name
            assert "sessionStorage" not in source, name


def test_every_import_and_every_link_is_there() -> None:
    for name, source in SOURCES.items():
        linked = set(re.findall(r'"/pages/([^"$`]+)"', source)) | set(imports(name))
        assert linked - {"config.json"} <= set(SOURCES), name
    used = {one for name in SOURCES for one in imports(name)} | set(sections())
    modules = {name for name in SOURCES if name.endswith(".js")}
    assert modules - used == {page.replace(".html", ".js") for page in PAGES.values()}, "no module is idle"
    loaded = {name for page in PAGES.values() for name in needed(page)} | closure(sections())
    assert set(SOURCES) == loaded, "no file is idle"


def test_the_pages_learn_the_layout_of_the_chips_text(anonymous: TestClient) -> None:
    told = anonymous.get("/pages/config.json").json()
    assert [tuple(one) for one in told["text_block"]["fields"]] == list(TEXT_FIELDS)
    assert told["typed_cards"] is False, "a card that nobody read is for demonstrations"


@pytest.mark.parametrize(
    "url",
    [
        "ws://10.0.0.7:8471",
        "wss://127.0.0.1:8471",
        "ws://127.0.0.1",
        "ws://127.0.0.1:8471/",
        "ws://a@127.0.0.1:8471",
        "ws://127.0.0.1:8471; script-src *",
        "http://127.0.0.1:8471",
    ],
)
def test_a_bridge_elsewhere_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RENZHENG_READER_BRIDGE", url)
    with pytest.raises(ValidationError, match="reader_bridge"):
        Settings()


def test_the_document_names_every_page_and_header(app: FastAPI) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    for path in PAGES:
        assert f"`{path}`" in text


def test_every_shell_of_the_document_knows_the_folder() -> None:
    """A key that is made in another folder's database is none of this service's."""
    blocks = re.findall(r"```sh\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    running = [block for block in blocks if "renzheng " in block or "make serve" in block]
    assert len(running) > 2
    for block in running:
        assert block.startswith("export RENZHENG_HOME=$PWD/.renzheng ")


def test_the_readme_shows_the_three_pages() -> None:
    shown = re.findall(r"!\[[^\]]+\]\((docs/pictures/[^)]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    for page in ("kiosk", "counter", "console"):
        (picture,) = [one for one in shown if page in one]
        assert (ROOT / picture).read_bytes().startswith(b"\x89PNG")
