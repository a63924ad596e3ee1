"""The environment of commands: a setting that is misspelt would be passed over, and the default taken in silence.

What opens the database refuses to (a wrong default is another register); what asks a service over HTTP warns.
"""

import difflib
import os
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import typer

from api.cli.failure import CommandFailed, words_of

if TYPE_CHECKING:
    from api.settings import Settings

PREFIX = "RENZHENG_"
# Read by the commands themselves; see `client.py`.
OF_CLIENTS = frozenset({"RENZHENG_URL", "RENZHENG_KEY", "RENZHENG_SIGNING_KEY"})
# What Kubernetes puts there for a service of this name: nobody wrote it.
_OF_KUBERNETES = re.compile(r"[A-Z0-9_]*(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_[A-Z]+)?)")


def settings() -> "Settings":
    """The settings. Raises `CommandFailed` (`setting_unknown`) for a variable that is none, and pydantic's error."""
    from api.settings import Settings

    told = _told(unknown(os.environ))
    if told:
        raise CommandFailed(f"{words_of('setting_unknown')}\n{told}")
    return Settings()


def warn_of_unknown() -> None:
    """Say on the error stream which variables are passed over."""
    told = _told(unknown(os.environ))
    if told:
        typer.echo(f"以下环境变量未被使用：\nThese variables are no settings and are passed over:\n{told}", err=True)


def unknown(names: Iterable[str]) -> dict[str, str | None]:
    """Variables with our prefix that nothing reads, each with the setting that its name is nearest to."""
    ours = [name for name in names if name.upper().startswith(PREFIX) and name not in OF_CLIENTS]
    if not ours:
        return {}
    from api.settings import Settings

    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    return {
        name: _nearest(name.upper(), known | OF_CLIENTS)
        for name in sorted(ours)
        if name.upper() not in known and _OF_KUBERNETES.fullmatch(name.upper().removeprefix(PREFIX)) is None
    }


def _nearest(name: str, known: Iterable[str]) -> str | None:
    # Without the prefix, in which they are all alike.
    bare = {one.removeprefix(PREFIX): one for one in sorted(known)}
    return next((bare[found] for found in difflib.get_close_matches(name.removeprefix(PREFIX), bare, 1)), None)


def _told(found: dict[str, str | None]) -> str:
    """Names alone: a value may be a password."""
    return "\n".join(
        f"  {name}" if nearest is None else f"  {name}：应为 {nearest}？ did you mean {nearest}?"
        for name, nearest in found.items()
    )
