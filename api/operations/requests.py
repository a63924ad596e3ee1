"""What is told of every request, to the log and to the metrics: its route's template and never what stood in its place,
who asked by their identifiers, how it ended, and how long it took."""

import logging
import time
from typing import Any

from starlette.types import Scope

from api.institutions.caller import Caller
from api.operations.logs import REQUEST
from api.operations.metrics import counters

_log = logging.getLogger(__name__)

UNMATCHED = "unmatched"
_PAGE = "page"
_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
# Asked every few seconds by whatever watches.
_PROBES = frozenset({"/healthz", "/readyz"})
_BROKEN_OFF = 499
"""What proxies call a request whose client went before it was answered."""


def route_of(scope: Scope) -> str:
    """The template of the route that was asked for, as `/v1/cards/{card_id}`."""
    route = scope.get("route")
    if route is not None:
        return str(route.path)
    # Pages are plain routes; what follows their path is a file of ours, or nothing.
    return _PAGE if "endpoint" in scope else UNMATCHED


def tell(scope: Scope, status: int | None, began: float) -> None:
    """A request ended. `status` None: nothing was answered. `began`: of `time.perf_counter`."""
    seconds = time.perf_counter() - began
    route, answered = route_of(scope), _BROKEN_OFF if status is None else status
    method = scope["method"] if scope["method"] in _METHODS else "other"
    counters.request_ended(method, route, answered, seconds)
    level = logging.DEBUG if route in _PROBES and answered < 400 else logging.INFO
    if _log.isEnabledFor(level):
        facts = {REQUEST: _facts(scope, method, route, answered, seconds)}
        # As `log`, which looks through the stack for where it was called.
        _log.handle(_log.makeRecord(_log.name, level, __file__, 0, "request", (), None, "tell", facts))


def _facts(scope: Scope, method: str, route: str, status: int, seconds: float) -> dict[str, Any]:
    state = scope.get("state", {})
    told = {
        "method": method,
        "route": route,
        "status": status,
        "duration_ms": round(1000 * seconds, 1),
        "request_id": state.get("request_id", ""),
    }
    caller: Caller | None = state.get("caller")
    if caller is not None:
        told |= {"institution": str(caller.institution_id), "principal": str(caller.principal_id)}
    if (code := state.get("error_code")) is not None:
        told["code"] = code
    return told
