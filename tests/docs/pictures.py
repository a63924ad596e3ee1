"""`python -m tests.docs.pictures`: the tour's pictures, and of the README's those of counter and console, out of
`out/screens`, with fewer colours, into `docs/pictures`.

`pytest -m long tests/api/pages/browser/test_tour.py` makes them. The people on them are drawings.
"""

import sys
from pathlib import Path

from PIL import Image

from tests.docs.pages import ROOT

WIDEST = {"kiosk": 480}
WIDE = 1000
HIGHEST = 1100
COLOURS = 256


def shrunk(source: Path, target: Path) -> None:
    """The top of a screen, not wider than it is shown, in a palette of its own."""
    picture = Image.open(source).convert("RGB")
    widest = next((width for word, width in WIDEST.items() if word in source.name), WIDE)
    if picture.width > widest:
        height = round(picture.height * widest / picture.width)
        picture = picture.resize((widest, height), Image.Resampling.LANCZOS)
    picture = picture.crop((0, 0, picture.width, min(picture.height, HIGHEST)))
    # By how much of the range they cover: by how often they come, the small red of a mouth would be lost.
    few = picture.quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE, kmeans=4, dither=Image.Dither.NONE)
    few.save(target, optimize=True)


def main() -> int:
    """Shrink all of them; gives the exit code."""
    screens, pictures = ROOT / "out" / "screens", ROOT / "docs" / "pictures"
    targets = {source: f"tour-{source.name.split('-', 2)[2]}" for source in sorted(screens.glob("tour-*.png"))}
    targets |= {source: source.name.removeprefix("readme-") for source in sorted(screens.glob("readme-*.png"))}
    for source, name in targets.items():
        shrunk(source, pictures / name)
    return 0 if targets else 1


if __name__ == "__main__":
    sys.exit(main())
