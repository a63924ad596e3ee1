"""What is said of a calibration by people who were left out, and what it takes to say it."""

import numpy as np
import pytest

from biometrics.scoring import held_out
from biometrics.scoring.bootstrap import Comparisons
from biometrics.scoring.fit import ScoreSet
from biometrics.scoring.held_out import FOLDS, HeldOut, by_subjects, findings, unsupported
from tests.biometrics.scoring.samples import gaussian_set


@pytest.fixture(autouse=True)
def few_replicates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_out, "REPLICATES", 20)


def everybody(people: int, samples: int, *, seed: int = 0) -> ScoreSet:
    """All pairs of `people` with so many samples each; of one sample each the first pair counts as mated."""
    random = np.random.default_rng(seed)
    owner = np.repeat(np.arange(people, dtype=np.int32), samples)
    one, other = np.triu_indices(len(owner), 1)
    mated = (owner[one] == owner[other]) | (samples == 1) & (one == 0) & (other == 1)
    pairs = np.stack([owner[one], owner[other]], axis=1)[~mated]
    return ScoreSet(
        "set",
        Comparisons(
            random.normal(6, 1, int(mated.sum())).astype(np.float32),
            random.normal(0, 1, len(pairs)).astype(np.float32),
            owner[one][mated],
            pairs,
        ),
        float(people),
    )


def test_a_rate_without_an_error_is_below_3_of_n() -> None:
    depth = Comparisons(
        np.full(50, 9, np.float32),
        np.zeros(400, np.float32),
        np.arange(50, dtype=np.int32),
        np.stack([np.arange(400) % 50, (np.arange(400) + 1) % 50], axis=1).astype(np.int32),
    )
    found = {one.metric: one for one in findings([HeldOut("s", np.full(50, 8.0), np.full(400, -8.0), depth)], "people")}
    assert (found["fmr_at_stated_1e-2"].value, found["fmr_at_stated_1e-2"].high) == (0, 3 / 400)
    assert (found["fnmr_at_stated_1e-2"].value, found["fnmr_at_stated_1e-2"].high) == (0, 3 / 50)
    assert "fmr_at_stated_1e-3" not in found, "not one of 400 comparisons is due it"


def test_what_is_not_supported_is_said_with_what_it_takes() -> None:
    folds = by_subjects("gauss-1", [everybody(20, 3)], label_noise=0)
    (line,) = unsupported(findings(folds, "subjects"))
    assert "an FMR of 1e-3, 1e-4" in line
    assert "30,000, 300,000" in line
    assert not unsupported(findings(by_subjects("gauss-1", [gaussian_set(2000, 60_000)], label_noise=0), "subjects"))


@pytest.mark.parametrize(
    ("people", "samples", "words"),
    [(2 * FOLDS - 1, 6, r"9 subjects are too few\. It takes 10 at least"), (10, 1, r"has 0 mated and")],
)
def test_too_few_people_are_told_how_many_it_takes(people: int, samples: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        by_subjects("gauss-1", [everybody(people, samples)], label_noise=0)


def test_too_few_strangers_for_a_tail_are_told_how_many_it_takes() -> None:
    """Ten people in a ring of pairs: less a fold there are fewer than 31 comparisons."""
    whole = everybody(10, 2)
    pairs = whole.comparisons
    fold = whole.folds(FOLDS)[pairs.non_mated_subjects]
    kept = (fold[:, 0] == fold[:, 1]) & (np.arange(len(fold)) % 2 == 0)
    few = Comparisons(pairs.mated, pairs.non_mated[kept], pairs.mated_subject, pairs.non_mated_subjects[kept])
    with pytest.raises(ValueError, match=r"less a fold have 8 non-mated comparisons; it takes more than 30"):
        by_subjects("gauss-1", [ScoreSet("set", few, 10.0)], label_noise=0)


def test_ten_people_with_all_their_pairs_suffice() -> None:
    (judged,) = by_subjects("gauss-1", [everybody(10, 4)], label_noise=0)
    assert len(judged.mated_llr) == 60
    assert len(judged.non_mated_llr) == FOLDS * 16
