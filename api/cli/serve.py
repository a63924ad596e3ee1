"""`renzheng serve` and `renzheng migrate`."""

import contextlib
import gc
import resource
import signal
import socket
import sys
from contextlib import closing
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from api.cli import environment
from api.cli.failure import CommandFailed, guarded
from api.cli.registry import registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api.service import Service

console = Console(stderr=True, highlight=False)


@guarded
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; else RENZHENG_HOST.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on, 0 for a free one; else RENZHENG_PORT.")
    ] = None,
) -> None:
    """Run the service: API, documentation at /docs, the embedded database unless RENZHENG_DATABASE_URL is set."""
    import uvicorn

    from api import service as services
    from api.http.app import create_app
    from api.http.connections import BoundedProtocol
    from api.matching.engines import BiometricComparer
    from api.operations import logs
    from api.operations.draining import GRACE_S, Server
    from api.storage import database

    settings = environment.settings()
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = settings.model_copy(update=given)
    end_in_order()
    logs.set_up(settings.log_format, settings.log_level)
    _allow_many_connections()
    # Bound first, so that a port in use is told before anything is loaded; it listens when all is ready.
    with closing(bound(settings.host, settings.port)) as listener:
        if not console.is_terminal:
            console.print("Opening the models; the first start on a machine compiles for a minute or two…")
        with console.status("Opening the models…"):
            comparer = BiometricComparer.open(
                settings.home,
                threads=settings.compute_threads,
                calibrations=settings.calibration_path,
                face_pack=settings.face_pack,
                face_provider=settings.face_provider,
            )
        with console.status("Starting the database…"):
            service = services.build(settings, comparer)
        console.print(f"Renzheng listens on {url_of(listener)} (documentation at /docs)", soft_wrap=True)
        # Its access lines would repeat paths and addresses; `api.operations.requests` tells what may be told.
        config = uvicorn.Config(
            create_app(service),
            access_log=False,
            log_config=None,
            timeout_graceful_shutdown=GRACE_S,
            server_header=False,
            http=BoundedProtocol,
            # There are none: a request to become one is answered as any other.
            ws="none",
        )
        keep_what_is_there()
        try:
            with _metrics(service):
                Server(config, service).run([listener])
        except KeyboardInterrupt:
            console.print("Ended.")
        finally:
            service.close()
            database.leave_server(settings)


def keep_what_is_there() -> None:
    """Modules, models and routes stay until the end: collections of garbage need not go through them. A full one stood
    still for a tenth of a second, and every request with it."""
    gc.collect()
    gc.freeze()


@guarded
def migrate() -> None:
    """Bring the database to this version's schema (`serve` does so by itself)."""
    from api.storage.migrate import head

    with registry():
        console.print(f"The database is at revision {head()}.")


@contextlib.contextmanager
def _metrics(service: "Service") -> "Iterator[None]":
    """Serve the metrics meanwhile, where a port is set for them."""
    from api.operations.metrics.serving import MetricsServer

    settings = service.settings
    if settings.metrics_port is None:
        yield
        return
    try:
        server = MetricsServer(service, settings.metrics_host, settings.metrics_port)
    except OSError as error:
        raise _cannot_listen(settings.metrics_host, settings.metrics_port, error) from error
    try:
        console.print(f"Metrics at {_address(settings.metrics_host, server.port)}/metrics", soft_wrap=True)
        yield
    finally:
        server.close()


def _allow_many_connections() -> None:
    """Every stream of the feed takes a file descriptor; many systems allow 1,024 unless asked for more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        # Where the hard limit is more than the kernel gives, the soft one stays.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def bound(host: str, port: int) -> socket.socket:
    """A socket at an address, which does not listen yet. Raises CommandFailed for one in use, and for none of ours."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise _cannot_listen(host, port, error) from error
    return listener


def _cannot_listen(host: str, port: int, error: OSError) -> CommandFailed:
    return CommandFailed(
        f"无法监听 {host} 的端口 {port}（{error.strerror}）。\nCannot listen on {host}, port {port}: {error.strerror}."
    )


def url_of(listener: socket.socket) -> str:
    """Where it listens, for people."""
    host, port = listener.getsockname()[:2]
    return _address(host, port)


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def end_in_order() -> None:
    """Let SIGTERM and a closed console end the command as an exit does, which leaves the database server to stop.

    uvicorn takes SIGTERM while it runs, and raises it again when the last request is answered.
    """
    signal.signal(signal.SIGTERM, _exit)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup sets it
        signal.signal(signal.SIGHUP, _as_terminated)


def _exit(_: int, __: FrameType | None) -> None:
    sys.exit(0)


def _as_terminated(_: int, __: FrameType | None) -> None:
    signal.raise_signal(signal.SIGTERM)
