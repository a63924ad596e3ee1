"""Constants of the institutions' room: how long keys overlap, and how near a signature's time must be."""

OVERLAP_S = 24 * 3600
"""How long a rotated key lives on beside its replacement, unless said."""

MOST_OVERLAP_S = 7 * 24 * 3600
"""How long it may live on at most."""

LEAST_LIFETIME_S = 60
MOST_LIFETIME_S = 10 * 366 * 24 * 3600
"""The lifetimes that a key may be made for; without one it lives until it is revoked."""

SIGNATURE_WINDOW_S = 60
"""How far a signature's `created` may lie from the database's clock, in either direction."""

MOST_LEVELS = 8
"""How deep branches of branches go, the uppermost institution included."""

LARGEST_PAGE = 200
"""The most entries that a list answers at once."""
