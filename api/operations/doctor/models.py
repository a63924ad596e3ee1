"""The model packs, their licences, and how their scores are read."""

from collections.abc import Iterator
from importlib.util import find_spec

from api.operations.doctor.findings import Finding, found
from api.operations.doctor.subject import Subject
from api.verification import policy
from biometrics.face.packs import INSIGHTFACE
from models import catalogue, install

DEFAULT_FACE = "sface"


def packs(examined: Subject) -> Iterator[Finding]:
    """The default packs are there, whole (every file's SHA-256 is computed) and of this version."""
    for pack in catalogue.default_packs():
        if pack.name == DEFAULT_FACE and examined.settings.face_pack != DEFAULT_FACE:
            continue
        state = install.state(pack.name, examined.settings.home)
        if state == "missing":
            yield found("pack_missing", pack=pack.name)
        elif state == "outdated":
            yield found("pack_outdated", pack=pack.name)
        elif state == "damaged":
            yield found("pack_damaged", pack=pack.name)


def other_packs(examined: Subject) -> Iterator[Finding]:
    """Packs that somebody added: a damaged one is not used, and nobody would know."""
    for pack in catalogue.packs():
        if not pack.default and install.state(pack.name, examined.settings.home) in {"damaged", "outdated"}:
            yield found("pack_unusable", pack=pack.name)


def licences(examined: Subject) -> Iterator[Finding]:
    """Packs that may be used for research only."""
    given = examined.settings
    if given.face_pack.startswith(INSIGHTFACE):
        yield found("pack_in_use_research_only", pack=given.face_pack)
    for pack in catalogue.packs():
        if pack.research_only and install.state(pack.name, given.home) != "missing":
            yield found("pack_installed_research_only", pack=pack.name, licence=pack.licence)


def provider(examined: Subject) -> Iterator[Finding]:
    """What computes the face's network is installed."""
    wanted = examined.settings.face_provider
    if wanted == "openvino" and find_spec("openvino") is None:
        yield found("provider_missing", provider=wanted)
    elif wanted is not None and wanted != "openvino":
        import onnxruntime

        if wanted not in onnxruntime.get_available_providers():
            yield found("provider_missing", provider=wanted)


def rules(examined: Subject) -> Iterator[Finding]:
    """The decision policy can be read."""
    try:
        policy.load(examined.settings.policy_path)
    except policy.PolicyInvalid as error:
        yield found("policy_unusable", why=" ".join(str(error).split()))


def calibrations(examined: Subject) -> Iterator[Finding] | None:
    """The operator's own calibrations fit the engines. None where the shipped ones are in use."""
    folder = examined.settings.calibration_path
    return None if folder is None or examined.settings.face_pack != DEFAULT_FACE else _own_calibrations(examined)


def _own_calibrations(examined: Subject) -> Iterator[Finding]:
    from api.matching import calibrations as own
    from biometrics.scoring.errors import CalibrationError

    try:
        own.load(own.PACKS, examined.settings.calibration_path)
    except (CalibrationError, OSError) as error:
        yield found("calibration_unusable", why=" ".join(str(error).split()))


CHECKS = (packs, other_packs, licences, provider, rules, calibrations)
