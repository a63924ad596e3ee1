"""`/init`: what this engine is and can do."""

from importlib.metadata import version
from typing import Any

from api.biosdk.engines import Engines
from api.biosdk.parameters import API_VERSION, OURS
from api.biosdk.records import SUPPORTED
from api.biosdk.statuses import OperationFailed, Status


def init(request: dict[str, Any], engines: Engines) -> dict[str, Any]:
    """MOSIP's `SDKInfo`. The parameters, addresses of other services among them, are for MOSIP's client alone."""
    if not isinstance(request.get("initParams") or {}, dict):
        raise OperationFailed(Status.INVALID_INPUT, "initParams")
    functions = ("MATCH", "QUALITY_CHECK", "EXTRACT")
    return {
        "apiVersion": API_VERSION,
        "sdkVersion": version("renzheng"),
        "supportedModalities": list(SUPPORTED),
        "supportedMethods": {function: list(SUPPORTED) for function in functions},
        "otherInfo": {
            "faceEngine": engines.face.engine,
            "fingerEngine": engines.finger.engine,
            "matchFmr": f"{engines.match_fmr:.3g}",
            **{f"calibration {engine}": one.version for engine, one in engines.calibrations.items()},
        },
        "productOwner": {"organization": OURS, "type": "open source"},
    }
