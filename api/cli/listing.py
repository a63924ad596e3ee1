"""Lists: a table for people, tab-separated lines for programs that read a pipe, JSON for those that ask for it."""

import json
import sys
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

Raw = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def show(rows: list[dict[str, Any]], *, raw: bool) -> None:
    """Print rows that have the same fields."""
    if raw:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2, default=_plain))
        return
    if not rows:
        typer.echo("None.", err=True)
        return
    lines = [[_cell(value) for value in row.values()] for row in rows]
    titles = list(rows[0])
    if not sys.stdout.isatty():
        typer.echo("\n".join("\t".join(line) for line in [titles, *lines]))
        return
    table = Table(*titles, box=None, pad_edge=False)
    for line in lines:
        table.add_row(*(Text(cell) for cell in line))
    Console().print(table)


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return value.isoformat(" ", "seconds") if isinstance(value, datetime) else str(value)
