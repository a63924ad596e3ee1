"""`renzheng terminals`: keys for counters, kiosks and authorities."""

from typing import Annotated

import typer

from api.cli.failure import NEGATIVE, fail, guarded
from api.institutions import terminals
from api.institutions.terminals import Role
from api.settings import Settings
from api.storage import database, embedded, migrate

app = typer.Typer(help="Terminals and their keys.", no_args_is_help=True)

Institution = Annotated[str, typer.Argument(help="The institution that answers for the terminal.")]
Name = Annotated[str, typer.Argument(help="The terminal's name, unique in the institution.")]


@app.command("add", epilog="Example: renzheng terminals add 示范银行 counter-7 > counter-7.key")
@guarded
def add(
    institution: Institution,
    name: Name,
    role: Annotated[Role, typer.Option(help="terminal verifies; authority also registers cards.")] = Role.TERMINAL,
) -> None:
    """Make a terminal and print its key, this once; only the key's hash is kept."""
    settings = Settings()
    opened = database.open_database(settings)
    migrate.upgrade(opened)
    with opened.begin() as connection:
        key = terminals.create(connection, institution, name, role)
    typer.echo(key)
    opened.close()
    embedded.stop(settings.database_dir)


@app.command("revoke", epilog="Example: renzheng terminals revoke 示范银行 counter-7")
@guarded
def revoke(institution: Institution, name: Name) -> None:
    """Revoke a terminal's key, at once."""
    settings = Settings()
    opened = database.open_database(settings)
    migrate.upgrade(opened)
    with opened.begin() as connection:
        revoked = terminals.revoke(connection, institution, name)
    opened.close()
    embedded.stop(settings.database_dir)
    if not revoked:
        fail("There is no such terminal with a live key.", NEGATIVE)
    typer.echo("Revoked.")
