"""Commands that measure what a decision costs: its stages, more cores, memory, and other systems beside it."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.commands.app import app, run
from benchmarks.commands.options import Json, folder

Data = Annotated[
    Path | None, folder("Labelled faces/lfw and fingerprints; else the group photograph and generated prints.")
]


class Flow(StrEnum):
    """What a terminal sends: a face and a finger, or a film that answers a challenge as well."""

    COUNTER = "counter"
    KIOSK = "kiosk"


@app.command()
def share(
    seconds: Annotated[float, typer.Option(min=2, help="How long to load the service, for each flow.")] = 30,
    terminals: Annotated[int, typer.Option(min=1, help="Terminals that post at the same time.")] = 2,
    flows: Annotated[
        list[Flow] | None, typer.Option("--flow", help="Repeat it for several; both where none is named.")
    ] = None,
    data: Data = None,
    json_path: Json = None,
) -> None:
    """Where the CPU time of a decision goes, stage by stage, and the share of it that is raw model time."""
    named = [flow.value for flow in flows or Flow]
    run("service.share", seconds=seconds, terminals=terminals, flows=named, data=data, json_path=json_path)


@app.command()
def scaling(
    cores: Annotated[
        list[int] | None, typer.Option("--cores", min=1, help="Repeat it; the first is what others are held against.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=1, help="How long to load the service in a round.")] = 8,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; the numbers of cores take turns in each.")] = 5,
    json_path: Json = None,
) -> None:
    """Decisions a second on one core and on two, or as many as are named. Nothing else should run."""
    run("service.scaling", cores=cores or [1, 2], seconds=seconds, rounds=rounds, json_path=json_path)


@app.command()
def memory(json_path: Json = None) -> None:
    """What a worker's memory is made of: interpreter, libraries, networks, service, and what answers leave behind."""
    run("service.memory", json_path=json_path)
