"""Commands that show what others measured."""

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.commands.app import app, run


@app.command()
def markdown(
    json_path: Annotated[Path, typer.Argument(exists=True, dir_okay=False, metavar="FILE", help="What --json wrote.")],
    metric: Annotated[list[str] | None, typer.Option(help="Only these metrics.")] = None,
) -> None:
    """Print a benchmark's JSON as a section of RESULTS.md."""
    run("common.markdown", json_path=json_path, metrics=metric)
