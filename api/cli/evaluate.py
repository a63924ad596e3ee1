"""`renzheng evaluate`: error rates of a score file, or of the engines on listed pairs of images."""

import os
import shlex
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from api.cli.client import KeyFile
from api.cli.evaluate_report import Wanted, of_site
from api.cli.failure import CommandFailed, guarded
from api.cli.progress import tracked

if TYPE_CHECKING:
    from api.evaluation.attempts import TransactionRate
    from api.evaluation.files import Scored
    from api.evaluation.report import Figure
    from api.evaluation.run import Run

EXAMPLES = (
    "Examples: renzheng evaluate --scores scores.csv --json rates.json"
    "\n\nrenzheng evaluate --modality finger --images prints --scores scores.csv --report out"
    "\n\nrenzheng evaluate --scores ours.csv --peer theirs=theirs.csv --groups groups.csv --report out"
    "\n\nrenzheng evaluate --evidence https://renzheng.example --key-file evaluator.key --report out"
)
_RUNNING = "Running an engine"
_REPORT = "Report"

_err = Console(stderr=True, highlight=False, soft_wrap=True)
_MODALITIES = Literal["face", "finger"]


@guarded
def evaluate(
    scores: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False,
            metavar="FILE",
            help="Comparison scores as CSV: reference, probe, mated (1 or 0), score (higher is more alike). They are"
            " read; with --images they are written. -inf, fta or fte for a score is a failure, rejected always. With"
            " the columns transaction and attempt, FAR and FRR of whole transactions are shown as well.",
        ),
    ] = None,
    distances: Annotated[
        bool,
        typer.Option(
            "--distances",
            help="The scores are distances: lower is more alike, and a failure is inf.",
        ),
    ] = False,
    pairs: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            metavar="FILE",
            help="Pairs to compare: CSV with the columns reference, probe, mated (1 or 0). Default: all of --images.",
            rich_help_panel=_RUNNING,
        ),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            file_okay=False,
            metavar="DIR",
            help="Folder that the names in --pairs start from; an ending such as .png may be left out there.",
            rich_help_panel=_RUNNING,
        ),
    ] = None,
    dpi: Annotated[
        float | None,
        typer.Option(
            min=100,
            max=2000,
            help="Resolution of the fingerprints. Default: what their files say, else 500.",
            rich_help_panel=_RUNNING,
        ),
    ] = None,
    modality: Annotated[
        _MODALITIES | None,
        typer.Option(
            help="Which engine to run, and how names tell subjects apart: a face's subject is its folder, a finger's"
            " is all before the last underscore. Default, for scores that are read: as their engine has it, or as the"
            " column mated agrees with the names; where both would do, it must be said.",
        ),
    ] = None,
    together: Annotated[
        Literal["any", "all", "sum"],
        typer.Option(
            help="Of scores with the columns transaction and attempt: how several comparisons of one attempt (fingers)"
            " become one: any suffices, all are asked for, or ratios that add up.",
        ),
    ] = "any",
    non_mated: Annotated[
        int,
        typer.Option(
            min=1, help="Without --pairs: at most so many non-mated pairs, drawn by --seed.", rich_help_panel=_RUNNING
        ),
    ] = 200_000,
    evidence: Annotated[
        str | None,
        typer.Option(
            metavar="URL|FILE",
            help="A live site by its evidence: the service's address (with the key of a regulator or an evaluator), or"
            " leaves as JSON Lines (.gz too). Needs --report.",
        ),
    ] = None,
    key_file: KeyFile = None,
    json_path: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the figures here as JSON.")
    ] = None,
    report_dir: Annotated[
        Path | None,
        typer.Option(
            "--report",
            file_okay=False,
            metavar="DIR",
            help="Write a page, report.html, that needs nothing else, and its plots as SVG and PNG.",
            rich_help_panel=_REPORT,
        ),
    ] = None,
    peer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=FILE",
            help="Scores of another engine on the same data, to be drawn beside; repeat it for more.",
            rich_help_panel=_REPORT,
        ),
    ] = None,
    groups: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            metavar="FILE",
            help="Groups of people: CSV with the column subject and one for each grouping (sex, age, scanner, …).",
            rich_help_panel=_REPORT,
        ),
    ] = None,
    quality: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            metavar="FILE",
            help="Qualities: CSV with the columns sample, quality. An engine that is run brings its own.",
            rich_help_panel=_REPORT,
        ),
    ] = None,
    calibration: Annotated[
        str | None,
        typer.Option(
            metavar="ENGINE|FILE",
            help="Calibration to judge on these scores. Default: the one of the engine that is run.",
            rich_help_panel=_REPORT,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of all that is drawn; the same seed, the same report.")] = 0,
) -> None:
    """Print error rates (ISO/IEC 19795-1) with 95 % intervals, of a score file or of an engine on images.

    EER; FMR100, FMR1000 and ZeroFMR: the FNMR at FMR 1 %, 0.1 % and 0; TAR at fixed FMRs; FTA and FTE: the share of
    images that could not be acquired, or were too poor for a template. Intervals draw subjects, not comparisons.
    A run with --scores that is interrupted goes on where it stopped when it is started again.
    """
    wanted = Wanted(report_dir, tuple(peer or ()), groups, quality, calibration, seed, scores)
    if evidence is not None:
        if report_dir is None or scores is not None or images is not None:
            raise typer.BadParameter(
                "--evidence 须与 --report 同用，不可与 --scores、--images 同用 / "
                "--evidence needs --report, and no --scores or --images"
            )
        of_site(evidence, key_file, report_dir)
    elif pairs is not None and (images is None or modality is None):
        raise typer.BadParameter("--pairs 须与 --images、--modality 同用 / --pairs needs --images and --modality")
    elif images is not None:
        if modality is None or distances:
            raise typer.BadParameter(
                "--images 须与 --modality 同用，不可与 --distances 同用 / --images needs --modality, and no --distances"
            )
        _of_images(pairs, images, modality, dpi, non_mated, scores, json_path, wanted)
    elif scores is not None:
        if dpi is not None:
            raise typer.BadParameter("--dpi 须与 --images 同用 / --dpi goes with --images")
        if not scores.is_file():
            raise typer.BadParameter(f"没有文件 {scores} / there is no file {scores}")
        _of_scores(scores, distances, modality, together, json_path, wanted)
    else:
        raise typer.BadParameter(
            "须给出 --scores、--images（及 --modality）或 --evidence / "
            "give --scores FILE, or --images DIR with --modality, or --evidence URL|FILE"
        )


def _of_scores(
    path: Path,
    distances: bool,
    modality: _MODALITIES | None,
    together: Literal["any", "all", "sum"],
    json_path: Path | None,
    wanted: Wanted,
) -> None:
    from api.evaluation import attempts, engines, files, report, subjects

    _require_writable(json_path)
    try:
        with _err.status("Reading the scores…"):
            rows = files.read_scores(path, distances=distances)
            engine = files.read_engine(path)
            tried = attempts.read_attempts(path)
        _require_both(row.pair.mated for row in rows)
        modality = modality or engines.modality_of(engine) or _read_as(rows, path.name)
        transactions = (
            attempts.transaction_rates(rows, tried, modality, together=together, seed=wanted.seed) if tried else []
        )
    except (files.FileMalformed, subjects.SubjectsUnclear, ValueError) as error:
        raise CommandFailed(f"所给文件无法评估。\nThis cannot be evaluated: {error}") from error
    failed, samples = subjects.failed_samples(rows)
    failures = [report.share(path.stem, rate, failed[rate], samples) for rate in ("fta", "fte") if failed]
    figures = _tell(path.stem, rows, modality, failures, json_path, transactions, distances=distances, seed=wanted.seed)
    wanted.write(path.stem, rows, modality, figures, engine=engine, distances=distances, transactions=transactions)


def _read_as(rows: "list[Scored]", name: str) -> _MODALITIES | None:
    """How the names tell subjects apart, told where names with folders left it open. Raises `SubjectsUnclear`."""
    from api.evaluation import subjects

    told = subjects.told_by_names(rows, name)
    if told is not None:
        how = {"face": "a subject is a folder", "finger": "a subject is all before the last underscore"}[told]
        _err.print(f"Names are read as those of {told}s: {how}. It agrees best with the column mated; --modality says.")
    return told


def _of_images(
    path: Path | None,
    images: Path,
    modality: _MODALITIES,
    dpi: float | None,
    non_mated: int,
    scores: Path | None,
    json_path: Path | None,
    wanted: Wanted,
) -> None:
    from api.evaluation import engines, files, kept, listing, report, run
    from api.settings import Settings

    settings = Settings()
    _require_writable(scores)
    _require_writable(json_path)
    unfinished: kept.Kept | None = None
    try:
        if path is not None:
            listed = files.read_pairs(path)
        else:
            listed = listing.pairs_below(images, modality, most=non_mated, seed=wanted.seed)
        _require_both(pair.mated for pair in listed)
        with _err.status("Opening the engine…"):
            engine = engines.open_engine(modality, settings.home, dpi=dpi)
        _err.print(f"{engine.name}: {len(listed):,} pairs", markup=False)
        # Only a run whose scores are written has a place of its own to be taken up from.
        if scores is not None and engine.dump is not None:
            unfinished = kept.Kept(scores.with_name(f"{scores.name}.unfinished"), engine)
            _tell_kept(unfinished.done, "there from an interrupted run, which goes on")
        done = run.score_pairs(
            engine, listed, images, threads=settings.compute_threads, progress=tracked, kept=unfinished
        )
    except KeyboardInterrupt:
        if unfinished is not None:
            _tell_kept(unfinished.done, "kept; the same command goes on from there")
        raise
    except (files.FileMalformed, run.ImagesMissing) as error:
        raise CommandFailed(f"所给文件无法评估。\nThis cannot be evaluated: {error}") from error
    if scores is not None:
        files.write_scores(scores, done.scored, engine=engine.name)
    if unfinished is not None:
        unfinished.discard()
    _tell_failures(done)
    name = images.resolve().name
    failures = [report.share(name, rate, done.failed(rate), done.images) for rate in ("fta", "fte")]
    figures = _tell(name, done.scored, modality, failures, json_path, seed=wanted.seed)
    wanted.write(name, done.scored, modality, figures, engine=engine.name, done=done)


def _tell(
    name: str,
    rows: "list[Scored]",
    modality: _MODALITIES | None,
    failures: "list[Figure]",
    json_path: Path | None,
    transactions: "Sequence[TransactionRate]" = (),
    *,
    seed: int,
    distances: bool = False,
) -> "list[Figure]":
    """Print the figures, and what is to be known to judge them; gives all of them."""
    from api.evaluation import report, subjects

    comparisons = subjects.comparisons_of(rows, modality)
    _warn(rows, modality)
    with _err.status("Drawing subjects for the intervals…"):
        figures = [*report.rates(name, comparisons, seed=seed), *failures]
    out = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    mated, non_mated, people = len(comparisons.mated), len(comparisons.non_mated), comparisons.subjects
    out.print(f"{name}: {mated:,} mated and {non_mated:,} non-mated comparisons of {people:,} subjects", markup=False)
    out.print(report.table(figures, comparisons, distances=distances))
    if transactions:
        out.print(_transactions(transactions))
    for line in report.thin(figures, comparisons):
        _err.print(line, style="yellow", markup=False)
    if json_path is not None:
        every = [*figures, *(one.figure(name) for one in transactions)]
        report.write(json_path, every, command=shlex.join(["renzheng", *sys.argv[1:]]))
    return figures


def _transactions(rates: "Sequence[TransactionRate]") -> Table:
    from api.evaluation.attempts import shown

    columns, rows = shown(rates)
    table = Table(title="Whole transactions")
    for column in columns:
        table.add_column(column, justify="left" if column == "rate" else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


def _warn(rows: "list[Scored]", modality: _MODALITIES | None) -> None:
    from api.evaluation import subjects
    from api.evaluation.files import FAILED

    failed = sum(row.score == FAILED for row in rows)
    if failed:
        _err.print(f"{failed:,} comparisons failed; they count as rejected at every threshold.")
    repeated = len(rows) - len({(row.pair.reference, row.pair.probe) for row in rows})
    if repeated:
        _err.print(f"{repeated:,} pairs are listed more than once; each counts as often as it stands.", style="yellow")
    misfits = subjects.misfits(rows, modality)
    for count, kind, subject in (
        (misfits.mated, "mated", "two subjects"),
        (misfits.non_mated, "non-mated", "one subject"),
    ):
        if count:
            _err.print(
                f"{count:,} {kind} pairs have {subject} by their names (--modality): do not trust the intervals.",
                style="yellow",
            )


def _tell_kept(images: int, words: str) -> None:
    if images:
        _err.print(f"Templates of {images:,} images are {words}.", markup=False)


def _tell_failures(done: "Run") -> None:
    for failure, count in sorted(done.failures.items(), key=lambda item: (item[0].rate, item[0].reason)):
        _err.print(f"{count:,} of {done.images:,} images: {failure.reason} ({failure.rate})", markup=False)


def _require_both(mated: Iterable[bool]) -> None:
    found = set(mated)
    for side, word in ((True, "mated"), (False, "non-mated")):
        if side not in found:
            raise CommandFailed(
                f"文件中没有{'同人' if side else '异人'}比对对；错误率需要两类。\n"
                f"The file lists no {word} pair; error rates need both kinds."
            )


def _require_writable(path: Path | None) -> None:
    """Fail before the work rather than after it."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            raise CommandFailed(f"{path} 无法写入。\n{path} cannot be written.")
