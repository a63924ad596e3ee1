"""The fingerprint pipeline: decode, bring to 500 dpi, find minutiae, judge, make a template; and compare two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from biometrics.errors import IncompatibleTemplates, NotAssessable
from biometrics.finger import consolidation, matcher
from biometrics.finger.blocks import blocks_of
from biometrics.finger.matcher import Comparison, PreparedFinger
from biometrics.finger.minutiae import Minutiae, find_minutiae, open_network
from biometrics.finger.parameters import DPI, ENGINE, IMPORTED, MIN_MINUTIAE, NO_FINGER_MINUTIAE
from biometrics.finger.polarity import dark_on_light
from biometrics.finger.presence import is_empty
from biometrics.finger.quality import grade
from biometrics.finger.resampling import choose_dpi, resample
from biometrics.finger.ridge_period import has_implausible_ridges
from biometrics.finger.search import Gallery
from biometrics.finger.template import FingerTemplate
from biometrics.finger.trace import Trace, untraced
from biometrics.images import decode, png

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from biometrics.finger.leader.network import Network


class FingerEngine:
    """LEADER's minutiae and an edge matcher. Safe among threads; comparisons run without the interpreter's lock."""

    engine = ENGINE

    def __init__(self, network: Network) -> None:
        self._network = network

    @classmethod
    def open(cls, home: Path | None = None, *, threads: int = 1) -> FingerEngine:
        """Opens the installed pack under `home`. Raises models.errors.PackMissing or PackDamaged."""
        return cls(open_network(home, threads=threads))

    def warm_up(self) -> None:
        """Load or compile everything that the first call waits for (a minute of computing on a new installation)."""
        points = np.arange(8.0)
        template = FingerTemplate.of(
            ENGINE, 320, 320, x=30 * points, y=4 * points**2, direction=points, kind=1 + points % 2,
            minutia_quality=np.full(8, 90), quality=50,
        )  # fmt: skip
        Gallery.of([template]).search(self.prepare(template))
        blank = np.zeros((32, 32), np.uint8)
        find_minutiae(self._network, blank, blocks_of(blank))
        png.warm_up()

    def extract(self, image: bytes, *, dpi: float | None = None, trace: Trace = untraced) -> FingerTemplate:
        """The template of one finger in a picture file; `dpi` is the scanner's, where it is known.

        Without it the file's own statement counts if it is sane, else 500 dpi. Raises InvalidImage (see
        `biometrics.images.decode` and `extract_pixels`) and NotAssessable (see `extract_pixels`).
        """
        picture = decode(image)
        return self.extract_pixels(picture.grey, dpi=choose_dpi(dpi, picture.dpi), trace=trace)

    def extract_pixels(self, grey: NDArray[np.uint8], *, dpi: float = DPI, trace: Trace = untraced) -> FingerTemplate:
        """The template of one finger in an upright picture, uint8 (H, W), of either polarity.

        Raises InvalidImage (`image_larger_than_finger`) and NotAssessable: `no_finger`, when nothing or no ridges are
        seen; `wrong_dpi`, when the ridges cannot be that far apart; `low_quality`, when too few minutiae are found.
        ValueError for an array of another kind, which would look like an empty scanner.
        """
        if grey.ndim != 2 or grey.dtype != np.uint8:
            raise ValueError(f"{grey.ndim} axes of {grey.dtype} instead of 2 of uint8")
        grey = resample(grey, choose_dpi(dpi, None))
        trace("resampled", grey)
        blocks = blocks_of(grey)
        if is_empty(blocks):
            raise NotAssessable("no_finger")
        grey = dark_on_light(grey, blocks)
        if has_implausible_ridges(grey):
            raise NotAssessable("wrong_dpi")
        minutiae, position = find_minutiae(self._network, grey, blocks)
        trace("position", position)
        _require_enough(minutiae)
        return FingerTemplate.of(
            self.engine,
            grey.shape[1],
            grey.shape[0],
            x=minutiae.x,
            y=minutiae.y,
            direction=minutiae.direction,
            kind=minutiae.kind,
            minutia_quality=np.rint(100.0 * minutiae.quality),
            quality=grade(minutiae.quality),
        )

    def prepare(self, template: FingerTemplate) -> PreparedFinger:
        """A template ready for many comparisons. Raises IncompatibleTemplates when it is of another engine."""
        if template.engine != self.engine:
            raise IncompatibleTemplates(f"{template.engine} with {self.engine}")
        return PreparedFinger.of(template)

    def prepare_imported(self, template: FingerTemplate) -> PreparedFinger:
        """As `prepare`, also for what `biometrics.finger.interchange` read; no calibration is for such scores.

        Raises IncompatibleTemplates for a template of another version of this engine.
        """
        if template.engine.startswith(IMPORTED):
            return PreparedFinger.of(template)
        return self.prepare(template)

    def compare(self, probe: FingerTemplate | PreparedFinger, reference: FingerTemplate | PreparedFinger) -> float:
        """The comparison score, 0 or more, the higher the more alike. Raises IncompatibleTemplates.

        Prepare the side that is compared many times; for one probe against many references that is the probe.
        """
        return matcher.score(self._prepared(probe), self._prepared(reference))

    def consolidate(self, templates: Sequence[FingerTemplate]) -> FingerTemplate:
        """One better template of several impressions of a finger; see `biometrics.finger.consolidation`.

        Raises ValueError for none at all, IncompatibleTemplates when one is of another engine.
        """
        if any(one.engine != self.engine for one in templates):
            raise IncompatibleTemplates("an impression of another engine")
        return consolidation.consolidate(templates).template

    def explain(self, probe: FingerTemplate | PreparedFinger, reference: FingerTemplate | PreparedFinger) -> Comparison:
        """As `compare`, with the pairing that the score rests on and its evidence."""
        return matcher.compare(self._prepared(probe), self._prepared(reference))

    def _prepared(self, finger: FingerTemplate | PreparedFinger) -> PreparedFinger:
        return finger if isinstance(finger, PreparedFinger) else self.prepare(finger)


def _require_enough(minutiae: Minutiae) -> None:
    count = len(minutiae.x)
    if count < MIN_MINUTIAE:
        raise NotAssessable("no_finger" if count <= NO_FINGER_MINUTIAE else "low_quality")
