"""What authorities do: cards registered, reported and looked up, impostors; and alerts, which supervisors close too."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Literal, TypeVar
from uuid import UUID

from ..answers import (
    Alert,
    AlertClosed,
    CardRegistered,
    EventRecorded,
    EventReported,
    FoundCard,
    Impostor,
    ImpostorChanged,
    Items,
    RegisteredCard,
    TemplatesAdded,
)
from ..calls import Call, Steps, T, differing, is_of, unlike
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
E = TypeVar("E", bound=EventRecorded)

# What is done to an entry of the impostor list: the act in the log, and the entry's state after it.
_ACTS = {
    "approve": ("impostor_approved", "approved"),
    "refuse": ("impostor_refused", "refused"),
    "remove": ("impostor_removed", "removed"),
    "review": ("impostor_reviewed", "approved"),
}
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

    def amiss(answer: CardRegistered) -> Iterator[str]:
        old = answer.superseded
        yield from differing(superseded=(old is not None, supersedes is not None))
        if old is not None and supersedes is not None:
            yield from differing(
                card_id=(old.card_id, UUID(str(supersedes))),
                event=(old.event, event),
                superseded_by=(old.superseded_by, answer.id),
            )

    call = _write("/v1/cards", CardRegistered, _with_basis(body, basis), idempotency_key, amiss=amiss)
    return (yield from core.ask(call))


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
    if superseded_by is not None:
        vouched["superseded_by"] = str(UUID(str(superseded_by)))
    return (yield from core.ask(_event(card, "events", EventReported, body, idempotency_key, vouched)))


def card(core: Core, card: UUID) -> Steps[RegisteredCard]:
    """A card that this authority registered: status, dates, what happened to it, what may be reported of it."""
    return (yield from core.ask(Call("GET", _card(card), RegisteredCard, amiss=is_of(str(UUID(str(card)))))))


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
    vouched = {"card_id": str(UUID(str(card))), "event": "face_added"}
    return (yield from core.ask(_event(card, "face", TemplatesAdded, body, idempotency_key, vouched)))


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
    vouched = {"card_id": str(UUID(str(card))), "event": "fingerprints_added"}
    return (yield from core.ask(_event(card, "fingerprints", TemplatesAdded, body, idempotency_key, vouched)))


def alerts(*, open: bool | None = None) -> Listing[Alert, UUID]:  # noqa: A002 - the service's name of it
    """Alerts of the institution and its branches; `open`: those that nobody closed."""

    def amiss(one: Alert) -> Iterator[str]:
        return unlike({"open": open}, open=one.closed_at is None)

    return pages("/v1/alerts", Alert, {"open": open}, amiss)


def alert(core: Core, alert: UUID) -> Steps[Alert]:
    """One alert."""
    wanted = str(UUID(str(alert)))
    return (yield from core.ask(Call("GET", f"/v1/alerts/{wanted}", Alert, amiss=is_of(wanted))))


def close_alert(core: Core, alert: UUID, note: str, *, idempotency_key: str | None = None) -> Steps[AlertClosed]:
    """Close an alert, and say what was found out, without names and numbers."""
    wanted = str(UUID(str(alert)))
    vouched, amiss = {"subject": wanted}, is_of(wanted)
    call = _write(f"/v1/alerts/{wanted}/close", AlertClosed, {"note": note}, idempotency_key, vouched, amiss)
    return (yield from core.ask(call))


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
    told = {"ground": ground, "review_on": body["review_on"], "expires_on": body["expires_on"]}
    vouched = {"act": "impostor_proposed", **{f"details/{name}": value for name, value in told.items()}}

    def amiss(answer: ImpostorChanged) -> Iterator[str]:
        return unlike(
            {"state": "proposed", **told},
            state=answer.state,
            ground=answer.ground,
            review_on=answer.review_on.isoformat(),
            expires_on=answer.expires_on.isoformat(),
        )

    return (yield from core.ask(_write("/v1/impostors", ImpostorChanged, body, idempotency_key, vouched, amiss)))


def impostors(*, state: str | None = None, review_due: bool = False) -> Listing[Impostor, UUID]:
    """Entries of the list."""
    wanted = {"state": state, "review_due": review_due}

    def amiss(one: Impostor) -> Iterator[str]:
        return unlike({**wanted, "review_due": review_due or None}, state=one.state, review_due=one.review_due)

    return pages("/v1/impostors", Impostor, wanted, amiss)


def impostor(core: Core, impostor: UUID) -> Steps[Impostor]:
    """One entry."""
    wanted = str(UUID(str(impostor)))
    return (yield from core.ask(Call("GET", f"/v1/impostors/{wanted}", Impostor, amiss=is_of(wanted))))


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
    """`body` may name the next review, which the leaf then has to say too."""
    wanted = str(UUID(str(impostor)))
    act, state = _ACTS[what]
    vouched = {"act": act, "subject": wanted}
    if "review_on" in body:
        vouched["details/review_on"] = body["review_on"]

    def amiss(answer: ImpostorChanged) -> Iterator[str]:
        yield from differing(id=(answer.id, wanted), state=(answer.state, state))
        yield from unlike({"review_on": body.get("review_on")}, review_on=answer.review_on.isoformat())

    return _write(f"/v1/impostors/{wanted}/{what}", ImpostorChanged, body, key, vouched, amiss)


def _event(card: UUID, what: str, answer: type[E], body: Json, key: str | None, vouched: Mapping[str, str]) -> Call[E]:
    """What happens to a card: `vouched` names the card, the event, and what else the answer has to say of it."""

    def amiss(told: E) -> Iterator[str]:
        said = {"card_id": str(told.card_id), "event": told.event, "superseded_by": str(told.superseded_by)}
        return differing(**{name: (said[name], value) for name, value in vouched.items()})

    return _write(f"{_card(card)}/{what}", answer, body, key, vouched, amiss)


def _card(card: UUID) -> str:
    return f"/v1/cards/{UUID(str(card))}"


def _with_basis(body: Json, basis: str | None) -> Json:
    return body if basis is None else {**body, "basis": basis}


def _write(
    path: str,
    answer: type[T],
    body: Json,
    key: str | None,
    vouched: Mapping[str, Any] | None = None,
    amiss: Callable[[T], Iterable[str]] | None = None,
) -> Call[T]:
    return Call("POST", path, answer, body, writes=True, key=key, vouched=vouched or {}, amiss=amiss)
