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


class Recording:
    """A trace that keeps what it is called with: `stages` by their names, in the order they came."""

    def __init__(self) -> None:
        self.stages: dict[str, np.ndarray[Any, Any]] = {}

    def __call__(self, stage: str, result: np.ndarray[Any, Any]) -> None:
        """Keep a copy: stages may work on in their arrays."""
        self.stages[stage] = np.array(result)

    def under(self, name: str) -> Trace:
        """A trace that keeps its stages here as `name/stage`, for one of two fingers."""
        return lambda stage, result: self(f"{name}/{stage}", result)
