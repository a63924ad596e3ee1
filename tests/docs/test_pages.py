"""Links lead somewhere, every page is in the index, and records of decisions quote figures that stand in RESULTS.md."""

import re
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.docs.pages import FIGURES, PAGES, ROOT, outside, text_of

RECORDS = sorted(page for page in PAGES if re.match(r"docs/decisions/\d{4}-", page))
PARTS = ["Context", "Choice", "Tried and measured", "Consequences", "What would change our mind"]
_LINK = re.compile(r"(?<!`)\[(?:[^\[\]]|!\[[^\]]*\]\([^)]*\))*\]\(([^)\s]+)\)")
_PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")
# A figure of two digits or more; not a part of a name, a date, an exponent or a record's number.
_FIGURE = re.compile(r"(?<![\w.,^/:-])\d+(?:,\d{3})*(?:\.\d+)?(?![\w/^:-])")


@cache
def anchors(path: Path) -> frozenset[str]:
    """The anchors of a page's headings, as GitHub makes them; a repeated one gets a number."""
    seen: dict[str, int] = {}
    found = set()
    for heading in re.findall(r"^#{1,6} (.+)$", outside(str(path.relative_to(ROOT))), re.MULTILINE):
        name = re.sub(r"[^\w\- ]", "", re.sub(r"\]\([^)]*\)", "", heading).strip().lower()).replace(" ", "-")
        found.add(name if name not in seen else f"{name}-{seen[name]}")
        seen[name] = seen.get(name, 0) + 1
    return frozenset(found)


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    lost = []
    text = outside(page)
    for target in [*_LINK.findall(text), *(path for _, path in _PICTURE.findall(text))]:
        if re.match(r"https?://|mailto:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (ROOT / page).parent / name if name else ROOT / page
        if not path.exists() or (anchor and anchor not in anchors(path.resolve())):
            lost.append(target)
    assert not lost, page


@pytest.mark.parametrize("page", PAGES)
def test_pictures_are_described_and_small(page: str) -> None:
    for words, target in _PICTURE.findall(outside(page)):
        assert len(words) > 10, f"{target}: nothing for who cannot see it"
        assert ((ROOT / page).parent / target).stat().st_size < 250_000, target


def test_no_picture_is_left_over() -> None:
    shown = {
        ((ROOT / page).parent / target).resolve()
        for page in PAGES
        for target in re.findall(r"\]\(([^)\s]+\.(?:png|svg))\)", outside(page))
    }
    lying = {path.resolve() for path in (ROOT / "docs" / "pictures").iterdir()}
    assert {path.name for path in lying - shown} == set()


def test_the_drawing_names_files_that_are_there() -> None:
    drawn = (ROOT / "docs" / "pictures" / "architecture.svg").read_text(encoding="utf-8")
    assert ElementTree.fromstring(drawn).get("role") == "img"
    named = {name.strip() for text in re.findall(r'class="file"[^>]*>([^<]+)<', drawn) for name in text.split(",")}
    files = {name for name in named if "/" in name or name.endswith((".py", ".toml"))}
    assert len(files) > 15
    pipeline = ROOT / "api" / "verification"  # whose files stand there by their names alone
    assert not [name for name in files if not (ROOT / name).exists() and not (pipeline / name).exists()]


def test_the_index_lists_every_page() -> None:
    listed = set(re.findall(r"\]\(([\w./-]+\.md)\)", text_of("docs/README.md")))
    pages = {page.removeprefix("docs/") for page in PAGES if re.fullmatch(r"docs/(?!README)[\w.-]+\.md", page)}
    assert pages <= listed, pages - listed
    assert "decisions/README.md" in listed
    records = set(re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", text_of("docs/decisions/README.md")))
    assert records == {page.removeprefix("docs/decisions/") for page in RECORDS}


@pytest.mark.parametrize("page", RECORDS)
def test_a_record_has_its_parts(page: str) -> None:
    text = text_of(page)
    assert re.match(rf"# {page.removeprefix('docs/decisions/')[:4]}: [A-Z]", text)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == PARTS
    for part in PARTS:
        assert len(part_of(text, part).split()) > 8, part


@pytest.mark.parametrize("page", RECORDS)
def test_a_record_quotes_figures_that_stand_in_the_results(page: str) -> None:
    measured = re.sub(r"\]\([^)]*\)", "]", part_of(text_of(page), "Tried and measured"))
    standing = set(_FIGURE.findall(text_of(FIGURES)))
    quoted = {one for one in _FIGURE.findall(measured) if len(one.replace(".", "").replace(",", "")) > 1}
    assert quoted <= standing, quoted - standing


def test_the_readme_quotes_figures_that_stand_in_the_results() -> None:
    measured = re.sub(r"\]\([^)]*\)", "]", part_of(text_of("README.md"), "What was measured"))
    quoted = {one for one in _FIGURE.findall(measured) if len(one.replace(".", "").replace(",", "")) > 1}
    assert len(quoted) > 10
    assert quoted <= set(_FIGURE.findall(text_of(FIGURES)))


def part_of(text: str, name: str) -> str:
    return re.split(r"^## ", text.partition(f"## {name}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def test_what_is_no_figure_of_the_results_is_seen() -> None:
    standing = set(_FIGURE.findall("| eer | 1.080 | 0.436 .. 2.156 | commit 3fc1f7b, 2026-11-22 | 19.6 million"))
    assert standing == {"1.080", "0.436", "2.156", "19.6"}
    assert set(_FIGURE.findall("at 10^7 in [0012], 447.9 a second, 1/100")) >= {"447.9"}


def test_anchors_are_those_of_github() -> None:
    found = anchors(ROOT / FIGURES)
    assert {"face", "face-1", "extraction-beside-leaders-other-implementation", "insightfacebuffalo_sc"} <= found
