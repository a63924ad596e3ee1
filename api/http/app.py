"""The application: routes of all rooms, limits, errors, request identifiers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import anyio.to_thread
from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from api.accountability.holders import routes as holders
from api.accountability.overrides import routes as overrides
from api.accountability.scorecards import routes as scorecards
from api.accountability.transactions import routes as transactions
from api.alerts import routes as alerts
from api.cards import routes as cards
from api.duplicates import routes as duplicates
from api.evidence import routes as evidence
from api.feed import routes as feed
from api.feed.snapshots import routes as snapshots
from api.feed.webhooks import routes as webhooks
from api.http import errors, openapi, public, session_routes
from api.http.body import BodyLimit
from api.http.direct import DirectRoute, Shortcut
from api.http.envelope import Envelope
from api.http.threads import THREADS
from api.institutions import routes as institutions
from api.operations.parameters import OTHER_THREADS
from api.pages import routes as pages
from api.personal import routes as personal
from api.personal.holds import routes as holds
from api.population import routes as population
from api.screening import routes as screening
from api.service import Service
from api.standing import routes as standing
from api.verification import capture_routes as captures
from api.verification import guidance_routes as guidance
from api.verification import routes as verification

_DESCRIPTION = """Is this person the holder of this resident identity card, and is the card still good?

人证核验：比对人、证，核查证件状态，留存核验证据。

Errors have one form; `/v1/errors` lists every code in Chinese and English, with its cause and what to do about it.
`x-codes` says which an operation may answer; `internal`, with 500, is one that none of them foresees."""


ROUTERS = (
    captures.router,
    guidance.router,
    verification.router,
    population.router,
    cards.router,
    personal.router,
    holds.router,
    alerts.router,
    transactions.router,
    overrides.router,
    scorecards.router,
    holders.router,
    screening.router,
    duplicates.router,
    institutions.router,
    feed.router,
    webhooks.router,
    snapshots.router,
    evidence.router,
    standing.router,
    session_routes.router,
    public.router,
)


def create_app(service: Service) -> FastAPI:
    """The ASGI application over a built service."""
    # The documentation's scripts are served from here: a bank's machines cannot fetch them from elsewhere.
    app = FastAPIOffline(
        title="Renzheng 人证",
        version="1",
        redoc_url=None,
        description=_DESCRIPTION,
        license_info=openapi.LICENCE,
        servers=openapi.SERVERS,
        openapi_tags=openapi.TAGS,
        separate_input_output_schemas=False,
        # A redirect would send captures and keys to whatever the Host header says.
        redirect_slashes=False,
        # Whatever telemetry the process has is told nothing of requests and errors: it would get what stands in them.
        lifespan=partial(_with_threads, service),
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
    )
    app.state.service = service
    direct = [route for router in ROUTERS for route in router.routes if isinstance(route, DirectRoute)]
    app.add_middleware(Shortcut, routes=direct, handlers=app.exception_handlers)
    app.add_middleware(BodyLimit, max_bytes=service.settings.max_body_bytes)
    app.add_middleware(Envelope, draining=service.draining)
    errors.install(app)
    for router in ROUTERS:
        openapi.say_rights(router)
        app.include_router(router)
    app.router.routes.extend(pages.routes(service.settings, service.policy.grounds))
    openapi.complete(app, ROUTERS)
    return app


@asynccontextmanager
async def _with_threads(service: Service, _: FastAPI) -> AsyncIterator[None]:
    """As many threads as verifications may be inside, and more: what is none of them never waits behind them."""
    THREADS.allow(service.admission.most + OTHER_THREADS)
    anyio.to_thread.current_default_thread_limiter().total_tokens = OTHER_THREADS
    yield
