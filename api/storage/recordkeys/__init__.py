"""The keys of records, in a store of their own: who deletes a person's key has deleted what was sealed under it.

Every template is sealed under a key of its person's record (a card, an entry of the impostor list). These keys, wrapped
by the master key, lie in another database than what they open, with backups of their own that are kept for days. So a
key that is deleted takes the templates out of every backup of the data, however old it is.
"""

from api.storage.recordkeys.envelopes import KeyGone, open_sealed
from api.storage.recordkeys.store import RecordKeys

__all__ = ["KeyGone", "RecordKeys", "open_sealed"]
