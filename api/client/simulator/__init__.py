"""Counter terminals for tests and load: each asks for a nonce, captures, verifies, and begins again.

    with Counters(clients, shown) as counters:
        counters.await_answers(2)
    print(counters.summary())

What people show is the caller's: a picture is taken once, so that `Shown.take` has to give another shot each time.
"""

from .counters import Counters
from .visits import Shown, Summary, Visit, summarise

__all__ = ["Counters", "Shown", "Summary", "Visit", "summarise"]
