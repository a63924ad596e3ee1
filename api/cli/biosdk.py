"""`renzheng biosdk`: the engines behind an existing MOSIP."""

import ipaddress
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from api.cli import environment
from api.cli.failure import CommandFailed, guarded
from api.cli.serve import bound, end_in_order, url_of

if TYPE_CHECKING:
    from api.settings import Settings

console = Console(stderr=True, highlight=False)

_OPEN = (
    "没有密钥，任何能连到此地址的人都可使用识别引擎；请只让 MOSIP 连到这里（RENZHENG_BIOSDK_KEY_FILE）。\n"
    "No key is asked for: whoever can connect here can use the engines. Let nobody but MOSIP do so, or set "
    "RENZHENG_BIOSDK_KEY_FILE."
)


@guarded
def biosdk(
    host: Annotated[str | None, typer.Option(help="Address to listen on; else RENZHENG_BIOSDK_HOST.")] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port to listen on, 0 for a free one; else RENZHENG_BIOSDK_PORT."),
    ] = None,
) -> None:
    """Run MOSIP's Bio-SDK service over the engines: no database, no cards, nothing is kept (docs/mosip.md)."""
    import uvicorn

    from api.biosdk.app import Guard, create_app
    from api.biosdk.engines import Engines
    from api.biosdk.parameters import PREFIX
    from api.http.connections import BoundedProtocol
    from api.operations import logs
    from api.operations.draining import GRACE_S

    settings = environment.settings()
    given = {name: value for name, value in (("biosdk_host", host), ("biosdk_port", port)) if value is not None}
    settings = settings.model_copy(update=given)
    guard = Guard(settings.max_body_bytes, settings.compute_threads, settings.most_wait_s, _key(settings))
    end_in_order()
    logs.set_up(settings.log_format, settings.log_level)
    with closing(bound(settings.biosdk_host, settings.biosdk_port)) as listener:
        if guard.key is None and not _is_loopback(settings.biosdk_host):
            console.print(_OPEN, style="yellow", soft_wrap=True)
        with console.status("Opening the models…"):
            engines = Engines.open(settings)
        console.print(f"Renzheng answers MOSIP on {url_of(listener)}{PREFIX}", soft_wrap=True)
        config = uvicorn.Config(
            create_app(engines, guard),
            access_log=False,
            log_config=None,
            timeout_graceful_shutdown=GRACE_S,
            server_header=False,
            http=BoundedProtocol,
            ws="none",
        )
        try:
            uvicorn.Server(config).run([listener])
        except KeyboardInterrupt:
            console.print("Ended.")


def _key(settings: "Settings") -> str | None:
    """The key in the file that is named, None where none is. Raises CommandFailed for a file without one."""
    path = settings.biosdk_key_file
    if path is None:
        return None
    key = _text(path)
    if len(key) < 16 or not key.isascii() or not key.isprintable() or " " in key:
        raise CommandFailed(
            f"{path} 中没有可用的密钥（一行，至少 16 个可见 ASCII 字符）。\n"
            f"{path} holds no key: one line of at least 16 visible ASCII characters is expected."
        )
    return key


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandFailed(f"无法读取 {path}。\n{path} cannot be read.") from error


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
