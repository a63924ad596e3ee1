"""Engines that recognise shades: person n is a grey square of shade n. The real ones are tested where they live."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from api.biosdk.engines import Engines
from biometrics.errors import IncompatibleTemplates, NotAssessable
from biometrics.face import Assessment, FaceEngine, FaceTemplate
from biometrics.finger import FingerEngine, FingerTemplate
from biometrics.images import decode
from biometrics.scoring.calibration import Calibration
from tests.api.biosdk.mosip import BLURRED, BREAKS, NOBODY, SECRET, Mosip


def shade_of(pixels: NDArray[np.uint8], nobody: str) -> int:
    shade = int(pixels.flat[0])
    if shade == NOBODY:
        raise NotAssessable(nobody)
    if shade == BLURRED:
        raise NotAssessable("low_quality")
    if shade == BREAKS:
        raise RuntimeError(SECRET)
    return shade


class Faces:
    """Shade n is the n-th direction."""

    engine = FaceEngine.engine

    def extract(self, image: bytes) -> FaceTemplate:
        shade = shade_of(decode(image).rgb, "no_face")
        return FaceTemplate.of(self.engine, np.eye(128)[shade % 128], min(shade, 100))

    def assess(self, image: bytes) -> Assessment:
        try:
            shade = shade_of(decode(image).rgb, "no_face")
        except NotAssessable as error:
            return Assessment(0, 0, error.reason, None, None, None, ())
        return Assessment(1, shade, None, None, None, None, ())

    def compare(self, probe: FaceTemplate, reference: FaceTemplate) -> float:
        return float(probe.vector @ reference.vector)


class Fingers:
    """Shade n is a print 300 + n pixels wide."""

    engine = FingerEngine.engine

    def __init__(self) -> None:
        self.dpi: list[float] = []

    def extract(self, image: bytes) -> FingerTemplate:
        picture = decode(image)
        return self.extract_pixels(picture.grey, dpi=picture.dpi or 500)

    def extract_pixels(self, grey: NDArray[np.uint8], *, dpi: float) -> FingerTemplate:
        self.dpi.append(dpi)
        shade = shade_of(grey, "no_finger")
        places = np.arange(10) * 20 + shade
        return FingerTemplate.of(
            self.engine, 300 + shade, 400, x=places, y=places, direction=np.ones(10), kind=np.ones(10),
            minutia_quality=np.full(10, 80), quality=min(shade, 100),
        )  # fmt: skip

    def prepare(self, template: FingerTemplate) -> FingerTemplate:
        if template.engine != self.engine:
            raise IncompatibleTemplates
        return template

    def compare(self, probe: FingerTemplate, reference: FingerTemplate) -> float:
        return 200.0 if probe.width == reference.width else 0.0


@pytest.fixture(scope="session")
def engines() -> Engines:
    found = {engine: Calibration.load(engine) for engine in (Faces.engine, Fingers.engine)}
    return Engines(cast(FaceEngine, Faces()), cast(FingerEngine, Fingers()), found)


@pytest.fixture(scope="session")
def mosip(engines: Engines) -> Mosip:
    return Mosip(engines)
