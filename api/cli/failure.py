"""How commands end: 0 done, 1 a negative answer, 2 usage (typer's own), 3 failure with a text that says what to do."""

import functools
from collections.abc import Callable
from typing import NoReturn, ParamSpec, TypeVar

import httpx
import typer
from rich.console import Console

from api.institutions.terminals import TerminalExists
from api.storage.errors import StorageError
from api.verification.policy import PolicyInvalid
from biometrics.errors import BiometricError
from models.errors import ModelError

NEGATIVE = 1
FAILURE = 3

P = ParamSpec("P")
R = TypeVar("R")

_errors = Console(stderr=True, highlight=False)


def fail(text: str, code: int = FAILURE) -> NoReturn:
    """End the command with a text on the error stream."""
    _errors.print(text, style="red", markup=False)
    raise typer.Exit(code)


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """Turn the failures that a user can meet into a text and exit code 3, never a stack trace."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except (StorageError, PolicyInvalid, TerminalExists, BiometricError, ModelError, OSError) as error:
            fail(str(error))
        except httpx.HTTPError as error:
            fail(f"the service does not answer: {type(error).__name__}")

    return run
