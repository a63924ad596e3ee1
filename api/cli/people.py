"""`renzheng people`: keys for operators, supervisors, regulators, evaluators and administrators."""

from typing import Annotated, Literal

import typer

from api.cli import holders, listing
from api.cli.failure import guarded

app = typer.Typer(help="Members of staff, auditors, administrators, and their keys.", no_args_is_help=True)
ROLES = ("operator", "supervisor", "regulator", "evaluator", "administrator")

Institution = Annotated[
    str, typer.Argument(help="The institution that the person belongs to; a branch as Bank/Branch.")
]
Name = Annotated[str, typer.Argument(help="The person's name, unique in the institution.")]


@app.command("add", epilog="Example: renzheng people add 示范银行 王敏 --role supervisor > supervisor.key")
@guarded
def add(
    institution: Institution,
    name: Name,
    role: Annotated[
        Literal["operator", "supervisor", "regulator", "evaluator", "administrator"],
        typer.Option(help="What the person may do: see docs/institutions.md."),
    ],
    days: holders.Days = None,
    scope: holders.Scopes = None,
    public_key: holders.PublicKey = None,
) -> None:
    """Make a person, and the institution when new; print their key, this once. Only the key's hash is kept."""
    holders.add(institution, name, role, days=days, scopes=scope, public_key=public_key)


@app.command("list", epilog="Example: renzheng people list --json")
@guarded
def show(institution: holders.Within = None, keys: holders.ShowKeys = False, raw: listing.Raw = False) -> None:
    """List people, and how their keys stand."""
    holders.show_all(institution, ROLES, keys=keys, raw=raw)


@app.command("rotate", epilog="Example: renzheng people rotate 示范银行 王敏 --overlap-hours 0 > supervisor.key")
@guarded
def rotate(
    institution: Institution,
    name: Name,
    key: holders.Key = None,
    overlap_hours: holders.OverlapHours = 24,
    public_key: holders.PublicKey = None,
) -> None:
    """Print a new key with the same rights in place of the newest live one, which lives on for a while."""
    holders.rotate(institution, name, ROLES, key, overlap_hours, public_key)


@app.command("revoke", epilog="Example: renzheng people revoke 示范银行 王敏")
@guarded
def revoke(institution: Institution, name: Name, key: holders.Key = None) -> None:
    """End a person's access for good, or one key of theirs; at once. One administrator always stays."""
    holders.revoke(institution, name, ROLES, key, "person")
