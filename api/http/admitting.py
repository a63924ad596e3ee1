"""The dependency of routes that the engines work for: who can be answered in time is let in (`api.operations`)."""

import time
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends

from api.http.signin import ServiceDep
from api.operations.admission import Place


async def admitted(service: ServiceDep) -> AsyncIterator[Place]:
    """Inside until the route has its answer. To be asked for after the caller: strangers take no place. Raises
    `service_overloaded`."""
    place = service.admission.enter(time.monotonic())
    done = False
    try:
        yield place
        done = True
    finally:
        service.admission.leave(place, time.monotonic(), answered=done)


# Before the answer is sent: a client that takes it slowly keeps nobody out.
AdmittedDep = Annotated[Place, Depends(admitted, scope="function")]
