"""The command line, to which each group adds its commands."""

from importlib import import_module

import typer

app = typer.Typer(
    help="Measure accuracy, speed and load. Each command prints a table and shows progress.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def run(benchmark: str, /, **arguments: object) -> None:
    """Import one benchmark only when it is asked for, so that a broken one doesn't stop the others."""
    try:
        module = import_module(f"benchmarks.{benchmark}")
    except ImportError as error:
        typer.echo(f"The benchmark {benchmark!r} cannot be loaded: {error}", err=True)
        raise typer.Exit(3) from error
    module.run(**arguments)
