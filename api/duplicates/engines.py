"""What does the work of a search, and what opens the stored templates for it."""

import socket
from collections.abc import Callable, Mapping
from importlib.util import find_spec

from api.duplicates.parameters import CLUSTER_S
from api.duplicates.ray import ClusterLost, Ray, RayMissing
from api.duplicates.words import EngineName
from api.matching.captures import Modality, Reference
from api.matching.comparison import Template
from biometrics.duplicates import Engine, Local, Register, Rule
from biometrics.errors import IncompatibleTemplates, InvalidTemplate
from biometrics.face import FaceTemplate
from biometrics.finger import FingerTemplate
from biometrics.scoring.calibration import Calibration


def opener(name: EngineName, threads: int, address: str | None = None) -> Callable[[Register, Rule], Engine]:
    """What makes an engine for a register and a rule: on so many of this machine's cores, or on the Ray cluster at an
    address, None for one that is started here.

    Raises `RayMissing` where Ray is asked for and not installed, `ClusterLost` where nobody listens at the address.
    """
    if name is EngineName.LOCAL:
        return lambda register, rule: Local(register, rule, threads=threads)
    if find_spec("ray") is None:
        raise RayMissing
    if address not in {None, "auto"}:
        _require_reachable(str(address))
    return lambda register, rule: Ray(register, rule, address=address, shards=None if address else threads)


def _require_reachable(address: str) -> None:
    """Ray itself tries an address for a quarter of an hour."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=CLUSTER_S).close()
    except (OSError, ValueError, OverflowError) as error:
        raise ClusterLost from error


class StoredTemplates:
    """What of a `Comparer` a search needs, without a network: templates are opened and compared, none is made."""

    def __init__(self, calibrations: Mapping[Modality, Calibration]) -> None:
        self._calibrations = calibrations

    @property
    def calibrations(self) -> Mapping[Modality, Calibration]:
        """See `Comparer.calibrations`."""
        return self._calibrations

    def opened(self, reference: Reference) -> Template:
        """See `Comparer.opened`."""
        if reference.template is None:
            raise InvalidTemplate("template_damaged")
        if reference.engine != self._calibrations[reference.modality].engine:
            raise IncompatibleTemplates(reference.engine)
        if reference.modality == "face":
            return FaceTemplate.from_bytes(reference.template)
        return FingerTemplate.from_bytes(reference.template)
