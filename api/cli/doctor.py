"""`renzheng doctor`: looks at the whole installation; of each trouble it says what it means and how to put it right."""

import json
import os
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from api.cli import environment
from api.cli.failure import NEGATIVE, guarded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import ValidationError

    from api.operations.doctor import Finding, Outcome

_STYLES = {"error": "red", "warning": "yellow", "note": "cyan"}


@guarded
def doctor(
    raw: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Leave out what is sound, and notes.")] = False,
) -> None:
    """Look at models, database, keys, clock, disk, threads and settings. Exit code 0: no error; 1: there is one.

    It changes nothing, and works whether the service runs or not.
    """
    outcomes = []
    out = Console(highlight=False, soft_wrap=True)
    for outcome in _outcomes():
        outcomes.append(outcome)
        if not raw:
            _tell(out, outcome, quiet=quiet)
    sound = all(outcome.sound for outcome in outcomes)
    if raw:
        typer.echo(
            json.dumps({"sound": sound, "checks": [_plain(one) for one in outcomes]}, ensure_ascii=False, indent=2)
        )
    else:
        _sum_up(out, outcomes)
    if not sound:
        raise typer.Exit(NEGATIVE)


def _outcomes() -> "Iterator[Outcome]":
    from pydantic import ValidationError

    from api.operations.doctor import Outcome, examine
    from api.operations.doctor.findings import found
    from api.settings import Settings

    unknown = environment.unknown(os.environ)
    yield Outcome(
        "settings.known",
        tuple(found("setting_unknown", name=name, nearest=nearest or "-") for name, nearest in unknown.items()),
    )
    try:
        settings = Settings()
    except ValidationError as error:
        # Without them nothing else can be looked for in its place.
        yield Outcome("settings.valid", _invalid(error))
        return
    yield from examine(settings)


def _invalid(error: "ValidationError") -> "tuple[Finding, ...]":
    from api.operations.doctor.findings import found

    # Without the values: an address may hold a password.
    return tuple(
        found("setting_invalid", name=f"RENZHENG_{'.'.join(map(str, fault['loc'])).upper()}", why=fault["msg"])
        for fault in error.errors(include_input=False)
    )


def _tell(out: Console, outcome: "Outcome", *, quiet: bool) -> None:
    shown = [one for one in outcome.findings if not quiet or one.severity != "note"]
    if not shown and not quiet:
        word = "skipped" if outcome.skipped else "ok"
        out.print(f"{word:8} {outcome.check}", style="dim" if outcome.skipped else "green", markup=False)
    for one in shown:
        style = _STYLES[one.severity]
        out.print(f"{one.severity:8} {outcome.check}: {one.code}", style=style, markup=False)
        for text in (one.meaning, one.fix):
            mark = "  →" if text == one.fix else "   "
            out.print(f"{mark} {text.zh}\n{mark} {text.en}", markup=False)


def _sum_up(out: Console, outcomes: "list[Outcome]") -> None:
    counted = dict.fromkeys(_STYLES, 0)
    for outcome in outcomes:
        for one in outcome.findings:
            counted[one.severity] += 1
    told = f"{len(outcomes)} checks: {counted['error']} errors, {counted['warning']} warnings, {counted['note']} notes."
    out.print(told, style="red" if counted["error"] else "green")


def _plain(outcome: "Outcome") -> dict[str, Any]:
    return {
        "check": outcome.check,
        "skipped": outcome.skipped,
        "findings": [
            {
                "code": one.code,
                "severity": str(one.severity),
                "facts": one.facts,
                "meaning": one.meaning.model_dump(),
                "fix": one.fix.model_dump(),
            }
            for one in outcome.findings
        ],
    }
