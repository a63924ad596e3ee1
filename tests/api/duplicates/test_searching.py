"""A search: whom it finds, whom it never compares, how it goes on after it was broken off, what it leaves behind."""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import exc, func, select, text, update

from api.duplicates import leftovers, people, searches
from api.duplicates.searches import SearchRunning
from api.duplicates.searching import Progress
from api.institutions import principals
from api.institutions.credentials import KeyRevoked
from api.screening import cases
from api.storage import tables
from api.storage.tables import duplicate_blocks, duplicate_candidates, duplicate_searches
from biometrics.duplicates import Engine, Register, Rule, Suspects
from tests.api.bodies import fresh_key, new_number
from tests.api.duplicates.conftest import County, somebody
from tests.api.scripted import ENGINE


class Killed(Exception):
    """What ends a search in its middle."""


def by_parts(done: list[int], until: int | None = None) -> Callable[[Register, Rule], Engine]:
    """An engine that notes what it is asked for and is killed behind `until` blocks. It looks at faces alone."""

    class ByParts:
        def __init__(self, register: Register, rule: Rule) -> None:
            self._register, self._rule = register, rule

        def run(self, jobs: Iterable[int]) -> Iterator[tuple[int, Suspects]]:
            vectors = self._register.halves.astype(np.float32)
            for number, job in enumerate(jobs):
                if number == until:
                    raise Killed
                done.append(job)
                low, high = np.triu_indices(len(vectors), 1)
                scores = np.einsum("nd,nd->n", vectors[low], vectors[high])
                mine = (low % self._register.jobs == job) & (scores >= self._rule.floor(0))
                yield job, Suspects(low[mine], high[mine], scores[mine])

    return ByParts


@pytest.fixture
def small_blocks(county: County, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some blocks, however many people other tests left in the register."""
    county.twice()
    with county.service.database.begin() as connection:
        everybody, _ = people.count(connection, ENGINE)
    for module in ("register", "search"):
        monkeypatch.setattr(f"biometrics.duplicates.{module}.BLOCK", max(1, everybody // 4))


def test_somebody_with_two_numbers_is_a_case(county: County) -> None:
    _, first, second = county.twice()
    other = county.card(somebody())
    told: list[Progress] = []
    outcome = county.search(tell=told.append)
    case = county.case(first)
    assert sorted(card for who in case["members"] for card in who["cards"]) == sorted([first, second])
    assert (case["kind"], case["state"], case["revision"]) == ("same_person_suspected", "open", 1)
    (pair,) = case["pairs"]
    assert {pair["first"], pair["second"]} == {who["id"] for who in case["members"]}
    assert (pair["kind"], pair["fingers"]) == ("same_person", [])
    assert pair["llr"] == pair["face_llr"] == case["llr"] == pytest.approx(9.0, abs=0.1)
    assert "score" not in str(case)
    assert outcome.filed.opened >= 1
    assert county.cases(other) == []
    assert told[-1] == Progress("searching", 1, 1)
    assert Progress("reading", outcome.people, outcome.people) in told
    assert not county.folder.exists() or not list(county.folder.iterdir()), "nothing of anybody is left on the disk"


def test_cards_of_one_number_are_one_person(county: County) -> None:
    """A renewed card bears the same number, and the same face, whoever registered it."""
    face, number = somebody(), new_number()
    one, other = (county.card(face, where, number) for where in (county.mark, f"{county.mark} beside"))
    county.search()
    assert county.cases(one, other) == []


def test_the_newest_face_of_a_number_counts(county: County) -> None:
    older, newer, number = somebody(), somebody(), new_number()
    first = county.card(older, number=number)
    county.card(newer, number=number)
    like_older, like_newer = county.card(older), county.card(newer)
    county.search()
    assert county.cases(like_older) == []
    assert county.case(first)["id"] == county.case(like_newer)["id"]


def test_fingers_bear_it_out_or_speak_of_twins(county: County) -> None:
    _, same, _ = county.twice(right_index="person:thumb", left_index="person:other")
    face = somebody()
    twin = county.card(face, right_index=somebody(), left_index=somebody())
    county.card(face, right_index=somebody(), left_index=somebody())
    county.search()
    (alike,) = county.case(same)["pairs"]
    assert alike["kind"] == "same_person"
    assert [one["position"] for one in alike["fingers"]] == ["right_index", "left_index"]
    assert alike["llr"] == pytest.approx(alike["face_llr"] + sum(one["llr"] for one in alike["fingers"]), abs=0.02)
    kin = county.case(twin, kind="kin_or_twins")
    assert kin["pairs"][0]["kind"] == "face_alike_fingers_differ"
    assert sum(one["llr"] for one in kin["pairs"][0]["fingers"]) < 0
    assert county.cases(twin, kind="same_person_suspected") == []


@contextmanager
def changed(county: County, card: str, **values: object) -> Iterator[None]:
    """The templates of a card, altered for a while."""
    own = tables.templates.c.card_id == UUID(card)
    with county.service.database.begin() as connection:
        (before,) = connection.execute(select(tables.templates).where(own))
        connection.execute(update(tables.templates).where(own).values(**values))
    yield
    with county.service.database.begin() as connection:
        connection.execute(
            update(tables.templates).where(own).values(**{name: getattr(before, name) for name in values})
        )


def test_faces_of_other_engines_and_broken_ones_are_left_out_and_counted(county: County) -> None:
    _, retired, _ = county.twice()
    _, broken, _ = county.twice()
    with changed(county, retired, engine="scripted-0"), changed(county, broken, template_sealed=b"x" * 200):
        outcome = county.search()
        assert (outcome.left_out, outcome.damaged) == (1, 1)
        assert county.cases(retired, broken) == []
    assert county.search().left_out == 0
    assert (len(county.cases(retired)), len(county.cases(broken))) == (1, 1)


def test_a_search_that_was_broken_off_goes_on(county: County, small_blocks: None) -> None:
    pairs = [county.twice()[1:] for _ in range(3)]
    caller, done, rest = county.caller(), list[int](), list[int]()
    with pytest.raises(Killed):
        county.search("K-1", caller=caller, open_engine=by_parts(done, until=2))
    assert [county.cases(*cards) for cards in pairs] == [[], [], []]
    (folder,) = county.folder.iterdir()
    outcome = county.search("K-1", caller=caller, open_engine=by_parts(rest))
    assert outcome.blocks_before == 2
    assert sorted(done + rest) == list(range(len(done + rest))), "every block once"
    assert rest
    assert all(len(county.cases(*cards)) == 1 for cards in pairs)
    assert not folder.exists()
    with county.service.database.begin() as connection:
        for table in (duplicate_blocks, duplicate_candidates):
            assert connection.execute(select(func.count()).select_from(table)).scalar_one() == 0
    acts = [act for act, _ in county.acts(folder.name)]
    assert acts == ["duplicates_search_begun", "duplicates_search_finished"]


def test_people_who_were_read_before_are_read_again_where_they_are_gone(county: County, small_blocks: None) -> None:
    """The same people: what is done stays done. Others came: their blocks are others, and all is done again."""
    _, first, _ = county.twice()
    caller = county.caller()
    for others in (False, True):
        with pytest.raises(Killed):
            county.search("K-2", caller=caller, open_engine=by_parts([], until=2))
        shutil.rmtree(county.folder)
        if others:
            county.twice()
        outcome = county.search("K-2", caller=caller, open_engine=by_parts([]))
        assert outcome.blocks_before == (0 if others else 2)
        assert len(county.cases(first)) == 1


def test_whoever_is_erased_during_a_search_is_in_no_case(county: County) -> None:
    _, stays, _ = county.twice()
    _, erased, _ = county.twice()

    def erase(step: Progress) -> None:
        if (step.stage, step.done) == ("searching", 0):
            answer = county.new().post(
                f"/v1/cards/{erased}/erasure", json={"ground": "consent_withdrawn"}, headers=fresh_key()
            )
            assert answer.status_code == 201, answer.text

    county.search(tell=erase)
    assert (len(county.cases(stays)), county.cases(erased)) == (1, [])


def test_what_a_search_left_behind_is_deleted_after_a_day(county: County, small_blocks: None) -> None:
    _, first, _ = county.twice()
    caller, database = county.caller(), county.service.database
    assert leftovers.clear(database, county.folder) == 0, "there is no folder yet"
    with pytest.raises(Killed):
        county.search("K-6", caller=caller, open_engine=by_parts([], until=1))
    (folder,) = county.folder.iterdir()
    assert leftovers.clear(database, county.folder) == 0, "it may be gone on with"
    os.utime(folder, (0, 0))
    with searches.alone(database):
        assert leftovers.clear(database, county.folder) == 0, "a search runs"
    assert leftovers.clear(database, county.folder) == 1
    assert not folder.exists()
    assert county.search("K-6", caller=caller, open_engine=by_parts([])).blocks_before == 1
    assert len(county.cases(first)) == 1


def test_other_terms_are_another_search(county: County, small_blocks: None) -> None:
    caller = county.caller()
    with pytest.raises(Killed):
        county.search("K-3", caller=caller, open_engine=by_parts([], until=1))
    (folder,) = county.folder.iterdir()
    again = county.search("K-3", caller=caller, false_per_1000=0.5, open_engine=by_parts([]))
    assert again.blocks_before == 0
    assert [act for act, _ in county.acts(folder.name)] == ["duplicates_search_begun", "duplicates_search_abandoned"]
    assert not folder.exists()


def test_another_case_does_not_go_on_with_a_search(county: County, small_blocks: None) -> None:
    caller = county.caller()
    with pytest.raises(Killed):
        county.search("K-4", caller=caller, open_engine=by_parts([], until=1))
    for case, who, before in (("K-5", caller, 0), ("K-4", county.caller("another bureau"), 0), ("K-4", caller, 1)):
        assert county.search(case, caller=who, open_engine=by_parts([])).blocks_before == before


def test_one_searches_at_a_time(county: County) -> None:
    with searches.alone(county.service.database), pytest.raises(SearchRunning):
        county.search()
    county.search()


def test_a_revoked_key_ends_the_search(county: County, small_blocks: None) -> None:
    caller = county.caller()

    def revoke(step: Progress) -> None:
        if (step.stage, step.done) == ("searching", 1):
            with county.service.database.begin() as connection:
                principals.end(connection, county.service.keys, caller.principal_id, actor_id=None)

    _, first, _ = county.twice()
    done: list[int] = []
    with pytest.raises(KeyRevoked):
        county.search(caller=caller, open_engine=by_parts(done), tell=revoke)
    assert len(done) == 2
    assert county.cases(first) == []


def test_a_search_without_a_case_cannot_be_written_down(county: County, small_blocks: None) -> None:
    with pytest.raises(Killed):
        county.search(open_engine=by_parts([], until=1))
    (folder,) = county.folder.iterdir()
    for column in ("case_sealed", "case_index", "purpose"):
        without = text(f"UPDATE duplicate_searches SET {column} = NULL WHERE id = :id")
        with pytest.raises(exc.IntegrityError), county.service.database.begin() as connection:
            connection.execute(without, {"id": UUID(folder.name)})


def test_the_evidence_tells_who_searched_for_what_and_names_nobody(county: County) -> None:
    face, first, _ = county.twice()
    caller = county.caller()
    county.search("Q-ZEBRA-17", caller=caller, false_per_1000=2.0, purpose="order")
    case = county.case(first)
    begun, finished = county.acts(case["found_in"]["id"])
    assert begun[1]["case"] == cases.named(county.service.keys, "Q-ZEBRA-17")
    assert (begun[1]["purpose"], begun[1]["false_per_1000"]) == ("order", 2.0)
    assert begun[1]["fmr"] == pytest.approx(2 * 0.002 / (begun[1]["people"] - 1))
    assert {"face_engine", "finger_engine", "register_seq", "left_out"} < begun[1].keys()
    assert (finished[0], finished[1]["engine"], finished[1]["blocks"]) == ("duplicates_search_finished", "local", 1)
    ((act, opened),) = county.acts(case["id"])
    assert (act, opened["search"], opened["revision"]) == ("duplicate_case", case["found_in"]["id"], 1)
    with county.service.database.begin() as connection:
        told = "".join(
            connection.execute(
                select(tables.evidence_texts.c.leaf)
                .join(tables.evidence, tables.evidence.c.seq == tables.evidence_texts.c.seq)
                .join(tables.acts, tables.acts.c.id == tables.evidence.c.subject_id)
                .where(tables.acts.c.subject_id.in_([UUID(case["id"]), UUID(case["found_in"]["id"])]))
            ).scalars()
        )
        row = connection.execute(
            select(duplicate_searches).where(duplicate_searches.c.id == UUID(case["found_in"]["id"]))
        ).one()
    assert str(caller.key_id) in told
    for secret in ("ZEBRA", face.removeprefix("person:"), first, "llr"):
        assert secret not in told
    assert b"ZEBRA" not in row.case_sealed
    assert case["found_in"]["case_reference"] == "Q-ZEBRA-17"
