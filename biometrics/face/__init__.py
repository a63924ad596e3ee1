"""Faces: a picture to a template, and two templates to a comparison score."""

from .assessment import Assessment
from .detection import Face
from .engine import Embedded, FaceEngine
from .statistics import Statistics, StatisticsError
from .template import FaceTemplate
from .transform import Transform

__all__ = ["Assessment", "Embedded", "Face", "FaceEngine", "FaceTemplate", "Statistics", "StatisticsError", "Transform"]
