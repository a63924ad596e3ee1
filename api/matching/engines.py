"""The real comparer: the face and finger engines side by side on a pool of threads, and the fusion of what they say."""

import logging
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import combinations
from pathlib import Path

from api.matching import calibrations as own_calibrations
from api.matching.captures import Captures, FingerCapture, Modality, Reference
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
from api.matching.digests import digest_of
from api.matching.guidance import Guidance, Guide
from api.matching.liveness import Judged as JudgedLiveness
from api.matching.liveness import LivenessJudge
from api.operations.metrics.counters import stage
from biometrics.errors import IncompatibleTemplates, InvalidImage, InvalidTemplate, NotAssessable
from biometrics.face import FaceEngine, FaceTemplate, Transform
from biometrics.face.packs import open_engine
from biometrics.face.parameters import SUFFICIENT_SIDE
from biometrics.finger import FingerEngine, FingerTemplate
from biometrics.finger.resampling import choose_dpi
from biometrics.images import decode
from biometrics.scoring.calibration import Calibration
from biometrics.scoring.fusion import combine

_log = logging.getLogger(__name__)

SAME_PERSON_FMR = 1e-3
"""Pictures that are enrolled as one person have to be as alike as the threshold of this FMR asks."""


@dataclass(frozen=True)
class _Probe:
    """A template, and the digest of the live capture that it was made of."""

    template: Template
    digest: bytes | None = field(default=None, repr=False)
    more_digests: tuple[bytes, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class _Judged:
    """A modality's result; behind an assessed one the comparison score with its calibration, and the digest."""

    result: ModalityResult
    scored: tuple[Calibration, float] | None = None
    digest: bytes | None = field(default=None, repr=False)
    probe: Template | None = field(default=None, repr=False)


class BiometricComparer:
    """Implements `Comparer`. One model session a pack, shared by the pool's threads, each of which takes one core."""

    def __init__(
        self,
        face: FaceEngine,
        finger: FingerEngine,
        threads: int,
        calibrations: Path | None = None,
        home: Path | None = None,
    ) -> None:
        self._face = face
        self._finger = finger
        self._calibrations = own_calibrations.load((face.engine, finger.engine), calibrations)
        self._versions = tuple((engine, one.version) for engine, one in self._calibrations.items())
        calibration = self._calibrations[face.engine]
        # Without a home there is no place where a passive pack could be.
        self._liveness = (
            LivenessJudge(face, calibration) if home is None else LivenessJudge.open(face, calibration, home)
        )
        self._guide = Guide(face, max(1, threads // 2))
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="compare")

    @classmethod
    def open(
        cls,
        home: Path,
        *,
        threads: int,
        calibrations: Path | None = None,
        face_pack: str = "sface",
        face_provider: str | None = None,
    ) -> "BiometricComparer":
        """Open the engines and run each once, so that no request waits for a compilation.

        `calibrations` is a folder of an operator's own; a face pack of an operator's own needs one there. Raises
        `ModelError`, `PackError`, `StatisticsError`, `CalibrationError`.
        """
        face, finger = open_engine(face_pack, home, provider=face_provider), FingerEngine.open(home)
        face.warm_up()
        finger.warm_up()
        return cls(face, finger, threads, calibrations, home)

    @property
    def engines(self) -> tuple[str, ...]:
        """The engines' identifiers, which stand in every piece of evidence."""
        return tuple(self._calibrations)

    @property
    def calibrations(self) -> Mapping[Modality, Calibration]:
        """See `Comparer.calibrations`."""
        found = self._calibrations
        return {"face": found[self._face.engine], "finger": found[self._finger.engine]}

    def guide(self, image: bytes) -> Guidance:
        """See `Comparer.guide`."""
        return self._guide.look(image)

    def opened(self, reference: Reference) -> Template:
        """See `Comparer.opened`."""
        return self._open_reference(reference)

    def enrol(self, captures: Captures) -> Enrolment:
        """See `Comparer.enrol`."""
        pending: list[tuple[ModalityResult, Future[tuple[EnrolledTemplate, _Probe] | str]]] = []
        if captures.face is not None:
            slot = ModalityResult("face")
            make_face = partial(self._faces_together, captures.face, captures.more_faces)
            pending.append((slot, self._pool.submit(self._enrolled, slot, make_face)))
        for capture in captures.fingers:
            slot = ModalityResult("finger", capture.position)
            make = partial(self._probe_finger, capture)
            pending.append((slot, self._pool.submit(self._enrolled, slot, make)))
        made = [(slot, future.result()) for slot, future in pending]
        enrolled = [outcome for _, outcome in made if not isinstance(outcome, str)]
        return Enrolment(
            tuple(template for template, _ in enrolled),
            tuple(replace(slot, reason=outcome) for slot, outcome in made if isinstance(outcome, str)),
            tuple(
                dict.fromkeys(
                    digest
                    for _, probe in enrolled
                    for digest in (probe.digest, *probe.more_digests)
                    if digest is not None
                )
            ),
        )

    def compare(
        self, captures: Captures, references: tuple[Reference, ...], searched: Collection[Modality] = ()
    ) -> PersonResult:
        """See `Comparer.compare`."""
        by_chip_photo = not references and captures.chip_photo is not None
        jobs = [self._face_job(captures, references, searched)]
        jobs.extend(self._finger_jobs(captures, references, searched))
        pending = [self._pool.submit(job) for job in jobs]
        chip = None if by_chip_photo else self._chip_photo_job(captures, references)
        chip_pending = None if chip is None else self._pool.submit(chip)
        # Taken up by a thread after the face's job, for which it waits in the end.
        live_pending = self._pool.submit(self._live, captures, pending[0]) if self._liveness.wanted(captures) else None
        judged = [future.result() for future in pending]
        live = JudgedLiveness(None) if live_pending is None else live_pending.result()
        chip_photo = None if chip_pending is None else chip_pending.result()
        _refuse_photograph(captures, judged)
        together = combine([one.scored for one in judged if one.scored is not None])
        return PersonResult(
            modalities=tuple(one.result for one in judged),
            consistency=None if together is None else together.consistency,
            llr=None if together is None else together.llr,
            fmr=None if together is None else together.fmr,
            chip_photo=None if chip_photo is None else chip_photo.result,
            liveness=live.result,
            by_chip_photo=by_chip_photo,
            engines=self.engines,
            calibrations=self._versions,
            extrapolated=together is not None and together.extrapolated,
            capture_digests=tuple(
                dict.fromkeys([*(one.digest for one in judged if one.digest is not None), *live.digests])
            ),
            probes=tuple(
                Probe(one.result.modality, one.result.position, one.probe) for one in judged if one.probe is not None
            ),
        )

    def _live(self, captures: Captures, face: Future[_Judged]) -> JudgedLiveness:
        def probe() -> FaceTemplate | None:
            made = face.result().probe
            return made if isinstance(made, FaceTemplate) else None

        try:
            with stage("liveness"):
                return self._liveness.judge(captures, probe)
        except CaptureInvalid:
            raise
        except Exception as error:  # noqa: BLE001 - as with a modality: what fails is not assessed, and not live
            _log.error("judging liveness failed: %s", type(error).__name__)
            return JudgedLiveness(LivenessResult("not_assessed", "engine_failed"))

    def _face_job(
        self, captures: Captures, references: tuple[Reference, ...], searched: Collection[Modality]
    ) -> Callable[[], _Judged]:
        slot = ModalityResult("face")
        if captures.face is None:
            return partial(_Judged, replace(slot, reason="not_captured"))
        if not references and captures.chip_photo is not None:
            photo = partial(self._photo_reference, captures.chip_photo)
            return partial(self._judge, slot, partial(self._probe_face, captures.face), photo)
        probe = partial(self._probe_face, captures.face)
        return self._against(slot, probe, captures.face, _faces(references), searched)

    def _chip_photo_job(self, captures: Captures, references: tuple[Reference, ...]) -> Callable[[], _Judged] | None:
        faces = _faces(references)
        if captures.chip_photo is None:
            return None
        if not faces:
            return partial(_not_enrolled, ModalityResult("face"), captures.chip_photo, "chip_photo")
        photo = partial(self._photo_reference, captures.chip_photo)
        return partial(
            self._judge,
            ModalityResult("face"),
            lambda: _Probe(photo()),
            partial(self._open_reference, faces[0]),
            faces[0].transform,
        )

    def _finger_jobs(
        self, captures: Captures, references: tuple[Reference, ...], searched: Collection[Modality]
    ) -> list[Callable[[], _Judged]]:
        """One job a captured finger; when the card holds none of those, also what it holds, or that it holds none."""
        held = {one.position: one for one in references if one.modality == "finger"}
        jobs = [
            self._against(
                ModalityResult("finger", capture.position),
                partial(self._probe_finger, capture),
                capture.image,
                [held[capture.position]] if capture.position in held else [],
                searched,
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
        self,
        slot: ModalityResult,
        make_probe: Callable[[], _Probe],
        image: bytes,
        references: list[Reference],
        searched: Collection[Modality],
    ) -> Callable[[], _Judged]:
        if not references and slot.modality in searched:
            return partial(self._probe_only, slot, make_probe)
        if not references:
            return partial(_not_enrolled, slot, image, slot.position or slot.modality)
        reference = references[0]
        return partial(self._judge, slot, make_probe, partial(self._open_reference, reference), reference.transform)

    def _judge(
        self,
        slot: ModalityResult,
        make_probe: Callable[[], _Probe],
        make_reference: Callable[[], Template],
        transform: Transform | None = None,
    ) -> _Judged:
        """Probe against reference. What cannot be done is not assessed, with its reason, and never a match.

        `transform`: what turned the reference's face; the probe is turned likewise.
        """
        made: _Probe | None = None
        try:
            made = make_probe()
            probe, reference = made.template, make_reference()
            score = self._score(probe, reference, transform)
            calibration = self._calibrations[probe.engine]
            evidence = calibration.assess(score)
        except CaptureInvalid:
            raise
        except InvalidImage as error:
            raise CaptureInvalid(error.code, slot.position or slot.modality) from error
        except NotAssessable as error:
            reason = error.reason
        except IncompatibleTemplates:
            reason = "engine_mismatch"
        except InvalidTemplate as error:
            reason = "template_erased" if error.code == "template_erased" else "template_damaged"
        except Exception as error:  # noqa: BLE001 - one engine's fault must not take the decision with it
            _log.error("comparing a %s failed: %s", slot.modality, type(error).__name__)
            reason = "engine_failed"
        else:
            figures = replace(
                slot,
                llr=evidence.llr,
                fmr=evidence.fmr,
                quality=float(probe.quality),
                extrapolated=evidence.extrapolated,
            )
            return _Judged(figures, (calibration, score), made.digest, probe)
        return _Judged(replace(slot, reason=reason), probe=None if made is None else made.template)

    def _probe_only(self, slot: ModalityResult, make_probe: Callable[[], _Probe]) -> _Judged:
        """Nothing to compare with, but the impostor list is searched all the same."""
        missing = replace(slot, reason="not_enrolled")
        try:
            return _Judged(missing, probe=make_probe().template)
        except InvalidImage as error:
            raise CaptureInvalid(error.code, slot.position or slot.modality) from error
        except NotAssessable:
            return _Judged(missing)
        except Exception as error:  # noqa: BLE001 - as above
            _log.error("looking at a %s failed: %s", slot.modality, type(error).__name__)
            return _Judged(replace(slot, reason="engine_failed"))

    def _score(self, probe: Template, reference: Template, transform: Transform | None) -> float:
        if isinstance(probe, FaceTemplate) and isinstance(reference, FaceTemplate):
            return self._face.compare(probe if transform is None else transform.turn(probe), reference)
        if isinstance(probe, FingerTemplate) and isinstance(reference, FingerTemplate):
            return self._finger.compare(probe, reference)
        raise IncompatibleTemplates("templates of two modalities")

    def _probe_face(self, image: bytes) -> _Probe:
        with stage("decode"):
            rgb = decode(image, sufficient_side=SUFFICIENT_SIDE).rgb
        with stage("face"):
            return _Probe(self._face.extract_pixels(rgb), digest_of(rgb))

    def _faces_together(self, image: bytes, more: tuple[bytes, ...]) -> _Probe:
        """One template of several pictures, which have to be of one person."""
        probes = [self._probe_face(picture) for picture in (image, *more)]
        made = [probe.template for probe in probes if isinstance(probe.template, FaceTemplate)]
        if len(made) == 1:
            return probes[0]
        calibration = self._calibrations[self._face.engine]
        for first, second in combinations(made, 2):
            if calibration.assess(self._face.compare(first, second)).fmr > SAME_PERSON_FMR:
                raise NotAssessable("pictures_disagree")
        digests = tuple(probe.digest for probe in probes if probe.digest is not None)
        return _Probe(self._face.consolidate(made), digests[0], digests[1:])

    def _probe_finger(self, capture: FingerCapture) -> _Probe:
        with stage("decode"):
            picture = decode(capture.image)
        with stage("finger"):
            template = self._finger.extract_pixels(picture.grey, dpi=choose_dpi(capture.dpi, picture.dpi))
        return _Probe(template, digest_of(picture.grey))

    def _photo_reference(self, photo: bytes) -> Template:
        try:
            return self._face.extract(photo)
        except InvalidImage as error:
            raise CaptureInvalid(error.code, "chip_photo") from error
        except NotAssessable as error:
            raise NotAssessable("no_reference") from error

    def _open_reference(self, reference: Reference) -> Template:
        if reference.template is None:
            raise InvalidTemplate("template_erased" if reference.erased else "template_damaged")
        if reference.engine not in self._calibrations:
            raise IncompatibleTemplates(reference.engine)
        if reference.modality == "face":
            return FaceTemplate.from_bytes(reference.template)
        return FingerTemplate.from_bytes(reference.template)

    def _enrolled(self, slot: ModalityResult, make: Callable[[], _Probe]) -> tuple[EnrolledTemplate, _Probe] | str:
        """A template to store and what it was made of, or the reason why there is none."""
        try:
            probe = make()
        except InvalidImage as error:
            raise CaptureInvalid(error.code, slot.position or slot.modality) from error
        except NotAssessable as error:
            return error.reason
        made = probe.template
        return EnrolledTemplate(slot.modality, slot.position, made.engine, made.to_bytes(), float(made.quality)), probe


def _faces(references: tuple[Reference, ...]) -> list[Reference]:
    return [one for one in references if one.modality == "face"]


def _refuse_photograph(captures: Captures, judged: list[_Judged]) -> None:
    """The chip's photograph, sent once more as the live face, is a picture and not the person."""
    face = judged[0].digest
    if face is not None and captures.chip_photo is not None:
        photo = decode(captures.chip_photo, sufficient_side=SUFFICIENT_SIDE).rgb
        if digest_of(photo) == face:
            raise CaptureInvalid("capture_duplicate", "face")


def _not_enrolled(slot: ModalityResult, image: bytes, field: str) -> _Judged:
    """Nothing to compare with; what was sent must be an image all the same."""
    try:
        decode(image)
    except InvalidImage as error:
        raise CaptureInvalid(error.code, field) from error
    return _Judged(replace(slot, reason="not_enrolled"))
