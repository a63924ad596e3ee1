"""How commands end: 0 done, 1 a negative answer, 2 usage (typer's own), 3 failure with a text that says what to do, and
130 broken off with Ctrl-C, as typer and shells have it."""

import functools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NoReturn, ParamSpec, TypeVar

import typer
from rich.console import Console

NEGATIVE = 1
FAILURE = 3
BROKEN_OFF = 130

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
            text = explanation(error)
            if text is None:
                raise
            fail(text)

    return run


def words_of(code: str) -> str:
    """A refusal as the service tells it: its code, what it says and what to do, in both languages."""
    from api.errors import entry

    found = entry(code)
    return f"{code}: {found.message.zh} {found.message.en}\n  → {found.operator.zh} {found.operator.en}"


def explanation(error: Exception) -> str | None:
    """What to tell the user, in both languages; None for what nobody foresaw."""
    return next((told(error) for kind, told in _texts() if isinstance(error, kind)), None)


def _texts() -> Iterator[tuple[type[Exception], Callable[[Any], str | None]]]:
    """The failures that a user can meet, with what to say of them: the nearest first.

    The rooms are imported only here: commands start quickly.
    """
    import httpx
    from pydantic import ValidationError
    from sqlalchemy.exc import DBAPIError

    from api.client.signing import SigningKeyInvalid
    from api.institutions.credentials import KeyRevoked
    from api.institutions.errors import AdministrationError
    from api.population.opening import RegisterKeyUnusable
    from api.storage.errors import DatabaseAddressInvalid, DatabaseBusy, DatabaseUnavailable, SealBroken, StorageError
    from api.verification.policy import PolicyInvalid
    from biometrics.errors import BiometricError
    from biometrics.scoring.errors import CalibrationError
    from models.errors import ModelError

    yield ValidationError, _of_settings
    yield (
        httpx.HTTPError,
        lambda error: (
            f"核验服务没有正常应答（{type(error).__name__}）。\n"
            f"The service does not answer as it should: {type(error).__name__}."
        ),
    )
    # Its own text holds the statement with its values.
    yield (
        DBAPIError,
        lambda error: (
            f"数据库拒绝了该操作（{type(error.orig).__name__}）。\nThe database refuses: {type(error.orig).__name__}."
        ),
    )
    yield DatabaseAddressInvalid, lambda _: words_of("database_url_invalid")
    yield KeyRevoked, lambda _: words_of("key_invalid")
    yield AdministrationError, str
    for kind, told in {
        DatabaseBusy: "数据库繁忙，请稍候再试。",
        DatabaseUnavailable: "数据库暂不可用。",
        SealBroken: "有密封内容无法打开：已损坏，或密钥不同。",
        StorageError: "无法存取所需内容。",
        PolicyInvalid: "判定策略文件不可用。",
        RegisterKeyUnusable: "另一人口库的密钥不可用。",
        SigningKeyInvalid: "签名私钥不可用。",
        ModelError: "模型包不可用。",
        CalibrationError: "校准文件不可用。",
        OSError: "文件或设备无法使用。",
    }.items():
        yield kind, partial(_beneath, told)
    yield BiometricError, lambda error: _beneath(_meaning(error.code), error)


def _of_settings(error: Any) -> str | None:
    if error.title != "Settings":
        return None
    # Without the values: a database's address may hold a password.
    faults = (f"  RENZHENG_{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in error.errors())
    return "\n".join(["设置无效：", "A setting cannot be used:", *faults])


def _beneath(told: str, error: Exception) -> str:
    return f"{told}\n{error}"


def _meaning(code: str) -> str:
    from api.errors import catalogue

    found = catalogue().get(code)
    return f"图像或模板不可用：{code}" if found is None else found.message.zh
