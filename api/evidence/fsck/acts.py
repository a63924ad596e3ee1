"""Acts and their leaves: none without the other, and every act recorded as its leaf says."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import ARRAY, Connection, Row, Select, Table, Text, Uuid, bindparam, cast, func, select

from api.cards.holdings import TOLD_BY
from api.evidence.fsck import accounts, duplicates, holds, impostors, life_cycle, locks, people, retention, rights
from api.evidence.fsck.report import MOST_NAMED, Report, named
from api.evidence.leaves import leaf_hash
from api.evidence.parameters import ROWS
from api.storage.tables import acts, card_events, cards, checks, evidence, idempotency, transactions, verifications
from api.verification.presented import Presented, presented

if TYPE_CHECKING:
    from api.evidence.fsck.leaves import Told

# From this version on leaves name the card by its identifier too, and the card that takes its place.
CARDS_NAMED_FROM = 3
# From this one on leaves of what gives a card something tell what it holds.
HOLDINGS_FROM = 4

_IDS = bindparam("ids", type_=ARRAY(Uuid))

Facts = Iterator[tuple[str, object, object]]
"""What a fact is called, what the row says, and what the leaf says."""


def compare(connection: Connection, told: Sequence["Told"], report: Report) -> None:
    """Compare leaves with the rows of the acts that they tell of."""
    for kind, (statement, facts) in _KINDS.items():
        leaves = {one.subject_id: one for one in told if one.kind == kind}
        rows = {str(row.id): row for row in connection.execute(statement, {"ids": [UUID(one) for one in leaves]})}
        for subject_id, leaf in leaves.items():
            if subject_id not in rows:
                report.add(f"{leaf.where}: it tells of a {kind} that is not there: {subject_id}")
                continue
            wrong = [name for name, stored, said in facts(rows[subject_id], leaf) if stored != said]
            if wrong:
                report.add(f"{leaf.where}: the {kind} {subject_id} is recorded otherwise: {', '.join(wrong)}")
    for leaf in told:
        if leaf.kind not in _KINDS:
            report.add(f"{leaf.where}: it tells of no kind of act that is known")


def check(connection: Connection, report: Report) -> None:
    """Acts without a leaf, acts with more than one, and cards that are not as their last event says."""
    for kind, table in _TABLES.items():
        report.acts += connection.execute(select(func.count()).select_from(table)).scalar_one()
        leaf = select(evidence.c.seq).where(evidence.c.subject_id == table.c.id, evidence.c.kind == kind)
        _tell(connection, select(table.c.id).where(~leaf.exists()), f"acts of kind {kind} without a leaf", report)
    several = select(evidence.c.subject_id).group_by(evidence.c.subject_id).having(func.count() > 1)
    _tell(connection, several, "acts with more than one leaf", report)
    for what, statement in _REPEATED.items():
        _tell(connection, statement, what, report)
    people.check(lambda statement, what: _tell(connection, statement, what, report))
    accounts.check(lambda statement, what: _tell(connection, statement, what, report))
    rights.check(connection, report)
    locks.check(connection, report)
    life_cycle.check(connection, report)
    impostors.check(connection, report)
    duplicates.check(connection, report)
    retention.check(connection, report)
    holds.check(connection, report)
    newest_first = func.row_number().over(partition_by=card_events.c.card_id, order_by=card_events.c.recorded_at.desc())
    events = select(card_events.c.card_id, card_events.c.status, newest_first.label("age")).subquery()
    other = select(cards.c.id).outerjoin(events, (events.c.card_id == cards.c.id) & (events.c.age == 1))
    _tell(
        connection,
        other.where(cards.c.status.is_distinct_from(events.c.status)),
        "cards at another status than their last event says",
        report,
    )


def _tell(connection: Connection, statement: Select[Any], what: str, report: Report) -> None:
    count, some = 0, []
    with connection.execute(statement, execution_options={"yield_per": ROWS}) as rows:
        for identifier in rows.scalars():
            count += 1
            if count <= MOST_NAMED:
                some.append(identifier)
    if count:
        report.add(f"{what}: {count}: {named(some, count)}")


def _verification(row: Row[Any], leaf: "Told") -> Facts:
    yield from _decided(row, leaf.body)
    if row.removed_at is None:
        yield from _whole_verification(row, leaf)
    else:
        yield from _without_person(row, leaf)
        yield "card", (row.instance_index, row.number_index, row.card_id), (b"", None, None)


def _without_person(row: Row[Any], leaf: "Told") -> Facts:
    """Its time is over: of the answer the leaf's hash is left, and nothing else (see `retention.py`)."""
    yield "answer", row.answer, {"receipt": {"leaf_hash": leaf_hash(leaf.text).hex()}}


def _decided(row: Row[Any], body: dict[str, Any]) -> Facts:
    """What a verification tells of no person, and keeps."""
    yield "decision", row.decision, body.get("decision")
    yield "document status", row.document_status, body.get("document", {}).get("status")
    # Leaves from before operators were named have no such field.
    yield "operator", _text(row.operator_id), body.get("operator")
    if row.person_verdict is not None:
        yield "verdict", row.person_verdict, body.get("person", {}).get("reasons", [None])[0]
    if row.fingers_presented is not None:
        taken = Presented(row.face_capture, row.fingers_presented, row.fingers_failed)
        yield "captures", taken, presented(body.get("person", {}).get("modalities", []))
    yield "terminal", str(row.terminal_id), body.get("terminal")
    yield "institution", str(row.institution_id), body.get("institution")
    yield "channel", row.channel, body.get("channel")
    yield "purpose", row.purpose, body.get("purpose")
    yield "time", row.decided_at.isoformat(), body.get("at")
    if row.basis is not None:
        yield "consent", {"basis": row.basis, "face_declined": row.face_declined}, body.get("consent")


def _whole_verification(row: Row[Any], leaf: "Told") -> Facts:
    body, answer = leaf.body, row.answer
    yield "card", row.instance_index.hex(), body.get("card")
    yield "card", row.registered_index or row.instance_index, row.instance_index
    # Leaves from before another register could be asked do not say it by itself.
    told = body.get("registered", body.get("document", {}).get("status") != "card_not_found")
    yield "card", row.card_id is not None, told
    yield "answer", answer.get("id"), leaf.subject_id
    yield "answer", answer.get("decided_at"), body.get("at")
    for part in ("decision", "document", "person", "screening", "consent", "policy_version", "calibrations"):
        yield "answer", answer.get(part), body.get(part)
    yield from _receipt(answer, leaf)


def _receipt(answer: dict[str, Any], leaf: "Told") -> Facts:
    """The receipt that is given out again; its promised time stands in what was signed."""
    receipt = answer.get("receipt", {})
    yield "receipt", (receipt.get("leaf"), receipt.get("signature")), (leaf.text, leaf.signature)
    yield "receipt", receipt.get("leaf_hash"), leaf_hash(leaf.text).hex()
    if leaf.include_by is not None:
        yield "receipt", receipt.get("include_by"), leaf.include_by


def _card_event(row: Row[Any], leaf: "Told") -> Facts:
    body = leaf.body
    yield "event", row.event, body.get("event")
    yield "status", row.status, body.get("status")
    yield "card", row.instance_index.hex(), body.get("card")
    yield "terminal", _text(row.recorded_by), body.get("terminal")
    yield "time", row.recorded_at, _instant(body.get("at"))
    if body.get("v", 0) >= CARDS_NAMED_FROM:
        yield "card", str(row.card_id), body.get("card_id")
        yield "superseding card", _text(row.superseded_by), body.get("superseded_by")
        superseding = None if row.superseding_index is None else row.superseding_index.hex()
        yield "superseding card", superseding, body.get("superseded_by_card")
    yield "ground", row.basis, body.get("basis")
    holds = None if row.holds is None else row.holds.hex()
    yield "holdings", holds, body.get("holds")
    if body.get("v", 0) >= HOLDINGS_FROM:
        yield "holdings", holds is not None, row.event in TOLD_BY


def _instant(told: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(told))
    except ValueError:
        return None


def _check(row: Row[Any], leaf: "Told") -> Facts:
    body, answer = leaf.body, row.answer
    yield "terminal", str(row.principal_id), body.get("terminal")
    yield "institution", str(row.institution_id), body.get("institution")
    yield "purpose", row.purpose, body.get("purpose")
    yield "time", row.checked_at.isoformat(), body.get("at")
    if row.removed_at is not None:
        yield from _without_person(row, leaf)
        yield "subject", row.number_index, b""
        return
    yield "subject", row.number_index.hex(), body.get("subject")
    yield "answer", answer.get("id"), leaf.subject_id
    for part in ("number", "card", "status", "since", "text", "text_fields", "portrait"):
        yield "answer", answer.get(part), body.get(part)
    yield "answer", answer.get("checked_at"), body.get("at")
    yield from _receipt(answer, leaf)


def _administration(row: Row[Any], leaf: "Told") -> Facts:
    body = leaf.body
    yield "act", row.act, body.get("act")
    yield "actor", _text(row.actor_id), body.get("actor")
    yield "institution", _text(row.institution_id), body.get("institution")
    yield "subject", _text(row.subject_id), body.get("subject")
    yield "details", row.details, body.get("details")
    yield "time", row.at.isoformat(), body.get("at")


def _text(identifier: UUID | None) -> str | None:
    return None if identifier is None else str(identifier)


def _by_ids(table: Table, *more: Any, outer: bool = False) -> Select[Any]:
    wanted = table.c.id == func.any(_IDS)
    if not more:
        return select(table).where(wanted)
    return select(table, *more).join(cards, cards.c.id == table.c.card_id, isouter=outer).where(wanted)


def _other_answer(table: Table, column: Any) -> Select[Any]:
    """Acts whose answer is kept otherwise for the request sent again; not those whose time is over."""
    same_act = idempotency.c.answer["id"].as_string() == cast(table.c.id, Text)
    differs = cast(idempotency.c.answer, Text) != cast(table.c.answer, Text)
    return (
        select(table.c.id)
        .join(idempotency, (idempotency.c.principal_id == column) & same_act)
        .where(differs, table.c.removed_at.is_(None))
    )


_REPEATED = {
    "verifications that are answered otherwise when asked again": _other_answer(
        verifications, verifications.c.terminal_id
    ),
    "checks that are answered otherwise when asked again": _other_answer(checks, checks.c.principal_id),
}
_TABLES = {
    "verification": verifications,
    "card_event": card_events,
    "administration": acts,
    "check": checks,
    "transaction": transactions,
}
_SUPERSEDING = cards.alias("superseding")
_CARD_EVENTS = (
    select(card_events, cards.c.instance_index, _SUPERSEDING.c.instance_index.label("superseding_index"))
    .join(cards, cards.c.id == card_events.c.card_id)
    .outerjoin(_SUPERSEDING, _SUPERSEDING.c.id == card_events.c.superseded_by)
    .where(card_events.c.id == func.any(_IDS))
)
_KINDS: dict[str, tuple[Select[Any], Callable[[Row[Any], "Told"], Facts]]] = {
    "verification": (
        _by_ids(verifications, cards.c.instance_index.label("registered_index"), outer=True),
        _verification,
    ),
    "card_event": (_CARD_EVENTS, _card_event),
    "administration": (_by_ids(acts), _administration),
    "check": (_by_ids(checks), _check),
    "transaction": (_by_ids(transactions), accounts.transaction),
}
