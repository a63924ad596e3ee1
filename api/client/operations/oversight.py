"""What supervisors, followers of the feed and watchers of the log do."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal
from uuid import UUID

from ..answers import (
    Change,
    Consistency,
    Evident,
    FeedPage,
    Inclusion,
    Leaf,
    Leaves,
    LogStatus,
    Me,
    Override,
    OverrideChanged,
    SigningKey,
    TransactionReported,
)
from ..calls import Call, Pause, Steps, differing, is_of, unlike
from ..core import Core, is_code
from ..errors import EvidenceRefuted, PromiseBroken, Refused
from ..given import Json
from ..listing import Listing, pages
from ..parameters import FEED_EVENTS, FEED_EVERY_S, LEAVES, PROOF_EVERY_S, PROOF_LATE_S
from ..receipts import Checkpoint, Evidence, Verifier

Reason = Literal["identified_otherwise", "compared_by_eye", "capture_not_possible", "system_fault", "order", "other"]


def enter_override(
    core: Core, verification: UUID, reason: Reason, text: str, *, idempotency_key: str | None = None
) -> Steps[OverrideChanged]:
    """Ask to go on in spite of REVIEW or REFUSE; somebody else decides it."""
    wanted, body = str(UUID(str(verification))), {"reason": reason, "text": text}
    vouched = {"act": "override_entered", "details/verification": wanted, "details/reason": reason}

    def amiss(answer: OverrideChanged) -> Iterator[str]:
        return differing(
            verification_id=(answer.verification_id, wanted),
            reason=(answer.reason, reason),
            state=(answer.state, "entered"),
        )

    path = f"/v1/verifications/{wanted}/override"
    call = Call("POST", path, OverrideChanged, body, writes=True, key=idempotency_key, vouched=vouched, amiss=amiss)
    return (yield from core.ask(call))


def approve_override(core: Core, override: UUID, *, idempotency_key: str | None = None) -> Steps[OverrideChanged]:
    """Approve an override that somebody else entered."""
    return (yield from core.ask(_decided(override, "approve", idempotency_key)))


def refuse_override(core: Core, override: UUID, *, idempotency_key: str | None = None) -> Steps[OverrideChanged]:
    """Refuse it."""
    return (yield from core.ask(_decided(override, "refuse", idempotency_key)))


def override(core: Core, override: UUID) -> Steps[Override]:
    """One override."""
    wanted = str(UUID(str(override)))
    return (yield from core.ask(Call("GET", f"/v1/overrides/{wanted}", Override, amiss=is_of(wanted))))


def overrides(*, state: str | None = None, verification: UUID | None = None) -> Listing[Override, UUID]:
    """Overrides, newest first."""
    wanted = {"state": state, "verification": verification}

    def amiss(one: Override) -> Iterator[str]:
        return unlike(wanted, state=one.state, verification=one.verification_id)

    return pages("/v1/overrides", Override, wanted, amiss)


def feed_page(core: Core, after: int = 0, limit: int = FEED_EVENTS) -> Steps[FeedPage]:
    """The changes that follow a number."""
    return (yield from core.ask(_feed(after, limit)))


def changes(after: int = 0) -> Listing[Change, int]:
    """All changes after a number, up to the newest. Keep the last `seq`: it is the cursor to go on from."""
    return Listing(lambda at: _feed(at or 0, FEED_EVENTS), _read_changes, after)


def follow(after: int = 0, *, every_s: float = FEED_EVERY_S) -> Listing[Change, int]:
    """The same without an end: at the newest the feed is asked again every so many seconds."""
    return Listing(lambda at: _feed(at or 0, FEED_EVENTS), _read_changes, after, every_s)


def _feed(after: int, limit: int) -> Call[FeedPage]:
    """A change that is left out, told twice or told of an older page is noticed: numbers have no gaps."""

    def amiss(page: FeedPage) -> Iterator[str]:
        seqs, last = [one.seq for one in page.events], page.events[-1].seq if page.events else after
        yield from differing(seq=(seqs, list(range(after + 1, after + 1 + len(seqs)))))
        yield from differing(head=(page.head < last, False))

    return Call("GET", "/v1/feed", FeedPage, query={"after": after, "limit": limit}, amiss=amiss)


def _read_changes(page: FeedPage) -> tuple[list[Change], int | None, bool]:
    # Only what was seen moves the cursor: a head that is newer than its page would leave changes out.
    return page.events, page.events[-1].seq if page.events else None, page.more


def checkpoint(core: Core) -> Steps[Checkpoint]:
    """The newest signed tree head, verified. Keep its `note` on another machine."""
    note = yield from core.ask(Call("GET", "/v1/evidence/checkpoint", str))
    return _pinned(core).checkpoint(note)


def grown_since(core: Core, kept: str | Checkpoint) -> Steps[Checkpoint]:
    """The newest tree head that continues one that was kept: nothing was rewritten or taken out since.

    Raises `EvidenceRefuted` where that does not hold.
    """
    verifier = _pinned(core)
    old = verifier.checkpoint(kept if isinstance(kept, str) else kept.note)
    proof = yield from core.ask(Call("GET", "/v1/evidence/consistency", Consistency, query={"old": old.size}))
    return verifier.consistency(old, proof)


def prove(core: Core, answer: Evident | TransactionReported) -> Steps[Evidence]:
    """The evidence of an answer, proof included: where the receipt is a promise, the proof is waited for.

    Raises `EvidenceRefuted`, and `PromiseBroken` where the promised time is over.
    """
    evidence = _pinned(core).verify(answer)
    while evidence.checkpoint is None:
        try:
            path = f"/v1/evidence/inclusion/{evidence.leaf_hash}"
            proof = yield from core.ask(Call("GET", path, Inclusion))
        except Refused as problem:
            if not is_code(problem, "not_in_log"):
                raise
            if _is_over(core, evidence):
                raise PromiseBroken("the leaf has no place in the log") from problem
            yield Pause(PROOF_EVERY_S)
        else:
            at = _pinned(core).inclusion(evidence.leaf_hash, proof)
            told = (evidence.leaf, evidence.leaf_hash, evidence.include_by)
            evidence = Evidence(*told, proof.index, at, evidence.unproven)
    return evidence


def log_status(core: Core) -> Steps[LogStatus]:
    """How the log stands."""
    return (yield from core.ask(Call("GET", "/v1/evidence/status", LogStatus)))


def leaves(start: int = 0) -> Listing[Leaf, int]:
    """The leaves in their order (regulator, evaluator)."""

    def read(page: Leaves) -> tuple[list[Leaf], int | None, bool]:
        following = page.start + len(page.leaves)
        return page.leaves, following, bool(page.leaves) and following < page.size

    def asked(at: int | None) -> Call[Leaves]:
        def amiss(page: Leaves) -> Iterator[str]:
            first = at or 0
            places = [one.place for one in page.leaves]
            yield from differing(start=(page.start, first), place=(places, list(range(first, first + len(places)))))

        return Call("GET", "/v1/evidence/leaves", Leaves, query={"start": at or 0, "limit": LEAVES}, amiss=amiss)

    return Listing(asked, read, start)


def signing_keys(core: Core) -> Steps[list[SigningKey]]:
    """The public keys that receipts are signed with, the present one first. Pin their `verifier_key`."""
    return (yield from core.ask(Call("GET", "/v1/keys", list[SigningKey])))


def pin(core: Core) -> Steps[list[str]]:
    """Trust the keys that the service names now, from now on; gives their lines, to be kept and pinned next time.

    Whoever stands between could name keys of their own: compare the lines on a second way.
    """
    lines = [key.verifier_key for key in (yield from signing_keys(core))]
    core.verifier = Verifier(lines)
    return lines


def me(core: Core) -> Steps[Me]:
    """Who signed in, and what the key may do."""
    return (yield from core.ask(Call("GET", "/v1/me", Me)))


def request(
    core: Core,
    method: str,
    path: str,
    body: Json | None = None,
    *,
    query: Mapping[str, Any] | None = None,
    idempotency_key: str | None = None,
) -> Steps[Any]:
    """Any other request, its answer as parsed JSON: signed and sent again as all are. Receipts are not verified."""
    writes = method.upper() in {"POST", "PUT", "PATCH", "DELETE"}
    call = Call[Any](method.upper(), path, Any, body, query or {}, writes, idempotency_key)
    return (yield from core.ask(call))


def _decided(override: UUID, what: str, key: str | None) -> Call[OverrideChanged]:
    wanted, state = str(UUID(str(override))), {"approve": "approved", "refuse": "refused"}[what]
    vouched = {"act": f"override_{state}", "subject": wanted}

    def amiss(answer: OverrideChanged) -> Iterator[str]:
        return differing(id=(answer.id, wanted), state=(answer.state, state))

    path = f"/v1/overrides/{wanted}/{what}"
    return Call("POST", path, OverrideChanged, {}, writes=True, key=key, vouched=vouched, amiss=amiss)


def _pinned(core: Core) -> Verifier:
    if core.verifier is None:
        raise EvidenceRefuted("no key of the log is pinned: nothing can be verified")
    return core.verifier


def _is_over(core: Core, evidence: Evidence) -> bool:
    if evidence.include_by is None:
        return True
    return (core.clock.service_time() - evidence.include_by).total_seconds() > PROOF_LATE_S
