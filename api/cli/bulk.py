"""`renzheng cards import` and `renzheng cards export`: whole registers, where the database is."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from api.cli import client
from api.cli.failure import BROKEN_OFF, NEGATIVE, CommandFailed, explanation, fail, guarded
from api.cli.faults import noted
from api.cli.registry import Registry, registry
from api.cli.wording import count

if TYPE_CHECKING:
    from api.cards.bulk.importing import Tally
    from api.institutions.caller import Caller
    from api.institutions.roles import Scope

console = Console(stderr=True, highlight=False)
_TELL_EVERY_S = 10.0


@guarded
def import_cards(
    file: Annotated[
        Path,
        typer.Argument(
            exists=True,
            dir_okay=False,
            help="Cards as .csv, .csv.gz, .jsonl, .jsonl.gz or .parquet; columns number, issuer, valid_from, valid_to"
            " (长期 or nothing: long-term) and, where there are any, serial, type, text (base64), status; UTF-8. A"
            " column id, as exports have it, is passed over.",
        ),
    ],
    faults: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the rows that are left out here (CSV: line, field, code)."),
    ] = None,
    key_file: client.KeyFile = None,
) -> None:
    """Read a file of cards into the register, as the authority whose key is given.

    A row that is no sound card is left out and told with its line; nothing of it is registered. An import that was
    broken off goes on where it was when it is started again with the same file. Cards come without templates. A death
    is of every card of the number, in the file and in the register.
    """
    from api.cards.bulk import importing, reading
    from api.cards.bulk.importing import ImportMoved, Tally
    from api.cards.bulk.reading import FileUnusable
    from api.institutions.credentials import KeyRevoked
    from api.institutions.roles import Scope
    from api.storage.errors import StorageError

    so_far = Tally()
    with (
        signed_in(key_file, Scope.REGISTER_CARDS) as (opened, caller),
        noted(faults) as note,
        bar(reading.count(file)) as status,
    ):

        def fault(line: int, field: str, code: str) -> None:
            note(_place(line, field), (line, field), code)

        def progress(tally: Tally) -> None:
            nonlocal so_far
            so_far = tally
            told = (
                f"行 rows {tally.rows_done:,} · 登记 registered {tally.registered:,} · 略过 left out {tally.left_out:,}"
            )
            status(tally.rows_done, told)

        try:
            tally = importing.load(opened.database, opened.keys, caller, file, fault, progress)
        except (FileUnusable, ImportMoved) as error:
            raise CommandFailed(f"{file.name}: {error}") from error
        except (KeyRevoked, StorageError) as error:
            raise CommandFailed(f"{explanation(error)}\n{_how_far(so_far)}") from error
        except KeyboardInterrupt:
            fail(_how_far(so_far), BROKEN_OFF)
    _tell(tally)
    if tally.left_out:
        raise typer.Exit(NEGATIVE)


def _tell(tally: "Tally") -> None:
    """What came of a file that was read to its end."""
    if tally.rows_before == tally.rows_done > 0:
        typer.echo(
            "该文件此前已读完，本次未作处理；当时结果："
            " This file was read before, and nothing is done now. What came of it then:"
        )
    elif tally.rows_before == 1:
        typer.echo("此前已处理第 1 行；合计： The first row was dealt with before. In all:")
    elif tally.rows_before:
        typer.echo(
            f"此前已处理前 {tally.rows_before:,} 行；合计："
            f" The first {tally.rows_before:,} rows were dealt with before. In all:"
        )
    typer.echo(
        f"登记 {tally.registered:,} 张，略过 {tally.left_out:,} 行。 {count(tally.registered, 'card')} registered,"
        f" {count(tally.left_out, 'row')} left out."
    )
    if tally.also_dead:
        typer.echo(_also_dead(tally))


def _how_far(tally: "Tally") -> str:
    """Of an import that did not come to its end; `tally` is that of the last chunk, nothing where none was done."""
    if not tally.rows_done:
        return (
            "已中断，本次尚未登记；再次执行同一命令即可。\n"
            "Broken off before anything was done now: the same command begins again."
        )
    told = (
        f"已中断：文件前 {tally.rows_done:,} 行已处理，登记 {tally.registered:,} 张，略过 {tally.left_out:,} 行；"
        "再次执行同一命令即从该处继续。\n"
        f"Broken off: {count(tally.rows_done, 'row')} of the file dealt with, {count(tally.registered, 'card')}"
        f" registered, {count(tally.left_out, 'row')} left out. The same command goes on from there."
    )
    return f"{told}\n{_also_dead(tally)}" if tally.also_dead else told


def _also_dead(tally: "Tally") -> str:
    """Cards that this run made invalid without a row of their own."""
    found = tally.also_dead
    verb = "of the same number in the register is" if found == 1 else "of the same numbers in the register are"
    return f"登记库中另有 {found:,} 张同号证件记为死亡。 {count(found, 'card')} {verb} recorded dead too."


@guarded
def export_cards(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="Where to: .csv, .jsonl or .parquet.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
    key_file: client.KeyFile = None,
) -> None:
    """Write the cards that the authority whose key is given registered to a file: numbers in clear, so guard it.

    The column id names each card for `cards report`, also those that were imported. The chip's serial and text are
    kept as keyed hashes only and are not in it. The export is an act in the evidence.
    """
    from api.cards.bulk import exporting
    from api.cards.bulk.reading import FileUnusable
    from api.institutions.roles import Scope

    with signed_in(key_file, Scope.REGISTER_CARDS) as (opened, caller), status_line() as status:
        try:
            written = exporting.save(
                opened.database,
                opened.keys,
                caller,
                file,
                lambda done: status(f"已写出 cards written {done:,}"),
                overwrite=overwrite,
            )
        except FileUnusable as error:
            raise CommandFailed(f"{file.name}: {error}") from error
    typer.echo(f"已将 {written:,} 张证件写入 {file}。 {count(written, 'card')} written to {file}.")


@contextmanager
def signed_in(key_file: Path | None, scope: "Scope") -> "Iterator[tuple[Registry, Caller]]":
    """The database, and who holds the key; the key must bear the right."""
    from api.institutions import principals

    key = client.read_key(key_file, os.environ.get(client.KEY_VARIABLE), authority=True)
    with registry() as opened:
        with opened.database.begin() as connection:
            caller = principals.authenticate(connection, key)
        if caller is None or scope not in caller.scopes:
            raise CommandFailed(
                "密钥未知、已停用，或不是发证机关的密钥。\nThe key is unknown, revoked, or not an issuing authority's."
            )
        yield opened, caller


def _place(line: int, field: str) -> str:
    return f"第 {line} 行 line {line}" + (f": {field}" if field else "")


@contextmanager
def bar(total: int) -> Iterator[Callable[[int, str], None]]:
    """How far a file of about `total` rows is (0: unknown): a bar on a terminal, elsewhere a line now and then."""
    if not console.is_terminal or not total:
        with status_line() as line:
            yield lambda _, text: line(text)
        return
    columns = (BarColumn(), TaskProgressColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("…", total=total)
        yield lambda done, text: progress.update(task, completed=min(done, total), description=text)


@contextmanager
def status_line() -> Iterator[Callable[[str], None]]:
    """How far it is: a line that changes on a terminal, elsewhere a line now and then."""
    told = time.monotonic()
    with console.status("…") as status:

        def tell(text: str) -> None:
            nonlocal told
            status.update(text)
            if not console.is_terminal and time.monotonic() - told > _TELL_EVERY_S:
                told = time.monotonic()
                console.print(text)

        yield tell
