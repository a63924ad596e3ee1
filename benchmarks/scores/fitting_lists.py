"""Who was fitted on and who was judged: the subjects of each set, by a hash of their names, with their folds.

Subject for subject `calibrate` is fitted on four of the folds and judged on the fifth, five times; what ships is fitted
on all. `chimeric` halves the same keys anew in each round (`folds.hashed_folds` with the round as its salt). The lists
hold no name and no picture; whoever has the set computes the keys again and knows who was on which side.
"""

import csv
from collections.abc import Sequence
from pathlib import Path

from benchmarks.common.progress import say
from benchmarks.scores.score_sets import read_set
from biometrics.scoring.folds import hashed_folds
from biometrics.scoring.held_out import FOLDS

COLUMNS = ("subject", "fold")
FOLDER = Path(__file__).with_name("lists")


def run(scores: Sequence[Path], vectors: Path | None, out: Path) -> None:
    """Write `<set>.csv` for every score file; `vectors` goes with the first, as for `calibrate`."""
    out.mkdir(parents=True, exist_ok=True)
    for place, path in enumerate(scores):
        one = read_set(path, vectors=vectors if place == 0 else None)
        write(out / f"{one.name}.csv", one.keys)
        say(f"{one.name}: {len(one.keys):,} subjects")


def write(path: Path, keys: Sequence[str]) -> None:
    """One row a subject, in the order of the keys."""
    folds = hashed_folds(keys, FOLDS).tolist()
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(sorted(zip(keys, folds, strict=True)))


def read(path: Path) -> dict[str, int]:
    """Each subject's fold by its key. Raises OSError."""
    with path.open(encoding="utf-8", newline="") as file:
        return {row["subject"]: int(row["fold"]) for row in csv.DictReader(file)}
