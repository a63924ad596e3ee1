"""Is a living person before the camera? A challenge answered over a burst of frames, and a passive network.

`assess` puts what there is together. What was not judged is `not assessable`, with the reason, and never `live`.
"""

from .burst import Frame, judge
from .challenge import WORDS, Action, Challenge, draw
from .film import observe
from .passive import PassiveDetector
from .verdict import Outcome, Verdict, assess

__all__ = [
    "WORDS",
    "Action",
    "Challenge",
    "Frame",
    "Outcome",
    "PassiveDetector",
    "Verdict",
    "assess",
    "draw",
    "judge",
    "observe",
]
