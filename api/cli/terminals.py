"""`renzheng terminals`: keys for counters, kiosks and authorities."""

from typing import Annotated, Literal

import typer

from api.cli.failure import NEGATIVE, fail, guarded
from api.cli.registry import registry

app = typer.Typer(help="Terminals and their keys.", no_args_is_help=True)

Institution = Annotated[str, typer.Argument(help="The institution that answers for the terminal.")]
Name = Annotated[str, typer.Argument(help="The terminal's name, unique in the institution.")]


@app.command("add", epilog="Example: renzheng terminals add 示范银行 counter-7 > counter-7.key")
@guarded
def add(
    institution: Institution,
    name: Name,
    role: Annotated[
        Literal["terminal", "authority"], typer.Option(help="terminal verifies; authority also registers cards.")
    ] = "terminal",
) -> None:
    """Make a terminal and print its key, this once; only the key's hash is kept."""
    from api.institutions import principals
    from api.institutions.roles import Role

    with registry() as opened, opened.database.begin() as connection:
        added = principals.add(connection, opened.keys, institution, name, Role(role))
    typer.echo(added.key)


@app.command("revoke", epilog="Example: renzheng terminals revoke 示范银行 counter-7")
@guarded
def revoke(institution: Institution, name: Name) -> None:
    """Revoke a terminal's key, at once."""
    from api.institutions import principals

    with registry() as opened, opened.database.begin() as connection:
        revoked = principals.disable(connection, opened.keys, institution, name)
    if not revoked:
        fail("There is no such terminal with a live key.", NEGATIVE)
    typer.echo("Revoked.")
