"""The service over another database than the shared one."""

from dataclasses import replace

from api.service import Service
from api.storage.database import Database


def over(service: Service, database: Database) -> Service:
    """No sequencer works on that database: nobody is to wait there for a proof that does not come."""
    settings = service.settings.model_copy(update={"receipt_wait_s": 0})
    return replace(service, database=database, settings=settings)
