"""Commands that calibrate and fuse, and judge both."""

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.commands.app import app, run
from benchmarks.commands.options import Cache, Embeddings, Json, LabelNoise, Vectors, folder


@app.command()
def calibrate(
    engine: Annotated[str, typer.Option(help="The engine's id and version, such as sface-2.")],
    scores: Annotated[
        list[Path],
        typer.Option(exists=True, dir_okay=False, metavar="FILE", help="Scores of one set as CSV; repeat it for more."),
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The calibration is written here.")],
    vectors: Vectors = None,
    label_noise: LabelNoise = 0.0,
    pack: Annotated[str | None, typer.Option(help="Model pack of the engine, noted in the provenance.")] = None,
    note: Annotated[str | None, typer.Option(help="A remark for the provenance.")] = None,
    json_path: Json = None,
) -> None:
    """Fit an engine's calibration to its scores, and judge it on people that it was not fitted on."""
    run(
        "scores.calibrate",
        engine=engine,
        scores=scores,
        vectors=vectors,
        label_noise=label_noise,
        pack=pack,
        note=note,
        out=out,
        json_path=json_path,
    )


@app.command()
def vectors(
    images: Annotated[Path, folder("Folder with a folder of pictures for each person.")],
    out: Annotated[Path, typer.Option(metavar="NPZ", help="The templates are written here.")],
    cache: Embeddings = None,
) -> None:
    """Extract the templates of all pictures, for `calibrate` and `chimeric`."""
    run("scores.vectors", images=images, out=out, cache=cache)


@app.command()
def fusion(
    scores: Annotated[Path, folder("One square matrix <matcher>.csv a matcher; first row and column: subjects.")],
    splits: Annotated[int, typer.Option(min=1, help="How often the subjects are halved.")] = 20,
    matchers: Annotated[
        str | None, typer.Option(metavar="A,B", help="Only these matchers, by the stems of their files.")
    ] = None,
    json_path: Json = None,
) -> None:
    """Fuse the scores of several matchers: fitted on one half of the subjects, judged on the other."""
    chosen = None if matchers is None else [name.strip() for name in matchers.split(",") if name.strip()]
    try:
        run("scores.fusion", scores=scores, splits=splits, matchers=chosen, json_path=json_path)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


@app.command("fusion-rules")
def fusion_rules(
    worlds: Annotated[int, typer.Option(min=1, max=12, help="How many simulated worlds.")] = 12,
    json_path: Json = None,
) -> None:
    """Compare ways to fuse scores in simulated worlds; for what the rule of `fusion` was chosen."""
    run("scores.fusion_rules", worlds=worlds, json_path=json_path)


@app.command("quality-inputs")
def quality_inputs(
    out: Annotated[Path, typer.Option(file_okay=False, metavar="DIR", help="The files are written here.")],
    fingers: Annotated[Path | None, folder("One set of <finger>_<impression>.<ext>, or a parent of sets.")] = None,
    cache: Cache = None,
    images: Annotated[Path | None, folder("Folder that the picture paths in PAIRS start from.")] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, metavar="CSV", help="Columns reference, probe, mated (1 or 0)."),
    ] = None,
    embeddings: Embeddings = None,
    non_mated: Annotated[int, typer.Option(min=1, help="So many non-mated pairs of faces are drawn.")] = 400_000,
) -> None:
    """Write what `quality-side` reads: qualities of fingers and faces, and scores of drawn pairs of faces."""
    run(
        "scores.quality_inputs",
        out=out,
        fingers=fingers,
        cache=cache,
        images=images,
        pairs=pairs,
        embeddings=embeddings,
        non_mated=non_mated,
    )


@app.command("quality-side")
def quality_side(
    scores: Annotated[
        list[Path],
        typer.Option(exists=True, dir_okay=False, metavar="FILE", help="Scores of one set as CSV; repeat it for more."),
    ],
    quality: Annotated[
        list[Path],
        typer.Option(exists=True, dir_okay=False, metavar="FILE", help="CSV of sample and quality, one for each set."),
    ],
    json_path: Json = None,
) -> None:
    """Whether quality beside the score makes log-likelihood ratios better, on people who were not fitted on."""
    try:
        run("scores.quality_side", scores=scores, quality=quality, json_path=json_path)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


@app.command("fusion-alike")
def fusion_alike(
    splits: Annotated[int, typer.Option(min=1, help="How often the people of each set are halved.")] = 6,
    search: Annotated[
        bool, typer.Option("--search", help="Look for the alike sets again; takes half an hour.")
    ] = False,
    absurd: Annotated[int, typer.Option(min=0, help="So many non-mated scores of one matcher are 1e9.")] = 0,
    absurd_mated: Annotated[int, typer.Option(min=0, max=517, help="So many mated scores of it are 1e9.")] = 0,
    json_path: Json = None,
) -> None:
    """Compare ways to fuse scores on simulated sets of 517 people that are alike to what is published of BSSR1."""
    run(
        "scores.fusion_alike",
        splits=splits,
        search=search,
        json_path=json_path,
        absurd=absurd,
        absurd_mated=absurd_mated,
    )


@app.command()
def chimeric(
    face_scores: Annotated[Path, typer.Option(exists=True, dir_okay=False, metavar="FILE", help="Face scores as CSV.")],
    finger_scores: Annotated[
        list[Path],
        typer.Option(exists=True, dir_okay=False, metavar="FILE", help="Fingers' scores of one set; repeat for more."),
    ],
    vectors: Vectors = None,
    label_noise: LabelNoise = 0.0,
    json_path: Json = None,
) -> None:
    """Check the stated FMR of face, fingers and both on chimeric persons that the calibration has not seen."""
    run(
        "scores.chimeric",
        face_scores=face_scores,
        vectors=vectors,
        finger_scores=finger_scores,
        label_noise=label_noise,
        json_path=json_path,
    )


@app.command("fitting-lists")
def fitting_lists(
    scores: Annotated[
        list[Path],
        typer.Option(exists=True, dir_okay=False, metavar="FILE", help="Scores of one set as CSV; repeat it for more."),
    ],
    vectors: Vectors = None,
    out: Annotated[Path, typer.Option(file_okay=False, metavar="DIR", help="Where the lists are written.")] = Path(
        "benchmarks/scores/lists"
    ),
) -> None:
    """Write who is fitted on and who is judged, as hashes of the subjects of each set."""
    run("scores.fitting_lists", scores=scores, vectors=vectors, out=out)


@app.command("rates-speed")
def rates_speed(
    count: Annotated[int, typer.Option(min=10_000, help="How many comparison scores.")] = 100_000_000,
    json_path: Json = None,
) -> None:
    """Time and memory of error rates, DET curve and intervals of very many scores."""
    run("scores.rates_speed", count=count, json_path=json_path)
