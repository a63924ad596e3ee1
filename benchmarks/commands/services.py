"""Commands that measure the service and its storage."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from benchmarks.commands.app import app, run
from benchmarks.commands.options import Json, folder


@app.command()
def service(
    seconds: Annotated[float, typer.Option(min=1, help="How long to load the service.")] = 30,
    terminals: Annotated[int, typer.Option(min=1, help="Terminals that post at the same time.")] = 4,
    data: Annotated[
        Path | None, folder("Labelled faces/lfw and fingerprints; else the group photograph and generated prints.")
    ] = None,
    json_path: Json = None,
) -> None:
    """Verifications per second and latency of the running service, and the share that is raw model time."""
    run("service.rate", seconds=seconds, terminals=terminals, data=data, json_path=json_path)


@app.command()
def counter(
    answers: Annotated[int, typer.Option(min=1, help="How many answers to wait for.")] = 20,
    json_path: Json = None,
) -> None:
    """From the teller's click to the answer on the counter's page, in Chromium before a real service."""
    run("service.counter", answers=answers, json_path=json_path)


@app.command()
def overload(
    seconds: Annotated[float, typer.Option(min=5, help="How long each phase lasts; there are four.")] = 20,
    data: Annotated[
        Path | None, folder("Labelled faces/lfw and fingerprints; else the group photograph and generated prints.")
    ] = None,
    json_path: Json = None,
) -> None:
    """Four times the verifications that the service can answer: latency of the accepted, goodput, and recovery."""
    run("service.overload", seconds=seconds, data=data, json_path=json_path)


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
    given = {"seconds": seconds, "writers": writers, "threads": threads, "leaves": leaves, "form": form}
    run("evidence.rate", **given, json_path=json_path)


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
    run(
        "registry.rate",
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
    pause: Annotated[
        float, typer.Option(min=0.1, metavar="SECONDS", help="Between one fault and the next, in the mean.")
    ] = 1.0,
    state: Annotated[
        Path | None,
        typer.Option(file_okay=False, metavar="DIR", help="Keep the run here, and go on with the one that is kept."),
    ] = None,
    json_path: Json = None,
) -> None:
    """Whether any verification passes after an acknowledged loss report while anything is killed, paused, cut off."""
    run("service.faults", operations=operations, seed=seed, pause=pause, state=state, json_path=json_path)


@app.command()
def propagation(
    terminals: Annotated[int, typer.Option(min=2, help="Terminals that hold a stream open.")] = 1000,
    seconds: Annotated[float, typer.Option(min=2, help="How long to post changes of status.")] = 120,
    rate: Annotated[float, typer.Option(min=0.1, help="Changes of status a second.")] = 5,
    kill: Annotated[bool, typer.Option(help="Kill a replica in the middle.")] = True,
    json_path: Json = None,
) -> None:
    """Time from the commit of a change of status to every terminal, and whether any is lost or told twice."""
    run("feed.propagation", terminals=terminals, seconds=seconds, rate=rate, kill=kill, json_path=json_path)
