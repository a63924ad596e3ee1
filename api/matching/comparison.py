"""What a comparison says, and the seam at which one is asked for: all that the service knows of engines."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from api.matching.captures import Captures, FingerPosition, Modality, Reference
from biometrics.face import FaceTemplate
from biometrics.finger import FingerTemplate
from biometrics.scoring.calibration import Calibration

if TYPE_CHECKING:
    from api.matching.guidance import Guidance

Template = FaceTemplate | FingerTemplate


@dataclass(frozen=True)
class ModalityResult:
    """One modality: assessed with a log-likelihood ratio (natural logarithm) and its FMR, or not, with the reason.

    `extrapolated`: the FMR lies below what the calibration's data could measure.
    """

    modality: Modality
    position: FingerPosition | None = None
    reason: str | None = None
    llr: float | None = None
    fmr: float | None = None
    quality: float | None = None
    extrapolated: bool = False

    @property
    def assessed(self) -> bool:
        """Whether there is a result at all; what is not assessed never counts as a match."""
        return self.reason is None


@dataclass(frozen=True)
class LivenessResult:
    """Whether a living person was before the camera: `attack` and `not_assessed` with the reason, a code.

    `challenge` and `passive` say what judged: the answer to a challenge, a network that looks at the face's picture.
    Where it was the network alone, and it saw nothing wrong, the outcome is `not_assessed` (`no_challenge`).
    """

    outcome: Literal["live", "attack", "not_assessed"]
    reason: str | None = None
    challenge: bool = False
    passive: bool = False


@dataclass(frozen=True)
class Probe:
    """The template of a live capture, for as long as its verification lasts."""

    modality: Modality
    position: FingerPosition | None
    template: Template = field(repr=False)


@dataclass(frozen=True)
class PersonResult:
    """All modalities, and what the assessed ones say together; the three figures are None when none was assessed.

    `liveness` is None where nothing judges it: there was no burst, and no passive pack is installed.
    `chip_photo` compares the chip's photograph with the registered face; `by_chip_photo` says that the register held
    nothing and the live face was compared with that photograph, which alone passes nobody. `calibrations` names each
    engine's, with its version. `capture_digests` are
    SHA-256 over shape and pixels of every live capture that was assessed. `probes` are the templates of the live
    captures, which are searched for on the impostor list.
    """

    modalities: tuple[ModalityResult, ...]
    consistency: float | None = None
    llr: float | None = None
    fmr: float | None = None
    chip_photo: ModalityResult | None = None
    by_chip_photo: bool = False
    engines: tuple[str, ...] = ()
    calibrations: tuple[tuple[str, str], ...] = ()
    extrapolated: bool = False
    liveness: LivenessResult | None = None
    capture_digests: tuple[bytes, ...] = field(default=(), repr=False)
    probes: tuple[Probe, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class EnrolledTemplate:
    """A template to store."""

    modality: Modality
    position: FingerPosition | None
    engine: str
    template: bytes
    quality: float


@dataclass(frozen=True)
class Enrolment:
    """Templates made of captures with the captures' digests, and for every capture that gave none its reason."""

    templates: tuple[EnrolledTemplate, ...]
    failures: tuple[ModalityResult, ...]
    capture_digests: tuple[bytes, ...] = field(default=(), repr=False)


class CaptureInvalid(Exception):
    """A capture is no acceptable one: `code` says why, `field` which one (`face` or a finger position)."""

    def __init__(self, code: str, field: str) -> None:
        super().__init__(code)
        self.code = code
        self.field = field


class Comparer(Protocol):
    """The engines behind one door. Implementations must be safe to call from several threads.

    `enrol` and `compare` raise `CaptureInvalid` for a capture that is no acceptable image, `compare` also for a live
    face that is the chip's photograph itself (`capture_duplicate`).
    """

    def enrol(self, captures: Captures) -> Enrolment:
        """Make reference templates of a face picture and fingers."""

    def compare(
        self, captures: Captures, references: tuple[Reference, ...], searched: Collection[Modality] = ()
    ) -> PersonResult:
        """Compare captures with references; with no face reference, the face with the chip's photograph.

        Captures of the modalities `searched` become probes also where the card holds nothing to compare them with.
        """

    def guide(self, image: bytes) -> "Guidance":
        """What the person can do for a better picture of the face. Raises `GuidanceBusy`."""

    @property
    def calibrations(self) -> Mapping[Modality, Calibration]:
        """What the scores of the engines in use mean; none for a modality that is not searched."""

    def opened(self, reference: Reference) -> Template:
        """A stored template. Raises `InvalidTemplate`, and `IncompatibleTemplates` for another engine's."""
