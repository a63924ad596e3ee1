"""Commands that measure the fingerprint engine."""

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.commands.app import app, run
from benchmarks.commands.options import Cache, Json, Scores, folder


@app.command()
def fingerprint(
    data: Annotated[Path, folder("One set of <finger>_<impression>.<ext>, or a parent of sets.")],
    scores: Scores = None,
    json_path: Json = None,
) -> None:
    """Accuracy and speed of the fingerprint engine: all mated pairs, every cross-finger pair as non-mated."""
    run("finger.accuracy", data=data, scores=scores, json_path=json_path)


@app.command("finger-search")
def finger_search(
    data: Annotated[Path, folder("One set of <finger>_<impression>.<ext>, or a parent of sets.")],
    references: Annotated[
        int, typer.Option(min=1, help="Fill the gallery up to so many with synthetic fingers.")
    ] = 11000,
    cache: Cache = None,
    json_path: Json = None,
) -> None:
    """Search a finger among many: recall of the first stage and of the whole search, speed and memory."""
    run("finger.search", data=data, references=references, cache=cache, json_path=json_path)


@app.command("finger-sketch")
def finger_sketch(
    data: Annotated[Path, folder("One set of <finger>_<impression>.<ext>, or a parent of sets.")],
    cache: Cache = None,
    scores: Annotated[
        Path | None, typer.Option("--scores", file_okay=False, metavar="DIR", help="Write every likeness here as CSV.")
    ] = None,
    json_path: Json = None,
) -> None:
    """Sketches of fingers, which a search for duplicates compares first: error and cost."""
    run("finger.sketch", data=data, cache=cache, scores=scores, json_path=json_path)


@app.command("finger-quality")
def finger_quality(
    data: Annotated[Path, folder("One set of <finger>_<impression>.<ext>, or a parent of sets.")],
    cache: Cache = None,
    json_path: Json = None,
    picture: Annotated[
        Path | None, typer.Option(dir_okay=False, metavar="FILE", help="Draw the curves here as PNG.")
    ] = None,
) -> None:
    """Whether quality predicts error: error against the share of captures discarded, and the best finger first."""
    run("finger.quality", data=data, cache=cache, json_path=json_path, picture=picture)


@app.command("finger-enrolment")
def finger_enrolment(
    data: Annotated[Path, folder("One set of <finger>_<impression>.<ext>, or a parent of sets.")],
    cache: Cache = None,
    json_path: Json = None,
) -> None:
    """What several impressions, consolidated or compared one by one, and two fingers add to accuracy."""
    run("finger.enrolment", data=data, cache=cache, json_path=json_path)


@app.command("finger-held-out")
def finger_held_out(
    data: Annotated[Path, folder("A parent of sets of <finger>_<impression>.<ext>.")],
    cache: Cache = None,
    json_path: Json = None,
) -> None:
    """Accuracy with weights fitted on other sensors, and on other fingers, than those that they are judged on."""
    run("finger.held_out", data=data, cache=cache, json_path=json_path)


@app.command()
def interchange(
    data: Annotated[
        Path, folder("Folder with sets of captures in fingerprints and other tools' templates in templates.")
    ],
    cache: Annotated[
        Path | None,
        typer.Option(file_okay=False, metavar="DIR", help="Keep our templates here from one run to the next."),
    ] = None,
    json_path: Json = None,
) -> None:
    """What other tools' finger templates are worth, and what ours lose in other formats and in fewer bytes."""
    run("finger.interchange", data=data, cache=cache, json_path=json_path)
