"""Bounds of what is read of records and envelopes. They come from anybody, so each is checked before work is done."""

from __future__ import annotations

from biometrics.images.parameters import MAX_BYTES

MAX_RECORD_BYTES = MAX_BYTES + 64 * 1024
"""A picture as large as any is accepted, with what records say around it."""

MAX_PICTURES = 64
"""In one record. Ten fingers, each a few times over, are what systems write."""

MAX_POINTS = 1024
"""Landmarks of one face: MPEG-4 names 84, anthropometry some dozens."""

MAX_ENVELOPE_BYTES = 32 * 1024 * 1024
"""A person's BIRs: ten fingers, two irises and a face, in base64, are below 8 MB."""

MAX_BIRS = 256
MAX_DEPTH = 8
"""Of elements in each other. A person's BIR in a set in an envelope, and what stands in it, are 6."""

MAX_ELEMENTS = 16_384
MAX_ATTRIBUTES = 16
"""Of one element: a namespace or two, and the key of an entry."""

MAX_TAG_BYTES, FED_BYTES = 8192, 4096
"""Of a tag, comment or instruction, and how much the parser is given at once. It writes each prefixed name with the
whole name of its namespace: a tag of two thousand attributes under a name of a megabyte took 15 s and 6 GB."""

MAX_NAME = 512
"""Characters of an element's or attribute's name with its namespace, which is written out in each and kept: three
megabytes of short tags, each with names of its own under a namespace of 8 kB, took 4 GB."""

MAX_TEXT = 4096
"""Characters of one word or name; only the blocks of data are longer."""
