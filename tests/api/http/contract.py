"""Schemathesis over the application: requests as the OpenAPI document allows them, and as it does not.

Its engine writes every request itself, from boundary cases of the schemas and at random. Left alone it would learn
little of an authority's routes: no card has the identifier it makes up, and no picture is one. So some of its requests
get what is really there, before they are sent: identifiers of objects, a nonce, a capture that shows somebody.
"""

import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import schemathesis
from fastapi import FastAPI
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.hooks import GLOBAL_HOOK_DISPATCHER
from starlette.testclient import TestClient

from api.http.app import create_app
from api.institutions.roles import ROLE_SCOPES, Role
from api.matching.captures import Captures
from api.matching.comparison import CaptureInvalid, Enrolment, PersonResult
from api.matching.guidance import Guidance
from api.service import Service
from tests.api.bodies import encoded, new_nonce
from tests.api.scripted import ScriptedComparer

# The feed's stream ends when its client goes: tests/api/feed/test_streams.py reads it over a connection. A rotation
# ends the key that a run signs in with: tests/api/institutions/test_routes.py.
_ASKED_ELSEWHERE = ["/v1/feed", "/v1/me/key"]
# Asked by GET they are a transaction and a card of that name, which is no identifier: 422 and not 405.
_NAMES_OF_ANOTHER = {
    f"POST {path}: {check}"
    for path in ("/v1/transactions/batch", "/v1/cards/search")
    for check in ("unsupported_method", "allow_header_conformance")
}
_CONFIG = """
seed = {seed}
continue-on-failure = true
headers = {{ Authorization = "{authorization}" }}

[phases.examples]
enabled = false

[phases.stateful]
enabled = false

[generation]
max-examples = {examples}
database = "none"

[checks]
# Documented, and said again until it goes: a database that is busy, as that of these tests is.
not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", 503]
# A number's check digit, the order of two days, a picture that is one: what the service asks beyond the schema is not
# in the document, and is refused with a code that is.
positive_data_acceptance.enabled = false
# They need objects that are made and deleted in one go; tests/api/test_objects.py does that for every route.
use_after_free.enabled = false
ensure_resource_availability.enabled = false
object_level_authorization.enabled = false
"""
_IMAGES = {"image", "chip_photo"}
_WORD = re.compile(rb"(person|maybe):[a-z]+(#[0-9]+)?|no_face|low_quality|live")


class StrictComparer(ScriptedComparer):
    """Whatever is no word of the scripted captures is no image, as it is to the engines."""

    def guide(self, image: bytes) -> Guidance:
        """See `ScriptedComparer`."""
        _refuse_others({"image": image})
        return super().guide(image)

    def enrol(self, captures: Captures) -> Enrolment:
        """See `ScriptedComparer`."""
        _refuse_others(_images(captures))
        return super().enrol(captures)

    def compare(self, captures: Captures, *how: Any, **named: Any) -> PersonResult:
        """See `ScriptedComparer`."""
        _refuse_others(_images(captures))
        return super().compare(captures, *how, **named)


def _images(captures: Captures) -> dict[str, bytes | None]:
    frames = captures.burst.frames if captures.burst is not None else ()
    return {
        "face": captures.face,
        "chip_photo": captures.chip_photo,
        **{str(finger.position): finger.image for finger in captures.fingers},
        **{f"frame {index}": frame.image for index, frame in enumerate(frames)},
    }


def _refuse_others(images: dict[str, bytes | None]) -> None:
    for place, image in images.items():
        if image is not None and _WORD.fullmatch(image) is None:
            raise CaptureInvalid("image_not_an_image", place)


@dataclass
class Outcome:
    """What came of a run: how many requests, their answers' statuses, and every failed check once."""

    requests: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)


def strict(service: Service) -> FastAPI:
    """The application with the strict comparer."""
    return create_app(replace(service, comparer=StrictComparer()))


def run(
    app: FastAPI, client: TestClient, role: Role, known: Callable[[str], str | None], *, seed: int, examples: int
) -> Outcome:
    """Ask every route that a role may use, as the one who is signed in at the client; others' are refused before they
    look at anything (tests/api/test_authorisation.py).

    `known` gives an object that is there, for the name of a path's parameter.
    """
    config = SchemathesisConfig.from_str(
        _CONFIG.format(
            seed=seed,
            examples=examples,
            authorization=client.headers["authorization"],
        )
    )
    document = TestClient(app).get("/openapi.json").json()
    schema = schemathesis.openapi.from_dict(document, config=config).exclude(path=_ASKED_ELSEWHERE)
    schema = schema.include(lambda context: _open_to(context.operation, role))
    schema.app = app
    drawn = random.Random(seed)

    def before_call(context: Any, case: Any, kwargs: Any) -> None:
        if drawn.random() < 0.5:
            _fill(case, client, known)

    outcome = Outcome()
    schemathesis.hook(before_call)
    try:
        for event in from_schema(schema).execute():
            _take(outcome, event)
    finally:
        GLOBAL_HOOK_DISPATCHER.unregister(before_call)
    return outcome


def _open_to(operation: Any, role: Role) -> bool:
    needed = operation.definition.raw.get("x-scopes")
    return not needed or not ROLE_SCOPES[role].isdisjoint(needed)


def _take(outcome: Outcome, event: events.EngineEvent) -> None:
    if isinstance(event, events.ScenarioFinished):
        _count(outcome, event)
    elif isinstance(event, (events.NonFatalError, events.FatalError)):
        error = event.value if isinstance(event, events.NonFatalError) else event.exception
        outcome.failures[f"the run: {type(error).__name__}"] = str(error)


def _count(outcome: Outcome, event: events.ScenarioFinished) -> None:
    for exchange in event.recorder.interactions.values():
        if exchange.response is not None:
            outcome.requests += 1
            outcome.statuses[exchange.response.status_code] += 1
    for checks in event.recorder.checks.values():
        for check in checks:
            title = f"{event.label}: {check.name}"
            if check.failure_info is not None and title not in _NAMES_OF_ANOTHER:
                outcome.failures[title] = f"{check.failure_info.failure}\n{check.failure_info.code_sample}"


def _fill(case: Any, client: TestClient, known: Callable[[str], str | None]) -> None:
    """What is really there, in the place of what was made up."""
    for name in case.path_parameters or {}:
        case.path_parameters[name] = known(name) or case.path_parameters[name]
    if isinstance(case.body, dict):
        case.body = _with_captures(case.body)
        if "nonce" in case.body and client.post("/v1/captures").status_code == 201:
            case.body["nonce"] = new_nonce(client)
        if "captured_at" in case.body:
            case.body["captured_at"] = datetime.now(UTC).isoformat()


def _with_captures(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: encoded("person:a")
            if name in {"image", "chip_photo"} and isinstance(inner, str)
            else _with_captures(inner)
            for name, inner in value.items()
        }
    return [_with_captures(inner) for inner in value] if isinstance(value, list) else value
