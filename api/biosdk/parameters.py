"""Names that MOSIP fixes, and bounds of what is asked for at once."""

from typing import Final

PREFIX: Final = "/biosdk-service"
SPECIFICATION: Final = "1.0"
"""Of the service: requests name it."""
API_VERSION: Final = "0.9"
"""Of the Java interface behind it (IBioApiV2); MOSIP's provider refuses another."""

ISO_FORMATS: Final = "257"
"""The organisation ISO/IEC JTC 1/SC 37 among those of CBEFF."""
MINUTIAE_FORMAT: Final = "2"
"""Its minutiae records."""
OURS: Final = "Renzheng"
"""The organisation of formats and algorithms of our own, as no number of CBEFF's register stands for it."""

MAX_SEGMENTS: Final = 64
"""Of one record: ten fingers, two irises and a face, and as many again a few times."""
MAX_GALLERY: Final = 1000
MAX_EXTRACTIONS: Final = 128
"""Pictures in one request, of which templates have to be made. Who has more sends templates."""
MAX_PIXELS_AT_ONCE: Final = 50_000_000
"""Of all these pictures together, as their headers state them, fingers at 500 dpi. A print takes 0.6 microseconds of
a core for each (0.09 s for an ordinary one of 0.15 megapixels, 0.74 s for the largest), so that no request is worth
more than half a minute; a picture of 1.2 megapixels can be a file of 1 kB. Ten fingers and a face of one person are 3
to 8 million."""
MAX_COMPARISONS: Final = 20_000
"""Pairs in one request, at 1.5 to 2 ms each: ten known fingers with those of each of a full gallery are half of it."""
MAX_BRACKETS, MAX_QUOTES = 65_536, 262_144
"""Objects and lists, and names and texts, of a request: a record of 64 segments has some 600 and 4,000. Numbers are not
counted, for MOSIP sends bytes as such."""
