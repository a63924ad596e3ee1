"""`renzheng serve` and `renzheng migrate`."""

import logging
from typing import Annotated

import typer
import uvicorn
from rich.console import Console

from api import service as services
from api.cli.failure import guarded
from api.http.app import create_app
from api.settings import Settings
from api.storage import database, embedded
from api.storage import migrate as migrations

console = Console(stderr=True, highlight=False)


@guarded
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; else RENZHENG_HOST.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on; else RENZHENG_PORT.")] = None,
) -> None:
    """Run the service: API, documentation at /docs, the embedded database unless RENZHENG_DATABASE_URL is set."""
    settings = Settings()
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = settings.model_copy(update=given)
    # Access lines would repeat paths and addresses; what matters of a request is in the evidence.
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    from api.matching.engines import BiometricComparer

    with console.status("Opening the models…"):
        comparer = BiometricComparer.open(settings.home, threads=settings.compute_threads)
    with console.status("Starting the database…"):
        service = services.build(settings, comparer)
    console.print(f"Renzheng listens on http://{settings.host}:{settings.port} (documentation at /docs)")
    try:
        uvicorn.run(
            create_app(service),
            host=settings.host,
            port=settings.port,
            access_log=False,
            log_config=None,
            timeout_graceful_shutdown=20,
            server_header=False,
        )
    finally:
        service.close()
        embedded.stop(settings.database_dir)


@guarded
def migrate() -> None:
    """Bring the database to this version's schema (`serve` does so by itself)."""
    settings = Settings()
    opened = database.open_database(settings)
    migrations.upgrade(opened)
    console.print(f"The database is at revision {migrations.head()}.")
    opened.close()
    embedded.stop(settings.database_dir)
