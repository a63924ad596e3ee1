"""The books of the database that all tests of a process share."""

from api.evidence import fsck
from api.evidence.sequencer import drain
from api.service import Service


def findings(service: Service) -> list[str]:
    """What `renzheng fsck` finds in a service's database, once all that was written has its leaf."""
    drain(service.database, service.keys)
    with service.database.begin() as connection:
        fsck.freeze(connection)
        return list(fsck.check(connection, service.keys).findings)
