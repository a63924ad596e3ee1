"""Faces: a picture to a template, and two templates to a comparison score."""

from .detection import Face
from .engine import FaceEngine
from .template import FaceTemplate

__all__ = ["Face", "FaceEngine", "FaceTemplate"]
