"""The commands' side of the HTTP API: where the service is, which key is used, and its errors in words."""

import json
import os
import secrets
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Self

import httpx
import typer

from api.cli.environment import warn_of_unknown
from api.cli.failure import FAILURE, CommandFailed
from api.cli.files import read_text
from api.errors import catalogue

DEFAULT_URL = "http://127.0.0.1:8470"
KEY_VARIABLE = "RENZHENG_KEY"
SIGNING_KEY_VARIABLE = "RENZHENG_SIGNING_KEY"

# A first answer may have to wait for other terminals' comparisons.
_TIMEOUT = httpx.Timeout(60.0, connect=5.0)
_TRIES = 3
_PAUSE_S = 0.5
_OVER_LIMIT_S = 1.0
_OF_AUTHORITIES = ("/v1/cards", "/v1/duplicates")
_HOPELESS = (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.LocalProtocolError)

Url = Annotated[str, typer.Option("--url", envvar="RENZHENG_URL", metavar="URL", help="Where the service listens.")]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        metavar="FILE",
        help=f"File with the key, - for the standard input; else {KEY_VARIABLE}. A key as an argument would stand in"
        " the list of processes, so there is no such option.",
    ),
]
Raw = Annotated[bool, typer.Option("--json", help="Print the service's answer as it came, errors too.")]
IdempotencyKey = Annotated[
    str | None,
    typer.Option(metavar="KEY", help="Repeat a request safely: the same key gets the same answer. Default: a new one."),
]


class Refused(CommandFailed):
    """The service answered with an error; `body` is its answer."""

    def __init__(self, body: dict[str, Any]) -> None:
        super().__init__(_words(body))
        self.body = body


class Client(AbstractContextManager["Client"]):
    """One key of one service. Requests carry an idempotency key, so that trying again does nothing twice."""

    def __init__(self, url: str, key: str, signing_key: Path | None = None) -> None:
        """With a `signing_key` (a PEM file) every request is signed."""
        from api.client.signing import read_key as read_signing_key

        warn_of_unknown()
        self._url = url
        if not url.lower().startswith(("http://", "https://")):
            raise CommandFailed(
                f"服务地址须以 http:// 或 https:// 开头：{url}\n"
                f"The address of the service has to begin with http:// or https://: {url}"
            )
        self._signing_key = None if signing_key is None else read_signing_key(signing_key)
        try:
            self._http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=_TIMEOUT)
        except (httpx.InvalidURL, UnicodeEncodeError) as error:
            raise CommandFailed(
                "服务地址或密钥含有不允许的字符。\n"
                "The address of the service, or the key, holds characters that it cannot."
            ) from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def post(self, path: str, body: dict[str, Any], idempotency_key: str | None = None) -> dict[str, Any]:
        """The service's answer. Raises `Refused` for an error, `CommandFailed` where there is no answer."""
        key = idempotency_key or secrets.token_hex(16)
        return self._send(lambda: self._request("POST", path, json=body, headers={"Idempotency-Key": key}))

    def get(self, path: str, **parameters: int | str) -> dict[str, Any]:
        """The service's answer; over the limit of requests it is asked again. Raises as `post`."""
        while True:
            try:
                return self._send(lambda: self._request("GET", path, params=parameters))
            except Refused as refused:
                if refused.body["code"] != "rate_limited":
                    raise
            time.sleep(_OVER_LIMIT_S)

    def _send(self, request: Callable[[], httpx.Request]) -> dict[str, Any]:
        for attempt in range(1, _TRIES + 1):
            last = attempt == _TRIES
            try:
                answer = self._http.send(request())
            except _HOPELESS as error:
                raise _away(self._url, error) from error
            except httpx.TransportError as error:
                if last:
                    raise _away(self._url, error) from error
            else:
                if last or not _worth_repeating(answer):
                    return _read(self._url, answer)
            time.sleep(_PAUSE_S * attempt)
        raise AssertionError("the last attempt returns or raises")

    def _request(self, method: str, path: str, **parts: Any) -> httpx.Request:
        """The request, signed anew each time: a signature is good once."""
        request = self._http.build_request(method, path, **parts)
        if self._signing_key is not None:
            from api.client.signing import sign

            target = request.url.raw_path.decode("ascii")
            request.headers.update(sign(self._signing_key, method, target, dict(request.headers), request.content))
        return request


def ask(
    path: str,
    body: dict[str, Any],
    *,
    url: str,
    key_file: Path | None,
    idempotency_key: str | None,
    raw: bool,
    complete: Callable[[Client], dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Post once with the key that the user gave; with `raw` the answer is printed as it came, an error too.

    `complete` asks the service for what the body still lacks. Raises `CommandFailed`; with `raw`, `typer.Exit` for an
    error that was printed.
    """
    key = read_key(key_file, os.environ.get(KEY_VARIABLE), authority=path.startswith(_OF_AUTHORITIES))
    with Client(url, key, signing_key_file()) as caller:
        try:
            whole = body if complete is None else body | complete(caller)
            answer = caller.post(path, whole, idempotency_key)
        except Refused as refused:
            if not raw:
                raise
            _print(refused.body)
            raise typer.Exit(FAILURE) from None
    if raw:
        _print(answer)
    return answer


def look(path: str, *, url: str, key_file: Path | None, raw: bool, **parameters: int | str) -> dict[str, Any]:
    """Get once with the key that the user gave; printed and raised as in `ask`."""
    key = read_key(key_file, os.environ.get(KEY_VARIABLE), authority=path.startswith(_OF_AUTHORITIES))
    with Client(url, key, signing_key_file()) as caller:
        try:
            answer = caller.get(path, **parameters)
        except Refused as refused:
            if not raw:
                raise
            _print(refused.body)
            raise typer.Exit(FAILURE) from None
    if raw:
        _print(answer)
    return answer


def signing_key_file() -> Path | None:
    """The PEM file that requests are signed with, None where the environment names none."""
    named = os.environ.get(SIGNING_KEY_VARIABLE)
    return Path(named) if named else None


def read_key(file: Path | None, environment: str | None, *, authority: bool = False) -> str:
    """The key from a file, else from the environment. Raises `CommandFailed`, which says how one is made, where there
    is none; `authority`: one of an issuing authority is needed."""
    key = (environment or "") if file is None else read_text(file)
    if not key.strip():
        makes = "renzheng terminals add INSTITUTION NAME" + (" --role authority" if authority else "")
        raise CommandFailed(
            f"没有密钥：请设置 {KEY_VARIABLE} 或给出 --key-file（密钥由 `{makes}` 生成）。\n"
            f"There is no key: set {KEY_VARIABLE} or give --key-file (`{makes}` makes one)."
        )
    return key.strip()


def _print(content: dict[str, Any]) -> None:
    typer.echo(json.dumps(content, ensure_ascii=False, indent=2))


def _worth_repeating(answer: httpx.Response) -> bool:
    body = _error_body(answer)
    return answer.status_code >= 500 and body is not None and body["retryable"] is True


def _read(url: str, answer: httpx.Response) -> dict[str, Any]:
    if answer.is_success:
        try:
            content = answer.json()
        except ValueError:
            content = None
        if isinstance(content, dict):
            return content
    body = _error_body(answer)
    if body is None:
        raise CommandFailed(
            f"{url} 的应答不是本系统的格式。\n{url} answers {answer.status_code}, not in this service's form."
        )
    raise Refused(body)


def _error_body(answer: httpx.Response) -> dict[str, Any] | None:
    """The answer as an error of the service, None when it is something else, such as a proxy's page."""
    try:
        body = answer.json()
    except ValueError:
        return None
    sound = isinstance(body, dict) and {"code", "message", "operator", "retryable", "request_id"} <= body.keys()
    return body if sound and not answer.is_success else None


def _words(body: dict[str, Any]) -> str:
    """What an error says, in both languages, with what to do and what to tell an administrator."""
    faults = body.get("details") or []
    return "\n".join(
        [
            f"{body['code']}: {body['message']['zh']} {body['message']['en']}",
            *(f"  {fault['field']}: {fault['code']} {_meaning(fault['code'])}".rstrip() for fault in faults),
            f"  → {body['operator']['zh']} {body['operator']['en']}",
            f"  request_id: {body['request_id']}",
        ]
    )


def _meaning(code: str) -> str:
    found = catalogue().get(code)  # None for a newer service's code
    return "" if found is None else f"{found.message.zh} {found.message.en}"


def _away(url: str, error: Exception) -> CommandFailed:
    reason = type(error).__name__
    return CommandFailed(
        f"无法连接核验服务 {url}（{reason}）。\n"
        f"The service at {url} does not answer ({reason}): is `renzheng serve` running, and is --url right?"
    )
