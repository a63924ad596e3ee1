"""What authorities do: cards registered, reported and looked up, impostors; and alerts, which supervisors close too."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Literal
from uuid import UUID

from ..answers import (
    Alert,
    AlertClosed,
    CardRegistered,
    EventReported,
    FoundCard,
    Impostor,
    ImpostorChanged,
    Items,
    RegisteredCard,
    TemplatesAdded,
)
from ..calls import Call, Steps, T
from ..core import Core
from ..given import Card, Finger, Json, captured
from ..listing import Listing, pages

Event = Literal[
    "reported_lost",
    "reported_stolen",
    "found",
    "reissued",
    "renewed",
    "data_corrected",
    "surrendered",
    "holder_deceased",
    "cancelled",
    "dispute_opened",
    "dispute_upheld",
    "dispute_rejected",
]
Superseding = Literal["data_corrected", "reissued", "renewed"]
Ground = Literal["card_of_another", "forged_card", "presentation_attack", "second_identity", "order"]


def register_card(
    core: Core,
    card: Card,
    *,
    face: bytes | None = None,
    fingers: Sequence[Finger] = (),
    more_faces: Sequence[bytes] = (),
    supersedes: UUID | None = None,
    event: Superseding = "reissued",
    basis: str | None = None,
    idempotency_key: str | None = None,
) -> Steps[CardRegistered]:
    """Register a card with what its templates are made of. `supersedes`: the older card of the person whose place it
    takes, which is invalid from the answer on, recorded with `event`."""
    body: Json = {"card": card.body(), "captures": captured(face, fingers, more_faces)}
    if supersedes is not None:
        body["supersedes"] = {"card_id": str(supersedes), "event": event}
    return (yield from core.ask(_write("/v1/cards", CardRegistered, _with_basis(body, basis), idempotency_key)))


def report_card(
    core: Core,
    card: UUID,
    event: Event,
    *,
    superseded_by: UUID | None = None,
    reason: str | None = None,
    idempotency_key: str | None = None,
) -> Steps[EventReported]:
    """Report what happened to a card. From the answer on every decision knows of it, everywhere."""
    body: Json = {"event": event}
    if superseded_by is not None:
        body["superseded_by"] = str(superseded_by)
    if reason is not None:
        body["reason"] = reason
    vouched = {"card_id": str(UUID(str(card))), "event": event}
    return (yield from core.ask(_write(f"{_card(card)}/events", EventReported, body, idempotency_key, vouched)))


def card(core: Core, card: UUID) -> Steps[RegisteredCard]:
    """A card that this authority registered: status, dates, what happened to it, what may be reported of it."""
    return (yield from core.ask(Call("GET", _card(card), RegisteredCard)))


def find_cards(core: Core, number: str) -> Steps[list[FoundCard]]:
    """The cards of a number that this authority registered, the newest first."""
    found = yield from core.ask(Call("POST", "/v1/cards/search", Items[FoundCard], {"number": number}))
    return found.items


def add_face(
    core: Core,
    card: UUID,
    face: bytes,
    *,
    more_faces: Sequence[bytes] = (),
    basis: str | None = None,
    idempotency_key: str | None = None,
) -> Steps[TemplatesAdded]:
    """A first face for a card that has none."""
    body = _with_basis(captured(face, (), more_faces), basis)
    vouched = {"card_id": str(UUID(str(card)))}
    return (yield from core.ask(_write(f"{_card(card)}/face", TemplatesAdded, body, idempotency_key, vouched)))


def add_fingerprints(
    core: Core,
    card: UUID,
    fingers: Sequence[Finger],
    *,
    basis: str | None = None,
    idempotency_key: str | None = None,
) -> Steps[TemplatesAdded]:
    """Fingers for a registered card."""
    body = _with_basis(captured(None, fingers), basis)
    vouched = {"card_id": str(UUID(str(card)))}
    return (yield from core.ask(_write(f"{_card(card)}/fingerprints", TemplatesAdded, body, idempotency_key, vouched)))


def alerts(*, open: bool | None = None) -> Listing[Alert, UUID]:  # noqa: A002 - the service's name of it
    """Alerts of the institution and its branches; `open`: those that nobody closed."""
    return pages("/v1/alerts", Alert, {"open": open})


def alert(core: Core, alert: UUID) -> Steps[Alert]:
    """One alert."""
    return (yield from core.ask(Call("GET", f"/v1/alerts/{UUID(str(alert))}", Alert)))


def close_alert(core: Core, alert: UUID, note: str, *, idempotency_key: str | None = None) -> Steps[AlertClosed]:
    """Close an alert, and say what was found out, without names and numbers."""
    path = f"/v1/alerts/{UUID(str(alert))}/close"
    return (yield from core.ask(_write(path, AlertClosed, {"note": note}, idempotency_key)))


def propose_impostor(
    core: Core,
    *,
    ground: Ground,
    case_reference: str,
    review_on: date,
    expires_on: date,
    face: bytes | None = None,
    fingers: Sequence[Finger] = (),
    more_faces: Sequence[bytes] = (),
    idempotency_key: str | None = None,
) -> Steps[ImpostorChanged]:
    """Enter somebody who was caught with another's card; a second person approves it."""
    body = {
        "captures": captured(face, fingers, more_faces),
        "ground": ground,
        "case_reference": case_reference,
        "review_on": review_on.isoformat(),
        "expires_on": expires_on.isoformat(),
    }
    return (yield from core.ask(_write("/v1/impostors", ImpostorChanged, body, idempotency_key)))


def impostors(*, state: str | None = None, review_due: bool = False) -> Listing[Impostor, UUID]:
    """Entries of the list."""
    return pages("/v1/impostors", Impostor, {"state": state, "review_due": review_due})


def impostor(core: Core, impostor: UUID) -> Steps[Impostor]:
    """One entry."""
    return (yield from core.ask(Call("GET", f"/v1/impostors/{UUID(str(impostor))}", Impostor)))


def approve_impostor(core: Core, impostor: UUID, *, idempotency_key: str | None = None) -> Steps[ImpostorChanged]:
    """Approve an entry that somebody else proposed: it is searched from the answer on."""
    return (yield from core.ask(_of_impostor(impostor, "approve", {}, idempotency_key)))


def refuse_impostor(
    core: Core, impostor: UUID, reason: str, *, idempotency_key: str | None = None
) -> Steps[ImpostorChanged]:
    """End a proposed entry."""
    return (yield from core.ask(_of_impostor(impostor, "refuse", {"reason": reason}, idempotency_key)))


def remove_impostor(
    core: Core, impostor: UUID, reason: str, *, idempotency_key: str | None = None
) -> Steps[ImpostorChanged]:
    """Take an approved entry off the list."""
    return (yield from core.ask(_of_impostor(impostor, "remove", {"reason": reason}, idempotency_key)))


def review_impostor(
    core: Core, impostor: UUID, review_on: date, *, idempotency_key: str | None = None
) -> Steps[ImpostorChanged]:
    """An entry was looked at and stays, until the next review."""
    body = {"review_on": review_on.isoformat()}
    return (yield from core.ask(_of_impostor(impostor, "review", body, idempotency_key)))


def _of_impostor(impostor: UUID, what: str, body: Json, key: str | None) -> Call[ImpostorChanged]:
    return _write(f"/v1/impostors/{UUID(str(impostor))}/{what}", ImpostorChanged, body, key)


def _card(card: UUID) -> str:
    return f"/v1/cards/{UUID(str(card))}"


def _with_basis(body: Json, basis: str | None) -> Json:
    return body if basis is None else {**body, "basis": basis}


def _write(
    path: str, answer: type[T], body: Json, key: str | None, vouched: Mapping[str, Any] | None = None
) -> Call[T]:
    return Call("POST", path, answer, body, writes=True, key=key, vouched=vouched or {})
