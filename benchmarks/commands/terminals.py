"""Commands that measure what terminals hold."""

from typing import Annotated

import typer

from benchmarks.commands.app import app, run
from benchmarks.commands.options import Json


@app.command()
def snapshot(
    sizes: Annotated[str, typer.Option(help="How many invalid cards; several with commas.")] = "1e5,1e6,1e7",
    json_path: Json = None,
) -> None:
    """The filter of the invalid cards: size, errors, what it costs to build and to ask."""
    run("feed.snapshot", sizes=sizes, json_path=json_path)
