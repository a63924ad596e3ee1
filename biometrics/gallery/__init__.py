"""Who among many looks like this one? Galleries of face templates (1:N), and how they are kept on disk."""

from biometrics.gallery.entries import ALWAYS, Entries, Hits, entries_of
from biometrics.gallery.gallery import Condition, Gallery
from biometrics.gallery.rows import Precision
from biometrics.gallery.snapshot import SnapshotError, load, save

__all__ = [
    "ALWAYS",
    "Condition",
    "Entries",
    "Gallery",
    "Hits",
    "Precision",
    "SnapshotError",
    "entries_of",
    "load",
    "save",
]
