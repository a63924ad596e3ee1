"""`renzheng institutions` and `renzheng bootstrap`."""

from typing import Annotated

import typer

from api.cli import listing
from api.cli.failure import NEGATIVE, fail, guarded
from api.cli.registry import registry

app = typer.Typer(help="Institutions and their branches.", no_args_is_help=True)


@app.command("add", epilog="Example: renzheng institutions add 浦东支行 --branch-of 示范银行")
@guarded
def add(
    name: Annotated[str, typer.Argument(help="Its name, unique among the branches of the same institution.")],
    branch_of: Annotated[
        str | None, typer.Option(metavar="PATH", help="The institution that it is a branch of, as Bank or Bank/Branch.")
    ] = None,
) -> None:
    """Add an institution or a branch, and print its identifier."""
    from api.institutions import institutions as places

    with registry() as opened, opened.database.begin() as connection:
        parent = None if branch_of is None else places.find(connection, branch_of)
        if branch_of is not None and parent is None:
            fail(
                "没有该机构，见 `renzheng institutions list`。\n"
                "There is no such institution: see `renzheng institutions list`.",
                NEGATIVE,
            )
        added = places.add(connection, opened.keys, name, parent, actor_id=None)
    typer.echo(str(added.id))


@app.command("list", epilog="Example: renzheng institutions list --json")
@guarded
def show(raw: listing.Raw = False) -> None:
    """List institutions, each below the one that it is a branch of."""
    from api.institutions import institutions as places

    with registry() as opened, opened.database.begin() as connection:
        paths = places.written(connection)
    listing.show([{"path": path, "id": identifier} for identifier, path in paths.items()], raw=raw)


@guarded
def bootstrap(
    institution: Annotated[str, typer.Argument(help="The institution that runs the deployment; made when new.")],
    name: Annotated[str, typer.Option(help="The administrator's name, unique in the institution.")] = "administrator",
    recover: Annotated[
        bool, typer.Option("--recover", help="Make another one when all administrators' keys are lost. Recorded.")
    ] = False,
) -> None:
    """Make the first administrator and print their key, this once. There is no default account and no password."""
    from api.institutions import bootstrap as start

    with registry() as opened, opened.database.begin() as connection:
        added = start.administrator(connection, opened.keys, institution, name, recover=recover)
    typer.echo(added.key)
