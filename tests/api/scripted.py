"""A comparer for tests of the service: images are words instead of pictures.

`person:NAME` is a good capture of NAME, `maybe:NAME` a poor one; any other word is the reason why it gives no template,
such as `no_face`; a word that begins with `image_` is a capture that is no acceptable image. What follows a `#` tells
shots of one person apart (`person:a#7`), and only such words have digests: others may be sent again and again. The real
engines have tests of their own.

The word of a burst's first frame says how it is judged: `live`, or the reason of an attack, such as `flat_face`.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from api.matching.captures import Captures, FingerPosition, Modality, Reference
from api.matching.comparison import (
    CaptureInvalid,
    EnrolledTemplate,
    Enrolment,
    LivenessResult,
    ModalityResult,
    PersonResult,
    Probe,
    Template,
)
from api.matching.guidance import Guidance
from biometrics.face import FaceTemplate
from biometrics.finger import FingerEngine, FingerTemplate
from biometrics.scoring.calibration import Calibration

ENGINE = "scripted-1"
DIMENSIONS = 128
# Scores of faces: below 0.6 they mean nothing, and 0.7 an FMR of 0.0004; the fingers' are the real ones.
_FACE = Calibration(
    ENGINE, np.array([-1.0, 0.6, 1.0]), np.array([0.0, -1.0, -28.0]), np.array([-9.0, -9.0, 9.0]), 1e-5, {}
)
_FINGER = replace(Calibration.load(FingerEngine.engine), engine=ENGINE)


def _nothing() -> None:
    """What happens beside a comparison unless a test says so."""


@dataclass
class ScriptedComparer:
    """Same name: FMR 1e-6. `maybe:NAME` against NAME: 1e-3. Another name: 0.5. Several modalities: the lowest FMR.

    `compared` holds what was compared; `meanwhile` is called in every comparison.
    """

    compared: list[Captures] = field(default_factory=list)
    meanwhile: Callable[[], None] = _nothing

    @property
    def calibrations(self) -> Mapping[Modality, Calibration]:
        """See `Comparer`."""
        return {"face": _FACE, "finger": _FINGER}

    def guide(self, image: bytes) -> Guidance:
        """A good face where the word is a person; else the word itself is the advice."""
        word = image.decode()
        if word.startswith("image_"):
            raise CaptureInvalid(word, "image")
        return Guidance((0.3, 0.2, 0.4, 0.5), ()) if word.startswith("person:") else Guidance(None, (word,))

    def opened(self, reference: Reference) -> Template:
        """The template that a word stands for."""
        assert reference.template is not None
        return template_of(reference.modality, reference.template.decode())

    def enrol(self, captures: Captures) -> Enrolment:
        """One template for each capture that is a person."""
        made: list[EnrolledTemplate] = []
        failed: list[ModalityResult] = []
        for modality, position, word in _words(captures):
            if word.startswith("person:"):
                made.append(EnrolledTemplate(modality, position, ENGINE, word.partition("#")[0].encode(), 80.0))
            else:
                failed.append(ModalityResult(modality, position, word))
        return Enrolment(tuple(made), tuple(failed), _digests([word for _, _, word in _words(captures)]))

    def compare(
        self, captures: Captures, references: tuple[Reference, ...], searched: Collection[Modality] = ()
    ) -> PersonResult:
        """Compare names."""
        self.compared.append(captures)
        self.meanwhile()
        by_chip_photo = not references and captures.chip_photo is not None
        held = {(one.modality, one.position): one.template for one in references}
        if by_chip_photo:
            held = {("face", None): captures.chip_photo}
        words = _words(captures)
        results = [
            _compared(modality, position, word, held.get((modality, position)))
            if held.get((modality, position), b"") is not None
            else ModalityResult(modality, position, _lost(references, modality, position))
            for modality, position, word in words
        ]
        probes = _probes(
            [one for one, result in zip(words, results, strict=True) if result.assessed or one[0] in searched]
        )
        digests = _digests([word for (_, _, word), result in zip(words, results, strict=True) if result.assessed])
        results.extend(_not_captured(captures, references))
        rates = [result.fmr for result in results if result.fmr is not None]
        chip = None
        if captures.chip_photo is not None and not by_chip_photo:
            chip = _compared("face", None, captures.chip_photo.decode(), held.get(("face", None)))
        if not rates:
            return PersonResult(
                tuple(results),
                chip_photo=chip,
                by_chip_photo=by_chip_photo,
                engines=(ENGINE,),
                liveness=_liveness(captures),
                probes=probes,
            )
        return PersonResult(
            tuple(results),
            0.9,
            5.0,
            min(rates),
            chip,
            by_chip_photo,
            (ENGINE,),
            liveness=_liveness(captures),
            capture_digests=digests,
            probes=probes,
        )


def template_of(modality: Modality, word: str) -> Template:
    """What the words of one person have in common: `maybe:NAME` is as near to `person:NAME` as two shots are."""
    kind, _, name = word.partition("#")[0].partition(":")
    drawn = np.random.default_rng(list(f"{modality} {name}".encode()))
    if modality == "finger":
        return _finger(drawn)
    vector, noise = (one / np.linalg.norm(one) for one in drawn.standard_normal((2, DIMENSIONS)))
    return FaceTemplate.of(ENGINE, vector if kind == "person" else vector + 0.3 * noise, 80)


def _finger(drawn: np.random.Generator) -> FingerTemplate:
    count = 40
    return FingerTemplate.of(
        ENGINE,
        400,
        400,
        x=drawn.uniform(20, 380, count),
        y=drawn.uniform(20, 380, count),
        direction=drawn.uniform(0, 2 * np.pi, count),
        kind=drawn.integers(1, 3, count),
        minutia_quality=np.full(count, 80),
        quality=80,
    )


def _lost(references: tuple[Reference, ...], modality: Modality, position: FingerPosition | None) -> str:
    erased = {(one.modality, one.position) for one in references if one.erased}
    return "template_erased" if (modality, position) in erased else "template_damaged"


def _probes(words: list[tuple[Modality, FingerPosition | None, str]]) -> tuple[Probe, ...]:
    return tuple(
        Probe(modality, position, template_of(modality, word))
        for modality, position, word in words
        if word.startswith(("person:", "maybe:"))
    )


def _word(image: bytes, place: str) -> str:
    try:
        return image.decode()
    except UnicodeDecodeError as error:
        raise CaptureInvalid("image_not_an_image", place) from error


def _words(captures: Captures) -> list[tuple[Modality, FingerPosition | None, str]]:
    words: list[tuple[Modality, FingerPosition | None, str]] = []
    if captures.face is not None:
        words.append(("face", None, _word(captures.face, "face")))
    words.extend(("finger", one.position, _word(one.image, one.position)) for one in captures.fingers)
    for modality, position, word in words:
        if word.startswith("image_"):
            raise CaptureInvalid(word, position or modality)
    return words


def _liveness(captures: Captures) -> LivenessResult | None:
    if captures.burst is None:
        return None
    word = captures.burst.frames[0].image.decode()
    return LivenessResult("live", challenge=True) if word == "live" else LivenessResult("attack", word, challenge=True)


def _digests(words: list[str]) -> tuple[bytes, ...]:
    return tuple(hashlib.sha256(word.encode()).digest() for word in words if "#" in word)


def _not_captured(captures: Captures, references: tuple[Reference, ...]) -> list[ModalityResult]:
    missing = [] if captures.face is not None else [ModalityResult("face", None, "not_captured")]
    held = [one.position for one in references if one.modality == "finger"]
    if not any(finger.position in held for finger in captures.fingers):
        missing.extend(ModalityResult("finger", position, "not_captured") for position in held)
        if not held and not captures.fingers:
            missing.append(ModalityResult("finger", None, "not_enrolled"))
    return missing


def _compared(modality: Modality, position: FingerPosition | None, word: str, template: bytes | None) -> ModalityResult:
    word = word.partition("#")[0]
    kind, _, name = word.partition(":")
    if kind not in {"person", "maybe"}:
        return ModalityResult(modality, position, word)
    if template is None:
        return ModalityResult(modality, position, "not_enrolled")
    same = template.decode().partition("#")[0].partition(":")[2] == name
    fmr = (1e-6 if kind == "person" else 1e-3) if same else 0.5
    return ModalityResult(modality, position, None, 12.0 if same else -6.0, fmr, 75.0)
