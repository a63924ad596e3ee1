"""ONNX model packs: what there is, under which licence, how it is fetched, converted and opened."""

from .sessions import ResearchOnlyWarning, open_session
from .store import home

__all__ = ["ResearchOnlyWarning", "home", "open_session"]
