"""What the fingers of suspects say."""

import importlib

import numpy as np
import pytest

from biometrics.duplicates import Finding, Kind, Local, Rule, Suspects, confirm
from biometrics.finger import FingerTemplate, PreparedFinger
from biometrics.finger.matcher import score
from tests.biometrics.duplicates.made import FACE, FINGER, Made

# The package gives the function of the same name.
MODULE = importlib.import_module("biometrics.duplicates.confirm")


def suspects(*pairs: tuple[int, int], scores: float = 0.8) -> Suspects:
    low, high = np.array(pairs, np.int64).reshape(-1, 2).T
    return Suspects(low, high, np.full(len(low), scores, np.float32))


@pytest.fixture(scope="module")
def found(small: Made) -> dict[tuple[int, int], Finding]:
    rule = small.rule()
    everything = [
        one
        for _, part in Local(small.register, rule, threads=2).run(range(small.register.jobs))
        for one in confirm(small.register, part, rule, small.fetch, threads=2)
    ]
    assert [(one.low, one.high) for one in everything] == sorted((one.low, one.high) for one in everything)
    return {(one.low // 3, one.high // 3): one for one in everything}


def test_duplicates_twins_and_nobody_else(found: dict[tuple[int, int], Finding]) -> None:
    assert {pair: one.kind for pair, one in found.items()} == {
        (0, 299): Kind.SAME_PERSON,
        (1, 298): Kind.FACE_ALIKE_FINGERS_DIFFER,
        (2, 297): Kind.SAME_PERSON,
        (3, 296): Kind.SAME_PERSON,
    }


def test_evidence_stands_beside_what_it_is_of(small: Made, found: dict[tuple[int, int], Finding]) -> None:
    one, rule = found[0, 299], small.rule()
    assert [finger.position for finger in one.fingers] == ["right_thumb", "left_thumb"]
    for finger in one.fingers:
        both = [PreparedFinger.of(small.fingers[key][finger.position]) for key in (0, 3 * 299)]
        assert finger.score == score(*both)
        assert finger.llr == rule.finger_llr(finger.score)
    assert one.llr == pytest.approx(one.face_llr + sum(finger.llr for finger in one.fingers))
    assert one.face_score == pytest.approx(0.5, abs=0.01)
    assert one.fmr <= rule.fmr
    assert found[2, 297].fingers == ()


def test_fingers_that_are_gone_are_not_assessed(small: Made) -> None:
    rule = small.rule()

    def fetch(keys: object) -> dict[int, dict[str, FingerTemplate]]:
        return {0: {}, 3 * 299: small.fingers[3 * 299]}

    (one,) = confirm(small.register, suspects((0, 299), scores=0.9), rule, fetch)
    assert (one.kind, one.fingers) == (Kind.SAME_PERSON, ())


def test_fingers_that_say_little(small: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = Rule(1_000_000, FACE, FINGER)
    monkeypatch.setattr(MODULE, "score", lambda *_: 25.0)
    assert -3 < 2 * rule.finger_llr(25.0) < 0
    (one,) = confirm(small.register, suspects((1, 298), scores=rule.floor(0) + 0.001), rule, small.fetch)
    assert one.kind is Kind.FACE_ALIKE_FINGERS_UNCLEAR
    assert confirm(small.register, suspects((1, 298), scores=rule.floor(0) - 0.001), rule, small.fetch) == []


def test_fingers_are_compared_until_nothing_can_come_of_it(small: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []

    def nothing(*_: PreparedFinger) -> float:
        compared.append(1)
        return 0.0

    monkeypatch.setattr(MODULE, "score", nothing)
    rule = small.rule(false_per_record=1e-6)
    assert confirm(small.register, suspects((1, 298), scores=0.35), rule, small.fetch) == []
    assert len(compared) == 1


def test_nobody_is_fetched_for_nothing(small: Made) -> None:
    def fetch(keys: object) -> dict[int, dict[str, FingerTemplate]]:
        raise AssertionError(keys)

    assert confirm(small.register, suspects(), small.rule(), fetch) == []
    (one,) = confirm(small.register, suspects((2, 297)), small.rule(), fetch)
    assert one.kind is Kind.SAME_PERSON
