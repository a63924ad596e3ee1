"""What requests count. Labels take their values from closed lists, so that no request makes a new series."""

from contextlib import AbstractContextManager
from functools import cache
from typing import Literal, cast

from prometheus_client import Counter, Histogram

from api.errors import catalogue

Stage = Literal["decode", "face", "finger", "liveness", "screening", "database", "evidence"]

_STAGES: tuple[Stage, ...] = ("decode", "face", "finger", "liveness", "screening", "database", "evidence")
# A face is some 20 ms, a finger 60; a statement below one.
_STAGE_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0)
# It lasts as long as its client stays.
_STREAMS = frozenset({"/v1/feed"})

DECISIONS = Counter("renzheng_decisions", "Decisions that were made.", ["decision", "channel"], registry=None)
REASONS = Counter(
    "renzheng_decision_reasons", "Reasons of decisions; one may have several.", ["decision", "reason"], registry=None
)
STAGES = Histogram(
    "renzheng_stage_seconds",
    "Time of a stage of a verification, by the clock.",
    ["stage"],
    buckets=_STAGE_BUCKETS,
    registry=None,
)
REQUESTS = Counter("renzheng_http_requests", "Requests answered.", ["method", "route", "status"], registry=None)
REQUEST_SECONDS = Histogram(
    "renzheng_http_request_seconds",
    "From a request's arrival to the end of its answer.",
    ["route"],
    buckets=_REQUEST_BUCKETS,
    registry=None,
)
SHED = Counter("renzheng_shed_requests", "Requests refused before any work (service_overloaded).", registry=None)

ALL = (DECISIONS, REASONS, STAGES, REQUESTS, REQUEST_SECONDS, SHED)

_OF_STAGES = {name: STAGES.labels(name) for name in _STAGES}


def stage(name: Stage) -> AbstractContextManager[object]:
    """Measures the block as a stage."""
    return cast("AbstractContextManager[object]", _OF_STAGES[name].time())


def decided(decision: str, channel: str, reasons: set[str]) -> None:
    """A decision was made and committed."""
    DECISIONS.labels(decision, channel).inc()
    for reason in reasons & catalogue().keys():
        REASONS.labels(decision, reason).inc()


def request_ended(method: str, route: str, status: int, seconds: float) -> None:
    """A request was answered; `route` is a template, of which there are as many as routes."""
    _answered(method, route, status).inc()
    if route not in _STREAMS:
        _took(route).observe(seconds)


# The series themselves: looking one up costs more than counting in it.
@cache
def _answered(method: str, route: str, status: int) -> Counter:
    return REQUESTS.labels(method, route, str(status))


@cache
def _took(route: str) -> Histogram:
    return REQUEST_SECONDS.labels(route)


def shed() -> None:
    """A request was refused at the door."""
    SHED.inc()
