"""`renzheng errors` explains a code without a network."""

from api.errors import catalogue, rendering
from tests.api.cli.conftest import CommandLine


def test_the_command_explains_a_code(renzheng: CommandLine) -> None:
    result = renzheng("errors", "nonce_expired")
    assert result.exit_code == 0
    found = catalogue()["nonce_expired"]
    assert "HTTP 422" in result.stdout
    for text in (found.message, found.cause, found.operator, found.next):
        assert text.zh in result.stdout
        assert text.en in result.stdout
    listed = renzheng("errors")
    assert listed.stdout.split() == list(catalogue())
    assert renzheng("errors", "--markdown").stdout == rendering.page(catalogue())


def test_it_names_codes_that_are_near_an_unknown_one(renzheng: CommandLine) -> None:
    result = renzheng("errors", "nonce_expird")
    assert result.exit_code == 1
    assert "nonce_expired" in result.stderr
