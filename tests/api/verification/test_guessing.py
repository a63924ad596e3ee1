"""Many faces against one number: counted everywhere, locked, told, released; and no score after the lock."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from starlette.testclient import TestClient

from api.institutions.roles import Role
from api.service import Service
from api.storage import tables
from tests.api.bodies import Json, fresh, fresh_key, new_card, register, report, verify
from tests.api.databases import own_database
from tests.api.elsewhere import over
from tests.api.scripted import ScriptedComparer
from tests.api.verification.guessers import MOST, Town, is_withheld, settle, watchful


@pytest.fixture(scope="module")
def apart(service: Service, migrated: str) -> Iterator[Service]:
    """The service over a database of its own: the log of the shared one would tell that checks were moved in time."""
    with own_database(service, migrated, pool_size=16) as database:
        yield over(service, database)


@pytest.fixture
def town(apart: Service) -> Town:
    return settle(watchful(apart))


def number_of(town: Town) -> Any:
    return select(tables.cards.c.number_index).where(tables.cards.c.id == town.card_id).scalar_subquery()


def shift(town: Town, seconds: float) -> None:
    """Let everything about the number have happened so much earlier."""
    with town.service.database.begin() as connection:
        for statement in (
            "UPDATE verifications SET decided_at = decided_at - make_interval(secs => :s) WHERE number_index = :n",
            "UPDATE card_locks SET locked_at = locked_at - make_interval(secs => :s),"
            " until = until - make_interval(secs => :s) WHERE number_index = :n",
        ):
            number = connection.execute(select(number_of(town))).scalar_one()
            connection.execute(text(statement), {"s": seconds, "n": number})


def test_failures_at_all_terminals_together_lock_the_number(town: Town) -> None:
    answers = town.guess()
    assert [answer["person"]["reasons"][0] for answer in answers] == ["mismatch"] * MOST, "these were still compared"
    comparer = town.service.comparer
    assert isinstance(comparer, ScriptedComparer)
    compared = len(comparer.compared)
    for face in ("person:b", "person:a", "maybe:a", "no_face", "image_truncated"):
        answer = verify(town.client(), town.card, face=face, chip_photo="person:a")
        assert (answer["decision"], answer["document"]["status"]) == ("REVIEW", "valid")
        assert is_withheld(answer)
    assert len(comparer.compared) == compared, "nothing is compared any more"


def test_the_holder_is_told_what_to_do(town: Town) -> None:
    town.guess()
    words = verify(town.client(), town.card)["words"]
    assert [reason["code"] for reason in words["reasons"]] == ["valid", "not_assessed", "card_locked"]
    assert words["advice"]["code"] == "other_document"
    assert "其他有效证件" in words["advice"]["message"]["zh"]
    assert "another document" in words["advice"]["message"]["en"]


@pytest.mark.parametrize("face", ["maybe:a", "person:b"])
def test_unsure_and_wrong_faces_count(town: Town, face: str) -> None:
    town.guess(face=face)
    assert is_withheld(verify(town.client(), town.card))


@pytest.mark.parametrize("face", ["no_face", "low_quality", "person:a"])
def test_what_was_not_compared_and_what_matched_does_not_count(town: Town, face: str) -> None:
    town.guess(2 * MOST, face=face)
    assert verify(town.client(), town.card)["decision"] == "PASS"


def test_a_pass_takes_no_failure_away(town: Town) -> None:
    town.guess(MOST - 1)
    assert verify(town.client(), town.card)["decision"] == "PASS"
    town.guess(1)
    assert is_withheld(verify(town.client(), town.card))


def test_the_photograph_is_no_side_door(town: Town) -> None:
    """Faces sent as the chip's photograph are compared with the register too; so are those beside good fingers."""
    for _ in range(MOST - 1):
        answer = verify(town.client(), town.card, face="no_face", chip_photo="person:b")
        assert "chip_photo_mismatch" in answer["document"]["reasons"]
    answer = verify(town.client(), town.card, face="person:b", fingers={"right_index": "person:a"})
    assert "modalities_disagree" in answer["person"]["reasons"]
    assert is_withheld(verify(town.client(), town.card))


def test_the_number_counts_not_the_card(town: Town) -> None:
    """After a re-issue the old chip and the new one bear the same number, and hold the same face."""
    new_id, new = register(town.authority, {**town.card, "valid_from": "2026-03-01"})
    other = town.client(Role.AUTHORITY)
    _, third = register(other, {**town.card, "issuer": "上海市公安局"})
    report(town.authority, town.card_id, "reissued", superseded_by=new_id)
    for card in (town.card, new, third):
        town.guess(1, card=card)
    for card in (new, third):
        assert is_withheld(verify(town.client(), card))


def test_a_card_that_may_not_be_used_is_refused_all_the_same(town: Town) -> None:
    town.guess()
    report(town.authority, town.card_id, "reported_lost")
    answer = verify(town.client(), town.card)
    assert (answer["decision"], answer["document"]["status"]) == ("REFUSE", "card_reported_lost")
    assert is_withheld(answer)
    assert answer["words"]["advice"]["code"] == "see_police"


def test_failures_on_a_lost_card_count(town: Town) -> None:
    report(town.authority, town.card_id, "reported_lost")
    assert {answer["decision"] for answer in town.guess()} == {"REFUSE"}
    assert is_withheld(verify(town.client(), town.card))


def test_unknown_cards_tell_nothing(town: Town) -> None:
    """Neither a number that is registered nowhere, nor another card of a locked number."""
    stranger = new_card()
    for _ in range(2 * MOST):
        answer = verify(town.client(), stranger, face="person:b", chip_photo="person:a")
        assert answer["person"]["reasons"] == ["mismatch"], "compared with its own photograph, as ever"
    town.guess()
    invented = {**town.card, "valid_from": "2001-01-01"}
    answers = [verify(town.client(), card, face="person:b", chip_photo="person:a") for card in (invented, stranger)]
    shown = [{name: answer[name] for name in ("decision", "document", "person", "words")} for answer in answers]
    assert shown[0] == shown[1]


def test_guesses_at_cards_of_others_lock_nothing_of_mine(town: Town) -> None:
    _, other = register(town.authority)
    town.guess(card=other)
    assert verify(town.client(), town.card)["decision"] == "PASS"


def test_old_failures_are_forgotten(town: Town) -> None:
    town.guess(MOST - 1)
    shift(town, town.service.policy.guessing.window_s)
    town.guess(MOST - 1)
    assert verify(town.client(), town.card)["decision"] == "PASS"


def test_a_lock_ends_and_failures_count_anew(apart: Service) -> None:
    """Also where the lock is shorter than the window: else the first failure after it would lock again."""
    town = settle(watchful(apart, lock_s=600))
    town.guess()
    shift(town, 590)
    assert is_withheld(verify(town.client(), town.card))
    shift(town, 20)
    assert verify(town.client(), town.card)["decision"] == "PASS"
    town.guess(MOST - 1)
    assert verify(town.client(), town.card)["decision"] == "PASS"
    town.guess(1)
    assert is_withheld(verify(town.client(), town.card))


def test_the_lock_is_an_act_with_its_evidence(town: Town) -> None:
    town.guess()
    with town.service.database.begin() as connection:
        act = connection.execute(select(tables.acts).where(tables.acts.c.subject_id == town.card_id)).one()
        leaf = connection.execute(
            select(tables.evidence_texts.c.leaf)
            .join(tables.evidence, tables.evidence.c.seq == tables.evidence_texts.c.seq)
            .where(tables.evidence.c.subject_id == act.id)
        ).scalar_one()
        lock = connection.execute(
            select(tables.card_locks).where(tables.card_locks.c.number_index == number_of(town))
        ).one()
    assert (act.act, act.actor_id) == ("card_locked", None)
    assert act.details["failures"] == MOST
    assert act.details["locked_until"] == lock.until.isoformat()
    assert lock.until - lock.locked_at == timedelta(seconds=town.service.policy.guessing.lock_s)
    assert '"act":"card_locked"' in leaf
    assert town.card["number"] not in leaf


def test_a_replay_tells_what_was_decided_before_the_lock(town: Town) -> None:
    terminal = town.client()
    body, key = fresh(terminal, town.card), fresh_key()
    first = terminal.post("/v1/verifications", json=body, headers=key).json()
    town.guess()
    again = terminal.post("/v1/verifications", json=body, headers=key).json()
    assert {**again, "receipt": 0} == {**first, "receipt": 0}


class TestSideBySide:
    """Attempts that are on their way when the lock falls."""

    def test_an_attempt_in_flight_loses_its_scores(self, town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
        """Compared before the lock, decided after it."""

        def meanwhile() -> None:
            monkeypatch.undo()
            town.guess()

        for face in ("person:a", "person:b"):
            terminal = town.client()
            monkeypatch.setattr(town.service.comparer, "meanwhile", meanwhile)
            assert is_withheld(verify(terminal, town.card, face=face))
            shift(town, town.service.policy.guessing.lock_s + 1)

    @pytest.mark.parametrize("face", ["person:b", "person:a"])
    def test_no_more_than_the_policy_allows_get_scores(
        self, town: Town, monkeypatch: pytest.MonkeyPatch, face: str
    ) -> None:
        """All are compared at the same time; wrong faces, then wrong ones among the holder's own."""
        together = threading.Barrier(8, timeout=20)
        terminals = [town.client() for _ in range(8)]
        faces = ["person:b"] * 5 + [face] * 3
        verify(town.client(), town.card)

        def wait() -> None:
            together.wait()

        monkeypatch.setattr(town.service.comparer, "meanwhile", wait)

        def ask(number: int) -> Json:
            return verify(terminals[number], town.card, face=faces[number])

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(ask, range(8)))
        wrong = [answer for answer, shown in zip(answers, faces, strict=True) if shown == "person:b"]
        assert sum(not is_withheld(answer) for answer in wrong) == MOST
        with town.service.database.begin() as connection:
            lock = connection.execute(
                select(tables.card_locks.c.locked_at).where(tables.card_locks.c.number_index == number_of(town))
            ).scalar_one()
            rows = connection.execute(
                select(tables.verifications.c.decided_at, tables.verifications.c.person_verdict).where(
                    tables.verifications.c.card_id == town.card_id
                )
            ).all()
        assert len(rows) == 1 + 8
        assert {row.person_verdict for row in rows if row.decided_at > lock} <= {"not_assessed"}
        assert len([row for row in rows if row.decided_at <= lock and row.person_verdict == "mismatch"]) == MOST

    def test_a_loss_report_is_not_held_up(self, town: Town) -> None:
        """Failing attempts go one by one; a report comes between them, and whoever decides after it refuses."""
        terminals = [town.client() for _ in range(4)]

        def ask(terminal: TestClient) -> list[Json]:
            return [verify(terminal, town.card, face="maybe:a") for _ in range(4)]

        with ThreadPoolExecutor(5) as pool:
            asked = [pool.submit(ask, terminal) for terminal in terminals]
            recorded = pool.submit(report, town.authority, town.card_id, "reported_lost").result()["recorded_at"]
            answers = [answer for one in asked for answer in one.result()]
        for answer in answers:
            status = "card_reported_lost" if answer["decided_at"] > recorded else "valid"
            assert answer["document"]["status"] == status
        assert sum(not is_withheld(answer) for answer in answers) == MOST
