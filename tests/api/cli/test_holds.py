"""`renzheng holds` against a running service."""

from collections.abc import Callable

from api.institutions.roles import Role
from tests.api.cli.conftest import CommandLine
from tests.api.cli.test_cards import registered


def test_a_hold_is_put_on_listed_and_lifted_by_one_of_two(
    authority_line: CommandLine, as_role: Callable[[Role], CommandLine]
) -> None:
    card_id = registered(authority_line)
    placed = authority_line("holds", "place", "person", card_id, "--ground", "order", "--reference", "C-17")
    assert placed.exit_code == 0, placed.output
    hold_id = placed.stdout.splitlines()[0]
    assert f"person {card_id}: 保全中" in placed.stdout
    listed = authority_line("holds", "list", "--state", "standing")
    assert hold_id in listed.stdout
    assert "C-17" in listed.stdout
    refused = authority_line("cards", "erase", card_id, "--ground", "order")
    assert refused.exit_code != 0
    assert "data_held" in refused.stderr
    lifting = authority_line("holds", "lift", hold_id)
    assert "待另一人解除" in lifting.stdout
    alone = authority_line("holds", "lift", hold_id)
    assert alone.exit_code != 0
    assert "second_person_needed" in alone.stderr
    assert as_role(Role.AUTHORITY)("holds", "lift", hold_id).exit_code != 0, "another house's is not found"
