"""Commands that measure searches among many."""

from pathlib import Path
from typing import Annotated

import typer

from api.duplicates.words import EngineName
from benchmarks.commands.app import app, run
from benchmarks.commands.options import Cache, Json


@app.command()
def gallery(
    size: Annotated[int, typer.Option(min=1_000, help="Entries of the gallery.")],
    dim: Annotated[int, typer.Option(min=32, help="Dimensions of a vector, a multiple of 32.")] = 128,
    probes: Annotated[int, typer.Option(min=10, help="Searches of each kind.")] = 1_000,
    seed: Annotated[int, typer.Option(min=0, help="Of everything that is drawn.")] = 1,
    json_path: Json = None,
) -> None:
    """Search of a face among many: latency, recall against an exact comparison, memory, changes, wear."""
    run("search.gallery", size=size, dim=dim, probes=probes, seed=seed, json_path=json_path)


@app.command("gallery-scatter")
def gallery_scatter(
    vectors: Annotated[Path, typer.Option(exists=True, dir_okay=False, metavar="NPZ", help="What `vectors` wrote.")],
    source: Annotated[str, typer.Option(help="What the pictures are, for the file.")],
    out: Annotated[Path, typer.Option(dir_okay=False, metavar="FILE", help="Written here.")],
) -> None:
    """Fit how real templates scatter, from which `gallery` draws its entries."""
    run("search.gallery_vectors", vectors=vectors, source=source, out=out)


@app.command()
def gallery_indexes(
    size: Annotated[int, typer.Option(min=2_000, help="Entries.")],
    dim: Annotated[int, typer.Option(min=32, help="Dimensions of a vector, a multiple of 32.")] = 128,
    probes: Annotated[int, typer.Option(min=10, help="Searches of each kind.")] = 300,
    seed: Annotated[int, typer.Option(min=0, help="Of everything that is drawn.")] = 1,
    json_path: Json = None,
) -> None:
    """FAISS's indexes and this project's codes side by side: recall, time, memory."""
    run("search.gallery_indexes", size=size, dim=dim, probes=probes, seed=seed, json_path=json_path)


@app.command()
def identification(
    vectors: Annotated[Path, typer.Option(exists=True, dir_okay=False, metavar="NPZ", help="What `vectors` wrote.")],
    sizes: Annotated[
        list[int] | None, typer.Option("--size", min=100, help="Entries of a gallery; repeat it for several.")
    ] = None,
    json_path: Json = None,
) -> None:
    """Accuracy of identification: FNIR at fixed FPIR in galleries of 10^3 to 10^6 faces, real ones and drawn ones."""
    asked = sizes or [1_000, 10_000, 100_000, 1_000_000]
    run("search.identification", vectors=vectors, sizes=asked, json_path=json_path)


@app.command()
def deduplication(
    records: Annotated[int, typer.Option(min=1_000, help="Records of the register.")],
    planted: Annotated[int, typer.Option(min=4, help="People with two records, both with fingers.")] = 1_000,
    threads: Annotated[int, typer.Option(min=1, help="Threads, each with a core of its own.")] = 2,
    seed: Annotated[int, typer.Option(min=0, help="Of everything that is drawn.")] = 1,
    vectors: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, metavar="NPZ", help="What `vectors` wrote: real faces among them."),
    ] = None,
    fingers: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, metavar="DIR", help="Sets of fingerprints, for the planted people."),
    ] = None,
    cache: Cache = None,
    state: Annotated[
        Path | None, typer.Option(file_okay=False, metavar="DIR", help="Keep all here, and go on with what is there.")
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Do only so many jobs in this run.")] = None,
    engine: Annotated[EngineName, typer.Option(help="What does the jobs: this process, or Ray's workers.")] = (
        EngineName.LOCAL
    ),
    json_path: Json = None,
) -> None:
    """A register searched against itself: time, recall of planted duplicates, false findings, twins."""
    run(
        "search.deduplication",
        records=records,
        planted=planted,
        threads=threads,
        seed=seed,
        vectors=vectors,
        fingers=fingers,
        cache=cache,
        state=state,
        jobs=jobs,
        engine=engine,
        json_path=json_path,
    )
