"""`/`, `/kiosk`, `/counter`, `/console` and their files. They hold nothing of anybody; what is personal is of `/v1`."""

import json

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from api.cards.parameters import LONG_TERM, TEXT_BYTES, TEXT_FIELDS, TYPE_SIGN_AT
from api.http.errors import response as error_response
from api.matching.captures import FingerPosition
from api.pages.assets import Asset, asset, files
from api.pages.headers import of_pages
from api.personal.consent import Basis
from api.settings import Settings
from api.verification.policy import GroundsPolicy

PAGES = {"/": "start.html", "/kiosk": "kiosk.html", "/counter": "counter.html", "/console": "console.html"}
# Kept, and asked about each time: a new version of the service is a new version of its pages at once.
_CACHING = "no-cache"


def routes(settings: Settings, grounds: GroundsPolicy) -> list[BaseRoute]:
    """The pages' routes; they need no key."""
    served = {f"/pages/{name}": one for name, one in files().items()}
    served |= {path: files()[name] for path, name in PAGES.items()}
    served["/pages/config.json"] = asset(json.dumps(configuration(settings, grounds)).encode(), "config.json")
    headers = of_pages(settings.reader_bridge) | {"Cache-Control": _CACHING}

    async def page(request: Request) -> Response:
        found = served.get(request.url.path)
        return error_response(request, "not_found") if found is None else _sent(request, found, headers)

    return [*(Route(path, page) for path in PAGES), Route("/pages/{name:path}", page)]


def configuration(settings: Settings, grounds: GroundsPolicy) -> dict[str, object]:
    """What the pages have to know of this deployment; none of it is secret."""
    return {
        "bridge": settings.reader_bridge,
        "typed_cards": settings.typed_cards,
        "text_block": {
            "bytes": TEXT_BYTES,
            "fields": [list(one) for one in TEXT_FIELDS],
            "long_term": LONG_TERM,
            "type_sign_at": TYPE_SIGN_AT,
        },
        "finger_positions": [position.value for position in FingerPosition],
        "grounds": [basis.value for basis in Basis if basis in grounds.taken],
        "ground_required": grounds.unstated == "refuse",
    }


def _sent(request: Request, found: Asset, headers: dict[str, str]) -> Response:
    told = {**headers, "ETag": found.etag}
    if request.headers.get("if-none-match") == found.etag:
        return Response(status_code=304, headers=told)
    return Response(found.content, media_type=found.media_type, headers=told)
