"""`renzheng terminals`: keys for counters, kiosks and authorities."""

from typing import Annotated, Literal

import typer

from api.cli import holders, listing
from api.cli.failure import guarded

app = typer.Typer(help="Terminals and their keys.", no_args_is_help=True)
ROLES = ("terminal", "authority")

Institution = Annotated[
    str, typer.Argument(help="The institution that answers for the terminal; a branch as Bank/Branch.")
]
Name = Annotated[str, typer.Argument(help="The terminal's name, unique in the institution.")]


@app.command(
    "add", epilog="Example: renzheng terminals add 示范银行/浦东支行 counter-7 --channel counter > counter-7.key"
)
@guarded
def add(
    institution: Institution,
    name: Name,
    role: Annotated[
        Literal["terminal", "authority"], typer.Option(help="terminal verifies; authority registers and reports cards.")
    ] = "terminal",
    channel: Annotated[
        Literal["counter", "kiosk"] | None, typer.Option(help="Bind the terminal to one channel. Default: either.")
    ] = None,
    requests_per_minute: Annotated[
        int | None, typer.Option(min=1, help="How much it may ask. Default: the deployment's setting.")
    ] = None,
    days: holders.Days = None,
    scope: holders.Scopes = None,
    public_key: holders.PublicKey = None,
) -> None:
    """Make a terminal, and its institution when new; print its key, this once. Only the key's hash is kept."""
    if channel is not None and role != "terminal":
        raise typer.BadParameter("只有终端可以绑定渠道 / only a terminal can be bound to a channel")
    holders.add(
        institution,
        name,
        role,
        channel=channel,
        requests_per_minute=requests_per_minute,
        days=days,
        scopes=scope,
        public_key=public_key,
    )


@app.command("list", epilog="Example: renzheng terminals list 示范银行 --keys")
@guarded
def show(institution: holders.Within = None, keys: holders.ShowKeys = False, raw: listing.Raw = False) -> None:
    """List terminals, and how their keys stand."""
    holders.show_all(institution, ROLES, keys=keys, raw=raw)


@app.command(
    "rotate", epilog="Example: renzheng terminals rotate 示范银行 counter-7 --overlap-hours 48 > counter-7.key"
)
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


@app.command("revoke", epilog="Example: renzheng terminals revoke 示范银行 counter-7")
@guarded
def revoke(institution: Institution, name: Name, key: holders.Key = None) -> None:
    """End a terminal for good with all its keys, or one key of it; at once, requests in flight included."""
    holders.revoke(institution, name, ROLES, key, "terminal")
