"""What terminals do: nonces, verifications, questions to the register, business that was done."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ..answers import (
    Check,
    Guidance,
    Nonce,
    Transaction,
    TransactionReported,
    TransactionsReported,
    Verification,
    VerificationSummary,
)
from ..answers.verifications import Channel, Decision
from ..calls import Call, Steps, Take, differing, is_of, unlike
from ..core import Core, is_code
from ..errors import AnswerUnusable, Refused
from ..given import Captures, Card, Json, encoded
from ..listing import Listing, pages
from ..parameters import CAPTURES_TRIES
from ..receipts import SOMEBODY

Taking = Callable[[Nonce], Captures | Awaitable[Captures]]

# Nothing was decided under these: the person is captured anew, under another nonce.
_ANEW = ("nonce_expired", "nonce_unknown", "nonce_reused", "capture_stale")


@dataclass(frozen=True)
class Business:
    """A business transaction that was done. `reference`: its number in your books; `done_at` with its offset."""

    reference: str
    kind: str
    done_at: datetime
    verification: UUID | None = None

    def body(self) -> Json:
        """As it stands in a request."""
        told = {"reference": self.reference, "kind": self.kind, "done_at": self.done_at.isoformat()}
        return told if self.verification is None else {**told, "verification": str(self.verification)}


def nonce(core: Core) -> Steps[Nonce]:
    """A nonce for one verification, with the challenge for terminals that film. Ask when the customer steps up."""
    given = yield from core.ask(Call("POST", "/v1/captures", Nonce))
    try:
        return given.measured(core.clock.heard(given.issued_at))
    except ValueError:
        raise AnswerUnusable("a nonce of no time") from None


def guide(core: Core, image: bytes) -> Steps[Guidance]:
    """What would make a better picture of a face; nothing of it is kept."""
    return (yield from core.ask(Call("POST", "/v1/captures/guidance", Guidance, {"image": encoded(image)})))


def verify(
    core: Core,
    card: Card,
    captures: Captures,
    *,
    nonce: Nonce,
    purpose: str,
    channel: Channel = "counter",
    basis: str | None = None,
    operator_key: str | None = None,
    idempotency_key: str | None = None,
) -> Steps[Verification]:
    """Is this person the holder of this card, and is the card still good?

    `captures` were taken after `nonce` came. Their time is told by the service's clock, as the nonce showed it, so that
    a terminal's wrong clock spoils nothing. Where pictures can be taken anew use `attend`.
    """
    taken_at = captures.taken_at + nonce.behind
    body = {
        "card": card.body(),
        "channel": channel,
        "purpose": purpose,
        "captures": captures.body(),
        "captured_at": taken_at.isoformat(),
        "nonce": nonce.nonce,
        **({} if basis is None else {"basis": basis}),
    }
    vouched = {
        "channel": channel,
        "purpose": purpose,
        "captured_at": taken_at,
        "consent/face_declined": captures.face_declined,
        "operator": None if operator_key is None else SOMEBODY,
        **({} if basis is None else {"consent/basis": basis}),
    }
    call = Call(
        "POST",
        "/v1/verifications",
        Verification,
        body,
        writes=True,
        key=idempotency_key,
        operator_key=operator_key,
        vouched=vouched,
    )
    return (yield from core.ask(call))


def attend(
    core: Core,
    card: Card,
    take: Taking,
    *,
    purpose: str,
    channel: Channel = "counter",
    basis: str | None = None,
    operator_key: str | None = None,
) -> Steps[Verification]:
    """A whole verification: a nonce, `take(nonce)` for the captures, the decision.

    Where the nonce ran out meanwhile the person is captured anew under another, three times at most. With the
    asynchronous client `take` may be a coroutine function.
    """
    for last in (False,) * (CAPTURES_TRIES - 1) + (True,):
        given = yield from nonce(core)
        captures: Captures = yield Take(lambda given=given: take(given))  # type: ignore[misc]
        try:
            return (
                yield from verify(
                    core,
                    card,
                    captures,
                    nonce=given,
                    purpose=purpose,
                    channel=channel,
                    basis=basis,
                    operator_key=operator_key,
                )
            )
        except Refused as problem:
            if last or not is_code(problem, *_ANEW):
                raise
    raise AssertionError("the last one returns or raises")


def decision(core: Core, verification: UUID) -> Steps[Verification]:
    """A decision that was made before, with its receipt."""
    wanted = str(UUID(str(verification)))
    path, vouched = f"/v1/verifications/{wanted}", {"id": wanted}
    return (yield from core.ask(Call("GET", path, Verification, vouched=vouched, amiss=is_of(wanted))))


def decisions(
    *,
    decision: Decision | None = None,
    terminal: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Listing[VerificationSummary, UUID]:
    """Decisions, newest first, without figures."""
    wanted = {"decision": decision, "terminal": terminal, "since": since, "until": until}

    def amiss(one: VerificationSummary) -> Iterator[str]:
        yield from unlike(wanted, decision=one.decision, terminal=one.terminal_id)
        yield from _outside(one.decided_at, since, until)

    return pages("/v1/verifications", VerificationSummary, wanted, amiss)


def check(
    core: Core,
    *,
    purpose: str,
    number: str | None = None,
    card: Card | None = None,
    portrait: bytes | None = None,
    idempotency_key: str | None = None,
) -> Steps[Check]:
    """What the register says without a person at the counter (联网核查): of a number, or of a card and a portrait."""
    given = {
        "purpose": purpose,
        "number": number,
        "card": None if card is None else card.body(),
        "portrait": None if portrait is None else encoded(portrait),
    }
    body = {name: value for name, value in given.items() if value is not None}

    def amiss(answer: Check) -> Iterator[str]:
        # Of a card or a portrait that was not sent nothing can be known.
        yield from differing(card=(answer.card is not None, card is not None))
        yield from differing(portrait=(answer.portrait is not None, card is not None and portrait is not None))

    vouched = {"purpose": purpose}
    call = Call("POST", "/v1/checks", Check, body, writes=True, key=idempotency_key, vouched=vouched, amiss=amiss)
    return (yield from core.ask(call))


def read_check(core: Core, check: UUID) -> Steps[Check]:
    """An answer of the register that was given before, for who asked."""
    wanted = str(UUID(str(check)))
    path, vouched = f"/v1/checks/{wanted}", {"id": wanted}
    return (yield from core.ask(Call("GET", path, Check, vouched=vouched, amiss=is_of(wanted))))


def report_transaction(
    core: Core, business: Business, *, idempotency_key: str | None = None
) -> Steps[TransactionReported]:
    """Business that was done, and the check that it rests on."""

    def amiss(answer: TransactionReported) -> Iterator[str]:
        return _of_business(answer, business)

    body = business.body()
    call = Call("POST", "/v1/transactions", TransactionReported, body, writes=True, key=idempotency_key, amiss=amiss)
    return (yield from core.ask(call))


def report_transactions(
    core: Core, business: Sequence[Business], *, idempotency_key: str | None = None
) -> Steps[TransactionsReported]:
    """The same, many at once: all of them are recorded, or none."""

    def amiss(answer: TransactionsReported) -> Iterator[str]:
        yield from differing(items=(len(answer.items), len(business)))
        for told, one in zip(answer.items, business, strict=True):
            yield from _of_business(told, one)

    body = {"transactions": [one.body() for one in business]}
    path = "/v1/transactions/batch"
    call = Call("POST", path, TransactionsReported, body, writes=True, key=idempotency_key, amiss=amiss)
    return (yield from core.ask(call))


def transaction(core: Core, transaction: UUID) -> Steps[Transaction]:
    """One that was reported."""
    wanted = str(UUID(str(transaction)))
    return (yield from core.ask(Call("GET", f"/v1/transactions/{wanted}", Transaction, amiss=is_of(wanted))))


def transactions(
    *,
    omissions: bool = False,
    cause: str | None = None,
    kind: str | None = None,
    terminal: UUID | None = None,
    institution: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Listing[Transaction, UUID]:
    """What was reported, newest first; `omissions`: what lacks its check."""
    wanted = {
        "omissions": omissions,
        "cause": cause,
        "kind": kind,
        "terminal": terminal,
        "institution": institution,
        "since": since,
        "until": until,
    }

    def amiss(one: Transaction) -> Iterator[str]:
        yield from unlike(wanted, cause=one.omission, kind=one.kind, terminal=one.terminal_id)
        yield from differing(omissions=(omissions and one.omission is None, False))
        yield from _outside(one.done_at, since, until)

    return pages("/v1/transactions", Transaction, wanted, amiss)


def _of_business(told: TransactionReported, business: Business) -> Iterator[str]:
    yield from differing(
        kind=(told.kind, business.kind),
        done_at=(told.done_at, business.done_at),
        verification_id=(told.verification_id, business.verification),
        receipt=(told.receipt is None and not told.reported_before, False),
    )


def _outside(at: datetime, since: datetime | None, until: datetime | None) -> Iterator[str]:
    yield from differing(
        since=(since is not None and at < since, False), until=(until is not None and at >= until, False)
    )
