"""`renzheng retention`: removes what is over its time, or says how much of it is there. Where the database is."""

import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from api.cli.bulk import status_line
from api.cli.failure import NEGATIVE, CommandFailed, guarded, words_of
from api.cli.registry import Registry, registry
from api.cli.wording import count

if TYPE_CHECKING:
    from api.personal.retention.checking import Found


@guarded
def retention(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing: say what is over its time. Ends with 1 if it is overdue.")
    ] = False,
    clock_is_right: Annotated[
        bool,
        typer.Option(
            "--clock-is-right",
            help="Remove though no run came to its end for a month, or the database's clock is not this machine's.",
        ),
    ] = False,
    raw: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Remove every kind of data whose time is over, as the service does once a day, and tell of it in the evidence.

    A run that was broken off goes on with what is left. With --check nothing is changed: what was due for two days or
    more is overdue, for the service should have removed it.
    """
    with registry() as opened:
        if check:
            _tell_found(*_looked(opened), opened.settings.stored_faces_alarm, raw=raw)
        else:
            _tell_removed(_enforced(opened, trusted=clock_is_right), raw=raw)


def _looked(opened: Registry) -> "tuple[list[Found], datetime | None, int]":
    from api.personal import faces
    from api.personal.retention import checking, runs

    with opened.database.begin() as connection:
        return checking.look(connection, opened.settings), runs.last_finished(connection), faces.count(connection)


def _enforced(opened: Registry, *, trusted: bool) -> dict[str, int]:
    from api.personal.retention.enforcing import ClockDoubted, EnforcedElsewhere, enforce

    with status_line() as tell:
        so_far = 0

        def progress(kind: str, rows: int) -> None:
            nonlocal so_far
            so_far += rows
            tell(f"到期删除 removed {so_far:,} · {kind}")

        try:
            return enforce(opened.database, opened.keys, opened.settings, progress, trusted=trusted)
        except EnforcedElsewhere as error:
            raise CommandFailed(words_of("retention_running")) from error
        except ClockDoubted as error:
            raise CommandFailed(words_of("retention_clock")) from error


def _tell_removed(removed: dict[str, int], *, raw: bool) -> None:
    from api.personal.retention.kinds import NAMED

    if raw:
        typer.echo(json.dumps({"removed": removed}, ensure_ascii=False, indent=2))
        return
    for name, rows in removed.items():
        if rows:
            typer.echo(f"{NAMED[name].zh} {NAMED[name].en}: {rows:,}")
    total = sum(removed.values())
    typer.echo(f"到期删除共 {total:,} 条，已记入存证日志。 {count(total, 'row')} removed; the log tells of it.")


def _tell_found(found: "list[Found]", last: datetime | None, people: int, threshold: int, *, raw: bool) -> None:
    overdue = sum(one.overdue for one in found)
    if raw:
        told = {
            "last_run": _moment(last),
            "overdue": overdue,
            "stored_faces": {"people": people, "threshold": threshold},
            "kinds": [_as_json(one) for one in found],
        }
        typer.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        _table(found)
        typer.echo(f"存储的人脸（人） people with a stored face: {people:,} / {threshold:,}")
        typer.echo(f"上次执行 last run: {_moment(last) or '从未 never'}")
        typer.echo(
            f"逾期未删 {overdue:,} 条。 {count(overdue, 'row')} overdue."
            if overdue
            else "没有逾期未删的数据。 Nothing is overdue."
        )
    if overdue:
        raise typer.Exit(NEGATIVE)


def _table(found: "list[Found]") -> None:
    table = Table("kind", "days", "due", "overdue", "held", "oldest", title="数据保存期限 Retention")
    for one in found:
        oldest = "" if one.oldest is None else one.oldest.strftime("%Y-%m-%d")
        counted = [f"{rows:,}" for rows in (one.due, one.overdue, one.held)]
        table.add_row(f"{one.kind.zh}\n{one.kind.en}", str(one.days), *counted, oldest)
    Console(highlight=False, soft_wrap=True).print(table)


def _as_json(one: "Found") -> dict[str, Any]:
    return {
        "kind": one.kind.name,
        "zh": one.kind.zh,
        "en": one.kind.en,
        "days": one.days,
        "before": one.before.isoformat(),
        "due": one.due,
        "overdue": one.overdue,
        "held": one.held,
        "oldest": _moment(one.oldest),
    }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
