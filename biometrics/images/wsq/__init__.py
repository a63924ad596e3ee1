"""Wavelet scalar quantisation, the FBI's format for fingerprint images (IAFIS-IC-0110 v3.1, "WSQ Gray-scale
Fingerprint Image Compression Specification"): reading only.

The one reader in the registry wraps NIST's C code, which reads and writes out of bounds on damaged files (two of 400
randomly damaged files ended the process). Bytes from a terminal must not be able to do that, hence this reader.
"""

from .container import Frame, read
from .decoding import decode

__all__ = ["Frame", "decode", "read"]
