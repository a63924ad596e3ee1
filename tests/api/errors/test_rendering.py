"""The catalogue on paper: `docs/errors.md` is what it renders to, and other pages lead there."""

import re
from pathlib import Path

from api.errors import catalogue, rendering

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "errors.md").read_text(encoding="utf-8")


def test_the_page_is_the_catalogue() -> None:
    """Where this fails: `renzheng errors --markdown > docs/errors.md`."""
    assert rendering.page(catalogue()) == PAGE


def test_every_code_has_one_place_and_is_listed_above() -> None:
    headings = re.findall(r"^### `(\w+)`$", PAGE, re.MULTILINE)
    assert sorted(headings) == sorted(catalogue())
    listed = re.findall(r"\[`(\w+)`\]\(#(\w+)\)", PAGE)
    assert [name for name, _ in listed] == [anchor for _, anchor in listed] == headings


def test_every_text_stands_on_the_page() -> None:
    for found in catalogue().values():
        for name in ("message", "cause", "operator", "next", "holder", "shown"):
            text = getattr(found, name)
            assert text is None or f"| {text.zh} | {text.en} |" in PAGE


def test_its_links_lead_somewhere_and_others_lead_to_it() -> None:
    for target in re.findall(r"\]\(([a-z-]+\.md)", PAGE):
        assert (DOCS / target).is_file()
    others = [DOCS.parent / "README.md", *DOCS.glob("*.md")]
    assert [path.name for path in others if "errors.md" in path.read_text(encoding="utf-8")] != ["errors.md"]
