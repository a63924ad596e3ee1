"""A set of fingerprint captures on disk: `<finger>_<impression>.<ext>`, the finger all before the last underscore."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from benchmarks.common.subjects import finger_of

SUFFIXES = frozenset({".png", ".bmp", ".tif", ".tiff", ".jpg", ".jpeg", ".jp2", ".wsq"})


@dataclass(frozen=True)
class CaptureSet:
    """The captures of one folder, name -> file, in the order of fingers and impressions (numbers by their value)."""

    name: str
    files: dict[str, Path]

    @property
    def fingers(self) -> list[str]:
        """The fingers' names in order."""
        return list(dict.fromkeys(finger_of(capture) for capture in self.files))

    def mated(self) -> list[tuple[str, str]]:
        """Every two captures of one finger, (reference, probe): 28 for eight impressions."""
        return [pair for pair in combinations(self.files, 2) if _same_finger(pair)]

    def non_mated(self) -> list[tuple[str, str]]:
        """Every two captures of different fingers, (reference, probe)."""
        return [pair for pair in combinations(self.files, 2) if not _same_finger(pair)]

    def first_impressions(self) -> list[str]:
        """The first capture of each finger."""
        first: dict[str, str] = {}
        for capture in self.files:
            first.setdefault(finger_of(capture), capture)
        return list(first.values())


def find_sets(folder: Path) -> list[CaptureSet]:
    """The set in `folder`, or those in the folders just below it. Raises ValueError when there is none."""
    sets = [found for path in (folder, *sorted(folder.iterdir())) if path.is_dir() and (found := _read(path))]
    if not sets:
        raise ValueError(f"{folder}: no captures named <finger>_<impression> of at least two fingers")
    return sets


def _read(folder: Path) -> CaptureSet | None:
    """The set of a folder; None unless it holds two fingers, one of them twice."""
    named = [path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and finger_of(path.stem)]
    files = {path.stem: path for path in sorted(named, key=_order)}
    if len(files) != len(named):
        raise ValueError(f"{folder}: two files of one name")
    found = CaptureSet(folder.resolve().name, files)
    return found if len(found.fingers) >= 2 and len(files) > len(found.fingers) else None


def _order(path: Path) -> tuple[str, int, str]:
    finger, _, impression = path.stem.rpartition("_")
    return finger, int(impression) if impression.isdecimal() else -1, impression


def _same_finger(pair: tuple[str, str]) -> bool:
    return finger_of(pair[0]) == finger_of(pair[1])
