"""`renzheng keys`: the keys of records, where the database is: what there is, backups, what is left over."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.bulk import bar, status_line
from api.cli.failure import NEGATIVE, CommandFailed, guarded, words_of
from api.cli.registry import Registry, registry
from api.cli.wording import count

app = typer.Typer(
    help="The keys of records: status, backup, restore, sweep; new-master, rotate, retire; reseal, renew-templates."
    " Where the database is.",
    no_args_is_help=True,
)


@app.command("status", epilog="Example: renzheng keys status")
@guarded
def status() -> None:
    """Say how many keys there are, and which master key wraps them."""
    with registry() as opened:
        store = opened.keys.of_records
        chosen, held, known = store.chosen, store.by_master(), store.masters.names()
    typer.echo(f"记录密钥 record keys {sum(held.values()):,}")
    for master in sorted({chosen, *held, *known}):
        told = ["包裹新密钥 wraps new keys"] if master == chosen else []
        told += [] if master in known else ["本机没有 not here"]
        typer.echo(f"  {master}: {held.get(master, 0):,}{''.join(f' · {one}' for one in told)}")


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
    from api.personal.leftover_keys import restore_keys
    from api.storage.recordkeys.backup import BackupUnusable

    with registry() as opened:
        try:
            done = restore_keys(opened.database, opened.keys, file)
        except BackupUnusable as error:
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
    from api.personal.leftover_keys import sweep_keys

    with registry() as opened:
        done = sweep_keys(opened.database, opened.keys, delete=delete)
    typer.echo(
        f"共 {done.keys:,} 个密钥，未用 {done.orphans:,} 个，已删除 {done.deleted:,} 个。"
        f" {count(done.keys, 'key')}, {done.orphans:,} open nothing, {done.deleted:,} deleted."
    )
    if delete and done.deleted < done.orphans:
        raise typer.Exit(NEGATIVE)


@app.command("new-master", epilog="Example: renzheng keys new-master")
@guarded
def new_master() -> None:
    """Make a new master key in a file of the folder keys, and print its name. Nothing is wrapped by it yet.

    Where several replicas have folders of their own, put the file into each, and then rotate to it.
    """
    with registry() as opened:
        typer.echo(_new_master(opened))


@app.command("rotate", epilog="Example: renzheng keys rotate --to 3f1c0a9be2d47755")
@guarded
def rotate(
    to: Annotated[
        str | None,
        typer.Option(
            "--to", metavar="NAME", help="The master key, as `keys status` names it; else a new one in a file."
        ),
    ] = None,
) -> None:
    """Have everything wrapped by another master key, while the service goes on.

    Numbers, texts and templates from older versions, which the first master key seals, are sealed anew first. Both keys
    are accepted meanwhile. A run that was broken off goes on with what is left when it is started again with --to. Ends
    with 1 where something does not open and stays as it is.
    """
    from api.personal.rotation import rotate_master

    with registry() as opened, status_line() as tell:
        name = to or _new_master(opened)
        done_so_far = 0

        def progress(more: int) -> None:
            nonlocal done_so_far
            done_so_far += more
            tell(f"重新加封和包裹 sealed and wrapped anew {done_so_far:,}")

        done = rotate_master(opened.database, opened.keys, name, progress)
    typer.echo(
        f"主密钥 {name}："
        f"重新包裹密钥 {done.rewrapped:,} 个，重新加封内容 {done.resealed:,} 项，无法打开 {done.left:,} 项。"
        f" {count(done.rewrapped, 'key')} rewrapped, {count(done.resealed, 'thing')} sealed anew, {done.left:,} do not"
        " open."
    )
    if done.left:
        raise typer.Exit(NEGATIVE)


@app.command("reseal", epilog="Example: renzheng keys reseal")
@guarded
def reseal() -> None:
    """Give keys of their own to templates that were sealed before there was a store of keys, while the service goes on.

    A run that was broken off goes on with what is left. Ends with 1 where templates do not open and stay as they are.
    """
    from api.personal.rotation import reseal as seal_anew

    with registry() as opened, status_line() as tell:
        done_so_far = 0

        def progress(more: int) -> None:
            nonlocal done_so_far
            done_so_far += more
            tell(f"重新加封 sealed anew {done_so_far:,}")

        done, left = seal_anew(opened.database, opened.keys, progress)
    typer.echo(
        f"重新加封 {done:,} 个，无法打开 {left:,} 个。 {count(done, 'template')} sealed anew, {left:,} do not open."
    )
    if left:
        raise typer.Exit(NEGATIVE)


@app.command("renew-templates", epilog="Example: renzheng keys renew-templates")
@guarded
def renew_templates(
    keep_former: Annotated[
        bool,
        typer.Option(
            "--keep-former",
            help="Keep former transforms' keys, so that backups of the data from before can be used. The next renewal"
            " without this deletes them.",
        ),
    ] = False,
) -> None:
    """Bring all stored faces under a new transform, while the service goes on, and delete the key of the former.

    For after a leak, and now and then: what was stolen before matches nobody any more. Scores stay what they are. A run
    that was broken off goes on with what is left. Backups of the data from before hold no usable faces afterwards: make
    one of the data and one of the keys right after it. Ends with 1 where templates cannot be renewed and stay as they
    are.
    """
    from api.personal import renewal

    with registry() as opened:
        total = renewal.count(opened.database)
        done_so_far = 0
        with bar(total) as tell:

            def progress(more: int) -> None:
                nonlocal done_so_far
                done_so_far += more
                tell(done_so_far, f"更新人脸特征 renewed {done_so_far:,}")

            try:
                done = renewal.renew(opened.database, opened.keys, progress, keep_former=keep_former)
            except renewal.RenewedElsewhere as error:
                raise CommandFailed(words_of("renewal_running")) from error
    typer.echo(
        f"变换 transform {done.name}："
        f"更新 {done.templates:,} 个，无法更新 {done.left:,} 个，删除旧密钥 {done.deleted:,} 个。"
        f" {count(done.templates, 'template')} renewed, {done.left:,} cannot be,"
        f" {count(done.deleted, 'former key')} deleted."
    )
    typer.echo(
        "请立即备份数据与密钥。 Make a backup of the data and one of the keys (renzheng keys backup) now.", err=True
    )
    if done.left:
        raise typer.Exit(NEGATIVE)


@app.command("retire", epilog="Example: renzheng keys retire 3f1c0a9be2d47755")
@guarded
def retire(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The master key, as `keys status` names it.")],
) -> None:
    """Delete the file of a master key that wraps nothing any more, also of the first one, `master.key`: in its place
    comes the one that is in use.

    Backups of the keys from before the rotation cannot be restored without it: wait until they are past their end.
    Where replicas have folders of their own, do it at each. Ends with 1 where it still wraps something, or is to wrap
    what is new.
    """
    from api.personal.texts import under_first
    from api.storage.recordkeys.masters import remove_file

    with registry() as opened:
        store = opened.keys.of_records
        held = store.by_master().get(name, 0)
        if name == opened.keys.master_id:
            held += under_first(opened.database)
        if held or store.chosen == name:
            typer.echo(f"主密钥 {name} 仍在使用。 The master key is in use: {count(held, 'thing')}.", err=True)
            raise typer.Exit(NEGATIVE)
        if not remove_file(opened.settings.keys_dir, name, store.chosen):
            raise CommandFailed(f"没有该主密钥的文件。\nThere is no file of a master key {name}.")
    typer.echo(f"已删除主密钥 {name}。 The master key is deleted.")


def _new_master(opened: Registry) -> str:
    from api.storage.recordkeys.masters import new_file

    return new_file(opened.settings.keys_dir)
