"""A trace: what every stage made, for tests, pictures and explanations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

Trace: TypeAlias = Callable[[str, np.ndarray[Any, Any]], None]
"""Called with a stage's name and its result while a finger is extracted or compared. What it receives is biometric data
or the capture itself: a trace belongs in a test or on an expert's screen, never in a log."""


def untraced(stage: str, result: np.ndarray[Any, Any]) -> None:
    """The trace that forgets everything."""
