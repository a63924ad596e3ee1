"""`renzheng keys`: the keys of records, where the database is: what there is, backups, what is left over."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.failure import NEGATIVE, CommandFailed, guarded, words_of
from api.cli.registry import registry
from api.cli.wording import count

app = typer.Typer(
    help="The keys of records: status, backup, restore, sweep. Where the database is.", no_args_is_help=True
)


@app.command("status", epilog="Example: renzheng keys status")
@guarded
def status() -> None:
    """Say how many keys there are, and which master key wraps them."""
    with registry() as opened:
        present = opened.keys.of_records.master.id
        held = opened.keys.of_records.by_master()
    typer.echo(f"主密钥 master key {present}")
    typer.echo(f"记录密钥 record keys {sum(held.values()):,}")
    for master, keys in sorted(held.items()):
        if master != present:
            typer.echo(f"  仍由旧主密钥 {master} 包裹 still wrapped by another master key: {keys:,}")


@app.command("backup", epilog="Example: renzheng keys backup /backups/keys")
@guarded
def backup(
    folder: Annotated[Path, typer.Argument(help="Where backups of the keys go: never beside those of the data.")],
) -> None:
    """Write a backup of the keys of records, and take those in the folder away whose time is over.

    It may be restored for RENZHENG_KEY_BACKUP_DAYS: an erased person is gone for good when the last backup that still
    holds the key is. The keys in it are wrapped: without the master key they open nothing.
    """
    from api.storage.recordkeys import backup as backups

    with registry() as opened:
        written = backups.backup(opened.keys, folder, opened.settings.key_backup_days)
    until = written.expires_at.strftime("%Y-%m-%d %H:%M UTC")
    typer.echo(str(written.path))
    typer.echo(
        f"已备份密钥 {written.keys:,} 个，{until} 前可恢复；已移除过期备份 {written.removed} 个。"
        f" {count(written.keys, 'key')}, to be restored until {until};"
        f" {count(written.removed, 'expired backup')} taken away.",
        err=True,
    )


@app.command("restore", epilog="Example: renzheng keys restore /backups/keys/20261122T150000.000000Z.record-keys")
@guarded
def restore(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A backup that `keys backup` wrote.")],
) -> None:
    """Bring keys back that the store lost. Keys that were deleted since do not come back."""
    from api.storage.recordkeys import backup as backups

    with registry() as opened:
        try:
            done = backups.restore(opened.database, opened.keys, file)
        except backups.BackupUnusable as error:
            raise CommandFailed(words_of(error.code)) from error
    typer.echo(
        f"恢复 {done.restored:,} 个，已有 {done.there:,} 个，已删除者不恢复 {done.erased:,} 个。"
        f" {count(done.restored, 'key')} restored, {done.there:,} there already,"
        f" {done.erased:,} erased and not restored."
    )


@app.command("sweep", epilog="Example: renzheng keys sweep --delete")
@guarded
def sweep(
    delete: Annotated[bool, typer.Option("--delete", help="Delete them; else they are only counted.")] = False,
) -> None:
    """Count the keys that nothing is sealed under, and with --delete delete them.

    Ends with 1 where half of all keys or more would go: then it is the database that is of another day, not they.
    """
    from api.storage.recordkeys.sweeping import sweep as swept

    with registry() as opened:
        done = swept(opened.database, opened.keys, delete=delete)
    typer.echo(
        f"共 {done.keys:,} 个密钥，未用 {done.orphans:,} 个，已删除 {done.deleted:,} 个。"
        f" {count(done.keys, 'key')}, {done.orphans:,} open nothing, {done.deleted:,} deleted."
    )
    if delete and done.deleted < done.orphans:
        raise typer.Exit(NEGATIVE)
