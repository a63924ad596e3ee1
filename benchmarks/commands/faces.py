"""Commands that measure the face engine."""

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.commands.app import app, run
from benchmarks.commands.options import Embeddings, Images, Json, Pairs, Scores, folder


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
    run(
        "face.accuracy",
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
    run("face.quality", images=images, pairs=pairs, cache=cache, json_path=json_path)


@app.command("face-card")
def face_card(
    images: Images,
    pairs: Pairs,
    cache: Embeddings = None,
    json_path: Json = None,
) -> None:
    """References as a chip holds them and probes of a cheap camera: what they cost, with statistics for them or not."""
    run("face.card", images=images, pairs=pairs, cache=cache, json_path=json_path)


@app.command("face-enrolment")
def face_enrolment(
    images: Annotated[Path, folder("Folder with a folder of pictures for each person.")],
    cache: Embeddings = None,
    json_path: Json = None,
) -> None:
    """What several reference pictures of a person are worth in one template."""
    run("face.enrolment", images=images, cache=cache, json_path=json_path)


@app.command("face-unlinkability")
def face_unlinkability(
    images: Annotated[Path, folder("Folder with a folder of pictures for each person.")],
    cache: Embeddings = None,
    json_path: Json = None,
) -> None:
    """Whether faces under one deployment's rotation can be linked with those under another's: D_sys."""
    run("face.unlinkability", images=images, cache=cache, json_path=json_path)


@app.command("face-liveness")
def face_liveness(
    bursts: Annotated[int, typer.Option(min=10, help="Simulated bursts of each kind.")] = 500,
    images: Annotated[
        Path | None, folder("Labelled pictures: films made of some of them are judged too, and the passive pack.")
    ] = None,
    films: Annotated[int, typer.Option(min=5, help="Films of each kind, each of another person.")] = 40,
    json_path: Json = None,
) -> None:
    """Liveness on simulated bursts, films and pictures: APCER of each kind of attack, and BPCER."""
    run("face.liveness", bursts=bursts, json_path=json_path, images=images, films=films)


@app.command("face-speed")
def face_speed(
    images: Annotated[Path, folder("Folder with a folder of pictures for each person; captures are made of some.")],
    json_path: Json = None,
) -> None:
    """What a face template costs from the picture file on, and where the time goes."""
    run("face.speed", images=images, json_path=json_path)


@app.command("face-statistics")
def face_statistics(
    images: Annotated[Path, folder("Folder with a folder of pictures for each person.")],
    out: Annotated[Path, typer.Option(metavar="SAFETENSORS", help="The statistics are written here.")],
    cache: Embeddings = None,
) -> None:
    """Fit the statistics of embeddings that the face engine ships, to everybody in the folder."""
    run("face.statistics", images=images, out=out, cache=cache)
