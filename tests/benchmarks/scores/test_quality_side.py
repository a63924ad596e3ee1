"""Quality beside the score: a gain is found where quality knows what fails, and none where it knows nothing."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.scores.quality_side import gather, judge

PEOPLE, SAMPLES = 60, 4


def written(folder: Path, *, telling: bool) -> tuple[Path, Path]:
    """Mated scores are N(4, 1) of good samples and N(1, 1) where one is poor, non-mated ones N(0, 1)."""
    random = np.random.default_rng(4)
    names = [f"{person}_{sample}" for person in range(PEOPLE) for sample in range(SAMPLES)]
    poor = dict(zip(names, random.random(len(names)) < 0.2, strict=True))
    rows = ["reference,probe,mated,score"]
    for place, reference in enumerate(names):
        for probe in names[place + 1 :]:
            mated = reference.split("_")[0] == probe.split("_")[0]
            mean = 0.0 if not mated else 1.0 if poor[reference] or poor[probe] else 4.0
            rows.append(f"{reference},{probe},{int(mated)},{random.normal(mean):.5f}")
    quality = ["sample,quality"]
    quality += [f"{name},{(not poor[name]) if telling else random.random():.3f}" for name in names]
    scores, graded = folder / "scores.csv", folder / "quality.csv"
    scores.write_text("\n".join(rows) + "\n", encoding="utf-8")
    graded.write_text("\n".join(quality) + "\n", encoding="utf-8")
    return scores, graded


@pytest.mark.parametrize("telling", [True, False])
def test_the_gain_is_that_of_what_quality_knows(tmp_path: Path, telling: bool) -> None:
    scores, graded = written(tmp_path, telling=telling)
    found = {one.metric: one for one in judge("drawn", gather([scores], [graded]))}
    gain = found["cllr_gain"]
    assert gain.value == pytest.approx(found["cllr"].value - found["cllr_with_quality"].value)
    assert gain.low is not None
    assert gain.high is not None
    if telling:
        assert gain.low > 0
        assert found["fnmr_at_1e-3_with_quality"].value < found["fnmr_at_1e-3"].value
    else:
        assert gain.low <= 0.002
        assert abs(gain.value) < 0.01
