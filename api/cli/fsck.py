"""`renzheng fsck`: is the evidence log what it was, and does every act stand in it?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from api.cli.failure import NEGATIVE, CommandFailed, guarded
from api.cli.progress import tracked
from api.cli.registry import registry

if TYPE_CHECKING:
    from api.evidence.fsck import Kept, Report


@guarded
def fsck(
    checkpoint: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="A checkpoint that was kept outside, to compare the log with. Repeatable."),
    ] = None,
    archive: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of archived leaves, to check too.")
    ] = None,
) -> None:
    """Recompute the evidence log and compare every act with its leaf. Exit code 0: sound; 1: damaged."""
    from api.evidence import fsck as checking

    kept = [_kept(path) for path in checkpoint or ()]
    if archive is not None and not archive.is_dir():
        raise CommandFailed(f"{archive} 不是文件夹。\n{archive} is no folder.")
    report = checking.Report()
    with registry() as opened:
        with opened.database.begin() as connection:
            total = checking.count(connection)
        with opened.database.begin() as connection:
            checking.freeze(connection)
            steps = checking.steps(connection, opened.keys, report, kept, archive)
            for _ in tracked(steps, "Checking the log", total):
                pass
    _tell(report)
    if not report.sound:
        raise typer.Exit(NEGATIVE)


def _kept(path: Path) -> "Kept":
    from api.evidence.fsck import Kept

    return Kept(str(path), path.read_text(encoding="utf-8", errors="replace"))


def _tell(report: "Report") -> None:
    out = Console(highlight=False, soft_wrap=True)
    for finding in report.findings:
        out.print(finding, markup=False)
    if report.damages > len(report.findings):
        out.print(f"… and {report.damages - len(report.findings)} more.")
    read = (
        f"{report.leaves} leaves, {report.waiting} waiting, {report.tiles} tiles, {report.checkpoints} checkpoints"
        f" ({report.kept} kept outside), {report.acts} acts."
    )
    if report.sound:
        out.print(f"Sound: {read}", style="green")
    else:
        out.print(f"DAMAGED in {report.damages} places: {read}", style="red")
    if report.removed:
        out.print(f"Removed by retention: {report.removed} acts stand there without what led to a person; the runs")
        out.print("that removed it told so in the log, and of no act more is gone than they told.")
    if report.late:
        out.print(f"{report.late} leaves got their place after the promised time.")
    if report.not_at_hand:
        out.print(
            f"{report.not_at_hand} archived leaves are not at hand, and not checked: that their acts are there is all"
        )
        out.print("that is known of them. Name the folder that has all their files with --archive.")
    if not report.kept:
        out.print("No checkpoint from outside was given (--checkpoint): whoever holds the signing key and the database")
        out.print("could have rewritten both.")
