"""How long and how large a request may be on its way, whoever sends it: see `connections.py` and `body.py`."""

HEAD_S = 20.0
"""Seconds from a connection, or a request's first byte, to the end of its headers."""

BODY_S = 60.0
"""Seconds for a body to arrive: 16 MiB at 2.2 Mbit/s. Then `body_incomplete` is answered."""

GRACE_S = 10.0
"""Seconds after that until the connection is closed, so that the answer is read."""

HEAD_BYTES = 64 * 1024
"""Request line, headers, trailers, and what frames the chunks of a body, beyond as much again as the body has."""
