"""Is a living person before the camera? A challenge answered over a burst of frames, and a passive network.

`assess` puts what there is together. What was not judged is `not assessable`, with the reason, and never `live`.
"""

from .burst import Frame, judge
from .challenge import Action, Challenge, draw
from .passive import PassiveDetector
from .verdict import Outcome, Verdict, assess

__all__ = ["Action", "Challenge", "Frame", "Outcome", "PassiveDetector", "Verdict", "assess", "draw", "judge"]
