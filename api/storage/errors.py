"""What storage raises."""


class StorageError(Exception):
    """Base of this room's errors; the text is for operators and holds no data of persons."""


class DatabaseUnavailable(StorageError):
    """The database cannot be reached or does not answer in time; try again."""


class DatabaseBusy(DatabaseUnavailable):
    """Every connection of the pool is in use for longer than the time-out; try again in a moment."""


class DatabaseAddressInvalid(StorageError):
    """The address of the database is none, or another kind of server's."""


class KeyUnavailable(StorageError):
    """A key file is missing, unreadable or of the wrong length."""


class MasterKeyUnavailable(DatabaseUnavailable):
    """The master key lies elsewhere, and that does not answer; try again."""


class KeyStoreForeign(StorageError):
    """The store of record keys is another deployment's."""


class KeyStoreUnusable(StorageError):
    """The store of record keys cannot be made where it is to be."""


class SealBroken(StorageError):
    """A sealed value does not open: altered, moved to another record, or sealed under another key."""
