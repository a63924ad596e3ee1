"""`renzheng impostors`: an entry from its proposal to its end, by two persons, over HTTP."""

import json
import secrets
from collections.abc import Callable

import pytest

from api.institutions.roles import Role
from api.screening.words import Ground, State
from api.service import Service
from tests.api.cli.conftest import CommandLine
from tests.api.entries import new_key
from tests.api.screening.entries import in_days, somebody

Pair = tuple[CommandLine, CommandLine]
UNKNOWN = "0c5f7a3e-6f0d-4f6e-9b0a-2f6f2f0d9a11"


@pytest.fixture
def two(as_role: Callable[[Role], CommandLine], service: Service) -> Pair:
    """The command lines of two supervisors of one bank."""
    bank = secrets.token_hex(6)
    lines = as_role(Role.SUPERVISOR), as_role(Role.SUPERVISOR)
    for line in lines:
        line.environment["RENZHENG_KEY"] = new_key(service.database, service.keys, Role.SUPERVISOR, bank)
    return lines


def proposed(line: CommandLine, **changes: str) -> str:
    """Propose somebody; gives the entry's identifier."""
    options = {
        "--face": line.file("face.jpg", somebody()),
        "--ground": "forged_card",
        "--case-reference": "A-2026-17",
        "--review-on": in_days(30),
        "--expires-on": in_days(300),
        **{f"--{name.replace('_', '-')}": value for name, value in changes.items()},
    }
    done = line("impostors", "propose", *(part for option in options.items() for part in option))
    assert done.exit_code == 0, done.output
    return done.stdout.strip()


def test_an_entry_from_its_proposal_to_its_end(two: Pair) -> None:
    first, second = two
    finger = f"right_index={first.file('finger.png', somebody())}"
    entry = proposed(first, finger=finger)
    alone = first("impostors", "approve", entry)
    assert (alone.exit_code, "second_person_needed" in alone.stderr) == (3, True)
    approved = second("impostors", "approve", entry)
    assert approved.exit_code == 0, approved.output
    assert f"{entry}: approved 已列入 · forged_card 伪造证件" in approved.stdout
    assert "名单序号 list number " in approved.stdout
    shown = first("impostors", "show", entry)
    for words in ("案号 case: A-2026-17", "录入 entered: ", "批准 approved: ", "模板 templates: face, right_index"):
        assert words in shown.stdout
    reviewed = first("impostors", "review", entry, "--review-on", in_days(60))
    assert f"复查 review {in_days(60)} · 到期 until {in_days(300)}" in reviewed.stdout, reviewed.output
    assert "list number" not in reviewed.stdout, "a review changes no list"
    removed = second("impostors", "remove", entry, "--reason", "the victim")
    assert "removed 已移除" in removed.stdout, removed.output
    last = json.loads(first("impostors", "show", entry, "--json").stdout)
    assert (last["state"], last["reason"], last["templates"]) == ("removed", "the victim", [])
    assert "理由 reason: the victim" in first("impostors", "show", entry).stdout


def test_a_refusal_and_the_lists(two: Pair) -> None:
    first, second = two
    entries = [proposed(first) for _ in range(3)]
    assert second("impostors", "approve", entries[0]).exit_code == 0
    refused = first("impostors", "refuse", entries[1], "--reason", "a mistake")
    assert "refused 未批准" in refused.stdout, refused.output

    def listed(*options: str) -> list[str]:
        return [line.split("\t")[0] for line in first("impostors", "list", *options).stdout.splitlines()[1:]]

    assert listed() == entries[::-1], "the newest first"
    assert listed("--state", "proposed") == [entries[2]]
    assert listed("--review-due") == []
    page = first("impostors", "list", "--limit", "2")
    assert f"--after {entries[1]}" in page.stderr
    assert listed("--after", entries[1]) == [entries[0]]
    assert [one["id"] for one in json.loads(first("impostors", "list", "--json").stdout)["items"]] == entries[::-1]
    again = first("impostors", "refuse", entries[1], "--reason", "a mistake")
    assert (again.exit_code, "impostor_state" in again.stderr) == (3, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("propose",), "--ground"),
        (("propose", "--ground", "dislike"), "dislike"),
        (("propose", "--ground", "order", "--case-reference", "A", "--review-on", "soon"), "YYYY-MM-DD"),
        (("refuse", UNKNOWN), "--reason"),
        (("review", UNKNOWN), "--review-on"),
        (("approve", "x"), "x"),
    ],
)
def test_what_is_no_command(renzheng: CommandLine, arguments: tuple[str, ...], said: str) -> None:
    done = renzheng("impostors", *arguments)
    assert done.exit_code == 2, done.output
    assert said in done.output


def test_a_proposal_needs_a_face(renzheng: CommandLine) -> None:
    days = ("--review-on", in_days(3), "--expires-on", in_days(9))
    done = renzheng("impostors", "propose", "--ground", "order", "--case-reference", "A", *days)
    assert (done.exit_code, "须给出 --face" in done.output) == (2, True)


def test_what_the_service_refuses_is_told(two: Pair, terminal_line: CommandLine) -> None:
    first, _ = two
    number = first("impostors", "approve", UNKNOWN)
    assert (number.exit_code, "not_found" in number.stderr) == (3, True)
    refused = terminal_line("impostors", "list", "--json")
    assert (refused.exit_code, json.loads(refused.stdout)["code"]) == (3, "role_not_allowed")


def test_every_word_is_told_in_chinese() -> None:
    from api.cli import impostors

    assert set(impostors._WORDS) == {*Ground, *State}
