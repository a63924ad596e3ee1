"""Verifications and the impostor list: who is hit, what is decided, who is told."""

import json
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text, update

from api.evidence import fsck
from api.institutions.roles import Role
from api.matching.comparison import Probe
from api.personal.finishing import finish
from api.screening import records
from api.screening.expiry import expire
from api.screening.gallery import NotReady
from api.storage import tables
from api.storage.sealing import record_key_of
from tests.api.bodies import Json, fresh, fresh_key, register, report, verify
from tests.api.screening.conftest import Town
from tests.api.screening.entries import act, in_days, propose, somebody
from tests.api.scripted import template_of
from tests.api.watching import watching

# The sequencers go on meanwhile.
ONE_LOOK = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def reasons(answer: Json) -> list[str]:
    return list(answer["person"]["reasons"])


def other_shot(face: str) -> str:
    return face.replace("person:", "maybe:")


def alerts(client: Any) -> list[Json]:
    answer = client.get("/v1/alerts", params={"open": True})
    assert answer.status_code == 200, answer.text
    return [one for one in answer.json()["items"] if one["kind"] == "impostor_hit"]


def test_somebody_who_is_not_listed_passes_and_the_decision_says_what_it_knew(town: Town) -> None:
    answer = town.checked(somebody())
    assert answer["decision"] == "PASS"
    before = town.sequence
    assert answer["screening"] == {"status": "screened", "sequence": before, "modalities": ["face"]}
    town.listed(somebody())
    answer = town.checked(somebody())
    assert (answer["decision"], answer["screening"]["sequence"]) == ("PASS", before + 1)
    assert json.loads(answer["receipt"]["leaf"])["screening"] == answer["screening"]


def test_a_listed_face_is_reviewed_whatever_the_card_says(town: Town) -> None:
    face = somebody()
    town.listed(face)
    answer = town.checked(face)
    assert answer["decision"] == "REVIEW", "never refused for a hit, never passed"
    assert reasons(answer) == ["match", "screening_hit"]
    assert answer["screening"] == {"status": "screened", "sequence": town.sequence, "modalities": ["face"]}
    assert answer["words"]["advice"]["code"] == "ask_staff"
    kiosk = verify(town.new(Role.TERMINAL), town.card(face), face=face, channel="kiosk")
    assert (kiosk["decision"], "screening_hit" in reasons(kiosk)) == ("REVIEW", True)


def test_nothing_of_it_is_in_the_words_for_the_customer(town: Town) -> None:
    face = somebody()
    entry = town.listed(face, case_reference="A-17")
    answer = town.checked(face)
    assert "screening" not in json.dumps(answer["words"])
    assert [one["code"] for one in answer["words"]["reasons"]] == ["valid", "match"]
    # Not even to the terminal, beyond that somebody was alerted.
    told = json.dumps({**answer, "receipt": answer["receipt"]["leaf"]})
    assert entry not in told
    assert "A-17" not in told


def test_a_mismatch_is_refused_as_ever_and_a_lost_card_too(town: Town) -> None:
    """What refuses is the card or the comparison; the supervisor is told all the same."""
    face, holder = somebody(), somebody()
    town.listed(face)
    terminal, authority = town.new(Role.TERMINAL), town.new(Role.AUTHORITY)
    card_id, card = register(authority, face=holder)
    answer = verify(terminal, card, face=face)
    assert (answer["decision"], reasons(answer)) == ("REFUSE", ["mismatch", "screening_hit"])
    report(authority, card_id, "reported_lost")
    answer = verify(terminal, card, face=holder)
    assert (answer["decision"], "screening_hit" in reasons(answer)) == ("REFUSE", False)
    answer = verify(terminal, card, face=face)
    assert (answer["decision"], "screening_hit" in reasons(answer)) == ("REFUSE", True)
    assert len(alerts(town.new(Role.SUPERVISOR))) == 2


def test_another_shot_of_the_person_is_found_and_on_a_card_that_nobody_knows(town: Town) -> None:
    face = somebody()
    town.listed(face)
    card = {**town.card(somebody()), "valid_from": "2020-01-01"}
    answer = verify(town.new(Role.TERMINAL), card, face=other_shot(face))
    assert (answer["document"]["status"], answer["decision"]) == ("card_not_found", "REVIEW")
    assert "screening_hit" in reasons(answer)


def test_a_finger_is_screened_at_any_position(town: Town) -> None:
    face, finger = somebody(), somebody()
    town.listed(face, fingers={"right_index": finger})
    own = somebody()
    answer = verify(town.new(Role.TERMINAL), town.card(own), face=own, fingers={"left_thumb": finger})
    assert (answer["decision"], "screening_hit" in reasons(answer)) == ("REVIEW", True)
    assert answer["screening"]["modalities"] == ["face", "finger"]
    answer = verify(town.new(Role.TERMINAL), town.card(own), face=own, fingers={"left_thumb": somebody()})
    assert (answer["decision"], "screening_hit" in reasons(answer)) == ("PASS", False)


def test_without_a_face_nothing_is_screened_and_the_policy_decides(town: Town) -> None:
    face = somebody()
    town.listed(face, fingers={"right_index": somebody()})
    terminal, card = town.new(Role.TERMINAL), town.card(face)
    answer = verify(terminal, card, face="no_face")
    assert answer["screening"] == {"status": "not_screened", "sequence": town.sequence, "modalities": []}
    assert (answer["decision"], reasons(answer)) == ("REVIEW", ["not_assessed", "no_face"])
    answer = verify(terminal, card, face=None, fingers={"left_thumb": somebody()})
    assert (answer["screening"]["status"], answer["screening"]["modalities"]) == ("screened", ["finger"])
    assert answer["decision"] == "REVIEW"


def test_supervisors_are_told_each_what_they_may_know(town: Town) -> None:
    """The terminal's institution of the verification; who entered it, and authorities, of the entry and its case."""
    face, other, bureau = somebody(), secrets.token_hex(6), secrets.token_hex(6)
    entered = propose(town.new(Role.SUPERVISOR, bureau), face, case_reference="A-2026-17")
    act(town.new(Role.AUTHORITY, bureau), entered, "approve")
    answer = verify(town.new(Role.TERMINAL, other), town.card(face), face=face)
    (alert,) = alerts(town.new(Role.SUPERVISOR, other))
    assert alert["details"] == {"verification": answer["id"], "entries": []}, "another's entry"
    (alert,) = alerts(town.new(Role.SUPERVISOR, bureau))
    known = {"id": entered, "case_reference": "A-2026-17"}
    assert alert["details"] == {"verification": None, "entries": [known]}, "another's verification"
    authority = town.new(Role.AUTHORITY, bureau)
    assert [one["details"]["entries"] for one in alerts(authority)] == [[known]]
    assert alerts(town.new(Role.SUPERVISOR, secrets.token_hex(6))) == []
    closed = authority.post(f"/v1/alerts/{alert['id']}/close", json={"note": "seen"}, headers=fresh_key())
    assert closed.status_code == 200, closed.text
    assert "A-2026-17" not in closed.text, "what is kept under the key is in the clear"
    assert faults(town) == []


def test_an_own_entry_is_told_with_the_verification(town: Town) -> None:
    face = somebody()
    entry = town.listed(face, case_reference="A-18")
    answer = town.checked(face)
    (alert,) = alerts(town.new(Role.SUPERVISOR))
    assert alert["details"] == {"verification": answer["id"], "entries": [{"id": entry, "case_reference": "A-18"}]}
    read = town.new(Role.SUPERVISOR).get(f"/v1/alerts/{alert['id']}").json()
    assert read["details"] == alert["details"]


def test_an_approval_counts_for_the_next_verification_at_every_replica(town: Town) -> None:
    """The second replica is told nothing, and its thread is not waited for."""
    terminals = [town.new(Role.TERMINAL, replica=at) for at in (0, 1)]
    for _ in range(4):
        face = somebody()
        card = town.card(face)
        assert [verify(one, card, face=face)["decision"] for one in terminals] == ["PASS", "PASS"]
        entry = town.listed(face)
        hits = [reasons(verify(one, card, face=face)) for one in terminals]
        assert hits == [["match", "screening_hit"]] * 2
        act(town.new(Role.SUPERVISOR), entry, "remove")
        assert [verify(one, card, face=face)["decision"] for one in terminals] == ["PASS", "PASS"]


def test_what_is_approved_during_the_comparison_counts_too(town: Town) -> None:
    face = somebody()
    entered = propose(town.new(Role.SUPERVISOR), face)
    card, terminal, approver = town.card(face), town.new(Role.TERMINAL), town.new(Role.SUPERVISOR)
    body, done = fresh(terminal, card, face=face), list[Json]()

    def meanwhile() -> None:
        if not done:
            done.append(act(approver, entered, "approve"))

    town.service.comparer.meanwhile = meanwhile  # type: ignore[attr-defined]
    answer = terminal.post("/v1/verifications", json=body, headers=fresh_key()).json()
    assert reasons(answer) == ["match", "screening_hit"]
    assert answer["screening"]["sequence"] == done[0]["sequence"] == town.sequence


def test_what_is_removed_during_the_comparison_is_hit_no_more(town: Town) -> None:
    face = somebody()
    entry = town.listed(face)
    card, terminal, keeper = town.card(face), town.new(Role.TERMINAL), town.new(Role.SUPERVISOR)
    body, done = fresh(terminal, card, face=face), list[Json]()

    def meanwhile() -> None:
        if not done:
            done.append(act(keeper, entry, "remove"))

    town.service.comparer.meanwhile = meanwhile  # type: ignore[attr-defined]
    answer = terminal.post("/v1/verifications", json=body, headers=fresh_key()).json()
    assert (answer["decision"], answer["screening"]["sequence"]) == ("PASS", done[0]["sequence"])


def test_approvals_side_by_side_are_all_found_and_numbered_one_by_one(town: Town) -> None:
    faces = [somebody() for _ in range(12)]
    cards = [town.card(face) for face in faces]
    entered = [propose(town.new(Role.SUPERVISOR), face) for face in faces]
    before = town.sequence
    keys = [town.key(Role.SUPERVISOR) for _ in range(4)]
    keepers = [town.at(at % 2, key) for at, key in enumerate(keys)]
    terminals = [town.new(Role.TERMINAL, replica=at % 2) for at in range(12)]

    def approve_and_check(place: int) -> tuple[int, list[str]]:
        number = act(keepers[place % 4], entered[place], "approve")["sequence"]
        return number, reasons(verify(terminals[place], cards[place], face=faces[place]))

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(approve_and_check, range(12)))
    assert sorted(number for number, _ in done) == list(range(before + 1, before + 13))
    assert all("screening_hit" in found for _, found in done)
    assert faults(town) == []


def test_an_entry_whose_time_is_over_is_not_found_whether_or_not_a_job_ran(town: Town) -> None:
    face = somebody()
    entry = town.listed(face)
    card, terminal = town.card(face), town.new(Role.TERMINAL)
    assert "screening_hit" in reasons(verify(terminal, card, face=face))
    with paused(town):
        ended = update(tables.impostors).where(tables.impostors.c.id == UUID(entry))
        with town.service.database.begin() as connection:
            today = records.today(connection)
            assert today == date.fromisoformat(in_days(0)), "the day in Shanghai, by the database's clock"
            connection.execute(ended.values(expires_on=today - timedelta(days=1)))
        answer = verify(terminal, card, face=face)
        assert (answer["decision"], answer["screening"]["sequence"]) == ("PASS", town.sequence)
        read = town.new(Role.SUPERVISOR).get(f"/v1/impostors/{entry}").json()
        assert read["state"] == "approved", "nobody ended it yet"
        with town.service.database.begin() as connection:
            connection.execute(ended.values(expires_on=today + timedelta(days=365)))
    assert "screening_hit" in reasons(verify(terminal, card, face=face))


def test_a_gallery_knows_the_day_by_itself(town: Town) -> None:
    """The last day counts; the day after nobody is a candidate any more."""
    face = somebody()
    town.listed(face)
    gallery = town.service.impostors.gallery
    probe = Probe("face", None, template_of("face", face))
    last = date.fromisoformat(in_days(365))
    town.checked(somebody())
    assert [len(gallery.search([probe], day).candidates) for day in (last, last + timedelta(days=1))] == [1, 0]


@contextmanager
def paused(town: Town) -> Iterator[None]:
    """No replica looks after the list."""
    for one in town.services:
        one.impostors.stop()
    yield
    for one in town.services:
        one.impostors.start()


def test_what_ended_by_time_is_ended_for_good_and_forgotten(town: Town) -> None:
    entry, waiting = town.listed(somebody()), propose(town.new(Role.SUPERVISOR))
    before = town.sequence
    both = update(tables.impostors).where(tables.impostors.c.id.in_([UUID(entry), UUID(waiting)]))
    with paused(town):
        with town.service.database.begin() as connection:
            connection.execute(both.values(expires_on=date.fromisoformat(in_days(-1))))
        assert expire(town.service.database, town.service.keys) == 2
        assert expire(town.service.database, town.service.keys) == 0
        with town.service.database.begin() as connection:
            # As the acts say: nothing but the day was made up.
            connection.execute(both.values(expires_on=date.fromisoformat(in_days(365))))
    assert town.sequence == before + 1, "only one of the two was listed"
    supervisor = town.new(Role.SUPERVISOR)
    for one in (entry, waiting):
        read = supervisor.get(f"/v1/impostors/{one}").json()
        assert (read["state"], read["ended_by"], read["templates"]) == ("expired", None, [])
        assert read["ended_at"] is not None
    assert faults(town) == []


def test_a_gallery_that_is_not_there_makes_a_review_and_comes_back(town: Town) -> None:
    face = somebody()
    town.listed(somebody())
    with town.left_alone() as keeper:
        keeper.gallery.fill(None, keeper.gallery.fingers, -1)
        with pytest.raises(NotReady):
            keeper.gallery.search([], date(2026, 1, 1))
        answer = town.checked(face)
        assert (answer["decision"], reasons(answer)) == ("REVIEW", ["match", "screening_unavailable"])
        assert answer["screening"] == {"status": "unavailable", "sequence": town.sequence, "modalities": []}
        assert "screening" not in json.dumps(answer["words"])
        assert alerts(town.new(Role.SUPERVISOR)) == []
        keeper.look()
        assert town.checked(face)["decision"] == "PASS"


def test_a_gallery_that_cannot_catch_up_makes_a_review(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ValueError

    with town.left_alone() as keeper:
        town.listed(somebody())
        with monkeypatch.context() as patched:
            patched.setattr(keeper.gallery, "read", broken)
            answer = town.checked(somebody())
        assert (answer["decision"], reasons(answer)) == ("REVIEW", ["match", "screening_unavailable"])
        assert town.checked(somebody())["decision"] == "PASS", "the next one finds it whole"


def test_a_candidate_whose_template_does_not_open_makes_a_review(town: Town) -> None:
    """Another entry's template lies in the place of his: it is sealed for the other one."""
    face, stored = somebody(), tables.impostor_templates
    mine, other = (stored.c.impostor_id == UUID(town.listed(one)) for one in (face, somebody()))
    assert reasons(town.checked(face)) == ["match", "screening_hit"]
    with town.service.database.begin() as connection:
        (before,) = connection.execute(select(stored.c.template_sealed).where(mine)).scalars()
        foreign = select(stored.c.template_sealed).where(other).scalar_subquery()
        connection.execute(update(stored).where(mine).values(template_sealed=foreign))
    answer = town.checked(face)
    with town.service.database.begin() as connection:
        connection.execute(update(stored).where(mine).values(template_sealed=before))
    assert (answer["decision"], reasons(answer)) == ("REVIEW", ["match", "screening_unavailable"])
    assert answer["screening"]["status"] == "unavailable"


def test_a_probe_that_is_missing_for_no_fault_of_the_capture_makes_a_review(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.api.scripted._probes", lambda words: ())
    answer = town.checked(somebody())
    assert (answer["decision"], reasons(answer)) == ("REVIEW", ["match", "screening_unavailable"])


def test_screening_costs_no_statement(town: Town) -> None:
    """The list's number is read in statements that the verification makes anyway; only a candidate costs one."""
    face = somebody()
    town.listed(somebody())
    card, terminal = town.card(face), town.new(Role.TERMINAL)
    verify(terminal, card, face=face)
    body, sent = fresh(terminal, card, face=face), list[str]()
    with paused(town), watching(town.service.database, after=sent.append):
        assert terminal.post("/v1/verifications", json=body, headers=fresh_key()).json()["decision"] == "PASS"
    before, after = (one for one in sent if "impostor" in one)
    assert "nonces" in before, "beside the nonce, the templates and the answer given before"
    assert "clock_timestamp" in after, "beside the moment and the number's lock"
    assert "card_locks" in after
    assert "card_locks" in before


def test_the_log_and_the_list_agree_and_a_forger_is_noticed(town: Town) -> None:
    face = somebody()
    entry = town.listed(face)
    act(town.new(Role.SUPERVISOR), propose(town.new(Role.SUPERVISOR)), "refuse")
    gone = town.listed(somebody())
    act(town.new(Role.SUPERVISOR), gone, "review", {"review_on": in_days(40)})
    act(town.new(Role.SUPERVISOR), gone, "remove")
    town.checked(face)
    assert faults(town) == []
    forgeries = {
        f"UPDATE impostors SET state = 'removed' WHERE id = '{entry}'": "as the acts say",
        f"UPDATE impostors SET expires_on = expires_on + 1 WHERE id = '{entry}'": "as the acts say",
        f"UPDATE impostors SET ground = 'order' WHERE id = '{entry}'": "as the acts say",
        "UPDATE impostor_list SET sequence = sequence + 1": "numbers of the impostor list",
        f"UPDATE impostor_templates SET impostor_id = '{gone}' WHERE impostor_id = '{entry}'": "still there",
        "DELETE FROM alerts WHERE kind = 'impostor_hit'": "gone",
    }
    for forgery, word in forgeries.items():
        with town.service.database.engine.connect() as connection, connection.begin() as transaction:
            connection.execute(ONE_LOOK)
            connection.execute(text(forgery))
            found = _faults(connection, town)
            transaction.rollback()
        assert any(word in one for one in found), (forgery, found)


def faults(town: Town) -> list[str]:
    with town.service.database.begin() as connection:
        connection.execute(ONE_LOOK)
        return _faults(connection, town)


def _faults(connection: Any, town: Town) -> list[str]:
    return list(fsck.check(connection, town.service.keys).findings)


def test_templates_and_cases_are_sealed_and_go_with_the_entry(town: Town) -> None:
    face = somebody()
    entry = town.listed(face, case_reference="京公刑〔2026〕17号")
    with town.service.database.begin() as connection:
        row = connection.execute(select(tables.impostors).where(tables.impostors.c.id == UUID(entry))).one()
        kept = select(tables.impostor_templates).where(tables.impostor_templates.c.impostor_id == UUID(entry))
        held = connection.execute(kept).one()
        assert "京公刑".encode() not in row.case_sealed
        assert face.encode() not in held.template_sealed
        answers = connection.execute(text("SELECT string_agg(answer::text, '') FROM idempotency")).scalar_one()
        assert "京公刑" not in answers
    act(town.new(Role.SUPERVISOR), entry, "remove")
    key_id = record_key_of(held.template_sealed)
    with town.service.database.begin() as connection:
        assert connection.execute(kept).all() == []
        noted = select(tables.key_erasures.c.key_id).where(tables.key_erasures.c.key_id == key_id)
        assert connection.execute(noted).scalar_one() == key_id, "its key goes too, within a minute"
    finish(town.service.database, town.service.keys)
    assert key_id is not None
    assert town.service.keys.of_records.read([key_id]) == {}
    read = town.new(Role.SUPERVISOR).get(f"/v1/impostors/{entry}").json()
    assert (read["state"], read["templates"], read["case_reference"]) == ("removed", [], "京公刑〔2026〕17号")
