"""Constants of the cards room."""

from zoneinfo import ZoneInfo

# Validity dates are days at this place, wherever the service runs.
TIMEZONE = ZoneInfo("Asia/Shanghai")

# GB 11643-1999: weights of the first 17 digits, and the check character for each remainder modulo 11.
CHECK_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_CHARACTERS = "10X98765432"

# The chip's text block: field names with their lengths in bytes, UTF-16LE, space padded, 256 in all.
TEXT_FIELDS = (
    ("name", 30),
    ("sex", 2),
    ("nation", 4),
    ("birth", 16),
    ("address", 70),
    ("number", 36),
    ("issuer", 30),
    ("valid_from", 16),
    ("valid_to", 16),
    ("reserved", 36),
)
TEXT_BYTES = 256
# Where in the block other cards that answer on the same readers name their kind; a resident card has a space there.
TYPE_SIGN_AT = 248
LONG_TERM = "长期"
