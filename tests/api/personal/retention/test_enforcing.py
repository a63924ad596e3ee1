"""What is over its time is removed, no more than that, and the log tells of it and stays sound."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from api.personal.retention import enforcing, runs
from api.personal.retention.checking import look
from api.personal.retention.enforcing import EnforcedElsewhere
from api.personal.retention.keeper import RetentionKeeper
from api.personal.retention.kinds import KINDS, NAMED
from api.storage.sealing import record_key_of
from api.storage.tables import acts, templates
from tests.api.bodies import fresh_key, register, report, verify
from tests.api.http.answers import assert_error
from tests.api.personal.retention.conftest import Town

DECISIONS, CASES, TEMPLATES = 3653, 1096, 90


def held(town: Town, card_id: str) -> list[bytes]:
    """The envelopes that a card holds."""
    with town.service.database.begin() as connection:
        found = select(templates.c.template_sealed).where(templates.c.card_id == UUID(card_id))
        return list(connection.execute(found).scalars())


def test_templates_go_when_a_card_ended_and_not_those_of_a_card_that_may_come_back(town: Town) -> None:
    ended, card = register(town.authority, right_index="person:a")
    good, _ = register(town.authority)
    lost, _ = register(town.authority)
    disputed, _ = register(town.authority)
    (envelope, *_) = held(town, ended)
    report(town.authority, ended, "cancelled")
    report(town.authority, lost, "reported_lost")
    report(town.authority, disputed, "cancelled")
    report(town.authority, disputed, "dispute_opened")
    assert "templates_of_ended_cards" not in town.enforce(TEMPLATES - 1)
    assert len(held(town, ended)) == 2
    assert town.enforce(TEMPLATES + 1)["templates_of_ended_cards"] == 1
    assert held(town, ended) == []
    key_id = record_key_of(envelope)
    assert key_id is not None
    assert town.service.keys.of_records.read([key_id]) == {}, "and so is the key"
    assert [len(held(town, one)) for one in (good, lost, disputed)] == [1, 1, 1]
    (event, reason, by), *_ = town.ask(
        "SELECT event, reason, recorded_by FROM card_events WHERE card_id = :card ORDER BY recorded_at DESC", card=ended
    )
    assert (event, reason, by) == ("biometrics_erased", "retention", None)
    shown = town.authority.get(f"/v1/cards/{ended}")
    assert shown.status_code == 200, shown.text
    assert verify(town.terminal, card)["document"]["status"] == "card_cancelled", "its status is known as before"
    assert town.fsck().findings == []


def test_templates_go_some_time_after_the_last_day(town: Town) -> None:
    card_id, card = register(town.authority)
    left = (date.fromisoformat(card["valid_to"]) - town.now().date()).days
    assert "templates_of_ended_cards" not in town.enforce(left + TEMPLATES - 3)
    assert len(held(town, card_id)) == 1
    assert town.enforce(left + TEMPLATES + 3)["templates_of_ended_cards"] == 1
    assert held(town, card_id) == []


def test_a_decision_stays_without_what_leads_to_a_person(town: Town) -> None:
    _, card = register(town.authority)
    decided = verify(town.terminal, card)
    asked = town.terminal.post("/v1/checks", json={"number": card["number"], "purpose": "test"}, headers=fresh_key())
    paths = [f"/v1/verifications/{decided['id']}", f"/v1/checks/{asked.json()['id']}"]
    summary = town.supervisor.get("/v1/verifications").json()["items"]
    town.enforce(DECISIONS - 1)
    assert [town.terminal.get(path).status_code for path in paths] == [200, 200]
    removed = town.enforce(DECISIONS + 1)
    assert (removed["verifications"], removed["checks"]) == (1, 1)
    for path in paths:
        assert_error(town.terminal.get(path), 410, "removed_by_retention")
        assert_error(town.authority.get(path), 403, "role_not_allowed")
    assert town.supervisor.get("/v1/verifications").json()["items"] == summary, "figures are counted as before"
    ((row,),) = town.ask("SELECT to_jsonb(v) FROM verifications AS v")
    leaf_hash = decided["receipt"]["leaf_hash"]
    assert (row["number_index"], row["card_id"], row["instance_index"]) == (None, None, "\\x")
    assert row["answer"] == {"receipt": {"leaf_hash": leaf_hash}}
    sound = town.fsck()
    assert (sound.findings, sound.removed) == ([], 2)
    # What other kinds were removed of is counted by their own.
    assert "verifications" not in town.enforce(DECISIONS + 2)


def test_a_decision_stays_while_it_is_disputed(town: Town) -> None:
    _, card = register(town.authority)
    verify(town.terminal, card)
    statement, _ = PLANTED["check_disputes"]
    town.ask(statement.replace(":", r"\:"))
    town.ask("UPDATE check_disputes SET state = 'open', resolved_at = NULL, note_sealed = NULL")
    assert "verifications" not in town.enforce(DECISIONS + 1)
    town.ask("UPDATE check_disputes SET state = 'rejected', resolved_at = now()")
    assert town.enforce(DECISIONS + 2)["verifications"] == 1


# One row of each kind whose clock began now: what it is written with, and what tells that it is as it was.
PLANTED: dict[str, tuple[str, str]] = {
    "overrides": (
        "INSERT INTO overrides (id, verification_id, institution_id, terminal_id, reason, text_sealed, state,"
        " entered_by, entered_at) SELECT gen_random_uuid(), v.id, v.institution_id, v.terminal_id, 'other', '\\x01',"
        " 'entered', v.terminal_id, now() FROM verifications AS v",
        "SELECT count(text_sealed) FROM overrides",
    ),
    "check_disputes": (
        "INSERT INTO check_disputes (id, verification_id, institution_id, terminal_id, identified_by, reason,"
        " text_sealed, state, opened_by, opened_at, resolved_at, note_sealed) SELECT gen_random_uuid(), v.id,"
        " v.institution_id, v.terminal_id, v.id, 'other', '\\x01', 'upheld', v.terminal_id, now(), now(), '\\x02'"
        " FROM verifications AS v",
        "SELECT count(text_sealed) + count(note_sealed) FROM check_disputes",
    ),
    "transactions": (
        "INSERT INTO transactions (id, institution_id, terminal_id, reference_index, reference_sealed, kind, done_at,"
        " reported_at, required, policy_version, leaf_hash) SELECT gen_random_uuid(), v.institution_id, v.terminal_id,"
        " '\\x01', '\\x02', 'enquiry', now(), now(), false, 'x', '\\x03' FROM verifications AS v",
        "SELECT count(reference_sealed) FROM transactions",
    ),
    "card_event_reasons": (
        "UPDATE card_events SET reason = 'told by telephone', reason_sealed = '\\x01'",
        "SELECT count(reason) + count(reason_sealed) FROM card_events",
    ),
    "alerts": (
        "INSERT INTO alerts (id, kind, institution_id, card_id, details, raised_at, closed_at, note)"
        " SELECT gen_random_uuid(), 'x', v.institution_id, v.card_id, '{}', now(), now(), 'a note'"
        " FROM verifications AS v",
        "SELECT count(note) + count(card_id) FROM alerts",
    ),
    "impostor_cases": (
        "INSERT INTO impostors (id, state, ground, case_sealed, institution_id, entered_by, entered_at, ended_at,"
        " reason, review_on, expires_on) SELECT gen_random_uuid(), 'refused', 'x', '\\x01', v.institution_id,"
        " v.terminal_id, now(), now(), 'a mistake', now(), now() FROM verifications AS v",
        "SELECT count(case_sealed) + count(reason) FROM impostors",
    ),
    "duplicate_searches": (
        "INSERT INTO duplicate_searches (id, state, institution_id, begun_by, begun_at, purpose, case_sealed,"
        " case_index, face_engine, finger_engine, false_per_1000, fmr, register_seq, people, left_out, ended_at)"
        " SELECT v.id, 'finished', v.institution_id, v.terminal_id, now(), 'x', '\\x01', '\\x02', 'f', 'g', 1, 1, 1, 2,"
        " 0, now() FROM verifications AS v",
        "SELECT count(case_sealed) FROM duplicate_searches",
    ),
    "duplicate_cases": (
        "WITH made AS (INSERT INTO duplicate_cases (id, kind, state, revision, llr, content, search_id, found_in,"
        " opened_at, decided_at, reason) SELECT gen_random_uuid(), 'x', 'rejected', 1, 9, '\\x01', id, id, now(),"
        " now(), 'twins' FROM duplicate_searches RETURNING id), one AS (INSERT INTO duplicate_members (id, case_id,"
        " number_index) SELECT gen_random_uuid(), id, '\\x01' FROM made RETURNING id, case_id) INSERT INTO"
        " duplicate_pairs (case_id, first, second, kind, llr, scores, compared) SELECT case_id, id, id, 'x', 9, '{}',"
        " '\\x01' FROM one",
        "SELECT (SELECT count(*) FROM duplicate_members) + (SELECT count(*) FROM duplicate_pairs)"
        " + (SELECT sum(llr) + count(reason) FROM duplicate_cases)",
    ),
    "card_locks": (
        "INSERT INTO card_locks (number_index, locked_at, until) VALUES ('\\x01', now(), now())",
        "SELECT count(*) FROM card_locks",
    ),
    "webhooks": (
        "INSERT INTO webhooks (id, institution_id, principal_id, url, secret_sealed, names_cards, removed_at,"
        " acknowledged_seq, next_try_at) SELECT gen_random_uuid(), v.institution_id, v.terminal_id, 'https://x',"
        " '\\x01', false, now(), 0, now() FROM verifications AS v",
        "SELECT count(*) FROM webhooks",
    ),
    "capture_digests": (
        "INSERT INTO capture_digests VALUES ('\\x01', now()), ('\\x02', NULL)",
        "SELECT count(*) - 1 FROM capture_digests WHERE digest IN ('\\x01', '\\x02')",
    ),
}
MADE_BY_REQUESTS = {"templates_of_ended_cards", "verifications", "checks", "answers", "nonces"}


def test_every_kind_goes_by_its_own_clock(town: Town) -> None:
    _, card = register(town.authority)
    verify(town.terminal, card)
    enforced = {kind.name for kind in KINDS if kind.by is None}
    assert set(PLANTED) == enforced - MADE_BY_REQUESTS, "every kind that is removed here is tried"
    for statement, _ in PLANTED.values():
        assert town.ask(statement.replace(":", r"\:")) > 0
    before = {kind: town.ask(left)[0][0] for kind, (_, left) in PLANTED.items()}
    assert all(before.values())
    removed: dict[str, int] = {}
    done: list[int] = []
    days_of = {kind: NAMED[kind].days(town.service.settings) for kind in PLANTED}
    for kind in sorted(PLANTED, key=lambda one: days_of[one]):
        days, (_, left) = days_of[kind], PLANTED[kind]
        if days > max(done, default=0):
            town.enforce(days - 0.5)
            assert town.ask(left)[0][0] == before[kind], f"{kind} not before its time"
        removed = {**removed, **town.enforce(days + 0.5)}
        assert removed[kind] > 0
        assert not town.ask(left)[0][0], kind
        done.append(days)
    assert town.ask("SELECT count(*) FROM idempotency WHERE status_code = 201")[0][0] > 0, "these are kept for good"


def test_a_run_that_was_broken_off_goes_on_and_tells_of_all(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    _, card = register(town.authority)
    for _ in range(3):
        verify(town.terminal, card)
    real = enforcing.remove
    rows: list[int] = []

    def dying(connection: Any, run: Any, kind: Any) -> int:
        if kind.name == "verifications" and rows:
            raise KeyboardInterrupt
        found = real(connection, run, kind)
        if kind.name == "verifications":
            rows.append(found)
        return found

    monkeypatch.setattr(enforcing, "ROWS", 2)
    with monkeypatch.context() as killed:
        killed.setattr(enforcing, "remove", dying)
        with pytest.raises(KeyboardInterrupt):
            town.enforce(DECISIONS + 1)
    assert rows == [2]
    assert town.ask("SELECT count(*) FROM verifications WHERE removed_at IS NULL") == [(1,)]
    assert town.fsck().findings == [], "what is gone is counted"
    # It goes on up to the moments at which it began, which later ones do not move.
    assert town.enforce(DECISIONS + 9)["verifications"] == 3
    assert town.ask("SELECT count(*) FROM retention_runs") == [(1,)]
    with town.service.database.begin() as connection:
        (told,) = connection.execute(select(acts.c.details).where(acts.c.act == "retention_enforced")).scalars()
    assert told["kinds"]["verifications"]["removed"] == 3
    assert set(told["kinds"]) == set(NAMED)
    assert town.fsck().findings == []


def test_what_nobody_told_of_is_damage(town: Town) -> None:
    _, card = register(town.authority)
    first, second = verify(town.terminal, card), verify(town.terminal, card)
    emptied = (
        "UPDATE verifications SET removed_at = now(), instance_index = '', number_index = NULL, card_id = NULL,"
        " answer = json_build_object('receipt', json_build_object('leaf_hash', answer #> '{receipt,leaf_hash}'))"
        " WHERE id = :id"
    )
    town.ask(emptied, id=UUID(first["id"]))
    assert "verifications: 1 say that their time was over, and the runs removed 0" in town.fsck().findings
    assert town.enforce(DECISIONS + 1)["verifications"] == 1
    assert "verifications: 2 say that their time was over, and the runs removed 1" in town.fsck().findings
    town.ask("UPDATE retention_counts SET removed = 2 WHERE kind = 'verifications'")
    findings = town.fsck().findings
    assert [one for one in findings if one.startswith("runs of retention that are not as the acts say")]
    town.ask("UPDATE retention_counts SET before = now() - interval '1 day'")
    assert [one for one in town.fsck().findings if first["id"] in one and second["id"] in one]


def test_what_is_due_is_counted_and_nothing_is_changed(town: Town) -> None:
    _, card = register(town.authority)
    verify(town.terminal, card)
    here = town.service

    def found(days: float) -> tuple[int, int]:
        with here.database.begin() as connection:
            one = {one.kind.name: one for one in look(connection, here.settings, town.now(days))}["verifications"]
        return one.due, one.overdue

    assert found(DECISIONS - 1) == (0, 0)
    assert found(DECISIONS + 1) == (1, 0), "due, and not yet overdue: the job runs once a day"
    assert found(DECISIONS + 3) == (1, 1)
    town.enforce(DECISIONS + 3)
    assert found(DECISIONS + 3) == (0, 0)


def test_one_process_at_a_time_and_once_a_day(town: Town) -> None:
    here = town.service
    keeper = RetentionKeeper(here.database, here.keys, here.settings)
    with here.database.begin() as other:
        other.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('retention', 0))"))
        with pytest.raises(EnforcedElsewhere):
            enforcing.enforce(here.database, here.keys, here.settings)
        assert keeper.look() is None
    done = keeper.look()
    assert done is not None
    assert set(done) == set(NAMED)
    assert keeper.look() is None, "not twice a day"
    with here.database.begin() as connection:
        assert runs.last_finished(connection) is not None
    town.ask("UPDATE retention_runs SET finished_at = finished_at - interval '25 hours'")
    assert keeper.look() is not None
