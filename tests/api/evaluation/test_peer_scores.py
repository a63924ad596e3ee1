"""Other engines' score files are read as they are, and give the rates that their own runs gave."""

from pathlib import Path

import pytest

from api.evaluation.files import read_scores
from api.evaluation.subjects import comparisons_of, misfits
from biometrics.scoring.rates import Curve

PEERS = Path(__file__).parents[4] / "shared" / "data" / "peer_scores"
SETS = ("fvc2002_db1_b", "fvc2002_db3_b", "fvc2004_db2_b", "fvc2004_db4_b")

# EER and FNMR at FMR 0.1 %, per cent, as they were worked out beside the runs, by other code.
MEASURED = {
    "sourceafis-3.18.1": ((3.19, 5.71), (11.43, 27.50), (12.50, 22.50), (4.48, 7.50)),
    "nbis-mindtct-bozorth3": ((4.48, 11.43), (8.47, 29.64), (14.60, 35.36), (5.74, 13.93)),
    "leader-sourceafis-matcher": ((0.71, 0.71), (1.07, 3.93), (5.36, 12.50), (2.86, 4.29)),
    "leader-mcc16-lssr": ((0.36, 0.36), (0.71, 1.79), (4.62, 6.79), (3.21, 6.43)),
}
CASES = [(engine, name, *rates) for engine, found in MEASURED.items() for name, rates in zip(SETS, found, strict=True)]


@pytest.mark.skipif(not PEERS.is_dir(), reason=f"NOT RUN: the peers' score files are not there ({PEERS})")
@pytest.mark.parametrize(("engine", "name", "eer", "fmr1000"), CASES)
def test_peers_have_the_rates_that_were_measured(engine: str, name: str, eer: float, fmr1000: float) -> None:
    rows = read_scores(PEERS / engine / f"{name}.csv")
    assert misfits(rows, None).mated == misfits(rows, None).non_mated == 0
    comparisons = comparisons_of(rows, None)
    assert (len(comparisons.mated), len(comparisons.non_mated), comparisons.subjects) == (280, 2880, 10)
    curve = Curve.of(comparisons.mated, comparisons.non_mated)
    assert 100 * curve.fnmr_at_fmr(1e-3) == pytest.approx(fmr1000, abs=0.006)
    assert 100 * curve.eer() == pytest.approx(eer, abs=0.02)


def test_scores_with_failures_and_further_columns_are_read(tmp_path: Path) -> None:
    """What another engine may write: more columns, in another order, words for failures."""
    path = tmp_path / "theirs.csv"
    path.write_text("score,time_ms,probe,reference,mated\n9.5,3,1_2,1_1,1\nfta,0,2_2,2_1,1\n0,2,2_1,1_1,0\n", "utf-8")
    comparisons = comparisons_of(read_scores(path), None)
    curve = Curve.of(comparisons.mated, comparisons.non_mated)
    assert (float(curve.fnmr(1.0)), float(curve.fmr(1.0)), float(curve.fnmr(0.0))) == (0.5, 0.0, 0.5)
