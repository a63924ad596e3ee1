"""How commands end: 0 done, 1 a negative answer, 2 usage (typer's own), 3 failure with a text that says what to do."""

import functools
from collections.abc import Callable
from typing import NoReturn, ParamSpec, TypeVar

import typer
from rich.console import Console

NEGATIVE = 1
FAILURE = 3

P = ParamSpec("P")
R = TypeVar("R")


class CommandFailed(Exception):
    """A command cannot do its work; the text tells the user why, and what to do."""


def fail(text: str, code: int = FAILURE) -> NoReturn:
    """End the command with a text on the error stream."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(text, style="red", markup=False)
    raise typer.Exit(code)


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """Turn the failures that a user can meet into a text and exit code 3, never a stack trace."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except CommandFailed as error:
            fail(str(error))
        except Exception as error:
            text = _explanation(error)
            if text is None:
                raise
            fail(text)

    return run


def _explanation(error: Exception) -> str | None:
    """What to tell the user; None for what nobody foresaw. The rooms are imported only here: commands start quickly."""
    import httpx
    from pydantic import ValidationError
    from sqlalchemy.exc import ArgumentError, DBAPIError

    from api.http.signing import SigningKeyInvalid
    from api.institutions.errors import AdministrationError
    from api.population.opening import RegisterKeyUnusable
    from api.settings import Settings
    from api.storage.errors import StorageError
    from api.verification.policy import PolicyInvalid
    from biometrics.errors import BiometricError
    from models.errors import ModelError

    if isinstance(error, ValidationError) and error.title == Settings.__name__:
        # Without the values: a database's address may hold a password.
        faults = (f"  RENZHENG_{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in error.errors())
        return "\n".join(["A setting cannot be used:", *faults])
    if isinstance(error, httpx.HTTPError):
        return f"The service does not answer as it should: {type(error).__name__}."
    if isinstance(error, ArgumentError):
        return "RENZHENG_DATABASE_URL is no address of a database, such as postgresql://user@host/name."
    if isinstance(error, DBAPIError):  # its own text holds the statement with its values
        return f"The database refuses: {type(error.orig).__name__}."
    told = (
        StorageError
        | PolicyInvalid
        | AdministrationError
        | RegisterKeyUnusable
        | SigningKeyInvalid
        | BiometricError
        | ModelError
        | OSError
    )
    if isinstance(error, told):
        return str(error)
    return None
