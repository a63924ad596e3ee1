"""Whether a history breaks the promise: once a loss report is acknowledged, no verification decided afterwards passes.

Two orders are used, and neither trusts a date.

**By commit.** `commits` gives the acts in the order of their commit records in PostgreSQL's write-ahead log. For acts
on one card this is the order in which they took effect: a decision holds its card's share lock, and a report the
exclusive one, until the transaction has ended, which is after its commit record was written. So of a report and a
decision on one card one wrote its record before the other could so much as read the row, and the later one must have
seen it: replaying the log, every decision has to be made on the status that the last event before it left, and to be
no PASS unless that is `valid`. That holds for acts nobody was told of, and it finds what overlaps in time. It is also
complete: an answer is sent after the commit record is on the disk, so that a decision taken after an acknowledged
report stands behind it.

**By the clients.** All clients read one monotonic clock. A verification that was first sent after a report had been
answered was decided after it, whatever database or service say of themselves. It may pass only if a later event can
have made the card valid: one (`found`, or of unknown fate) that was sent before the verification was answered, and
not answered before the report was sent. This order is blind where calls overlap, but needs no word of the system
under test.

Besides: what was acknowledged is committed as it was told, once for a key, and is still in the tables after every
kill; nothing is committed that no client asked for; and clients are told nothing but what they asked for or to try
again.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from api.cards.lifecycle import Event, Status
from tests.faults.replicas.calls import Call
from tests.faults.replicas.commits import Act

# The promise, and what beside it would be wrong with the history.
AFTER_REPORT = "PASS decided after a report"
STALE = "decided on a status that was not the card's"
LOST = "acknowledged and not kept"
OTHERWISE = "not as it was told or asked"

RETRYABLE = frozenset({"database_unavailable", "service_busy", "service_overloaded"})
# Two authorities may report the same card at once: the second one's event may not be possible any more.
_REFUSALS = frozenset({(409, "event_not_possible")})
_REVIVING = frozenset({Event.FOUND, Event.DISPUTE_UPHELD})


@dataclass(frozen=True)
class Violation:
    """What is wrong, of which kind, with which act (its idempotency key or identifier)."""

    kind: str
    act: str
    text: str


@dataclass
class Checker:
    """What is known of the cards between one chunk of the history and the next.

    `statuses` are the cards' after the last act that was replayed, which stands at `lsn` in the log; `reports` the
    clients' reports that a later verification may have to be held against.
    """

    lsn: int = 0
    statuses: dict[str, str] = field(default_factory=dict)
    reports: list[Call] = field(default_factory=list)
    _touched: set[str] = field(default_factory=set)

    def check(self, chunk: str, calls: Sequence[Call], acts: Sequence[Act], kept: Collection[str]) -> list[Violation]:
        """Judge a chunk whose calls have all ended: `acts` are what was committed since the chunk before, `kept` the
        identifiers of acts that the tables hold. Keys of its calls begin with `chunk`."""
        found = [
            *self.replay(acts),
            *self._by_the_clients(calls),
            *_told(calls, acts, kept),
            *_asked(chunk, calls, acts),
        ]
        self.reports = [*self.reports, *(call for call in calls if call.kind == "event")]
        self._touched = {call.card_id for call in calls} | {act.card_id for act in acts}
        return found

    def replay(self, acts: Sequence[Act]) -> Iterator[Violation]:
        """Judge acts by their order in the log."""
        for act in acts:
            if act.lsn <= self.lsn:
                yield Violation(OTHERWISE, act.id, "the log is not in order")
            self.lsn = act.lsn
            if act.kind == "event":
                if (act.what == Event.REGISTERED) == (act.card_id in self.statuses):
                    yield Violation(OTHERWISE, act.id, f"{act.what} of a card that is there twice, or not at all")
                self.statuses[act.card_id] = act.status
                continue
            status = self.statuses.get(act.card_id, "unknown")
            if act.what == "PASS" and status != Status.VALID:
                yield Violation(AFTER_REPORT, act.id, f"committed as PASS when the card was {status}")
            elif act.status != status:
                yield Violation(STALE, act.id, f"decided on {act.status} when the card was {status}")

    def retire(self, in_play: Collection[str]) -> None:
        """Forget cards that nobody will show again, and reports that cannot matter any more.

        Acts on the last chunk's cards may still come: of calls that were given up, by a replica that was paused.
        """
        kept = self._touched.union(in_play)
        self.statuses = {card_id: status for card_id, status in self.statuses.items() if card_id in kept}
        self.reports = [call for call in _that_matter(self.reports) if call.card_id in in_play]

    def _by_the_clients(self, calls: Sequence[Call]) -> Iterator[Violation]:
        of_card: dict[str, list[Call]] = {}
        for call in (*self.reports, *(call for call in calls if call.kind == "event")):
            of_card.setdefault(call.card_id, []).append(call)
        for call in calls:
            if call.kind == "verification" and call.told == "PASS":
                against = _contradicting(call, of_card.get(call.card_id, ()))
                if against is not None:
                    text = f"PASS, asked for after {against.event} ({against.key}) had been acknowledged"
                    yield Violation(AFTER_REPORT, call.key, text)


def _contradicting(passed: Call, events: Sequence[Call]) -> Call | None:
    """An acknowledged report before a PASS was asked for, behind which nothing can have made the card valid."""
    for report in events:
        if (
            report.acknowledged
            and report.told != Status.VALID
            and report.answered_s is not None
            and report.answered_s < passed.started_s
            and not any(_between(revival, report, passed) for revival in events)
        ):
            return report
    return None


def _between(revival: Call, report: Call, passed: Call) -> bool:
    if revival.event not in _REVIVING or (revival.answered and not revival.acknowledged):
        return False
    may_follow = revival.answered_s is None or revival.answered_s > report.started_s
    return may_follow and (passed.answered_s is None or revival.started_s < passed.answered_s)


def _that_matter(events: Sequence[Call]) -> Iterator[Call]:
    """Without those that ended before their card's last acknowledged report was sent."""
    last: dict[str, float] = {}
    for call in events:
        if call.acknowledged and call.told != Status.VALID:
            last[call.card_id] = max(call.started_s, last.get(call.card_id, call.started_s))
    for call in events:
        sent = last.get(call.card_id)
        if sent is not None and (call.answered_s is None or call.answered_s >= sent):
            yield call


def _told(calls: Sequence[Call], acts: Sequence[Act], kept: Collection[str]) -> Iterator[Violation]:
    """What clients were told."""
    committed = {act.key: act for act in acts}
    for call in calls:
        for code in set(call.put_off) - RETRYABLE:
            yield Violation(OTHERWISE, call.key, f"put off with {code}")
        if call.answered and not call.acknowledged:
            if (call.status, call.code) not in _REFUSALS:
                yield Violation(OTHERWISE, call.key, f"answered {call.status} {call.code}")
            elif call.key in committed:
                yield Violation(OTHERWISE, call.key, "refused, and done")
        elif call.acknowledged:
            act = committed.get(call.key)
            if act is None:
                yield Violation(LOST, call.key, "acknowledged, and never committed")
            elif (told := _as_told(act)) != (call.told_id, call.told):
                yield Violation(OTHERWISE, call.key, f"told {call.told_id} {call.told}, committed {told}")
            elif act.id not in kept:
                yield Violation(LOST, call.key, "acknowledged and committed, and not in the tables")


def _as_told(act: Act) -> tuple[str, str]:
    """The identifier and the word that an answer gives of an act: a registration's identifier is the card's."""
    if act.kind == "verification":
        return act.id, act.what
    return (act.card_id if act.what == Event.REGISTERED else act.id), act.status


def _asked(chunk: str, calls: Sequence[Call], acts: Sequence[Act]) -> Iterator[Violation]:
    """What was committed; acts of an earlier chunk's calls may come late, their calls are not here any more."""
    asked = {call.key: call for call in calls}
    times = Counter(act.key for act in acts)
    for act in acts:
        call = asked.get(act.key)
        if not act.key:
            yield Violation(OTHERWISE, act.id, "committed without its idempotency key")
        elif times[act.key] > 1:
            yield Violation(OTHERWISE, act.key, "one key, done more than once")
        elif call is None:
            if act.key.startswith(f"{chunk}-"):
                yield Violation(OTHERWISE, act.key, "committed, and nobody asked for it")
        elif act.what != (call.event or act.what) or (call.card_id or act.card_id) != act.card_id:
            yield Violation(OTHERWISE, act.key, "committed, and something else was asked for")
