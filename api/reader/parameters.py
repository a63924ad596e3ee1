"""Constants of the reader bridge."""

VERSION = 1
"""Of the protocol. A page says which ones it knows, and the bridge which one it speaks."""

DEFAULT_PORT = 8471

LARGEST_MESSAGE = 64 * 1024
"""What a page may send at once, in bytes: its messages are short."""

READING_S = 0.8
"""How long the simulator's reader takes for a card, as real ones do."""

PRESSING_S = 1.0
"""How long after it is asked for the simulator's scanner has a finger."""

WATCH_S = 0.05
"""How often it looks whether somebody presses it after all."""

PHOTO_BYTES = 1024
FINGER_BYTES = 512
"""Sizes of the chip's photograph and of each of its two fingerprint records, which are passed on and never read."""

SUPERSEDED = 4001
UNKNOWN_VERSION = 4002
"""Codes with which the bridge closes a connection: another page took over; no version in common."""
