"""`renzheng calibrate`: what an engine's scores mean, learnt from score files."""

import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from api.cli.failure import CommandFailed, guarded
from api.cli.progress import tracked

if TYPE_CHECKING:
    from biometrics.scoring.held_out import Finding

EXAMPLES = "Example: renzheng calibrate --engine sface-2 --scores scores.csv --pack sface --out sface-2.json"

_err = Console(stderr=True, highlight=False, soft_wrap=True)


@guarded
def calibrate(
    engine: Annotated[str, typer.Option(help="The engine's id and version, such as sface-2.")],
    scores: Annotated[
        list[Path],
        typer.Option(
            exists=True,
            dir_okay=False,
            metavar="FILE",
            help="Scores of one data set as CSV: reference, probe, mated (1 or 0), score; repeat it for more sets. If a"
            " column named engine, or the file that `renzheng evaluate` puts beside it, names another, it is refused.",
        ),
    ],
    out: Annotated[Path, typer.Option(dir_okay=False, metavar="FILE", help="Where the calibration is written.")],
    modality: Annotated[
        Literal["face", "finger"] | None,
        typer.Option(help="How names tell subjects apart, as for `renzheng evaluate`. Default: as the engine has it."),
    ] = None,
    label_noise: Annotated[
        float, typer.Option(min=0, max=0.01, help="Share of non-mated pairs that may be of one person after all.")
    ] = 0.0,
    pack: Annotated[
        str | None,
        typer.Option(help="Model pack of the engine, noted in the provenance. Default: the one that this engine runs."),
    ] = None,
    note: Annotated[str | None, typer.Option(help="A remark for the provenance.")] = None,
) -> None:
    """Fit what an engine's scores mean: log-likelihood ratio and FMR, judged on people who were left out.

    The file is what the service reads; it names its data, date, command and versions. An engine whose scores change
    gets a new id, and a calibration of its own: one of another version is refused.
    """
    from api.evaluation import calibration, files, subjects

    try:
        with _err.status("Reading the scores…"):
            sets = [calibration.read_set(path, engine, modality) for path in scores]
            unnamed = [path.name for path in scores if files.read_engine(path) is None]
        done = calibration.calibrate(
            engine,
            sets,
            label_noise=label_noise,
            pack=pack,
            note=note,
            command=shlex.join(["renzheng", *sys.argv[1:]]),
            progress=_folds,
        )
    except (files.FileMalformed, calibration.ScoresOfAnotherEngine, subjects.SubjectsUnclear, ValueError) as error:
        raise CommandFailed(f"无法校准。\nThis cannot be calibrated: {error}") from error
    _print(done.judged)
    if unnamed:
        _err.print(
            f"分数文件未注明引擎，按 {engine} 的分数处理，请自行确认：{'、'.join(unnamed)}\n"
            f"These scores do not say which engine they are of; they are taken for {engine}'s, and whether they are is"
            f" yours to know: {', '.join(unnamed)}",
            style="yellow",
            markup=False,
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(done.calibration.to_json(), encoding="utf-8")
    _err.print(f"{out}: FMRs down to {done.calibration.measured_to:.2g} were measured, below it is extrapolated.")


def _folds(folds: Iterable[int]) -> Iterable[int]:
    from biometrics.scoring.held_out import FOLDS

    return tracked(folds, "Held-out people", FOLDS)


def _print(judged: "list[Finding]") -> None:
    from biometrics.scoring.held_out import unsupported
    from biometrics.scoring.support import interval_text, per_cent_text, rate_text

    table = Table(title="Judged on people who were not fitted on")
    for heading in ("set", "metric", "value", "95 % interval", "n"):
        table.add_column(heading, justify="left" if heading in {"set", "metric"} else "right", no_wrap=True)
    for one in judged:
        if one.in_bits:
            value, interval = f"{one.value:.4g} bit", "–"
        elif one.metric == "ece":
            # A mean distance, which may well be 0.
            value, interval = f"{per_cent_text(one.value)} %", "–"
        else:
            value, interval = f"{rate_text(one.value, one.n)} %", interval_text(one.low, one.high)
        table.add_row(one.set, one.metric, value, interval, f"{one.n:,}")
    Console(highlight=False, width=None if sys.stdout.isatty() else 120).print(table)
    for line in unsupported(judged):
        _err.print(line, markup=False)
