"""What `renzheng terminals` and `renzheng people` share: making, listing, rotating and revoking holders of keys."""

import base64
import binascii
import shlex
from collections.abc import Collection
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from api.cli.failure import NEGATIVE, CommandFailed, fail
from api.cli.listing import show
from api.cli.registry import registry

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

_DAY_S = 86400


def _public_key(value: str) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(value, validate=True)).public_bytes_raw()
    except (binascii.Error, ValueError) as error:
        raise typer.BadParameter(
            "须为 Base64 的 32 字节 Ed25519 公钥 / an Ed25519 public key has 32 bytes, in base64"
        ) from error


Days = Annotated[int | None, typer.Option(min=1, max=3660, help="How long the key lives. Default: until revoked.")]
PublicKey = Annotated[
    bytes | None,
    typer.Option(
        parser=_public_key,
        metavar="BASE64",
        help="Ed25519 public key, as `renzheng signing-key` prints it: every request has to be signed then.",
    ),
]
Scopes = Annotated[
    list[str] | None, typer.Option("--scope", metavar="RIGHT", help="Fewer rights than the role's. Repeatable.")
]
OverlapHours = Annotated[
    float, typer.Option(min=0, max=168, help="How long the old key lives on beside the new one; at most seven days.")
]
Key = Annotated[UUID | None, typer.Option("--key", metavar="ID", help="One key only, as `list --keys` shows it.")]
ShowKeys = Annotated[bool, typer.Option("--keys", help="One line for every key.")]
Within = Annotated[str | None, typer.Argument(help="Only this institution and its branches. Default: all.")]


def add(
    institution: str,
    name: str,
    role: str,
    *,
    channel: str | None = None,
    requests_per_minute: int | None = None,
    days: int | None,
    scopes: list[str] | None,
    public_key: bytes | None,
) -> None:
    """Make a principal and print its key, this once."""
    from api.institutions import principals
    from api.institutions.roles import ROLE_SCOPES, Role

    allowed = {scope.value: scope for scope in ROLE_SCOPES[Role(role)]}
    if unknown := set(scopes or ()) - set(allowed):
        raise typer.BadParameter(
            f"{', '.join(sorted(unknown))}：该角色可用的权限 / the rights of this role are: {', '.join(allowed)}"
        )
    try:
        with registry() as opened, opened.database.begin() as connection:
            added = principals.add(
                connection,
                opened.keys,
                institution,
                name,
                Role(role),
                channel=channel,
                requests_per_minute=requests_per_minute,
                scopes=[allowed[scope] for scope in scopes] if scopes else None,
                lifetime_s=None if days is None else days * _DAY_S,
                public_key=public_key,
            )
    except principals.PrincipalExists:
        fail(_on_from(institution, name))
    typer.echo(added.key)


def _on_from(institution: str, name: str) -> str:
    """What to do about a name that is taken, which depends on whose it is."""
    from api.institutions import principals

    with registry() as opened, opened.database.begin() as connection:
        taken = principals.find(connection, institution, name)
    at = f"{shlex.quote(institution)} {shlex.quote(name)}"
    group = "terminals" if taken is None or taken.role in {"terminal", "authority"} else "people"
    if taken is None or taken.disabled_at is not None:
        zh = "该名称已停用，不能再用：请换一个名称。"
        en = "It was revoked, and its name stays taken: choose another name."
    else:
        zh = f"密钥丢失或要更换的：renzheng {group} rotate {at}\n  另一台终端或另一人：请换一个名称。"
        en = f"For a new key of the same one: renzheng {group} rotate {at}\n  For another one: choose another name."
    return f"{principals.PrincipalExists()}\n  → {zh}\n  → {en}"


def show_all(institution: str | None, roles: Collection[str], *, keys: bool, raw: bool) -> None:
    """List principals of these roles, or their keys."""
    from sqlalchemy import select

    from api.institutions import credentials
    from api.institutions import institutions as places
    from api.storage.tables import principals

    rows: list[dict[str, Any]] = []
    with registry() as opened, opened.database.begin() as connection:
        asked = select(principals).where(principals.c.role.in_(roles))
        if institution is not None:
            asked = asked.where(places.within(principals.c.institution_id, _place(connection, institution)))
        paths = places.written(connection)
        for found in connection.execute(asked):
            held = credentials.of_principal(connection, found.id)
            common = {"institution": paths[found.institution_id], "name": found.name, "role": found.role}
            rows.extend(_key_rows(common, held) if keys else [_row(common, found, held)])
    show(sorted(rows, key=lambda row: (row["institution"], row["name"])), raw=raw)


def rotate(
    institution: str, name: str, roles: Collection[str], key: UUID | None, overlap_hours: float, public: bytes | None
) -> None:
    """Print a new key in place of the newest live one, or of the one named. Without a live one: simply a new key."""
    from api.institutions import credentials, rotation

    with registry() as opened, opened.database.begin() as connection:
        found = _find(connection, institution, name, roles)
        if found.disabled_at is not None:
            raise credentials.AlreadyRevoked
        live = [state for state in credentials.of_principal(connection, found.id) if state.live]
        chosen = [state.id for state in live if key in {None, state.id}]
        if key is not None and not chosen:
            fail("没有这样的有效密钥。\nThere is no such live key.", NEGATIVE)
        current = [state.id for state in live if state.id in chosen and state.replaced_by is None]
        if chosen:
            issued = rotation.rotate(
                connection,
                opened.keys,
                (current or chosen)[0],
                found.institution_id,
                actor_id=None,
                overlap_s=overlap_hours * 3600,
                public_key=public,
            )
        else:
            issued = credentials.issue(
                connection, opened.keys, found.id, found.institution_id, actor_id=None, public_key=public
            )
    typer.echo(issued.text)


def revoke(institution: str, name: str, roles: Collection[str], key: UUID | None, what: str) -> None:
    """End a principal with all its keys, or one key."""
    from api.institutions import credentials, principals

    with registry() as opened, opened.database.begin() as connection:
        found = principals.find(connection, institution, name)
        if found is None or found.role not in roles or (key is None and found.disabled_at is not None):
            fail(f"没有持有有效密钥的此名称。\nThere is no such {what} with a live key.", NEGATIVE)
        before = principals.administration(connection) if found.role == "administrator" else None
        if key is None:
            principals.end(connection, opened.keys, found.id, actor_id=None)
        else:
            held = [state.id for state in credentials.of_principal(connection, found.id) if state.live]
            if key not in held:
                fail("没有这样的有效密钥。\nThere is no such live key.", NEGATIVE)
            credentials.revoke(connection, opened.keys, key, found.institution_id, actor_id=None)
        if before is not None and not principals.administrator_stays(connection, before):
            raise CommandFailed(
                "这是最后一名权限完整的管理员，请先添加另一名。\n"
                "This is the last administrator with all rights: make another one first."
            )
    typer.echo("Revoked.")


def _find(connection: "Connection", institution: str, name: str, roles: Collection[str]) -> "Row[Any]":
    from api.institutions import principals

    found = principals.find(connection, institution, name)
    if found is None or found.role not in roles:
        fail(
            f"{institution} 中没有此名称，见 `list`。\nThere is nobody of that name in {institution}: see `list`.",
            NEGATIVE,
        )
    return found


def _place(connection: "Connection", institution: str) -> UUID:
    from api.institutions import institutions as places

    found = places.find(connection, institution)
    if found is None:
        fail(
            "没有该机构，见 `renzheng institutions list`。\n"
            "There is no such institution: see `renzheng institutions list`.",
            NEGATIVE,
        )
    return found


def _row(common: dict[str, Any], found: "Row[Any]", held: list[Any]) -> dict[str, Any]:
    live = [state for state in held if state.live]
    ends = [state.expires_at for state in live if state.expires_at is not None]
    return common | {
        "channel": found.channel,
        "state": "disabled" if found.disabled_at is not None else "live" if live else "no live key",
        "keys": len(live),
        "next_expiry": min(ends, default=None),
        "id": found.id,
    }


def _key_rows(common: dict[str, Any], held: list[Any]) -> list[dict[str, Any]]:
    return [
        common
        | {
            "key": state.id,
            "state": "live" if state.live else "revoked" if state.revoked_at is not None else "ended",
            "created": state.created_at,
            "expires": state.expires_at,
            "used": state.used_at,
            "signed_by": state.signed_by,
        }
        for state in held
    ]
