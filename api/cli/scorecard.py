"""`renzheng scorecard`: a month's figures, held against the log."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from api.cli.failure import NEGATIVE, CommandFailed, guarded
from api.cli.progress import tracked
from api.cli.registry import registry
from api.cli.wording import count

app = typer.Typer(help="The figures of a month.", no_args_is_help=True)
_MOST_TOLD = 50


@app.command(epilog="Example: renzheng scorecard prove 2026-11")
@guarded
def prove(
    month: Annotated[str, typer.Argument(metavar="YYYY-MM", help="The month, in Asia/Shanghai.")],
    archive: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of archived leaves, to read too.")] = None,
) -> None:
    """Recompute a month's scorecards from the leaves of the log alone. Exit code 0: as the log says; 1: not."""
    from api.accountability.scorecards.months import Month, MonthInvalid
    from api.accountability.scorecards.proving import Proof, steps
    from api.evidence import fsck as checking

    try:
        wanted = Month.of(month)
    except MonthInvalid as error:
        raise CommandFailed("月份应写作 YYYY-MM。\nA month is written YYYY-MM.") from error
    if archive is not None and not archive.is_dir():
        raise CommandFailed(f"{archive} 不是文件夹。\n{archive} is no folder.")
    proof = Proof()
    with registry() as opened:
        with opened.database.begin() as connection:
            total = checking.count(connection)
        with opened.database.begin() as connection:
            checking.freeze(connection)
            for _ in tracked(steps(connection, wanted, proof, archive), "Reading the log", total):
                pass
    out = Console(highlight=False, soft_wrap=True)
    for difference in proof.differences[:_MOST_TOLD]:
        out.print(difference, markup=False)
    for one in proof.not_known[:_MOST_TOLD]:
        out.print(one, markup=False, style="yellow")
    if proof.unread:
        out.print(
            f"{proof.unread} archived leaves are not at hand: name the folder that has their files with --archive."
        )
    read = f"{proof.figures} figures from {proof.leaves} leaves"
    if not proof.holds:
        out.print(f"NOT PROVEN: {len(proof.differences)} differences, {read}.", style="red")
        raise typer.Exit(NEGATIVE)
    if proof.not_known:
        out.print(
            f"挂失后首次拒绝及其用时，有 {len(proof.not_known)} 台终端无法证明：相关核验已按保存期限删除。"
            f" NOT PROVEN for {count(len(proof.not_known), 'terminal')}, and not contradicted: first refusals after"
            " loss reports and their times. Retention removed what they were counted from.",
            style="yellow",
        )
    out.print(f"Proven: {read}. That the leaves are the log's, `renzheng fsck` shows.", style="green")
