"""`renzheng archive`: the texts of old evidence, out of the database and into files."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from api.cli.failure import CommandFailed, guarded
from api.cli.progress import tracked
from api.cli.registry import registry


@guarded
def archive(
    before: Annotated[
        datetime,
        typer.Option(metavar="DATE", formats=["%Y-%m-%d"], help="Leaves written before this day (Asia/Shanghai)."),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the files; it has to be there.")],
) -> None:
    """Move leaves' texts into compressed files, checked and on the disk before anything is deleted.

    Receipts, decisions and proofs go on working; `renzheng fsck --archive DIR` reads the files too.
    """
    from api.cards.parameters import TIMEZONE
    from api.evidence.archiving import Archiver, ArchivingRefused

    day = before.replace(tzinfo=TIMEZONE)
    if day > datetime.now(UTC):
        raise CommandFailed(
            "日期尚未到来：无人读过的记录也会被移走。\n"
            "The day is still to come: leaves that nobody has read yet would go too."
        )
    if not out.is_dir():
        raise CommandFailed(f"{out} 不是文件夹。\n{out} is no folder.")
    with registry() as opened:
        archiver = Archiver(opened.database, opened.keys, out, day)
        try:
            for _ in tracked(archiver.steps(), "Archiving", archiver.total()):
                pass
        except ArchivingRefused as error:
            raise CommandFailed(str(error)) from error
        finally:
            for stretch in archiver.done:
                typer.echo(f"{out / stretch.file}: leaves {stretch.first} to {stretch.last}")
    if not archiver.done:
        typer.echo("Nothing to archive.")
