"""ONNX model packs: what there is, under which licence, how it is fetched, converted and opened."""

from .telemetry import switch_off

switch_off()

from .sessions import (  # noqa: E402 - loads onnxruntime, which reads the switch
    ResearchOnlyWarning,
    open_session,
    open_weights,
    read_network,
)
from .store import home  # noqa: E402

__all__ = ["ResearchOnlyWarning", "home", "open_session", "open_weights", "read_network"]
