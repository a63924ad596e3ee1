"""The real comparer: the face and finger engines side by side on a pool of threads, and the fusion of what they say."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from api.matching.captures import Captures, Reference
from api.matching.comparison import CaptureInvalid, EnrolledTemplate, Enrolment, ModalityResult, PersonResult
from biometrics.errors import IncompatibleTemplates, InvalidImage, InvalidTemplate, NotAssessable
from biometrics.face import FaceEngine, FaceTemplate
from biometrics.finger import FingerEngine, FingerTemplate
from biometrics.images import decode
from biometrics.scoring.calibration import Calibration
from biometrics.scoring.fusion import combine

_log = logging.getLogger(__name__)

Template = FaceTemplate | FingerTemplate


@dataclass(frozen=True)
class _Judged:
    """A modality's result, and the comparison score behind it with its calibration when there is one."""

    result: ModalityResult
    scored: tuple[Calibration, float] | None = None


class BiometricComparer:
    """Implements `Comparer`. One model session a pack, shared by the pool's threads, each of which takes one core."""

    def __init__(self, face: FaceEngine, finger: FingerEngine, threads: int) -> None:
        self._face = face
        self._finger = finger
        self._calibrations = {engine: Calibration.load(engine) for engine in (face.engine, finger.engine)}
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="compare")

    @classmethod
    def open(cls, home: Path, *, threads: int) -> "BiometricComparer":
        """Open the engines and run each once, so that no request waits for a compilation. Raises `ModelError`."""
        finger = FingerEngine.open(home)
        finger.warm_up()
        return cls(FaceEngine.open(home), finger, threads)

    @property
    def engines(self) -> tuple[str, ...]:
        """The engines' identifiers, which stand in every piece of evidence."""
        return tuple(self._calibrations)

    def enrol(self, captures: Captures) -> Enrolment:
        """See `Comparer.enrol`."""
        pending: list[tuple[ModalityResult, Future[EnrolledTemplate | str]]] = []
        if captures.face is not None:
            slot = ModalityResult("face")
            pending.append((slot, self._pool.submit(self._enrolled, slot, partial(self._face.extract, captures.face))))
        for capture in captures.fingers:
            slot = ModalityResult("finger", capture.position)
            make = partial(self._finger.extract, capture.image, dpi=capture.dpi)
            pending.append((slot, self._pool.submit(self._enrolled, slot, make)))
        made = [(slot, future.result()) for slot, future in pending]
        return Enrolment(
            tuple(outcome for _, outcome in made if not isinstance(outcome, str)),
            tuple(replace(slot, reason=outcome) for slot, outcome in made if isinstance(outcome, str)),
        )

    def compare(self, captures: Captures, references: tuple[Reference, ...]) -> PersonResult:
        """See `Comparer.compare`."""
        by_chip_photo = not references and captures.chip_photo is not None
        jobs = [self._face_job(captures, references)]
        jobs.extend(self._finger_jobs(captures, references))
        pending = [self._pool.submit(job) for job in jobs]
        chip = None if by_chip_photo else self._chip_photo_job(captures, references)
        chip_pending = None if chip is None else self._pool.submit(chip)
        judged = [future.result() for future in pending]
        together = combine([one.scored for one in judged if one.scored is not None])
        return PersonResult(
            modalities=tuple(one.result for one in judged),
            consistency=None if together is None else together.consistency,
            llr=None if together is None else together.llr,
            fmr=None if together is None else together.fmr,
            chip_photo=None if chip_pending is None else chip_pending.result().result,
            by_chip_photo=by_chip_photo,
            engines=self.engines,
            extrapolated=together is not None and together.extrapolated,
        )

    def _face_job(self, captures: Captures, references: tuple[Reference, ...]) -> Callable[[], _Judged]:
        slot = ModalityResult("face")
        if captures.face is None:
            return partial(_Judged, replace(slot, reason="not_captured"))
        if not references and captures.chip_photo is not None:
            photo = partial(self._photo_reference, captures.chip_photo)
            return partial(self._judge, slot, partial(self._face.extract, captures.face), photo)
        return self._against(slot, self._face.extract, captures.face, _faces(references))

    def _chip_photo_job(self, captures: Captures, references: tuple[Reference, ...]) -> Callable[[], _Judged] | None:
        faces = _faces(references)
        if captures.chip_photo is None:
            return None
        if not faces:
            return partial(_not_enrolled, ModalityResult("face"), captures.chip_photo, "chip_photo")
        photo = partial(self._photo_reference, captures.chip_photo)
        return partial(self._judge, ModalityResult("face"), photo, partial(self._open_reference, faces[0]))

    def _finger_jobs(self, captures: Captures, references: tuple[Reference, ...]) -> list[Callable[[], _Judged]]:
        """One job a captured finger; when the card holds none of those, also what it holds, or that it holds none."""
        held = {one.position: one for one in references if one.modality == "finger"}
        jobs = [
            self._against(
                ModalityResult("finger", capture.position),
                partial(self._finger.extract, dpi=capture.dpi),
                capture.image,
                [held[capture.position]] if capture.position in held else [],
            )
            for capture in captures.fingers
        ]
        if not any(capture.position in held for capture in captures.fingers):
            # A finger that the card does not hold must not excuse those that it holds.
            missing = [ModalityResult("finger", position, "not_captured") for position in held]
            if not held and not captures.fingers:
                missing = [ModalityResult("finger", reason="not_enrolled")]
            jobs.extend(partial(_Judged, result) for result in missing)
        return jobs

    def _against(
        self, slot: ModalityResult, extract: Callable[[bytes], Template], image: bytes, references: list[Reference]
    ) -> Callable[[], _Judged]:
        if not references:
            return partial(_not_enrolled, slot, image, slot.position or slot.modality)
        return partial(self._judge, slot, partial(extract, image), partial(self._open_reference, references[0]))

    def _judge(
        self, slot: ModalityResult, make_probe: Callable[[], Template], make_reference: Callable[[], Template]
    ) -> _Judged:
        """Probe against reference. What cannot be done is not assessed, with its reason, and never a match."""
        try:
            probe = make_probe()
            reference = make_reference()
            score = self._score(probe, reference)
            calibration = self._calibrations[probe.engine]
            evidence = calibration.assess(score)
        except CaptureInvalid:
            raise
        except InvalidImage as error:
            raise CaptureInvalid(error.code, slot.position or slot.modality) from error
        except NotAssessable as error:
            return _Judged(replace(slot, reason=error.reason))
        except IncompatibleTemplates:
            return _Judged(replace(slot, reason="engine_mismatch"))
        except InvalidTemplate:
            return _Judged(replace(slot, reason="template_damaged"))
        except Exception as error:  # noqa: BLE001 - one engine's fault must not take the decision with it
            _log.error("comparing a %s failed: %s", slot.modality, type(error).__name__)
            return _Judged(replace(slot, reason="engine_failed"))
        result = replace(
            slot, llr=evidence.llr, fmr=evidence.fmr, quality=float(probe.quality), extrapolated=evidence.extrapolated
        )
        return _Judged(result, (calibration, score))

    def _score(self, probe: Template, reference: Template) -> float:
        if isinstance(probe, FaceTemplate) and isinstance(reference, FaceTemplate):
            return self._face.compare(probe, reference)
        if isinstance(probe, FingerTemplate) and isinstance(reference, FingerTemplate):
            return self._finger.compare(probe, reference)
        raise IncompatibleTemplates("templates of two modalities")

    def _photo_reference(self, photo: bytes) -> Template:
        try:
            return self._face.extract(photo)
        except InvalidImage as error:
            raise CaptureInvalid(error.code, "chip_photo") from error
        except NotAssessable as error:
            raise NotAssessable("no_reference") from error

    def _open_reference(self, reference: Reference) -> Template:
        if reference.template is None:
            raise InvalidTemplate("template_damaged")
        if reference.engine not in self._calibrations:
            raise IncompatibleTemplates(reference.engine)
        if reference.modality == "face":
            return FaceTemplate.from_bytes(reference.template)
        return FingerTemplate.from_bytes(reference.template)

    def _enrolled(self, slot: ModalityResult, make: Callable[[], Template]) -> EnrolledTemplate | str:
        """A template to store, or the reason why there is none."""
        try:
            made = make()
        except InvalidImage as error:
            raise CaptureInvalid(error.code, slot.position or slot.modality) from error
        except NotAssessable as error:
            return error.reason
        return EnrolledTemplate(slot.modality, slot.position, made.engine, made.to_bytes(), float(made.quality))


def _faces(references: tuple[Reference, ...]) -> list[Reference]:
    return [one for one in references if one.modality == "face"]


def _not_enrolled(slot: ModalityResult, image: bytes, field: str) -> _Judged:
    """Nothing to compare with; what was sent must be an image all the same."""
    try:
        decode(image)
    except InvalidImage as error:
        raise CaptureInvalid(error.code, field) from error
    return _Judged(replace(slot, reason="not_enrolled"))
