"""`python -m benchmarks NAME ...`: measure, print a table, write JSON and scores."""

from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

app = typer.Typer(
    help="Measure accuracy, speed and load. Each command prints a table and shows progress.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Json = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the figures here as JSON.")]
Vectors = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        metavar="NPZ",
        help="What `vectors` wrote: the cosines of all pairs of different persons are the non-mated scores.",
    ),
]
LabelNoise = Annotated[float, typer.Option(min=0, max=0.01, help="Share of non-mated pairs that may be mislabelled.")]
Embeddings = Annotated[
    Path | None,
    typer.Option(
        dir_okay=False,
        metavar="NPZ",
        help="Embeddings are read from here if it is there, else written. Delete it after any change.",
    ),
]
Scores = Annotated[
    Path | None, typer.Option("--scores", metavar="FILE", help="Write every comparison score here as CSV.")
]


def _folder(help_text: str) -> Any:
    return typer.Option(exists=True, file_okay=False, metavar="DIR", help=help_text)


Images = Annotated[Path, _folder("Folder that the picture paths in PAIRS start from.")]
Pairs = Annotated[
    Path,
    typer.Option(exists=True, dir_okay=False, metavar="CSV", help="Columns reference, probe, mated (1 or 0)."),
]


def _run(benchmark: str, /, **arguments: object) -> None:
    """Import one benchmark only when it is asked for, so that a broken one doesn't stop the others."""
    try:
        module = import_module(f"benchmarks.{benchmark}")
    except ImportError as error:
        typer.echo(f"The benchmark {benchmark!r} cannot be loaded: {error}", err=True)
        raise typer.Exit(3) from error
    module.run(**arguments)


@app.command()
def fingerprint(
    data: Annotated[Path, _folder("One set of <finger>_<impression>.<ext>, or a parent of sets.")],
    scores: Scores = None,
    json_path: Json = None,
) -> None:
    """Accuracy and speed of the fingerprint engine: all mated pairs, every cross-finger pair as non-mated."""
    _run("fingerprint", data=data, scores=scores, json_path=json_path)


Cache = Annotated[
    Path | None,
    typer.Option(file_okay=False, metavar="DIR", help="Keep templates here from one run to the next."),
]


@app.command("finger-search")
def finger_search(
    data: Annotated[Path, _folder("One set of <finger>_<impression>.<ext>, or a parent of sets.")],
    references: Annotated[
        int, typer.Option(min=1, help="Fill the gallery up to so many with synthetic fingers.")
    ] = 11000,
    cache: Cache = None,
    json_path: Json = None,
) -> None:
    """Search a finger among many: recall of the first stage and of the whole search, speed and memory."""
    _run("finger_search", data=data, references=references, cache=cache, json_path=json_path)


@app.command("finger-quality")
def finger_quality(
    data: Annotated[Path, _folder("One set of <finger>_<impression>.<ext>, or a parent of sets.")],
    cache: Cache = None,
    json_path: Json = None,
    picture: Annotated[
        Path | None, typer.Option(dir_okay=False, metavar="FILE", help="Draw the curves here as PNG.")
    ] = None,
) -> None:
    """Whether quality predicts error: error against the share of captures discarded, and the best finger first."""
    _run("finger_quality", data=data, cache=cache, json_path=json_path, picture=picture)


@app.command("finger-enrolment")
def finger_enrolment(
    data: Annotated[Path, _folder("One set of <finger>_<impression>.<ext>, or a parent of sets.")],
    cache: Cache = None,
    json_path: Json = None,
) -> None:
    """What several impressions, consolidated or compared one by one, and two fingers add to accuracy."""
    _run("finger_enrolment", data=data, cache=cache, json_path=json_path)


@app.command("finger-held-out")
def finger_held_out(
    data: Annotated[Path, _folder("A parent of sets of <finger>_<impression>.<ext>.")],
    cache: Cache = None,
    json_path: Json = None,
) -> None:
    """Accuracy with weights fitted on other sensors, and on other fingers, than those that they are judged on."""
    _run("finger_held_out", data=data, cache=cache, json_path=json_path)


@app.command()
def interchange(
    data: Annotated[
        Path, _folder("Folder with sets of captures in fingerprints and other tools' templates in templates.")
    ],
    cache: Annotated[
        Path | None,
        typer.Option(file_okay=False, metavar="DIR", help="Keep our templates here from one run to the next."),
    ] = None,
    json_path: Json = None,
) -> None:
    """What other tools' finger templates are worth, and what ours lose in other formats and in fewer bytes."""
    _run("interchange", data=data, cache=cache, json_path=json_path)


@app.command()
def face(
    images: Images,
    pairs: Pairs,
    cross: Annotated[
        bool, typer.Option("--cross", help="Compare every picture with those of all other people too.")
    ] = False,
    scores: Scores = None,
    json_path: Json = None,
    cache: Embeddings = None,
    sheet: Annotated[
        Path | None, typer.Option(file_okay=False, metavar="DIR", help="Write pictures of the hardest pairs here.")
    ] = None,
    pack: Annotated[str, typer.Option(help="sface, insightface:NAME, or a TOML file (see docs/faces.md).")] = "sface",
) -> None:
    """Accuracy and speed of the face engine on listed pairs; with --cross on all non-mated pairs as well."""
    _run(
        "face",
        images=images,
        pairs=pairs,
        cross=cross,
        scores=scores,
        json_path=json_path,
        cache=cache,
        sheet=sheet,
        pack=pack,
    )


@app.command("face-quality")
def face_quality(
    images: Images,
    pairs: Pairs,
    cache: Embeddings = None,
    json_path: Json = None,
) -> None:
    """Whether a face's quality predicts error: FNMR against the share of comparisons that is turned away."""
    _run("face_quality", images=images, pairs=pairs, cache=cache, json_path=json_path)


@app.command("face-card")
def face_card(
    images: Images,
    pairs: Pairs,
    cache: Embeddings = None,
    json_path: Json = None,
) -> None:
    """References as a chip holds them and probes of a cheap camera: what they cost, with statistics for them or not."""
    _run("face_card", images=images, pairs=pairs, cache=cache, json_path=json_path)


@app.command("face-enrolment")
def face_enrolment(
    images: Annotated[Path, _folder("Folder with a folder of pictures for each person.")],
    cache: Embeddings = None,
    json_path: Json = None,
) -> None:
    """What several reference pictures of a person are worth in one template."""
    _run("face_enrolment", images=images, cache=cache, json_path=json_path)


@app.command("face-liveness")
def face_liveness(
    bursts: Annotated[int, typer.Option(min=10, help="Simulated bursts of each kind.")] = 500,
    images: Annotated[
        Path | None, _folder("Labelled pictures: films made of some of them are judged too, and the passive pack.")
    ] = None,
    films: Annotated[int, typer.Option(min=5, help="Films of each kind, each of another person.")] = 40,
    json_path: Json = None,
) -> None:
    """Liveness on simulated bursts, films and pictures: APCER of each kind of attack, and BPCER."""
    _run("face_liveness", bursts=bursts, json_path=json_path, images=images, films=films)


@app.command("face-speed")
def face_speed(
    images: Annotated[Path, _folder("Folder with a folder of pictures for each person; captures are made of some.")],
    json_path: Json = None,
) -> None:
    """What a face template costs from the picture file on, and where the time goes."""
    _run("face_speed", images=images, json_path=json_path)


@app.command("face-statistics")
def face_statistics(
    images: Annotated[Path, _folder("Folder with a folder of pictures for each person.")],
    out: Annotated[Path, typer.Option(metavar="NPZ", help="The statistics are written here.")],
    cache: Embeddings = None,
) -> None:
    """Fit the statistics of embeddings that the face engine ships, to everybody in the folder."""
    _run("face_statistics", images=images, out=out, cache=cache)


@app.command()
def service(
    seconds: Annotated[float, typer.Option(min=1, help="How long to load the service.")] = 30,
    terminals: Annotated[int, typer.Option(min=1, help="Terminals that post at the same time.")] = 4,
    data: Annotated[
        Path | None, _folder("Labelled faces/lfw and fingerprints; else the group photograph and generated prints.")
    ] = None,
    json_path: Json = None,
) -> None:
    """Verifications per second and latency of the running service, and the share that is raw model time."""
    _run("service", seconds=seconds, terminals=terminals, data=data, json_path=json_path)


@app.command()
def evidence(
    seconds: Annotated[float, typer.Option(min=1, help="How long to load the log.")] = 30,
    writers: Annotated[int, typer.Option(min=1, help="Processes that commit acts.")] = 2,
    threads: Annotated[int, typer.Option(min=1, help="Threads, each with a connection, of a writer.")] = 4,
    leaves: Annotated[int, typer.Option(min=0, help="Fill the log with so many leaves first.")] = 0,
    form: Annotated[
        Literal["statement", "transaction"], typer.Option(help="How an act is committed; see the benchmark.")
    ] = "statement",
    json_path: Json = None,
) -> None:
    """Durable appends per second into the evidence log, and the time that an inclusion proof takes."""
    _run("evidence", seconds=seconds, writers=writers, threads=threads, leaves=leaves, form=form, json_path=json_path)


@app.command()
def registry(
    cards: Annotated[
        list[int], typer.Option(min=1000, help="Cards of the register; repeat it to compare sizes with each other.")
    ],
    state: Annotated[Path, typer.Option(file_okay=False, metavar="DIR", help="Keep the loaded registers here.")],
    events: Annotated[
        int | None, typer.Option(min=1, help="Status events beside the registrations; else one for ten cards.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=1, help="How long to load a register in a round.")] = 10,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; sizes take turns in each.")] = 3,
    workers: Annotated[int, typer.Option(min=1, help="Processes that decide.")] = 2,
    threads: Annotated[int, typer.Option(min=1, help="Threads, each a terminal, of a worker.")] = 4,
    json_path: Json = None,
) -> None:
    """Decisions per second on registers of many cards, in process and over HTTP, and whether the cost is flat."""
    _run(
        "registry",
        cards=cards,
        events=events,
        seconds=seconds,
        rounds=rounds,
        workers=workers,
        threads=threads,
        state=state,
        json_path=json_path,
    )


@app.command()
def faults(
    operations: Annotated[int, typer.Option(min=1, help="Verifications, reports and registrations in all.")] = 20_000,
    seed: Annotated[int, typer.Option(min=0, help="What the clients do and what goes wrong is drawn from it.")] = 1,
    state: Annotated[
        Path | None,
        typer.Option(file_okay=False, metavar="DIR", help="Keep the run here, and go on with the one that is kept."),
    ] = None,
    json_path: Json = None,
) -> None:
    """Whether any verification passes after an acknowledged loss report while anything is killed, paused, cut off."""
    _run("faults", operations=operations, seed=seed, state=state, json_path=json_path)


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
    _run(
        "calibrate",
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
    images: Annotated[Path, _folder("Folder with a folder of pictures for each person.")],
    out: Annotated[Path, typer.Option(metavar="NPZ", help="The templates are written here.")],
    cache: Embeddings = None,
) -> None:
    """Extract the templates of all pictures, for `calibrate` and `chimeric`."""
    _run("vectors", images=images, out=out, cache=cache)


@app.command()
def fusion(
    scores: Annotated[Path, _folder("One square matrix <matcher>.csv a matcher; first row and column: subjects.")],
    splits: Annotated[int, typer.Option(min=1, help="How often the subjects are halved.")] = 20,
    matchers: Annotated[
        str | None, typer.Option(metavar="A,B", help="Only these matchers, by the stems of their files.")
    ] = None,
    json_path: Json = None,
) -> None:
    """Fuse the scores of several matchers: fitted on one half of the subjects, judged on the other."""
    chosen = None if matchers is None else [name.strip() for name in matchers.split(",") if name.strip()]
    try:
        _run("fusion", scores=scores, splits=splits, matchers=chosen, json_path=json_path)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


@app.command("fusion-rules")
def fusion_rules(
    worlds: Annotated[int, typer.Option(min=1, max=12, help="How many simulated worlds.")] = 12,
    json_path: Json = None,
) -> None:
    """Compare ways to fuse scores in simulated worlds; for what the rule of `fusion` was chosen."""
    _run("fusion_rules", worlds=worlds, json_path=json_path)


@app.command("quality-inputs")
def quality_inputs(
    out: Annotated[Path, typer.Option(file_okay=False, metavar="DIR", help="The files are written here.")],
    fingers: Annotated[Path | None, _folder("One set of <finger>_<impression>.<ext>, or a parent of sets.")] = None,
    cache: Cache = None,
    images: Annotated[Path | None, _folder("Folder that the picture paths in PAIRS start from.")] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, metavar="CSV", help="Columns reference, probe, mated (1 or 0)."),
    ] = None,
    embeddings: Embeddings = None,
    non_mated: Annotated[int, typer.Option(min=1, help="So many non-mated pairs of faces are drawn.")] = 400_000,
) -> None:
    """Write what `quality-side` reads: qualities of fingers and faces, and scores of drawn pairs of faces."""
    _run(
        "quality_inputs",
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
        _run("quality_side", scores=scores, quality=quality, json_path=json_path)
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
    _run(
        "fusion_alike",
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
    _run(
        "chimeric",
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
        "benchmarks/lists"
    ),
) -> None:
    """Write who is fitted on and who is judged, as hashes of the subjects of each set."""
    _run("fitting_lists", scores=scores, vectors=vectors, out=out)


@app.command("rates-speed")
def rates_speed(
    count: Annotated[int, typer.Option(min=10_000, help="How many comparison scores.")] = 100_000_000,
    json_path: Json = None,
) -> None:
    """Time and memory of error rates, DET curve and intervals of very many scores."""
    _run("rates_speed", count=count, json_path=json_path)


@app.command()
def markdown(
    json_path: Annotated[Path, typer.Argument(exists=True, dir_okay=False, metavar="FILE", help="What --json wrote.")],
    metric: Annotated[list[str] | None, typer.Option(help="Only these metrics.")] = None,
) -> None:
    """Print a benchmark's JSON as a section of RESULTS.md."""
    _run("markdown", json_path=json_path, metrics=metric)


if __name__ == "__main__":
    app(prog_name="python -m benchmarks")
