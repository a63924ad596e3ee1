"""Files of scores for `renzheng evaluate`, and the figures that it writes."""

import json
from pathlib import Path

import numpy as np

HEADER = "reference,probe,mated,score\n"


def rows_with_eer_of_5_percent() -> list[str]:
    """20 mated scores, one low; 20 non-mated, one high: at every threshold above 1 and up to 5 each rate is 1/20."""
    mated = [f"{subject}_1,{subject}_2,1,{1 if subject == 0 else 10}" for subject in range(20)]
    non_mated = [f"{subject}_1,{subject + 1}_1,0,{5 if subject == 7 else 0}" for subject in range(20)]
    return mated + non_mated


def figures(path: Path) -> dict[str, dict[str, object]]:
    return {result["metric"]: result for result in json.loads(path.read_text())["results"]}


def drawn_rows(shift: float, seed: int = 1) -> list[str]:
    """30 fingers x 3 impressions: N(3 + shift, 1) mated, N(0, 1) non-mated."""
    random = np.random.default_rng(seed)
    samples = [(finger, f"f{finger}_{impression}") for finger in range(30) for impression in range(3)]
    rows = []
    for place, (finger, reference) in enumerate(samples):
        for other, probe in samples[place + 1 :]:
            mated = finger == other
            rows.append(f"{reference},{probe},{int(mated)},{random.normal(3 + shift if mated else 0):.6f}")
    return rows
