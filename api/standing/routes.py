"""`GET /v1/policy` and `GET /v1/standing`: for those who answer for the service, and for who audits it."""

import os
import socket
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter
from sqlalchemy import select

from api.errors import entry
from api.evidence import log
from api.feed import records as feed
from api.http.sessions import FOR_CONSOLE
from api.http.signin import ConsoleDep, ServiceDep
from api.personal.faces import FaceWatch
from api.screening import records as impostors
from api.standing import calibrations, packs
from api.standing.schemas import (
    FacesStanding,
    FeedStanding,
    ImpostorsStanding,
    LogStanding,
    PolicyAnswer,
    StandingAnswer,
)
from api.storage import migrate

router = APIRouter(prefix="/v1", tags=["standing"])

_STARTED = datetime.now(UTC)


@router.get(
    "/policy",
    response_model=PolicyAnswer,
    dependencies=FOR_CONSOLE,
    summary="By which rules the service decides, and what scores mean",
)
def read_policy(service: ServiceDep, caller: ConsoleDep) -> Any:  # noqa: ARG001 - the right is the caller's
    """The decision policy with its version, and the calibration of each engine in use as pairs of FMR and LLR."""
    return PolicyAnswer(policy=service.policy, calibrations=calibrations.shown(service.comparer.calibrations))


@router.get(
    "/standing",
    response_model=StandingAnswer,
    dependencies=FOR_CONSOLE,
    summary="How this replica stands, and the model packs with their licences",
)
def read_standing(service: ServiceDep, caller: ConsoleDep) -> Any:  # noqa: ARG001 - as above
    """Of the replica that answers: replicas know nothing of one another, and each has to be asked."""
    with service.database.begin() as connection:
        head = feed.head(connection)
        listed = connection.execute(select(impostors.SEQUENCE)).scalar_one()
        standing = log.standing(connection)
        schema = migrate.current(connection)
    return StandingAnswer(
        replica=f"{socket.gethostname()}:{os.getpid()}",
        version=version("renzheng"),
        started_at=_STARTED,
        as_of=head.as_of,
        schema=schema,
        schema_known=migrate.head(),
        feed=FeedStanding(
            head=head.seq,
            known=service.feed.ring.last,
            streams=len(service.feed.hub),
            most_streams=service.settings.feed_streams,
        ),
        impostors=ImpostorsStanding(sequence=listed, known=service.impostors.gallery.sequence),
        log=LogStanding(
            size=standing.size,
            waiting=standing.waiting,
            oldest_wait_s=round(standing.oldest_wait_s, 3),
            overdue=standing.overdue,
            sequencing=not service.sequencer.failing,
        ),
        faces=_faces(service.faces),
        packs=packs.known(),
    )


def _faces(watch: FaceWatch) -> FacesStanding:
    found = watch.found
    return FacesStanding(
        people=None if found is None else found.people,
        counted_at=None if found is None else found.at,
        threshold=watch.threshold,
        reached=found is not None and found.reached,
        filing=entry("stored_faces_filing").operator,
    )
