"""The real face engine: who is found among real faces, and that a hit's score is the one that a comparison gives."""

import io
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import models
from api.matching.captures import Captures, Reference
from api.matching.comparison import Probe
from api.matching.engines import BiometricComparer
from api.screening.faces import Faces, ListedFace
from api.screening.fingers import Fingers
from api.screening.gallery import ImpostorGallery
from api.storage.keys import load
from biometrics.face import FaceEngine, FaceTemplate, Transform
from biometrics.face.template import similarity
from biometrics.finger import FingerEngine
from biometrics.gallery.threshold import hit_threshold
from biometrics.scoring.calibration import Calibration
from tests.biometrics.face.conftest import Group, engine, group

__all__ = ["engine", "group"]

DAY = date(2026, 11, 22)
PEOPLE = 6


@pytest.fixture(scope="module")
def comparer(engine: FaceEngine) -> BiometricComparer:
    return BiometricComparer(engine, FingerEngine.open(models.home()), threads=1)


def picture(pixels: NDArray[np.uint8], kind: str = "PNG", **options: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def enrolled(comparer: BiometricComparer, image: bytes) -> FaceTemplate:
    """As a proposal makes it, from its stored form."""
    (made,) = comparer.enrol(Captures(image)).templates
    template = comparer.opened(Reference("face", None, made.engine, made.template))
    assert isinstance(template, FaceTemplate)
    return template


def probe_of(comparer: BiometricComparer, image: bytes) -> Probe:
    """As a verification makes it, of somebody whose card holds nothing."""
    (probe,) = comparer.compare(Captures(image), (), {"face"}).probes
    return probe


@pytest.mark.parametrize("listed_beside", [0, 20_000])
def test_listed_people_are_found_and_others_are_not(
    comparer: BiometricComparer, group: Group, tmp_path: Path, listed_beside: int
) -> None:
    """Half of the people are listed, among strangers drawn at random; all come again, poorly compressed and smaller."""
    keys = load(tmp_path)
    templates = [enrolled(comparer, picture(group.portrait(person))) for person in range(PEOPLE)]
    drawn = np.random.default_rng(7).standard_normal((listed_beside, 128))
    strangers = [FaceTemplate.of(FaceEngine.engine, one, 50) for one in drawn]
    people = [*templates[::2], *strangers]
    faces = Faces.of(Transform("a", bytes(32)), FaceEngine.engine, 128)
    faces.change(1, [ListedFace(key, one, DAY) for key, one in enumerate(people)], [])
    gallery = ImpostorGallery(keys, comparer, 0.01)
    gallery.fill(faces, Fingers(), 1)
    threshold = hit_threshold(Calibration.load(FaceEngine.engine), 0.01, len(people)).score
    for person in range(PEOPLE):
        portrait = Image.fromarray(group.portrait(person, 2.6))
        again = np.asarray(portrait.resize((portrait.width * 3 // 4, portrait.height * 3 // 4)))
        probe = probe_of(comparer, picture(again, "JPEG", quality=60))
        assert isinstance(probe.template, FaceTemplate)
        candidates = [key for _, _, found in gallery.search([probe], DAY).candidates for key in found]
        scores = [similarity(probe.template, people[key]) for key in candidates]
        hits = [score for score in scores if score >= threshold]
        assert len(hits) == (person % 2 == 0), (person, scores, threshold)
        if hits:
            assert hits == [comparer._face.compare(probe.template, templates[person])], "to the last digit"
