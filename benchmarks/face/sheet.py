"""A contact sheet of the hardest pairs: mated ones with the lowest scores, non-mated ones with the highest.

The pictures are other people's: write the sheet to a folder that is not committed.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw

from benchmarks.common.report import ScoreRow

PAIRS, COLUMNS, SIDE, LINE = 32, 8, 125, 14


def write(folder: Path, images: Path, rows: Sequence[ScoreRow]) -> list[Path]:
    """Two JPEG files in `folder`, which is made where it is missing: `hardest_mated.jpg`, `hardest_non_mated.jpg`."""
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for name, mated in (("hardest_mated", True), ("hardest_non_mated", False)):
        some = [row for row in rows if row.mated == mated and np.isfinite(row.score)]
        some.sort(key=lambda row: row.score if mated else -row.score)
        found.append(folder / f"{name}.jpg")
        _sheet(images, some[:PAIRS]).save(found[-1], quality=85)
    return found


def _sheet(images: Path, rows: Sequence[ScoreRow]) -> Pillow.Image:
    lines = -(-max(1, len(rows)) // COLUMNS)
    sheet = Pillow.new("RGB", (COLUMNS * SIDE, lines * (2 * SIDE + LINE)), "white")
    draw = ImageDraw.Draw(sheet)
    for number, row in enumerate(rows):
        left, top = SIDE * (number % COLUMNS), (2 * SIDE + LINE) * (number // COLUMNS)
        for place, name in enumerate((row.reference, row.probe)):
            with Pillow.open(images / name) as picture:
                sheet.paste(picture.convert("RGB").resize((SIDE, SIDE)), (left, top + place * SIDE))
        draw.text((left + 4, top + 2 * SIDE), f"{row.score:.3f}", fill="black")
    return sheet
