"""Every command in the pages is executed by a walk, or listed with its reason; and every option in them is there."""

import re
import tomllib

import pytest

from tests.docs.command_lines import calls, targets, trouble
from tests.docs.pages import FIGURES, LANGUAGES, PAGES, ROOT, SHELL, blocks, outside, spans, split, statements
from tests.docs.walks import NOT_EXECUTED, WALKS, reason_not_to

# What signed bytes begin with; they look like commands.
SIGNED = {"renzheng receipt v1", "renzheng receipt v2", "renzheng card v1", "renzheng request v1"}
OURS = re.compile(r"(?:RENZHENG_\w+=\S+ )?(?:\S*/)?(?:renzheng|renzheng-terminal|make|python3?)(?: |$)")
# Programs in Python, and the tests that run them.
PROGRAMS = {
    "docs/client.md": "tests/api/client/test_documentation.py",
    "docs/fingers.md": "tests/docs/test_programs.py",
    "docs/offline.md": "tests/api/feed/test_terminals.py",
}


@pytest.mark.parametrize("page", PAGES)
def test_commands_stand_in_blocks_that_are_read(page: str) -> None:
    """No command hides in a block of an unknown language, or in an indented one."""
    for block in blocks(page):
        assert block.language in LANGUAGES, f"{page}:{block.line}"
        if block.language == "text":
            assert not any(OURS.match(line) for line in block.text.splitlines()), f"{page}:{block.line}"
    assert "~~~" not in outside(page)
    assert page == FIGURES or not indented(page)


def indented(page: str) -> list[str]:
    """Commands in blocks that are blocks by their indentation."""
    lines = re.findall(r"^(?: {4}|\t)\s*(?:\$ )?(.+)$", outside(page), re.MULTILINE)
    return [line for line in lines if OURS.match(line) or line.startswith(("curl ", "docker ", "kubectl ", "pip "))]


@pytest.mark.parametrize("page", [one for one in PAGES if one != FIGURES])
def test_every_command_is_executed_or_says_why_not(page: str) -> None:
    unlisted = [one for one in statements(page) if reason_not_to(page, one) is None]
    assert page in WALKS or not unlisted, f"{page}: write a walk in tests/docs/walks.py, or say why not: {unlisted}"


def test_nothing_is_listed_that_is_not_there() -> None:
    for page, start in NOT_EXECUTED:
        assert any(one.startswith(start) for one in statements(page)), (page, start)
    for page, walk in WALKS.items():
        commands = statements(page)
        assert commands, page
        for start in (*walk.serves, *walk.endless, *walk.codes, *walk.between):
            assert any(one.startswith(start) for one in commands), (page, start)
        for text in walk.replaced:
            assert any(text in one for one in commands), (page, text)


def test_a_reason_names_a_test_that_is_there() -> None:
    for reason in NOT_EXECUTED.values():
        for name in re.findall(r"tests/[\w/]+\.py", reason):
            assert (ROOT / name).is_file(), name


@pytest.mark.parametrize("page", PAGES)
def test_every_program_takes_what_it_is_given(page: str) -> None:
    commands = [*statements(page), *indented(page)]
    wrong = [told for one in commands for words in calls(one) if (told := trouble(words, whole=True))]
    for span in spans(page):
        if OURS.match(span) and span not in SIGNED:
            wrong += [f"`{span}`: {told}" for words in calls(span) if (told := trouble(words, whole=False))]
    assert not wrong, page


@pytest.mark.parametrize("page", PAGES)
def test_programs_in_python_are_run_by_a_test(page: str) -> None:
    """Figures' pages hold none; a test of each other page executes what stands in its blocks."""
    if any(block.language == "python" for block in blocks(page)):
        assert page.rpartition("/")[2] in (ROOT / PROGRAMS[page]).read_text(encoding="utf-8")


def test_extras_are_declared() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    for page in PAGES:
        for extra in re.findall(r"(?:renzheng|'\.)\[(\w+)\]", outside(page) + "\n".join(statements(page))):
            assert extra in declared, (page, extra)


def test_make_help_tells_of_every_target_of_the_pages() -> None:
    named = {
        word
        for page in PAGES
        for text in (*spans(page), *statements(page))
        for word in re.findall(r"(?:^|\s)make ([a-z-]+)", text)
        if OURS.match(text)
    }
    assert named <= targets()
    assert {"demo", "serve", "test", "test-long"} <= named


@pytest.mark.parametrize(
    ("command", "whole", "fine"),
    [
        ("renzheng verify --card card.json --face live.jpg", True, True),
        ("renzheng verify --card card.json --picture live.jpg", True, False),
        ("renzheng cards report", False, True),
        ("renzheng cards report", True, False),
        ("renzheng cards repot", False, False),
        ("renzheng cards", True, False),
        ("renzheng fsck --checkpoint", False, True),
        ("renzheng fsck --check", False, False),
        ("renzheng verify --channel booth --card card.json", True, False),
        ("renzheng terminals add BANK NAME --days many", True, False),
        ("renzheng terminals add BANK NAME $MORE --days 30", True, False),
        ("renzheng terminals add BANK NAME --days 30", True, True),
        ("KEY=$(renzheng terminals add BANK NAME --roll authority)", True, False),
        ("make dmo", True, False),
        ("make demo DATA=DIR", True, True),
        ("python -m benchmarks gallery --size 1000", True, True),
        ("python -m benchmarks galery", True, False),
        ("python -m tests.licences", True, True),
        ("python -m tests.license", True, False),
        ("renzheng-terminal status --folder F --signer S", True, True),
        ("renzheng-terminal status --dir F", True, False),
        ("echo 1 | renzheng-terminal check --number -", True, False),
    ],
)
def test_the_reader_of_commands_sees_mistakes(command: str, whole: bool, fine: bool) -> None:
    told = [one for words in calls(command) if (one := trouble(words, whole=whole))]
    assert (told == []) is fine, told


def test_a_block_is_split_as_a_shell_takes_it() -> None:
    parts = [
        "A='{\"a\":\n 1}'",
        "curl \\\n  -s URL |\n  tee file   # told",
        "for one in 1 2; do\n  echo $one\ndone",
        "cat > file <<'END'\ntext\nEND",
    ]
    assert split("# first\n" + "\n\n".join(parts) + "\n") == parts
    with pytest.raises(ValueError, match="not complete"):
        split("echo 'open\n")


def test_there_is_something_to_read() -> None:
    assert sum(len(statements(page)) for page in PAGES) > 60
    assert {block.language for page in PAGES for block in blocks(page)} >= {SHELL, "python", "json"}
